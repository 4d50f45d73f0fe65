// SPDX-License-Identifier: MPL-2.0

//! The loops over whole outputs, written for the compiler to vectorize and compiled twice for x86-64, where
//! the baseline has 16-byte registers only.

use half::f16;
use half::slice::HalfFloatSliceExt;
use multiversion::multiversion;

use crate::tensor::{Data, Tensor};

/// Values that [`reaching`] looks at together. Of an output of 84 × 8400 values all but some hundred are low;
/// 32 of them cost little more to skip than one.
pub(super) const BLOCK: usize = 32;

/// Lists the blocks of [`BLOCK`] values that have one at or above the threshold, or one that is not a number.
///
/// A last block that is not whole is listed whatever it holds.
pub(super) fn reaching(values: &[f32], threshold: f32, blocks: &mut Vec<u32>) {
    blocks.clear();
    let (whole, rest) = values.as_chunks::<BLOCK>();
    list(whole, threshold, blocks);
    if !rest.is_empty() {
        blocks.push(whole.len() as u32);
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn list(blocks: &[[f32; BLOCK]], threshold: f32, found: &mut Vec<u32>) {
    for (index, block) in blocks.iter().enumerate() {
        if any_reaches(block, threshold) {
            found.push(index as u32);
        }
    }
}

/// Whether a value is at or above the threshold, or not a number.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn reaches(values: &[f32], threshold: f32) -> bool {
    any_reaches(values, threshold)
}

#[inline(always)]
#[expect(
    clippy::neg_cmp_op_on_partial_ord,
    reason = "NaN is not below the threshold, and is to be found"
)]
fn any_reaches(values: &[f32], threshold: f32) -> bool {
    values.iter().fold(false, |any, &it| any | !(it < threshold))
}

/// Keeps for each place the higher value and whose it is; the earlier one where they are equal.
///
/// What is not a number never wins.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn keep_higher(values: &[f32], class: u8, best: &mut [f32], classes: &mut [u8]) {
    for ((&value, best), to) in values.iter().zip(best).zip(classes) {
        let higher = *best < value;
        *best = if higher { value } else { *best };
        *to = if higher { class } else { *to };
    }
}

/// `sums += weight * values`.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn add_weighted(values: &[f32], weight: f32, sums: &mut [f32]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum += weight * value;
    }
}

/// The index and value of the highest, the first of equal ones; the value is not a number where one of them
/// is not, or is infinitely high.
pub(super) fn best(values: &[f32]) -> (u32, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (index, &value) in values.iter().enumerate() {
        if value.is_nan() || value == f32::INFINITY {
            return (index as u32, f32::NAN);
        }
        if best.1 < value {
            best = (index as u32, value);
        }
    }
    best
}

/// The elements of a tensor as floats: where they are none, converted into `scratch`.
pub(super) fn floats<'a>(tensor: &'a Tensor, scratch: &'a mut Vec<f32>) -> &'a [f32] {
    match &tensor.data {
        Data::F32(values) => return values,
        Data::F16(values) => widen(values, scratch),
        Data::U8(values) => convert(values, scratch, f32::from),
        Data::I32(values) => convert(values, scratch, |it| it as f32),
        Data::I64(values) => convert(values, scratch, |it| it as f32),
    }
    scratch
}

/// One element of a tensor as a float; not a number where there is none.
pub(super) fn at(tensor: &Tensor, index: usize) -> f32 {
    let value = match &tensor.data {
        Data::F32(values) => values.get(index).copied(),
        Data::F16(values) => values.get(index).map(|it| it.to_f32()),
        Data::U8(values) => values.get(index).map(|&it| f32::from(it)),
        Data::I32(values) => values.get(index).map(|&it| it as f32),
        Data::I64(values) => values.get(index).map(|&it| it as f32),
    };
    value.unwrap_or(f32::NAN)
}

fn widen(values: &[f16], to: &mut Vec<f32>) {
    to.resize(values.len(), 0.0);
    values.convert_to_f32_slice(to);
}

fn convert<T: Copy>(values: &[T], to: &mut Vec<f32>, one: impl Fn(T) -> f32) {
    to.clear();
    to.extend(values.iter().map(|&it| one(it)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_with_a_high_value_or_none_at_all_are_listed() {
        let mut values = vec![0.1; 4 * BLOCK + 3];
        values[BLOCK + 31] = 0.5;
        values[3 * BLOCK] = f32::NAN;
        let mut blocks = vec![99];
        reaching(&values, 0.5, &mut blocks);
        assert_eq!(blocks, [1, 3, 4], "the last one is not whole");
        reaching(&values[..2 * BLOCK], 0.6, &mut blocks);
        assert_eq!(blocks, [0u32; 0]);
    }

    #[test]
    fn the_first_of_the_highest_is_the_best_unless_one_is_no_number() {
        assert_eq!(best(&[0.1, 0.7, 0.7, f32::NEG_INFINITY]), (1, 0.7));
        assert!(best(&[0.1, f32::NAN, 0.7]).1.is_nan());
        assert!(best(&[0.1, f32::INFINITY]).1.is_nan());
    }

    #[test]
    fn the_higher_value_keeps_its_class() {
        let (mut best, mut classes) = ([0.5, 0.5, 0.5, 0.5], [0; 4]);
        keep_higher(&[0.6, 0.5, f32::NAN, 0.4], 3, &mut best, &mut classes);
        assert_eq!((best, classes), ([0.6, 0.5, 0.5, 0.5], [3, 0, 0, 0]));
    }

    #[test]
    fn each_element_type_is_read_as_floats() {
        let (dims, mut scratch) = (vec![2], Vec::new());
        for data in [
            Data::F32(vec![1.0, 2.0]),
            Data::F16(vec![f16::ONE, f16::from_f32(2.0)]),
            Data::U8(vec![1, 2]),
            Data::I32(vec![1, 2]),
            Data::I64(vec![1, 2]),
        ] {
            let tensor = Tensor {
                dims: dims.clone(),
                data,
            };
            assert_eq!(floats(&tensor, &mut scratch), [1.0, 2.0]);
        }
    }
}
