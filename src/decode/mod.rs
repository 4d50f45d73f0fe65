// SPDX-License-Identifier: MPL-2.0

//! Output tensors of a model to an [`Answer`], for each task whose answer is no picture and no sound.
//!
//! [`Decoder::recognize`] looks at what a model declares and finds the family of its outputs, or says why none
//! fits; [`Decoder::decode`] reads one run's tensors. One file a family; nothing here knows a frame, a model
//! runtime or GStreamer.
//!
//! # What holds for each answer
//!
//! - Boxes are inside the frame, with an area. A box that is not finite, empty or wholly outside (such as in the
//!   padding), and a score that is not finite, is left out and counted in [`Decoder::dropped`].
//! - The most confident comes first; among equals the one that stands earlier in the output, so that the same
//!   tensors always give the same answer. Of two equal classes for one box the lower one is taken.
//! - From the second frame on nothing is allocated, unless there is more to hold than ever before.
//!
//! # Hints
//!
//! Three keys of the metadata settle what shapes cannot tell: `activation` (softmax, sigmoid, none), `boxes`
//! (pixels, fractions, cells) and `task`, `names`, `stride`, `end2end`, as Ultralytics' exporter writes them.

mod classify;
mod end_to_end;
mod fault;
mod found;
pub mod labels;
mod model;
mod nms;
mod recognize;
mod scan;
mod score;
mod yolo;

pub use classify::Classes;
pub use end_to_end::EndToEnd;
pub use fault::{Fault, Unfit};
pub use model::{Activation, Units};
pub use recognize::Recognition;
pub use score::Score;
pub use yolo::{Order, Yolo};

use crate::answer::{Answer, Detection};
use crate::letterbox::{Letterbox, Size};
use crate::tensor::Tensor;
use found::{Found, Request};

/// What a model is asked about a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Which objects are where?
    Detect,
    /// What is it as a whole?
    Classify,
    /// What is each place of it?
    Segment,
    /// How much, on the model's own scale?
    Score,
}

/// What of an answer is wanted; may change from frame to frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Detections below are left out. Classes are not: [`Settings::top_k`] limits those.
    pub confidence: f32,
    /// Of two boxes of one class that overlap by more, the less confident one is left out.
    pub iou: f32,
    /// The most confident detections that stay.
    pub max_detections: usize,
    /// The most confident classes that stay.
    pub top_k: usize,
    /// The only classes that are wanted; `None` for all. A box is first given its best class.
    pub classes: Option<Vec<u32>>,
    /// Answers after which half of a step in the confidence of a class has been followed; 0 for no smoothing.
    pub half_life: f32,
}

impl Default for Settings {
    /// Ultralytics' own defaults for detection, so that answers compare.
    fn default() -> Self {
        Settings {
            confidence: 0.25,
            iou: 0.7,
            max_detections: 300,
            top_k: 5,
            classes: None,
            half_life: 0.0,
        }
    }
}

/// How a model's outputs are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Family {
    /// Boxes with a class each.
    Boxes(Boxes),
    /// One number for each class.
    Classes(Classes),
    /// One number.
    Score(Score),
}

/// How boxes are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boxes {
    Yolo(Yolo),
    EndToEnd(EndToEnd),
}

/// Reads the outputs of one model, in memory that it keeps.
#[derive(Debug)]
pub struct Decoder {
    family: Family,
    labels: Option<usize>,
    answer: Answer,
    found: Found,
    work: Work,
    classes: classify::Memory,
}

/// Memory for what a frame needs on the way.
#[derive(Debug, Default)]
struct Work {
    best: yolo::Best,
    /// Outputs that are no floats, as floats.
    scratch: [Vec<f32>; 4],
}

