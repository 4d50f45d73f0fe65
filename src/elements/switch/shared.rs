// SPDX-License-Identifier: MPL-2.0

//! What the switch's pads, its lanes' threads and its properties share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gst::glib;
use gst::prelude::*;
use parking_lot::Mutex;

use super::AvrecSwitch;
use super::CAT;
use super::audio::AudioStream;
use super::lanes::lane::Lane;
use super::lanes::status::{LaneState, WARM_UP_RUNS, WINDOW};
use super::lanes::supervisor::{StateReport, StateRequest};
use super::lanes::table::Board;
use super::lanes::timed_join::TimedJoin;
use super::pads::output::StickyOrder;
use super::policy_adapter::PolicyAdapter;
use super::scoring::comparisons::Comparisons;
use super::scoring::thread::Scorer;
use super::settings::{LatePolicy, Settings};
use crate::messages::CandidateFailed;
use crate::score::LatencyWindow;

/// How often a failed lane is started again, and how long the first pause is; each further one is four
/// times as long: 1 s, 4 s, 16 s. A transient fault passes in that time, a lasting one is not worth more.
const RESTARTS: u32 = 3;
const FIRST_PAUSE: gst::ClockTime = gst::ClockTime::from_seconds(1);

/// How long threads that have nothing left to do are waited for after a lane that hangs: they only have to
/// get their turn on a busy machine.
const END_PATIENCE: Duration = Duration::from_millis(100);

/// Counters of the switch as a whole.
#[derive(Debug, Clone)]
pub struct Totals {
    pub frames_in: u64,
    pub frames_out: u64,
    pub dropped: u64,
    pub misses: u64,
    pub swaps: u64,
    pub floor_answers: u64,
    pub held_answers: u64,
    pub budget: Duration,
    pub active: Option<usize>,
    pub latency: LatencyWindow,
}

impl Default for Totals {
    fn default() -> Totals {
        Totals {
            frames_in: 0,
            frames_out: 0,
            dropped: 0,
            misses: 0,
            swaps: 0,
            floor_answers: 0,
            held_answers: 0,
            budget: Duration::ZERO,
            active: None,
            latency: LatencyWindow::new(WINDOW),
        }
    }
}

/// Lock order: `settings`, `policy_adapter`, `outgoing`, the board, `totals`, the others alone; none is held over a push, a post or a run.
#[derive(Debug)]
pub struct Shared {
    pub switch: glib::WeakRef<AvrecSwitch>,
    pub settings: Mutex<Arc<Settings>>,
    /// Belongs to the streaming thread; others only touch it while no frame can come.
    pub policy_adapter: Mutex<PolicyAdapter>,
    pub outgoing: Mutex<StickyOrder>,
    pub board: Board,
    pub totals: Mutex<Totals>,
    /// Indexed by lane number; a removed lane leaves a hole.
    pub lanes: Mutex<Arc<Vec<Option<Arc<Lane>>>>>,
    pub sink: gst::Pad,
    pub src: gst::Pad,
    /// Where the stream is sound; belongs to the streaming thread, which takes it out while it works.
    pub stage: Mutex<Option<Box<AudioStream>>>,
    /// Time by which sound goes out later than it came in, beside the budget.
    pub sound_delay: Mutex<Duration>,
    pub scorer: Mutex<Option<Scorer>>,
    /// Belongs to whoever scores: held while answers are compared, and over a post; all other locks come after it.
    pub ledger: Mutex<Comparisons>,
    /// Threads that were told to end.
    endings: Mutex<Vec<TimedJoin>>,
    /// Whether upstream answered the LATENCY query as live.
    pub is_live: Mutex<Option<bool>>,
}

impl Shared {
    pub fn new(settings: Arc<Settings>, sink: gst::Pad, src: gst::Pad) -> Shared {
        let policy_adapter = PolicyAdapter::new(settings.clone());
        Shared {
            switch: glib::WeakRef::new(),
            settings: Mutex::new(settings),
            policy_adapter: Mutex::new(policy_adapter),
            outgoing: Mutex::default(),
            board: Board::default(),
            totals: Mutex::default(),
            lanes: Mutex::default(),
            sink,
            src,
            stage: Mutex::default(),
            sound_delay: Mutex::default(),
            scorer: Mutex::default(),
            ledger: Mutex::default(),
            endings: Mutex::default(),
            is_live: Mutex::default(),
        }
    }

    /// Gets ready for a new stream; the lanes stay as they are.
    pub fn restart_stream(&self) {
        self.board.set_flushing(false);
        *self.is_live.lock() = None;
        self.leave_sound();
        *self.outgoing.lock() = StickyOrder::default();
        *self.totals.lock() = Totals::default();
    }

    /// Sends the lanes to PLAYING on the switch's clock.
    pub fn play(&self) {
        for lane in self.lanes().iter().flatten() {
            self.align_clock(lane);
            lane.order(StateRequest::Go(gst::State::Playing));
        }
    }

    /// Gives a lane's elements the clock and base time that a bin would give them, were they not its keeper's.
    pub fn align_clock(&self, lane: &Lane) {
        let Some(switch) = self.switch.upgrade() else {
            return;
        };
        for element in &lane.candidate {
            element.set_base_time(switch.base_time().unwrap_or_default());
            // An element that cannot use the clock goes on without it.
            let _ = element.set_clock(switch.clock().as_ref());
        }
    }

    /// Name of the candidate that answers now, empty before the first decision.
    pub fn active_name(&self) -> String {
        let active = self.totals.lock().active;
        let state = self.board.lock();
        active
            .and_then(|it| state.slots.get(it))
            .map(|it| it.name.clone())
            .unwrap_or_default()
    }

