// SPDX-License-Identifier: MPL-2.0

//! Runs a model once or twice at load, to see what its answers are shaped like.

use std::path::Path;

use super::backend::{Backend, Input};
use super::describe::{Axes, Description, axes_of, default_range, spread};
use super::modelinfo::{DimsOrder, dims_line};
use super::{Error, Ratio, Scale, Task, TaskChoice, Trial, buffer, sound};
use crate::tensor::{Channels, Data, Dim, ElementType, ImageSpec, InputSpec, Layout, Tensor, TensorInfo};

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

/// What the runs showed.
pub(super) struct Finding {
    pub task: Task,
    pub output_spec: Option<ImageSpec>,
    pub scale: Scale,
    pub trial: Option<Trial>,
}

/// Decides the task, and for an image the layout and scale of the answer.
///
/// A model of dynamic size whose frames pass may fail at the sizes that are tried; of all others that is an
/// error.
pub(super) fn probe(
    path: &Path,
    description: &Description,
    choice: TaskChoice,
    backend: &mut dyn Backend,
) -> Result<Finding, Error> {
    let spec = match &description.input_spec {
        InputSpec::Image(spec) => spec,
        InputSpec::Sound(spec) => return sound::probe(path, description, spec, choice, backend),
    };
    let wish = match choice {
        TaskChoice::Task(task) => Some(task),
        TaskChoice::Auto => description.stated_task,
    };
    let runs = trials(description, spec, backend);
    if let Some(task) = wish.filter(|task| *task != Task::Image) {
        return passing(task, spec, runs);
    }
    let is_optional = |error: &Error| matches!(error, Error::Unsuitable { .. }) && choice == TaskChoice::Auto;
    let output = match picture_output(path, description) {
        Err(error) if is_optional(&error) => return passing(Task::Tensor, spec, runs),
        other => other?,
    };
    let runs = runs?;
    match image(path, description, spec, output, &runs) {
        Err(error) if is_optional(&error) => passing(Task::Tensor, spec, Ok(runs)),
        Ok(finding) if choice == TaskChoice::Auto && wish.is_none() && is_table(&finding, &runs) => {
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
    description: &Description,
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
    let stated = description.output_ranges.first().cloned().flatten();
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
fn picture_output<'a>(path: &Path, description: &'a Description) -> Result<&'a TensorInfo, Error> {
    let [output] = description.outputs.as_slice() else {
        let cause = format!(
            "it has {} outputs where an image has 1",
            description.outputs.len()
        );
        return Err(Error::unsuitable(path, cause, REMEDY));
    };
    if !matches!(
        output.element_type,
        ElementType::F32 | ElementType::F16 | ElementType::U8
    ) {
        let cause = format!(
            "output '{}' is of an integer type that pictures do not have",
            output.name
        );
        return Err(Error::unsuitable(path, cause, REMEDY));
    }
    if description.shaped.first() == Some(&true) && !(2..=4).contains(&output.dims.len()) {
        let cause = format!(
            "output '{}' ({}) is no picture",
            output.name,
            dims_line(&output.dims)
        );
        return Err(Error::unsuitable(path, cause, REMEDY));
    }
    if description.dims_orders.first() == Some(&DimsOrder::ColumnMajor) {
        let cause = format!("output '{}' is column-major", output.name);
        return Err(Error::unsuitable(
            path,
            cause,
            "write dims-order=row-major, or set task=tensor",
        ));
    }
    Ok(output)
}

/// Takes the answer's range to be that of the input, which holds for nearly all image-to-image models.
fn output_ranges(input: &ImageSpec, channels: Channels, element_type: ElementType) -> Vec<(f32, f32)> {
    let wanted = super::describe::channel_count(channels);
    let is_same_kind = (input.element_type == ElementType::U8) == (element_type == ElementType::U8);
    match (is_same_kind, input.channels == channels) {
        (true, true) => input.ranges.clone(),
        (true, false) => vec![
            input
                .ranges
                .first()
                .copied()
                .unwrap_or(default_range(element_type));
            wanted
        ],
        (false, _) => vec![default_range(element_type); wanted],
    }
}

/// Runs at the fixed size, or at two sizes.
fn trials(description: &Description, spec: &ImageSpec, backend: &mut dyn Backend) -> Result<Vec<Run>, Error> {
    let mut one = |size| {
        let dims = input_dims(spec, size);
        let shape = model_shape(&dims, description.input.dims.len(), spec.layout);
        let mut input = buffer::zeros(description.input.element_type, &dims);
        fill(&mut input.data, &spec.ranges);
        trial(description, Input { tensor: input, shape }, backend).map(|trial| Run { size, trial })
    };
    if let Some(size) = spec.size {
        return Ok(vec![one(size)?]);
    }
    let mut failure = None;
    for sizes in TRIAL_SIZES {
        match sizes.into_iter().map(&mut one).collect::<Result<Vec<_>, _>>() {
            Ok(runs) => return Ok(runs),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(Vec::new()), Err)
}

/// Runs once, with all state zero.
pub(super) fn trial(
    description: &Description,
    input: Input,
    backend: &mut dyn Backend,
) -> Result<Trial, Error> {
    let shape = input.shape.clone();
    let mut inputs = vec![input];
    inputs.extend(description.states.iter().map(|state| zero_state(&state.input)));
    let answers = description.outputs.iter();
    let all = answers.chain(description.states.iter().map(|state| &state.output));
    let mut outputs: Vec<Tensor> = all.map(|it| buffer::zeros(it.element_type, &[0])).collect();
    backend.run(&mut inputs, &mut outputs)?;
    outputs.truncate(description.outputs.len());
    Ok(Trial {
        input: shape,
        outputs: outputs.into_iter().map(|it| it.dims).collect(),
    })
}

/// State before the first run. Dimensions that are left open are batches, of one.
pub(super) fn zero_state(info: &TensorInfo) -> Input {
    let size = |dim: &Dim| match dim {
        Dim::Fixed(size) => *size,
        Dim::Dynamic(_) => 1,
    };
    let shape: Vec<usize> = info.dims.iter().map(size).collect();
    Input {
        tensor: buffer::zeros(info.element_type, &shape),
        shape,
    }
}

/// Returns the dimensions of a tensor for one frame, always of rank 4.
pub(super) fn input_dims(spec: &ImageSpec, (width, height): (usize, usize)) -> [usize; 4] {
    let channels = super::describe::channel_count(spec.channels);
    match spec.layout {
        Layout::Nchw => [1, channels, height, width],
        Layout::Nhwc => [1, height, width, channels],
    }
}

/// Drops the dimensions of size one that a model of lower rank does not have.
pub(super) fn model_shape(dims: &[usize; 4], rank: usize, layout: Layout) -> Vec<usize> {
    match (rank, layout) {
        (2, Layout::Nchw) => dims[2..].to_vec(),
        (2, Layout::Nhwc) => dims[1..3].to_vec(),
        (3, _) => dims[1..].to_vec(),
        _ => dims.to_vec(),
    }
}

/// Adds them again, so that a picture always has rank 4. `None` when it is no picture of this rank.
pub(super) fn picture_dims(dims: &[usize], layout: Layout) -> Option<[usize; 4]> {
    match (dims, layout) {
        (&[height, width], Layout::Nchw) => Some([1, 1, height, width]),
        (&[height, width], Layout::Nhwc) => Some([1, height, width, 1]),
        (&[a, b, c], _) => Some([1, a, b, c]),
        (&[1, a, b, c], _) => Some([1, a, b, c]),
        _ => None,
    }
}

/// A gradient with texture inside the input's range: some models fail, or divide by zero, on flat input.
pub(super) fn fill(data: &mut Data, ranges: &[(f32, f32)]) {
    let (min, max) = ranges.first().copied().unwrap_or((0.0, 1.0));
    let value = |index: usize| min + (max - min) * ((index * 37) % 251) as f32 / 250.0;
    match data {
        Data::F32(elements) => elements
            .iter_mut()
            .enumerate()
            .for_each(|(index, it)| *it = value(index)),
        Data::F16(elements) => {
            elements
                .iter_mut()
                .enumerate()
                .for_each(|(index, it)| *it = half::f16::from_f32(value(index)));
        }
        Data::U8(elements) => elements
            .iter_mut()
            .enumerate()
            .for_each(|(index, it)| *it = value(index) as u8),
        Data::I32(_) | Data::I64(_) => {}
    }
}

/// Reads the shape of an answer as a picture.
fn picture(path: &Path, name: &str, preferred: Layout, run: &Run) -> Result<(Axes, Channels, Scale), Error> {
    let (dims, (width, height)) = (run.trial.outputs.first().map_or(&[][..], Vec::as_slice), run.size);
    let fixed: Vec<Dim> = dims.iter().map(|&dim| Dim::Fixed(dim)).collect();
    let no_picture = |remedy: String| {
        Error::unsuitable(
            path,
            format!("output '{name}' ({}) is no picture", dims_line(&fixed)),
            remedy,
        )
    };
    let task = || "set task=tensor, or use a model whose output has 1 or 3 channels".to_owned();
    // Where both ends could be the channels, the layout of the input decides.
    let last_is_channels = matches!(dims.last(), Some(1 | 3));
    let axes = match axes_of(&fixed) {
        Some(axes) if preferred == Layout::Nhwc && last_is_channels && 2 < axes.rank => Axes {
            layout: Layout::Nhwc,
            ..axes
        },
        Some(axes) => axes,
        None => return Err(no_picture(task())),
    };
    if picture_dims(dims, axes.layout).is_none() {
        return Err(no_picture(task()));
    }
    let (channels, Dim::Fixed(out_height), Dim::Fixed(out_width)) = axes.split(&fixed) else {
        return Err(no_picture(task()));
    };
    let scale = Ratio::new(out_width, width).zip(Ratio::new(out_height, height));
    match scale {
        Some((width, height))
            if IMAGE_FACTORS.contains(&width.value()) && IMAGE_FACTORS.contains(&height.value()) =>
        {
            Ok((axes, channels, Scale { width, height }))
        }
        _ => Err(no_picture(task())),
    }
}
