// SPDX-License-Identifier: MPL-2.0

//! Housekeeping among the lanes: what a frame's arrival gives occasion for, or a wait that goes on for long.

use std::time::{Duration, Instant};

use super::lane::{Lane, LaneState};
use super::state::Lanes;

/// So many frames in a row of which a candidate makes nothing are too many: 4 s at 25 fps, when elements that thin a stream
/// out have kept some.
const UNANSWERED: u32 = 100;

/// What is to be done.
#[derive(Debug, Default)]
pub struct Chores {
    /// A failed lane whose pause is over.
    pub restart: Option<usize>,
    /// A lane that has said nothing for too long.
    pub hung: Option<(usize, Duration)>,
    /// A lane that makes nothing of its frames.
    pub barren: Option<usize>,
}

/// Looks for lanes that want to be restarted or reported; of several, the others come up with the next look.
pub fn look(lanes: &mut Lanes, now: gst::ClockTime) -> Chores {
    let mut chores = Chores::default();
    end_vain_runs(lanes);
    for (id, lane) in lanes.lanes.iter_mut() {
        if let LaneState::Failed { retry_at, .. } = &mut lane.state
            && chores.restart.is_none()
            && retry_at.take_if(|it| *it <= now).is_some()
        {
            chores.restart = Some(id);
        }
        if let Some(run) = lane
            .run
            .as_mut()
            .filter(|it| !it.reported_hung && chores.hung.is_none())
        {
            let silence: Duration = now.saturating_sub(run.started).into();
            if run.patience() <= silence {
                run.reported_hung = true;
                lane.identity.tally.show_hung(true);
                chores.hung = Some((id, silence));
                // It may hang for ever, and most that hang use no processor: the others need not leave it one.
                lane.serving = None;
            }
        }
        if UNANSWERED <= lane.unanswered && chores.barren.is_none() {
            lane.unanswered = 0;
            chores.barren = Some(id);
        }
    }
    chores
}

/// Ends runs beside of which nothing came within the grace after the candidate let go of the frame.
fn end_vain_runs(lanes: &mut Lanes) {
    if lanes.position.is_some() {
        return;
    }
    let awaited = lanes.awaited.as_ref().map(|it| it.lane);
    let is_vain = |it: &Lane| it.end_of_grace().is_some_and(|it| it <= Instant::now());
    let vain = |lanes: &Lanes| {
        let mut all = lanes.numbered().filter(|it| Some(it.0) != awaited);
        all.find(|it| is_vain(it.1)).map(|it| it.0)
    };
    while let Some(lane) = vain(lanes) {
        lanes.gave_nothing(lane);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::switch::lanes::lane::{Purpose, Run};
    use crate::elements::switch::lanes::serving::Serving;
    use crate::policy::Prior;

    #[test]
    fn a_run_that_hangs_takes_nothing_of_the_processors_any_more() {
        gst::init().unwrap();
        let started = gst::ClockTime::from_seconds(10);
        let mut lane = Lane::new("a", Prior::default(), None);
        lane.run = Some(Run {
            stamp: started,
            is_odd: false,
            pts: None,
            started,
            purpose: Purpose::Answer,
            abandoned: true,
            returned: None,
            is_first: false,
            reported_hung: false,
        });
        lane.serving = Some(Serving::start(None, started));
        let mut lanes = Lanes::default();
        lanes.lanes.add(lane);
        look(&mut lanes, started + gst::ClockTime::from_mseconds(100));
        assert!(lanes.get(0).unwrap().serving.is_some());
        let chores = look(&mut lanes, started + gst::ClockTime::from_seconds(3));
        assert!(chores.hung.is_some() && lanes.get(0).unwrap().serving.is_none());
    }
}
