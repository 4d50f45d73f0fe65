// SPDX-License-Identifier: MPL-2.0

//! Scales planes of one or two interleaved bytes, down to a quarter of their width, with a triangle filter: linear interpolation to enlarge,
//! and to shrink an average over what a new sample covers. `videoscale`, Pillow and `fast_image_resize` mean the same
//! by "bilinear".
//!
//! Rows are mixed first, then columns, in whole numbers: samples have 7 binary places between the two, weights 16 and
//! 14, and only the end is rounded to a level. The tables of weights are made once for a geometry.

use super::kernel;
use super::picture::Seen;

/// Width and height in pixels.
pub type Size = (usize, usize);

/// What is made of what: a table of weights serves for each plane with the same numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Interleaved samples of a pixel: 1 or 2.
    pub channels: usize,
    /// Of the source, in pixels.
    pub size: Size,
    /// The part of the source that fills the target.
    pub seen: Seen,
    /// Of the target, in pixels.
    pub to: Size,
}

/// A scaler for one geometry.
#[derive(Debug)]
pub struct Triangle {
    geometry: Geometry,
    down: Weights<u16>,
    across: Weights<i16>,
    /// A mixed row and its two channels, in 128ths of a level, each with room for weights of zero beyond its end.
    rows: [Vec<u16>; 3],
}

/// Target sample `i` is the sum of source samples from `starts[i]` on, each times its of the `taps` weights at `i · taps`.
#[derive(Debug)]
struct Weights<T> {
    starts: Vec<usize>,
    taps: usize,
    weights: Vec<T>,
}

impl Triangle {
    pub fn new(geometry: Geometry) -> Self {
        let Geometry {
            channels,
            size,
            seen,
            to,
        } = geometry;
        let down = Weights::new(size.1, (seen.top, seen.height), to.1);
        let across = Weights::new(size.0, (seen.left, seen.width), to.0);
        // One row alone weighs one, which is one more than fits.
        let down = down.rounded(1 << 16, |it| u16::try_from(it).unwrap_or(u16::MAX));
        let across = across
            .rounded(1 << 14, |it| i16::try_from(it).unwrap_or(i16::MAX))
            .padded(kernel::COLUMNS);
        Triangle {
            geometry,
            rows: [channels, 1, 1].map(|it| vec![0; it * size.0 + across.taps]),
            down,
            across,
        }
    }

    /// Whether a sample is made of no more columns than the loops take at a time: up to twice as many as it covers.
    pub fn can(geometry: &Geometry) -> bool {
        geometry.channels <= 2 && 2.0 * geometry.seen.width <= (kernel::COLUMNS * geometry.to.0) as f64
    }

    /// Whether this is the one for the geometry.
    pub fn serves(&self, geometry: &Geometry) -> bool {
        self.geometry == *geometry
    }

    /// Scales a tight plane.
    pub fn scale(&mut self, from: &[u8], to: &mut [u8]) {
        let Geometry {
            channels,
            size,
            to: (width, _),
            ..
        } = self.geometry;
        let (starts, weights) = (&self.across.starts, self.across.weights.as_chunks().0);
        let [mixed, first, second] = &mut self.rows;
        let stride = channels * size.0;
        let rows = self
            .down
            .starts
            .iter()
            .zip(self.down.weights.chunks_exact(self.down.taps));
        for (to, (&above, down)) in to.chunks_exact_mut(channels * width).zip(rows) {
            kernel::mix_weighted_rows(&from[above * stride..], stride, down, &mut mixed[..stride]);
            if channels == 1 {
                kernel::mix_columns::<1>(mixed, starts, weights, to);
            } else {
                kernel::part(&mixed[..stride], first, second);
                kernel::mix_columns::<2>(first, starts, weights, to);
                kernel::mix_columns::<2>(second, starts, weights, &mut to[1..]);
            }
        }
    }
}

impl Weights<f64> {
    /// The weights by which `to` samples are made of `from` samples, of which `seen.1` from `seen.0` on are seen.
    ///
    /// Target sample `i` stands at `c = left + (i + ½) s` with `s = length / to`; the source sample at `x` has the weight
    /// `1 - |x + ½ - c| / max(s, 1)` where that is positive, divided by the sum of all.
    fn new(from: usize, (left, length): (f64, f64), to: usize) -> Self {
        let step = length / to as f64;
        let reach = step.max(1.0);
        let all: Vec<(usize, Vec<f64>)> = (0..to)
            .map(|index| {
                let center = left + (index as f64 + 0.5) * step;
                let weight = |x: usize| 1.0 - ((x as f64 + 0.5 - center) / reach).abs();
                // Samples on the ends of the triangle count for nothing.
                let first = ((center - reach - 0.5).floor() + 1.0).clamp(0.0, (from - 1) as f64) as usize;
                let end = ((center + reach - 0.5).ceil().max(0.0) as usize).clamp(first + 1, from);
                let weights: Vec<f64> = (first..end).map(|x| weight(x).max(0.0)).collect();
                let sum: f64 = weights.iter().sum();
                // What is seen may lie beside the source by a rounding.
                let divisor = if 0.0 < sum { sum } else { 1.0 };
                (first, weights.iter().map(|it| it / divisor).collect())
            })
            .collect();
        let taps = all.iter().map(|(_, weights)| weights.len()).max().unwrap_or(1);
        Weights {
            starts: all.iter().map(|(first, _)| (*first).min(from - taps)).collect(),
            weights: all
                .iter()
                .flat_map(|(first, weights)| {
                    let before = first - (*first).min(from - taps);
                    let mut row = vec![0.0; taps];
                    row[before..before + weights.len()].copy_from_slice(weights);
                    row
                })
                .collect(),
            taps,
        }
    }

