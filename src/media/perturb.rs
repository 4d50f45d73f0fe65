// SPDX-License-Identifier: MPL-2.0

//! Frames changed so little that a steady model answers them alike: noise, brightness, blur, or a shift.
//!
//! Luma is changed where it has a plane of its own, else red, green and blue; a shift moves all planes. It takes
//! about as long as copying the frame (a blur four times that), and is meant for a thread that nobody waits for.

use gst_video::VideoFrameRef;
use gst_video::prelude::*;

use super::Error;
use super::format::{Picture, Shape};
use super::plane::Target;

/// Standard deviation of the noise, in levels of 255: what a good camera shows at dusk.
const NOISE: f32 = 2.0;

/// Gain of the brighter picture: a tenth of a stop's half, which an exposure loop does on its own.
const GAIN: f32 = 1.03;

/// One small known change of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Perturbation {
    /// Independent noise with a standard deviation of two levels.
    Noise,
    /// Everything 3 % brighter, counted from black.
    Brightness,
    /// The mean of 3×3 pixels.
    Blur,
    /// One pixel to the right; the left column is repeated.
    Shift,
}

impl Perturbation {
    /// All of them, to take turns.
    pub const ALL: [Perturbation; 4] = [
        Perturbation::Noise,
        Perturbation::Brightness,
        Perturbation::Blur,
        Perturbation::Shift,
    ];

    /// Columns by which the picture moves to the right.
    pub fn columns(self) -> usize {
        usize::from(self == Perturbation::Shift)
    }

    /// Changes the frame in place; the noise is that of the seed.
    pub fn apply(self, frame: &mut VideoFrameRef<&mut gst::BufferRef>, seed: u64) -> Result<(), Error> {
        let picture = Picture::new(frame.info())?;
        let (width, height) = picture.size();
        let (step, channels, black) = match picture.shape {
            Shape::Packed(it) => (it.step, vec![it.red, it.green, it.blue], 0.0),
            _ => (1, vec![0], picture.color.luma_ends().0),
        };
        let mut plane = Target::of(frame, 0, width * step, height)?;
        match self {
            Perturbation::Noise => noise(&mut plane, step, &channels, seed, NOISE),
            Perturbation::Brightness => brighten(&mut plane, step, &channels, black),
            Perturbation::Blur => blur(&mut plane, step, &channels),
            Perturbation::Shift => {
                plane.rows().for_each(|row| shift(row, step));
                self.shift_chroma(frame, &picture)?;
            }
        }
        Ok(())
    }

    fn shift_chroma(
        self,
        frame: &mut VideoFrameRef<&mut gst::BufferRef>,
        picture: &Picture,
    ) -> Result<(), Error> {
        for index in 1..3 {
            let Some((step, (width, height))) = picture.plane(index) else {
                break;
            };
            let mut plane = Target::of(frame, index as u32, width * step, height)?;
            plane.rows().for_each(|row| shift_by_half(row, step));
        }
        Ok(())
    }
}

/// Moves a row by one pixel of `step` bytes.
fn shift(row: &mut [u8], step: usize) {
    row.copy_within(..row.len() - step, step);
}

/// Moves a row by half a pixel of `step` bytes: the mean of each pixel and the one before.
fn shift_by_half(row: &mut [u8], step: usize) {
    for at in (step..row.len()).rev() {
        row[at] = u16::midpoint(row[at].into(), row[at - step].into()) as u8;
    }
}

fn brighten(plane: &mut Target, step: usize, channels: &[usize], black: f32) {
    change(plane, step, channels, |value| black + (value - black) * GAIN);
}

/// Adds noise of this standard deviation, in levels of 255.
pub(super) fn noise(plane: &mut Target, step: usize, channels: &[usize], seed: u64, sd: f32) {
    // A state of zero would stay zero.
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    change(plane, step, channels, |value| value + sd * normal(&mut state));
}

/// Puts each sample of the channels through `to`, rounded and clipped.
fn change(plane: &mut Target, step: usize, channels: &[usize], mut to: impl FnMut(f32) -> f32) {
    for pixel in plane.rows().flat_map(|row| row.chunks_exact_mut(step)) {
        for &channel in channels {
            // `as` clips to 0..=255.
            pixel[channel] = to(pixel[channel].into()).round() as u8;
        }
    }
}

/// Nearly normal, of mean 0 and variance 1: the sum of the eight bytes of a random number (xorshift64*), each uniform
/// with a variance of (256² - 1) / 12.
pub(super) fn normal(state: &mut u64) -> f32 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    let bytes = state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_ne_bytes();
    let sum: u32 = bytes.iter().map(|&it| u32::from(it)).sum();
    let sd = (8.0 * (256.0f32 * 256.0 - 1.0) / 12.0).sqrt();
    (sum as f32 - 8.0 * 127.5) / sd
}

/// Replaces each sample of the channels by the mean of the nine around it; the border is repeated outward.
fn blur(plane: &mut Target, step: usize, channels: &[usize]) {
    let source: Vec<Vec<u8>> = plane.rows().map(|row| row.to_vec()).collect();
    for (y, row) in plane.rows().enumerate() {
        let lines = [y.saturating_sub(1), y, (y + 1).min(source.len() - 1)].map(|it| &source[it]);
        let last = row.len() / step - 1;
        for x in 0..=last {
            let columns = [x.saturating_sub(1), x, (x + 1).min(last)];
            for channel in channels {
                let of_line = |line: &Vec<u8>| {
                    columns
                        .map(|it| u16::from(line[it * step + channel]))
                        .iter()
                        .sum::<u16>()
                };
                let sum: u16 = lines.iter().map(|it| of_line(it)).sum();
                row[x * step + channel] = ((sum + 4) / 9) as u8;
            }
        }
    }
}
