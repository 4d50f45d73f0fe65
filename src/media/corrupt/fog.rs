// SPDX-License-Identifier: MPL-2.0

//! Fog: a fractal landscape by the diamond-square algorithm (Fournier, Fussell and Carpenter, 1982) as a veil.

use super::rgb::Rgb;
use crate::random::Random;

/// Side of the landscape, which is stretched over the picture.
const SIDE: usize = 256;

/// Adds the veil, whose greatest height is `amount` times white, and darkens so that the brightest pixel stays.
/// `decay` is by how much the landscape's roughness falls with each halving.
pub(super) fn fog(picture: &mut Rgb, amount: f32, decay: f32, seed: u64) {
    let veil = landscape(decay, seed);
    let (width, height) = (picture.width, picture.height);
    let most = f32::from(picture.rows().flatten().max().copied().unwrap_or_default()) / 255.0;
    let darker = most / (most + amount);
    // The part of the landscape as wide and high as the picture is in a square.
    let span = (SIDE - 1) as f32 / width.max(height) as f32;
    for (y, row) in picture.rows().enumerate() {
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let added = amount * between(&veil, x as f32 * span, y as f32 * span);
            for sample in pixel {
                *sample = ((f32::from(*sample) / 255.0 + added) * darker * 255.0).round() as u8;
            }
        }
    }
}

/// The height between four points of the grid.
fn between(veil: &[f32], x: f32, y: f32) -> f32 {
    let at = |x: usize, y: usize| veil[y.min(SIDE - 1) * SIDE + x.min(SIDE - 1)];
    let (left, top) = (x as usize, y as usize);
    let (right, down) = (x - left as f32, y - top as f32);
    let upper = at(left, top) * (1.0 - right) + at(left + 1, top) * right;
    let lower = at(left, top + 1) * (1.0 - right) + at(left + 1, top + 1) * right;
    upper * (1.0 - down) + lower * down
}

/// Heights from 0 to 1; the landscape repeats at its edges.
fn landscape(decay: f32, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    let mut map = vec![0.0f32; SIDE * SIDE];
    let (mut step, mut roughness) = (SIDE, 100.0f32);
    while 2 <= step {
        let half = step / 2;
        let mut wobble = || roughness * random.between(f64::from(-roughness), f64::from(roughness)) as f32;
        // Centers of squares, then of the diamonds between them: the mean of their four neighbours, and some.
        for y in (0..SIDE).step_by(step) {
            for x in (0..SIDE).step_by(step) {
                let around = corners(&map, x, y, step);
                map[(y + half) * SIDE + x + half] = around / 4.0 + wobble();
            }
        }
        for y in (0..SIDE).step_by(step) {
            for x in (0..SIDE).step_by(step) {
                let right = neighbours(&map, x + half, y, half);
                map[y * SIDE + x + half] = right / 4.0 + wobble();
                let below = neighbours(&map, x, y + half, half);
                map[(y + half) * SIDE + x] = below / 4.0 + wobble();
            }
        }
        step = half;
        roughness /= decay;
    }
    let least = map.iter().copied().fold(f32::INFINITY, f32::min);
    let most = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = (most - least).max(f32::MIN_POSITIVE);
    map.iter_mut().for_each(|it| *it = (*it - least) / range);
    map
}

fn corners(map: &[f32], x: usize, y: usize, step: usize) -> f32 {
    let at = |x: usize, y: usize| map[(y % SIDE) * SIDE + x % SIDE];
    at(x, y) + at(x + step, y) + at(x, y + step) + at(x + step, y + step)
}

fn neighbours(map: &[f32], x: usize, y: usize, half: usize) -> f32 {
    let at = |x: usize, y: usize| map[(y % SIDE) * SIDE + x % SIDE];
    at(x + half, y) + at(x + SIDE - half, y) + at(x, y + half) + at(x, y + SIDE - half)
}
