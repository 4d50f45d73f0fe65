// SPDX-License-Identifier: MPL-2.0

//! Output tensors of a model to an [`Answer`], for each task whose answer is no picture and no sound.
//!
//! [`Recognition::new`] looks at what a model declares and finds the family of its outputs, or says why none
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
//! Keys of the metadata settle what shapes cannot tell: `activation` (softmax, sigmoid, none), `boxes` (pixels,
//! fractions, cells), `blank` (first, last), `character`, as PaddleOCR's exporters write it, and `task`, `names`,
//! `stride`, `end2end`, as Ultralytics' exporter writes them.

mod boxes;
mod classify;
mod ctc;
mod detr;
mod end_to_end;
mod fault;
mod found;
mod instances;
pub mod labels;
mod model;
mod nms;
mod recognize;
mod scan;
mod score;
mod segment;
mod settings;
mod ssd;
mod text_box;
mod text_map;
mod yolo;

pub use boxes::Boxes;
pub use classify::Classes;
pub use ctc::{Ctc, Steps, Table};
pub use detr::{Detr, Logits};
pub use end_to_end::EndToEnd;
pub use fault::{Fault, Unfit};
pub use instances::Prototypes;
pub use model::{Activation, Blank, Units};
pub use recognize::{Family, Recognition};
pub use score::Score;
pub use segment::{Map, Places, VOID};
pub use settings::{Settings, Task};
pub use ssd::{Edges, Scores, Ssd};
pub use text_map::TextMap;
pub use yolo::{Order, Yolo};

use crate::answer::{Answer, ClassMap, Text};
use crate::letterbox::{Letterbox, Size};
use crate::tensor::Tensor;
use found::Request;

/// Reads the outputs of one model, in memory that it keeps.
#[derive(Debug)]
pub struct Decoder {
    family: Family,
    labels: Option<usize>,
    answer: Answer,
    work: boxes::Work,
    map: segment::Work,
    classes: classify::Memory,
    alphabet: ctc::Alphabet,
}

impl Decoder {
    /// A decoder for what was recognized, with the names in the model's own metadata.
    pub fn new(recognition: &Recognition) -> Self {
        Decoder::labeled(recognition, &recognition.names)
    }

    /// A decoder for what was recognized, with these names of classes: text is spelled by them.
    pub fn labeled(recognition: &Recognition, names: &[String]) -> Self {
        let answer = match recognition.family {
            Family::Boxes(_) => Answer::Detections(Vec::new()),
            Family::Instances(..) => Answer::Instances(Vec::new()),
            Family::Map(_) => Answer::ClassMap(ClassMap::default()),
            Family::Classes(_) => Answer::Classes(Vec::new()),
            Family::Score(_) => Answer::Score(0.0),
            Family::Text(_) => Answer::Text(Text::default()),
        };
        Decoder {
            alphabet: match &recognition.family {
                Family::Text(ctc) => ctc.alphabet(names),
                _ => ctc::Alphabet::default(),
            },
            family: recognition.family.clone(),
            labels: recognition.labels,
            answer,
            work: boxes::Work::default(),
            map: segment::Work::default(),
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
        let work = &mut self.work;
        match (&self.family, &mut self.answer) {
            (Family::Boxes(boxes), Answer::Detections(detections)) => {
                boxes.find(outputs, &request, work)?;
                detections.clear();
                detections.extend(work.found.candidates.iter().filter_map(|it| it.detection(&place)));
            }
            (Family::Instances(boxes, prototypes), Answer::Instances(instances)) => {
                boxes.find(outputs, &request, work)?;
                boxes.outline(prototypes, outputs, &request, work, instances)?;
            }
            (Family::Map(map), Answer::ClassMap(answer)) => {
                let [scratch, ..] = &mut work.scratch;
                work.found.dropped += map.read(outputs, &place, &mut self.map, scratch, answer)?;
            }
            (Family::Classes(classes), Answer::Classes(best)) => {
                let [scratch, ..] = &mut work.scratch;
                work.found.dropped += classes.read(outputs, settings, &mut self.classes, scratch, best)?;
            }
            (Family::Score(score), answer) => {
                *answer = Answer::Score(score.read(outputs, &mut work.scratch[0])?);
            }
            (Family::Text(ctc), Answer::Text(text)) => {
                let [scratch, rows, ..] = &mut work.scratch;
                work.found.dropped += ctc.read(outputs, &self.alphabet, scratch, rows, text)?;
            }
            // The answer was made for the family.
            _ => {}
        }
        Ok(&self.answer)
    }

    /// Boxes and values left out since the decoder was made, because they were not finite, empty or wholly
    /// outside of the frame.
    pub fn dropped(&self) -> u64 {
        self.work.found.dropped
    }

    /// Forgets earlier answers, as after a gap in the stream: smoothing begins anew.
    pub fn reset(&mut self) {
        self.classes.reset();
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
