// SPDX-License-Identifier: MPL-2.0

//! Labels on plates: a name, in any script, and a figure behind it. Each name and each digit is drawn once and kept, so that
//! a frame costs no allocation whose labels were there before.

use std::collections::HashMap;
use std::fmt::{Display, Write};
use std::sync::Arc;

use super::fonts::Typeface;
use super::ink::Rgb;
use super::lettering::Lettering;
use super::surface::{Area, Surface};

/// Names that are kept; with more, which a reader of text may give, all are forgotten.
const MOST_KEPT: usize = 512;

/// Widest figure that there usually is, for which room is left.
const WIDEST: &str = "100%";

/// Letters of a size in pixels.
#[derive(Debug, Default)]
pub struct Labels {
    /// `None` for the usual one, which is looked up when the first letter is drawn.
    typeface: Option<Arc<Typeface>>,
    size: u32,
    /// Most pixels that a name may take.
    most: usize,
    kept: HashMap<Box<str>, Lettering>,
    /// The figure of this label.
    figure: String,
}

/// What a label says, and in which colors.
pub struct Label<'a, D> {
    pub name: &'a str,
    pub figure: D,
    pub plate: Rgb,
    pub letters: Rgb,
}

/// How large a plate is.
#[derive(Clone, Copy)]
struct Plate {
    width: usize,
    height: usize,
    /// From the top to the baseline.
    baseline: usize,
}

impl Labels {
    pub fn new(typeface: Arc<Typeface>) -> Labels {
        Labels {
            typeface: Some(typeface),
            ..Labels::default()
        }
    }

    /// Makes ready for labels of this size on frames of this width, both in pixels.
    pub fn set_size(&mut self, size: u32, width: usize) {
        let size = size.max(1);
        if (self.size, self.most) == (size, width) {
            return;
        }
        (self.size, self.most) = (size, width);
        self.kept.clear();
    }

    /// Writes a label on top of an area, or inside of it where there is no room, and inside of the frame where there is.
    pub fn above(&mut self, surface: &mut Surface, area: &Area, label: &Label<impl Display>) {
        let plate = self.plate(label);
        let left = area.left.min(surface.picture.width.saturating_sub(plate.width));
        let top = area.top.checked_sub(plate.height).unwrap_or(area.top);
        self.write(surface, (left, top), plate, label);
    }

    /// Writes a label at the left edge, below `top`; returns where the next one may stand.
    pub fn in_corner(&mut self, surface: &mut Surface, top: usize, label: &Label<impl Display>) -> usize {
        let gap = (self.size as usize / 12).max(1);
        let plate = self.plate(label);
        self.write(surface, (gap, top + gap), plate, label);
        top + gap + plate.height
    }

    /// Pixels beside the text, and above and below it.
    fn margins(&self) -> (usize, usize) {
        let size = self.size as usize;
        ((size / 4).max(2), (size / 10).max(1))
    }

    /// Between the name and the figure.
    fn gap(&self, label: &Label<impl Display>) -> usize {
        let has_both = !label.name.is_empty() && !self.figure.is_empty();
        if has_both { self.size as usize / 3 } else { 0 }
    }

    /// Draws what is not drawn yet, and measures.
    fn plate(&mut self, label: &Label<impl Display>) -> Plate {
        self.figure.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.figure, "{}", label.figure);
        let (beside, above) = self.margins();
        let figure = std::mem::take(&mut self.figure);
        let mut room = 0;
        if !figure.is_empty() {
            room = WIDEST.chars().map(|it| self.digit(it).width).sum::<usize>() + self.size as usize / 3;
        }
        let most = self.most.saturating_sub(room + 2 * beside);
        let (mut width, mut ascent, mut descent) = (0, 0, 0);
        let mut add = |it: &Lettering| {
            width += it.width;
            (ascent, descent) = (it.ascent.max(ascent), it.descent.max(descent));
        };
        if !label.name.is_empty() {
            add(self.lettering(label.name, most));
        }
        figure.chars().for_each(|it| add(self.digit(it)));
        self.figure = figure;
        Plate {
            width: width + self.gap(label) + 2 * beside,
            height: ascent + descent + 2 * above,
            baseline: above + ascent,
        }
    }

    /// A letter of a figure.
    fn digit(&mut self, letter: char) -> &Lettering {
        let mut bytes = [0; 4];
        self.lettering(letter.encode_utf8(&mut bytes), usize::MAX)
    }

    fn lettering(&mut self, text: &str, most: usize) -> &Lettering {
        if !self.kept.contains_key(text) {
            if MOST_KEPT <= self.kept.len() {
                self.kept.clear();
            }
            let typeface = self.typeface.get_or_insert_with(Typeface::usual);
            let drawn = Lettering::of(typeface, text, self.size as f32, most);
            self.kept.insert(text.into(), drawn);
        }
        &self.kept[text]
    }

    fn write(&self, surface: &mut Surface, place: (usize, usize), plate: Plate, label: &Label<impl Display>) {
        let (left, top) = place;
        let area = Area {
            left,
            top,
            right: left + plate.width,
            bottom: top + plate.height,
        };
        surface.fill(&area, label.plate);
        let (mut at, baseline) = (left + self.margins().0, top + plate.baseline);
        if let Some(name) = self.kept.get(label.name).filter(|_| !label.name.is_empty()) {
            surface.stamp((at, baseline), name, label.letters);
            at += name.width + self.gap(label);
        }
        let mut bytes = [0; 4];
        for letter in self.figure.chars() {
            if let Some(digit) = self.kept.get(&*letter.encode_utf8(&mut bytes)) {
                surface.stamp((at, baseline), digit, label.letters);
                at += digit.width;
            }
        }
    }
}
