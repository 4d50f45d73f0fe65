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
//! Keys of the metadata settle what shapes cannot tell: `family` (a decoder's name), `activation` (softmax, sigmoid,
//! none), `boxes` (pixels, fractions, cells), `priors` (grids of RetinaFace and SSD), `blank` (first, last), `character`, as
//! PaddleOCR's exporters write it, and `task`, `names`, `stride`, `end2end`, `kpt_shape`, as Ultralytics' exporter writes
//! them.

mod boxes;
mod center_face;
mod classify;
mod ctc;
mod detr;
mod doubt;
mod end_to_end;
mod evidence;
mod extra;
mod fault;
mod found;
mod instances;
pub mod labels;
mod landmarks;
mod levels;
mod matte;
mod model;
mod nanodet;
mod nms;
mod priors;
mod recognize;
mod scan;
mod score;
mod segment;
mod settings;
mod ssd;
mod taken;
mod text_box;
mod text_map;
mod usual_input;
mod values;
mod yolo;

pub use boxes::Boxes;
pub use center_face::CenterFace;
pub use classify::Classes;
pub use ctc::{Ctc, Steps, Table};
pub use detr::{Detr, Logits};
pub use end_to_end::{Columns, EndToEnd};
pub use evidence::Evidence;
pub use extra::Extra;
pub use fault::{Fault, Unfit};
pub use instances::Prototypes;
pub use landmarks::Landmarks;
pub use levels::{Head, Levels};
pub use matte::Matte;
pub use model::{Activation, Blank, Units};
pub use nanodet::NanoDet;
pub use priors::{Grid, PriorSource, Priors};
pub use recognize::{Family, Recognition};
pub use score::Score;
pub use segment::{Map, Places, VOID};
pub use settings::{Settings, Task};
pub use ssd::{Edges, Scores, Ssd};
pub use taken::{Source, Taken};
pub use text_map::TextMap;
pub use usual_input::UsualInput;
pub use values::Values;
pub use yolo::{Order, Yolo};

use crate::answer::{Answer, ClassMap, Mask, Text};
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
            Family::Matte(_) => Answer::Matte(Mask::default()),
            Family::Classes(_) => Answer::Classes(Vec::new()),
            Family::Score(_) => Answer::Score(0.0),
            Family::Text(_) => Answer::Text(Text::default()),
        };
        let mut work = boxes::Work::default();
        if let Family::Boxes(boxes) | Family::Instances(boxes, _) = &recognition.family {
            boxes.prepare(&mut work);
        }
        Decoder {
            alphabet: match &recognition.family {
                Family::Text(ctc) => ctc.alphabet(names),
                _ => ctc::Alphabet::default(),
            },
            family: recognition.family.clone(),
            labels: recognition.labels,
            answer,
            work,
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
                boxes.tell(outputs, &place, work, detections)?;
            }
            (Family::Instances(boxes, prototypes), Answer::Instances(instances)) => {
                boxes.find(outputs, &request, work)?;
                boxes.outline(prototypes, outputs, &request, work, instances)?;
            }
            (Family::Map(map), Answer::ClassMap(answer)) => {
                let [scratch, ..] = &mut work.scratch;
                work.found.dropped += map.read(outputs, &request, &mut self.map, scratch, answer)?;
            }
            (Family::Matte(matte), Answer::Matte(answer)) => {
                let [scratch, ..] = &mut work.scratch;
                let broken = matte.read(outputs, &place, scratch, answer)?;
                work.found.lose(broken);
            }
            (Family::Classes(classes), Answer::Classes(best)) => {
                let [scratch, ..] = &mut work.scratch;
                let broken = classes.read(outputs, settings, &mut self.classes, scratch, best)?;
                work.found.lose(broken);
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

    /// What an answer said against the family for the first time since this was asked, a clause; `None` from then on.
    pub fn doubt(&mut self) -> Option<String> {
        self.work.found.doubt()
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
