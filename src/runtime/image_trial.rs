// SPDX-License-Identifier: MPL-2.0

//! Runs a model for frames once or twice at load, to see what its answers are shaped like.

use std::path::Path;

use super::backend::Input;
use super::input_shape::{self, picture_dims};
use super::modelinfo::{DimsOrder, dims_line};
use super::signature::{Axes, Signature, axes_of, channel_count, default_range, spread};
use super::trial_run::{Finding, TrialRunner};
use super::{Error, Ratio, Scale, Task, TaskChoice, Trial, buffer};
use crate::tensor::{Channels, Dim, ElementType, ImageSpec, Layout, TensorInfo};

/// Frame sizes to try on models that take any: two that share no factor but 16, so that a size which
/// does not follow by a factor shows; larger ones for models that cannot take small frames.
const TRIAL_SIZES: [[(usize, usize); 2]; 3] = [
    [(48, 32), (80, 64)],
    [(144, 128), (176, 208)],
    [(512, 384), (640, 512)],
];

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
    let (path, signature) = (runner.path, runner.signature);
    let runs = trials(spec, runner);
    if let Some(task) = signature.wish.filter(|task| *task != Task::Image) {
        return passing(task, spec, runs);
    }
    let is_optional = |error: &Error| matches!(error, Error::Unsuitable { .. }) && choice == TaskChoice::Auto;
    let output = match picture_output(path, signature) {
        Err(error) if is_optional(&error) => return passing(Task::Tensor, spec, runs),
        other => other?,
    };
    let runs = runs?;
    match image(path, signature, spec, output, &runs) {
        Err(error) if is_optional(&error) => passing(Task::Tensor, spec, Ok(runs)),
        Ok(finding) if signature.wish.is_none() && is_table(&finding, &runs) => {
            passing(Task::Tensor, spec, Ok(runs))
        }
        other => other,
    }
}

/// Whether the answer is a table rather than a picture: it has no dimension for channels, and other proportions than
/// the frame. So are the boxes of a YOLO model, [1, 84, 8400].
fn is_table(finding: &Finding, runs: &[Run]) -> bool {
    let rank = runs
        .last()
        .and_then(|run| run.trial.outputs.first())
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
        trial,
    })
}

/// What to do about a model that is no image model.
const REMEDY: &str = "set task=tensor, or use a model whose single output is a picture";

/// One run at load on a frame of this width and height.
struct Run {
    size: (usize, usize),
    trial: Trial,
}

fn image(
    path: &Path,
    signature: &Signature,
    input: &ImageSpec,
    output: &TensorInfo,
    runs: &[Run],
) -> Result<Finding, Error> {
    let mut seen: Option<(Axes, Channels, Scale)> = None;
    for run in runs {
        let one = picture(path, &output.name, input.layout, run)?;
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
    let stated = signature.output_ranges.first().cloned().flatten();
    let ranges = match stated {
        Some(ranges) => spread(path, &output.name, ranges, channels)?,
        None => output_ranges(input, channels, output.element_type),
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
        trial: runs.last().map(|run| run.trial.clone()),
    })
}

/// Returns the single output, unless its declaration already says that it is no picture.
fn picture_output<'a>(path: &Path, signature: &'a Signature) -> Result<&'a TensorInfo, Error> {
    let unsuitable = |cause: String, remedy| Err(Error::unsuitable(path, cause, remedy));
    let [output] = signature.model.outputs.as_slice() else {
        let count = signature.model.outputs.len();
        return unsuitable(format!("it has {count} outputs where an image has 1"), REMEDY);
    };
    let name = &output.name;
    if !matches!(
        output.element_type,
        ElementType::F32 | ElementType::F16 | ElementType::U8
    ) {
        let cause = format!("output '{name}' is of an integer type that pictures do not have");
        return unsuitable(cause, REMEDY);
    }
    if signature.shaped.first() == Some(&true) && !(2..=4).contains(&output.dims.len()) {
        let line = dims_line(&output.dims);
        return unsuitable(format!("output '{name}' ({line}) is no picture"), REMEDY);
    }
    if signature.model.dims_orders.first() == Some(&DimsOrder::ColumnMajor) {
        let cause = format!("output '{name}' is column-major");
        return unsuitable(cause, "write dims-order=row-major, or set task=tensor");
    }
    Ok(output)
}

/// Takes the answer's range to be that of the input, which holds for nearly all image-to-image models.
fn output_ranges(input: &ImageSpec, channels: Channels, element_type: ElementType) -> Vec<(f32, f32)> {
    let is_same_kind = (input.element_type == ElementType::U8) == (element_type == ElementType::U8);
    if is_same_kind && input.channels == channels {
        return input.ranges.clone();
    }
    let own = input.ranges.first().filter(|_| is_same_kind);
    vec![own.copied().unwrap_or(default_range(element_type)); channel_count(channels)]
}

/// Runs at the fixed size, or at two sizes.
fn trials(spec: &ImageSpec, runner: &mut TrialRunner<'_>) -> Result<Vec<Run>, Error> {
    let (input, fixed) = (
        &runner.signature.model.input,
        runner.signature.model.fixed_sides(),
    );
    let mut one = |(width, height)| {
        let channels = channel_count(spec.channels);
        let dims = match spec.layout {
            Layout::Nchw => [1, channels, height, width],
            Layout::Nhwc => [1, height, width, channels],
        };
        let shape = input_shape::of_frame(&dims, input.dims.len(), spec.layout);
        let mut tensor = buffer::zeros(input.element_type, &dims);
        buffer::fill_with_texture(&mut tensor.data, input_shape::frame_range(spec));
        let size = (width, height);
        runner
            .run(Input { tensor, shape })
            .map(|trial| Run { size, trial })
    };
    if let Some(size) = spec.size {
        return Ok(vec![one(size)?]);
    }
    let free = |(width, height)| (fixed.0.unwrap_or(width), fixed.1.unwrap_or(height));
    let mut failure = None;
    for sizes in TRIAL_SIZES {
        match sizes
            .map(free)
            .into_iter()
            .map(&mut one)
            .collect::<Result<Vec<_>, _>>()
        {
            Ok(runs) => return Ok(runs),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(Vec::new()), Err)
}

/// Reads the shape of an answer as a picture.
fn picture(path: &Path, name: &str, preferred: Layout, run: &Run) -> Result<(Axes, Channels, Scale), Error> {
    let (dims, (width, height)) = (run.trial.outputs.first().map_or(&[][..], Vec::as_slice), run.size);
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
    let (channels, Dim::Fixed(out_height), Dim::Fixed(out_width)) = axes.split(&fixed) else {
        return Err(no_picture());
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
