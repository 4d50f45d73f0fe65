// SPDX-License-Identifier: MPL-2.0

//! What coding and transmission do: blocks, large pixels, rows that are lost.

use super::rgb::Rgb;
use crate::random::Random;

/// Side of a block of JPEG.
const BLOCK: usize = 8;

/// The quantization of luma in ITU-T T.81 (JPEG), table K.1.
const LUMA: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17,
    22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78,
    87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];

/// That of chroma, table K.2; what is not listed is 99.
const CHROMA: [u8; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

/// One channel with whole blocks, its last column and row repeated.
struct Channel {
    samples: Vec<f32>,
    width: usize,
    height: usize,
}

/// What JPEG of a quality (as of libjpeg, 1 to 100) with halved chroma leaves of a picture; only rounding differs.
pub(super) fn jpeg(picture: &mut Rgb, quality: u32) {
    let (width, height) = (picture.width, picture.height);
    let whole = |side: usize| side.next_multiple_of(2 * BLOCK);
    let mut channels = [0, 1, 2].map(|_| Channel {
        samples: vec![0.0; whole(width) * whole(height)],
        width: whole(width),
        height: whole(height),
    });
    let rows: Vec<Vec<u8>> = picture.rows().map(|it| it.to_vec()).collect();
    for y in 0..whole(height) {
        let row = &rows[y.min(height - 1)];
        for x in 0..whole(width) {
            let at = 3 * x.min(width - 1);
            let [red, green, blue] = [row[at], row[at + 1], row[at + 2]].map(f32::from);
            let place = y * whole(width) + x;
            // ITU-T T.871 (JFIF), with 128 taken off all.
            channels[0].samples[place] = 0.299 * red + 0.587 * green + 0.114 * blue - 128.0;
            channels[1].samples[place] = -0.168_736 * red - 0.331_264 * green + 0.5 * blue;
            channels[2].samples[place] = 0.5 * red - 0.418_688 * green - 0.081_312 * blue;
        }
    }
    let [mut luma, blue, red] = channels;
    quantize(&mut luma, &LUMA, quality);
    let [mut blue, mut red] = [blue, red].map(|it| it.halved());
    quantize(&mut blue, &CHROMA, quality);
    quantize(&mut red, &CHROMA, quality);
    for (y, row) in picture.rows().enumerate() {
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let luma = luma.samples[y * luma.width + x] + 128.0;
            let (blue, red) = (blue.doubled(x, y), red.doubled(x, y));
            let to = [
                luma + 1.402 * red,
                luma - 0.344_136 * blue - 0.714_136 * red,
                luma + 1.772 * blue,
            ];
            *pixel = to.map(|it| it.round() as u8);
        }
    }
}

impl Channel {
    /// Half as wide and high, by the mean of four.
    fn halved(&self) -> Channel {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut samples = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let at = 2 * y * self.width + 2 * x;
                let below = at + self.width;
                let it = &self.samples;
                samples.push((it[at] + it[at + 1] + it[below] + it[below + 1]) / 4.0);
            }
        }
        Channel {
            samples,
            width,
            height,
        }
    }

    /// The value at a place of a channel twice as large, three parts of the nearest and one of the next, each way.
    fn doubled(&self, x: usize, y: usize) -> f32 {
        let next = |at: usize, most: usize| match at % 2 {
            0 => (at / 2).saturating_sub(1),
            _ => (at / 2 + 1).min(most - 1),
        };
        let at = |x: usize, y: usize| self.samples[y * self.width + x];
        let (near, far) = ((x / 2, y / 2), (next(x, self.width), next(y, self.height)));
        (9.0 * at(near.0, near.1) + 3.0 * at(far.0, near.1) + 3.0 * at(near.0, far.1) + at(far.0, far.1))
            / 16.0
    }
}

