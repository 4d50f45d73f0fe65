// SPDX-License-Identifier: MPL-2.0

//! What the streaming thread uses of its candidates, and which it wants.

use super::share::MemoryShare;
use crate::elements::switch::lanes::list::LaneList;
use crate::elements::switch::policy_adapter::PolicyAdapter;
use crate::group::residency::Report;

/// Frames, and time, between two reports: a second at 25 fps.
const PAUSE: (u64, gst::ClockTime) = (25, gst::ClockTime::from_seconds(1));

/// Who answers, is pinned, and stands in.
type Roles = [Option<usize>; 3];

/// Belongs to the streaming thread; it keeps its room from report to report.
#[derive(Debug, Default)]
pub struct Usage {
    /// Runs by lane when that was last reported.
    runs: Vec<u64>,
    /// Frames since, on which a lane came next.
    rivals: Vec<u64>,
    frames: u64,
    reported: Option<gst::ClockTime>,
    roles: Roles,
    reports: Vec<Report>,
}

impl Usage {
    /// One more frame, that entered then, was decided on. Reports now and then, and when somebody else answers, is pinned or
    /// stands in.
    pub fn saw(
        &mut self,
        share: &MemoryShare,
        adapter: &PolicyAdapter,
        list: &LaneList,
        entered: gst::ClockTime,
    ) {
        self.frames += 1;
        let is_paused = self.reported.is_some_and(|it| entered < it + PAUSE.1) && self.frames < PAUSE.0;
        let Some(joined) = share.joined() else {
            if !is_paused {
                share.look_for_limit();
                (self.frames, self.reported) = (0, Some(entered));
            }
            return;
        };
        let lanes = list.names.len();
        self.rivals.resize(lanes, 0);
        self.runs.resize(lanes, 0);
        if let Some(rival) = adapter.rival() {
            self.rivals[rival] += 1;
        }
        let named = adapter.named();
        let roles = [adapter.active(), named.pinned, named.floor];
        if is_paused && roles == self.roles {
            return;
        }
        self.reports.clear();
        for (lane, identity) in list.lanes.iter() {
            let runs = identity.tally.runs.get().saturating_sub(self.runs[lane]);
            self.reports.push(Report {
                lane,
                uses: (runs + self.rivals[lane]) as f64,
                wish: adapter.wish(lane),
                is_active: roles[0] == Some(lane),
                is_floor: roles[2] == Some(lane),
            });
        }
        let (stream, frames) = (joined.place.stream, self.frames);
        let report = joined
            .place
            .memory
            .try_change(|it| it.report(stream, frames, &self.reports));
        if report.is_none() {
            // Somebody else looks just now: with the next frame.
            return;
        }
        for (lane, identity) in list.lanes.iter() {
            self.runs[lane] = identity.tally.runs.get();
        }
        self.rivals.fill(0);
        (self.frames, self.reported, self.roles) = (0, Some(entered), roles);
    }
}
