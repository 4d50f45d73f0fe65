// SPDX-License-Identifier: MPL-2.0

//! Elements of picture tensors, seen as rows of `f32` by the loops.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::kernel::{self, Affine};
use crate::tensor::Data;

/// Numbers and the room for them; the plain cases of a conversion go straight through.
pub trait Element: Copy + Default {
    /// Runs `fill` on a row of `f32` and stores what it left there; `scratch` is as long as `row`.
    fn store(row: &mut [Self], scratch: &mut [f32], fill: impl FnOnce(&mut [f32]));

    /// The row as `f32`; `scratch` is as long as `row`.
    fn load<'a>(row: &'a [Self], scratch: &'a mut [f32]) -> &'a [f32];

    /// The elements of a tensor of this type.
    fn of(data: &Data) -> Option<&[Self]>;

    /// The elements of a tensor of this type, of the given number; the tensor is given other ones if need be.
    fn claim(data: &mut Data, count: usize) -> &mut [Self];
}

macro_rules! element {
    ($type:ty, $variant:ident, $store:item, $load:item) => {
        impl Element for $type {
            $store

            $load

            fn of(data: &Data) -> Option<&[Self]> {
                match data {
                    Data::$variant(elements) => Some(elements),
                    _ => None,
                }
            }

            fn claim(data: &mut Data, count: usize) -> &mut [Self] {
                if !matches!(data, Data::$variant(elements) if elements.len() == count) {
                    *data = Data::$variant(vec![Self::default(); count]);
                }
                match data {
                    Data::$variant(elements) => elements,
                    _ => &mut [],
                }
            }
        }
    };
}

element!(
    f32,
    F32,
    fn store(row: &mut [f32], _scratch: &mut [f32], fill: impl FnOnce(&mut [f32])) {
        fill(row)
    },
    fn load<'a>(row: &'a [f32], _scratch: &'a mut [f32]) -> &'a [f32] {
        row
    }
);

element!(
    f16,
    F16,
    fn store(row: &mut [f16], scratch: &mut [f32], fill: impl FnOnce(&mut [f32])) {
        fill(scratch);
        row.convert_from_f32_slice(scratch);
    },
    fn load<'a>(row: &'a [f16], scratch: &'a mut [f32]) -> &'a [f32] {
        row.convert_to_f32_slice(scratch);
        scratch
    }
);

element!(
    u8,
    U8,
    fn store(row: &mut [u8], scratch: &mut [f32], fill: impl FnOnce(&mut [f32])) {
        fill(scratch);
        kernel::quantize(scratch, Affine::SAME, row);
    },
    fn load<'a>(row: &'a [u8], scratch: &'a mut [f32]) -> &'a [f32] {
        kernel::widen(row, Affine::SAME, scratch);
        scratch
    }
);
