// SPDX-License-Identifier: MPL-2.0

//! How near a plane is to the true one: full-reference PSNR and SSIM.

use super::Plane;
use super::similarity;

/// Why two planes could not be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The measures compare sample by sample. Scale one of the planes to the size of the other first.
    #[error("planes of {0}x{1} and {2}x{3} samples do not compare; scale one to the size of the other")]
    SizeMismatch(usize, usize, usize, usize),
    /// The SSIM window needs 11 samples in each direction, PSNR one. Give a larger picture.
    #[error("a plane of {0}x{1} samples is too small to compare")]
    TooSmall(usize, usize),
}

/// Peak signal-to-noise ratio in decibels: `10 log10(255² / MSE)`; infinite for equal planes.
///
/// About 0.05 ms for 640×360 samples.
pub fn psnr(answer: &Plane, truth: &Plane) -> Result<f64, Error> {
    mse(answer, truth).map(decibels)
}

/// The peak signal-to-noise ratio of a mean squared error; infinite for none.
pub fn decibels(mse: f64) -> f64 {
    10.0 * (255.0 * 255.0 / mse).log10()
}

/// Mean squared error in squared levels, 0 to 255².
///
/// Over several frames of one size this is what may be averaged; decibels may not.
pub fn mse(answer: &Plane, truth: &Plane) -> Result<f64, Error> {
    let count = check(answer, truth, 1)?;
    let squares: u64 = answer
        .samples
        .chunks(ROW)
        .zip(truth.samples.chunks(ROW))
        .map(|(answer, truth)| {
            // 32-bit lanes add twice as fast as 64-bit ones.
            let row = answer
                .iter()
                .zip(truth)
                .map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2));
            u64::from(row.sum::<u32>())
        })
        .sum();
    Ok(squares as f64 / count as f64)
}

/// Samples that are summed in 32 bits: 255² times this stays below 2³².
const ROW: usize = 4096;

/// Mean structural similarity index: 1 for equal planes, about 0 for unrelated ones, below 0 for inverted ones.
///
/// This is the index of Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility
/// to structural similarity", IEEE Transactions on Image Processing 13(4), 2004, as their MATLAB computes
/// it: an 11×11 Gaussian window of σ = 1.5, `k1 = 0.01`, `k2 = 0.03`, `L = 255`, windows inside of the
/// picture only; a picture with a shorter side of 384 samples or more is first averaged down by
/// `round(side / 256)`, which stands for the viewing distance. So it is a plain index and neither decibels
/// nor the full-size variant that ffmpeg prints.
///
/// About 8 ms for 640×360 samples on one core; allocates its intermediate planes, so keep it off the
/// streaming thread.
pub fn ssim(answer: &Plane, truth: &Plane) -> Result<f64, Error> {
    check(answer, truth, similarity::WINDOW)?;
    Ok(similarity::index(answer, truth))
}

