// SPDX-License-Identifier: MPL-2.0

//! Colors: one for each class, and what it is in the samples of a frame.

use crate::media::format::{Color, Picture, Shape};

/// A color of full range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb {
    pub red: u8,
    pub green: u8,
    pub blue: u8,
}

impl Rgb {
    pub const BLACK: Rgb = Rgb::gray(0);
    pub const WHITE: Rgb = Rgb::gray(255);

    const fn gray(level: u8) -> Rgb {
        Rgb {
            red: level,
            green: level,
            blue: level,
        }
    }

    /// The color that 0xAARRGGBB stands for, whatever its alpha; `None` for 0.
    pub fn of(color: u32) -> Option<Rgb> {
        let [_, red, green, blue] = color.to_be_bytes();
        (color != 0).then_some(Rgb { red, green, blue })
    }

    /// Black or white, whichever is easier to read on this color.
    pub fn contrast(self) -> Rgb {
        let luma =
            0.2126 * f32::from(self.red) + 0.7152 * f32::from(self.green) + 0.0722 * f32::from(self.blue);
        if luma < 110.0 { Rgb::WHITE } else { Rgb::BLACK }
    }
}

/// Hues are this far apart: no two of the first dozens of classes look alike (the golden ratio's fraction).
const HUE_STEP: f32 = 0.618_034;

/// How colorful: less than full, for screens that cannot show pure colors.
const SATURATION: f32 = 0.85;

/// The color of a class.
pub fn color_of(class: u32) -> Rgb {
    // Large numbers would lose the fraction.
    let hue = ((class % 1024) as f32 * HUE_STEP + 0.33).fract() * 6.0;
    let channel = |offset: f32| {
        let distance = (hue + offset) % 6.0;
        let part = (distance.min(4.0 - distance)).clamp(0.0, 1.0);
        (255.0 * (1.0 - SATURATION * part)) as u8
    };
    Rgb {
        red: channel(5.0),
        green: channel(3.0),
        blue: channel(1.0),
    }
}

/// The samples of a color in a frame: a packed pixel, or luma, Cb and Cr, which stand from the index of their plane on.
pub type Ink = [u8; 4];

/// A color in the samples of a format.
pub fn ink(picture: &Picture, color: Rgb) -> Ink {
    let Rgb { red, green, blue } = color;
    let Shape::Packed(order) = picture.shape else {
        return yuv(&picture.color, color);
    };
    let mut ink = [u8::MAX; 4];
    ink[order.red] = red;
    ink[order.green] = green;
    ink[order.blue] = blue;
    ink
}

/// By H.273, the other way round than [`Mix`](crate::media::mix::Mix).
fn yuv(color: &Color, Rgb { red, green, blue }: Rgb) -> Ink {
    let [kr, kg, kb] = color.weights;
    let (red, green, blue) = (f32::from(red), f32::from(green), f32::from(blue));
    let (black, white) = color.luma_ends();
    let span = if black == 0.0 { 255.0 } else { 224.0 };
    let luma = kr * red + kg * green + kb * blue;
    let chroma = |part: f32, weight: f32| 128.0 + (part - luma) / (2.0 * (1.0 - weight)) * span / 255.0;
    let samples = [
        black + luma * (white - black) / 255.0,
        chroma(blue, kb),
        chroma(red, kr),
        255.0,
    ];
    samples.map(|it| it.round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_colors_that_differ() {
        let colors: Vec<Rgb> = (0..20).map(color_of).collect();
        for (index, one) in colors.iter().enumerate() {
            for other in &colors[..index] {
                let apart = one.red.abs_diff(other.red) as u32
                    + one.green.abs_diff(other.green) as u32
                    + one.blue.abs_diff(other.blue) as u32;
                assert!(30 < apart, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn text_is_dark_on_bright_colors_and_bright_on_dark_ones() {
        let color = |red, green, blue| Rgb { red, green, blue };
        assert_eq!(color(255, 255, 0).contrast(), Rgb::BLACK);
        assert_eq!(color(0, 0, 255).contrast(), Rgb::WHITE);
    }
}
