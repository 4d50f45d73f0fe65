// SPDX-License-Identifier: MPL-2.0

//! Runs a model for frames once or twice at load, to see what its answers are shaped like.

use std::path::Path;

use super::image_axes::{Axes, axes_of};
use super::image_values::{default_range, spread};
use super::input_grid::{self, Run};
use super::input_shape::picture_dims;
use super::modelinfo::{DimsOrder, dims_line};
use super::signature::Signature;
use super::trial_run::{Finding, TrialRunner};
use super::{Error, Model, Origin, Ratio, Scale, Statement, Task, TaskChoice, buffer};
use crate::tensor::{Channels, Dim, ElementType, ImageSpec, Layout, Tensor};

/// Factors beyond which a single output with the layout of a picture is taken for something else
/// (a heat map of a few cells, a pooled feature).
const IMAGE_FACTORS: std::ops::RangeInclusive<f64> = 1.0 / 16.0..=16.0;

/// Decides the task, and for an image the layout and scale of the answer.
///
/// A model of dynamic size whose frames pass may fail at the sizes that are tried; of all others that is an
/// error.
pub(super) fn find(
    spec: &ImageSpec,
    choice: TaskChoice,
    runner: &mut TrialRunner<'_>,
) -> Result<Finding, Error> {
    let runs = input_grid::trials(spec, runner);
    let grid = runs
        .as_ref()
        .ok()
        .and_then(|runs| input_grid::find(spec, runs, runner));
    let finding = decide(spec, choice, runner, runs)?;
    Ok(Finding { grid, ..finding })
}

fn decide(
    spec: &ImageSpec,
    choice: TaskChoice,
    runner: &TrialRunner<'_>,
    runs: Result<Vec<Run>, Error>,
) -> Result<Finding, Error> {
    let (path, signature) = (runner.path, runner.signature);
    if let Some(task) = signature.wish.filter(|task| *task != Task::Image) {
        return passing(task, spec, runs);
    }
    let is_optional = |error: &Error| matches!(error, Error::Unsuitable { .. }) && choice == TaskChoice::Auto;
    let is_asked = signature.wish == Some(Task::Image);
    let output = match picture_output(
        path,
        signature,
        (spec, is_asked),
        runs.as_deref().unwrap_or_default(),
    ) {
        Err(error) if is_optional(&error) => return passing(Task::Tensor, spec, runs),
        other => other?,
    };
    let runs = runs?;
    match image(path, signature, spec, output, &runs) {
        Err(error) if is_optional(&error) => passing(Task::Tensor, spec, Ok(runs)),
        Ok(finding) if !is_asked && (is_table(&finding, &runs) || is_plane(&finding, spec)) => {
            passing(Task::Tensor, spec, Ok(runs))
        }
        other => other,
    }
}

/// Whether the answer to a picture in colors is a single plane: a map or a matte rather than a gray picture.
fn is_plane(finding: &Finding, input: &ImageSpec) -> bool {
    let is_gray = |it: &ImageSpec| it.channels == Channels::Luma;
    finding.output_spec.as_ref().is_some_and(is_gray) && !is_gray(input)
}

/// Whether the answer is a table rather than a picture: it has no dimension for channels, and other proportions than
/// the frame. So are the boxes of a YOLO model, [1, 84, 8400].
fn is_table(finding: &Finding, runs: &[Run]) -> bool {
    let rank = runs
        .last()
        .and_then(|run| run.trial.outputs.get(finding.picture))
        .map_or(0, Vec::len);
    rank < 4 && finding.scale.width != finding.scale.height
}

/// What is found of a model whose frames pass.
fn passing(task: Task, spec: &ImageSpec, runs: Result<Vec<Run>, Error>) -> Result<Finding, Error> {
    let trial = match runs {
        Err(_) if spec.size.is_none() => None,
        runs => runs?.pop().map(|run| run.trial),
    };
    Ok(Finding {
        task,
        output_spec: None,
        scale: Scale::ONE,
        picture: 0,
        trial,
        grid: None,
    })
}

/// What to do about a model that is no image model.
const REMEDY: &str = "set task=tensor, or use a model whose single output is a picture";

