// SPDX-License-Identifier: MPL-2.0

//! Labels on plates: the letters are those of `embedded-graphics`, each of their pixels a square of the frame.

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_15::FONT_9X15 as FONT;
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::Drawable;
use embedded_graphics::text::{Baseline, Text};

use super::ink::Rgb;
use super::surface::{Area, Surface};

/// Letters that a label has at most; the rest is cut off.
const MOST_LETTERS: usize = 40;

/// Pixels of a letter around the text.
const MARGIN: usize = 2;

/// A place on the surface whose pixels are squares of it.
struct Magnified<'a, 'b> {
    surface: &'a mut Surface<'b>,
    left: usize,
    top: usize,
    side: usize,
    color: Rgb,
}

impl OriginDimensions for Magnified<'_, '_> {
    fn size(&self) -> Size {
        let letters = MOST_LETTERS as u32;
        Size::new(letters * FONT.character_size.width, FONT.character_size.height)
    }
}

impl DrawTarget for Magnified<'_, '_> {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<BinaryColor>>,
    {
        for Pixel(Point { x, y }, color) in pixels {
            let (Ok(x), Ok(y), BinaryColor::On) = (usize::try_from(x), usize::try_from(y), color) else {
                continue;
            };
            let (left, top) = (self.left + x * self.side, self.top + y * self.side);
            let square = Area {
                left,
                top,
                right: left + self.side,
                bottom: top + self.side,
            };
            self.surface.fill(&square, self.color);
        }
        Ok(())
    }
}

/// Width and height of a plate for this text.
fn plate_size(surface: &Surface, text: &str) -> (usize, usize) {
    let letters = text.chars().count().min(MOST_LETTERS);
    let (width, height) = (
        FONT.character_size.width as usize,
        FONT.character_size.height as usize,
    );
    let side = surface.magnification();
    ((letters * width + 2 * MARGIN) * side, (height + MARGIN) * side)
}

/// Writes a label on top of an area, or inside of it where there is no room, and inside of the frame where there is.
pub fn above(surface: &mut Surface, area: &Area, text: &str, color: Rgb) {
    let (width, height) = plate_size(surface, text);
    let left = area.left.min(surface.picture.width.saturating_sub(width));
    let top = area.top.checked_sub(height).unwrap_or(area.top);
    write(surface, (left, top), text, color);
}

/// Writes a label in the top left corner, in a line of its own.
pub fn in_corner(surface: &mut Surface, line: usize, text: &str, color: Rgb) {
    let (_, height) = plate_size(surface, text);
    let gap = surface.magnification();
    write(surface, (gap, gap + line * (height + gap)), text, color);
}

fn write(surface: &mut Surface, (left, top): (usize, usize), text: &str, color: Rgb) {
    let (width, height) = plate_size(surface, text);
    let plate = Area {
        left,
        top,
        right: left + width,
        bottom: top + height,
    };
    surface.fill(&plate, color);
    let side = surface.magnification();
    let mut target = Magnified {
        surface,
        left: left + MARGIN * side,
        top: top + side,
        side,
        color: color.contrast(),
    };
    let end = text
        .char_indices()
        .nth(MOST_LETTERS)
        .map_or(text.len(), |(end, _)| end);
    let style = MonoTextStyle::new(&FONT, BinaryColor::On);
    let text = Text::with_baseline(&text[..end], Point::zero(), style, Baseline::Top);
    // Filling a surface cannot fail.
    let _ = text.draw(&mut target);
}
