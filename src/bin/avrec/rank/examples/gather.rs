// SPDX-License-Identifier: MPL-2.0

//! Asks the models again for the items that are shown.

use gstavrec::answer::{Answer, Mask};
use gstavrec::plane::Plane;
use gstavrec::score::Content;

use super::super::answers::Given;
use super::super::bench::{Bench, Fault, Question};
use super::super::findings::Findings;
use super::super::material::{Form, Frame, Place};
use super::super::question::{luma, sound_of};
use super::super::{answers, picture::scaled};
use super::choose::{Candidate, Choice, choose};
use super::item::{Answered, Example, Examples, Shown};
use super::picture::{Cut, MAGNIFIED, Pixels};
use super::{said, sound};
use crate::report::numbers::isolated;

/// Models side by side.
const MODELS: usize = 5;

/// Items: of pictures and of sound, which takes more room.
const ITEMS: usize = 5;
const SOUNDS: usize = 3;

/// Bytes of pictures and sounds; in the page they take a third more.
const ROOM: usize = 1_040_000;

/// A model that is shown.
struct Model {
    name: String,
    /// Of the bench's contenders.
    number: usize,
}

/// Chooses among the drawn items, and asks the recommended models, the set's and the next ones for their answers. What cannot
/// be shown is a note, never a failure.
pub fn gather(bench: &mut Bench, findings: &Findings, drawn: &[Place]) -> Examples {
    let mut examples = Examples::default();
    let models = models(bench, findings);
    if models.is_empty() || drawn.is_empty() {
        return examples;
    }
    let listens = bench
        .material
        .clips
        .get(drawn[0].clip)
        .is_some_and(|it| it.form == Form::Sound);
    let chosen = choose(
        &candidates(bench, &models, drawn),
        &isolated(&models[0].name),
        if listens { SOUNDS } else { ITEMS },
    );
    let mut room = ROOM;
    for choice in chosen {
        match example(bench, &models, &choice, &mut examples.notes) {
            Ok(it) if size(&it) <= room => {
                room -= size(&it);
                examples.items.push(it);
            }
            Ok(_) => examples
                .notes
                .push("Some items are left out, so that the page stays small.".into()),
            Err(cause) => examples.notes.push(format!("An item cannot be shown: {cause}.")),
        }
    }
    // The reference is shown as what is right.
    let others = findings
        .models
        .iter()
        .filter(|it| findings.question.reference.as_ref() != Some(&it.name));
    let hidden = others.count().saturating_sub(models.len());
    if 0 < hidden && !examples.items.is_empty() {
        let told = if hidden == 1 {
            "1 model is".to_string()
        } else {
            format!("{hidden} models are")
        };
        examples.notes.push(format!("{told} not shown side by side."));
    }
    let mut told = std::collections::BTreeSet::new();
    examples.notes.retain(|it| told.insert(it.clone()));
    examples
}

/// The recommended one, those of the set and those that come next; what is right is shown anyway.
fn models(bench: &Bench, findings: &Findings) -> Vec<Model> {
    let is_in_set = |name: &str| findings.set.iter().any(|it| it.name == name);
    let is_right = |number: usize| matches!(bench.question(), Some(Question::Agreement(it)) if *it == number);
    let mut names: Vec<(usize, &str)> = findings
        .models
        .iter()
        .map(|it| it.name.as_str())
        .enumerate()
        .collect();
    names.sort_by_key(|(place, name)| (0 < *place && !is_in_set(name), *place));
    let model = |name: &str| {
        let number = bench.contenders.iter().position(|it| it.candidate.name == name)?;
        Some(Model {
            name: name.to_string(),
            number,
        })
    };
    let found = names
        .iter()
        .filter_map(|(_, name)| model(name))
        .filter(|it| !is_right(it.number));
    found.take(MODELS).collect()
}

