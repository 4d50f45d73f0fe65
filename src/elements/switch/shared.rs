// SPDX-License-Identifier: MPL-2.0

//! What the switch's pads, its lanes' threads and its properties share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use atomic_refcell::AtomicRefCell;
use gst::prelude::*;

use super::bus::Bus;
use super::complaints::Complaints;
use super::enums::ThreadPriority;
use super::experience::keeper::{Keeper, Remembered};
use super::fact::Fact;
use super::lanes::table::LaneTable;
use super::lanes::telling::Telling;
use super::mailbox::Mailbox;
use super::memory::share::MemoryShare;
use super::policy_adapter::{CatalogNames, PolicyAdapter};
use super::priority::IdleThread;
use super::scoring::thread::Scoring;
use super::settings::Settings;
use super::spans::Spans;
use super::stream::{Control, Streaming};
use super::timing::Timing;
use super::urgency::{Raised, Role, Urgency};
use super::view::Published;
use crate::elements::timed_join::Endings;
use crate::group::Member;
use crate::machine::Monitor;

/// The parts of the switch. Only the table of lanes has a lock that the streaming thread takes for a frame; no lock is held
/// over a push or a run.
#[derive(Debug)]
pub struct Shared {
    pub bus: Arc<Bus>,
    pub settings: ArcSwap<Settings>,
    /// Belongs to the streaming thread; see there.
    pub streaming: AtomicRefCell<Streaming>,
    pub lanes: LaneTable,
    pub timing: Timing,
    /// What the streaming thread shows.
    pub published: Published,
    /// What others than the lanes tell the policy.
    pub facts: Arc<Mailbox<Fact>>,
    pub scoring: Scoring,
    /// What was told of candidates that do not go together.
    pub complaints: Arc<Complaints>,
    /// Shows frames to a reference that never fits the slack.
    pub idle: IdleThread,
    /// Raises the threads that a frame waits for.
    pub urgency: Urgency,
    /// Lanes are told through it of what comes in.
    pub telling: Telling,
    pub sink: gst::Pad,
    pub src: gst::Pad,
    /// Threads that were told to end.
    pub endings: Endings,
    /// Its place among the switches that share the machine, while it is up and not alone.
    pub group: ArcSwapOption<Member>,
    /// Its place in their memory, or in its own.
    pub memory: MemoryShare,
    /// What was learned, and is kept for other streams.
    pub experience: Keeper,
    /// Who wants the times of frames.
    pub spans: Arc<Spans>,
}

impl Shared {
    /// Whether the priority of that lane's thread matters: a frame waits for its answer, and the user wants it.
    pub fn waits_for(&self, lane: usize) -> bool {
        self.settings.load().thread_priority != ThreadPriority::None && self.lanes.answers_now(lane)
    }

    /// Raises the calling thread as the user wants it, for as long as the frame waits for it.
    pub fn raise_thread(&self, role: Role) -> Raised {
        let wanted = self.settings.load().thread_priority;
        let (raised, is_refused) = self.urgency.raise(wanted, role);
        if is_refused {
            let granted = match self.urgency.granted_of(wanted) {
                ThreadPriority::None => "none",
                _ => "niceness -11",
            };
            self.bus.warn(
                &format!("The system does not grant the thread priority that is wanted: {granted} instead"),
                "grant it with limits (`rtprio` and `nice` in /etc/security/limits.conf, LimitRTPRIO= in a systemd unit) or \
                 the capability CAP_SYS_NICE, or leave `thread-priority` at none",
            );
        }
        raised
    }

    pub fn new(settings: Arc<Settings>, sink: gst::Pad, src: gst::Pad) -> Shared {
        let (bus, facts) = (Arc::<Bus>::default(), Arc::<Mailbox<Fact>>::default());
        let complaints = Arc::<Complaints>::default();
        let (lanes, spans) = (LaneTable::default(), Arc::<Spans>::default());
        lanes.lock().spans = spans.clone();
        Shared {
            streaming: AtomicRefCell::new(Streaming::new(settings.clone())),
            published: Published::new(PolicyAdapter::new(settings.clone())),
            settings: ArcSwap::new(settings),
            lanes,
            timing: Timing::default(),
            scoring: Scoring::new(facts.clone(), bus.clone(), complaints.clone()),
            complaints,
            idle: IdleThread::default(),
            urgency: Urgency::default(),
            telling: Telling::default(),
            bus,
            facts,
            sink,
            src,
            endings: Endings::default(),
            group: ArcSwapOption::empty(),
            memory: MemoryShare::default(),
            experience: Keeper::default(),
            spans,
        }
    }

