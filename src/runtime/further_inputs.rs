// SPDX-License-Identifier: MPL-2.0

//! Inputs besides the one for frames or sound that are no recurrent state: constants, and those that describe the frame.
//!
//! A constant is a line `value=0.5` in the section of the input in the `.modelinfo`: one number for all elements, or as many
//! numbers, with spaces, as there are elements. What describes the frame is known by its name and filled with the size of the
//! picture *that the model gets*, so that boxes come back in its pixels, as those of all other detectors do.

use std::path::Path;

use super::modelinfo::{Direction, ModelInfo};
use super::onnx::{Graph, Port};
use super::recurrent_state;
use super::{Error, Origin, Statement, buffer};
use crate::tensor::{Data, Dim, TensorInfo};

/// What an input gets in each run.
#[derive(Debug, Clone, PartialEq)]
pub enum Fill {
    /// One number for all elements, or one for each.
    Numbers(Vec<f64>),
    /// Width and height of the picture in the input, in pixels.
    WidthHeight,
    /// Height and width of the picture in the input, in pixels.
    HeightWidth,
}

/// An input that is neither frame, sound nor state.
#[derive(Debug, Clone, PartialEq)]
pub struct FurtherInput {
    pub info: TensorInfo,
    pub fill: Fill,
}

/// Names of inputs that describe the frame, and what stands in them, by the exports that have them: `orig_target_sizes` of
/// RT-DETR and D-FINE (width, height), `im_shape` and `scale_factor` of PaddleDetection (height first), `image_shape` of
/// YOLOv3 in ONNX's zoo (height, width).
const ABOUT_FRAME: [(&str, Fill); 8] = [
    ("orig_target_sizes", Fill::WidthHeight),
    ("orig_size", Fill::WidthHeight),
    ("target_sizes", Fill::HeightWidth),
    ("im_shape", Fill::HeightWidth),
    ("image_shape", Fill::HeightWidth),
    ("img_shape", Fill::HeightWidth),
    ("ori_shape", Fill::HeightWidth),
    ("image_size", Fill::HeightWidth),
];

/// Names of inputs that say by which factor the picture was scaled: 1, since boxes are wanted in its own pixels.
const SCALES: [&str; 2] = ["scale_factor", "im_scale"];

/// Names of inputs that say the sample rate.
const RATES: [&str; 4] = ["sr", "sample_rate", "sampling_rate", "samplerate"];

impl FurtherInput {
    /// Elements that one run takes; what is open is a batch, of one.
    pub(super) fn shape(&self) -> Vec<usize> {
        self.info.dims.iter().map(fixed).collect()
    }

    /// Writes what the next run gets, where the picture in the input has this width and height (0 for sound).
    pub(super) fn write(&self, data: &mut Data, (width, height): (usize, usize)) {
        let sizes = [width as f64, height as f64];
        let numbers: &[f64] = match &self.fill {
            Fill::Numbers(numbers) => numbers,
            Fill::WidthHeight => &sizes,
            Fill::HeightWidth => &[sizes[1], sizes[0]],
        };
        buffer::fill_with_numbers(data, numbers);
    }
}

fn fixed(dim: &Dim) -> usize {
    match dim {
        Dim::Fixed(size) => *size,
        Dim::Dynamic(_) => 1,
    }
}

/// Whether it is told what this input gets, by a line or by its name.
pub(super) fn is_told(info: Option<&ModelInfo>, port: &Port) -> bool {
    let lower = port.name.to_lowercase();
    let is_known = ABOUT_FRAME.iter().any(|(name, _)| *name == lower)
        || SCALES.contains(&lower.as_str())
        || RATES.contains(&lower.as_str());
    is_known || stated(info, port).is_some()
}

/// The line `value` of the section that has this input's name.
fn stated<'a>(info: Option<&'a ModelInfo>, port: &Port) -> Option<&'a str> {
    let section = info?.tensors.iter().find(|it| it.name == port.name)?;
    let is_input = section.direction.is_none_or(|it| it == Direction::Input);
    section.value.as_deref().filter(|_| is_input)
}

/// Moves the input for frames or sound to the first place: the first that is not told otherwise, has dimensions, and has no
/// output of its name.
pub(super) fn put_main_first(graph: &mut Graph, info: Option<&ModelInfo>) {
    let is_main = |port: &Port| {
        let has_dims = port.dims.as_ref().is_none_or(|dims| !dims.is_empty());
        has_dims && !is_told(info, port) && !recurrent_state::has_partner(port, &graph.outputs)
    };
    if let Some(index) = graph.inputs.iter().position(is_main) {
        graph.inputs[..=index].rotate_right(1);
    }
}

/// Says what an input gets that is neither the first nor state, or which line would say it. `rate` is that of a model for
/// sound, in Hz.
pub(super) fn fill(
    path: &Path,
    port: &Port,
    info: Option<&ModelInfo>,
    rate: Option<u32>,
) -> Result<(Fill, Statement), Error> {
    let lower = port.name.to_lowercase();
    let statement = |value: String, origin| Statement {
        tensor: port.name.clone(),
        key: "input-values",
        line: format!("value={value}"),
        value,
        origin,
    };
    if let Some(text) = stated(info, port) {
        let numbers = numbers(path, port, text)?;
        return Ok((Fill::Numbers(numbers), statement(text.into(), Origin::ModelInfo)));
    }
    let by_name = Origin::File("the input's name".into());
    if let Some((_, fill)) = ABOUT_FRAME.iter().find(|(name, _)| *name == lower) {
        let words = match fill {
            Fill::WidthHeight => "width and height of the picture in the input",
            _ => "height and width of the picture in the input",
        };
        let mut told = statement(words.into(), by_name);
        told.line = "value=640 640".into();
        return Ok((fill.clone(), told));
    }
    if SCALES.contains(&lower.as_str()) {
        return Ok((Fill::Numbers(vec![1.0]), statement("1".into(), by_name)));
    }
    match rate.filter(|_| RATES.contains(&lower.as_str())) {
        Some(rate) => Ok((
            Fill::Numbers(vec![f64::from(rate)]),
            statement(rate.to_string(), by_name),
        )),
        None => {
            let cause = format!("nothing says what to feed its input '{}' with", port.name);
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let remedy = format!(
                "add the line 'value=0.5', with its real value, to section [{}] of {file}.modelinfo beside it; where it \
                 is recurrent state, it needs an output of the same type and shape that is named alike, such as 'h' and \
                 'h_out'",
                port.name
            );
            Err(Error::unsuitable(path, cause, remedy))
        }
    }
}

fn numbers(path: &Path, port: &Port, text: &str) -> Result<Vec<f64>, Error> {
    let fault = |cause: String| {
        let remedy = "write one number, or as many as it has elements, with spaces, such as 'value=640 480'";
        Error::unsuitable(path, cause, remedy)
    };
    let number = |word: &str| match word {
        "true" => Some(1.0),
        "false" => Some(0.0),
        word => word.parse::<f64>().ok().filter(|it| it.is_finite()),
    };
    let numbers: Option<Vec<f64>> = text.split_whitespace().map(number).collect();
    let numbers = numbers
        .filter(|it| !it.is_empty())
        .ok_or_else(|| fault(format!("[{}] value={text} is no number", port.name)))?;
    let elements = port.dims.iter().flatten().map(fixed).product::<usize>();
    if numbers.len() != 1 && numbers.len() != elements {
        let count = numbers.len();
        return Err(fault(format!(
            "[{}] value has {count} numbers for {elements} elements",
            port.name
        )));
    }
    Ok(numbers)
}
