// SPDX-License-Identifier: MPL-2.0

//! A line of text as coverage: shaped, in the order in which its scripts are read, and of one height in pixels.

use cosmic_text::{
    Align, Ellipsize, EllipsizeHeightLimit, Hinting, LayoutGlyph, ShapeBuffer, ShapeLine, Shaping,
    SwashContent, Wrap,
};

use unicode_bidi::{BidiClass, bidi_class};

use super::fonts::{Fonts, Typeface};

/// Letters that are looked at; longer texts fit no frame.
const MOST_LETTERS: usize = 256;

/// Height above and below the baseline, as parts of the size: those of DejaVu Sans.
const ASCENT: f32 = 0.93;
const DESCENT: f32 = 0.24;

/// Rows and columns of a sign of Unifont, of which the last two rows are below the baseline.
const CELL: usize = 16;
const BELOW: usize = 2;

/// A line of text, how far each pixel of it is covered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lettering {
    pub width: usize,
    /// Rows above the baseline, and below it.
    pub ascent: usize,
    pub descent: usize,
    /// From 0 to 255, row by row.
    pub coverage: Vec<u8>,
}

/// A sign at its place, in pixels from the begin of the line and from the baseline.
struct Sign {
    left: i32,
    top: i32,
    width: usize,
    height: usize,
    coverage: Vec<u8>,
}

impl Lettering {
    /// Writes a text at a size in pixels; what is wider than `most` ends in an ellipsis.
    ///
    /// What no font has stands in Unifont's bitmaps, and what is not there either is a box: nothing is left out.
    pub fn of(typeface: &Typeface, text: &str, size: f32, most: usize) -> Lettering {
        let line = one_line(text);
        let mut fonts = typeface.fonts();
        let Fonts { system, images } = &mut *fonts;
        let shaped = ShapeLine::new(system, &line, &typeface.attributes, Shaping::Advanced, 4);
        let mut lines = Vec::with_capacity(1);
        shaped.layout_to_buffer(
            &mut ShapeBuffer::default(),
            size,
            Some(most as f32),
            Wrap::None,
            Ellipsize::End(EllipsizeHeightLimit::Lines(1)),
            Some(Align::Left),
            &mut lines,
            None,
            Hinting::Disabled,
        );
        let glyphs: Vec<LayoutGlyph> = lines.into_iter().flat_map(|it| it.glyphs).collect();
        let (mut signs, mut end, mut shift, mut last) = (Vec::new(), 0.0f32, 0.0f32, None);
        for glyph in &glyphs {
            let cluster = glyph.start..glyph.end;
            if glyph.glyph_id == 0 {
                // Several glyphs may stand for one cluster, which is drawn once.
                let is_again = last.replace(cluster.clone()) == Some(cluster.clone());
                let letters = line.get(cluster).filter(|_| !is_again).unwrap_or_default();
                let at = glyph.x + shift;
                let width = draw_without_font(letters, size, at.round() as i32, &mut signs);
                shift += width as f32 - glyph.w;
            } else {
                let physical = glyph.physical((shift, 0.0), 1.0);
                let image = images.get_image_uncached(system, physical.cache_key);
                signs.extend(image.map(|image| Sign {
                    left: physical.x + image.placement.left,
                    top: physical.y - image.placement.top,
                    width: image.placement.width as usize,
                    height: image.placement.height as usize,
                    coverage: coverage(image.content, image.data),
                }));
            }
            end = end.max(glyph.x + glyph.w + shift);
        }
        gather(&signs, end, size)
    }
}

/// Control characters and ends of lines as visible boxes, but for tabs, which are spaces.
fn one_line(text: &str) -> String {
    let visible = |it: char| match it {
        '\t' => ' ',
        '\u{2028}' | '\u{2029}' => '\u{25a1}',
        it if it.is_control() => '\u{25a1}',
        it => it,
    };
    text.chars().take(MOST_LETTERS).map(visible).collect()
}

