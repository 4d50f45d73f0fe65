// SPDX-License-Identifier: MPL-2.0

//! What the switch's pads, its lanes' threads and its properties share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use atomic_refcell::AtomicRefCell;
use gst::glib;
use gst::prelude::*;
use parking_lot::Mutex;

use super::AvrecSwitch;
use super::CAT;
use super::frame::FrameContext;
use super::lanes::lane::WINDOW;
use super::lanes::table::LaneTable;
use super::lanes::timed_join::Endings;
use super::messages;
use super::policy_adapter::PolicyAdapter;
use super::scoring::comparisons::Comparisons;
use super::scoring::thread::Scorer;
use super::scoring::trial::Trial;
use super::settings::{LatePolicy, Settings};
use super::stream::Streaming;
use super::timing::Timing;
use crate::score::LatencyWindow;

/// Quality as QOS messages count it, in parts of a million; ours is in `stats`, frame by frame.
const QOS_FULL_QUALITY: i32 = 1_000_000;

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

/// Each lock is taken alone, but for the ledger's, in which the table's may be taken; none is held over a push or a run.
#[derive(Debug)]
pub struct Shared {
    pub switch: glib::WeakRef<AvrecSwitch>,
    pub settings: ArcSwap<Settings>,
    /// Belongs to the streaming thread; see there.
    pub streaming: AtomicRefCell<Streaming>,
    pub lanes: LaneTable,
    pub timing: Timing,
    pub totals: Mutex<Totals>,
    /// What the policy knew at the last decision, for whoever asks.
    pub published: Mutex<PolicyAdapter>,
    pub sink: gst::Pad,
    pub src: gst::Pad,
    pub scorer: Mutex<Option<Scorer>>,
    /// Belongs to whoever scores: held while answers are compared.
    pub ledger: Mutex<Comparisons>,
    /// Threads that were told to end.
    pub endings: Endings,
}

impl Shared {
    pub fn new(settings: Arc<Settings>, sink: gst::Pad, src: gst::Pad) -> Shared {
        Shared {
            switch: glib::WeakRef::new(),
            streaming: AtomicRefCell::new(Streaming::new(settings.clone())),
            published: Mutex::new(PolicyAdapter::new(settings.clone())),
            settings: ArcSwap::new(settings),
            lanes: LaneTable::default(),
            timing: Timing::default(),
            totals: Mutex::default(),
            sink,
            src,
            scorer: Mutex::default(),
            ledger: Mutex::default(),
            endings: Endings::default(),
        }
    }

    /// Gets ready for a new stream, while the pads are inactive; the lanes stay as they are.
    pub fn restart_stream(&self) {
        self.lanes
            .change(|lanes| (lanes.flushing, lanes.position) = (false, None));
        self.timing.restart();
        if let Ok(mut streaming) = self.streaming.try_borrow_mut() {
            streaming.restart();
        }
        *self.totals.lock() = Totals::default();
    }

    /// Shows what the policy knows to whoever asks.
    pub fn publish(&self, adapter: &PolicyAdapter) {
        self.published.lock().clone_from(adapter);
    }

    /// Takes a new frame duration, and tells the pipeline when the latency follows from it.
    pub fn set_frame_duration(&self, adapter: &mut PolicyAdapter, duration: Duration, is_audio: bool) {
        let before = adapter.budget();
        adapter.set_frame_duration(duration, is_audio);
        self.timing.set_frame_duration(duration);
        if before != adapter.budget() {
            self.post_latency();
        }
    }

    /// Hands a trial to the scorer, if there is one.
    pub fn score(&self, trial: Trial) {
        if let Some(scorer) = self.scorer.lock().as_ref() {
            scorer.score(trial);
        }
    }

    /// Name of the candidate that answers now, empty before the first decision.
    pub fn active_name(&self) -> String {
        let active = self.totals.lock().active;
        active
            .map(|it| self.lanes.list().name(it).to_string())
            .unwrap_or_default()
    }

    /// Pushes events downstream, all of them, whatever becomes of one.
    pub fn push_events(&self, events: Vec<gst::Event>) -> bool {
        let mut all = true;
        for event in events {
            all &= self.src.push_event(event);
        }
        all
    }

    /// Asks the pipeline to compute its latency anew.
    pub fn post_latency(&self) {
        if let Some(switch) = self.switch.upgrade() {
            // Fails only without a bus, that is outside of a pipeline.
            let _ = switch.post_message(gst::message::Latency::builder().src(&switch).build());
        }
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
        self.post(messages::candidate_failed(name, cause, remedy));
    }

    pub fn post(&self, structure: gst::Structure) {
        if let Some(switch) = self.switch.upgrade() {
            // Fails only without a bus, that is outside of a pipeline.
            let _ = switch.post_message(gst::message::Element::builder(structure).src(&switch).build());
        }
    }

    pub fn give_up(&self) -> gst::FlowError {
        if let Some(switch) = self.switch.upgrade() {
            gst::element_error!(
                switch,
                gst::StreamError::Failed,
                ("no candidate can answer: all of them failed"),
                ["see the warnings before this; with late-policy=floor the frame itself would pass"]
            );
        }
        gst::FlowError::Error
    }

    /// Tells the application that quality was given up to keep the deadline.
    pub fn post_qos(&self, context: &FrameContext, latency: Duration) {
        let Some(switch) = self.switch.upgrade() else {
            return;
        };
        let segment = self.sink.sticky_event::<gst::event::Segment>(0);
        let segment = segment.and_then(|it| it.segment().downcast_ref::<gst::ClockTime>().cloned());
        let place = segment.as_ref().zip(context.frame.pts());
        let (processed, dropped) = {
            let totals = self.totals.lock();
            (totals.frames_out, totals.dropped)
        };
        let jitter = latency.as_nanos() as i64 - context.plan.budget.as_nanos() as i64;
        let message = gst::message::Qos::builder(context.policy != LatePolicy::Wait)
            .running_time_if_some(place.and_then(|(segment, pts)| segment.to_running_time(pts)))
            .stream_time_if_some(place.and_then(|(segment, pts)| segment.to_stream_time(pts)))
            .timestamp_if_some(context.frame.pts())
            .duration_if_some(context.frame.duration())
            .values(
                jitter,
                latency.as_secs_f64() / context.plan.budget.as_secs_f64(),
                QOS_FULL_QUALITY,
            )
            .stats(
                gst::format::Buffers::from_u64(processed),
                gst::format::Buffers::from_u64(dropped),
            )
            .src(&switch)
            .build();
        // Fails only without a bus, that is outside of a pipeline.
        let _ = switch.post_message(message);
    }
    /// Lets all threads end and waits for that, at most for `patience` where a lane hangs.
    ///
    /// Whatever they held is let go of then, so that GStreamer may be shut down right after the switch.
    pub fn dismiss(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let list = self.lanes.list();
        list.settle(deadline);
        for lane in list.present().filter(|it| it.supervisor.wait(Instant::now())) {
            self.endings.add(lane.supervisor.end());
        }
        self.endings.wait(deadline);
    }
}
