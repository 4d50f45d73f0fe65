// SPDX-License-Identifier: MPL-2.0

//! Loads and evictions of lanes, as the rule says: on a thread that is there while a limit holds.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use gst::subclass::prelude::*;

use super::share::Joined;
use crate::elements::switch::CAT;
use crate::elements::switch::lanes::declared;
use crate::elements::switch::lanes::elements::LaneElements;
use crate::elements::switch::lanes::lane::{Lane, LaneState};
use crate::elements::switch::lanes::state::Lanes;
use crate::elements::switch::lanes::supervisor::StateRequest;
use crate::elements::switch::shared::Shared;
use crate::elements::timed_join::TimedJoin;
use crate::group::residency::{Candidate, Cause, Refusal, Report, Residency, Step, Wish};
use crate::machine::memory;
use crate::messages::{ModelEvicted, ModelWanted};

/// What a model takes by its file, before that was measured: ONNX Runtime keeps the weights once more, in the order in which
/// its kernels read them (a network of 77 MB took 114 MB).
const EXPANSION: f64 = 1.5;

/// Quality of a candidate that the catalog says nothing of.
const MIDDLE: f64 = 0.5;

/// How long others wait for a load: longer than some gigabytes take from a usual disk.
const LONGEST_LOAD: Duration = Duration::from_secs(60);

/// How long others wait for the first runs of what was loaded, which take memory too.
const LONGEST_WARM_UP: Duration = Duration::from_secs(5);

/// Within this time a load lets go of what it needed for itself: some threads have to end.
const REST: Duration = Duration::from_millis(100);

/// Takes part in the memory of the group, if that is limited; for lanes that are about to start.
pub fn begin(core: &Arc<Shared>) {
    if core.memory.limit_to(core.settings.load().memory_limit) {
        join(core);
    }
}

/// Takes over a limit that changed while the switch is up.
pub fn limit_changed(core: &Shared) {
    let is_limited = core.memory.limit_to(core.settings.load().memory_limit);
    if let (true, Some(switch)) = (is_limited, core.bus.element()) {
        join(&switch.imp().core);
    }
}

/// Takes part if the streaming thread has seen that somebody else limits the memory.
pub fn begin_if_wanted(core: &Shared) {
    if let (true, Some(switch)) = (core.memory.take_wanted(), core.bus.element()) {
        join(&switch.imp().core);
    }
}

fn join(core: &Arc<Shared>) {
    core.memory.join(|joined| {
        for lane in core.lanes.list().present() {
            add(core, &joined, lane);
        }
        let (weak, settings) = (Arc::downgrade(core), core.settings.load());
        // What the streaming thread says of it comes with the first frame.
        let list = core.lanes.list();
        let is = |name: Option<&String>, lane: usize| name.is_some_and(|it| list.id(it) == Some(lane));
        let floor = floor(core);
        let known = list.lanes.numbers().map(|lane| Report {
            lane,
            wish: match is(settings.pinned.as_ref(), lane) {
                true => Wish::Pin,
                false => Wish::None,
            },
            is_floor: is(floor.as_ref(), lane),
            is_active: core.published.active() == Some(lane),
            ..Report::default()
        });
        let known: Vec<Report> = known.collect();
        joined.change(|it| it.report(joined.place.stream, 0, &known));
        let expected = expect_first(core, &joined, &known);
        let thread = TimedJoin::of("avrec-memory".into(), move || serve(&weak, &joined, expected));
        thread
            .inspect_err(|error| gst::warning!(CAT, "Nothing is unloaded: no thread: {error}"))
            .ok()
    });
}

/// Lets who waits for a candidate wait for the one that is probably loaded first, where none is up.
fn expect_first(core: &Shared, joined: &Joined, reports: &[Report]) -> Option<usize> {
    let list = core.lanes.list();
    if list.present().any(|it| it.supervisor.is_up()) {
        return None;
    }
    let rank = |it: &&Report| {
        let prior = list.lanes.get(it.lane).and_then(|it| it.prior.quality);
        let is_named =
            f64::from(u8::from(it.is_floor)) * 4.0 + f64::from(u8::from(it.wish == Wish::Pin)) * 2.0;
        is_named + prior.unwrap_or(MIDDLE)
    };
    let fits = |it: &&Report| {
        let memory = &joined.place.memory;
        let bytes = memory.look(|memory| memory.account(joined.user(it.lane)).map(|it| it.bytes));
        let limit = memory.look(Residency::limit);
        it.is_floor || bytes <= limit.or(bytes)
    };
    let first = reports.iter().rev().filter(fits);
    let first = first.max_by(|one, other| rank(one).total_cmp(&rank(other)))?;
    core.lanes.settle(first.lane, LaneState::Loading);
    Some(first.lane)
}

