// SPDX-License-Identifier: MPL-2.0

//! Brightness and contrast.

use super::rgb::Rgb;

/// Raises the value of each pixel (the largest of red, green and blue) by a share of white; hue and saturation stay.
pub(super) fn brighten(picture: &mut Rgb, by: f32) {
    for pixel in picture.pixels() {
        let value = f32::from(*pixel.iter().max().unwrap_or(&0));
        let raised = (value + 255.0 * by).min(255.0);
        for sample in pixel {
            *sample = match 0.0 < value {
                true => (f32::from(*sample) * raised / value).round() as u8,
                false => raised.round() as u8,
            };
        }
    }
}

/// Brings each channel nearer to its mean, of which this share of the distance is left.
pub(super) fn flatten(picture: &mut Rgb, left: f32) {
    let mut sums = [0u64; 3];
    for pixel in picture.pixels() {
        sums.iter_mut()
            .zip(pixel)
            .for_each(|(sum, it)| *sum += u64::from(*it));
    }
    let count = (picture.width * picture.height) as f32;
    let means = sums.map(|it| it as f32 / count);
    for pixel in picture.pixels() {
        for (sample, mean) in pixel.iter_mut().zip(means) {
            *sample = (mean + (f32::from(*sample) - mean) * left).round() as u8;
        }
    }
}
