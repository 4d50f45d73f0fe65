// SPDX-License-Identifier: MPL-2.0

//! How far each place of the frame belongs to its foreground: mattes, as models that cut out people and things give
//! them, [1, 1, H, W].
//!
//! What comes out covers the frame, as maps of classes do, with one cell for each place of the model's map.

use super::Fault;
use super::found::output;
use super::scan;
use super::segment::{Axis, plane_size};
use super::values::Values;
use crate::answer::Mask;
use crate::letterbox::Letterbox;
use crate::tensor::Tensor;

/// Where the matte is.
#[derive(Debug, Clone, PartialEq)]
pub struct Matte {
    /// Which output of the model it is.
    pub output: usize,
    pub values: Values,
    /// Outputs that are known to say no more about the frame: the same map at other depths, and the foreground's colors.
    pub redundant: Vec<usize>,
}

impl Matte {
    /// Fills the matte of the frame; returns how many places have no number, which belong to the background.
    pub(super) fn read(
        &self,
        outputs: &[Tensor],
        place: &Letterbox,
        scratch: &mut Vec<f32>,
        matte: &mut Mask,
    ) -> Result<u64, Fault> {
        let tensor = output(outputs, self.output)?;
        let (width, height) = plane_size(self.output, tensor)?;
        let values = scan::floats(tensor, scratch);
        let reading = self.values.settled(values);
        let across = Axis::new(place.pad_left, place.picture.width, place.input.width, width);
        let down = Axis::new(place.pad_top, place.picture.height, place.input.height, height);
        (matte.width, matte.height) = (across.cells, down.cells);
        matte.coverage.clear();
        let mut dropped = 0;
        for line in 0..down.cells {
            let row = &values[down.source(line) * width..][..width];
            for column in 0..across.cells {
                let share = reading.share(row[across.source(column)]);
                dropped += u64::from(share.is_nan());
                // The cast takes what is not a number to 0.
                matte.coverage.push((255.0 * share).round() as u8);
            }
        }
        Ok(dropped)
    }
}