/// Name of the floor.
fn floor(core: &Shared) -> Option<String> {
    let settings = core.settings.load();
    let floor = settings.floor.clone();
    floor.or_else(|| core.published.view().adapter.catalog_floor().cloned())
}

/// Takes a lane in that was added while a limit holds.
pub fn add_lane(core: &Shared, lane: &LaneElements) {
    if let Some(joined) = core.memory.joined() {
        add(core, &joined, lane);
    }
}

/// Takes a lane in: one that is down stays so until the rule says otherwise.
fn add(core: &Shared, joined: &Joined, lane: &LaneElements) {
    let number = lane.number;
    let (model, file) = declared::models_of(&lane.candidate);
    let model = model.unwrap_or_else(|| format!("lane {number} of stream {}", joined.place.stream));
    let list = core.lanes.list();
    let prior = list.lanes.get(number).and_then(|it| it.prior.quality);
    let candidate = Candidate {
        model,
        estimate: (file as f64 * EXPANSION) as u64,
        prior: prior.unwrap_or(MIDDLE),
        is_floor: floor(core).is_some_and(|it| *it == *lane.name),
    };
    let user = joined.user(number);
    let is_up = lane.supervisor.is_up();
    let has_failed = core
        .lanes
        .lock()
        .is(number, |it| matches!(it.state, LaneState::Failed { .. }));
    if !is_up && !has_failed {
        // Before the rule knows of it, which has it loaded at once where there is room.
        keep_out(core, number);
        lane.supervisor.order(StateRequest::Unload);
    }
    joined.change(|it| {
        it.add(user, candidate);
        match (is_up, has_failed) {
            (_, true) => it.failed(user),
            (true, _) => it.is_up(user),
            (false, _) => it.left(user),
        }
    });
}

/// Lets lanes of a stream that is stopped be loaded as others are, when it starts again.
pub fn end(core: &Shared) {
    core.endings.add(core.memory.rest());
    core.lanes.change(|lanes| {
        let is_unloaded = |it: &&mut Lane| matches!(it.state, LaneState::Unloaded { .. });
        for lane in lanes.iter_mut().filter(is_unloaded) {
            lane.set_state(LaneState::Loading);
        }
    });
}

/// What the thread has to do.
enum Next {
    Step(Step),
    /// Nobody is to be loaded, and nobody is about to leave for somebody.
    Nothing,
    End,
}

/// Does what the rule says, until the switch is stopped. Who was `expected` to be loaded first is so until the rule says
/// something else.
fn serve(core: &Weak<Shared>, joined: &Joined, mut expected: Option<usize>) {
    loop {
        let stream = joined.place.stream;
        let next = joined.place.memory.wait(|it| {
            if joined.is_over() {
                return Some(Next::End);
            }
            let is_idle = |it: &Residency| expected.is_some() && !it.is_changing();
            let step = it.step(stream).map(Next::Step);
            step.or_else(|| is_idle(it).then_some(Next::Nothing))
        });
        let Some(core) = core.upgrade() else { return };
        let first = match next {
            Next::End => return,
            Next::Step(Step::Load { lane, .. }) => Some(lane),
            Next::Step(_) => expected,
            Next::Nothing => None,
        };
        if let Some(lane) = expected.take_if(|it| Some(*it) != first) {
            keep_out(&core, lane);
        }
        let Next::Step(step) = next else { continue };
        match step {
            Step::Load { lane, bytes, urgency } => {
                expected = None;
                let Some(elements) = core.lanes.elements(lane) else {
                    continue;
                };
                core.bus.post(ModelWanted {
                    candidate: elements.name.to_string(),
                    reason: urgency.into(),
                    bytes,
                });
                load(&core, joined, &elements);
            }
            Step::Unload { lane, bytes, cause } => unload(&core, joined, lane, (bytes, cause)),
            Step::DoesNotFit { lane, refusal } => refuse(&core, lane, &refusal),
        }
    }
}

