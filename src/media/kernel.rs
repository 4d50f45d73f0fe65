// SPDX-License-Identifier: MPL-2.0

//! The loops over samples: normalization and layout, one row at a time.
//!
//! They are written plainly, for the compiler to vectorize, and compiled twice for x86-64, where the
//! baseline has 16-byte registers only. RGB rows are tight: three bytes a pixel, red first.

use multiversion::multiversion;

/// `value * scale + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine {
    pub scale: f32,
    pub offset: f32,
}

impl Affine {
    /// Leaves values as they are.
    pub const SAME: Affine = Affine {
        scale: 1.0,
        offset: 0.0,
    };

    /// Takes `from.0` to `to.0` and `from.1` to `to.1`.
    pub fn between(from: (f32, f32), to: (f32, f32)) -> Self {
        // In double precision, so that the ends meet exactly.
        let scale = f64::from(to.1 - to.0) / f64::from(from.1 - from.0);
        let offset = f64::from(to.0) - f64::from(from.0) * scale;
        Affine {
            scale: scale as f32,
            offset: offset as f32,
        }
    }

    pub fn at(self, value: f32) -> f32 {
        value * self.scale + self.offset
    }
}

/// Adding it leaves a float from 0 to 2²² rounded to a whole number in the low bits of its representation.
const ROUNDER: f32 = 8_388_608.0;

/// Nearest level, clamped to 0..=255; NaN becomes 0. Vectorizes, as the saturating `as u8` does not.
#[inline(always)]
fn level(value: f32) -> u8 {
    let low = if 0.0 < value { value } else { 0.0 };
    let clamped = if low < 255.0 { low } else { 255.0 };
    (clamped + ROUNDER).to_bits() as u8
}

/// Levels to values.
#[multiversion(targets("x86_64+avx2"))]
pub fn widen(levels: &[u8], affine: Affine, values: &mut [f32]) {
    for (value, &level) in values.iter_mut().zip(levels) {
        *value = affine.at(f32::from(level));
    }
}

/// Values to levels.
#[multiversion(targets("x86_64+avx2"))]
pub fn quantize(values: &[f32], affine: Affine, levels: &mut [u8]) {
    for (to, &value) in levels.iter_mut().zip(values) {
        *to = level(affine.at(value));
    }
}

/// RGB to three planes, each with its own normalization.
#[multiversion(targets("x86_64+avx2"))]
pub fn split(rgb: &[u8], affine: &[Affine; 3], red: &mut [f32], green: &mut [f32], blue: &mut [f32]) {
    let planes = red.iter_mut().zip(green).zip(blue);
    for (((red, green), blue), pixel) in planes.zip(rgb.as_chunks::<3>().0) {
        *red = affine[0].at(f32::from(pixel[0]));
        *green = affine[1].at(f32::from(pixel[1]));
        *blue = affine[2].at(f32::from(pixel[2]));
    }
}

/// RGB to interleaved values, each channel with its own normalization.
#[multiversion(targets("x86_64+avx2"))]
pub fn widen_rgb(rgb: &[u8], affine: &[Affine; 3], values: &mut [f32]) {
    for (to, pixel) in values
        .as_chunks_mut::<3>()
        .0
        .iter_mut()
        .zip(rgb.as_chunks::<3>().0)
    {
        *to = [
            affine[0].at(f32::from(pixel[0])),
            affine[1].at(f32::from(pixel[1])),
            affine[2].at(f32::from(pixel[2])),
        ];
    }
}

/// Three planes to RGB, each with its own normalization.
#[multiversion(targets("x86_64+avx2"))]
pub fn join(red: &[f32], green: &[f32], blue: &[f32], affine: &[Affine; 3], rgb: &mut [u8]) {
    let planes = red.iter().zip(green).zip(blue);
    for (pixel, ((&red, &green), &blue)) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(planes) {
        *pixel = [
            level(affine[0].at(red)),
            level(affine[1].at(green)),
            level(affine[2].at(blue)),
        ];
    }
}

/// Interleaved values to RGB, each channel with its own normalization.
#[multiversion(targets("x86_64+avx2"))]
pub fn quantize_rgb(values: &[f32], affine: &[Affine; 3], rgb: &mut [u8]) {
    for (pixel, value) in rgb
        .as_chunks_mut::<3>()
        .0
        .iter_mut()
        .zip(values.as_chunks::<3>().0)
    {
        *pixel = [
            level(affine[0].at(value[0])),
            level(affine[1].at(value[1])),
            level(affine[2].at(value[2])),
        ];
    }
}

/// Luma of RGB: `affine(kr·R + kg·G + kb·B)`.
#[multiversion(targets("x86_64+avx2"))]
pub fn luma(rgb: &[u8], weights: [f32; 3], affine: Affine, values: &mut [f32]) {
    for (value, pixel) in values.iter_mut().zip(rgb.as_chunks::<3>().0) {
        let [red, green, blue] = pixel.map(f32::from);
        *value = affine.at(weights[0] * red + weights[1] * green + weights[2] * blue);
    }
}

