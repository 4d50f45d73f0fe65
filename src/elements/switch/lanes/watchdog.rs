// SPDX-License-Identifier: MPL-2.0

//! Lanes that fail, hang or come back: each failure stays in its lane.

use gst::prelude::*;

use super::chores::{self, Chores};
use super::declared;
use super::elements::LaneElements;
use super::lane::{Lane, LaneState};
use super::misfit::Misfit;
use super::negotiation;
use super::output;
use super::server;
use super::supervisor::{StateReport, StateRequest};
use crate::elements::switch::CAT;
use crate::elements::switch::enums::Privacy;
use crate::elements::switch::shared::Shared;
use crate::machine::memory;

/// How often a failed lane is started again that does not run on a server, and how long the first pause is; each further one is four
/// times as long: 1 s, 4 s, 16 s. A transient fault passes in that time, a lasting one is not worth more.
const RESTARTS: u32 = 3;
const FIRST_PAUSE: gst::ClockTime = gst::ClockTime::from_seconds(1);

/// Restarts a failed lane whose pause is over, and reports one that hangs.
pub fn do_chores(core: &Shared, chores: Chores) {
    if let Some(lane) = chores.restart.and_then(|it| core.lanes.elements(it)) {
        restart(core, &lane);
    }
    let hung = chores.hung;
    if let Some((lane, silence)) = hung.and_then(|it| Some((core.lanes.elements(it.0)?, it.1))) {
        let cause = format!("it has not answered for {:.1} s", silence.as_secs_f64());
        let remedy = "it answers again when it has finished; see what it waits for";
        core.bus.candidate_failed(&lane.name, &cause, remedy);
    }
    if let Some(lane) = chores.barren {
        let remedy = "see why it drops them all: a candidate gives a buffer for each one that it gets";
        lane_failed(core, lane, "it makes nothing of its frames", remedy);
    }
}

/// Starts a lane again that failed; where not all fit into memory, when it may.
fn restart(core: &Shared, lane: &LaneElements) {
    if forbidden_server(core, lane).is_some() {
        // It waits for other settings, as what does not fit waits for other caps.
        core.lanes.change(|lanes| {
            if let Some(lane) = lanes.get_mut(lane.number) {
                lane.is_unfit = true;
            }
        });
        return;
    }
    if core.memory.retry(lane.number) {
        core.lanes.change(|lanes| lanes.may_return(lane.number));
        return;
    }
    gst::info!(CAT, "Starting candidate {} again", lane.name);
    lane.supervisor.order(StateRequest::Restart);
}

/// The server that a lane would send frames to although they may not leave the machine.
fn forbidden_server(core: &Shared, lane: &LaneElements) -> Option<String> {
    if core.settings.load().privacy == Privacy::Open {
        return None;
    }
    let mut servers = lane.candidate.iter().filter_map(server::of);
    servers.find(|it| server::is_elsewhere(it))
}

/// Takes a lane out that would send frames elsewhere where these may not leave the machine.
fn hold_to_privacy(core: &Shared, lane: usize) {
    let server = core
        .lanes
        .elements(lane)
        .and_then(|it| forbidden_server(core, &it));
    if let Some(server) = server {
        let cause = format!("it runs on {server}, and `privacy` lets no frame leave this machine");
        let remedy = "set `privacy` to open, or take the candidate out";
        fail(core, lane, (&cause, remedy), Hope::OtherCaps);
    }
}

/// Holds all lanes to the settings of now; those that may send frames again get another chance.
pub fn privacy_changed(core: &Shared) {
    let lanes: Vec<usize> = core.lanes.list().present().map(|it| it.number).collect();
    lanes.into_iter().for_each(|lane| hold_to_privacy(core, lane));
    restart_unfit(core);
}

/// Looks who hangs while no frame comes.
pub fn look_after(core: &Shared) {
    let chores = core
        .lanes
        .change(|lanes| chores::look(lanes, gst::get_timestamp()));
    do_chores(core, chores);
}

/// Takes in what a lane's supervisor reports.
pub fn supervisor_reported(core: &Shared, lane: usize, report: StateReport) {
    match report {
        StateReport::Starting => {
            if let Some(elements) = core.lanes.elements(lane) {
                elements.renew_ends();
            }
        }
        StateReport::Started => {
            if let Some(elements) = core.lanes.elements(lane) {
                negotiation::ask_for_other_caps(core, &elements);
                declared::identify(core, &elements);
            }
            core.lanes.warm(lane);
            hold_to_privacy(core, lane);
            core.look_at_candidates();
        }
        StateReport::Stopped => core.lanes.stopped(lane, false),
        StateReport::Unloaded => {
            core.lanes.stopped(lane, true);
            memory::give_back();
            core.memory.left(lane);
        }
        StateReport::Refused { cause } => lane_failed(core, lane, &cause, "see its entry in the catalogue"),
        StateReport::Failed { element, state } => {
            let cause = format!("element {element} does not go to {state:?}");
            let remedy = "see the element's own messages and its properties";
            lane_failed(core, lane, &cause, remedy);
        }
    }
}

