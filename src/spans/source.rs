// SPDX-License-Identifier: MPL-2.0

//! One switch whose frames are observed.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::identity::Identity;
use super::outbox::Outbox;
use crate::elements::switch::spans::{FrameTimes, Observer, RunTimes};
use crate::place::Place;

/// What was seen of a frame, and in which switch.
#[derive(Debug)]
pub struct Record {
    pub source: Arc<Source>,
    pub seen: Seen,
}

#[derive(Debug)]
pub enum Seen {
    Run(RunTimes),
    Frame(FrameTimes),
}

#[derive(Debug)]
pub struct Source {
    pub identity: Identity,
    pub place: ArcSwap<Place>,
    outbox: Arc<Outbox<Record>>,
}

impl Source {
    pub fn new(place: Place, ratio: f64, outbox: Arc<Outbox<Record>>) -> Source {
        Source {
            identity: Identity::new(ratio),
            place: ArcSwap::from_pointee(place),
            outbox,
        }
    }

    fn saw(self: Arc<Self>, seen: Seen) {
        let outbox = self.outbox.clone();
        outbox.put(Record { source: self, seen });
    }
}

impl Observer for Source {
    fn wants(&self, entered: gst::ClockTime) -> bool {
        self.identity.is_sampled(entered)
    }

    fn ran(self: Arc<Self>, times: RunTimes) {
        self.saw(Seen::Run(times));
    }

    fn left(self: Arc<Self>, times: FrameTimes) {
        self.saw(Seen::Frame(times));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::RunKind;
    use crate::runtime::allocations;

    fn run(candidate: &Arc<str>, number: u64) -> RunTimes {
        RunTimes {
            entered: gst::ClockTime::from_nseconds(number),
            started: gst::ClockTime::from_nseconds(number + 1),
            latency: Duration::from_nanos(2),
            kind: RunKind::Active,
            candidate: candidate.clone(),
        }
    }

    #[test]
    fn what_has_no_room_is_counted_and_nothing_is_allocated() {
        let outbox = Arc::new(Outbox::new(100, 50));
        let source = Arc::new(Source::new(Place::default(), 1.0, outbox.clone()));
        let candidate: Arc<str> = "a".into();
        let before = allocations();
        for number in 0..250 {
            source.clone().ran(run(&candidate, number));
        }
        assert_eq!(allocations(), before);
        assert_eq!(outbox.dropped(), 150);
        let first = outbox.take().map(|it| it.seen);
        assert!(matches!(first, Some(Seen::Run(run)) if run.entered.nseconds() == 0));
        assert_eq!(std::iter::from_fn(|| outbox.take()).count(), 99);
    }
}