    /// Names of the candidates, in the order in which they were added.
    pub fn names(&self) -> Vec<String> {
        self.lanes().iter().flatten().map(|it| it.name.clone()).collect()
    }

    pub fn knows(&self, name: &str) -> bool {
        self.lanes().iter().flatten().any(|it| it.name == name)
    }

    /// Time one frame may take, by the settings of this moment.
    pub fn budget(&self) -> Duration {
        let settings = self.settings();
        let mut policy_adapter = self.policy_adapter.lock();
        policy_adapter.apply(&settings);
        policy_adapter.budget()
    }

    pub fn settings(&self) -> Arc<Settings> {
        self.settings.lock().clone()
    }

    pub fn lanes(&self) -> Arc<Vec<Option<Arc<Lane>>>> {
        self.lanes.lock().clone()
    }

    pub fn lane(&self, number: usize) -> Option<Arc<Lane>> {
        self.lanes.lock().get(number).cloned().flatten()
    }

    /// The late policy in force: `auto` looks at whether the pipeline is live.
    pub fn late_policy(&self, settings: &Settings) -> LatePolicy {
        match settings.late_policy {
            LatePolicy::Auto if self.is_live() => LatePolicy::Floor,
            LatePolicy::Auto => LatePolicy::Wait,
            policy => policy,
        }
    }

    /// Asks upstream once whether it is live; asked again after each start.
    fn is_live(&self) -> bool {
        if let Some(is_live) = *self.is_live.lock() {
            return is_live;
        }
        let mut query = gst::query::Latency::new();
        let is_live = self.sink.peer_query(&mut query) && query.result().0;
        *self.is_live.lock() = Some(is_live);
        is_live
    }

    /// Takes in what a lane's keeper reports.
    pub fn keeper_reported(&self, number: usize, report: StateReport) {
        match report {
            StateReport::Started => {
                if let Some(lane) = self.lane(number) {
                    lane.renew_entry();
                }
                self.board.settle(
                    number,
                    LaneState::Warming {
                        runs_left: WARM_UP_RUNS,
                    },
                );
            }
            StateReport::Stopped => self.board.stopped(number),
            StateReport::Refused { cause } => {
                self.lane_failed(number, &cause, "see its entry in the catalogue")
            }
            StateReport::Failed { element, state } => {
                let cause = format!("element {element} does not go to {state:?}");
                self.lane_failed(
                    number,
                    &cause,
                    "see the element's own messages and its properties",
                );
            }
        }
    }

    /// Contains a failure in its lane: a warning and a message instead of an error, and a later restart.
    pub fn lane_failed(&self, number: usize, cause: &str, remedy: &str) {
        let (name, failed) = {
            let mut state = self.board.lock();
            let Some(slot) = state.slots.get_mut(number) else {
                return;
            };
            if matches!(slot.residency, LaneState::Failed { .. } | LaneState::Gone) {
                return;
            }
            let pause = FIRST_PAUSE * 4u64.pow(slot.attempts.min(RESTARTS));
            let retry_at = (slot.attempts < RESTARTS).then(|| gst::get_timestamp() + pause);
            slot.attempts += 1;
            (
                slot.name.clone(),
                LaneState::Failed {
                    cause: cause.to_string(),
                    retry_at,
                },
            )
        };
        self.board.fail(number, failed);
        self.report_failure(&name, cause, remedy);
    }

    /// Tells the user about a candidate that cannot answer.
    pub fn report_failure(&self, name: &str, cause: &str, remedy: &str) {
        let Some(switch) = self.switch.upgrade() else {
            return;
        };
        gst::warning!(CAT, obj = switch, "Candidate {name} failed: {cause}; {remedy}");
        gst::element_warning!(
            switch,
            gst::CoreError::Failed,
            ("candidate {name} cannot answer: {cause}"),
            ["{remedy}; the other candidates go on"]
        );
        self.post(CandidateFailed {
            candidate: name.to_string(),
            cause: cause.to_string(),
            remedy: remedy.to_string(),
        });
    }

    pub fn post(&self, message: impl Into<gst::Structure>) {
        if let Some(switch) = self.switch.upgrade() {
            // Fails only without a bus, that is outside of a pipeline.
            let _ = switch.post_message(
                gst::message::Element::builder(message.into())
                    .src(&switch)
                    .build(),
            );
        }
    }

    /// Sends all lanes to a state; their keepers do it.
    pub fn order(&self, order: StateRequest) {
        for lane in self.lanes().iter().flatten() {
            lane.order(order);
        }
    }

    /// Notes a thread that ends, so that the way to NULL waits for it.
    pub fn ends(&self, ending: Option<TimedJoin>) {
        let mut endings = self.endings.lock();
        endings.retain(|it| !it.wait(Instant::now()));
        endings.extend(ending);
    }

    /// Lets all threads end and waits for that, at most for `patience` where a lane hangs.
    ///
    /// Whatever they held is let go of then, so that GStreamer may be shut down right after the switch.
    pub fn dismiss(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        self.settle(patience);
        for lane in self.lanes().iter().flatten() {
            if lane.keeper.wait(Instant::now()) {
                self.ends(lane.keeper.end());
            }
        }
        let deadline = deadline.max(Instant::now() + END_PATIENCE);
        let mut endings = std::mem::take(&mut *self.endings.lock());
        endings.retain(|it| !it.wait(deadline));
        self.endings.lock().extend(endings);
    }

    /// Waits until all keepers have done what they were told, at most for `patience`.
    ///
    /// Lanes that need longer are left to their keepers.
    pub fn settle(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        for lane in self.lanes().iter().flatten() {
            if !lane.keeper.wait(deadline) {
                gst::warning!(
                    CAT,
                    "Candidate {} does not stop; it is finished in the background",
                    lane.name
                );
            }
        }
    }
}
