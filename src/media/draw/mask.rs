// SPDX-License-Identifier: MPL-2.0

//! Masks in color: half of the class's color, half of the frame.

use super::ink::{Ink, Rgb, color_of, ink};
use super::surface::{Area, Surface};
use crate::answer::{ClassMap, Mask};
use crate::media::format::Shape;
use crate::media::plane::Target;

/// What a place has that has no class.
const VOID: u8 = 255;

/// Names under which models list what is nothing.
const NOTHING: [&str; 5] = ["background", "__background__", "bg", "unlabeled", "void"];

/// Whether a class is not shown: places without a class, and class 0 where its label says that it is nothing, or
/// nobody named it.
pub fn is_background(class: u8, labels: &[String]) -> bool {
    let is_nothing = |label: &String| NOTHING.iter().any(|it| label.trim().eq_ignore_ascii_case(it));
    match class {
        VOID => true,
        0 => labels.first().is_none_or(is_nothing),
        _ => false,
    }
}

/// Blends the colors of a map's classes over the whole frame; a map of another size than it says is not drawn.
pub fn blend_map(surface: &mut Surface, map: &ClassMap, labels: &[String]) {
    if map.classes.is_empty() || map.classes.len() != map.width * map.height {
        return;
    }
    let mut inks = [None; 256];
    for (class, slot) in (0u8..=255).zip(inks.iter_mut()) {
        *slot = (!is_background(class, labels))
            .then(|| (ink(&surface.picture, color_of(u32::from(class))), u8::MAX));
    }
    let (width, height) = surface.picture.size();
    let whole = Area::whole((width, height));
    let ink_at = |x: usize, y: usize| {
        let cell = y * map.height / height * map.width + x * map.width / width;
        map.classes.get(cell).and_then(|&class| inks[usize::from(class)])
    };
    blend(surface, &whole, ink_at);
}

/// Blends a color over the places of an area that are covered; `coverage` has a value for each pixel of it.
pub fn blend_coverage(surface: &mut Surface, area: &Area, coverage: &[u8], color: Rgb) {
    let ink = ink(&surface.picture, color);
    let ink_at = |x: usize, y: usize| {
        let covered = coverage.get((y - area.top) * area.width() + (x - area.left));
        covered.filter(|&&it| Mask::INSIDE <= it).map(|_| (ink, u8::MAX))
    };
    blend(surface, area, ink_at);
}

/// Blends a color over the whole frame, the stronger the more of it a place is covered; `coverage` has a value for each
/// pixel.
pub fn blend_matte(surface: &mut Surface, area: &Area, coverage: &[u8], color: Rgb) {
    let ink = ink(&surface.picture, color);
    let ink_at = |x: usize, y: usize| coverage.get(y * area.width() + x).map(|&it| (ink, it));
    blend(surface, area, ink_at);
}

/// Blends with what `ink_at` gives for each pixel of the area: an ink, and how far the place is covered, of which half
/// is the ink's share.
fn blend(surface: &mut Surface, area: &Area, ink_at: impl Fn(usize, usize) -> Option<(Ink, u8)>) {
    for (index, plane) in surface.planes.iter_mut().enumerate() {
        let Some((step, _)) = surface.picture.plane(index) else {
            return;
        };
        let places = match surface.picture.shape {
            Shape::Packed(order) => &[order.red, order.green, order.blue][..],
            _ => &[0, 1][..step],
        };
        let mix = |samples: &mut [u8], (ink, covered): &(Ink, u8)| {
            for &place in places {
                samples[place] = mixed(samples[place], ink[index + place], *covered);
            }
        };
        if index == 0 {
            blend_plane(plane, area, step, &ink_at, mix);
        } else {
            // A chroma sample takes the ink of its first pixel.
            let chroma = |x: usize, y: usize| ink_at((2 * x).max(area.left), (2 * y).max(area.top));
            blend_plane(plane, &area.halved(), step, &chroma, mix);
        }
    }
}

/// The middle of both where all is covered, and the old value where nothing is.
fn mixed(old: u8, new: u8, covered: u8) -> u8 {
    let (whole, share) = (2 * u32::from(u8::MAX), u32::from(covered));
    // A mean of bytes is one.
    ((u32::from(old) * (whole - share) + u32::from(new) * share) / whole) as u8
}

fn blend_plane(
    plane: &mut Target,
    area: &Area,
    step: usize,
    ink_at: &impl Fn(usize, usize) -> Option<(Ink, u8)>,
    mix: impl Fn(&mut [u8], &(Ink, u8)),
) {
    for y in area.top..area.bottom {
        let Some(row) = plane.line(y).get_mut(step * area.left..step * area.right) else {
            return;
        };
        for (x, samples) in (area.left..).zip(row.chunks_exact_mut(step)) {
            if let Some(ink) = ink_at(x, y) {
                mix(samples, &ink);
            }
        }
    }
}