/// Gives planes of RGB another luma, `affine(values)`, and leaves their color differences as they are.
///
/// Conversion to luma and chroma and back is linear, so exchanging the luma adds the same number to red,
/// green and blue: no chroma plane is needed in between.
#[multiversion(targets("x86_64+avx2"))]
pub fn set_luma(
    values: &[f32],
    affine: Affine,
    weights: [f32; 3],
    red: &mut [f32],
    green: &mut [f32],
    blue: &mut [f32],
) {
    for (((&value, red), green), blue) in values.iter().zip(red).zip(green).zip(blue) {
        let shift = affine.at(value) - (weights[0] * *red + weights[1] * *green + weights[2] * *blue);
        *red += shift;
        *green += shift;
        *blue += shift;
    }
}

/// Three parts of the nearer row and one of the farther, in quarters.
#[multiversion(targets("x86_64+avx2"))]
pub fn mix_rows(near: &[u8], far: &[u8], quarters: &mut [u16]) {
    for ((to, &near), &far) in quarters.iter_mut().zip(near).zip(far) {
        *to = 3 * u16::from(near) + u16::from(far);
    }
}

/// Twice as many pixels of `CHANNELS` bytes as `quarters` has between its first and last one, which repeat
/// their neighbors.
#[multiversion(targets("x86_64+avx2"))]
pub fn double_row<const CHANNELS: usize>(quarters: &[u16], row: &mut [u8]) {
    let (pixels, _) = quarters.as_chunks::<CHANNELS>();
    let mut to = row.chunks_exact_mut(2 * CHANNELS);
    for ((before, at), after) in pixels.iter().zip(&pixels[1..]).zip(&pixels[2..]) {
        let Some(to) = to.next() else { return };
        for channel in 0..CHANNELS {
            to[channel] = ((before[channel] + 3 * at[channel] + 8) >> 4) as u8;
            to[CHANNELS + channel] = ((3 * at[channel] + after[channel] + 8) >> 4) as u8;
        }
    }
}

/// Four rows mixed 1, 3, 3, 1, in eighths.
#[multiversion(targets("x86_64+avx2"))]
pub fn mix_four_rows(rows: [&[u8]; 4], eighths: &mut [u16]) {
    let [first, second, third, fourth] = rows;
    let outer = first.iter().zip(fourth);
    let inner = second.iter().zip(third);
    for ((to, (&first, &fourth)), (&second, &third)) in eighths.iter_mut().zip(outer).zip(inner) {
        let inner = u16::from(second) + u16::from(third);
        *to = 3 * inner + u16::from(first) + u16::from(fourth);
    }
}

/// Half as many pixels of `CHANNELS` bytes as `eighths` has between its first and last one, which stand for
/// what would be outside.
#[multiversion(targets("x86_64+avx2"))]
pub fn halve_row<const CHANNELS: usize>(eighths: &[u16], row: &mut [u8]) {
    let (before, _) = eighths.as_chunks::<CHANNELS>();
    let Some(after) = before.get(2..) else { return };
    let pairs = before.as_chunks::<2>().0.iter().zip(after.as_chunks::<2>().0);
    for (to, (left, right)) in row.as_chunks_mut::<CHANNELS>().0.iter_mut().zip(pairs) {
        for channel in 0..CHANNELS {
            let inner = left[1][channel] + right[0][channel];
            to[channel] = ((3 * inner + left[0][channel] + right[1][channel] + 32) >> 6) as u8;
        }
    }
}

/// What stands for the row before the first: the value that makes four weighted rows of three, `(3a + 3b + c) / 7`.
#[multiversion(targets("x86_64+avx2"))]
pub fn extend_rows(first: &[u8], second: &[u8], third: &[u8], row: &mut [u8]) {
    for (((to, &first), &second), &third) in row.iter_mut().zip(first).zip(second).zip(third) {
        let inner = u16::from(first) + u16::from(second);
        *to = ((3 * inner + u16::from(third) + 3) / 7) as u8;
    }
}

/// Samples that are mixed at a time; fits into registers.
const LANES: usize = 64;

#[inline(always)]
fn weighted(level: u8, weight: u16) -> u16 {
    ((u32::from(u16::from(level) << 7) * u32::from(weight)) >> 16) as u16
}

/// Rows from the begin of `rows` on, `stride` bytes apart, mixed by weights in 65536ths; in 128ths of a level.
#[multiversion(targets("x86_64+avx2"))]
pub fn mix_weighted_rows(rows: &[u8], stride: usize, weights: &[u16], mixed: &mut [u16]) {
    // Each product loses half a part on average.
    let half = weights.len() as u16 / 2;
    let (blocks, rest) = mixed.as_chunks_mut::<LANES>();
    let done = blocks.len() * LANES;
    for (index, to) in blocks.iter_mut().enumerate() {
        let mut sums = [half; LANES];
        for (row, &weight) in weights.iter().enumerate() {
            let from = &rows[row * stride + index * LANES..][..LANES];
            for (sum, &level) in sums.iter_mut().zip(from) {
                *sum += weighted(level, weight);
            }
        }
        *to = sums;
    }
    rest.fill(half);
    for (row, &weight) in weights.iter().enumerate() {
        for (sum, &level) in rest.iter_mut().zip(&rows[row * stride + done..]) {
            *sum += weighted(level, weight);
        }
    }
}