fn image(
    path: &Path,
    signature: &Signature,
    input: &ImageSpec,
    index: usize,
    runs: &[Run],
) -> Result<Finding, Error> {
    let output = &signature.model.outputs[index];
    let mut seen: Option<(Axes, Channels, Scale)> = None;
    for run in runs {
        let one = picture(path, (index, &output.name), input, run)?;
        if seen.is_some_and(|other| other != one) {
            let cause = format!(
                "the size of output '{}' does not follow the input's by a fixed factor",
                output.name
            );
            return Err(Error::unsuitable(path, cause, REMEDY));
        }
        seen = Some(one);
    }
    let Some((axes, channels, scale)) = seen else {
        return Err(Error::unsuitable(path, "it did not run", REMEDY));
    };
    let stated = signature.output_ranges.get(index).cloned().flatten();
    let ranges = match stated {
        Some(ranges) => spread(path, &output.name, ranges, channels)?,
        None => {
            let maker = signature.model.makers.get(index).map_or("", String::as_str);
            let seen = runs.last().and_then(|run| run.trial.values.get(index));
            output_ranges(input, channels, output.element_type, maker, seen)
        }
    };
    let spec = ImageSpec {
        layout: axes.layout,
        channels,
        element_type: output.element_type,
        size: input
            .size
            .map(|(width, height)| (scale.width.apply(width), scale.height.apply(height))),
        ranges,
    };
    Ok(Finding {
        task: Task::Image,
        output_spec: Some(spec),
        scale,
        picture: index,
        trial: runs.last().map(|run| run.trial.clone()),
        grid: None,
    })
}

/// Returns the index of the picture among the outputs, unless declarations already say that there is none.
///
/// Of several outputs it is the first one that is a picture, if the task was asked for; else the first of all, if the
/// others are shaped like it: the same picture at other stages.
fn picture_output(
    path: &Path,
    signature: &Signature,
    (input, is_asked): (&ImageSpec, bool),
    runs: &[Run],
) -> Result<usize, Error> {
    let outputs = &signature.model.outputs;
    let seen = runs.last().map_or(&[][..], |run| &run.trial.outputs);
    let same = !seen.is_empty() && seen.iter().all(|it| it == &seen[0] && it.len() == 4);
    if outputs.len() == 1 || (!is_asked && same) {
        return declared_picture(path, signature, 0).map(|()| 0);
    }
    let is_picture = |&index: &usize| {
        let fits = runs
            .iter()
            .all(|run| picture(path, (index, ""), input, run).is_ok());
        fits && !runs.is_empty() && declared_picture(path, signature, index).is_ok()
    };
    let found = (0..outputs.len()).filter(|_| is_asked).find(is_picture);
    found.ok_or_else(|| {
        let cause = format!("it has {} outputs where an image has 1", outputs.len());
        Error::unsuitable(path, cause, REMEDY)
    })
}

/// Refuses an output whose declaration already says that it is no picture.
fn declared_picture(path: &Path, signature: &Signature, index: usize) -> Result<(), Error> {
    let unsuitable = |cause: String, remedy| Err(Error::unsuitable(path, cause, remedy));
    let output = &signature.model.outputs[index];
    let name = &output.name;
    if !matches!(
        output.element_type,
        ElementType::F32 | ElementType::F16 | ElementType::U8
    ) {
        let cause = format!("output '{name}' is of an integer type that pictures do not have");
        return unsuitable(cause, REMEDY);
    }
    if signature.shaped.get(index) == Some(&true) && !(2..=4).contains(&output.dims.len()) {
        let line = dims_line(&output.dims);
        return unsuitable(format!("output '{name}' ({line}) is no picture"), REMEDY);
    }
    if signature.model.dims_orders.get(index) == Some(&DimsOrder::ColumnMajor) {
        let cause = format!("output '{name}' is column-major");
        return unsuitable(cause, "write dims-order=row-major, or set task=tensor");
    }
    Ok(())
}

/// Values beyond which a picture is not counted from 0 to 1, nor from -1 to 1, whatever the model adds to it.
const MOST_UNIT: f32 = 4.0;

