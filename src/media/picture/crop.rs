// SPDX-License-Identifier: MPL-2.0

//! The part of an answer that belongs to the frame, where the frame was extended for the model.

use half::f16;

use crate::media::element::Element;
use crate::tensor::{Data, Layout, Tensor};

/// Copies the top left `width` x `height` pixels of a picture of batch one to `cropped`, which keeps its memory.
///
/// Returns whether there is such a part: a tensor of rank 4, of float32, float16 or uint8, that is as large at least.
pub fn crop(tensor: &Tensor, layout: Layout, (width, height): (usize, usize), cropped: &mut Tensor) -> bool {
    let &[1, a, b, c] = tensor.dims.as_slice() else {
        return false;
    };
    let (planes, rows, row, step, dims) = match layout {
        Layout::Nchw => (a, b, c, 1, [1, a, height, width]),
        Layout::Nhwc => (1, a, b * c, c, [1, height, width, c]),
    };
    if rows < height || row < step * width {
        return false;
    }
    if cropped.dims != dims {
        cropped.dims = dims.to_vec();
    }
    fn copy<E: Element>(
        from: &[E],
        to: &mut [E],
        (planes, rows, row): (usize, usize, usize),
        kept: (usize, usize),
    ) {
        if from.len() != planes * rows * row {
            return;
        }
        let (width, height) = kept;
        for (to, from) in to
            .chunks_exact_mut(width * height)
            .zip(from.chunks_exact(rows * row))
        {
            for (to, from) in to.chunks_exact_mut(width).zip(from.chunks_exact(row)) {
                to.copy_from_slice(&from[..width]);
            }
        }
    }
    let (whole, kept, count) = ((planes, rows, row), (step * width, height), dims.iter().product());
    match &tensor.data {
        Data::F32(from) => copy(from, f32::claim(&mut cropped.data, count), whole, kept),
        Data::F16(from) => copy(from, f16::claim(&mut cropped.data, count), whole, kept),
        Data::U8(from) => copy(from, u8::claim(&mut cropped.data, count), whole, kept),
        Data::I32(_) | Data::I64(_) => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_left_is_kept_in_both_layouts() {
        let whole = |dims: [usize; 4]| Tensor {
            dims: dims.to_vec(),
            data: Data::U8((0..dims.iter().product()).map(|it| it as u8).collect()),
        };
        let mut cropped = Tensor {
            dims: Vec::new(),
            data: Data::F32(Vec::new()),
        };
        assert!(crop(&whole([1, 2, 2, 3]), Layout::Nchw, (2, 1), &mut cropped));
        assert_eq!(cropped.dims, [1, 2, 1, 2]);
        assert_eq!(cropped.data, Data::U8(vec![0, 1, 6, 7]));
        assert!(crop(&whole([1, 2, 3, 2]), Layout::Nhwc, (2, 2), &mut cropped));
        assert_eq!(cropped.data, Data::U8(vec![0, 1, 2, 3, 6, 7, 8, 9]));
        assert!(!crop(&whole([1, 2, 2, 3]), Layout::Nchw, (4, 1), &mut cropped));
    }
}
