// SPDX-License-Identifier: MPL-2.0

//! The bus messages and statistics of avrec's elements as plain types; the only place that reads their fields.

use std::time::Duration;

use gst::structure::GetError;
use gst::{Structure, StructureRef};

use crate::measure::Quality;

/// A field of a message is missing or has another type.
#[derive(Debug)]
pub struct FieldError(String);

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<GetError<E>> for FieldError {
    fn from(error: GetError<E>) -> FieldError {
        FieldError(error.to_string())
    }
}

/// One element message of avrec.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    Switch(Swap),
    Frame(Frame),
    Score,
    Survey(Survey),
    CandidateReady {
        candidate: String,
    },
    CandidateFailed {
        candidate: String,
        cause: String,
        remedy: String,
    },
    Probe(Probe),
}

/// `avrec/switch`: the active candidate changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Swap {
    /// Empty at the start.
    pub from: String,
    pub to: String,
    pub reason: String,
    pub reason_text: String,
    pub frame: u64,
}

/// `avrec/frame`: a frame left the switch.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub number: u64,
    /// Monotonic time at which it left.
    pub time: Duration,
    pub latency: Duration,
    pub budget: Duration,
    /// Who answered.
    pub candidate: String,
    pub active: String,
    pub answer: Answer,
    /// The active candidate's answer was not there in time; the floor may have stood in on time.
    pub missed: bool,
}

/// How an answer came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    Active,
    /// The floor stood in, because nobody else would have been on time.
    Floor,
    /// The frame itself.
    Passthrough,
    /// Nothing.
    Dropped,
}

/// `avrec/survey`: what every candidate made of one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// Running time of the frame.
    pub time: Option<Duration>,
    pub budget: Duration,
    /// Whose answers the others' are compared with.
    pub reference: String,
    pub candidates: Vec<Surveyed>,
}

/// What one candidate made of a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Surveyed {
    pub name: String,
    pub prior: Option<f64>,
    /// `None` when no answer came.
    pub latency: Option<Duration>,
    /// With the reference's answer, 0..1; `None` for the reference, and where nothing could be compared.
    pub agreement: Option<f64>,
}

/// `avrec/probe`: what a probe measured since its last message.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    pub frames: u64,
    pub misses: u64,
    pub fps: f64,
    pub latency_p50: Option<Duration>,
    pub latency_p99: Option<Duration>,
    pub budget: Option<Duration>,
    /// Against the probe's reference.
    pub quality: Option<Quality>,
}

impl TryFrom<&StructureRef> for Message {
    type Error = FieldError;

    /// Fails on a field that is missing or of another type, and on a name that is not avrec's.
    fn try_from(message: &StructureRef) -> Result<Message, FieldError> {
        match message.name().as_str() {
            "avrec/switch" => Ok(Message::Switch(Swap {
                from: message.get("from")?,
                to: message.get("to")?,
                reason: message.get("reason")?,
                reason_text: message.get("reason-text")?,
                frame: message.get("frame")?,
            })),
            "avrec/frame" => frame(message).map(Message::Frame),
            "avrec/score" => Ok(Message::Score),
            "avrec/survey" => survey(message).map(Message::Survey),
            "avrec/probe" => probe(message).map(Message::Probe),
            "avrec/candidate-ready" => Ok(Message::CandidateReady {
                candidate: message.get("candidate")?,
            }),
            "avrec/candidate-failed" => Ok(Message::CandidateFailed {
                candidate: message.get("candidate")?,
                cause: message.get("cause")?,
                remedy: message.get("remedy")?,
            }),
            other => Err(FieldError(format!("unknown message {other}"))),
        }
    }
}

fn frame(message: &StructureRef) -> Result<Frame, FieldError> {
    let answer = match message.get::<String>("answer")?.as_str() {
        "floor" => Answer::Floor,
        "passthrough" => Answer::Passthrough,
        "dropped" => Answer::Dropped,
        _ => Answer::Active,
    };
    Ok(Frame {
        number: message.get("frame")?,
        time: Duration::from_nanos(message.get("time-ns")?),
        latency: Duration::from_nanos(message.get("latency-ns")?),
        budget: Duration::from_nanos(message.get("budget-ns")?),
        candidate: message.get("candidate")?,
        active: message.get("active")?,
        answer,
        missed: message.get("late")?,
    })
}

fn survey(message: &StructureRef) -> Result<Survey, FieldError> {
    let candidates = message.get::<gst::Array>("candidates")?;
    let candidates = candidates
        .iter()
        .filter_map(|value| value.get::<Structure>().ok());
    Ok(Survey {
        time: duration(message, "running-time"),
        budget: Duration::from_nanos(message.get("budget-ns")?),
        reference: message.get("reference")?,
        candidates: candidates
            .map(|it| surveyed(&it))
            .collect::<Result<_, FieldError>>()?,
    })
}

fn surveyed(candidate: &StructureRef) -> Result<Surveyed, FieldError> {
    Ok(Surveyed {
        name: candidate.get("name")?,
        prior: candidate.get("prior").ok(),
        latency: duration(candidate, "latency-ns"),
        agreement: candidate.get("agreement").ok(),
    })
}

fn probe(message: &StructureRef) -> Result<Probe, FieldError> {
    Ok(Probe {
        frames: message.get("frames")?,
        misses: message.get("misses")?,
        fps: message.get("fps")?,
        latency_p50: duration(message, "latency-p50-ns"),
        latency_p99: duration(message, "latency-p99-ns"),
        budget: duration(message, "budget-ns").filter(|budget| !budget.is_zero()),
        quality: Quality::of(message),
    })
}

/// The `stats` of an avrec-switch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SwitchStats {
    pub active: String,
    pub slowdown: Option<f64>,
    pub candidates: Vec<CandidateStats>,
}

/// What the switch knows of one candidate; unknown is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateStats {
    pub name: String,
    pub state: String,
    pub runs: u64,
    pub answers: u64,
    pub misses: u64,
    pub latency_p50: Option<Duration>,
    pub latency_p99: Option<Duration>,
    pub quality: Option<f64>,
    pub scores: u64,
}

impl From<&StructureRef> for SwitchStats {
    /// What is missing stays unknown, so an older or newer switch can still be watched.
    fn from(stats: &StructureRef) -> SwitchStats {
        let candidates = stats
            .get::<gst::Array>("candidates")
            .map(|array| {
                array
                    .iter()
                    .filter_map(|value| value.get::<Structure>().ok())
                    .map(|it| candidate(&it))
                    .collect()
            })
            .unwrap_or_default();
        SwitchStats {
            active: stats.get("active-candidate").unwrap_or_default(),
            slowdown: stats.get("slowdown").ok(),
            candidates,
        }
    }
}

fn candidate(stats: &StructureRef) -> CandidateStats {
    CandidateStats {
        name: stats.get("name").unwrap_or_default(),
        state: stats.get("state").unwrap_or_default(),
        runs: stats.get("runs").unwrap_or_default(),
        answers: stats.get("answers").unwrap_or_default(),
        misses: stats.get("misses").unwrap_or_default(),
        latency_p50: duration(stats, "latency-p50-ns"),
        latency_p99: duration(stats, "latency-p99-ns"),
        quality: stats.get("quality").ok(),
        scores: stats.get("scores").unwrap_or_default(),
    }
}

/// `None` when the field is absent or the "no time" value.
fn duration(structure: &StructureRef, field: &str) -> Option<Duration> {
    structure
        .get::<u64>(field)
        .ok()
        .filter(|&ns| ns != u64::MAX)
        .map(Duration::from_nanos)
}
