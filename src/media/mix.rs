// SPDX-License-Identifier: MPL-2.0

//! Rows of luma and chroma to rows of normalized red, green and blue, in one loop and without rounding in
//! between: color matrix, range and normalization are one linear map.

use multiversion::multiversion;

use super::format::Color;
use super::kernel::Affine;

/// One channel: `luma · Y + cb · Cb + cr · Cr + offset`, kept between `low` and `high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mix {
    luma: f32,
    cb: f32,
    cr: f32,
    offset: f32,
    low: f32,
    high: f32,
}

impl Mix {
    /// The maps to red, green and blue by H.273: with the luma weights `kr + kg + kb = 1` and levels of full
    /// range, `R = Y + 2 (1 - kr) Cr`, `B = Y + 2 (1 - kb) Cb`, and G is what luma leaves over. Colors are
    /// clipped to the gamut and then normalized.
    pub fn of(color: &Color, normalization: &[Affine; 3]) -> [Mix; 3] {
        let [kr, kg, kb] = color.weights;
        let (black, white) = color.luma_ends();
        let luma = 255.0 / (white - black);
        // Chroma spans 224 levels in the limited range, and its zero is at 128.
        let chroma = if black == 0.0 { 1.0 } else { 255.0 / 224.0 };
        let (red, blue) = (2.0 * (1.0 - kr) * chroma, 2.0 * (1.0 - kb) * chroma);
        let chroma_of = [(0.0, red), (-kb / kg * blue, -kr / kg * red), (blue, 0.0)];
        [0, 1, 2].map(|channel| {
            let ((cb, cr), affine): ((f32, f32), Affine) = (chroma_of[channel], normalization[channel]);
            let ends = (affine.at(0.0), affine.at(255.0));
            Mix {
                luma: luma * affine.scale,
                cb: cb * affine.scale,
                cr: cr * affine.scale,
                offset: (-black * luma - 128.0 * (cb + cr)) * affine.scale + affine.offset,
                low: ends.0.min(ends.1),
                high: ends.0.max(ends.1),
            }
        })
    }

    #[inline(always)]
    fn at(&self, luma: f32, cb: f32, cr: f32) -> f32 {
        let value = luma * self.luma + cb * self.cb + cr * self.cr + self.offset;
        // Vectorizes, as `clamp` does not.
        let value = if self.low < value { value } else { self.low };
        if value < self.high { value } else { self.high }
    }
}

/// Three planes, chroma as dense as luma.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+avx2"))]
pub fn planar(luma: &[u8], cb: &[u8], cr: &[u8], mix: &[Mix; 3], rgb: [&mut [f32]; 3]) {
    let [red, green, blue] = rgb;
    let to = red.iter_mut().zip(green).zip(blue);
    for ((((red, green), blue), &luma), (&cb, &cr)) in to.zip(luma).zip(cb.iter().zip(cr)) {
        let (luma, cb, cr) = (f32::from(luma), f32::from(cb), f32::from(cr));
        *red = mix[0].at(luma, cb, cr);
        *green = mix[1].at(luma, cb, cr);
        *blue = mix[2].at(luma, cb, cr);
    }
}

/// A plane of luma and one of pairs of chroma, as dense as luma.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+avx2"))]
pub fn paired(luma: &[u8], chroma: &[u8], mix: &[Mix; 3], rgb: [&mut [f32]; 3]) {
    let [red, green, blue] = rgb;
    let to = red.iter_mut().zip(green).zip(blue);
    for ((((red, green), blue), &luma), pair) in to.zip(luma).zip(chroma.as_chunks::<2>().0) {
        let (luma, cb, cr) = (f32::from(luma), f32::from(pair[0]), f32::from(pair[1]));
        *red = mix[0].at(luma, cb, cr);
        *green = mix[1].at(luma, cb, cr);
        *blue = mix[2].at(luma, cb, cr);
    }
}

/// Three rows to one of interleaved values.
#[multiversion(targets("x86_64+avx2"))]
pub fn interleave(red: &[f32], green: &[f32], blue: &[f32], values: &mut [f32]) {
    let from = red.iter().zip(green).zip(blue);
    for (to, ((&red, &green), &blue)) in values.as_chunks_mut::<3>().0.iter_mut().zip(from) {
        *to = [red, green, blue];
    }
}
