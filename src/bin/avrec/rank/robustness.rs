// SPDX-License-Identifier: MPL-2.0

//! What is left of a model's quality where its input is bad: by noise, blur, weather and coding, and by small changes that
//! are searched for.

use gst_video::VideoFormat;
use gstavrec::audio::corrupt as sound_corrupt;
use gstavrec::media::corrupt as picture_corrupt;
use gstavrec::recommend::adversary::{Adversary, Settings};
use gstavrec::score::evaluation::{Evaluation, Observation};

use super::bench::{Bench, Fault};
use super::contest::{Drawn, Results};
use super::findings::{Adversarial, Corrupted, Robustness};
use super::material::{Form, Frame, Place};
use super::picture;
use super::progress::Progress;
use super::question::Change;

/// Items that each corruption is tried on, and that are searched.
const CORRUPTED: usize = 10;
const SEARCHED: usize = 16;

/// Largest change of a channel in a search, of 255.
const BOUND: u8 = 4;

const STRENGTHS: std::ops::RangeInclusive<u8> = 1..=5;

/// All changes for this form of material, with name, group and strength.
fn changes(form: Form) -> Vec<(Change, String, String, u8)> {
    let mut changes = Vec::new();
    for strength in STRENGTHS {
        match form {
            Form::Sound => changes.extend(sound_corrupt::Corruption::ALL.iter().map(|it| {
                let (name, group) = (it.name().to_string(), it.group().name().to_string());
                (Change::Sound(*it, strength), name, group, strength)
            })),
            _ => changes.extend(picture_corrupt::Corruption::ALL.iter().map(|it| {
                let (name, group) = (it.name().to_string(), it.group().name().to_string());
                (Change::Picture(*it, strength), name, group, strength)
            })),
        }
    }
    changes
}

/// Runs all models that did not fail on changed items.
pub fn measure_all(
    bench: &mut Bench,
    drawn: &Drawn,
    results: &mut Results,
    progress: &mut Progress,
) -> Result<(), String> {
    for_all(
        bench,
        drawn,
        results,
        progress,
        |bench, results, model, places| {
            results.robustness[model] = measure(bench, model, places)?;
            Ok(())
        },
    )
}

/// Searches all models that did not fail.
pub fn attack_all(
    bench: &mut Bench,
    drawn: &Drawn,
    results: &mut Results,
    runs: u32,
    progress: &mut Progress,
) -> Result<(), String> {
    for_all(
        bench,
        drawn,
        results,
        progress,
        |bench, results, model, places| {
            results.adversarial[model] = attack(bench, model, places, runs)?;
            Ok(())
        },
    )
}

fn for_all(
    bench: &mut Bench,
    drawn: &Drawn,
    results: &mut Results,
    progress: &mut Progress,
    run: impl Fn(&mut Bench, &mut Results, usize, &[Place]) -> Result<(), Fault>,
) -> Result<(), String> {
    let models = results.entries.len();
    for model in 0..models {
        progress.tell(model as f64 / models as f64);
        if results.failed[model].is_some() {
            continue;
        }
        let count = results.entries[model].len();
        match run(bench, results, model, &drawn.places[..count]) {
            Ok(()) => {}
            Err(Fault::Model(cause)) => results.failed[model] = Some(format!("on changed items: {cause}")),
            Err(Fault::All(cause)) => return Err(cause),
        }
        bench.dismiss(model);
    }
    Ok(())
}

/// Runs a model on changed items. `None` where its answers to the items as they are say nothing.
fn measure(bench: &mut Bench, model: usize, places: &[Place]) -> Result<Option<Robustness>, Fault> {
    let places = spread(places, CORRUPTED);
    let Some(first) = places.first() else {
        return Ok(None);
    };
    let form = bench.material.clips[first.clip].form;
    let Some(clean) = quality(bench, model, &places, None)?.filter(|it| 0.0 < *it) else {
        return Ok(None);
    };
    let mut each = Vec::new();
    for (change, name, group, strength) in changes(form) {
        let quality = quality(bench, model, &places, Some(change))?.unwrap_or(0.0);
        each.push(Corrupted {
            name,
            group,
            strength,
            quality,
            drop: (1.0 - quality / clean).max(0.0),
        });
    }
    let mean_drop = each.iter().map(|it| it.drop).sum::<f64>() / each.len().max(1) as f64;
    let worst = each.iter().max_by(|one, other| one.drop.total_cmp(&other.drop));
    Ok(Some(Robustness {
        mean_drop,
        worst_drop: worst.map_or(0.0, |it| it.drop),
        worst: worst.map_or(String::new(), |it| {
            format!("{}, strength {}", it.name, it.strength)
        }),
        each,
    }))
}