/// Loads a lane, and measures what that takes.
fn load(core: &Shared, joined: &Joined, lane: &LaneElements) {
    let number = lane.number;
    let Some(tally) = core.lanes.tally(number) else {
        return;
    };
    let (_, file) = declared::models_of(&lane.candidate);
    // The library itself is no model's.
    declared::load_libraries(&lane.candidate);
    memory::give_back();
    let (loads, before, begun) = (tally.loads.get(), memory::resident(), Instant::now());
    core.lanes.settle(number, LaneState::Loading);
    lane.supervisor.order(StateRequest::Restart);
    let is_warming = |lanes: &Lanes| lanes.is(number, Lane::is_warming);
    core.lanes.wait_long(LONGEST_LOAD, |lanes| {
        let is_loading = lanes.is(number, |it| it.state == LaneState::Loading);
        let has_models = loads + lane.models as u64 <= tally.loads.get();
        joined.is_over() || !(is_loading || (is_warming(lanes) && !has_models))
    });
    let time = begun.elapsed();
    core.lanes.wait_long(LONGEST_WARM_UP, |lanes| {
        // Where no frame comes, nothing warms up.
        joined.is_over() || !is_warming(lanes) || lanes.newest.is_none()
    });
    // What the load itself needed is not the model's; a thread of it may hold the file for a moment longer.
    core.lanes.wait_long(REST, |_| joined.is_over());
    memory::give_back();
    let growth = memory::resident()
        .zip(before)
        .map(|(now, before)| now.saturating_sub(before));
    let is_up = core.lanes.lock().is(number, Lane::may_come);
    gst::info!(
        CAT,
        "Candidate {} took {time:?} and {growth:?} bytes, from {before:?}",
        lane.name
    );
    if !joined.is_over() {
        let user = joined.user(number);
        joined.change(|it| match is_up {
            true => it.loaded(user, time, growth.unwrap_or(0).max(file)),
            false => it.failed(user),
        });
    }
}

/// Nobody waits for a lane until it is loaded, which takes as long as it did before.
fn keep_out(core: &Shared, lane: usize) {
    let load_time = core.memory.account(lane).and_then(|it| it.load_time);
    core.lanes.change(|lanes| lanes.unload(lane, load_time));
}

/// Lets a lane leave memory; its supervisor tells when it has.
fn unload(core: &Shared, joined: &Joined, lane: usize, (bytes, cause): (u64, Cause)) {
    let Some(elements) = core.lanes.elements(lane) else {
        return;
    };
    keep_out(core, lane);
    let instead = match cause {
        Cause::Room { for_whom } if for_whom.stream == joined.place.stream => {
            Some(core.lanes.list().name(for_whom.lane).to_string())
        }
        _ => None,
    };
    gst::info!(CAT, "Candidate {} leaves memory: {cause:?}", elements.name);
    core.bus.post(ModelEvicted {
        candidate: elements.name.to_string(),
        bytes,
        reason: cause.into(),
        instead,
    });
    elements.supervisor.order(StateRequest::Unload);
}

/// Says that a candidate does not fit, and what to change.
fn refuse(core: &Shared, lane: usize, refusal: &Refusal) {
    let list = core.lanes.list();
    let (name, limit, needed) = (list.name(lane), mb(refusal.limit), mb(refusal.needed));
    let least = refusal.needed + refusal.kept;
    let (text, remedy) = match refusal.is_floor {
        true => (
            format!(
                "the floor, {name}, takes about {needed} of the `memory-limit` of {limit}: it stays loaded, and nothing else does"
            ),
            format!(
                "raise `memory-limit` (memory-limit={least} is what it takes alone), or name a smaller candidate as `floor`"
            ),
        ),
        false => (
            format!(
                "candidate {name} does not fit in the `memory-limit` of {limit}: it takes about {needed} beside {} that cannot leave",
                mb(refusal.kept)
            ),
            format!(
                "raise `memory-limit` to {least} or more, name a small `floor`, or choose a smaller candidate"
            ),
        ),
    };
    core.bus.warn(&text, &remedy);
}

fn mb(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
