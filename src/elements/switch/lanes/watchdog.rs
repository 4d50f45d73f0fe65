// SPDX-License-Identifier: MPL-2.0

//! Lanes that fail, hang or come back: each failure stays in its lane.

use gst::prelude::*;

use super::lane::{LaneState, WARM_UP_RUNS};
use super::misfit::Misfit;
use super::output;
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
            core.look_at_candidates();
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

/// Whether and when a failed lane may be started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hope {
    /// After a pause, some times.
    Soon,
    /// When what comes in, or what must go out, has changed.
    OtherCaps,
}

/// Contains a failure in its lane: a warning and a message instead of an error, and a later restart.
pub fn lane_failed(core: &Shared, lane: usize, cause: &str, remedy: &str) {
    fail(core, lane, (cause, remedy), Hope::Soon);
}

/// Takes a lane out that does not fit the stream or the output, until one of these changes.
pub fn lane_unfit(core: &Shared, lane: usize, misfit: &Misfit) {
    fail(core, lane, (&misfit.cause, &misfit.remedy), Hope::OtherCaps);
}

/// Holds the lanes to what the settings ask of every answer.
pub fn hold_output(core: &Shared) {
    hold_output_to(core, core.settings.load().output_caps.clone());
}

/// Holds the lanes to these caps; those that give others negotiate anew, and get another chance if they could not.
pub fn hold_output_to(core: &Shared, caps: Option<gst::Caps>) {
    for lane in core.lanes.change(|lanes| output::hold_to(lanes, caps)) {
        lane.exit.push_event(gst::event::Reconfigure::new());
    }
    restart_unfit(core);
}

/// Starts those again that did not fit: what comes in, or what must go out, is another.
pub fn restart_unfit(core: &Shared) {
    for lane in core.lanes.change(output::take_unfit) {
        gst::info!(CAT, "Starting candidate {} again, with other caps", lane.name);
        lane.supervisor.order(StateRequest::Restart);
    }
}

fn fail(core: &Shared, lane: usize, (cause, remedy): (&str, &str), hope: Hope) {
    let failed = core.lanes.change(|lanes| {
        let it = lanes.get_mut(lane)?;
        if matches!(it.state, LaneState::Failed { .. } | LaneState::Gone) {
            return None;
        }
        let pause = FIRST_PAUSE * 4u64.pow(it.attempts.min(RESTARTS));
        let may_restart = hope == Hope::Soon && it.attempts < RESTARTS;
        let retry_at = may_restart.then(|| gst::get_timestamp() + pause);
        it.attempts += u32::from(hope == Hope::Soon);
        it.is_unfit = hope == Hope::OtherCaps;
        let (name, cause) = (it.identity.name.clone(), cause.to_string());
        let elements = it.identity.elements.clone().filter(|_| retry_at.is_some());
        let is_new = it.told.replace(cause.clone()).as_ref() != Some(&cause);
        lanes.fail(lane, LaneState::Failed { cause, retry_at });
        Some((name, is_new, elements))
    });
    if let Some((name, is_new, elements)) = failed {
        if let Some(elements) = elements {
            elements.supervisor.order(StateRequest::AwaitRestart);
        }
        match is_new {
            true => core.bus.candidate_failed(&name, cause, remedy),
            false => core.bus.post_candidate_failed(&name, cause, remedy),
        }
        // The others need not wait for it.
        core.look_at_candidates();
    }
}
