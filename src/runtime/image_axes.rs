// SPDX-License-Identifier: MPL-2.0

//! Where the channels, rows and columns of a picture are in a tensor.

use std::path::Path;

use super::modelinfo::{self, dims_line};
use super::{Error, features};
use crate::tensor::{Channels, Dim, ElementType, Layout, TensorInfo};

/// Shape positions that a picture's axes take in a tensor of rank 2, 3 or 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axes {
    pub layout: Layout,
    pub rank: usize,
}

/// What a user says of the axes of a picture, where the model leaves it open.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wish {
    pub layout: Option<Layout>,
    pub order: Option<Channels>,
}

/// How a picture stands in an input.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub axes: Axes,
    /// 1 or 3.
    pub count: usize,
    /// Whether layout and count follow from the shape alone.
    pub is_shaped: bool,
    pub width: Dim,
    pub height: Dim,
}

/// Says which line to add to which file.
pub(super) fn missing_line(path: &Path, tensor: &str, line: &str) -> String {
    let section = modelinfo::section_of(path, tensor);
    format!("add the line '{line}' to {section}, or export the model with it")
}

/// Finds what a picture needs, or says why the input cannot be one.
pub(super) fn find(path: &Path, input: &TensorInfo, wish: Wish) -> Result<Found, Error> {
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
    let found = match (axes_of(&input.dims), wish.layout) {
        (Some(axes), None) => Some((axes, true)),
        (shaped, Some(layout)) => {
            let axes = Axes { layout, rank };
            let fits = !matches!(axes.channels(&input.dims), Dim::Fixed(2 | 4..));
            if !fits {
                let cause = format!(
                    "{what} ({line}) has no 1 or 3 channels in the layout {}",
                    layout.name()
                );
                return unsuitable(cause, "set input-layout=auto, or the other one");
            }
            Some((axes, shaped == Some(axes)))
        }
        (None, None) => wish
            .order
            .and_then(|_| open_axes(&input.dims))
            .map(|it| (it, false)),
    };
    let Some((axes, is_shaped)) = found else {
        return Err(no_channels(path, input));
    };
    let (channels, height, width) = axes.split(&input.dims);
    let count = match channels {
        Dim::Fixed(count) => count,
        Dim::Dynamic(_) => wish.order.map_or(Channels::Rgb.count(), Channels::count),
    };
    Ok(Found {
        axes,
        count,
        is_shaped,
        width,
        height,
    })
}

/// Says why no channels can be seen, and what to write.
fn no_channels(path: &Path, input: &TensorInfo) -> Error {
    let (what, line) = (format!("input '{}'", input.name), dims_line(&input.dims));
    let candidates = if input.dims.len() == 4 { [1, 3] } else { [0, 2] };
    // A small fixed number at either end is a count of channels, if an odd one; a large one is a size.
    let said = candidates.iter().find_map(|&axis| match input.dims.get(axis) {
        Some(Dim::Fixed(count @ (2 | 4..=16))) => Some(*count),
        _ => None,
    });
    let is_open = |&axis: &usize| matches!(input.dims.get(axis), Some(Dim::Dynamic(_)));
    let ends = |one: usize, other: usize| input.dims.get(one).zip(input.dims.get(other));
    let table = match input.dims.len() {
        3 => ends(2, 1).and_then(|it| features::instead_of_picture(input, it, true)),
        _ => None,
    };
    let table = table.map_or(String::new(), |it| {
        format!("; it may be {it}, and avrec feeds frames and samples only")
    });
    if let (None, true) = (said, candidates.iter().any(is_open)) {
        let cause = format!("the channels of {what} ({line}) are not said{table}");
        let example = match input.dims.len() {
            4 => "dims=1,3,-1,-1",
            _ => "dims=3,-1,-1",
        };
        let remedy = missing_line(path, &input.name, example);
        return Error::unsuitable(
            path,
            cause,
            format!("{remedy}, or set channel-order and input-layout"),
        );
    }
    let cause = format!("{what} ({line}) has neither 1 channel (luma) nor 3 (RGB){table}");
    let remedy = match said {
        Some(4) => {
            "use a model with 1 or 3 input channels; for a fourth one, such as alpha or a mask, nothing is fed"
        }
        _ => "use a model with 1 or 3 input channels",
    };
    Error::unsuitable(path, cause, remedy)
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

/// Tells where channels are that the shape leaves open: at the free end, first where both are.
fn open_axes(dims: &[Dim]) -> Option<Axes> {
    let rank = dims.len();
    let is_open = |dim: Option<&Dim>| matches!(dim, Some(Dim::Dynamic(_)));
    let layout = match rank {
        3 | 4 if is_open(dims.get(rank - 3)) => Some(Layout::Nchw),
        3 | 4 if is_open(dims.last()) => Some(Layout::Nhwc),
        _ => None,
    };
    layout.map(|layout| Axes { layout, rank })
}

impl Axes {
    fn channels(self, dims: &[Dim]) -> Dim {
        self.split(dims).0
    }

    /// Splits dimensions into channels, height and width.
    pub(super) fn split(self, dims: &[Dim]) -> (Dim, Dim, Dim) {
        let at = |index: usize| dims.get(index).cloned().unwrap_or(Dim::Fixed(1));
        let first = self.rank.saturating_sub(3);
        match (self.rank, self.layout) {
            (2, _) => (Dim::Fixed(1), at(0), at(1)),
            (_, Layout::Nchw) => (at(first), at(first + 1), at(first + 2)),
            (_, Layout::Nhwc) => (at(first + 2), at(first), at(first + 1)),
        }
    }
}
