// SPDX-License-Identifier: MPL-2.0

//! Masks in color: half of the class's color, half of the frame.

use super::ink::{Ink, Rgb, color_of, ink};
use super::surface::{Area, Surface};
use crate::answer::{ClassMap, Mask};
use crate::media::format::{Picture, Shape};
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
        *slot = (!is_background(class, labels)).then(|| ink(&surface.picture, color_of(u32::from(class))));
    }
    let (width, height) = surface.picture.size();
    let whole = Area {
        left: 0,
        top: 0,
        right: width,
        bottom: height,
    };
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
        covered.filter(|&&it| Mask::INSIDE <= it).map(|_| ink)
    };
    blend(surface, area, ink_at);
}

/// Blends with what `ink_at` gives for each pixel of the area.
fn blend(surface: &mut Surface, area: &Area, ink_at: impl Fn(usize, usize) -> Option<Ink>) {
    let Picture { shape, .. } = surface.picture;
    let [first, second, third] = &mut surface.planes;
    // A chroma sample takes the ink of its first pixel.
    let chroma = |x: usize, y: usize| ink_at((2 * x).max(area.left), (2 * y).max(area.top));
    let half = Area {
        left: area.left / 2,
        top: area.top / 2,
        right: area.right.div_ceil(2),
        bottom: area.bottom.div_ceil(2),
    };
    match shape {
        Shape::Packed(order) => {
            let places = [order.red, order.green, order.blue];
            blend_plane(first, area, order.step, &ink_at, |pixel, ink| {
                for place in places {
                    pixel[place] = mean(pixel[place], ink[place]);
                }
            });
        }
        Shape::Gray | Shape::I420 | Shape::Nv12 => {
            blend_plane(first, area, 1, &ink_at, |luma, ink| {
                luma[0] = mean(luma[0], ink[0])
            });
        }
    }
    match shape {
        Shape::I420 => {
            blend_plane(second, &half, 1, &chroma, |cb, ink| cb[0] = mean(cb[0], ink[1]));
            blend_plane(third, &half, 1, &chroma, |cr, ink| cr[0] = mean(cr[0], ink[2]));
        }
        Shape::Nv12 => blend_plane(second, &half, 2, &chroma, |pair, ink| {
            pair[0] = mean(pair[0], ink[1]);
            pair[1] = mean(pair[1], ink[2]);
        }),
        Shape::Gray | Shape::Packed(_) => {}
    }
}

fn blend_plane(
    plane: &mut Target,
    area: &Area,
    step: usize,
    ink_at: &impl Fn(usize, usize) -> Option<Ink>,
    mix: impl Fn(&mut [u8], &Ink),
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

fn mean(one: u8, other: u8) -> u8 {
    u8::midpoint(one, other)
}
