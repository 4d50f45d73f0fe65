// SPDX-License-Identifier: MPL-2.0

//! Frames made worse in a known way, so that a model which restores can be tried where the truth is known: the frame.
//!
//! Where the answer is larger than the frame, the frame is scaled down by as much and fills a frame of the old size in
//! mirrored tiles; the first tile of the answer should be the frame. Where the sizes agree, the frame gets noise; it is
//! then the frame as it came that counts as true, so this holds for streams that are cleaner than the noise. It takes
//! some milliseconds for 640×360, and is meant for a thread that nobody waits for.

use gst_video::VideoFrameRef;
use gst_video::prelude::*;

use super::Error;
use super::format::{Picture, Shape};
use super::perturb;
use super::plane::Target;
use super::scale::{Scaler, Size};

/// Standard deviation of the noise, in levels of 255: the least of the three at which denoisers are usually compared (15,
/// 25 and 50), since a stream has noise of its own.
const NOISE: f32 = 15.0;

/// Smallest side of a tile: what the measure of likeness needs, and then some.
const SMALLEST: usize = 16;

/// What became of a frame, and where in the answer the frame should appear again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Degraded {
    /// Width and height of the part of the answer, from the upper left corner, that should be the frame.
    pub part: Size,
    /// Size that the answer must have.
    pub answer: Size,
}

/// Degrades the frame in place for a model whose answer has this size; the noise is that of the seed. `None` where the
/// answer is smaller than the frame, or the tile would be too small to say something.
pub fn degrade(
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    answer: Size,
    seed: u64,
) -> Result<Option<Degraded>, Error> {
    let picture = Picture::new(frame.info())?;
    let (width, height) = picture.size();
    if answer == (width, height) {
        noise(frame, &picture, seed)?;
        return Ok(Some(Degraded { part: answer, answer }));
    }
    if answer.0 < width || answer.1 < height {
        return Ok(None);
    }
    // Even, so that chroma has whole tiles too.
    let tile = |side: usize, larger: usize| (side * side / larger) / 2 * 2;
    let tile = (tile(width, answer.0), tile(height, answer.1));
    if tile.0.min(tile.1) < SMALLEST {
        return Ok(None);
    }
    shrink(frame, &picture, tile)?;
    let part = |tile: usize, side: usize, larger: usize| (tile * larger + side / 2) / side;
    Ok(Some(Degraded {
        answer,
        part: (part(tile.0, width, answer.0), part(tile.1, height, answer.1)),
    }))
}

fn noise(frame: &mut VideoFrameRef<&mut gst::BufferRef>, picture: &Picture, seed: u64) -> Result<(), Error> {
    let (width, height) = picture.size();
    let (step, channels) = match picture.shape {
        Shape::Packed(it) => (it.step, vec![it.red, it.green, it.blue]),
        _ => (1, vec![0]),
    };
    let mut plane = Target::of(frame, 0, width * step, height)?;
    perturb::noise(&mut plane, step, &channels, seed, NOISE);
    Ok(())
}

fn shrink(
    frame: &mut VideoFrameRef<&mut gst::BufferRef>,
    picture: &Picture,
    tile: Size,
) -> Result<(), Error> {
    let mut scaler = Scaler::new();
    for index in 0..3 {
        let Some((step, size)) = picture.plane(index) else {
            break;
        };
        let tile = if index == 0 {
            tile
        } else {
            (tile.0 / 2, tile.1 / 2)
        };
        let mut plane = Target::of(frame, index as u32, size.0 * step, size.1)?;
        let mut small = vec![0; step * tile.0 * tile.1];
        // Channel by channel, as pixels of four bytes are none that the scaler knows.
        let (mut channel, mut scaled) = (vec![0; size.0 * size.1], vec![0; tile.0 * tile.1]);
        for at in 0..step {
            let pixels = plane
                .rows()
                .flat_map(|row| row.iter().skip(at).step_by(step).copied().collect::<Vec<_>>());
            channel.iter_mut().zip(pixels).for_each(|(to, from)| *to = from);
            scaler.bytes(1, &channel, size, &mut scaled, tile)?;
            small
                .iter_mut()
                .skip(at)
                .step_by(step)
                .zip(&scaled)
                .for_each(|(to, from)| *to = *from);
        }
        let places: Vec<usize> = (0..size.0).map(|x| mirrored(x, tile.0)).collect();
        for (y, row) in plane.rows().enumerate() {
            let line = &small[mirrored(y, tile.1) * tile.0 * step..][..tile.0 * step];
            for (to, &from) in row.chunks_exact_mut(step).zip(&places) {
                to.copy_from_slice(&line[from * step..][..step]);
            }
        }
    }
    Ok(())
}

/// Position in a tile that is repeated to and fro, so that no edge arises where tiles meet.
fn mirrored(at: usize, tile: usize) -> usize {
    match (at / tile % 2, at % tile) {
        (0, rest) => rest,
        (_, rest) => tile - 1 - rest,
    }
}
