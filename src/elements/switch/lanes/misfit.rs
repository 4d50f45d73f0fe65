// SPDX-License-Identifier: MPL-2.0

//! Why a candidate does not fit what comes in or what must go out, and what to put where.

use crate::elements::switch::caps_difference::{converters, difference};

/// Why a child cannot be a candidate, and what to change.
#[derive(Debug)]
pub struct Misfit {
    pub cause: String,
    pub remedy: String,
}

/// It does not take what comes.
pub fn takes_not(given: &gst::CapsRef, taken: &gst::CapsRef) -> Misfit {
    Misfit {
        cause: format!("it does not fit what comes in: {}", difference(given, taken)),
        remedy: match converters(given, taken) {
            Some(converters) => {
                format!("put {converters} before the switch, or into the candidate, before the element")
            }
            None => "put before the switch what gives it such caps".into(),
        },
    }
}

/// It does not give what the switch holds to.
pub fn gives_not(given: &gst::CapsRef, held: &gst::CapsRef) -> Misfit {
    let parts = difference(given, held);
    Misfit {
        cause: format!("its answers are not what the switch holds to by `output-caps`: {parts}"),
        remedy: behind(given, held),
    }
}

/// Its buffers do not hold what its caps say.
pub fn contradicts_itself(contradiction: &str) -> Misfit {
    Misfit {
        cause: format!("its buffers contradict its caps: it gives {contradiction}"),
        remedy: "see the element, which has to send the caps of what it gives; a capsfilter behind it changes no picture".into(),
    }
}

/// What is behind the switch does not take what it gives.
pub fn is_refused(given: &gst::CapsRef, taken: &gst::CapsRef) -> Misfit {
    let parts = difference(given, taken);
    Misfit {
        cause: format!("what is behind the switch does not take its answers: {parts}"),
        remedy: behind(given, taken),
    }
}

fn behind(given: &gst::CapsRef, wanted: &gst::CapsRef) -> String {
    let converters = converters(given, wanted);
    // Of two that are usual, the other one often parts as well, once the first is there.
    let converters = match converters.as_deref() {
        Some("videoconvert" | "videoscale") => "videoconvert ! videoscale".to_string(),
        Some(converters) => converters.to_string(),
        None => return "put behind it, inside the candidate, what gives such caps".into(),
    };
    format!("put {converters} behind it, inside the candidate")
}
