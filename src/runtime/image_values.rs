// SPDX-License-Identifier: MPL-2.0

//! What is usual of pictures that go in, what else it could be, and what goes together.

use std::path::Path;

use super::Error;
use crate::tensor::{Channels, ElementType, Fit, InputSize, Layout};

/// Whether a size can be that of an input whose sides are fixed where they are said.
pub(super) fn goes_with(size: InputSize, width: Option<usize>, height: Option<usize>) -> bool {
    let fits = |said: Option<usize>, fixed: Option<usize>| said.is_none() || fixed.is_none() || said == fixed;
    match size {
        InputSize::Sides(across, down) => fits(across, width) && fits(down, height),
        InputSize::Frame | InputSize::Grid(_) => width.is_none() && height.is_none(),
    }
}

/// The other usual range.
pub(super) fn other_range(ranges: &[(f32, f32)]) -> &'static str {
    match ranges {
        [(0.0, 1.0), ..] => "input-range=0,255",
        _ => "input-range=0,1",
    }
}

pub(super) fn other_layout(layout: Layout) -> &'static str {
    match layout {
        Layout::Nchw => "input-layout=nhwc",
        Layout::Nhwc => "input-layout=nchw",
    }
}

pub(super) fn other_fit(fit: Fit) -> &'static str {
    match fit {
        Fit::Stretch => "fit=letterbox",
        Fit::Centered | Fit::Cornered | Fit::Crop | Fit::Line => "fit=stretch",
    }
}

/// Gives each channel its range: one stands for all.
pub(super) fn spread(
    path: &Path,
    tensor: &str,
    ranges: Vec<(f32, f32)>,
    channels: Channels,
) -> Result<Vec<(f32, f32)>, Error> {
    let wanted = channels.count();
    match ranges.as_slice() {
        [one] => Ok(vec![*one; wanted]),
        several if several.len() == wanted => Ok(ranges),
        several => {
            let said = several.len();
            let cause = format!("[{tensor}] says the values of {said} channels, and the model has {wanted}");
            let remedy = "write one pair in 'ranges' (or one number in 'mean' and 'std'), or one per channel";
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