    /// Gets ready for a new stream, while the pads are inactive; the lanes stay as they are.
    pub fn restart_stream(&self) {
        self.lanes
            .change(|lanes| (lanes.flushing, lanes.position, lanes.newest) = (false, None, None));
        self.timing.restart();
        self.published.set_active(None);
        if let Ok(mut streaming) = self.streaming.try_borrow_mut() {
            streaming.restart();
            streaming.control.machine = Monitor::shared();
            self.urgency.restart();
            streaming.control.publish(&self.published);
        }
    }

    /// Lets go of what only a running stream needs, while the pads are inactive.
    pub fn rest(&self) {
        if let Ok(mut streaming) = self.streaming.try_borrow_mut() {
            streaming.control.machine = None;
        }
    }

    /// Joins the group that the user says.
    pub fn join_group(&self) {
        let settings = self.settings.load();
        let name = settings.group.as_deref().unwrap_or_default();
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let member = Member::join(name, settings.weight, processors).map(Arc::new);
        self.memory.place_in(member.as_deref().map(Member::memory));
        self.lanes.change(|lanes| lanes.group.clone_from(&member));
        self.group.store(member);
    }

    pub fn leave_group(&self) {
        self.memory.leave();
        self.lanes.change(|lanes| lanes.group = None);
        self.group.store(None);
    }

    /// Takes over what was learned in earlier streams, while the pads are inactive.
    pub fn remember(&self, remembered: Option<Remembered>) {
        let book = remembered.as_ref().map(|it| it.book.lock().clone());
        self.experience.remember(remembered);
        if let Ok(mut streaming) = self.streaming.try_borrow_mut() {
            streaming.control.adapter.remember(book);
            streaming.control.publish(&self.published);
        }
    }

    /// Takes over whom the catalog names, while the pads are inactive.
    pub fn name_by_catalog(&self, names: CatalogNames) {
        if let Ok(mut streaming) = self.streaming.try_borrow_mut() {
            streaming.control.adapter.set_catalog_names(names);
            streaming.control.publish(&self.published);
        }
    }

    /// Takes a new frame duration, and tells the pipeline when the latency follows from it.
    pub fn set_frame_duration(&self, control: &mut Control, duration: Duration, is_audio: bool) {
        let before = control.adapter.budget();
        control.adapter.set_frame_duration(duration, is_audio);
        control.publish(&self.published);
        self.timing.set_frame_duration(duration);
        if before != control.adapter.budget() {
            self.bus.latency_changed();
        }
    }

    /// Starts threads that the streaming thread wants and does not start itself; called on the lanes' threads.
    pub fn start_wanted_threads(&self) {
        self.scoring.start_if_wanted();
        self.idle.start_if_wanted();
    }

    /// Warns of candidates that do not go together, and lets the choice of a reference know what they give.
    pub fn look_at_candidates(&self) {
        let (list, settings) = (self.lanes.list(), self.settings.load());
        self.complaints.look(&self.bus, &list, &settings);
        self.facts.put(Fact::KindsKnown);
    }

    /// Name of the candidate that answers now, empty before the first decision.
    pub fn active_name(&self) -> String {
        let list = self.lanes.list();
        let active = self.published.active();
        active.map_or_else(String::new, |it| list.name(it).to_string())
    }

    /// The segment that frames are in now. Takes the lock of the pad, so no other is held.
    pub fn segment(&self) -> Option<gst::FormattedSegment<gst::ClockTime>> {
        let segment = self.sink.sticky_event::<gst::event::Segment>(0)?;
        segment.segment().downcast_ref().cloned()
    }

    /// Pushes events downstream, all of them, whatever becomes of one.
    pub fn push_events(&self, events: Vec<gst::Event>) -> bool {
        let mut all = true;
        for event in events {
            all &= self.src.push_event(event);
        }
        all
    }

    /// Lets all threads end and waits for that, at most for `patience` where a lane hangs.
    ///
    /// Whatever they held is let go of then, so that GStreamer may be shut down right after the switch.
    pub fn dismiss(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let list = self.lanes.list();
        list.settle(deadline);
        for lane in list.present().filter(|it| it.supervisor.wait(Instant::now())) {
            self.endings.add(lane.supervisor.ending());
        }
        self.endings.wait(deadline);
    }
}