/// Weights of a sample in [`mix_columns`].
pub const COLUMNS: usize = 8;
/// Levels that are mixed at a time.
const AT_ONCE: usize = 4;

/// Every `STEP`-th level of `levels`, mixed of 128ths of levels from `starts` on by weights in 16384ths. The row is long
/// enough for all of them.
///
/// Loops and no functions of arrays with closures: these may be compiled apart, for narrow registers.
#[multiversion(targets("x86_64+avx2"))]
pub fn mix_columns<const STEP: usize>(
    row: &[u16],
    starts: &[usize],
    weights: &[[i16; COLUMNS]],
    levels: &mut [u8],
) {
    let (starts, last_starts) = starts.as_chunks::<AT_ONCE>();
    let (weights, last_weights) = weights.as_chunks::<AT_ONCE>();
    // Of a later channel the last step is cut short.
    let done = (starts.len() * AT_ONCE * STEP).min(levels.len());
    let (levels, last_levels) = levels.split_at_mut(done);
    let each = levels.chunks_mut(AT_ONCE * STEP).zip(starts).zip(weights);
    for ((to, starts), weights) in each {
        let mut parts = [[0; COLUMNS / 2]; AT_ONCE];
        for ((parts, &start), weights) in parts.iter_mut().zip(starts).zip(weights) {
            products(row, start, weights, parts);
        }
        for (to, parts) in to.iter_mut().step_by(STEP).zip(&parts) {
            *to = nearest(parts);
        }
    }
    let each = last_levels
        .iter_mut()
        .step_by(STEP)
        .zip(last_starts)
        .zip(last_weights);
    for ((to, &start), weights) in each {
        let mut parts = [0; COLUMNS / 2];
        products(row, start, weights, &mut parts);
        *to = nearest(&parts);
    }
}

/// Neighbors times their weights, added in pairs: what wide registers have an instruction for.
#[inline(always)]
fn products(row: &[u16], start: usize, weights: &[i16; COLUMNS], parts: &mut [i32; COLUMNS / 2]) {
    let from = row[start..start + COLUMNS].as_chunks::<2>().0;
    for ((part, from), weights) in parts.iter_mut().zip(from).zip(weights.as_chunks::<2>().0) {
        *part = i32::from(from[0] as i16) * i32::from(weights[0])
            + i32::from(from[1] as i16) * i32::from(weights[1]);
    }
}

#[inline(always)]
fn nearest(parts: &[i32; COLUMNS / 2]) -> u8 {
    ((parts[0] + parts[1] + parts[2] + parts[3] + (1 << 20)) >> 21) as u8
}

/// Pairs to two rows.
#[multiversion(targets("x86_64+avx2"))]
pub fn part(pairs: &[u16], first: &mut [u16], second: &mut [u16]) {
    for ((pair, first), second) in pairs.as_chunks::<2>().0.iter().zip(first).zip(second) {
        [*first, *second] = *pair;
    }
}

/// A frame's packed row to RGB.
#[multiversion(targets("x86_64+avx2"))]
fn pack<const STEP: usize, const RED: usize, const GREEN: usize, const BLUE: usize>(
    row: &[u8],
    rgb: &mut [u8],
) {
    for (to, from) in rgb
        .as_chunks_mut::<3>()
        .0
        .iter_mut()
        .zip(row.as_chunks::<STEP>().0)
    {
        *to = [from[RED], from[GREEN], from[BLUE]];
    }
}

/// RGB to a frame's packed row; a fourth byte is left as it is.
#[multiversion(targets("x86_64+avx2"))]
fn unpack<const STEP: usize, const RED: usize, const GREEN: usize, const BLUE: usize>(
    rgb: &[u8],
    row: &mut [u8],
) {
    for (to, from) in row
        .as_chunks_mut::<STEP>()
        .0
        .iter_mut()
        .zip(rgb.as_chunks::<3>().0)
    {
        [to[RED], to[GREEN], to[BLUE]] = *from;
    }
}

pub type RowLoop = fn(&[u8], &mut [u8]);

/// The loops from and to a packed order, or `None` for an order that no video format has.
pub fn packers(order: &super::format::Order) -> Option<(RowLoop, RowLoop)> {
    Some(match (order.step, order.red, order.green, order.blue) {
        (3, 0, 1, 2) => (pack::<3, 0, 1, 2>, unpack::<3, 0, 1, 2>),
        (3, 2, 1, 0) => (pack::<3, 2, 1, 0>, unpack::<3, 2, 1, 0>),
        (4, 0, 1, 2) => (pack::<4, 0, 1, 2>, unpack::<4, 0, 1, 2>),
        (4, 2, 1, 0) => (pack::<4, 2, 1, 0>, unpack::<4, 2, 1, 0>),
        (4, 1, 2, 3) => (pack::<4, 1, 2, 3>, unpack::<4, 1, 2, 3>),
        (4, 3, 2, 1) => (pack::<4, 3, 2, 1>, unpack::<4, 3, 2, 1>),
        _ => return None,
    })
}
