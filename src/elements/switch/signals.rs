// SPDX-License-Identifier: MPL-2.0

//! The signals of the switch, and what they do when they are called.

use gst::glib;
use gst::glib::subclass::Signal;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::AvrecSwitch;
use super::fact::Fact;
use super::messages;
use super::shared::Shared;
use crate::elements::json;

/// Ratings that wait for the next frame at most; nobody rates more of what one frame shows.
pub const MOST_RATINGS: usize = 256;

/// What is wrong with a call, and how to call instead.
type Refusal = (String, String);

pub fn all() -> Vec<Signal> {
    vec![
        // From, to, and why as a sentence; emitted on the streaming thread, so handlers must be short.
        Signal::builder("candidate-changed")
            .param_types([String::static_type(); 3])
            .build(),
        // Callable from any thread at any time; waits for no inference.
        Signal::builder("explain")
            .action()
            .return_type::<gst::Structure>()
            .class_handler(|values| {
                let switch = values.first()?.get::<AvrecSwitch>().ok()?;
                let explanation = messages::explanation(&switch.imp().core);
                Some(gst::Structure::from(explanation).to_value())
            })
            .build(),
        // Candidate (none = the active one) and what its answers are worth, 0 to 1.
        Signal::builder("feedback")
            .action()
            .param_types([String::static_type(), f64::static_type()])
            .return_type::<bool>()
            .class_handler(|values| Some(take_feedback(values)?.to_value()))
            .build(),
        json::to_json_signal(),
    ]
}

/// Whether the score was taken; if not, a warning says why.
fn take_feedback(values: &[glib::Value]) -> Option<bool> {
    let [switch, candidate, score] = values else {
        return None;
    };
    let switch = switch.get::<AvrecSwitch>().ok()?;
    let candidate = candidate.get::<Option<String>>().ok()?;
    let core = &switch.imp().core;
    let taken = feedback(core, candidate.filter(|it| !it.is_empty()), score.get().ok()?);
    if let Err((cause, remedy)) = &taken {
        core.bus.warn(&format!("feedback is not taken: {cause}"), remedy);
    }
    Some(taken.is_ok())
}

/// Takes in what an operator says the answers of a candidate are worth, 0..1; without a name, those of the active
/// one. The policy is told with the next frame.
fn feedback(core: &Shared, candidate: Option<String>, score: f64) -> Result<(), Refusal> {
    if !(0.0..=1.0).contains(&score) {
        return Err((
            format!("{score} is no score"),
            "give a number from 0 (useless) to 1 (perfect)".to_string(),
        ));
    }
    let list = core.lanes.list();
    let lane = match &candidate {
        Some(name) => list
            .id(name)
            .ok_or_else(|| format!("there is no candidate {name}")),
        None => core
            .published
            .active()
            .ok_or_else(|| "nobody answers yet".to_string()),
    };
    let lane = lane.map_err(|cause| (cause, format!("the candidates are: {}", list.names())))?;
    let is_taken = core.facts.put_within(Fact::Rated { lane, score }, MOST_RATINGS);
    is_taken.then_some(()).ok_or_else(|| {
        (
            "no frame has come for so long that no more of it is kept".to_string(),
            "rate while frames come: feedback counts from the next one on".to_string(),
        )
    })
}
