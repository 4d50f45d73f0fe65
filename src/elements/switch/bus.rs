// SPDX-License-Identifier: MPL-2.0

//! What the switch tells: messages, warnings and errors on the bus, and its signal. Knows the element, by a weak reference,
//! and nothing else of the switch.

use gst::glib;
use gst::prelude::*;

use super::{AvrecSwitch, CAT};
use crate::messages::{CandidateFailed, CandidateReady, Swap};

#[derive(Debug, Default)]
pub struct Bus {
    switch: glib::WeakRef<AvrecSwitch>,
}

impl Bus {
    /// Says whose messages they are.
    pub fn attach(&self, switch: &AvrecSwitch) {
        self.switch.set(Some(switch));
    }

    /// The element, unless it is gone.
    pub fn element(&self) -> Option<AvrecSwitch> {
        self.switch.upgrade()
    }

    pub fn send(&self, message: impl FnOnce(&AvrecSwitch) -> gst::Message) {
        if let Some(switch) = self.element() {
            // Fails only without a bus, that is outside of a pipeline.
            let _ = switch.post_message(message(&switch));
        }
    }

    pub fn post(&self, message: impl Into<gst::Structure>) {
        self.send(|switch| gst::message::Element::builder(message.into()).src(switch).build());
    }

    /// Asks the pipeline to compute its latency anew.
    pub fn latency_changed(&self) {
        self.send(|switch| gst::message::Latency::builder().src(switch).build());
    }

    /// Says what the user may want to know.
    pub fn inform(&self, text: &str, details: &str) {
        if let Some(switch) = self.element() {
            // Of an INFO message, gst-launch-1.0 prints the details alone.
            gst::element_info!(
                switch,
                gst::LibraryError::Settings,
                ("{text}"),
                ["{text}; {details}"]
            );
        }
    }

    /// Says that something the user asked for is not as it should be.
    pub fn warn(&self, text: &str, remedy: &str) {
        if let Some(switch) = self.element() {
            gst::element_warning!(switch, gst::LibraryError::Settings, ("{text}"), ["{remedy}"]);
        }
    }

    /// Says why the stream cannot go on.
    pub fn fail(&self, error: gst::StreamError, text: &str, remedy: &str) -> gst::FlowError {
        if let Some(switch) = self.element() {
            gst::element_error!(switch, error, ("{text}"), ["{remedy}"]);
        }
        gst::FlowError::Error
    }

    /// Tells of a candidate that is loaded and warm.
    pub fn candidate_ready(&self, candidate: &str) {
        self.post(CandidateReady {
            candidate: candidate.to_string(),
        });
    }

    /// Tells of a candidate that cannot answer.
    pub fn candidate_failed(&self, candidate: &str, cause: &str, remedy: &str) {
        let Some(switch) = self.element() else { return };
        gst::warning!(
            CAT,
            obj = switch,
            "Candidate {candidate} failed: {cause}; {remedy}"
        );
        gst::element_warning!(
            switch,
            gst::CoreError::Failed,
            ("candidate {candidate} cannot answer: {cause}"),
            ["{remedy}; the other candidates go on"]
        );
        self.post_candidate_failed(candidate, cause, remedy);
    }

    /// Tells those alone who listen for it of a candidate that cannot answer: the user was warned, or is told otherwise.
    pub fn post_candidate_failed(&self, candidate: &str, cause: &str, remedy: &str) {
        self.post(CandidateFailed {
            candidate: candidate.to_string(),
            cause: cause.to_string(),
            remedy: remedy.to_string(),
        });
    }

    /// Tells that another candidate answers from now on.
    pub fn switched(&self, swap: Swap) {
        let Some(switch) = self.element() else { return };
        let (from, to, why) = (swap.from.clone(), swap.to.clone(), swap.reason_text.clone());
        gst::info!(CAT, obj = switch, "Switching from {from} to {to}: {why}");
        self.post(swap);
        switch.emit_by_name::<()>("candidate-changed", &[&from, &to, &why]);
        switch.notify("active-candidate");
    }
}
