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
        return Ok(restored(change));
    }
    let reference = reference(typed, bench, library)?;
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
        told: format!("compared with the answers of {name}, which count as right."),
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
    let hash = match path.is_dir() {
        // A folder of labels is as new as its newest file.
        true => folder_hash(path)?,
        false => hash(path).map_err(|err| format!("{}: {err}", path.display()))?,
    };
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

/// Whose answers count as right: who is named, else the library's reference, else the best prior, else the last one.
fn reference(typed: &RankArgs, bench: &Bench, library: &Contenders) -> Result<usize, String> {
    let named = |name: &str| bench.contenders.iter().position(|it| it.candidate.name == name);
    if let Some(name) = &typed.reference {
        return named(name).ok_or_else(|| {
            let known = bench.contenders.iter().map(|it| it.candidate.name.as_str());
            format!(
                "--reference {name}: the library has {}",
                known.collect::<Vec<_>>().join(", ")
            )
        });
    }
    let stated = library.catalog.reference.as_deref().and_then(named);
    let prior = |it: &usize| bench.contenders[*it].candidate.quality.unwrap_or(0.0);
    let best = || (0..bench.contenders.len()).max_by(|one, other| prior(one).total_cmp(&prior(other)));
    stated
        .or_else(best)
        .ok_or_else(|| "there is no model to rank".into())
}

/// How many times as wide as the frames the pictures are that the models make of them; `None` where they make none.
fn scale(
    bench: &mut Bench,
    reference: usize,
    failed: &mut Vec<(usize, String)>,
) -> Result<Option<f64>, String> {
    let place = Place { clip: 0, index: 0 };
    bench.read(&[place])?;
    let width = match bench.material.clips[0].form {
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
