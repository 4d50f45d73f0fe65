// SPDX-License-Identifier: MPL-2.0

//! What models say about a frame or a stretch of sound: the vocabulary that `decode`, `media` and `score`
//! share, and nothing else.

use std::borrow::Cow;

/// An upright rectangle, in pixels of the frame that was looked at; y points down.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Region {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

impl Region {
    /// Left, top, width and height in whole pixels: inside of a frame of `size`, and at least one each way.
    pub fn pixels(&self, size: (u32, u32)) -> [u32; 4] {
        let whole = |start: f32, extent: f32, length: u32| {
            let last = length.saturating_sub(1);
            let first = (start.max(0.0).round() as u32).min(last);
            let end = ((start + extent).max(0.0).round() as u32).clamp(first + 1, length.max(first + 1));
            (first, end - first)
        };
        let (left, width) = whole(self.left, self.width, size.0);
        let (top, height) = whole(self.top, self.height, size.1);
        [left, top, width, height]
    }

    /// Square pixels.
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// Intersection over union, 0 (apart) to 1 (equal); 0 where neither has an area.
    pub fn iou(&self, other: &Region) -> f32 {
        let overlap = |start: f32, length: f32, other_start: f32, other_length: f32| {
            ((start + length).min(other_start + other_length) - start.max(other_start)).max(0.0)
        };
        let width = overlap(self.left, self.width, other.left, other.width);
        let height = overlap(self.top, self.height, other.top, other.height);
        let shared = width * height;
        let union = self.area() + other.area() - shared;
        if 0.0 < union { shared / union } else { 0.0 }
    }
}

/// One object that was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Detection {
    /// The upright rectangle around it, inside of the frame; of a turned box what surrounds that.
    pub region: Region,
    /// Position in the list of labels; of answers read back from metas, any number that is equal for equal labels.
    pub class: u32,
    /// 0 to 1.
    pub confidence: f32,
    /// Its key points in the model's order, such as eyes, nose and corners of the mouth; mostly none.
    pub landmarks: Vec<Landmark>,
    /// The box as it lies, where the model finds turned ones.
    pub turned: Option<TurnedBox>,
}

/// A key point of an object, in pixels of the frame; it may lie outside of the frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Landmark {
    pub x: f32,
    pub y: f32,
    /// 0 to 1, how sure it is that the point can be seen; 1 where the model does not say it.
    pub confidence: f32,
}

/// A rectangle that need not be upright, in pixels of the frame; it may reach beyond the frame.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TurnedBox {
    /// Of its center.
    pub x: f32,
    pub y: f32,
    /// Along the angle.
    pub width: f32,
    /// Across it.
    pub height: f32,
    /// By how much its width is turned from the horizontal, in radians; clockwise, since y points down.
    pub angle: f32,
}

impl TurnedBox {
    /// Its corners, in the order that an upright one has as top left, top right, bottom right, bottom left.
    pub fn corners(&self) -> [(f32, f32); 4] {
        let (sin, cos) = self.angle.sin_cos();
        let (across, down) = (self.width / 2.0, self.height / 2.0);
        let corner = |right: f32, below: f32| {
            (
                self.x + right * cos - below * sin,
                self.y + right * sin + below * cos,
            )
        };
        [
            corner(-across, -down),
            corner(across, -down),
            corner(across, down),
            corner(-across, down),
        ]
    }

    /// The edges of the upright rectangle around it: left, top, right, bottom.
    pub fn bounds(&self) -> [f32; 4] {
        let (sin, cos) = self.angle.sin_cos();
        let half_width = (self.width * cos.abs() + self.height * sin.abs()) / 2.0;
        let half_height = (self.width * sin.abs() + self.height * cos.abs()) / 2.0;
        [
            self.x - half_width,
            self.y - half_height,
            self.x + half_width,
            self.y + half_height,
        ]
    }
}

/// How much one class is believed in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScore {
    /// As in [`Detection::class`].
    pub class: u32,
    /// 0 to 1.
    pub confidence: f32,
}

