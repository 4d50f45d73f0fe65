// SPDX-License-Identifier: MPL-2.0

//! What models say about a frame or a stretch of sound: the vocabulary that `decode`, `media` and `score`
//! share, and nothing else.

use std::borrow::Cow;

/// An upright rectangle, in pixels of the frame that was looked at; y points down.
#[derive(Debug, Clone, Copy, PartialEq)]
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    pub region: Region,
    /// Position in the list of labels; of answers read back from metas, any number that is equal for equal labels.
    pub class: u32,
    /// 0 to 1.
    pub confidence: f32,
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
}
