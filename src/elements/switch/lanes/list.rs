// SPDX-License-Identifier: MPL-2.0

//! Who is in the switch, as published: read without the table's lock.

use std::sync::Arc;
use std::time::Instant;

use super::elements::LaneElements;
use super::kind::Kinds;
use super::lane::{Identity, PROCESSOR};
use super::supervisor::StateRequest;
use crate::elements::switch::CAT;
use crate::numbered::Numbered;

/// The lanes that are there, by number.
#[derive(Debug, Default)]
pub struct LaneList {
    pub lanes: Numbered<Identity>,
    /// Names of all that ever were, because there may be more to tell of one that is gone.
    pub names: Vec<Arc<str>>,
}

impl LaneList {
    /// The lanes that are there, in the order in which they were added.
    pub fn present(&self) -> impl Iterator<Item = &Arc<LaneElements>> {
        self.lanes.values().filter_map(|it| it.elements.as_ref())
    }

    /// Whether it was there and was removed since.
    pub fn is_gone(&self, lane: usize) -> bool {
        lane < self.names.len() && !self.lanes.contains(lane)
    }

    /// Name of a lane, also of one that is gone; empty where there was none.
    pub fn name(&self, lane: usize) -> &str {
        self.names.get(lane).map_or("", |it| it)
    }

    /// Name of the device that a lane runs on.
    pub fn device(&self, lane: usize) -> &str {
        let device = self.lanes.get(lane).and_then(|it| it.device.as_deref());
        device.unwrap_or(PROCESSOR)
    }

    /// What the lanes give; what the switch is for is told by those that are there and may answer.
    pub fn kinds(&self, reference: Option<usize>, may_answer: impl Fn(&str) -> bool) -> Kinds {
        let kind = |(lane, it): (usize, &Identity)| (lane, it.tally.kind(), may_answer(&it.name));
        let all: Vec<_> = self.lanes.iter().map(kind).collect();
        Kinds::new(&all, reference)
    }

    /// The lane of the best prior, and of several such the last, because candidates are listed from cheap to good; only
    /// such that give what most do, as far as they say what they give.
    pub fn best_prior(&self, may_be: impl Fn(usize) -> bool) -> Option<usize> {
        let kinds = self.kinds(None, |_| true);
        let is_one = |it: &usize| {
            let is_of_task = kinds.of(*it).is_none_or(|kind| Some(kind) == kinds.main());
            is_of_task && may_be(*it)
        };
        let all = self.lanes.iter().filter(|it| is_one(&it.0));
        let rated = all.map(|(lane, it)| (lane, it.prior.quality.unwrap_or_default()));
        rated
            .max_by(|one, other| one.1.total_cmp(&other.1))
            .map(|it| it.0)
    }

    /// Number of the lane with that name.
    pub fn id(&self, name: &str) -> Option<usize> {
        self.lanes.iter().find(|it| *it.1.name == *name).map(|it| it.0)
    }

    pub fn elements(&self, lane: usize) -> Option<&Arc<LaneElements>> {
        self.lanes.get(lane)?.elements.as_ref()
    }

    /// The lane that `object` belongs to.
    pub fn lane_of(&self, object: &gst::Object) -> Option<&Arc<LaneElements>> {
        self.present().find(|it| it.owns(object))
    }

    /// Names of the candidates, for a sentence.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.present().map(|it| &*it.name).collect();
        names.join(", ")
    }

    /// Sends all lanes to a state; their supervisors do it.
    pub fn order(&self, order: StateRequest) {
        self.present().for_each(|it| it.supervisor.order(order));
    }

    /// Sends the lanes to PLAYING on the clock of `switch`.
    pub fn play(&self, switch: &gst::Element) {
        for lane in self.present() {
            lane.align_clock(switch);
            lane.supervisor.order(StateRequest::Go(gst::State::Playing));
        }
    }

    /// Waits until all supervisors have done what they were told, at most until `deadline`.
    ///
    /// Lanes that need longer are left to their supervisors.
    pub fn settle(&self, deadline: Instant) {
        for lane in self.present().filter(|it| !it.supervisor.wait(deadline)) {
            gst::warning!(
                CAT,
                "Candidate {} does not stop; it is finished in the background",
                lane.name
            );
        }
    }
}
