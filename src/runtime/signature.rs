// SPDX-License-Identifier: MPL-2.0

//! Derives from a graph and its `.modelinfo` what goes in and what comes out.

use std::path::Path;

use super::audio_input::{self, Statements};
use super::modelinfo::{DimsOrder, Direction, ModelInfo, TensorSection, dims_line};
use super::onnx::{Graph, Port};
use super::recurrent_state::{self, Pair};
use super::{Error, Model, Scale, StateInfo, Task, TaskChoice};
use crate::tensor::{Channels, Dim, ElementType, ImageSpec, InputSpec, Layout, TensorInfo};

/// Shape positions that a picture's axes take in a tensor of rank 2, 3 or 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axes {
    pub layout: Layout,
    pub rank: usize,
}

/// What goes into a model and comes out of it, as far as can be told without a run.
#[derive(Debug, Clone)]
pub(super) struct Signature {
    /// All of it but what is found by a run: the task, how a picture stands in the output, and the scale.
    pub model: Model,
    /// Whether the file said the shape of each output.
    pub shaped: Vec<bool>,
    pub output_ranges: Vec<Option<Vec<(f32, f32)>>>,
    /// The task that is asked for, else the one that the metadata names, if it is one of ours.
    pub wish: Option<Task>,
}

impl Signature {
    /// Describes the model, or says why it cannot be used and what to change.
    pub(super) fn of(
        path: &Path,
        graph: Graph,
        info: Option<&ModelInfo>,
        choice: TaskChoice,
    ) -> Result<Signature, Error> {
        let Some(port) = graph.inputs.first() else {
            let remedy = "export the model with an input for frames or sound";
            return Err(Error::unsuitable(path, "it has no input", remedy));
        };
        let pairs = recurrent_state::pair(path, &graph.inputs, &graph.outputs)?;
        let input_section = section(info, Direction::Input, 0, port)?;
        let input = tensor_info(path, port, input_section, "input")?;
        let statements = Statements {
            metadata: &graph.metadata,
            section: input_section,
        };
        let input_spec = match audio_input::takes_audio(&input, &statements, choice) {
            true => InputSpec::Sound(audio_input::spec(path, &input, &statements)?),
            false => InputSpec::Image(image_spec(path, &graph, &input, input_section)?),
        };
        let stated = || graph.metadata.get("task").and_then(|name| Task::named(name));
        let mut signature = Signature {
            shaped: Vec::new(),
            output_ranges: Vec::new(),
            wish: match choice {
                TaskChoice::Task(task) => Some(task),
                TaskChoice::Auto => stated(),
            },
            model: Model {
                task: Task::Tensor,
                input,
                input_spec,
                states: Vec::new(),
                outputs: Vec::new(),
                dims_orders: Vec::new(),
                output_spec: None,
                scale: Scale::ONE,
                group_id: info.and_then(|info| info.group_id.clone()),
                opset: graph.opset,
                metadata: graph.metadata.clone(),
                statements: Vec::new(),
                trial: None,
            },
        };
        signature.add_states_and_outputs(path, &graph, &pairs, info)?;
        Ok(signature)
    }

    fn add_states_and_outputs(
        &mut self,
        path: &Path,
        graph: &Graph,
        pairs: &[Pair],
        info: Option<&ModelInfo>,
    ) -> Result<(), Error> {
        for pair in pairs {
            let (Some(input), Some(output)) = (graph.inputs.get(pair.input), graph.outputs.get(pair.output))
            else {
                continue;
            };
            let input_section = section(info, Direction::Input, pair.input, input)?;
            let output_section = section(info, Direction::Output, pair.output, output)?;
            self.model.states.push(StateInfo {
                input: tensor_info(path, input, input_section, "input")?,
                output: tensor_info(path, output, output_section, "output")?,
            });
        }
        for (index, port) in graph.outputs.iter().enumerate() {
            if pairs.iter().any(|pair| pair.output == index) {
                continue;
            }
            let section = section(info, Direction::Output, index, port)?;
            let model = &mut self.model;
            model.outputs.push(tensor_info(path, port, section, "output")?);
            let order = section.map_or(DimsOrder::default(), |it| it.dims_order);
            model.dims_orders.push(order);
            self.shaped.push(port.dims.is_some());
            self.output_ranges.push(section.and_then(|it| it.ranges.clone()));
            if let Some(blank) = section.and_then(|it| it.blank.clone()) {
                self.model.metadata.insert("blank".into(), blank);
            }
        }
        Ok(())
    }

