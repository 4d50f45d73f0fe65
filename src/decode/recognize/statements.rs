// SPDX-License-Identifier: MPL-2.0

//! What a model is taken for, one thing each, with who said it and the line that says otherwise.

use super::activation;
use super::faces::is_ultraface;
use super::fit::Family;
use super::names::Labels;
use crate::decode::model::{Model, Units};
use crate::decode::{Blank, Boxes, Ctc, Places, Source, Table, Taken, Task, Unfit, Values, Yolo};

/// All that recognition decided.
pub(super) fn of(
    model: &Model,
    (family, otherwise): (&Family, Option<&'static str>),
    task: Task,
    is_asked: bool,
    labels: Option<&Labels>,
) -> Result<Vec<Taken>, Unfit> {
    let whole = |key: &'static str, value: String, source: Source, line: String| Taken {
        tensor: String::new(),
        key,
        value,
        source,
        line,
    };
    let source = match model.metadata.contains_key("task") {
        _ if is_asked => Source::Asked,
        true => Source::File("task".into()),
        false => Source::Assumed,
    };
    let mut taken = vec![
        whole("task", task.name().into(), source, "task=tensor".into()),
        of_family(model, family, otherwise),
    ];
    if let Some(labels) = labels {
        let value = format!("{} of {}", labels.labels.len(), labels.source);
        let source = Source::File(labels.source.clone());
        taken.push(whole("labels-file", value, source, "labels-file=FILE".into()));
    }
    match family {
        Family::Classes(classes) => {
            taken.push(activation::of(model, classes.output, classes.classes)?.taken);
        }
        Family::Matte(matte) => taken.push(values(model, matte.output, matte.values)),
        Family::Map(map) => {
            if let Places::Foreground(reading) = map.places {
                taken.push(values(model, map.output, reading));
            }
        }
        Family::Boxes(boxes) | Family::Instances(boxes, _) => {
            taken.extend(units(model, boxes, family.outputs_read()[0])?);
        }
        Family::Text(text) => taken.push(blank(model, text)?),
        Family::Score(_) => {}
    }
    Ok(taken)
}

/// Which decoder reads the outputs, by the name that `family` takes where there is a choice.
fn of_family(model: &Model, family: &Family, otherwise: Option<&'static str>) -> Taken {
    let is_detector = matches!(family, Family::Boxes(_));
    let (value, source, line) = match (model.family().filter(|_| is_detector), otherwise) {
        (Some(said), _) => (said, Source::File("family".into()), "family=auto"),
        (None, Some(line)) => (family.name(), Source::Assumed, line),
        (None, None) => match family {
            Family::Boxes(Boxes::Ssd(ssd)) if is_ultraface(ssd, model) => {
                ("ultraface", Source::Assumed, "family=ssd")
            }
            family => (family.name(), Source::Shape, "task=tensor"),
        },
    };
    Taken {
        tensor: String::new(),
        key: "family",
        value: value.into(),
        source,
        line: line.into(),
    }
}

/// How the values of a plane are read.
fn values(model: &Model, output: usize, values: Values) -> Taken {
    let (value, source) = match values {
        Values::Range(low, high) => (format!("{low},{high}"), Source::Asked),
        Values::Confidences => ("0,1".into(), Source::Assumed),
        Values::Logits => ("logits".into(), Source::Assumed),
        Values::Unsaid => ("auto".into(), Source::Assumed),
    };
    let source = match (source, model.metadata.contains_key("activation")) {
        (Source::Assumed, true) => Source::File("activation".into()),
        (Source::Assumed, false)
            if values == Values::Confidences && model.evidence.bound(output).is_some() =>
        {
            Source::File(format!("made by {}", model.evidence.maker(output)))
        }
        (source, _) => source,
    };
    Taken {
        tensor: model.outputs[output].name.clone(),
        key: "output-range",
        value,
        source,
        line: "output-range=0,1".into(),
    }
}

/// Whether a run at load showed boxes too large for fractions of the input.
fn is_seen_in_pixels(yolo: &Yolo, model: &Model) -> bool {
    let seen = yolo.extents(&model.evidence.seen);
    seen.is_some_and(|(_, edges, _)| edges.is_known() && LEAST_PIXELS < edges.high)
}

/// Coordinates beyond this are no fractions of the input.
const LEAST_PIXELS: f32 = 4.0;

/// Which class of a recognizer of text is no character.
fn blank(model: &Model, text: &Ctc) -> Result<Taken, Unfit> {
    let is_last = text.blank == Blank::Last;
    let source = match (
        model.blank()?,
        text.is_paddle && text.table == Table::WithoutBlankAndSpace,
    ) {
        (Some(_), _) => Source::File("blank".into()),
        (None, true) => Source::Shape,
        (None, false) => Source::Assumed,
    };
    let name = model.outputs[text.output].name.clone();
    Ok(Taken {
        line: format!("[{name}] blank={}", if is_last { "first" } else { "last" }),
        tensor: name,
        key: "blank",
        value: match text.blank {
            Blank::First => "first",
            Blank::Last => "last",
            Blank::Called => "the first class, or the last one if it is called blank",
        }
        .into(),
        source,
    })
}

/// What the coordinates of boxes are counted in.
fn units(model: &Model, boxes: &Boxes, output: usize) -> Result<Option<Taken>, Unfit> {
    let units = match boxes {
        Boxes::Yolo(it) => it.units,
        Boxes::EndToEnd(it) => it.units,
        Boxes::Ssd(it) => it.units,
        Boxes::Detr(it) => it.units,
        // What these count in belongs to the family.
        Boxes::Levels(_)
        | Boxes::NanoDet(_)
        | Boxes::Priors(_)
        | Boxes::CenterFace(_)
        | Boxes::Landmarks(_)
        | Boxes::TextMap(_) => return Ok(None),
    };
    let value = match units {
        Units::Pixels => "pixels",
        Units::Fractions => "fractions",
        Units::Cells => "cells",
        Units::Unsaid => "auto",
    };
    let said = model.units()?.is_some();
    let source = match (said, model.is_ultralytics(), boxes) {
        (true, ..) => Source::File("boxes".into()),
        (false, true, _) => Source::Family("of Ultralytics"),
        (false, false, Boxes::Yolo(it)) if is_seen_in_pixels(it, model) => {
            Source::File("a run at load".into())
        }
        _ => Source::Assumed,
    };
    let name = model.outputs[output].name.clone();
    Ok(Some(Taken {
        line: format!(
            "[{name}] boxes={}",
            if value == "pixels" { "fractions" } else { "pixels" }
        ),
        tensor: name,
        key: "boxes",
        value: value.into(),
        source,
    }))
}
