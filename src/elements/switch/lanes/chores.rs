// SPDX-License-Identifier: MPL-2.0

//! Lanes that want something done: to be restarted, or to be reported.

use std::time::Duration;

use super::lane::LaneState;
use super::state::Lanes;

/// A lane that has said nothing for this long is reported as hung; longer than any model that could
/// serve a live stream, short enough for an operator to see the cause.
const HANG: Duration = Duration::from_secs(2);

/// Housekeeping that a frame's arrival gives occasion for.
#[derive(Debug, Default)]
pub struct Chores {
    /// A failed lane whose pause is over.
    pub restart: Option<usize>,
    /// A lane that has said nothing for [`HANG`].
    pub hung: Option<(usize, Duration)>,
}

impl Chores {
    /// Looks for lanes that want to be restarted or reported.
    pub fn of(lanes: &mut Lanes, now: gst::ClockTime) -> Chores {
        let mut chores = Chores::default();
        for (id, lane) in lanes.iter_mut().enumerate() {
            if let LaneState::Failed { retry_at, .. } = &mut lane.state
                && retry_at.take_if(|it| *it <= now).is_some()
            {
                chores.restart = Some(id);
            }
            if let Some(run) = lane.run.as_mut().filter(|it| !it.reported_hung) {
                let silence: Duration = now.saturating_sub(run.started).into();
                if HANG <= silence {
                    run.reported_hung = true;
                    lane.identity.tally.show_hung(true);
                    chores.hung = Some((id, silence));
                }
            }
        }
        chores
    }
}