/// A mask as it is; of a picture in colors its outlines, that is, the more of it the darker it is.
fn coverage(content: SwashContent, data: Vec<u8>) -> Vec<u8> {
    if content != SwashContent::Color {
        return data;
    }
    let (pixels, _) = data.as_chunks::<4>();
    let ink = |&[red, green, blue, alpha]: &[u8; 4]| {
        let luma = (54 * u32::from(red) + 183 * u32::from(green) + 19 * u32::from(blue)) / 256;
        // Three quarters of the light are left out, so that bright parts can still be seen.
        (u32::from(alpha) * (255 - luma * 3 / 4) / 255) as u8
    };
    pixels.iter().map(ink).collect()
}

/// Draws letters that no font has; returns their width in pixels.
fn draw_without_font(letters: &str, size: f32, left: i32, signs: &mut Vec<Sign>) -> usize {
    // Whole multiples, since the bitmaps have no pixel to spare.
    let side = ((ASCENT + DESCENT) * size / CELL as f32).round().max(1.0) as usize;
    let (mut begin, mut width) = (0, 0);
    for letter in letters.chars() {
        // A mark stands above or below the letter before it.
        if bidi_class(letter) != BidiClass::NSM {
            begin = width;
        }
        let bitmap = unifont::get_glyph(letter);
        let columns = bitmap.map_or(CELL / 2, |it| it.get_width());
        let is_set = |x: usize, y: usize| match bitmap {
            Some(bitmap) => bitmap.get_pixel(x, y),
            None => is_edge(x, y),
        };
        let (across, down) = (columns * side, CELL * side);
        let pixels = (0..down).flat_map(|y| (0..across).map(move |x| (x / side, y / side)));
        signs.push(Sign {
            left: left + begin as i32,
            top: -((CELL - BELOW) as i32) * side as i32,
            width: across,
            height: down,
            coverage: pixels
                .map(|(x, y)| if is_set(x, y) { u8::MAX } else { 0 })
                .collect(),
        });
        width = width.max(begin + across);
    }
    width
}

/// The box that stands for a letter nobody has: as wide as most letters, on the baseline.
fn is_edge(x: usize, y: usize) -> bool {
    let (right, top, bottom) = (CELL / 2 - 2, 3, CELL - BELOW - 1);
    let is_inside = (1..=right).contains(&x) && (top..=bottom).contains(&y);
    is_inside && (x == 1 || x == right || y == top || y == bottom)
}

/// Puts all signs into one picture, which is at least as high as a line and as wide as what its letters take.
fn gather(signs: &[Sign], end: f32, size: f32) -> Lettering {
    let (line_top, line_bottom) = (-(ASCENT * size).ceil() as i32, (DESCENT * size).ceil() as i32);
    let shown = || signs.iter().filter(|it| it.width != 0 && it.height != 0);
    let left = shown().map(|it| it.left).min().unwrap_or(0).min(0);
    let right = shown()
        .map(|it| it.left + it.width as i32)
        .max()
        .unwrap_or(0)
        .max(end.ceil() as i32);
    let top = shown().map(|it| it.top).min().unwrap_or(0).min(line_top);
    let bottom = shown()
        .map(|it| it.top + it.height as i32)
        .max()
        .unwrap_or(0)
        .max(line_bottom);
    let (width, height) = ((right - left) as usize, (bottom - top) as usize);
    let mut coverage = vec![0u8; width * height];
    for sign in shown() {
        let at = (sign.top - top) as usize * width + (sign.left - left) as usize;
        let rows = coverage[at..].chunks_mut(width);
        for (to, from) in rows.zip(sign.coverage.chunks_exact(sign.width)) {
            let both = to.iter_mut().zip(from);
            both.for_each(|(to, from)| *to = to.saturating_add(*from));
        }
    }
    Lettering {
        width,
        ascent: -top as usize,
        descent: bottom as usize,
        coverage,
    }
}
