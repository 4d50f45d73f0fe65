// SPDX-License-Identifier: MPL-2.0

//! Blur by a disk and along a line. What lies outside of the picture is as its edge.

use super::rgb::Rgb;
use crate::random::Random;

/// Replaces each point by a disk; the radius is one of a picture of 224.
pub(super) fn defocus(picture: &mut Rgb, radius: f32) {
    let radius = radius * picture.scale();
    let (width, height) = (picture.width, picture.height);
    let reach = radius as usize;
    // The disk as a run in each of its rows: the half of its width.
    let runs: Vec<usize> = (0..=reach)
        .map(|row| (radius * radius - (row * row) as f32).max(0.0).sqrt() as usize)
        .collect();
    let area: usize = (0..=2 * reach).map(|it| 2 * runs[it.abs_diff(reach)] + 1).sum();
    let source: Vec<u8> = picture.rows().flat_map(|it| it.to_vec()).collect();
    // Sums of all samples of a channel in a row up to a place; rows go round as they are needed.
    let mut sums: Vec<Vec<u32>> = vec![Vec::new(); (2 * reach + 1) * 3];
    let fill = |sums: &mut Vec<Vec<u32>>, y: usize| {
        let line = &source[y * 3 * width..][..3 * width];
        for channel in 0..3 {
            let slot = &mut sums[(y % (2 * reach + 1)) * 3 + channel];
            slot.clear();
            slot.push(0);
            let mut sum = 0;
            for at in 0..width + 2 * reach {
                let x = at.saturating_sub(reach).min(width - 1);
                sum += u32::from(line[3 * x + channel]);
                slot.push(sum);
            }
        }
    };
    (0..reach.min(height)).for_each(|y| fill(&mut sums, y));
    let mut totals = vec![0u32; width];
    for (y, row) in picture.rows().enumerate() {
        if y + reach < height {
            fill(&mut sums, y + reach);
        }
        for channel in 0..3 {
            totals.fill(0);
            for step in 0..=2 * reach {
                let line = (y + step).saturating_sub(reach).min(height - 1);
                let slot = &sums[(line % (2 * reach + 1)) * 3 + channel];
                let run = runs[step.abs_diff(reach)];
                let ends = slot[reach + run + 1..].iter().zip(&slot[reach - run..]);
                totals
                    .iter_mut()
                    .zip(ends)
                    .for_each(|(total, (end, start))| *total += end - start);
            }
            let half = area as u32 / 2;
            for (x, total) in totals.iter().enumerate() {
                row[3 * x + channel] = ((total + half) / area as u32) as u8;
            }
        }
    }
}

/// Places that a tail is made of at most.
const PLACES: f32 = 96.0;

/// Gives each point a tail, which fades as a normal distribution of the second length does, no longer than twice the
/// first; lengths are those of a picture of 224. The direction is within 45° of the horizontal.
pub(super) fn motion(picture: &mut Rgb, (radius, deviation): (f32, f32), seed: u64) {
    let scale = picture.scale();
    let (width, height) = (picture.width, picture.height);
    let angle = Random::new(seed).between(-45.0, 45.0).to_radians() as f32;
    let length = (2.0 * radius).min(3.0 * deviation) * scale;
    let step = (length / PLACES).max(1.0);
    let places = (length / step) as usize + 1;
    let weights: Vec<f32> = (0..places)
        .map(|it| (-(it as f32 * step / (deviation * scale)).powi(2) / 2.0).exp())
        .collect();
    let total: f32 = weights.iter().sum();
    let source: Vec<u8> = picture.rows().flat_map(|it| it.to_vec()).collect();
    let mut sums = vec![0.0f32; 3 * width];
    for (y, row) in picture.rows().enumerate() {
        sums.fill(0.0);
        for (place, weight) in weights.iter().enumerate() {
            let along = place as f32 * step;
            let right = (along * angle.cos()).round() as usize;
            let down = (along * angle.sin()).round() as isize;
            let line = y.saturating_add_signed(down).min(height - 1);
            let line = &source[line * 3 * width..][..3 * width];
            let shift = right.min(width - 1);
            let weight = weight / total;
            let inside = 3 * (width - shift);
            let shifted = sums.iter_mut().zip(&line[3 * shift..]);
            shifted.for_each(|(sum, it)| *sum += weight * f32::from(*it));
            let edge = &line[3 * (width - 1)..];
            let outside = sums[inside..].iter_mut().zip(edge.iter().cycle());
            outside.for_each(|(sum, it)| *sum += weight * f32::from(*it));
        }
        row.iter_mut()
            .zip(&sums)
            .for_each(|(to, it)| *to = it.round() as u8);
    }
}
