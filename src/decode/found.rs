// SPDX-License-Identifier: MPL-2.0

//! What a detector's outputs are asked for, and what was found in them.

use super::nms::{Candidate, Corners};
use super::{Fault, Settings};
use crate::letterbox::Letterbox;
use crate::tensor::{Data, Tensor};

/// What a frame is looked at for.
pub(super) struct Request<'a> {
    pub place: &'a Letterbox,
    pub settings: &'a Settings,
    /// How many labels there are, where they are known.
    pub labels: Option<usize>,
}

impl Request<'_> {
    /// The size of the model's input, to scale boxes by that are fractions of it.
    pub fn input(&self) -> (f32, f32) {
        let input = self.place.input;
        (input.width as f32, input.height as f32)
    }

    /// The class that a model wrote as a number; `None` where it is no such number.
    pub fn class(&self, value: f32) -> Result<Option<u32>, Fault> {
        // Up to here a float holds each whole number.
        if value.fract() != 0.0 || !(0.0..=16_777_216.0).contains(&value) {
            return Ok(None);
        }
        let class = value as u32;
        match self.labels {
            Some(labels) if labels <= class as usize => Err(Fault::Unlabeled { class, labels }),
            _ => Ok(Some(class)),
        }
    }
}

/// Memory for outputs that are not floats, as floats: one for each output that is read at a time.
pub(super) type Scratch = [Vec<f32>; 4];

/// Candidates of one frame, in memory that is kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub candidates: Vec<Candidate>,
    /// Boxes and values left out since the decoder was made: not finite, empty or outside of the frame.
    pub dropped: u64,
}

impl Found {
    /// Takes a candidate if its class is wanted, its numbers are finite, and some of it is inside the frame.
    pub fn offer(&mut self, request: &Request, corners: Corners, score: f32, class: u32, row: usize) {
        let wanted = request.settings.classes.as_ref();
        if wanted.is_some_and(|it| !it.contains(&class)) {
            return;
        }
        if !score.is_finite() || corners.to_frame(request.place).is_none() {
            self.dropped += 1;
            return;
        }
        self.candidates.push(Candidate {
            corners,
            score,
            class,
            row: row as u32,
            turned: None,
        });
    }
}

/// The output at an index, with as many elements as its dimensions say.
pub(super) fn output(outputs: &[Tensor], index: usize) -> Result<&Tensor, Fault> {
    let tensor = outputs.get(index).ok_or(Fault::Outputs {
        given: outputs.len(),
        wanted: index,
    })?;
    let elements = tensor
        .dims
        .iter()
        .try_fold(1usize, |all, &it| all.checked_mul(it));
    if elements != Some(length(&tensor.data)) {
        return Err(shape(index, tensor, "as many elements as dimensions say"));
    }
    Ok(tensor)
}

fn length(data: &Data) -> usize {
    match data {
        Data::F32(values) => values.len(),
        Data::F16(values) => values.len(),
        Data::U8(values) => values.len(),
        Data::I32(values) => values.len(),
        Data::I64(values) => values.len(),
    }
}

/// The fault of an output whose shape is not the expected one.
pub(super) fn shape(output: usize, tensor: &Tensor, expected: impl Into<String>) -> Fault {
    Fault::Shape {
        output,
        given: tensor.dims.clone(),
        expected: expected.into(),
    }
}
