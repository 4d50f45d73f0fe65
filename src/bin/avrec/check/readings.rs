// SPDX-License-Identifier: MPL-2.0

//! Other ways to feed a model whose input nobody described: which of them it is most certain with.

use std::time::Duration;

use gstavrec::messages::sentence;
use gstavrec::runtime::Task;

use super::answers;
use super::findings::Findings;
use super::pass::{self, Request};
use crate::console::left_aligned;

/// Properties and their values.
type Lines = Vec<(String, String)>;

/// What a model makes of the material when it is fed in one way.
#[derive(Clone)]
struct Reading {
    lines: Lines,
    certainty: f64,
    count: usize,
    told: String,
}

/// All ways that were tried, the one that was assumed first.
pub struct Readings {
    tried: Vec<Reading>,
    is_made_up: bool,
}

/// By how much more certain another way must be to be proposed.
const MARGIN: f64 = 0.15;

/// Certainties that are not told apart: a distribution is soon saturated.
const TIE: f64 = 0.03;

/// Frames that each way is tried on.
const FRAMES: u32 = 3;

/// Values of black and white, in the spellings of their properties, beside the 0 to 1 that is assumed.
const RANGES: [&[(&str, &str)]; 3] = [
    &[("input-range", "0,255")],
    &[("input-range", "-1,1")],
    // Mean and deviation of ImageNet's pictures, as torchvision's models are trained with.
    &[
        ("input-mean", "0.485,0.456,0.406"),
        ("input-std", "0.229,0.224,0.225"),
    ],
];

/// What Caffe's models get: the mean of ImageNet taken from blue, green and red, and no division.
const CAFFE: [(&str, &str); 2] = [("channel-order", "bgr"), ("input-mean", "104,117,123")];

/// Tries what was only assumed of the input the other ways too.
pub fn compare(request: &Request, findings: &Findings, patience: Duration) -> Readings {
    let is_made_up = findings.material.is_made_up();
    let is_assumed = |key: &str| {
        let mut statements = findings.loaded.statements.iter();
        statements.any(|it| it.key == key && it.origin.contains("assumed"))
    };
    // The confidence of these says whether the model is at home.
    let is_telling = matches!(findings.loaded.task, Task::Detect | Task::Classify);
    if !is_telling || findings.material.is_sound() {
        return Readings {
            tried: Vec::new(),
            is_made_up,
        };
    }
    let mut ranges = vec![Vec::new()];
    if is_assumed("input-range") {
        ranges.extend(RANGES.iter().map(|lines| owned(lines)));
    }
    let mut orders = vec![Vec::new()];
    if is_assumed("channel-order") {
        orders.push(owned(&[("channel-order", "bgr")]));
    }
    let is_free = 1 < ranges.len() && 1 < orders.len();
    let ways = ranges.iter().flat_map(|range| {
        let with = |order: &Lines| range.iter().chain(order).cloned().collect::<Lines>();
        orders.iter().map(with).collect::<Vec<_>>()
    });
    let ways = ways.chain(is_free.then(|| owned(&CAFFE)));
    let tried = ways.filter_map(|lines| try_one(request, findings, lines, patience));
    Readings {
        tried: tried.collect(),
        is_made_up,
    }
}

fn owned(lines: &[(&str, &str)]) -> Lines {
    let own = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
    lines.iter().map(own).collect()
}

/// `None` where the model fails when it is fed like this.
fn try_one(request: &Request, findings: &Findings, lines: Lines, patience: Duration) -> Option<Reading> {
    let pass = pass::run(&request.with(&lines), &findings.material, FRAMES, patience).ok()?;
    let best = answers::best(&pass.answers)?;
    Some(Reading {
        lines,
        certainty: answers::certainty(&best.said),
        count: answers::count(&best.said),
        told: sentence::told(&best.said),
    })
}

impl Readings {
    /// The ways that the model is clearly more certain with than with the one that was assumed, the most certain first.
    fn better(&self) -> Vec<&Reading> {
        let Some(assumed) = self.tried.first().filter(|_| !self.is_made_up) else {
            return Vec::new();
        };
        let mut better: Vec<&Reading> = self.tried.iter().collect();
        better.retain(|it| assumed.certainty + MARGIN <= it.certainty);
        better.sort_by(|one, other| {
            let by_certainty = other.certainty.total_cmp(&one.certainty);
            by_certainty.then(other.count.cmp(&one.count))
        });
        if let Some(most) = better.first().map(|it| it.certainty) {
            better.retain(|it| most - TIE <= it.certainty);
        }
        better
    }

    /// The way to feed it, where one is clearly better than the assumed one and all others.
    pub fn proposal(&self) -> Option<&Lines> {
        match self.better()[..] {
            [only] => Some(&only.lines),
            _ => None,
        }
    }

    /// The ways that are clearly better than the assumed one, and none of which is clearly the best.
    pub fn candidates(&self) -> Vec<String> {
        match self.better()[..] {
            [_] => Vec::new(),
            ref several => several.iter().map(|it| spell(&it.lines)).collect(),
        }
    }

    /// What it makes of each way, if there is more than one.
    pub fn table(&self) -> Option<String> {
        if self.tried.len() < 2 {
            return None;
        }
        let mut rows = vec![["fed with", "best", "answer"].map(String::from)];
        rows.extend(self.tried.iter().map(|it| {
            let lines = spell(&it.lines);
            let told: String = it.told.chars().take(70).collect();
            [
                if lines.is_empty() {
                    "what was assumed".to_string()
                } else {
                    lines
                },
                format!("{:.3}", it.certainty),
                told,
            ]
        }));
        Some(format!("\n{}", left_aligned(&rows)))
    }

    /// Says that another way is the better guess, or which ways are.
    pub fn doubt(&self) -> Option<String> {
        if let Some(lines) = self.proposal() {
            return Some(format!(
                "the model is more certain when it is fed otherwise; set {} if its answer is right then (certainty alone \
                 is no proof)",
                spell(lines)
            ));
        }
        let candidates = self.candidates();
        (!candidates.is_empty()).then(|| {
            format!(
                "the model is more certain when it is fed otherwise, and alike in several ways; try a picture whose \
                 answer you know with: {}",
                candidates.join("; ")
            )
        })
    }
}

fn spell(lines: &Lines) -> String {
    let spelled = lines.iter().map(|(name, value)| format!("{name}={value}"));
    spelled.collect::<Vec<_>>().join(" ")
}