/// P of the task's first measure on these items.
fn quality(
    bench: &mut Bench,
    model: usize,
    places: &[Place],
    change: Option<Change>,
) -> Result<Option<f64>, Fault> {
    let mut observations = Vec::new();
    for place in places {
        observations.push(bench.observe(model, *place, change)?.observation);
    }
    Ok(probability(&observations))
}

fn probability(observations: &[Observation]) -> Option<f64> {
    let evaluation = Evaluation::new(observations).ok()?;
    let figure = evaluation.figures.first()?;
    figure.value().map(|it| figure.probability(it))
}

/// Searches for small changes of pictures that make the answers of a model wrong. What is told is how far its answers agree with
/// the truth, item by item, so that a change never makes it better; `None` where no item says that, as of scores.
pub fn attack(
    bench: &mut Bench,
    model: usize,
    places: &[Place],
    runs: u32,
) -> Result<Option<Adversarial>, Fault> {
    let places = spread(places, SEARCHED);
    let is_sound = |it: &Place| bench.material.clips[it.clip].form == Form::Sound;
    if places.is_empty() || places.iter().any(is_sound) {
        return Ok(None);
    }
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for place in &places {
        let Some(unchanged) = bench.observe(model, *place, None)?.observation.agreement else {
            continue;
        };
        let input = bench.input(*place, None).map_err(Fault::All)?;
        let info = picture::info(&input.caps).map_err(Fault::All)?;
        let rgb = picture::in_format(&input, VideoFormat::Rgb).map_err(Fault::All)?;
        let packed = packed(&rgb).map_err(Fault::All)?;
        let (width, height) = (info.width() as usize, info.height() as usize);
        let settings = Settings {
            eps: BOUND,
            queries: runs as usize,
            seed: bench.seed(*place),
        };
        let mut search = Adversary::new(&packed, width, height, settings);
        let mut worst = unchanged;
        while let Some(proposed) = search.propose() {
            let changed = unpacked(&rgb, proposed).map_err(Fault::All)?;
            let changed = picture::in_format(&changed, info.format()).map_err(Fault::All)?;
            let observation = bench.observe_frame(model, *place, &changed)?;
            let score = observation.agreement.unwrap_or(1.0);
            search.tell(score);
            worst = score.min(worst);
        }
        before.push(unchanged);
        after.push(worst);
    }
    let mean = |it: &[f64]| it.iter().sum::<f64>() / it.len() as f64;
    Ok((!before.is_empty()).then(|| Adversarial {
        bound: BOUND,
        runs,
        items: before.len(),
        before: mean(&before),
        after: mean(&after),
    }))
}

/// So many of them, from all over.
fn spread(places: &[Place], count: usize) -> Vec<Place> {
    let count = count.min(places.len());
    (0..count)
        .map(|it| places[it * places.len() / count.max(1)])
        .collect()
}

/// Rows without the bytes between them.
fn packed(rgb: &Frame) -> Result<Vec<u8>, String> {
    let info = picture::info(&rgb.caps)?;
    let (stride, row) = (
        usize::try_from(info.stride()[0]).unwrap_or(1).max(1),
        3 * info.width() as usize,
    );
    let rows = rgb.bytes.chunks(stride).take(info.height() as usize);
    Ok(rows.flat_map(|it| it.iter().take(row).copied()).collect())
}

fn unpacked(like: &Frame, packed: &[u8]) -> Result<Frame, String> {
    let info = picture::info(&like.caps)?;
    let (stride, row) = (
        usize::try_from(info.stride()[0]).unwrap_or(1).max(1),
        3 * info.width() as usize,
    );
    let mut frame = like.clone();
    for (into, from) in frame.bytes.chunks_mut(stride).zip(packed.chunks(row.max(1))) {
        if let Some(into) = into.get_mut(..from.len()) {
            into.copy_from_slice(from);
        }
    }
    Ok(frame)
}
