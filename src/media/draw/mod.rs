// SPDX-License-Identifier: MPL-2.0

//! Answers drawn into frames, for people: boxes with labels, classes and text in the corner, masks in color, or a mask as
//! alpha. Sizes follow the height of the frame, so that labels can be read on small and on large screens.

mod ink;
mod label;
mod mask;
mod surface;

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

use super::Error;
use super::format::{Picture, Shape};
use super::plane::{Target, check_frame};
use super::scale::Scaler;
use crate::answer::{Answer, ClassScore, Detection, Mask, label_of};
use ink::{Rgb, color_of};
use surface::{Area, Surface};

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
        })
    }

    /// Draws an answer over the frame.
    pub fn overlay(
        &mut self,
        frame: &mut VideoFrameRef<&mut gst::BufferRef>,
        answer: &Answer,
        labels: &[String],
    ) -> Result<(), Error> {
        check_frame(frame.info(), &self.picture)?;
        let mut surface = Surface::new(&self.picture, Target::all(frame, &self.picture)?);
        match answer {
            Answer::Detections(found) => draw_detections(&mut surface, found.iter(), labels),
            Answer::Instances(found) => {
                for instance in found.iter().rev() {
                    let area = surface.area(&instance.detection.region);
                    self.scale_mask(&instance.mask, &area)?;
                    let color = color_of(instance.detection.class);
                    mask::blend_coverage(&mut surface, &area, &self.coverage, color);
                }
                draw_detections(&mut surface, found.iter().map(|it| &it.detection), labels);
            }
            Answer::Classes(scores) => draw_classes(&mut surface, scores, labels),
            Answer::ClassMap(map) => mask::blend_map(&mut surface, map, labels),
            Answer::Matte(matte) => {
                let (width, height) = self.picture.size();
                let area = Area::whole((width, height));
                self.scale_mask(matte, &area)?;
                mask::blend_matte(&mut surface, &area, &self.coverage);
            }
            Answer::Score(score) => {
                label::in_corner(&mut surface, 0, &format!("{score:.3}"), Rgb::WHITE);
            }
            Answer::Text(read) if read.text.is_empty() => {}
            Answer::Text(read) => {
                let text = believed(&read.text, read.confidence);
                label::in_corner(&mut surface, 0, &text, Rgb::WHITE);
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
    found: impl DoubleEndedIterator<Item = &'a Detection> + Clone,
    labels: &[String],
) {
    for detection in found.clone().rev() {
        let color = color_of(detection.class);
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
        let text = believed(&label_of(labels, detection.class), detection.confidence);
        label::above(surface, &area, &text, color_of(detection.class));
    }
}

fn draw_classes(surface: &mut Surface, scores: &[ClassScore], labels: &[String]) {
    for (line, score) in scores.iter().enumerate() {
        let text = believed(&label_of(labels, score.class), score.confidence);
        label::in_corner(surface, line, &text, color_of(score.class));
    }
}

fn believed(name: &str, confidence: f32) -> String {
    format!("{name} {:.0}%", 100.0 * confidence)
}
