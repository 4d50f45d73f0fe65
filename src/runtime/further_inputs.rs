// SPDX-License-Identifier: MPL-2.0

//! Inputs besides the one for frames or sound: constants, those that describe the frame, and what state begins with.
//!
//! A constant is said by the property `input-values`, or by a line `value=0.5` in the section of the input in the
//! `.modelinfo`: one number for all elements, or as many numbers, with spaces, as there are elements. What describes the
//! frame is known by its name and filled with the size of the picture *that the model gets*, so that boxes come back in its
//! pixels, as those of all other detectors do.

use std::path::Path;

use super::modelinfo::{self, Direction, ModelInfo};
use super::onnx::{Graph, OtherType, Port};
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
    /// The factor that makes the longer side of the picture this many pixels, at most 1.
    ShrinkTo(u32),
}

/// An input that is neither frame, sound nor state.
#[derive(Debug, Clone, PartialEq)]
pub struct FurtherInput {
    pub info: TensorInfo,
    /// Its type where that is none of those that frames may have.
    pub other_type: Option<OtherType>,
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

/// The factor by which Robust Video Matting looks at a picture first. Its authors choose it so that the longer side has 512
/// pixels, and look at smaller ones as they are.
const LOOK: (&str, Fill) = ("downsample_ratio", Fill::ShrinkTo(512));

/// Names of inputs that say the sample rate.
const RATES: [&str; 4] = ["sr", "sample_rate", "sampling_rate", "samplerate"];

/// The key of statements, which is the property's name.
const KEY: &str = "input-values";

impl FurtherInput {
    /// Elements that one run takes; what is open is a batch, of one.
    pub(super) fn shape(&self) -> Vec<usize> {
        self.info.dims.iter().map(fixed).collect()
    }

    /// Writes what the next run gets, where the picture in the input has this width and height (0 for sound).
    pub(super) fn write(&self, data: &mut Data, (width, height): (usize, usize)) {
        let sizes = [width as f64, height as f64];
        let factor = |longest: u32| (f64::from(longest) / sizes[0].max(sizes[1]).max(1.0)).min(1.0);
        let numbers: &[f64] = match &self.fill {
            Fill::Numbers(numbers) => numbers,
            Fill::WidthHeight => &sizes,
            Fill::HeightWidth => &[sizes[1], sizes[0]],
            Fill::ShrinkTo(longest) => &[factor(*longest)],
        };
        match self.other_type {
            Some(OtherType::FLOAT64) => buffer::fill_with_wide_floats(data, numbers),
            _ => buffer::fill_with_numbers(data, numbers),
        }
    }
}

fn fixed(dim: &Dim) -> usize {
    match dim {
        Dim::Fixed(size) => *size,
        Dim::Dynamic(_) => 1,
    }
}

fn elements(port: &Port) -> usize {
    port.dims.iter().flatten().map(fixed).product()
}

/// Whether this input says the sample rate, by its name.
pub(super) fn is_rate(port: &Port) -> bool {
    RATES.contains(&port.name.to_lowercase().as_str())
}

/// What the name of an input says of its content; `None` where it says nothing.
fn of_frame(port: &Port) -> Option<Fill> {
    let name = port.name.to_lowercase();
    let about = ABOUT_FRAME
        .iter()
        .find(|(known, _)| *known == name && elements(port) == 2);
    let scale = || SCALES.contains(&name.as_str()).then(|| Fill::Numbers(vec![1.0]));
    let look = || (LOOK.0 == name).then_some(LOOK.1);
    about.map(|(_, fill)| fill.clone()).or_else(scale).or_else(look)
}

/// What the user says of further inputs.
pub(super) struct Said<'a> {
    asked: Vec<(&'a str, &'a str)>,
    info: Option<&'a ModelInfo>,
}