/// Rounds the coefficients of each block to multiples of the table's steps.
fn quantize(channel: &mut Channel, table: &[u8; 64], quality: u32) {
    // libjpeg's `jpeg_quality_scaling`.
    let scale = if quality < 50 {
        5000 / quality.max(1)
    } else {
        200 - 2 * quality.min(100)
    };
    let steps = table.map(|it| ((u32::from(it) * scale + 50) / 100).clamp(1, 255) as f32);
    let cosines = cosines();
    let width = channel.width;
    for top in (0..channel.height).step_by(BLOCK) {
        for left in (0..width).step_by(BLOCK) {
            let mut block = [[0.0f32; BLOCK]; BLOCK];
            for (y, line) in block.iter_mut().enumerate() {
                line.copy_from_slice(&channel.samples[(top + y) * width + left..][..BLOCK]);
            }
            let mut frequencies = product(&product(&cosines, &block), &transposed(&cosines));
            for (value, step) in frequencies.as_flattened_mut().iter_mut().zip(steps) {
                *value = (*value / step).round() * step;
            }
            block = product(&product(&transposed(&cosines), &frequencies), &cosines);
            for (y, line) in block.iter().enumerate() {
                channel.samples[(top + y) * width + left..][..BLOCK].copy_from_slice(line);
            }
        }
    }
}

type Square = [[f32; BLOCK]; BLOCK];

/// The cosine transform of T.81, annex A.3.3, as a matrix.
fn cosines() -> Square {
    let mut cosines = [[0.0; BLOCK]; BLOCK];
    for (frequency, line) in cosines.iter_mut().enumerate() {
        let weight = if frequency == 0 { 0.125f32.sqrt() } else { 0.5 };
        for (place, it) in line.iter_mut().enumerate() {
            let angle = (2 * place + 1) as f32 * frequency as f32 * std::f32::consts::PI / 16.0;
            *it = weight * angle.cos();
        }
    }
    cosines
}

fn product(one: &Square, other: &Square) -> Square {
    let mut product = [[0.0; BLOCK]; BLOCK];
    for (to, line) in product.iter_mut().zip(one) {
        for (factor, row) in line.iter().zip(other) {
            to.iter_mut().zip(row).for_each(|(to, it)| *to += factor * it);
        }
    }
    product
}

fn transposed(square: &Square) -> Square {
    std::array::from_fn(|y| std::array::from_fn(|x| square[x][y]))
}

/// Makes pixels so large that this share of them is left each way; the share is one of a picture of 224.
pub(super) fn pixelate(picture: &mut Rgb, left: f32) {
    let share = left / picture.scale();
    let (width, height) = (picture.width, picture.height);
    let fewer = |side: usize| ((side as f32 * share).round() as usize).max(1);
    let (columns, lines) = (fewer(width), fewer(height));
    let mut sums = vec![[0u32; 4]; columns * lines];
    let place = |x: usize, y: usize| (y * lines / height) * columns + x * columns / width;
    for (y, row) in picture.rows().enumerate() {
        for (x, pixel) in row.as_chunks::<3>().0.iter().enumerate() {
            let sum = &mut sums[place(x, y)];
            sum.iter_mut()
                .zip(pixel)
                .for_each(|(sum, it)| *sum += u32::from(*it));
            sum[3] += 1;
        }
    }
    for (y, row) in picture.rows().enumerate() {
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let [red, green, blue, count] = sums[place(x, y)];
            *pixel = [red, green, blue].map(|it| ((it + count / 2) / count.max(1)) as u8);
        }
    }
}

/// Side of a macroblock in MPEG-2, MPEG-4 and H.264.
const MACROBLOCK: usize = 16;

/// Loses a share of the macroblocks: from a random one to the end of its row, as a slice is lost. The last line above
/// takes their place; above the first row is gray.
pub(super) fn lose_rows(picture: &mut Rgb, share: f64, seed: u64) {
    let mut random = Random::new(seed);
    let columns = picture.width.div_ceil(MACROBLOCK);
    let rows = picture.height.div_ceil(MACROBLOCK);
    // At least one; half of a row is lost on average.
    let lost = ((2.0 * share * rows as f64).round() as usize).clamp(1, rows);
    let mut order: Vec<usize> = (0..rows).collect();
    for at in 0..lost {
        order.swap(at, random.whole(at, rows - 1));
    }
    order.truncate(lost);
    order.sort_unstable();
    let mut above = vec![128u8; 3 * picture.width];
    let mut starts = vec![None; rows];
    for row in order {
        starts[row] = Some(3 * MACROBLOCK * random.whole(0, columns - 1));
    }
    for (y, line) in picture.rows().enumerate() {
        match starts[y / MACROBLOCK] {
            Some(start) => {
                line[start..].copy_from_slice(&above[start..]);
                above[..start].copy_from_slice(&line[..start]);
            }
            None => above.copy_from_slice(line),
        }
    }
}
