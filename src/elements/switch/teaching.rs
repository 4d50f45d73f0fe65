// SPDX-License-Identifier: MPL-2.0

//! Says how the reference comes to score the others, where that is not as the user expects: once for each reference.

use std::time::Duration;

use super::bus::Bus;
use super::lanes::list::LaneList;
use crate::policy::Teaching;

/// What was told last, and of which lane.
#[derive(Debug, Default)]
pub struct ToldTeaching(Option<(usize, bool)>);

impl ToldTeaching {
    /// Tells what is new.
    pub fn tell(&mut self, bus: &Bus, list: &LaneList, (reference, teaching): (Option<usize>, Teaching)) {
        let Some(lane) = reference else {
            return;
        };
        let is_possible = match teaching {
            Teaching::Unknown | Teaching::InSlack => return,
            Teaching::AtIdle { .. } => true,
            Teaching::Never { .. } => false,
        };
        if self.0.replace((lane, is_possible)) == Some((lane, is_possible)) {
            return;
        }
        let name = list.name(lane);
        match teaching {
            Teaching::AtIdle { latency, slack, every } => bus.inform(
                &format!(
                    "the reference {name} never fits the slack of the others ({} of at most {}): it sees about each {every}th \
                     frame, at idle priority",
                    ms(latency),
                    ms(slack)
                ),
                "candidates are scored less often so; a faster candidate in `reference` scores on more frames",
            ),
            Teaching::Never { latency, slack } => bus.warn(
                &format!(
                    "the reference {name} cannot teach: it takes {}, and the slack of the others is at most {}; no candidate \
                     is scored by it",
                    ms(latency),
                    ms(slack)
                ),
                "name a faster candidate in `reference`, or set `quality-source=prior`, for the priors are what counts so",
            ),
            Teaching::Unknown | Teaching::InSlack => {}
        }
    }
}

fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}
