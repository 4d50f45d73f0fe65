// SPDX-License-Identifier: MPL-2.0

//! A frame as a surface: filled rectangles in any format, clipped to it.

use super::ink::{Rgb, ink};
use super::lettering::Lettering;
use crate::answer::Region;
use crate::media::format::{Picture, Shape};
use crate::media::plane::Target;

/// A rectangle in whole pixels, inside of a frame; the end is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
}

impl Area {
    /// The pixels of a region, cut at the edges of a frame of this size.
    pub fn of(region: &Region, (width, height): (usize, usize)) -> Area {
        // A cast of what is no number is zero, of what is too large the largest.
        let at = |edge: f32, most: usize| (edge.max(0.0).round() as usize).min(most);
        let (left, top) = (at(region.left, width), at(region.top, height));
        Area {
            left,
            top,
            right: at(region.left + region.width, width).max(left),
            bottom: at(region.top + region.height, height).max(top),
        }
    }

    /// All of a frame of this size.
    pub fn whole((width, height): (usize, usize)) -> Area {
        Area {
            left: 0,
            top: 0,
            right: width,
            bottom: height,
        }
    }

    /// Where it lies in a plane of half the size.
    pub fn halved(self) -> Area {
        Area {
            left: self.left / 2,
            top: self.top / 2,
            right: self.right.div_ceil(2),
            bottom: self.bottom.div_ceil(2),
        }
    }

    pub fn width(&self) -> usize {
        self.right - self.left
    }

    pub fn height(&self) -> usize {
        self.bottom - self.top
    }
}

pub struct Surface<'a> {
    pub picture: Picture,
    pub planes: [Target<'a>; 3],
}

