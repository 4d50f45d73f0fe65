// SPDX-License-Identifier: MPL-2.0

//! What one stream of a run tells.

use std::time::Duration;

use gst::prelude::*;
use gstavrec::messages::{FieldError, Message, ProbeStats, Survey, SwitchStats};

use crate::branch::Branch;
use crate::measure::Quality;
use crate::record::{Readiness, Record};

/// Takes down one stream.
pub struct Stream {
    pub branch: Branch,
    pub record: Record,
    readiness: Readiness,
}

impl Stream {
    /// One of `streams` of the run `name`.
    pub fn new(branch: Branch, name: &str, streams: usize) -> Stream {
        let mut record = Record::one_of(name, streams);
        // A name tells streams apart, where there is something to tell apart.
        record.stream = branch.name().filter(|_| 1 < streams).map(String::from);
        record.probe = branch.probe.as_ref().map(|it| it.name().to_string());
        Stream {
            branch,
            record,
            readiness: Readiness::default(),
        }
    }

    /// Takes what its switch or its probe told `at` this time of a run that began at `started`, by the monotonic clock;
    /// what belongs into a matrix is returned.
    pub fn keep(
        &mut self,
        told: Message,
        source: Option<&gst::Object>,
        (started, at): (Duration, Duration),
    ) -> Option<Survey> {
        let from_switch = self.branch.is_switch(source);
        match told {
            Message::CandidateReady(it) if from_switch => self.readiness.ready(it.candidate, started + at),
            Message::Swap(swap) if from_switch => {
                self.readiness.somebody_is_active();
                self.record.add_swap(at, *swap);
            }
            Message::Frame(frame) if from_switch => {
                let at = frame.time.saturating_sub(started);
                let was_ready = self.readiness.was_there(&frame);
                self.record.add_frame(at, frame, was_ready);
            }
            Message::Survey(survey) if from_switch => return Some(survey),
            Message::Probe(probe) if self.branch.is_probe(source) => self.record.add_probe(at, *probe),
            _ => {}
        }
        None
    }

    /// What its switch says of itself; `None` where it has none.
    pub fn stats(&self) -> Option<Result<SwitchStats, FieldError>> {
        stats_of(self.branch.switch.as_ref())
    }

    /// The run is over.
    pub fn finish(&mut self) -> Result<(), FieldError> {
        self.record.stats = self.stats().transpose()?;
        let measured: Option<ProbeStats> = stats_of(self.branch.probe.as_ref()).transpose()?;
        self.record.quality = measured.and_then(|it| Quality::of(&it.fidelity?));
        Ok(())
    }
}

fn stats_of<T>(element: Option<&gst::Element>) -> Option<Result<T, FieldError>>
where
    T: for<'s> TryFrom<&'s gst::StructureRef, Error = FieldError>,
{
    Some(T::try_from(stats_structure(element?)?.as_ref()))
}

/// What an element says of itself, as it says it.
pub fn stats_structure(element: &gst::Element) -> Option<gst::Structure> {
    element.find_property("stats")?;
    element.property_value("stats").get::<gst::Structure>().ok()
}