fn candidates(bench: &mut Bench, models: &[Model], drawn: &[Place]) -> Vec<Candidate> {
    let mut candidate = |place: &Place| {
        let agreement = |it: &Model| bench.known(it.number, *place)?.observation.agreement;
        Candidate {
            place: *place,
            agreements: models.iter().map(agreement).collect(),
            seconds: 0.0,
        }
    };
    let mut all: Vec<Candidate> = drawn.iter().map(&mut candidate).collect();
    for it in &mut all {
        it.seconds = bench.material.seen(it.place).time.as_secs_f64();
    }
    all
}

/// What a model answered, and what would have been right.
type Pair = (Option<Given>, Option<Content>);

fn example(
    bench: &mut Bench,
    models: &[Model],
    choice: &Choice,
    notes: &mut Vec<String>,
) -> Result<Example, String> {
    let place = choice.place;
    let mut pairs: Vec<(&Model, Pair)> = Vec::new();
    for model in models {
        match pair(bench, model, place) {
            Ok(pair) => pairs.push((model, pair)),
            Err(Fault::Model(cause)) => notes.push(format!("{}: {cause}.", model.name)),
            Err(Fault::All(cause)) => return Err(cause),
        }
    }
    let clip = &bench.material.clips[place.clip];
    let input = bench.input(place, None)?;
    let truth = pairs.iter().find_map(|it| it.1.1.clone());
    let mut example = Example {
        why: choice.why.clone(),
        path: clip.path.display().to_string(),
        index: place.index,
        seconds: bench.material.seen(place).time.as_secs_f64(),
        truth_is: match bench.question() {
            Some(Question::Agreement(it)) => {
                format!("{}, the reference", bench.contenders[*it].candidate.name)
            }
            Some(Question::Labels { .. }) => "what the labels say".into(),
            _ => "the original".into(),
        },
        ..Example::default()
    };
    if clip.form == Form::Sound {
        heard(&mut example, &input, truth, &pairs, bench);
    } else if let Some(Content::Picture(truth)) = &truth {
        restored(&mut example, &input, truth, &pairs)?;
    } else {
        looked_at(&mut example, &input, truth.as_ref(), &pairs, bench)?;
    }
    for it in &mut example.answers {
        let number = models
            .iter()
            .find(|model| model.name == it.model)
            .map(|it| it.number);
        it.agreement = number.and_then(|it| bench.known(it, place)?.observation.agreement);
    }
    Ok(example)
}

fn pair(bench: &mut Bench, model: &Model, place: Place) -> Result<Pair, Fault> {
    let given = bench.answer(model.number, place)?;
    let truth = bench.truth(model.number, place, given.as_ref())?;
    let given = given.and_then(|it| {
        Some(Given {
            content: answers::in_kind_of(it.content, &truth)?,
            sound: it.sound,
        })
    });
    Ok((given, Some(truth)))
}

fn nothing() -> Shown {
    Shown {
        words: vec!["(no answer)".into()],
        ..Shown::default()
    }
}

/// What one model answered, as it is shown.
fn answered(model: &Model, shown: Shown) -> Answered {
    Answered {
        model: model.name.clone(),
        shown,
        ..Answered::default()
    }
}