impl<'a> Surface<'a> {
    pub fn new(picture: &Picture, planes: [Target<'a>; 3]) -> Self {
        Surface {
            picture: *picture,
            planes,
        }
    }

    pub fn area(&self, region: &Region) -> Area {
        Area::of(region, self.picture.size())
    }

    /// Width of lines: 2 pixels on 360 lines, 9 on 2160.
    pub fn stroke(&self) -> usize {
        (self.picture.height / 240).max(2)
    }

    /// Size of letters in pixels: 13 on 360 lines, 77 on 2160, and never so small that nobody can read them.
    pub fn font_size(&self) -> u32 {
        u32::try_from(self.picture.height / 28).unwrap_or(u32::MAX).max(9)
    }

    /// Fills what is inside of the frame.
    pub fn fill(&mut self, area: &Area, color: Rgb) {
        let ink = ink(&self.picture, color);
        let area = Area {
            left: area.left.min(self.picture.width),
            top: area.top.min(self.picture.height),
            right: area.right.min(self.picture.width),
            bottom: area.bottom.min(self.picture.height),
        };
        if area.right <= area.left || area.bottom <= area.top {
            return;
        }
        for (index, plane) in self.planes.iter_mut().enumerate() {
            let Some((step, _)) = self.picture.plane(index) else {
                return;
            };
            let area = if index == 0 { area } else { area.halved() };
            fill(plane, &area, &ink[index..index + step]);
        }
    }

    /// Lays letters over the frame, with the begin of their baseline at a place.
    pub fn stamp(&mut self, (left, baseline): (usize, usize), letters: &Lettering, color: Rgb) {
        let ink = ink(&self.picture, color);
        let top = baseline.saturating_sub(letters.ascent);
        let (width, height) = self.picture.size();
        let area = Area {
            left: left.min(width),
            top: top.min(height),
            right: (left + letters.width).min(width),
            bottom: (top + letters.ascent + letters.descent).min(height),
        };
        if area.right <= area.left || area.bottom <= area.top {
            return;
        }
        let coverage = Coverage {
            rows: &letters.coverage[..(area.bottom - top) * letters.width],
            stride: letters.width,
            width: area.width(),
            place: (left, top),
        };
        for (index, plane) in self.planes.iter_mut().enumerate() {
            match (self.picture.plane(index), self.picture.shape) {
                (None, _) => return,
                (Some((step, _)), Shape::Packed(order)) => {
                    let places = [order.red, order.green, order.blue];
                    let ink = places.map(|it| ink[it]);
                    mix(plane, &area, step, |x, y| coverage.of_pixels(x, y), (places, ink));
                }
                (Some(_), _) if index == 0 => {
                    mix(plane, &area, 1, |x, y| coverage.of_pixels(x, y), ([0], [ink[0]]));
                }
                (Some((1, _)), _) => {
                    let four = |x, y| coverage.of_fours(x, y);
                    mix(plane, &area.halved(), 1, four, ([0], [ink[index]]));
                }
                (Some(_), _) => {
                    let four = |x, y| coverage.of_fours(x, y);
                    mix(plane, &area.halved(), 2, four, ([0, 1], [ink[1], ink[2]]));
                }
            }
        }
    }

    /// Draws a line between two places, of which any may be outside of the frame.
    pub fn line(&mut self, from: (f32, f32), to: (f32, f32), color: Rgb) {
        let frame = (self.picture.width as f32, self.picture.height as f32);
        let Some((from, to)) = clipped(from, to, frame) else {
            return;
        };
        let (across, down) = (to.0 - from.0, to.1 - from.1);
        let steps = across.abs().max(down.abs()).ceil().max(1.0);
        for step in 0..=steps as usize {
            let share = step as f32 / steps;
            let place = (from.0 + share * across, from.1 + share * down);
            self.square(place, self.stroke(), color);
        }
    }

    /// Draws a key point, twice as wide as a line.
    pub fn dot(&mut self, place: (f32, f32), color: Rgb) {
        self.square(place, 2 * self.stroke(), color);
    }

    /// Fills a square around a place, as far as it is inside of the frame.
    fn square(&mut self, (x, y): (f32, f32), side: usize, color: Rgb) {
        let half = side as f32 / 2.0;
        // A cast of what is below zero is zero.
        let (left, top) = ((x - half).round(), (y - half).round());
        let area = Area {
            left: left as usize,
            top: top as usize,
            right: (left + side as f32) as usize,
            bottom: (top + side as f32) as usize,
        };
        if x.is_finite() && y.is_finite() {
            self.fill(&area, color);
        }
    }

    /// Draws the edge of an area, on its inside.
    pub fn frame_area(&mut self, area: &Area, color: Rgb) {
        let stroke = self.stroke();
        let (below, beside) = (
            (area.top + stroke).min(area.bottom),
            (area.left + stroke).min(area.right),
        );
        let (above, before) = (
            area.bottom.saturating_sub(stroke).max(area.top),
            area.right.saturating_sub(stroke).max(area.left),
        );
        let (top, bottom) = (
            Area {
                bottom: below,
                ..*area
            },
            Area { top: above, ..*area },
        );
        let (left, right) = (
            Area {
                right: beside,
                ..*area
            },
            Area {
                left: before,
                ..*area
            },
        );
        for edge in [top, bottom, left, right] {
            self.fill(&edge, color);
        }
    }
}

/// The part of a line inside of a frame; `None` without one. By Liang and Barsky.
fn clipped(
    from: (f32, f32),
    to: (f32, f32),
    (width, height): (f32, f32),
) -> Option<((f32, f32), (f32, f32))> {
    let (across, down) = (to.0 - from.0, to.1 - from.1);
    let (mut first, mut last) = (0.0f32, 1.0f32);
    for (step, room) in [
        (-across, from.0),
        (across, width - from.0),
        (-down, from.1),
        (down, height - from.1),
    ] {
        if !step.is_finite() || !room.is_finite() || (step == 0.0 && room < 0.0) {
            return None;
        }
        let share = room / step;
        if step < 0.0 {
            first = first.max(share);
        } else if 0.0 < step {
            last = last.min(share);
        }
    }
    let at = |share: f32| (from.0 + share * across, from.1 + share * down);
    (first <= last).then(|| (at(first), at(last)))
}

/// How far the pixels of a part of a frame are covered, from 0 to 255.
struct Coverage<'a> {
    /// Row by row, each of `stride` values, of which the first `width` are inside of the frame.
    rows: &'a [u8],
    stride: usize,
    width: usize,
    /// Where its first pixel is in the frame.
    place: (usize, usize),
}

