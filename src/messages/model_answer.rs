// SPDX-License-Identifier: MPL-2.0

//! What a model says about a frame or a stretch of sound.

use gst::structure::Builder;
use gst::{ClockTime, StructureRef};

use super::doc::{FieldDoc, StructureDoc};
use super::field::{Field, FieldError};
use super::infer::{Class, Object, Share};

/// What a model says about a frame or a stretch of sound: `avrec/detections`, `avrec/classes`, `avrec/segments`,
/// `avrec/matte`, `avrec/score` or `avrec/text`.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelAnswer {
    pub place: Place,
    pub pts: Option<ClockTime>,
    pub running_time: Option<ClockTime>,
    pub said: Said,
}

/// What an answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A frame of this size in pixels.
    Frame { width: u32, height: u32 },
    /// A stretch of sound.
    Span { duration: ClockTime },
}

/// The answer, in the terms of the task.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    Detections(Vec<Object>),
    Classes(Vec<Class>),
    /// The objects of a segmentation.
    Instances(Vec<Object>),
    /// The classes of a segmentation.
    Shares(Vec<Share>),
    /// How much of the frame is foreground, 0 to 1.
    Matte(f64),
    Score(f64),
    /// What was read, and the mean confidence in its characters, 0 to 1.
    Text {
        text: String,
        confidence: f64,
    },
}

impl Said {
    /// Name of the structure.
    pub const fn name(&self) -> &'static str {
        match self {
            Said::Detections(_) => "avrec/detections",
            Said::Classes(_) => "avrec/classes",
            Said::Instances(_) | Said::Shares(_) => "avrec/segments",
            Said::Matte(_) => "avrec/matte",
            Said::Score(_) => "avrec/score",
            Said::Text { .. } => "avrec/text",
        }
    }
}

impl ModelAnswer {
    /// What there is to be told, by the name of the structure.
    pub fn structure_docs() -> Vec<StructureDoc> {
        let either = "Absent where the other is there.";
        let objects = "The objects, each with a mask, which is not told.";
        let shares = "How much of the frame each class covers.";
        let mut segments = Vec::<Object>::documented("objects", &format!("{objects} {either}"));
        segments.extend(Vec::<Share>::documented("classes", &format!("{shares} {either}")));
        let segments = segments.into_iter().map(FieldDoc::optional).collect();
        let mut text = String::documented("text", "What was read; empty where nothing was.");
        let mean = "Mean confidence in its characters, 0 to 1.";
        text.extend(f64::documented("confidence", mean));
        let coverage = "How much of the frame is foreground, 0 to 1.";
        vec![
            answer("avrec/detections", "The objects that a detector found.", {
                Vec::<Object>::documented("objects", "The most confident first.")
            }),
            answer(
                "avrec/classes",
                "What a classifier takes a frame or a stretch of sound for.",
                Vec::<Class>::documented("classes", "The most confident first."),
            ),
            answer(
                "avrec/segments",
                "What a segmentation found: objects, or a map of classes.",
                segments,
            ),
            answer(
                "avrec/matte",
                "How much a matte covers.",
                f64::documented("coverage", coverage),
            ),
            answer(
                "avrec/score",
                "The number that a model gives a frame or a stretch of sound.",
                f64::documented("score", "The number, in the model's own unit."),
            ),
            answer("avrec/text", "What was read on a frame.", text),
        ]
    }
}

/// What stands in the message of a kind of answer.
fn answer(name: &'static str, doc: &str, said: Vec<FieldDoc>) -> StructureDoc {
    let mut fields = Place::documented("", "");
    let pts = "PTS of the frame, or of the stretch of sound. Absent where it has none.";
    fields.extend(Option::<ClockTime>::documented("pts", pts));
    let running_time = "Running time of the same. Absent where it has no PTS.";
    fields.extend(Option::<ClockTime>::documented("running-time", running_time));
    fields.extend(said);
    StructureDoc::new(name, &format!("{doc} Only while `post-messages` is set."), fields)
}

impl From<ModelAnswer> for gst::Structure {
    fn from(answer: ModelAnswer) -> gst::Structure {
        let builder = answer
            .place
            .write("", gst::Structure::builder(answer.said.name()));
        let builder = answer.pts.write("pts", builder);
        let builder = answer.running_time.write("running-time", builder);
        match answer.said {
            Said::Detections(objects) | Said::Instances(objects) => objects.write("objects", builder),
            Said::Classes(classes) => classes.write("classes", builder),
            Said::Shares(classes) => classes.write("classes", builder),
            Said::Matte(coverage) => coverage.write("coverage", builder),
            Said::Score(score) => score.write("score", builder),
            Said::Text { text, confidence } => confidence.write("confidence", text.write("text", builder)),
        }
        .build()
    }
}

impl TryFrom<&StructureRef> for ModelAnswer {
    type Error = FieldError;

    fn try_from(structure: &StructureRef) -> Result<ModelAnswer, FieldError> {
        let said = match structure.name().as_str() {
            "avrec/detections" => Said::Detections(Field::read("objects", structure)?),
            "avrec/classes" => Said::Classes(Field::read("classes", structure)?),
            "avrec/segments" if structure.has_field("objects") => {
                Said::Instances(Field::read("objects", structure)?)
            }
            "avrec/segments" => Said::Shares(Field::read("classes", structure)?),
            "avrec/matte" => Said::Matte(Field::read("coverage", structure)?),
            "avrec/score" => Said::Score(Field::read("score", structure)?),
            "avrec/text" => Said::Text {
                text: Field::read("text", structure)?,
                confidence: Field::read("confidence", structure)?,
            },
            other => return Err(FieldError::Name(other.to_string())),
        };
        Ok(ModelAnswer {
            place: Field::read("", structure)?,
            pts: Field::read("pts", structure)?,
            running_time: Field::read("running-time", structure)?,
            said,
        })
    }
}

impl Field for Place {
    fn write(self, _: &str, builder: Builder) -> Builder {
        match self {
            Place::Frame { width, height } => height.write("height", width.write("width", builder)),
            Place::Span { duration } => duration.write("duration", builder),
        }
    }

    fn read(_: &str, structure: &StructureRef) -> Result<Self, FieldError> {
        if structure.has_field("duration") {
            return Field::read("duration", structure).map(|duration| Place::Span { duration });
        }
        Ok(Place::Frame {
            width: Field::read("width", structure)?,
            height: Field::read("height", structure)?,
        })
    }

    fn documented(_: &str, _: &str) -> Vec<FieldDoc> {
        let size = [
            ("width", "Width of the frame, in pixels. Absent for sound."),
            ("height", "Height of the frame, in pixels. Absent for sound."),
        ];
        let size = size.map(|(name, doc)| FieldDoc::new::<u32>(name, doc));
        let span = "Length of the stretch of sound that is new in the answer. Absent for frames.";
        let fields = size.into_iter().chain(ClockTime::documented("duration", span));
        fields.map(FieldDoc::optional).collect()
    }
}