/// Luma, pixel by pixel, where it differs most.
fn restored(
    example: &mut Example,
    input: &Frame,
    truth: &Plane,
    pairs: &[(&Model, Pair)],
) -> Result<(), String> {
    let plane = |it: &Pair| match it.0.as_ref().map(|it| &it.content) {
        Some(Content::Picture(plane)) => Some(plane.clone()),
        _ => None,
    };
    let planes: Vec<Option<Plane>> = pairs.iter().map(|it| plane(&it.1)).collect();
    let same: Vec<&Plane> = planes.iter().flatten().filter(|it| it.same_size(truth)).collect();
    let cut = Cut::of(truth, &same);
    example.input = Shown {
        picture: Pixels::of(input)?.jpeg(),
        marks: vec![cut.mark(truth)],
        ..Shown::default()
    };
    let size = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
    // As it is without any model: made as large as the others.
    let plain = scaled(input, size(truth.width), size(truth.height)).and_then(|it| luma(&it));
    let pictured = |of: &Plane| Shown {
        picture: cut.jpeg(of),
        ..Shown::default()
    };
    example.truth = Some(pictured(truth));
    if let Ok(plain) = plain {
        example.answers.push(Answered {
            model: "no model, scaled".into(),
            difference: cut.difference_jpeg(&plain, truth),
            shown: pictured(&plain),
            ..Answered::default()
        });
    }
    for ((model, _), plane) in pairs.iter().zip(&planes) {
        let shown = plane.as_ref().filter(|it| it.same_size(truth));
        let mut it = answered(model, shown.map_or_else(nothing, pictured));
        it.difference = shown.and_then(|plane| cut.difference_jpeg(plane, truth));
        example.answers.push(it);
    }
    example.told = format!(
        "The part in the frame, pixel by pixel, in gray, since luma is what is compared. Below: what each has more or less than \
         the original, magnified by {MAGNIFIED} around mid gray."
    );
    Ok(())
}

/// Boxes, masks, classes and texts over the picture.
fn looked_at(
    example: &mut Example,
    input: &Frame,
    truth: Option<&Content>,
    pairs: &[(&Model, Pair)],
    bench: &Bench,
) -> Result<(), String> {
    let pixels = Pixels::of(input)?;
    let shown = |content: &Content| match content {
        Content::Said(answer) => said::shown(answer, Some(&pixels), &bench.classes),
        Content::Coverage(plane) => said::shown(&Answer::Matte(matte(plane)), Some(&pixels), &bench.classes),
        other => Shown {
            words: vec![other.kind().into()],
            ..Shown::default()
        },
    };
    example.truth = truth.map(shown);
    for (model, (given, _)) in pairs {
        let told = given.as_ref().map_or_else(nothing, |it| shown(&it.content));
        example.answers.push(answered(model, told));
    }
    example.input = Shown {
        picture: pixels.jpeg(),
        ..Shown::default()
    };
    Ok(())
}

fn matte(plane: &Plane) -> Mask {
    Mask {
        width: plane.width,
        height: plane.height,
        coverage: plane.samples.clone(),
    }
}

fn heard(
    example: &mut Example,
    input: &Frame,
    truth: Option<Content>,
    pairs: &[(&Model, Pair)],
    bench: &Bench,
) {
    let (rate, channels) = sound_of(&input.caps);
    let clip = |sound: &[Vec<f32>]| Shown {
        sound: Some(sound::clip(sound, rate)),
        ..Shown::default()
    };
    let shown = |content: &Content| match content {
        Content::Sound(sound) => clip(sound),
        Content::Said(answer) => said::shown(answer, None, &bench.classes),
        other => Shown {
            words: vec![other.kind().into()],
            ..Shown::default()
        },
    };
    example.input = clip(&answers::split(&input.bytes, channels));
    example.truth = truth.as_ref().map(shown);
    for (model, (given, _)) in pairs {
        let told = given.as_ref().map_or_else(nothing, |it| shown(&it.content));
        example.answers.push(answered(model, told));
    }
    example.told =
        "To listen to, channels are one, and there are 16,000 samples a second at most; models had them all."
            .into();
}

/// Bytes of all that takes room.
fn size(it: &Example) -> usize {
    let shown = |it: &Shown| {
        it.picture.as_ref().map_or(0, |it| it.bytes.len())
            + it.sound
                .as_ref()
                .map_or(0, |it| it.wav.len() + 12 * it.wave.len())
    };
    let answers = it
        .answers
        .iter()
        .map(|it| shown(&it.shown) + it.difference.as_ref().map_or(0, |it| it.bytes.len()));
    shown(&it.input) + it.truth.as_ref().map_or(0, shown) + answers.sum::<usize>()
}