impl Decoder {
    /// A decoder for what was recognized.
    pub fn new(recognition: &Recognition) -> Self {
        let answer = match recognition.family {
            Family::Boxes(_) => Answer::Detections(Vec::new()),
            Family::Classes(_) => Answer::Classes(Vec::new()),
            Family::Score(_) => Answer::Score(0.0),
        };
        Decoder {
            family: recognition.family.clone(),
            labels: recognition.labels,
            answer,
            found: Found::default(),
            work: Work::default(),
            classes: classify::Memory::default(),
        }
    }

    /// Reads the outputs of one run.
    ///
    /// `place` says where the frame stood in the input. An error concerns this frame only.
    pub fn decode(
        &mut self,
        outputs: &[Tensor],
        place: Letterbox,
        settings: &Settings,
    ) -> Result<&Answer, Fault> {
        check_place(&place)?;
        let request = Request {
            place: &place,
            settings,
            labels: self.labels,
        };
        let [scratch, ..] = &mut self.work.scratch;
        match (&self.family, &mut self.answer) {
            (Family::Boxes(boxes), Answer::Detections(detections)) => {
                boxes.find(outputs, &request, &mut self.work, &mut self.found)?;
                detections.clear();
                detections.extend(self.found.candidates.iter().filter_map(|it| it.detection(&place)));
            }
            (Family::Classes(classes), Answer::Classes(best)) => {
                self.found.dropped += classes.read(outputs, settings, &mut self.classes, scratch, best)?;
            }
            (Family::Score(score), answer) => *answer = Answer::Score(score.read(outputs, scratch)?),
            // The answer was made for the family.
            _ => {}
        }
        Ok(&self.answer)
    }

    /// Boxes and values left out since the decoder was made, because they were not finite, empty or wholly
    /// outside of the frame.
    pub fn dropped(&self) -> u64 {
        self.found.dropped
    }

    /// Forgets earlier answers, as after a gap in the stream: smoothing begins anew.
    pub fn reset(&mut self) {
        self.classes.reset();
    }
}

impl Boxes {
    /// Finds the candidates of a frame, in their final order.
    fn find(
        &self,
        outputs: &[Tensor],
        request: &Request,
        work: &mut Work,
        found: &mut Found,
    ) -> Result<(), Fault> {
        found.candidates.clear();
        let [scratch, ..] = &mut work.scratch;
        match self {
            Boxes::Yolo(it) => it.find(outputs, request, &mut work.best, scratch, found)?,
            Boxes::EndToEnd(it) => it.find(outputs, request, scratch, found)?,
        }
        let most = request.settings.max_detections;
        match self {
            Boxes::Yolo(_) => nms::suppress(&mut found.candidates, request.settings.iou, most),
            Boxes::EndToEnd(_) => nms::rank(&mut found.candidates, most),
        }
        Ok(())
    }
}

impl nms::Candidate {
    /// The candidate in the frame; `None` if none of it is inside.
    fn detection(&self, place: &Letterbox) -> Option<Detection> {
        let nms::Corners {
            left,
            top,
            right,
            bottom,
        } = self.corners;
        Some(Detection {
            region: place.to_frame(left, top, right, bottom)?,
            class: self.class,
            confidence: self.score.clamp(0.0, 1.0),
        })
    }
}

/// A place that boxes can be mapped back from.
fn check_place(place: &Letterbox) -> Result<(), Fault> {
    let empty = |size: Size| size.width == 0 || size.height == 0;
    if empty(place.frame) || empty(place.input) || empty(place.picture) {
        return Err(Fault::Place("a size is zero".into()));
    }
    let fits =
        |pad: usize, picture: usize, input: usize| pad.checked_add(picture).is_some_and(|it| it <= input);
    if !fits(place.pad_left, place.picture.width, place.input.width)
        || !fits(place.pad_top, place.picture.height, place.input.height)
    {
        return Err(Fault::Place("the picture is not inside the input".into()));
    }
    Ok(())
}

impl Task {
    /// The value of the property that asks for it.
    pub fn name(self) -> &'static str {
        match self {
            Task::Detect => "detect",
            Task::Classify => "classify",
            Task::Segment => "segment",
            Task::Score => "score",
        }
    }
}
