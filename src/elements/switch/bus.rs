// SPDX-License-Identifier: MPL-2.0

//! What the switch tells: messages, warnings and errors on the bus, and its signal. Knows the element, by a weak reference,
//! and nothing else of the switch.

use std::time::Duration;

use gst::glib;
use gst::prelude::*;

use super::{AvrecSwitch, CAT};
use crate::messages::{CandidateFailed, CandidateReady, Swap};

/// Quality as QOS messages count it, in parts of a million; ours is in `stats`, frame by frame.
const QOS_FULL_QUALITY: i32 = 1_000_000;

/// A frame whose candidate did not answer in time.
#[derive(Debug)]
pub struct Miss<'a> {
    pub frame: &'a gst::BufferRef,
    /// Of the stream that the frame is part of.
    pub segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    /// Whether a deadline is kept.
    pub is_live: bool,
    pub latency: Duration,
    pub budget: Duration,
    /// Frames that left so far, and that did not.
    pub processed: u64,
    pub dropped: u64,
}

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

    fn send(&self, message: impl FnOnce(&AvrecSwitch) -> gst::Message) {
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

    /// Tells the application that quality was given up to keep the deadline.
    pub fn missed(&self, miss: &Miss) {
        let place = miss.segment.as_ref().zip(miss.frame.pts());
        let jitter = miss.latency.as_nanos() as i64 - miss.budget.as_nanos() as i64;
        let proportion = miss.latency.as_secs_f64() / miss.budget.as_secs_f64();
        self.send(|switch| {
            gst::message::Qos::builder(miss.is_live)
                .running_time_if_some(place.and_then(|(segment, pts)| segment.to_running_time(pts)))
                .stream_time_if_some(place.and_then(|(segment, pts)| segment.to_stream_time(pts)))
                .timestamp_if_some(miss.frame.pts())
                .duration_if_some(miss.frame.duration())
                .values(jitter, proportion, QOS_FULL_QUALITY)
                .stats(
                    gst::format::Buffers::from_u64(miss.processed),
                    gst::format::Buffers::from_u64(miss.dropped),
                )
                .src(switch)
                .build()
        });
    }
}