/// The samples to compare, after a check that both planes have them.
fn check(answer: &Plane, truth: &Plane, smallest: usize) -> Result<usize, Error> {
    let count = truth.width * truth.height;
    if !answer.same_size(truth) {
        return Err(Error::SizeMismatch(
            answer.width,
            answer.height,
            truth.width,
            truth.height,
        ));
    }
    let whole = answer.samples.len() == count && truth.samples.len() == count;
    if !whole || truth.width.min(truth.height) < smallest {
        return Err(Error::TooSmall(truth.width, truth.height));
    }
    Ok(count)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A picture with slopes, edges and grain.
    pub fn picture(width: usize, height: usize) -> Plane {
        let mut state = 7u32;
        let samples = (0..width * height)
            .map(|at| {
                let (x, y) = (at % width, at / width);
                state = state.wrapping_mul(1664525).wrapping_add(1013904223);
                let edge = if (x / 17 + y / 11) % 2 == 0 { 70 } else { 0 };
                (40 + x * 90 / width + y * 30 / height + edge + (state >> 29) as usize) as u8
            })
            .collect();
        Plane {
            samples,
            width,
            height,
        }
    }

    fn changed(plane: &Plane, change: impl Fn(u8) -> u8) -> Plane {
        Plane {
            samples: plane.samples.iter().map(|&it| change(it)).collect(),
            ..plane.clone()
        }
    }

    #[test]
    fn a_constant_error_has_the_psnr_of_the_formula() {
        let truth = picture(65, 43);
        let off = changed(&truth, |it| it + 5);
        // MSE 25, so 20 log10(255 / 5).
        assert!((psnr(&off, &truth).unwrap() - 34.1514).abs() < 1e-4);
        assert_eq!(psnr(&truth, &truth).unwrap(), f64::INFINITY);
        assert!((psnr(&Plane::new(2, 1), &changed(&Plane::new(2, 1), |_| 255)).unwrap()).abs() < 1e-12);
    }

    #[test]
    fn ssim_is_one_for_equal_and_falls_with_damage() {
        let truth = picture(128, 96);
        assert!((ssim(&truth, &truth).unwrap() - 1.0).abs() < 1e-6);
        let mild = ssim(&changed(&truth, |it| it & 0xf8), &truth).unwrap();
        let hard = ssim(&changed(&truth, |it| it & 0xc0), &truth).unwrap();
        let inverted = ssim(&changed(&truth, |it| 255 - it), &truth).unwrap();
        assert!(0.9 < mild && mild < 1.0, "{mild}");
        assert!(hard < mild, "{hard}");
        assert!(inverted < 0.1, "{inverted}");
    }

    #[test]
    fn ssim_agrees_with_the_formula_computed_window_by_window() {
        let truth = picture(40, 30);
        let answer = changed(&truth, |it| {
            (it as f32 * 0.9 + if it % 3 == 0 { 12.0 } else { 4.0 }) as u8
        });
        let expect = naive_ssim(&answer, &truth);
        let got = ssim(&answer, &truth).unwrap();
        assert!((got - expect).abs() < 1e-4, "{got} instead of {expect}");
    }

    /// The formula of the paper in double precision, without any of the shortcuts.
    fn naive_ssim(a: &Plane, b: &Plane) -> f64 {
        let gauss = |x: i32, y: i32| (-((x * x + y * y) as f64) / (2.0 * 1.5 * 1.5)).exp();
        let total: f64 = (-5..=5).flat_map(|y| (-5..=5).map(move |x| gauss(x, y))).sum();
        let (c1, c2) = ((0.01f64 * 255.0).powi(2), (0.03f64 * 255.0).powi(2));
        let (mut sum, mut count) = (0.0, 0.0);
        for cy in 5..a.height as i32 - 5 {
            for cx in 5..a.width as i32 - 5 {
                let (mut ma, mut mb, mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0, 0.0, 0.0);
                for (dy, dx) in (-5..=5).flat_map(|y| (-5..=5).map(move |x| (y, x))) {
                    let at = (cy + dy) as usize * a.width + (cx + dx) as usize;
                    let (va, vb) = (a.samples[at] as f64, b.samples[at] as f64);
                    let weight = gauss(dx, dy) / total;
                    (ma, mb) = (ma + weight * va, mb + weight * vb);
                    (aa, bb, ab) = (
                        aa + weight * va * va,
                        bb + weight * vb * vb,
                        ab + weight * va * vb,
                    );
                }
                let (va, vb, cov) = (aa - ma * ma, bb - mb * mb, ab - ma * mb);
                sum += (2.0 * ma * mb + c1) * (2.0 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
                count += 1.0;
            }
        }
        sum / count
    }

    #[test]
    fn planes_that_do_not_compare_are_refused() {
        let plane = picture(32, 16);
        assert_eq!(
            psnr(&plane, &picture(16, 32)),
            Err(Error::SizeMismatch(32, 16, 16, 32))
        );
        assert_eq!(
            ssim(&picture(32, 10), &picture(32, 10)),
            Err(Error::TooSmall(32, 10))
        );
        assert_eq!(
            psnr(&Plane::new(0, 0), &Plane::new(0, 0)),
            Err(Error::TooSmall(0, 0))
        );
    }
}
