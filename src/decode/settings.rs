// SPDX-License-Identifier: MPL-2.0

//! What is asked of a model, and what of its answer is wanted.

/// What a model is asked about a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Which objects are where?
    Detect,
    /// What is it as a whole?
    Classify,
    /// What is each place of it?
    Segment,
    /// How far does each place of it belong to the foreground?
    Matte,
    /// How much, on the model's own scale?
    Score,
    /// What is written in it?
    Text,
}

impl Task {
    /// The value of the property that asks for it.
    pub fn name(self) -> &'static str {
        match self {
            Task::Detect => "detect",
            Task::Classify => "classify",
            Task::Segment => "segment",
            Task::Matte => "matte",
            Task::Score => "score",
            Task::Text => "text",
        }
    }
}

/// What of an answer is wanted; may change from frame to frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Detections below are left out. Classes are not: [`Settings::top_k`] limits those.
    pub confidence: f32,
    /// Whether somebody asked for [`Settings::confidence`]; else a family may have a threshold of its own.
    pub is_confidence_asked: bool,
    /// Of two boxes of one class that overlap by more, the less confident one is left out.
    pub iou: f32,
    /// A place belongs to a mask, or to the foreground of a map, above this confidence.
    pub mask_threshold: f32,
    /// The most confident detections that stay.
    pub max_detections: usize,
    /// The most confident classes that stay.
    pub top_k: usize,
    /// The only classes that are wanted; `None` for all. A box is first given its best class.
    pub classes: Option<Vec<u32>>,
    /// Answers after which half of a step in the confidence of a class has been followed; 0 for no smoothing.
    pub half_life: f32,
}

impl Settings {
    /// The threshold for a family that has one of its own.
    pub(super) fn confidence_or(&self, own: f32) -> f32 {
        if self.is_confidence_asked {
            self.confidence
        } else {
            own
        }
    }
}

impl Default for Settings {
    /// Ultralytics' own defaults for detection, so that answers compare.
    fn default() -> Self {
        Settings {
            confidence: 0.25,
            is_confidence_asked: false,
            iou: 0.7,
            mask_threshold: 0.5,
            max_detections: 300,
            top_k: 5,
            classes: None,
            half_life: 0.0,
        }
    }
}