/// Takes in that a lane's pads are shut to the frame that entered then. Where its supervisor does not do that, or a flush,
/// somebody else has stopped the candidate, or something in it.
pub fn does_not_take(core: &Shared, lane: usize, entered: Option<gst::ClockTime>) {
    let Some(elements) = core.lanes.elements(lane) else {
        return;
    };
    let is_in_hand = {
        let mut lanes = core.lanes.lock();
        !lanes.flushing && lanes.run_of(lane, entered).is_some()
    };
    if elements.supervisor.is_at_work() || !is_in_hand {
        core.lanes.swallowed(lane, entered);
    } else if elements.candidate.iter().any(is_down) {
        was_stopped(core, lane);
    } else {
        let remedy = "see what flushes or stops it, or something in it";
        lane_failed(core, lane, "it does not take frames: it is flushing", remedy);
    }
}

/// Whether an element is below PAUSED, or on its way there.
fn is_down(element: &gst::Element) -> bool {
    let (_, current, pending) = element.state(gst::ClockTime::ZERO);
    let is_down = |it: gst::State| it != gst::State::VoidPending && it < gst::State::Paused;
    is_down(current) || is_down(pending)
}

/// Takes in that the element `source` went from one state to another. What the lane's supervisor does not do, the
/// application does: a candidate that it stops is left alone until it starts it again.
pub fn state_changed(
    core: &Shared,
    lane: &LaneElements,
    source: &gst::Object,
    change: &gst::message::StateChanged,
) {
    let is_own = lane.candidate.iter().any(|it| it == source);
    if !is_own || lane.supervisor.is_at_work() {
        return;
    }
    let is_up = |state: gst::State| gst::State::Paused <= state;
    let is_final = change.pending() == gst::State::VoidPending;
    if is_up(change.old()) && !is_up(change.current()) {
        was_stopped(core, lane.number);
    } else if is_up(change.current()) && is_final {
        let has_failed = |it: &Lane| matches!(it.state, LaneState::Failed { .. });
        if core.lanes.lock().is(lane.number, has_failed) && !lane.candidate.iter().any(is_down) {
            restart(core, lane);
        }
    }
}

/// Takes a lane out whose candidate the application has stopped.
fn was_stopped(core: &Shared, lane: usize) {
    let remedy = "set it to PLAYING again, or remove it from the switch";
    fail(
        core,
        lane,
        ("the application has stopped it", remedy),
        Hope::OtherState,
    );
}

/// Whether and when a failed lane may be started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hope {
    /// After a pause, some times.
    Soon,
    /// When the application has started the candidate.
    OtherState,
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
        restart(core, &lane);
    }
}

fn fail(core: &Shared, lane: usize, (cause, remedy): (&str, &str), hope: Hope) {
    let elements = core.lanes.elements(lane);
    let is_on_server = elements.is_some_and(|it| it.candidate.iter().any(|it| server::of(it).is_some()));
    let failed = core.lanes.change(|lanes| {
        let it = lanes.get_mut(lane)?;
        if matches!(it.state, LaneState::Failed { .. } | LaneState::Gone) {
            return None;
        }
        let pause = match is_on_server {
            true => gst::ClockTime::try_from(server::pause(it.attempts)).unwrap_or(FIRST_PAUSE),
            false => FIRST_PAUSE * 4u64.pow(it.attempts.min(RESTARTS)),
        };
        let may_restart = hope == Hope::Soon && (is_on_server || it.attempts < RESTARTS);
        let retry_at = may_restart.then(|| gst::get_timestamp() + pause);
        it.attempts = it.attempts.saturating_add(u32::from(hope == Hope::Soon));
        it.is_unfit = hope == Hope::OtherCaps;
        let (name, cause) = (it.identity.name.clone(), cause.to_string());
        let elements = it.identity.elements.clone();
        let is_new = it.told.replace(cause.clone()).as_ref() != Some(&cause);
        lanes.fail(lane, LaneState::Failed { cause, retry_at });
        Some((name, is_new, elements.map(|it| (it, retry_at.is_some()))))
    });
    if let Some((name, is_new, elements)) = failed {
        let leaves = core.memory.failed(lane) && hope != Hope::OtherState;
        match elements {
            // Nobody knows for how long, and what it has others could use.
            Some((elements, _)) if leaves => elements.supervisor.order(StateRequest::Unload),
            Some((elements, true)) => elements.supervisor.order(StateRequest::AwaitRestart),
            _ => {}
        }
        match is_new {
            true => core.bus.candidate_failed(&name, cause, remedy),
            false => core.bus.post_candidate_failed(&name, cause, remedy),
        }
        // The others need not wait for it.
        core.look_at_candidates();
    }
}