/// The range of an answer of which nobody says it: what the operator that makes it allows, else that of the input,
/// which holds for nearly all image-to-image models, unless the input is normalized by mean and deviation, or the run
/// at load shows another.
fn output_ranges(
    input: &ImageSpec,
    channels: Channels,
    element_type: ElementType,
    maker: &str,
    seen: Option<&Tensor>,
) -> Vec<(f32, f32)> {
    let all = |range: (f32, f32)| vec![range; channels.count()];
    if element_type == ElementType::U8 {
        return all(default_range(element_type));
    }
    match maker {
        "Sigmoid" | "HardSigmoid" => return all((0.0, 1.0)),
        "Tanh" => return all((-1.0, 1.0)),
        _ => {}
    }
    let own = input
        .ranges
        .first()
        .copied()
        .unwrap_or(default_range(element_type));
    let is_uniform = input.ranges.iter().all(|it| *it == own);
    let own = if is_uniform && input.element_type != ElementType::U8 {
        own
    } else {
        (0.0, 1.0)
    };
    let highest = seen
        .map(|it| buffer::extent(&it.data))
        .filter(|(low, high)| low <= high);
    match highest {
        Some((_, high)) if MOST_UNIT < high && own.1 <= 1.0 => all((0.0, 255.0)),
        // Pictures at load reach the ends of the range.
        Some((low, high)) if high <= MOST_UNIT && 1.0 < own.1 && 0.0 < high => {
            all(if low < -0.25 { (-1.0, 1.0) } else { (0.0, 1.0) })
        }
        _ => all(own),
    }
}

/// What the picture's range is taken for.
pub(super) fn statement(model: &Model) -> Option<Statement> {
    let spec = model.output_spec.as_ref()?;
    let pair = |(low, high): &(f32, f32)| format!("{low},{high}");
    let mut pairs: Vec<String> = spec.ranges.iter().map(pair).collect();
    pairs.dedup();
    let is_said = model
        .output_ranges
        .get(model.picture)
        .is_some_and(Option::is_some);
    let maker = model.makers.get(model.picture).map_or("", String::as_str);
    let origin = match (is_said, maker) {
        (true, _) if model.is_output_range_asked => Origin::Asked,
        (true, _) => Origin::ModelInfo,
        (false, "Sigmoid" | "HardSigmoid" | "Tanh") => Origin::File(format!("made by {maker}")),
        (false, _) if spec.element_type == ElementType::U8 => Origin::Shape,
        (false, _) => Origin::Assumed,
    };
    Some(Statement {
        tensor: model.outputs.get(model.picture)?.name.clone(),
        key: "output-range",
        value: pairs.join(";"),
        origin,
        line: "output-range=0,255".into(),
    })
}

/// Reads the shape of an answer as a picture.
fn picture(
    path: &Path,
    (index, name): (usize, &str),
    input: &ImageSpec,
    run: &Run,
) -> Result<(Axes, Channels, Scale), Error> {
    let preferred = input.layout;
    let (dims, (width, height)) = (
        run.trial.outputs.get(index).map_or(&[][..], Vec::as_slice),
        run.size,
    );
    let fixed: Vec<Dim> = dims.iter().map(|&dim| Dim::Fixed(dim)).collect();
    let no_picture = || {
        let cause = format!("output '{name}' ({}) is no picture", dims_line(&fixed));
        let remedy = "set task=tensor, or use a model whose output has 1 or 3 channels";
        Error::unsuitable(path, cause, remedy)
    };
    // Where both ends could be the channels, the layout of the input decides.
    let last_is_channels = matches!(dims.last(), Some(1 | 3));
    let axes = match axes_of(&fixed) {
        Some(axes) if preferred == Layout::Nhwc && last_is_channels && 2 < axes.rank => Axes {
            layout: Layout::Nhwc,
            ..axes
        },
        Some(axes) => axes,
        None => return Err(no_picture()),
    };
    if picture_dims(dims, axes.layout).is_none() {
        return Err(no_picture());
    }
    let (Dim::Fixed(count), Dim::Fixed(out_height), Dim::Fixed(out_width)) = axes.split(&fixed) else {
        return Err(no_picture());
    };
    let channels = match (count, input.channels) {
        (3, Channels::Bgr) => Channels::Bgr,
        (3, _) => Channels::Rgb,
        _ => Channels::Luma,
    };
    let scale = Ratio::new(out_width, width).zip(Ratio::new(out_height, height));
    match scale {
        Some((width, height))
            if IMAGE_FACTORS.contains(&width.value()) && IMAGE_FACTORS.contains(&height.value()) =>
        {
            Ok((axes, channels, Scale { width, height }))
        }
        _ => Err(no_picture()),
    }
}
