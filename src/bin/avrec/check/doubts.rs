// SPDX-License-Identifier: MPL-2.0

//! Answers that cannot be right, whatever the model is for.

use std::time::Duration;

use gstavrec::messages::Said;
use gstavrec::runtime::Task;

use super::answers;
use super::findings::Findings;
use super::material::Material;
use super::pass::{self, Request};

/// Frames that a comparison of outputs needs.
const FRAMES: u32 = 2;

/// What is wrong or suspicious about the answers, a sentence each.
pub fn of(request: &Request, findings: &Findings, patience: Duration) -> Vec<String> {
    let mut doubts = Vec::new();
    let best = answers::best(&findings.shown.answers);
    if best.is_some_and(|it| 1.0 + 1e-3 < certainty_of(&it.said)) {
        doubts.push(
            "a confidence is beyond 1: these numbers are no confidences (see task, and family)".to_string(),
        );
    }
    let found = findings.shown.answers.iter().map(|it| answers::count(&it.said));
    let finds = matches!(findings.loaded.task, Task::Detect | Task::Segment);
    if finds && found.sum::<usize>() == 0 {
        doubts.push(match findings.material.is_made_up() {
            true => "it found nothing, as may be on a test picture: give one with --on".to_string(),
            false => "it found nothing: is anything that it knows in the picture? else look at what was assumed of \
                      the input"
                .to_string(),
        });
    }
    if let Some(Said::Classes(classes)) = best.map(|it| &it.said) {
        let confidences = || classes.iter().map(|it| it.confidence);
        let spread = confidences().fold(0.0, f64::max) - confidences().fold(1.0, f64::min);
        if 1 < classes.len() && spread < 1e-4 {
            doubts.push("it believes in all classes alike: its weights may be made up".to_string());
        }
    }
    if is_constant(request, findings, patience) {
        doubts.push("its outputs are the same for other material: it does not look at the input".to_string());
    }
    doubts
}

fn certainty_of(said: &Said) -> f64 {
    match said {
        // A score is on the model's own scale.
        Said::Score(_) => 0.0,
        other => answers::certainty(other),
    }
}

/// Whether the outputs for the material and for a test picture or noise are equal to the bit.
fn is_constant(request: &Request, findings: &Findings, patience: Duration) -> bool {
    let other = match (&findings.material, findings.material.is_sound()) {
        (Material::TestPicture, _) => Material::Snow,
        (Material::Noise, _) => Material::Silence,
        (_, true) => Material::Noise,
        (_, false) => Material::TestPicture,
    };
    let raw = request.with(&[("task".to_string(), "tensor".to_string())]);
    let outputs = |material: &Material| {
        let pass = pass::run(&raw, material, FRAMES, patience).ok()?;
        let last = pass.tensors.into_iter().last()?;
        let data = last.tensors.into_iter().map(|it| it.data);
        Some(data.collect::<Vec<_>>())
    };
    match (outputs(&findings.material), outputs(&other)) {
        (Some(one), Some(other)) => !one.is_empty() && one == other,
        _ => false,
    }
}
