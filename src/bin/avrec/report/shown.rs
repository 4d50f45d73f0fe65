// SPDX-License-Identifier: MPL-2.0

//! What came out: frames to look at, sound to see and to hear.

use std::fmt::Write;

use gst::glib::base64_encode;
use maud::{Markup, html};

use super::numbers::{isolated, milliseconds, moment};
use crate::record::Answerer;
use crate::tap::{Clip, Occasion, Picture, Shown, Sound};

/// Height of the wave in its own units; it is as wide as it has columns.
const WAVE: f32 = 100.0;

pub fn section(shown: &Shown) -> Markup {
    html! {
        @if !shown.is_empty() {
            h2 { "What came out" }
            @if !shown.pictures.is_empty() {
                div.pictures { @for picture in &shown.pictures { (figure(picture)) } }
            }
            @if let Some(sound) = &shown.sound { (player(sound)) }
        }
    }
}

fn figure(picture: &Picture) -> Markup {
    let Picture {
        width,
        height,
        frame_size,
        ..
    } = picture;
    let source = format!("data:image/jpeg;base64,{}", base64_encode(&picture.jpeg));
    let caption = caption(picture);
    let labels: Vec<String> = picture.boxes.iter().map(|it| isolated(&it.label)).collect();
    let alt = match labels.as_slice() {
        [] => format!("Frame of {} by {} pixels: {caption}", frame_size.0, frame_size.1),
        labels => format!("{caption}; regions: {}", labels.join(", ")),
    };
    let per_cent = |part: f64| format!("{:.2}%", 100.0 * part);
    html! {
        figure.picture {
            div.frame style=(format!("max-width:{width}px")) {
                img src=(source) width=(width) height=(height) alt=(alt);
                @if !picture.boxes.is_empty() {
                    svg aria-hidden="true" {
                        @for it in &picture.boxes {
                            rect x=(per_cent(it.x)) y=(per_cent(it.y)) width=(per_cent(it.width)) height=(per_cent(it.height)) {}
                        }
                    }
                }
            }
            figcaption {
                span { (caption) }
                @if !labels.is_empty() { span { (labels.join(", ")) } }
            }
        }
        "\n"
    }
}

/// `12.24 s, medium (floor): stood in for one that was too slow`
fn caption(picture: &Picture) -> String {
    let at = moment(picture.moment.at);
    let told = |candidate: &String, answer| {
        let candidate = candidate.clone();
        isolated(&Answerer { candidate, answer }.to_string())
    };
    match &picture.moment.occasion {
        Occasion::First { candidate, answer } => format!("{at}, first by {}", told(candidate, *answer)),
        Occasion::Missed {
            candidate,
            answer,
            latency,
        } => format!(
            "{at}, missed: {} left after {}",
            told(candidate, *answer),
            milliseconds(*latency)
        ),
        Occasion::Passed => at,
    }
}

fn player(sound: &Sound) -> Markup {
    let columns = sound.wave.len();
    let channels = match sound.channels {
        1 => "1 channel".to_string(),
        several => format!("{several} channels, shown as one"),
    };
    let told = format!(
        "Sound of {:.1} seconds, {} Hz, {channels}.",
        sound.length.as_secs_f64(),
        sound.rate
    );
    html! {
        figure {
            figcaption { b { "The sound" } span { (told) } }
            svg.wave viewBox=(format!("0 0 {columns} {WAVE}")) preserveAspectRatio="none" role="img" aria-label=(told) {
                path d=(outline(&sound.wave)) {}
            }
        }
        @for clip in &sound.clips { (listen(clip)) }
    }
}

fn listen(clip: &Clip) -> Markup {
    let source = format!("data:audio/wav;base64,{}", base64_encode(&clip.wav()));
    let what = format!(
        "{} – {}: {} ({} Hz, one channel)",
        moment(clip.start),
        moment(clip.start + clip.length()),
        clip.what,
        clip.rate
    );
    html! {
        figure.clip {
            audio controls preload="metadata" src=(source) aria-label=(what) {}
            figcaption { (what) }
        }
    }
}

/// Up along the highest samples and back along the lowest ones.
fn outline(wave: &[(f32, f32)]) -> String {
    let y = |sample: f32| WAVE / 2.0 * (1.0 - sample);
    let mut path = String::new();
    let above = wave.iter().enumerate().map(|(x, it)| (x, y(it.1) - 0.5));
    let below = wave.iter().enumerate().rev().map(|(x, it)| (x, y(it.0) + 0.5));
    for (number, (x, y)) in above.chain(below).enumerate() {
        let _ = write!(path, "{}{x} {y:.1}", if number == 0 { 'M' } else { 'L' });
    }
    path + "Z"
}
