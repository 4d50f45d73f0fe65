// SPDX-License-Identifier: MPL-2.0

//! Finds out what can be asked: with labels what they say, else what follows from the answers of the models.

use std::path::Path;

use gstavrec::audio::corrupt as sound_corrupt;
use gstavrec::score::Content;
use gstavrec::truth::{Classes, Truth};

use super::args::RankArgs;
use super::bench::{Bench, Fault, Question, item_of};
use super::contenders::Contenders;
use super::material::{Form, Place, hash};
use super::picture;
use super::question::Change;

/// From how many times the size of a frame on a picture is taken for one that was scaled up.
const LARGER: f64 = 1.2;

/// What is asked, and what a person should hear of it.
pub struct Asked {
    pub question: Question,
    pub classes: Classes,
    /// `labels`, `restoration` or `agreement`.
    pub kind: &'static str,
    /// A sentence.
    pub told: String,
    pub notes: Vec<String>,
}

/// Decides what to ask. Models may have to answer one item for that; those that cannot are put into `failed`.
pub fn ask(
    typed: &RankArgs,
    bench: &mut Bench,
    library: &Contenders,
    failed: &mut Vec<(usize, String)>,
) -> Result<Asked, String> {
    let listens = bench.material.clips.iter().any(|it| it.form == Form::Sound);
    if let Some(path) = &typed.labels {
        return labels(path, bench);
    }
    if let Some(text) = &typed.degrade {
        let change = Change::parse(text, listens).map_err(|cause| format!("--degrade {cause}"))?;
        can_restore(bench)?;
        return Ok(restored(change));
    }
    let (reference, why) = reference(typed, bench, library)?;
    let scale = scale(bench, reference, failed)?;
    if let Some(scale) = scale.filter(|it| LARGER <= *it) {
        return Ok(restored(Change::Shrunk(scale)));
    }
    let name = bench.contenders[reference].candidate.name.clone();
    let mut notes = vec![format!(
        "agreement with {name} is not accuracy: where {name} is wrong, agreeing with it counts as right; --labels says what is \
         right, --reference names another model"
    )];
    if scale.is_some() || is_audio(library) {
        let example = if listens {
            sound_corrupt::Corruption::ALL[0].name()
        } else {
            "gaussian-noise"
        };
        notes.push(format!(
            "how well noise or coding is removed is measured with --degrade, such as --degrade {example}:2, where the material \
             is clean"
        ));
    }
    Ok(Asked {
        question: Question::Agreement(reference),
        classes: Classes::new(),
        kind: "agreement",
        told: format!("compared with the answers of {name}, which count as right: {why}."),
        notes,
    })
}

fn is_audio(library: &Contenders) -> bool {
    library.catalog.task.as_deref() == Some("audio")
}

fn restored(change: Change) -> Asked {
    Asked {
        told: format!(
            "compared with the material itself, of which the models got what was {}.",
            change.told()
        ),
        question: Question::Restored(change),
        classes: Classes::new(),
        kind: "restoration",
        notes: Vec::new(),
    }
}

fn labels(path: &Path, bench: &Bench) -> Result<Asked, String> {
    let mut classes = Classes::new();
    let truth = Truth::open(path, &mut classes).map_err(|err| err.to_string())?;
    let items: Vec<_> = bench
        .material
        .places()
        .map(|it| item_of(&bench.material, it))
        .collect();
    let doubts = truth.check(&items, &[]);
    if let Some(fatal) = doubts.iter().find(|it| it.fatal) {
        return Err(format!("--labels {}: {}", path.display(), fatal.text));
    }
    let mut notes: Vec<String> = truth.notes().to_vec();
    notes.extend(doubts.into_iter().map(|it| it.text));
    let hash = hash_of_labels(path)?;
    Ok(Asked {
        told: format!("compared with the labels of {}.", path.display()),
        question: Question::Labels {
            truth: Box::new(truth),
            hash,
        },
        classes,
        kind: "labels",
        notes,
    })
}

/// What changes when labels do.
pub fn hash_of_labels(path: &Path) -> Result<String, String> {
    match path.is_dir() {
        // A folder of labels is as new as its newest file.
        true => folder_hash(path),
        false => hash(path).map_err(|err| format!("{}: {err}", path.display())),
    }
}