    /// Weights in parts of `one`; those of a sample sum to it, so that a flat plane stays as it is.
    fn rounded<T>(&self, one: i64, part: impl Fn(i64) -> T) -> Weights<T> {
        let weights = self.weights.chunks_exact(self.taps).flat_map(|weights| {
            let mut parts: Vec<i64> = weights
                .iter()
                .map(|it| (it * one as f64).round() as i64)
                .collect();
            let rest = one - parts.iter().sum::<i64>();
            if let Some(largest) = parts.iter_mut().max() {
                *largest += rest;
            }
            parts
        });
        Weights {
            starts: self.starts.clone(),
            taps: self.taps,
            weights: weights.map(part).collect(),
        }
    }
}

impl Weights<i16> {
    /// Makes `taps` weights for each of the fewer that there are. Of one more, by a rounding of where the triangle ends, the
    /// last is zero.
    fn padded(self, taps: usize) -> Self {
        let kept = self.taps.min(taps);
        let mut weights = vec![0; taps * self.starts.len()];
        for (to, from) in weights
            .chunks_exact_mut(taps)
            .zip(self.weights.chunks_exact(self.taps))
        {
            to[..kept].copy_from_slice(&from[..kept]);
        }
        Weights {
            taps,
            weights,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(channels: usize, from: &[u8], size: Size, to: Size) -> Vec<u8> {
        let seen = Seen::whole(size);
        let geometry = Geometry {
            channels,
            size,
            seen,
            to,
        };
        let mut target = vec![0; channels * to.0 * to.1];
        Triangle::new(geometry).scale(from, &mut target);
        target
    }

    #[test]
    fn a_flat_plane_keeps_its_level_at_any_ratio() {
        for level in [0, 1, 127, 254, 255] {
            for (size, to) in [
                ((7, 5), (3, 2)),
                ((3, 2), (64, 31)),
                ((640, 9), (224, 4)),
                ((40, 64), (10, 3)),
                ((9, 99), (3, 2)),
                ((1, 1), (5, 5)),
            ] {
                let from = vec![level; size.0 * size.1];
                assert_eq!(
                    scaled(1, &from, size, to),
                    vec![level; to.0 * to.1],
                    "{size:?} to {to:?}"
                );
            }
        }
    }

    #[test]
    fn samples_are_weighted_by_their_distance() {
        // Three to two: centers at 0.75 and 2.25, weights 1 - |x + ½ - c| / 1.5 of 5/6, ½ and 0 to a sum of 4/3.
        assert_eq!(scaled(1, &[0, 80, 240], (3, 1), (2, 1)), [30, 180]);
        assert_eq!(scaled(1, &[0, 80, 240], (1, 3), (1, 2)), [30, 180]);
        // Two to three: centers at ⅓, 1 and 1⅔.
        assert_eq!(scaled(1, &[10, 250], (2, 1), (3, 1)), [10, 130, 250]);
    }

    #[test]
    fn any_ratio_is_within_half_a_level_of_the_formula() {
        let from: Vec<u8> = (0..61 * 47).map(|it| (it * it * 31 % 256) as u8).collect();
        for to in [(61, 47), (16, 20), (23, 46), (60, 11), (97, 150), (61, 3)] {
            for (index, &got) in scaled(1, &from, (61, 47), to).iter().enumerate() {
                let weights = |at: usize, from: usize, to: usize| {
                    let step = from as f64 / to as f64;
                    let weight = move |x: usize| {
                        let distance = x as f64 + 0.5 - (at as f64 + 0.5) * step;
                        (1.0 - distance.abs() / step.max(1.0)).max(0.0)
                    };
                    (0..from).map(weight).collect::<Vec<f64>>()
                };
                let across = weights(index % to.0, 61, to.0);
                let down = weights(index / to.0, 47, to.1);
                let (mut sum, mut all) = (0.0, 0.0);
                for (y, below) in down.iter().enumerate() {
                    for (x, beside) in across.iter().enumerate() {
                        sum += below * beside * f64::from(from[y * 61 + x]);
                        all += below * beside;
                    }
                }
                let distance = (f64::from(got) - sum / all).abs();
                assert!(distance < 0.6, "{to:?} {index}: {got} for {}", sum / all);
            }
        }
    }

    #[test]
    fn pairs_are_scaled_like_two_planes() {
        let first: Vec<u8> = (0..40 * 30).map(|it| (it * 7 % 251) as u8).collect();
        let second: Vec<u8> = (0..40 * 30).map(|it| (it * 13 % 239) as u8).collect();
        let pairs: Vec<u8> = first.iter().zip(&second).flat_map(|(a, b)| [*a, *b]).collect();
        for to in [(17, 11), (61, 47), (3, 2)] {
            let together = scaled(2, &pairs, (40, 30), to);
            let apart = [&first, &second].map(|it| scaled(1, it, (40, 30), to));
            let expect: Vec<u8> = apart[0]
                .iter()
                .zip(&apart[1])
                .flat_map(|(a, b)| [*a, *b])
                .collect();
            assert_eq!(together, expect, "{to:?}");
        }
    }
}
