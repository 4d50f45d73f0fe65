// SPDX-License-Identifier: MPL-2.0

//! Fits how the answers of the best picture model and of the best sound model about the same clips become one.

use std::path::Path;
use std::time::Duration;

use gstavrec::answer::Answer;
use gstavrec::bounded_file;
use gstavrec::recommend::fusion::{Holding, Report, Right, Said, What, fit};
use gstavrec::score::{Content, Statistic};
use gstavrec::truth::{Classes, Truth};

use super::args::{RankArgs, Wishes};
use super::ask;
use super::bench::{Bench, Fault, Question, Setting};
use super::contenders;
use super::contest::{Drawn, Probability, all_on_all};
use super::material::{Frames, Material, Place};
use super::progress::Progress;
use crate::failure::{Failure, cannot_write};

/// Fits the fusion of a picture model, by its number, and the best model of a library of sound models.
pub fn fuse(
    typed: &RankArgs,
    wishes: &Wishes,
    pictures: (&mut Bench, &Drawn, usize),
    setting: &Setting,
    progress: &mut Progress,
) -> Result<Report, Failure> {
    let (bench, drawn, winner) = pictures;
    let (Some(library), Some(labels)) = (&typed.fuse, &typed.labels) else {
        return Err(Failure::Usage(
            "--fuse needs --labels: without them nothing says who is right".into(),
        ));
    };
    let sounds = contenders::read(library, None, &wishes.conditions)?;
    if sounds.all.is_empty() {
        return Err(sounds.nobody(library));
    }
    let wrong = |cause: String| Failure::Usage(format!("--fuse: {cause}"));
    let material = Material::look(&typed.material(), true).map_err(wrong)?;
    let frames = Frames::new(setting.spool).map_err(wrong)?;
    let mut heard = Bench::new(sounds.all, material, frames, setting).map_err(wrong)?;
    let mut classes = Classes::new();
    let truth = Truth::open(labels, &mut classes).map_err(|err| wrong(err.to_string()))?;
    let hash = ask::hash_of_labels(labels).map_err(wrong)?;
    heard
        .set_question(
            Question::Labels {
                truth: Box::new(truth),
                hash,
            },
            classes,
        )
        .map_err(wrong)?;
    let stretches = Drawn::new(&heard, typed.items as usize, typed.seed).map_err(wrong)?;
    progress.begin("measuring sound");
    let results = all_on_all(&mut heard, &stretches, progress).map_err(Failure::Pipeline)?;
    let quality = |model: usize| {
        let observations = results.observations(model, usize::MAX);
        let probability = Probability::new(&observations)?;
        probability.value(&vec![1.0; probability.len()])
    };
    let known = (0..heard.contenders.len()).filter(|it| results.failed[*it].is_none());
    let best = known
        .filter_map(|it| Some((it, quality(it)?)))
        .max_by(|one, other| one.1.total_cmp(&other.1));
    let Some((sound, _)) = best else {
        let failed = results.failed.iter().zip(&heard.contenders);
        let causes: Vec<String> = failed
            .filter_map(|(cause, it)| Some(format!("{}: {}", it.candidate.name, cause.as_ref()?)))
            .collect();
        return Err(Failure::Pipeline(format!(
            "--fuse: no sound model could be measured: {}",
            causes.join("; ")
        )));
    };
    progress.begin("asking both");
    // A race may have ended before the last of them.
    bench.read(&drawn.places).map_err(Failure::Pipeline)?;
    let seen = answers(bench, winner, &drawn.places)?;
    let all: Vec<Place> = heard.material.places().collect();
    heard.read(&all).map_err(Failure::Pipeline)?;
    let mut told = answers(&mut heard, sound, &all)?;
    // A stretch is answered at its end, and clips are those of the pictures.
    let number = |path: &Path| bench.material.clips.iter().position(|it| it.path == path);
    for (said, place) in told.iter_mut().zip(&all) {
        let clip = &heard.material.clips[place.clip];
        said.time += heard.material.seen(*place).duration;
        said.clip = number(&clip.path).map_or(u32::MAX, |it| u32::try_from(it).unwrap_or(u32::MAX));
    }
    let right = drawn.places.iter().map(|place| {
        let label = bench.label(*place).map_err(Failure::Pipeline)?;
        Ok::<_, Failure>(match label.and_then(|it| it.answer()) {
            Some(Answer::Classes(classes)) => classes
                .iter()
                .max_by(|one, other| one.confidence.total_cmp(&other.confidence))
                .map(|it| Right::Class(bench.classes.name(it.class).into_owned())),
            Some(Answer::Score(score)) => Some(Right::Yes(0.5 <= score)),
            _ => None,
        })
    });
    let right = right.collect::<Result<Vec<_>, _>>()?;
    let names = [
        bench.contenders[winner].candidate.name.as_str(),
        heard.contenders[sound].candidate.name.as_str(),
    ];
    let fitted = fit(names, &seen, &told, &right, &Holding::default());
    let mut report = fitted.map_err(|err| wrong(err.to_string()))?;
    for gain in report.gains.iter_mut().filter_map(|it| it.accuracy.as_mut().ok()) {
        // Of two shares.
        *gain = gain.within(-1.0, 1.0);
    }
    let notes = heard.notes.iter().filter(|it| it.0 == sound);
    report
        .notes
        .extend(notes.map(|it| format!("{}: {}", names[1], it.1)));
    Ok(report)
}

/// What a model says of these items, each with its time.
fn answers(bench: &mut Bench, model: usize, places: &[Place]) -> Result<Vec<Said>, Failure> {
    let mut said = Vec::new();
    for place in places {
        let given = bench.answer(model, *place).map_err(|fault| match fault {
            Fault::Model(cause) | Fault::All(cause) => Failure::Pipeline(format!("--fuse: {cause}")),
        })?;
        let what = match given.map(|it| it.content) {
            Some(Content::Said(Answer::Classes(classes))) => {
                let named = classes.iter().map(|it| {
                    (
                        bench.classes.name(it.class).into_owned(),
                        f64::from(it.confidence),
                    )
                });
                What::Classes(named.collect())
            }
            Some(Content::Said(Answer::Score(score))) => What::Score(f64::from(score)),
            Some(other) => What::Other(other.kind()),
            None => What::Classes(Vec::new()),
        };
        let time: Duration = bench.material.seen(*place).time;
        said.push(Said {
            clip: u32::try_from(place.clip).unwrap_or(u32::MAX),
            time,
            what,
        });
    }
    Ok(said)
}

/// Writes what was fitted, for `avrec-fuse`.
pub fn write(path: &Path, report: &Report) -> Result<(), Failure> {
    let written = bounded_file::replace(path, report.to_toml().as_bytes());
    written.map_err(|err| Failure::Output(cannot_write("fusion", path, &err)))
}