impl<'a> Coverage<'a> {
    /// A row of it; empty outside of it.
    fn row(&self, y: usize) -> &'a [u8] {
        let start = y.checked_sub(self.place.1).map(|it| it * self.stride);
        let row = start.and_then(|it| self.rows.get(it..it + self.width));
        row.unwrap_or_default()
    }

    /// From a pixel on to the end of its row.
    fn of_pixels(&self, x: usize, y: usize) -> impl Iterator<Item = u8> {
        let row = self.row(y).get(x - self.place.0..).unwrap_or_default();
        row.iter().copied()
    }

    /// The same for chroma samples, each of which belongs to four pixels.
    fn of_fours(&self, x: usize, y: usize) -> impl Iterator<Item = u8> {
        let (rows, left) = ([self.row(2 * y), self.row(2 * y + 1)], self.place.0);
        (x..).map(move |x| {
            let columns = [(2 * x).wrapping_sub(left), (2 * x + 1).wrapping_sub(left)];
            let pixels = rows.iter().flat_map(|row| columns.iter().map(|&it| row.get(it)));
            (pixels.flatten().map(|&it| u32::from(it)).sum::<u32>() / 4) as u8
        })
    }
}

/// Mixes ink into the samples at these places of each pixel of an area, as far as it is covered. `covered` has the values of
/// a row from a place on.
fn mix<const N: usize, I: Iterator<Item = u8>>(
    plane: &mut Target,
    area: &Area,
    step: usize,
    covered: impl Fn(usize, usize) -> I,
    (places, ink): ([usize; N], [u8; N]),
) {
    for y in area.top..area.bottom {
        let Some(row) = plane.line(y).get_mut(step * area.left..step * area.right) else {
            return;
        };
        for (samples, share) in row.chunks_exact_mut(step).zip(covered(area.left, y)) {
            if share == 0 {
                continue;
            }
            let share = u32::from(share);
            for (&place, &ink) in places.iter().zip(&ink) {
                let mixed = u32::from(samples[place]) * (255 - share) + u32::from(ink) * share;
                // A mean of bytes is one.
                samples[place] = ((mixed + 127) / 255) as u8;
            }
        }
    }
}

/// Repeats a sample or a pixel over an area of a plane.
fn fill(plane: &mut Target, area: &Area, samples: &[u8]) {
    let step = samples.len();
    for y in area.top..area.bottom {
        let Some(row) = plane.line(y).get_mut(step * area.left..step * area.right) else {
            return;
        };
        match *samples {
            [one] => row.fill(one),
            [one, two] => row.as_chunks_mut().0.fill([one, two]),
            [one, two, three] => row.as_chunks_mut().0.fill([one, two, three]),
            [one, two, three, four] => row.as_chunks_mut().0.fill([one, two, three, four]),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_the_frame() {
        let frame = (100.0, 50.0);
        assert_eq!(
            clipped((-100.0, 10.0), (200.0, 10.0), frame),
            Some(((0.0, 10.0), (100.0, 10.0)))
        );
        assert_eq!(
            clipped((10.0, 10.0), (20.0, 20.0), frame),
            Some(((10.0, 10.0), (20.0, 20.0)))
        );
        assert_eq!(clipped((-10.0, -10.0), (-20.0, 80.0), frame), None);
        assert_eq!(clipped((f32::NAN, 0.0), (1.0, 1.0), frame), None);
        assert_eq!(clipped((0.0, 0.0), (f32::INFINITY, 1.0), frame), None);
    }
}