fn folder_hash(path: &Path) -> Result<String, String> {
    let failed = |err: std::io::Error| format!("{}: {err}", path.display());
    let mut parts = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let about = entry.metadata().map_err(failed)?;
            if about.is_dir() {
                folders.push(entry.path());
            }
            parts.push(format!(
                "{} {} {:?}",
                entry.path().display(),
                about.len(),
                about.modified().ok()
            ));
        }
    }
    parts.sort();
    Ok(super::cache::digest(&[&parts.join("\n")]))
}

/// Whose answers count as right, and why: who is named, else the library's reference, else the best prior, else the last one.
fn reference(typed: &RankArgs, bench: &Bench, library: &Contenders) -> Result<(usize, String), String> {
    let named = |name: &str| bench.contenders.iter().position(|it| it.candidate.name == name);
    if let Some(name) = &typed.reference {
        let found = named(name).ok_or_else(|| {
            let known = bench.contenders.iter().map(|it| it.candidate.name.as_str());
            format!(
                "--reference {name}: the library has {}",
                known.collect::<Vec<_>>().join(", ")
            )
        })?;
        return Ok((found, "--reference names it".into()));
    }
    let stated = library.catalog.reference.as_deref();
    if let Some(found) = stated.and_then(named) {
        return Ok((found, "it is the library's reference".into()));
    }
    let prior = |it: &usize| bench.contenders[*it].candidate.quality;
    let by_prior = |one: &usize, other: &usize| {
        let [one, other] = [one, other].map(|it| prior(it).unwrap_or(0.0));
        one.total_cmp(&other)
    };
    let best = (0..bench.contenders.len()).max_by(by_prior);
    let best = best.ok_or("there is no model to rank")?;
    let why = match prior(&best) {
        Some(prior) => format!("its prior is the best, {prior:.3}"),
        None => "it is the last of the library, and nobody has a prior".into(),
    };
    let instead = stated.map_or(String::new(), |it| {
        format!(", and the library's reference, {it}, is left out")
    });
    Ok((best, why + &instead))
}

/// An item that the models can be asked on.
fn first_item(bench: &mut Bench) -> Result<Place, String> {
    let place = bench.material.places().next();
    let place = place.ok_or("there is nothing in the material")?;
    bench.read(&[place])?;
    Ok(place)
}

/// Looks whether any model answers with a picture or with sound, as only that can be compared with the material.
fn can_restore(bench: &mut Bench) -> Result<(), String> {
    let place = first_item(bench)?;
    let mut other = None;
    for model in 0..bench.contenders.len() {
        match bench.answer(model, place) {
            Ok(Some(given)) => match given.content {
                Content::Picture(_) | Content::Sound(_) => return Ok(()),
                content => other = other.or(Some((model, content.kind()))),
            },
            Ok(None) | Err(Fault::Model(_)) => {}
            Err(Fault::All(cause)) => return Err(cause),
        }
    }
    match other {
        // Why they fail is told of each when they are measured.
        None => Ok(()),
        Some((model, kind)) => Err(format!(
            "--degrade compares answers with the material itself, and {} answers {kind}; leave it out, and measure with \
             --robustness what noise, blur, weather and coding take from such answers",
            bench.contenders[model].candidate.name
        )),
    }
}

/// How many times as wide as the frames the pictures are that the models make of them; `None` where they make none.
fn scale(
    bench: &mut Bench,
    reference: usize,
    failed: &mut Vec<(usize, String)>,
) -> Result<Option<f64>, String> {
    let place = first_item(bench)?;
    let width = match bench.material.clips[place.clip].form {
        Form::Sound => return Ok(None),
        _ => f64::from(picture::size(&bench.input(place, None)?)?.0),
    };
    let others = (0..bench.contenders.len()).filter(|it| *it != reference);
    for model in std::iter::once(reference).chain(others) {
        // What an element makes of a frame is as large as it says itself.
        if bench.contenders[model].sha256.is_none() {
            continue;
        }
        match bench.answer(model, place) {
            Ok(Some(given)) => {
                return Ok(match given.content {
                    Content::Picture(plane) => Some(plane.width as f64 / width),
                    _ => None,
                });
            }
            Ok(None) => {}
            Err(Fault::Model(cause)) => failed.push((model, cause)),
            Err(Fault::All(cause)) => return Err(cause),
        }
    }
    Ok(None)
}
