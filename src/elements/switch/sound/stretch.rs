// SPDX-License-Identifier: MPL-2.0

//! A look at lanes beside the one that sounds: on sound it takes a stretch of buffers, since a candidate has to hear
//! on to be what it is.

use std::sync::Arc;
use std::time::Duration;

use super::super::core::Core;
use super::super::dispatch::{Journey, Source};
use super::stage::Stage;
use crate::policy::RunKind;

/// What is heard of each look after the lanes have got into the stream.
const LENGTH: Duration = Duration::from_millis(500);

/// A look at one or two lanes.
#[derive(Debug)]
pub struct Stretch {
    lanes: [Option<usize>; 2],
    kind: RunKind,
    /// Position of the next sample to compare.
    position: u64,
    /// Where the look ends.
    end: u64,
}

impl Stretch {
    /// Position of the next sample to compare.
    pub fn position(&self) -> u64 {
        self.position
    }
}

impl Core {
    /// Goes on with a look at other lanes, or begins one, if the policy wants one.
    pub(super) fn look_at_stretch(self: &Arc<Self>, stage: &mut Stage, journey: &Journey, source: Source) {
        let Source::Active(active) = source else {
            stage.stretch = None;
            return;
        };
        let newest = stage.recent.back().map_or(0, |it| it.0.start);
        if stage
            .stretch
            .as_ref()
            .is_some_and(|it| it.end <= newest || journey.missed)
        {
            stage.stretch = None;
        }
        if stage.stretch.is_none() {
            stage.stretch = self.begin_stretch(stage, journey, active, newest);
        }
        let Some((lanes, kind)) = stage.stretch.as_ref().map(|it| (it.lanes, it.kind)) else {
            return;
        };
        for lane in lanes.into_iter().flatten() {
            if let Some(heard) = stage.newest(kind) {
                self.hear(lane, heard, journey);
            }
        }
    }

    fn begin_stretch(&self, stage: &Stage, journey: &Journey, active: usize, begin: u64) -> Option<Stretch> {
        if journey.settings.exhaustive || journey.missed || stage.wanted != Some(active) {
            return None;
        }
        let slack = journey.plan.period.saturating_sub(journey.clock.elapsed());
        let shadow = self.conductor.lock().shadow(journey.now(), slack, &self.board)?;
        let mut lanes = shadow.ids().map(|it| it.0).filter(|it| *it != active);
        let ahead = stage.spec.samples_in(super::hearing::WARM_AHEAD);
        Some(Stretch {
            lanes: [lanes.next(), lanes.next()],
            kind: shadow.kind,
            position: begin + ahead,
            end: begin + ahead + stage.spec.samples_in(LENGTH),
        })
    }
}
