// SPDX-License-Identifier: MPL-2.0

//! The sums behind the structural similarity index, in double precision: in single precision the variance of bright and even
//! places is lost.

use multiversion::multiversion;

use crate::plane::Plane;

/// Samples of the window in each direction.
pub(super) const WINDOW: usize = 11;

/// Its standard deviation in samples.
const SIGMA: f64 = 1.5;

/// (k1 L)² and (k2 L)² with k1 = 0.01, k2 = 0.03, L = 255.
const STABILIZERS: [f64; 2] = [2.55 * 2.55, 7.65 * 7.65];

/// Shorter side that pictures are averaged down to, about.
const SIDE: f64 = 256.0;

/// Both planes, their squares and their product: what is averaged over each window.
type Sums = [Vec<f64>; 5];

fn sums(length: usize) -> Sums {
    std::array::from_fn(|_| vec![0.0; length])
}

/// The index of two planes of the same size, of 11 samples or more each way; see [`super::ssim`].
pub(super) fn index(answer: &Plane, truth: &Plane) -> f64 {
    let factor = (answer.width.min(answer.height) as f64 / SIDE).round().max(1.0) as usize;
    let (width, height) = (answer.width.div_ceil(factor), answer.height.div_ceil(factor));
    let [answer, truth] = [answer, truth].map(|it| averaged(it, factor));
    let taps = window();
    let windows = width - (WINDOW - 1);
    let (mut samples, mut means) = (sums(width), sums(windows));
    let mut rows: [Sums; WINDOW] = std::array::from_fn(|_| sums(windows));
    let mut sum = 0.0;
    for y in 0..height {
        let (start, end) = (y * width, (y + 1) * width);
        multiply(&answer[start..end], &truth[start..end], &mut samples);
        for (samples, row) in samples.iter().zip(&mut rows[y % WINDOW]) {
            filter(std::array::from_fn(|it| &samples[it..]), &taps, row);
        }
        if WINDOW <= y + 1 {
            for (at, means) in means.iter_mut().enumerate() {
                // The oldest row lies behind the newest.
                let rows = std::array::from_fn(|it| rows[(y + 1 + it) % WINDOW][at].as_slice());
                filter(rows, &taps, means);
            }
            sum += total(&means);
        }
    }
    sum / (windows * (height - (WINDOW - 1))) as f64
}

fn window() -> [f64; WINDOW] {
    let taps: [f64; WINDOW] = std::array::from_fn(|at| {
        let distance = at as f64 - (WINDOW / 2) as f64;
        (-distance * distance / (2.0 * SIGMA * SIGMA)).exp()
    });
    let sum: f64 = taps.iter().sum();
    taps.map(|it| it / sum)
}

#[multiversion(targets("x86_64+avx2"))]
fn multiply(answer: &[f64], truth: &[f64], samples: &mut Sums) {
    let [answers, truths, answer_squares, truth_squares, products] = samples;
    answers.copy_from_slice(answer);
    truths.copy_from_slice(truth);
    for (square, it) in answer_squares.iter_mut().zip(answer) {
        *square = it * it;
    }
    for (square, it) in truth_squares.iter_mut().zip(truth) {
        *square = it * it;
    }
    for ((product, answer), truth) in products.iter_mut().zip(answer).zip(truth) {
        *product = answer * truth;
    }
}

/// The weighted sum of eleven lines, place by place.
#[multiversion(targets("x86_64+avx2"))]
fn filter(lines: [&[f64]; WINDOW], taps: &[f64; WINDOW], sums: &mut [f64]) {
    let lines = lines.map(|it| &it[..sums.len()]);
    for (x, sum) in sums.iter_mut().enumerate() {
        *sum = taps.iter().zip(&lines).map(|(tap, line)| tap * line[x]).sum();
    }
}

/// The sum of the index over one row of windows.
#[multiversion(targets("x86_64+avx2"))]
fn total(means: &Sums) -> f64 {
    let windows = means[0].len();
    let [answers, truths, answer_squares, truth_squares, products] =
        means.each_ref().map(|it| &it[..windows]);
    let [c1, c2] = STABILIZERS;
    let mut total = 0.0;
    for x in 0..windows {
        let (both, squares) = (
            answers[x] * truths[x],
            answers[x] * answers[x] + truths[x] * truths[x],
        );
        let above = (2.0 * both + c1) * (2.0 * (products[x] - both) + c2);
        total += above / ((squares + c1) * (answer_squares[x] + truth_squares[x] - squares + c2));
    }
    total
}

/// Each `factor`-th sample in both directions of the mean over squares of so many, around it and repeating the edge's samples
/// backwards: MATLAB's `imfilter(…, 'symmetric', 'same')`.
fn averaged(plane: &Plane, factor: usize) -> Vec<f64> {
    if factor == 1 {
        return plane.samples.iter().map(|it| f64::from(*it)).collect();
    }
    let places = |at: usize, length: usize| {
        let first = (at * factor) as isize - ((factor - 1) / 2) as isize;
        (first..first + factor as isize).map(move |it| match usize::try_from(it) {
            Ok(it) if it < length => it,
            Ok(it) => 2 * length - 1 - it,
            Err(_) => (-1 - it) as usize,
        })
    };
    let (width, height) = (plane.width.div_ceil(factor), plane.height.div_ceil(factor));
    let mut means = Vec::with_capacity(width * height);
    for y in 0..height {
        let mut sums = vec![0u32; plane.width];
        for row in places(y, plane.height) {
            let samples = &plane.samples[row * plane.width..][..plane.width];
            sums.iter_mut()
                .zip(samples)
                .for_each(|(sum, it)| *sum += u32::from(*it));
        }
        means.extend((0..width).map(|x| {
            let sum: u32 = places(x, plane.width).map(|it| sums[it]).sum();
            f64::from(sum) / (factor * factor) as f64
        }));
    }
    means
}
