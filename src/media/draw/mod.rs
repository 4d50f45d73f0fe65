// SPDX-License-Identifier: MPL-2.0

//! Answers drawn into frames, for people: boxes with labels, classes and text in the corner, masks in color, or a mask as
//! alpha. Sizes follow the height of the frame, so that labels can be read on small and on large screens.

mod fonts;
mod ink;
mod label;
mod lettering;
mod mask;
mod surface;

use std::sync::Arc;

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

use super::Error;
use super::format::{Picture, Shape};
use super::plane::{Target, check_frame};
use super::scale::Scaler;
use crate::answer::{Answer, ClassScore, Detection, Mask, label_of};
pub use fonts::{FontError, Typeface};
use ink::{Rgb, color_of};
use label::{Label, Labels};
use surface::{Area, Surface};

/// How answers are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Size of letters in pixels; 0 for one that follows from the height of the frame.
    pub font_size: u32,
    /// Color of boxes, plates and masks as 0xAARRGGBB, of which the alpha is not used; 0 for one for each class.
    pub color: u32,
    /// Color of letters alike; 0 for black or white, whichever is easier to read on its plate.
    pub labels_color: u32,
}

impl Style {
    fn color_of(self, class: u32) -> Rgb {
        Rgb::of(self.color).unwrap_or_else(|| color_of(class))
    }

    fn label<D: std::fmt::Display>(self, name: &str, figure: D, plate: Rgb) -> Label<'_, D> {
        Label {
            name,
            figure,
            plate,
            letters: Rgb::of(self.labels_color).unwrap_or_else(|| plate.contrast()),
        }
    }
}

/// Draws into frames of one negotiated format, in memory that it keeps.
#[derive(Debug)]
pub struct Painter {
    picture: Picture,
    scaler: Scaler,
    /// A mask at the size that it has in the frame, and before it is scaled.
    coverage: Vec<u8>,
    grid: Vec<u8>,
    /// Alpha of the frame.
    alpha: Vec<u8>,
    labels: Labels,
}

impl Painter {
    /// Prepares for frames of `info`.
    pub fn new(info: &VideoInfo) -> Result<Self, Error> {
        Ok(Painter {
            picture: Picture::new(info)?,
            scaler: Scaler::new(),
            coverage: Vec::new(),
            grid: Vec::new(),
            alpha: Vec::new(),
            labels: Labels::default(),
        })
    }

    /// The same with labels in this typeface.
    pub fn with_typeface(mut self, typeface: Arc<Typeface>) -> Painter {
        self.labels = Labels::new(typeface);
        self
    }

    /// Draws an answer over the frame.
    pub fn overlay(
        &mut self,
        frame: &mut VideoFrameRef<&mut gst::BufferRef>,
        answer: &Answer,
        labels: &[String],
        style: Style,
    ) -> Result<(), Error> {
        check_frame(frame.info(), &self.picture)?;
        let mut surface = Surface::new(&self.picture, Target::all(frame, &self.picture)?);
        let size = match style.font_size {
            0 => surface.font_size(),
            size => size,
        };
        self.labels.set_size(size, self.picture.width);
        match answer {
            Answer::Detections(found) => {
                draw_detections(&mut surface, &mut self.labels, found.iter(), labels, style);
            }
            Answer::Instances(found) => {
                for instance in found.iter().rev() {
                    let area = surface.area(&instance.detection.region);
                    self.scale_mask(&instance.mask, &area)?;
                    let color = style.color_of(instance.detection.class);
                    mask::blend_coverage(&mut surface, &area, &self.coverage, color);
                }
                let found = found.iter().map(|it| &it.detection);
                draw_detections(&mut surface, &mut self.labels, found, labels, style);
            }
            Answer::Classes(scores) => draw_classes(&mut surface, &mut self.labels, scores, labels, style),
            Answer::ClassMap(map) => mask::blend_map(&mut surface, map, labels),
            Answer::Matte(matte) => {
                let (width, height) = self.picture.size();
                let area = Area::whole((width, height));
                self.scale_mask(matte, &area)?;
                mask::blend_matte(&mut surface, &area, &self.coverage, style.color_of(1));
            }
            Answer::Score(score) => {
                let plate = Rgb::of(style.color).unwrap_or(Rgb::WHITE);
                let label = style.label("", Number(*score), plate);
                self.labels.in_corner(&mut surface, 0, &label);
            }
            Answer::Text(read) if read.text.is_empty() => {}
            Answer::Text(read) => {
                let plate = Rgb::of(style.color).unwrap_or(Rgb::WHITE);
                let label = style.label(&read.text, Percent(read.confidence), plate);
                self.labels.in_corner(&mut surface, 0, &label);
            }
        }
        Ok(())
    }