    /// Whether each output's shape is fixed or made of the input's own named dimensions.
    pub(super) fn outputs_follow_input(&self) -> bool {
        let input = &self.model.input;
        let follows = |dim: &Dim| match dim {
            Dim::Fixed(_) => true,
            Dim::Dynamic(name) => !name.is_empty() && input.dims.contains(dim),
        };
        let mut dims = self.model.outputs.iter().flat_map(|output| &output.dims);
        self.shaped.iter().all(|&shaped| shaped) && dims.all(follows)
    }
}

fn section<'a>(
    info: Option<&'a ModelInfo>,
    direction: Direction,
    index: usize,
    port: &Port,
) -> Result<Option<&'a TensorSection>, Error> {
    info.map_or(Ok(None), |info| info.find(direction, index, port))
}

/// Tells how a frame stands in the input.
fn image_spec(
    path: &Path,
    graph: &Graph,
    input: &TensorInfo,
    section: Option<&TensorSection>,
) -> Result<ImageSpec, Error> {
    let (channels, size) = image_axes(path, input)?;
    let axes = axes_of(&input.dims).unwrap_or(Axes {
        layout: Layout::Nchw,
        rank: input.dims.len(),
    });
    let stated = section.and_then(|section| section.ranges.clone());
    let ranges = match stated {
        Some(ranges) => spread(path, &input.name, ranges, channels)?,
        None => vec![
            metadata_range(path, graph)?.unwrap_or(default_range(input.element_type));
            channel_count(channels)
        ],
    };
    Ok(ImageSpec {
        layout: axes.layout,
        channels,
        element_type: input.element_type,
        size,
        ranges,
    })
}

fn tensor_info(
    path: &Path,
    port: &Port,
    section: Option<&TensorSection>,
    role: &str,
) -> Result<TensorInfo, Error> {
    let element_type = port.element_type.map_err(|other| {
        let cause = format!("{role} '{}' is {}", port.name, other.name());
        Error::unsuitable(
            path,
            cause,
            "add a Cast to float32 (float16, uint8, int32 and int64 work too)",
        )
    })?;
    let stated = section.and_then(|section| section.dims.as_ref());
    let from_section = |dims: &Vec<Option<usize>>| {
        dims.iter()
            .map(|dim| dim.map_or(Dim::Dynamic(String::new()), Dim::Fixed))
            .collect::<Vec<_>>()
    };
    let dims = match (&port.dims, stated) {
        (Some(model), Some(stated)) => model.iter().zip(stated).map(refine).collect(),
        (Some(model), None) => model.clone(),
        (None, Some(stated)) => from_section(stated),
        // Many exporters leave output shapes out; they are seen when the model runs.
        (None, None) if role == "output" => Vec::new(),
        (None, None) => {
            let cause = format!("{role} '{}' has no shape", port.name);
            let remedy = missing_line(path, &port.name, "dims=1,3,-1,-1");
            return Err(Error::unsuitable(path, cause, remedy));
        }
    };
    let id = section
        .and_then(|section| section.id.clone())
        .unwrap_or_else(|| port.name.clone());
    Ok(TensorInfo {
        name: port.name.clone(),
        id,
        element_type,
        dims,
    })
}

/// Lets the description fix what the model leaves open.
fn refine((model, stated): (&Dim, &Option<usize>)) -> Dim {
    match (model, stated) {
        (Dim::Dynamic(_), Some(size)) => Dim::Fixed(*size),
        _ => model.clone(),
    }
}

/// Says which line to add to which file.
pub(super) fn missing_line(path: &Path, tensor: &str, line: &str) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "add the line '{line}' to section [{tensor}] of {name}.modelinfo beside it, or export the model with it"
    )
}

/// Finds what a picture needs: channels and, where fixed, width and height.
fn image_axes(path: &Path, input: &TensorInfo) -> Result<(Channels, Option<(usize, usize)>), Error> {
    let (what, line) = (format!("input '{}'", input.name), dims_line(&input.dims));
    let unsuitable = |cause: String, remedy: &str| Err(Error::unsuitable(path, cause, remedy));
    let rank = input.dims.len();
    if !(2..=4).contains(&rank) {
        let remedy = "export the model with an input of 4 dimensions: batch, channels, height, width";
        return unsuitable(format!("{what} has {rank} dimension(s) ({line})"), remedy);
    }
    if !matches!(
        input.element_type,
        ElementType::F32 | ElementType::F16 | ElementType::U8
    ) {
        let cause = format!("{what} is of an integer type that frames do not have");
        return unsuitable(cause, "add a Cast from uint8 in front of it");
    }
    if let (4, Some(Dim::Fixed(batch @ 2..))) = (rank, input.dims.first()) {
        let cause = format!("{what} wants batches of {batch} frames");
        return unsuitable(cause, "export the model with a batch of 1 or a dynamic one");
    }
    let Some(axes) = axes_of(&input.dims) else {
        let candidates = if rank == 4 { [1, 3] } else { [0, 2] };
        // A small fixed number at either end is a count of channels, if an odd one; a large one is a size.
        let is_said = |&axis: &usize| matches!(input.dims[axis], Dim::Fixed(2 | 4..=16));
        let is_open = |&axis: &usize| matches!(input.dims[axis], Dim::Dynamic(_));
        if candidates.iter().any(is_open) && !candidates.iter().any(is_said) {
            let cause = format!("the channels of {what} ({line}) are not said");
            let example = match rank {
                4 => "dims=1,3,-1,-1",
                _ => "dims=3,-1,-1",
            };
            return unsuitable(cause, &missing_line(path, &input.name, example));
        }
        let cause = format!("{what} ({line}) has neither 1 channel (luma) nor 3 (RGB)");
        return unsuitable(cause, "use a model with 1 or 3 input channels");
    };
    let (channels, height, width) = axes.split(&input.dims);
    let size = match (height, width) {
        (Dim::Fixed(height), Dim::Fixed(width)) => Some((width, height)),
        // One side may be fixed: that of models that read lines of any length.
        _ => None,
    };
    Ok((channels, size))
}

