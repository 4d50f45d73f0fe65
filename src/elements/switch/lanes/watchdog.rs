// SPDX-License-Identifier: MPL-2.0

//! Lanes that fail, hang or come back: each failure stays in its lane.

use super::lane::{LaneState, WARM_UP_RUNS};
use super::state::Chores;
use super::supervisor::{StateReport, StateRequest};
use crate::elements::switch::CAT;
use crate::elements::switch::shared::Shared;

/// How often a failed lane is started again, and how long the first pause is; each further one is four
/// times as long: 1 s, 4 s, 16 s. A transient fault passes in that time, a lasting one is not worth more.
const RESTARTS: u32 = 3;
const FIRST_PAUSE: gst::ClockTime = gst::ClockTime::from_seconds(1);

/// Restarts a failed lane whose pause is over, and reports one that hangs.
pub fn do_chores(core: &Shared, chores: Chores) {
    if let Some(lane) = chores.restart.and_then(|it| core.lanes.elements(it)) {
        gst::info!(CAT, "Starting candidate {} again", lane.name);
        lane.supervisor.order(StateRequest::Restart);
    }
    let hung = chores.hung;
    if let Some((lane, silence)) = hung.and_then(|it| Some((core.lanes.elements(it.0)?, it.1))) {
        let cause = format!("it has not answered for {:.1} s", silence.as_secs_f64());
        let remedy = "it answers again when it has finished; see what it waits for";
        core.bus.candidate_failed(&lane.name, &cause, remedy);
    }
}

/// Takes in what a lane's supervisor reports.
pub fn supervisor_reported(core: &Shared, lane: usize, report: StateReport) {
    match report {
        StateReport::Started => {
            if let Some(elements) = core.lanes.elements(lane) {
                elements.renew_entry();
            }
            let runs_left = WARM_UP_RUNS;
            core.lanes.settle(lane, LaneState::Warming { runs_left });
            core.look_at_kinds();
        }
        StateReport::Stopped => core.lanes.stopped(lane),
        StateReport::Refused { cause } => lane_failed(core, lane, &cause, "see its entry in the catalogue"),
        StateReport::Failed { element, state } => {
            let cause = format!("element {element} does not go to {state:?}");
            let remedy = "see the element's own messages and its properties";
            lane_failed(core, lane, &cause, remedy);
        }
    }
}

/// Contains a failure in its lane: a warning and a message instead of an error, and a later restart.
pub fn lane_failed(core: &Shared, lane: usize, cause: &str, remedy: &str) {
    let failed = core.lanes.change(|lanes| {
        let it = lanes.get_mut(lane)?;
        if matches!(it.state, LaneState::Failed { .. } | LaneState::Gone) {
            return None;
        }
        let pause = FIRST_PAUSE * 4u64.pow(it.attempts.min(RESTARTS));
        let retry_at = (it.attempts < RESTARTS).then(|| gst::get_timestamp() + pause);
        it.attempts += 1;
        let (name, cause) = (it.identity.name.clone(), cause.to_string());
        let elements = it.identity.elements.clone().filter(|_| retry_at.is_some());
        lanes.fail(lane, LaneState::Failed { cause, retry_at });
        Some((name, elements))
    });
    if let Some((name, elements)) = failed {
        if let Some(elements) = elements {
            elements.supervisor.order(StateRequest::AwaitRestart);
        }
        core.bus.candidate_failed(&name, cause, remedy);
        // The others need not wait for it.
        core.look_at_kinds();
    }
}
