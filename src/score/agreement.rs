// SPDX-License-Identifier: MPL-2.0

//! How far two candidates agree on one frame: the live score of quality.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::{Plane, fidelity};

/// Compares many pairs with one scaler and one scaled plane.
#[derive(Debug, Clone, Default)]
pub struct Agreement {
    resizer: Resizer,
    scaled: Plane,
}

impl Agreement {
    /// Agreement of two luma planes, 0 (nothing in common) to 1 (equal).
    ///
    /// This is the SSIM index of [`fidelity::ssim`], clamped below at 0. Of planes of different size, the one
    /// with fewer samples is first scaled to the size of the other, bilinearly, as a viewer's screen would.
    /// Planes too small for the SSIM window (a side below 11 samples) agree by their mean absolute difference.
    ///
    /// About 8 ms for 640×360 on one core, 1 ms more with scaling; allocates, so keep it off the streaming
    /// thread.
    pub fn of(&mut self, a: &Plane, b: &Plane) -> f64 {
        self.aligned(a, b).map_or(0.0, |(a, b)| compare(a, b))
    }

    /// As [`Agreement::of`], with the mean squared error of the planes as they are compared, in squared levels; `None`
    /// where one of them is empty or not what its width and height say.
    pub fn index_and_error(&mut self, a: &Plane, b: &Plane) -> Option<(f64, f64)> {
        let (a, b) = self.aligned(a, b).filter(|_| a.is_whole() && b.is_whole())?;
        Some((compare(a, b), fidelity::mse(a, b).ok()?))
    }

    /// Both at the size of the larger one; `None` where they cannot be scaled.
    fn aligned<'a>(&'a mut self, a: &'a Plane, b: &'a Plane) -> Option<(&'a Plane, &'a Plane)> {
        if a.same_size(b) {
            return Some((a, b));
        }
        let (small, large) = if a.samples.len() < b.samples.len() {
            (a, b)
        } else {
            (b, a)
        };
        if small.samples.is_empty() {
            return None;
        }
        self.scale(small, large.width, large.height)?;
        Some((&self.scaled, large))
    }

    /// `None` when the plane is not what its width and height say.
    fn scale(&mut self, plane: &Plane, width: usize, height: usize) -> Option<()> {
        self.scaled.resize(width, height);
        let source =
            TypedImageRef::<U8>::from_buffer(plane.width as u32, plane.height as u32, &plane.samples).ok()?;
        let mut target =
            TypedImage::<U8>::from_buffer(width as u32, height as u32, &mut self.scaled.samples).ok()?;
        let bilinear = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        self.resizer.resize_typed(&source, &mut target, &bilinear).ok()
    }
}

/// The score of two planes of one size.
fn compare(a: &Plane, b: &Plane) -> f64 {
    match fidelity::ssim(a, b) {
        Ok(index) => index.clamp(0.0, 1.0),
        Err(_) => closeness(a, b),
    }
}

/// One less the mean absolute difference over the full scale; 1 for planes without samples.
pub(super) fn closeness(a: &Plane, b: &Plane) -> f64 {
    let sum: u64 = a
        .samples
        .iter()
        .zip(&b.samples)
        .map(|(&a, &b)| u64::from(a.abs_diff(b)))
        .sum();
    1.0 - sum as f64 / (255.0 * a.samples.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::super::fidelity::tests::picture;
    use super::*;

    fn agreement(a: &Plane, b: &Plane) -> f64 {
        Agreement::default().of(a, b)
    }

    #[test]
    fn equal_answers_agree_and_unlike_ones_do_not() {
        let plane = picture(64, 48);
        let inverted = Plane {
            samples: plane.samples.iter().map(|it| 255 - it).collect(),
            ..plane.clone()
        };
        assert!((agreement(&plane, &plane) - 1.0).abs() < 1e-6);
        assert!(agreement(&plane, &inverted) < 0.1);
    }

    #[test]
    fn a_smaller_answer_is_compared_at_the_size_of_the_larger() {
        let large = picture(128, 96);
        let mut half = Agreement::default();
        half.scale(&large, 64, 48).unwrap();
        let score = agreement(&half.scaled, &large);
        assert!(0.7 < score && score < 1.0, "{score}");
        assert_eq!(score, agreement(&large, &half.scaled));
        assert!(agreement(&picture(64, 48), &large) < score);
    }

    #[test]
    fn tiny_and_broken_planes_have_a_score_too() {
        let tiny = Plane {
            samples: vec![0, 255],
            width: 2,
            height: 1,
        };
        let other = Plane {
            samples: vec![0, 0],
            width: 2,
            height: 1,
        };
        assert_eq!(agreement(&tiny, &other), 0.5);
        assert_eq!(agreement(&tiny, &Plane::new(0, 0)), 0.0);
        assert_eq!(agreement(&Plane { width: 9, ..tiny }, &picture(64, 48)), 0.0);
    }
}