/// A class for each place of a grid laid over the frame, row by row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClassMap {
    /// In cells; the grid may be coarser than the frame.
    pub width: usize,
    /// In cells.
    pub height: usize,
    /// `width * height` classes.
    pub classes: Vec<u8>,
}

impl ClassMap {
    /// The classes that occur, each with its share of the places, 0 to 1; the lowest first.
    pub fn shares(&self) -> Vec<(u32, f32)> {
        let mut counts = [0usize; 256];
        self.classes.iter().for_each(|&it| counts[usize::from(it)] += 1);
        let total = self.classes.len().max(1) as f32;
        let occurring = counts.iter().zip(0u32..).filter(|(count, _)| 0 < **count);
        occurring
            .map(|(&count, class)| (class, count as f32 / total))
            .collect()
    }
}

/// How far each place of a grid over a [`Region`] belongs to an object, row by row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mask {
    /// In cells.
    pub width: usize,
    /// In cells.
    pub height: usize,
    /// `width * height` values: 0 outside, 255 inside.
    pub coverage: Vec<u8>,
}

impl Mask {
    /// The value from which on a place belongs to the object: half of full coverage.
    pub const INSIDE: u8 = 128;

    /// How much of the region it covers, 0 to 1.
    pub fn share(&self) -> f32 {
        let sum: u64 = self.coverage.iter().map(|&it| u64::from(it)).sum();
        sum as f32 / (255.0 * self.coverage.len().max(1) as f32)
    }
}

/// One object that was found, with its outline.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    pub detection: Detection,
    /// Over the region of the detection.
    pub mask: Mask,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Text {
    /// Empty where there is nothing to read.
    pub text: String,
    /// Mean over its characters, 0 to 1; 0 of an empty one.
    pub confidence: f32,
}

/// What a model says, in the terms of its task.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The most confident first.
    Detections(Vec<Detection>),
    /// The most confident first.
    Classes(Vec<ClassScore>),
    ClassMap(ClassMap),
    /// How far each place of the frame belongs to the foreground.
    Matte(Mask),
    /// The most confident first.
    Instances(Vec<Instance>),
    /// One number, in the model's own unit.
    Score(f32),
    /// A line of writing, or what is said in a stretch of sound.
    Text(Text),
}

/// The label of a class, or its number where there is none.
pub fn label_of(labels: &[String], class: u32) -> Cow<'_, str> {
    let label = usize::try_from(class).ok().and_then(|it| labels.get(it));
    label.map_or_else(|| class.to_string().into(), |it| it.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_shared_area_over_covered_area() {
        let region = |left, top, width, height| Region {
            left,
            top,
            width,
            height,
        };
        let square = region(0.0, 0.0, 2.0, 2.0);
        assert_eq!(square.iou(&square), 1.0);
        assert_eq!(square.iou(&region(1.0, 0.0, 2.0, 2.0)), 2.0 / 6.0);
        assert_eq!(square.iou(&region(2.0, 0.0, 2.0, 2.0)), 0.0);
        assert_eq!(region(0.0, 0.0, 0.0, 0.0).iou(&region(0.0, 0.0, 0.0, 0.0)), 0.0);
    }

    #[test]
    fn a_turned_box_has_corners_on_its_bounds() {
        let turned = TurnedBox {
            x: 10.0,
            y: 20.0,
            width: 8.0,
            height: 4.0,
            angle: std::f32::consts::FRAC_PI_2,
        };
        let near = |one: f32, other: f32| (one - other).abs() < 1e-4;
        // A quarter turn clockwise brings the top left corner to the top right.
        let (x, y) = turned.corners()[0];
        assert!(near(x, 12.0) && near(y, 16.0), "{x} {y}");
        let bounds = turned.bounds();
        assert!(
            bounds
                .iter()
                .zip([8.0, 16.0, 12.0, 24.0])
                .all(|(&it, to)| near(it, to)),
            "{bounds:?}"
        );
    }
}