    /// Writes the mask of a segmentation into the alpha of the frame: opaque where something is.
    ///
    /// Other answers, and formats without alpha, leave the frame as it is.
    pub fn alpha(
        &mut self,
        frame: &mut VideoFrameRef<&mut gst::BufferRef>,
        answer: &Answer,
        labels: &[String],
    ) -> Result<(), Error> {
        check_frame(frame.info(), &self.picture)?;
        let (width, height) = self.picture.size();
        let Shape::Packed(order) = self.picture.shape else {
            return Ok(());
        };
        if !order.has_alpha {
            return Ok(());
        }
        match answer {
            Answer::ClassMap(map) if map.classes.len() == map.width * map.height => {
                self.grid.clear();
                let opaque = |&class: &u8| {
                    if mask::is_background(class, labels) {
                        0
                    } else {
                        255
                    }
                };
                self.grid.extend(map.classes.iter().map(opaque));
                self.alpha.resize(width * height, 0);
                let size = (map.width, map.height);
                self.scaler
                    .bytes(1, &self.grid, size, &mut self.alpha, (width, height))?;
            }
            Answer::Matte(matte) => {
                self.scale_mask(matte, &Area::whole((width, height)))?;
                self.alpha.clone_from(&self.coverage);
            }
            Answer::Instances(found) => {
                self.alpha.clear();
                self.alpha.resize(width * height, 0);
                for instance in found {
                    let area = Area::of(&instance.detection.region, (width, height));
                    self.scale_mask(&instance.mask, &area)?;
                    let rows = self.coverage.chunks_exact(area.width().max(1));
                    for (y, row) in (area.top..area.bottom).zip(rows) {
                        let to = &mut self.alpha[y * width + area.left..][..area.width()];
                        to.iter_mut()
                            .zip(row)
                            .for_each(|(to, &from)| *to = (*to).max(from));
                    }
                }
            }
            _ => return Ok(()),
        }
        let mut plane = Target::of(frame, 0, order.step * width, height)?;
        for (row, alpha) in plane.rows().zip(self.alpha.chunks_exact(width)) {
            row.chunks_exact_mut(order.step)
                .zip(alpha)
                .for_each(|(pixel, &alpha)| pixel[order.fourth] = alpha);
        }
        Ok(())
    }

    /// Leaves a mask at the size of its area in the scratch.
    fn scale_mask(&mut self, mask: &Mask, area: &Area) -> Result<(), Error> {
        let size = (area.width(), area.height());
        self.coverage.resize(size.0 * size.1, 0);
        if size.0 == 0 || size.1 == 0 {
            return Ok(());
        }
        if mask.coverage.is_empty() || mask.coverage.len() != mask.width * mask.height {
            self.coverage.fill(0);
            return Ok(());
        }
        let from = (mask.width, mask.height);
        self.scaler
            .bytes(1, &mask.coverage, from, &mut self.coverage, size)
    }
}

/// Key points that are believed in less are not drawn.
const SEEN: f32 = 0.5;

/// Draws boxes and key points, and then labels, which no box crosses; the most confident last, on top of the others.
fn draw_detections<'a>(
    surface: &mut Surface,
    letters: &mut Labels,
    found: impl DoubleEndedIterator<Item = &'a Detection> + Clone,
    labels: &[String],
    style: Style,
) {
    for detection in found.clone().rev() {
        let color = style.color_of(detection.class);
        match &detection.turned {
            Some(turned) => {
                let corners = turned.corners();
                for (index, &from) in corners.iter().enumerate() {
                    surface.line(from, corners[(index + 1) % corners.len()], color);
                }
            }
            None => surface.frame_area(&surface.area(&detection.region), color),
        }
        let seen = detection.landmarks.iter().filter(|it| SEEN <= it.confidence);
        for point in seen {
            surface.dot((point.x, point.y), color);
        }
    }
    for detection in found.rev() {
        let area = surface.area(&detection.region);
        let (name, color) = (label_of(labels, detection.class), style.color_of(detection.class));
        let label = style.label(&name, Percent(detection.confidence), color);
        letters.above(surface, &area, &label);
    }
}

fn draw_classes(
    surface: &mut Surface,
    letters: &mut Labels,
    scores: &[ClassScore],
    labels: &[String],
    style: Style,
) {
    let mut top = 0;
    for score in scores {
        let (name, color) = (label_of(labels, score.class), style.color_of(score.class));
        let label = style.label(&name, Percent(score.confidence), color);
        top = letters.in_corner(surface, top, &label);
    }
}

/// A number with three decimals.
struct Number(f32);

impl std::fmt::Display for Number {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(formatter, "{:.3}", self.0)
    }
}

/// A confidence from 0 to 1, in per cent.
struct Percent(f32);

impl std::fmt::Display for Percent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(formatter, "{:.0}%", 100.0 * self.0)
    }
}
