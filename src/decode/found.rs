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
    /// The highest confidence beyond 1 that was offered.
    beyond: Option<f32>,
    /// A frame on which all boxes that were offered were smaller than a pixel of the input, by their number.
    tiny: Option<usize>,
    /// Values that were no numbers, of those dropped.
    broken: u64,
    /// What was told, since each is told once.
    told: [bool; 3],
}

/// Confidences up to here are 1, by the rounding of half precision.
const MOST_CONFIDENCE: f32 = 1.0 + super::evidence::ROUNDING;

impl Found {
    /// What has become doubtful since the last call, a clause.
    pub fn doubt(&mut self) -> Option<String> {
        let clauses = [
            self.beyond
                .map(|it| format!("a confidence is {it:.3}, beyond 1, so it can be none")),
            self.tiny.map(|it| {
                format!(
                    "all {it} boxes of a frame are smaller than a pixel; boxes=fractions in the metadata or the \
                     .modelinfo would make them fractions of the input"
                )
            }),
            (0 < self.broken).then(|| "values of its answers are no numbers (NaN or infinite)".to_owned()),
        ];
        let mut new = clauses.into_iter().zip(&mut self.told);
        new.find_map(|(clause, told)| clause.filter(|_| !std::mem::replace(told, true)))
    }

    /// Notes values that are no numbers.
    pub fn lose(&mut self, count: u64) {
        self.broken += count;
        self.dropped += count;
    }

    /// Looks at the candidates of a whole frame.
    pub fn judge(&mut self) {
        let is_tiny = |it: &Candidate| it.corners.is_within(1.0);
        if self.tiny.is_none() && !self.candidates.is_empty() && self.candidates.iter().all(is_tiny) {
            self.tiny = Some(self.candidates.len());
        }
    }

    /// Takes a candidate if its class is wanted, its numbers are finite, and some of it is inside the frame.
    pub fn offer(&mut self, request: &Request, corners: Corners, score: f32, class: u32, row: usize) {
        let wanted = request.settings.classes.as_ref();
        if wanted.is_some_and(|it| !it.contains(&class)) {
            return;
        }
        if MOST_CONFIDENCE < score && score.is_finite() {
            self.beyond = Some(self.beyond.map_or(score, |it| it.max(score)));
        }
        if !score.is_finite() || corners.to_frame(request.place).is_none() {
            self.broken += u64::from(!score.is_finite());
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
