// SPDX-License-Identifier: MPL-2.0

//! Items side by side: what models met, what is right, what each answered.

use std::fmt::Write;
use std::time::Duration;

use gst::glib::base64_encode;
use maud::{Markup, html};

use super::super::examples::{Answered, Clip, Example, Examples, Jpeg, Mark, Shown};
use super::figures::agreement as agreed;
use super::tables::file;
use crate::report::numbers::{NBSP, isolated, moment};

/// Height of a wave in its own units.
const WAVE: f32 = 60.0;

/// Colors of classes.
const COLORS: u32 = 7;

pub fn section(examples: &Examples) -> Markup {
    html! {
        @if !examples.items.is_empty() {
            h2 { "Side by side" }
            @for (number, it) in examples.items.iter().enumerate() {
                (item(number, it))
                // What is true of all is told once, below the last of them.
                @let next = examples.items.get(number + 1);
                @if !it.told.is_empty() && next.is_none_or(|next| next.told != it.told) { p.note { (it.told) } }
            }
        }
        @if !examples.notes.is_empty() {
            div.notes { @for note in &examples.notes { p { (note) } } }
        }
    }
}

fn item(number: usize, it: &Example) -> Markup {
    let seconds = Duration::try_from_secs_f64(it.seconds).unwrap_or_default();
    let place = match seconds.is_zero() && it.index == 0 {
        true => isolated(&file(&it.path)),
        false => format!("{}, {}", isolated(&file(&it.path)), moment(seconds)),
    };
    html! {
        section.example {
            h3 { (it.why) " " span.soft { (place) } }
            div.tiles style=(format!("--columns:{}", columns(1 + usize::from(it.truth.is_some()) + it.answers.len()))) {
                (tile(number, "what the models met", None, &it.input, it))
                @if let Some(truth) = &it.truth { (tile(number, &it.truth_is, None, truth, it)) }
                @for answer in &it.answers { (tile(number, &isolated(&answer.model), Some(answer), &answer.shown, it)) }
            }
        }
    }
}

/// Of so many tiles in a row that rows are filled.
fn columns(tiles: usize) -> usize {
    let rows = tiles.div_ceil(5).max(1);
    tiles.div_ceil(rows)
}

fn tile(item: usize, name: &str, answer: Option<&Answered>, shown: &Shown, of: &Example) -> Markup {
    let words: Vec<String> = shown.words.iter().map(|it| isolated(it)).collect();
    let labels: Vec<String> = shown.marks.iter().map(|it| isolated(&it.label)).collect();
    let alt = match labels.is_empty() {
        true => name.to_string(),
        false => format!("{name}: {}", labels.join(", ")),
    };
    // Others lie on the picture of the input.
    let id = format!("input-{item}");
    let is_input = std::ptr::eq(shown, &of.input);
    html! {
        figure.tile {
            @if let Some(own) = &shown.picture {
                (marked(own, &shown.marks, &alt, is_input.then_some(&id), None))
            } @else if let (true, Some(base)) = (shown.is_on_input, &of.input.picture) {
                (marked(base, &shown.marks, &alt, None, Some(&id)))
            }
            @if let Some(clip) = &shown.sound { (player(clip, name, peak(of))) }
            figcaption {
                span { b { (name) } }
                @if let Some(agreement) = answer.and_then(|it| it.agreement) { span { "agreement " (agreed(agreement)) } }
            }
            @for line in &words { p.said dir="auto" { (line) } }
            @if let Some(difference) = answer.and_then(|it| it.difference.as_ref()) {
                (picture(difference, &format!("Difference of {name} from what is right")))
            }
        }
    }
}

/// A picture with its marks; drawn once, it can be used again by its id.
fn marked(base: &Jpeg, marks: &[Mark], alt: &str, id: Option<&String>, from: Option<&String>) -> Markup {
    let (width, height) = (f64::from(base.width.max(1)), f64::from(base.height.max(1)));
    html! {
        svg.shot viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(alt) {
            @match from {
                Some(from) => use href=(format!("#{from}")) {},
                None => image id=[id] href=(data(base)) width=(width) height=(height) {},
            }
            @for it in marks {
                @let color = format!("m{}", it.class % COLORS);
                @let (x, y) = (it.x * width, it.y * height);
                rect class=(color) x=(tenth(x)) y=(tenth(y)) width=(tenth(it.width * width)) height=(tenth(it.height * height)) {}
                @if !it.label.is_empty() {
                    // Inside where there is no room above.
                    @let above = if y < 13.0 { y + 11.0 } else { y - 3.0 };
                    // To the left where there is no room to the right.
                    @let is_end = width < x + 6.8 * it.label.chars().count() as f64;
                    @let x = if is_end { (x + it.width * width).min(width) - 1.0 } else { x.max(0.0) + 1.0 };
                    text class={ (color) @if is_end { " end" } } x=(tenth(x)) y=(tenth(above)) { (isolated(&it.label)) }
                }
            }
        }
    }
}

fn picture(it: &Jpeg, alt: &str) -> Markup {
    html! { img.shot src=(data(it)) width=(it.width) height=(it.height) alt=(alt); }
}

fn data(it: &Jpeg) -> String {
    format!("data:image/jpeg;base64,{}", base64_encode(&it.bytes))
}

/// The loudest sample of all sounds of an item: their waves are drawn to one scale.
fn peak(of: &Example) -> f32 {
    let shown = [Some(&of.input), of.truth.as_ref()].into_iter().flatten();
    let all = shown.chain(of.answers.iter().map(|it| &it.shown));
    let waves = all.filter_map(|it| it.sound.as_ref()).flat_map(|it| &it.wave);
    waves.map(|it| it.0.abs().max(it.1.abs())).fold(0.01, f32::max)
}

fn player(clip: &Clip, name: &str, peak: f32) -> Markup {
    let columns = clip.wave.len();
    let what = format!("{name}: sound, one channel of {}{NBSP}Hz", clip.rate);
    html! {
        svg.wave viewBox=(format!("0 0 {columns} {WAVE}")) preserveAspectRatio="none" role="img" aria-label=(format!("Wave of {name}")) {
            path d=(outline(&clip.wave, peak)) {}
        }
        @if !clip.wav.is_empty() {
            audio controls preload="metadata" src=(format!("data:audio/wav;base64,{}", base64_encode(&clip.wav))) aria-label=(what) {}
        }
    }
}

/// Up along the highest samples and back along the lowest ones.
fn outline(wave: &[(f32, f32)], peak: f32) -> String {
    let y = |sample: f32| WAVE / 2.0 * (1.0 - (sample / peak).clamp(-1.0, 1.0));
    let mut path = String::new();
    let above = wave.iter().enumerate().map(|(x, it)| (x, y(it.1) - 0.4));
    let below = wave.iter().enumerate().rev().map(|(x, it)| (x, y(it.0) + 0.4));
    for (position, (x, y)) in above.chain(below).enumerate() {
        let _ = write!(path, "{}{x} {y:.1}", if position == 0 { 'M' } else { 'L' });
    }
    path + "Z"
}

fn tenth(value: f64) -> f64 {
    (10.0 * value).round() / 10.0
}