/// Tells where the channels are: first where the first place says 1 or 3, else last.
pub(super) fn axes_of(dims: &[Dim]) -> Option<Axes> {
    let is_channels = |dim: Option<&Dim>| matches!(dim, Some(Dim::Fixed(1 | 3)));
    let rank = dims.len();
    let layout = match rank {
        2 => Some(Layout::Nchw),
        3 | 4 if is_channels(dims.get(rank - 3)) => Some(Layout::Nchw),
        3 | 4 if is_channels(dims.last()) => Some(Layout::Nhwc),
        _ => None,
    };
    layout.map(|layout| Axes { layout, rank })
}

impl Axes {
    /// Splits dimensions into channels, height and width.
    pub(super) fn split(self, dims: &[Dim]) -> (Channels, Dim, Dim) {
        let at = |index: usize| dims.get(index).cloned().unwrap_or(Dim::Fixed(1));
        let first = self.rank.saturating_sub(3);
        let (channels, height, width) = match (self.rank, self.layout) {
            (2, _) => (Dim::Fixed(1), at(0), at(1)),
            (_, Layout::Nchw) => (at(first), at(first + 1), at(first + 2)),
            (_, Layout::Nhwc) => (at(first + 2), at(first), at(first + 1)),
        };
        let channels = match channels {
            Dim::Fixed(3) => Channels::Rgb,
            _ => Channels::Luma,
        };
        (channels, height, width)
    }
}

pub(super) fn channel_count(channels: Channels) -> usize {
    match channels {
        Channels::Luma => 1,
        Channels::Rgb => 3,
    }
}

/// Gives each channel its range: one stands for all.
pub(super) fn spread(
    path: &Path,
    tensor: &str,
    ranges: Vec<(f32, f32)>,
    channels: Channels,
) -> Result<Vec<(f32, f32)>, Error> {
    let wanted = channel_count(channels);
    match ranges.as_slice() {
        [one] => Ok(vec![*one; wanted]),
        several if several.len() == wanted => Ok(ranges),
        several => {
            let cause = format!("[{tensor}] has {} ranges for {wanted} channel(s)", several.len());
            let remedy = "write one pair in 'ranges', or one per channel";
            Err(Error::unsuitable(path, cause, remedy))
        }
    }
}

/// Values of black and white where nobody says: the whole range of bytes, and 0 to 1 for floats.
pub(super) fn default_range(element_type: ElementType) -> (f32, f32) {
    match element_type {
        ElementType::F32 | ElementType::F16 => (0.0, 1.0),
        ElementType::U8 | ElementType::I32 | ElementType::I64 => (0.0, 255.0),
    }
}

/// Reads the range from the image metadata that ONNX defines ("Model Metadata for image inputs").
fn metadata_range(path: &Path, graph: &Graph) -> Result<Option<(f32, f32)>, Error> {
    let format = graph.metadata.get("Image.BitmapPixelFormat");
    if let Some(format) = format.filter(|it| it.starts_with("Bgr")) {
        let cause = format!("its metadata says Image.BitmapPixelFormat={format}");
        return Err(Error::unsuitable(path, cause, "export the model with RGB input"));
    }
    let range = graph.metadata.get("Image.NominalPixelRange");
    Ok(match range.map(String::as_str) {
        Some("NominalRange_0_255") => Some((0.0, 255.0)),
        Some("Normalized_0_1") => Some((0.0, 1.0)),
        Some("Normalized_1_1") => Some((-1.0, 1.0)),
        Some("NominalRange_16_235") => Some((16.0, 235.0)),
        _ => None,
    })
}