impl Said<'_> {
    /// Reads the property, such as `sr=16000,sizes=640 480`.
    pub(super) fn read<'a>(values: &'a str, info: Option<&'a ModelInfo>) -> Result<Said<'a>, Error> {
        let parts = values.split(',').map(str::trim).filter(|it| !it.is_empty());
        let pair = |part: &'a str| {
            let pair = part
                .rsplit_once('=')
                .map(|(name, value)| (name.trim(), value.trim()));
            pair.ok_or_else(|| {
                setting(
                    values,
                    "is not understood".into(),
                    "write it as sr=16000,threshold=0.5, and several numbers of one input with spaces".into(),
                )
            })
        };
        let asked = parts.map(pair).collect::<Result<_, _>>()?;
        Ok(Said { asked, info })
    }

    /// Refuses names that no further input has. The main input is the graph's first.
    pub(super) fn check_names(&self, graph: &Graph) -> Result<(), Error> {
        let further = graph.inputs.iter().skip(1);
        let is_unknown = |name: &str| further.clone().all(|port| port.name != name);
        let Some((name, value)) = self.asked.iter().find(|(name, _)| is_unknown(name)) else {
            return Ok(());
        };
        let names: Vec<_> = further.map(|port| port.name.as_str()).collect();
        let remedy = match names.as_slice() {
            [] => "leave it out: the model has no input besides that for frames or sound".to_owned(),
            names => format!("write one of {}", names.join(", ")),
        };
        Err(setting(
            &format!("{name}={value}"),
            "names no further input of the model".into(),
            remedy,
        ))
    }

    /// What is said of this input, and by whom.
    fn of(&self, port: &Port) -> Option<(&str, Origin)> {
        let asked = self.asked.iter().find(|(name, _)| *name == port.name);
        let section = || {
            let section = self.info?.tensors.iter().find(|it| it.name == port.name)?;
            let is_input = section.direction.is_none_or(|it| it == Direction::Input);
            section.value.as_deref().filter(|_| is_input)
        };
        let asked = asked.map(|(_, value)| (*value, Origin::Asked));
        asked.or_else(|| section().map(|value| (value, Origin::ModelInfo)))
    }

    /// Whether it is told what this input gets, by a line or by its name.
    pub(super) fn is_told(&self, port: &Port) -> bool {
        of_frame(port).is_some() || is_rate(port) || self.of(port).is_some()
    }

    /// The numbers that are said of this input, and by whom.
    pub(super) fn numbers(&self, path: &Path, port: &Port) -> Result<Option<(Vec<f64>, Statement)>, Error> {
        let Some((text, origin)) = self.of(port) else {
            return Ok(None);
        };
        let numbers = numbers(path, port, text)?;
        Ok(Some((numbers, statement(port, text.to_owned(), origin))))
    }

    /// The sample rate that an input gets which is for it, where somebody says it.
    pub(super) fn rate(&self, path: &Path, graph: &Graph) -> Result<Option<(f64, Origin)>, Error> {
        let Some(port) = graph.inputs.iter().find(|it| is_rate(it)) else {
            return Ok(None);
        };
        let said = self.numbers(path, port)?;
        Ok(said.and_then(|(numbers, statement)| Some((*numbers.first()?, statement.origin))))
    }

    /// Says what an input gets that is neither the first nor state, or which line would say it. `rate` is that of a model
    /// for sound, in Hz.
    pub(super) fn fill(
        &self,
        path: &Path,
        port: &Port,
        rate: Option<u32>,
    ) -> Result<(Fill, Statement), Error> {
        if let Some((numbers, statement)) = self.numbers(path, port)? {
            return Ok((Fill::Numbers(numbers), statement));
        }
        let by_name = Origin::File("the input's name".into());
        if let Some(rate) = rate.filter(|_| is_rate(port)) {
            let fill = Fill::Numbers(vec![f64::from(rate)]);
            return Ok((fill, statement(port, rate.to_string(), by_name)));
        }
        let Some(fill) = of_frame(port) else {
            let name = &port.name;
            let cause = format!("nothing says what to feed its input '{name}' with");
            let section = modelinfo::section_of(path, name);
            let remedy = format!(
                "set input-values={name}=0.5 with its real value, or add the line 'value=0.5' to {section}; \
                 where it is recurrent state, it needs an output of the same type and shape \
                 that is named alike, such as 'h' and 'h_out'"
            );
            return Err(Error::unsuitable(path, cause, remedy));
        };
        let (words, origin) = match fill {
            Fill::WidthHeight => ("width height", by_name),
            Fill::HeightWidth => ("height width", by_name),
            Fill::ShrinkTo(_) => ("512/longest", Origin::Assumed),
            Fill::Numbers(_) => ("1", by_name),
        };
        let mut told = statement(port, words.into(), origin);
        told.line = match fill {
            Fill::WidthHeight | Fill::HeightWidth => format!("{KEY}={}=640 640", port.name),
            _ => format!("{KEY}={}=0.5", port.name),
        };
        Ok((fill, told))
    }

    /// Moves the input for frames or sound to the first place: the first that is not told otherwise, has dimensions, and
    /// has no output of its name but the first one, which is the answer.
    pub(super) fn put_main_first(&self, graph: &mut Graph) {
        let states = graph.outputs.get(1..).unwrap_or_default();
        let is_main = |port: &Port| {
            let has_dims = port.dims.as_ref().is_none_or(|dims| !dims.is_empty());
            let is_usable = port.element_type.is_ok();
            has_dims && is_usable && !self.is_told(port) && !recurrent_state::has_partner(port, states)
        };
        if let Some(index) = graph.inputs.iter().position(is_main) {
            graph.inputs[..=index].rotate_right(1);
        }
    }
}

fn setting(value: &str, cause: String, remedy: String) -> Error {
    Error::Setting {
        key: KEY,
        value: value.to_owned(),
        cause,
        remedy,
    }
}

fn statement(port: &Port, value: String, origin: Origin) -> Statement {
    Statement {
        tensor: port.name.clone(),
        key: KEY,
        line: format!("{KEY}={}={value}", port.name),
        value,
        origin,
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
    let elements = elements(port);
    if numbers.len() != 1 && numbers.len() != elements {
        let count = numbers.len();
        return Err(fault(format!(
            "[{}] value has {count} numbers for {elements} elements",
            port.name
        )));
    }
    Ok(numbers)
}
