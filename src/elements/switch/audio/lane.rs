// SPDX-License-Identifier: MPL-2.0

//! What a lane hears, and what it gives back: bookkeeping under the board's lock, one buffer at a time.

use std::cell::Cell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::metas::PositionedMetas;
use crate::audio::{AlignedTrack, Landing, Spec, Timeline};
use crate::elements::stamp;
use crate::elements::switch::lanes::run::{Fact, State};
use crate::elements::switch::lanes::status::{LaneState, LaneStatus, Purpose};
use crate::elements::switch::lanes::table::RETURN_GRACE;
use crate::policy::RunKind;

/// ShadowWindow that a lane hears before it may sound, where it could not hear the stream from its beginning.
///
/// Long enough for what models and filters carry along: 20 steps of the usual 10 ms hop, several of the 20 to 64 ms
/// windows of spectral models, and many times the ring of a filter. What they carry from further back (an estimate of
/// the noise, a gain) changes slowly and is met by the cross-fade. Also what a lane may be behind before it is left: to
/// begin anew takes no longer than to make up for more.
pub const WARM_AHEAD: Duration = Duration::from_millis(200);

thread_local! {
    /// The lane into whose candidate this thread just pushes a buffer.
    static PUSHING: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Runs the push of a buffer into a lane's candidate; what the lane gives meanwhile, on this thread, is told apart from
/// what comes from a thread of its own.
pub fn within_push<T>(lane: usize, push: impl FnOnce() -> T) -> T {
    PUSHING.set(Some(lane));
    let result = push();
    PUSHING.set(None);
    result
}

/// What the stream is, and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Sound {
    pub spec: Spec,
    pub timeline: Timeline,
}

/// A buffer for a lane to hear.
#[derive(Debug, Clone)]
pub struct AudioBlock {
    pub frame: gst::Buffer,
    /// Positions of its samples.
    pub start: u64,
    pub end: u64,
    /// How the latency of the run counts.
    pub kind: RunKind,
}

/// Which thread a candidate gives its samples on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum OutputThread {
    /// It has given none yet.
    #[default]
    Unknown,
    /// The one that pushes: when the push returns, all has come that will come.
    Here,
    /// One of its own: they may come after the push.
    Elsewhere,
}

/// A lane's place beside the sound.
#[derive(Debug, Default)]
pub struct LaneAudio {
    pub track: AlignedTrack,
    /// What it said of its sound in metas.
    pub said: PositionedMetas,
    /// Format of what it gives.
    pub spec: Option<Spec>,
    /// Buffers that it has yet to be given, because it is still at one before.
    backlog: VecDeque<AudioBlock>,
    manner: OutputThread,
    /// It was sent to its end, and has given all that was left.
    pub is_drained: bool,
    /// It was asked what delay it declares, and has not said since that it has another one.
    pub has_declared: bool,
}

impl LaneAudio {
    /// Lets it hear nothing any more; what it has given stays.
    pub fn end(&mut self) {
        self.track.end();
        self.backlog.clear();
    }

    /// End of what it hears, backlog included; `None` when it hears nothing.
    pub fn hears_to(&self) -> Option<u64> {
        self.track.since()?;
        Some(self.backlog.back().map_or(self.track.fed_to(), |it| it.end))
    }
}

/// What became of a buffer that a lane was to hear.
#[derive(Debug)]
pub enum FeedResult {
    /// It is to be pushed into the lane.
    Push(gst::Buffer),
    /// The lane gets it after those that it is still at, or has it.
    Later,
    /// The lane cannot take it.
    Refused,
}

/// What a lane gave that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It has another format than the stream.
    Format(Option<Spec>),
    /// So many bytes are not a whole number of samples.
    Size(usize),
}

impl LaneStatus {
    /// Whether the lane has given back all that it could of what it hears, or hears nothing.
    pub fn is_settled(&self) -> bool {
        let audio = &self.audio;
        audio.track.since().is_none() || (self.run.is_none() && audio.backlog.is_empty())
    }

    pub fn hears(&self) -> bool {
        self.audio.track.since().is_some()
    }

    /// Whether the lane hears the stream and has not missed a deadline with what it has in hand.
    pub fn keeps_up(&self) -> bool {
        self.hears() && self.run.is_none_or(|it| !it.abandoned)
    }

    /// Nothing more came of what it was given, so that it lags so far.
    pub fn accept_lag(&mut self) {
        self.audio.track.accept_lag();
        if self.audio.manner == OutputThread::Unknown {
            // Once is enough to wait for what may come later.
            self.audio.manner = OutputThread::Here;
        }
    }

    /// Whether what is still missing of what the lane can give will not come any more.
    pub fn has_given_all(&self) -> bool {
        self.audio.manner == OutputThread::Here || self.audio.track.is_up_to_date()
    }

    /// Position from which on the lane may sound, in a stream that began at `origin`; `None` when it hears nothing.
    pub fn ready_at(&self, origin: u64, spec: &Spec) -> Option<u64> {
        let since = self.audio.track.since()?;
        // From the beginning on there is nothing more to be heard.
        let ahead = if since <= origin {
            0
        } else {
            spec.samples_in(WARM_AHEAD)
        };
        Some(since + ahead)
    }
}

impl State {
    /// Lets a lane hear a buffer. One that does not follow what it heard before begins a new stretch.
    pub fn hear(&mut self, lane: usize, mut heard: AudioBlock) -> FeedResult {
        let Some(Sound { spec, .. }) = self.sound.filter(|_| !self.flushing) else {
            return FeedResult::Refused;
        };
        self.give_up_waiting(lane);
        let Some(slot) = self.slots.get_mut(lane) else {
            return FeedResult::Refused;
        };
        if slot.audio.hears_to() == Some(heard.end) {
            return FeedResult::Later;
        }
        if slot.audio.hears_to() != Some(heard.start) {
            slot.audio.end();
            if !slot.is_idle() {
                return FeedResult::Refused;
            }
            slot.audio.track.begin(heard.start, spec.width());
            slot.audio.said.clear();
            slot.audio.is_drained = false;
            heard.frame.make_mut().set_flags(gst::BufferFlags::DISCONT);
            heard.kind = RunKind::WarmUp;
        }
        if slot.run.is_none() {
            return FeedResult::Push(self.hand(lane, heard));
        }
        let behind = heard.end - slot.audio.track.fed_to();
        if spec.samples_in(WARM_AHEAD) + (heard.end - heard.start) < behind {
            slot.audio.end();
            return FeedResult::Refused;
        }
        slot.audio.backlog.push_back(heard);
        FeedResult::Later
    }

    fn hand(&mut self, lane: usize, heard: AudioBlock) -> gst::Buffer {
        let entered = stamp::read(&heard.frame).unwrap_or_default();
        self.claim(lane, entered, heard.frame.pts(), Purpose::Hear(heard.kind));
        if let Some(slot) = self.slots.get_mut(lane) {
            slot.audio.track.feed(heard.end);
        }
        heard.frame
    }

    /// Takes in what a lane gave, a buffer and its bytes. Returns the buffer that it is to get next, if that was what it had in hand.
    pub fn heard(
        &mut self,
        lane: usize,
        buffer: &gst::BufferRef,
        bytes: &[u8],
    ) -> Result<Option<gst::Buffer>, Misfit> {
        let (Some(sound), Some(slot)) = (self.sound, self.slots.get_mut(lane)) else {
            return Ok(None);
        };
        if !slot.hears() {
            return Ok(None);
        }
        if slot.audio.spec != Some(sound.spec) {
            return Err(Misfit::Format(slot.audio.spec));
        }
        if sound.spec.samples_of(bytes.len()).is_none() {
            return Err(Misfit::Size(bytes.len()));
        }
        let width = sound.spec.width();
        let audio = &mut slot.audio;
        let landing = match buffer.pts() {
            None => audio.track.accept(None, bytes, width),
            Some(pts) => match sound.timeline.position_of(pts) {
                Some(position) => audio.track.accept(Some(position), bytes, width),
                None => Landing::Outside,
            },
        };
        if landing != Landing::Outside {
            let begin = audio
                .track
                .span()
                .end
                .saturating_sub((bytes.len() / width) as u64);
            audio.said.keep(begin, buffer);
        }
        if landing != Landing::Outside && audio.manner != OutputThread::Elsewhere {
            let is_here = PUSHING.get() == Some(lane);
            audio.manner = if is_here {
                OutputThread::Here
            } else {
                OutputThread::Elsewhere
            };
        }
        let has_returned = slot.run.is_some_and(|it| it.returned.is_some());
        if has_returned && slot.audio.track.is_up_to_date() {
            return Ok(self.run_ends(lane));
        }
        Ok(None)
    }

    /// Notes that the candidate let go of its buffer. Returns the one that it is to get next.
    pub fn let_go(&mut self, lane: usize, entered: Option<gst::ClockTime>) -> Option<gst::Buffer> {
        self.run_of(lane, entered)?.returned = Some(Instant::now());
        let slot = self.slots.get_mut(lane)?;
        let may_come = slot.audio.manner == OutputThread::Elsewhere && !slot.audio.track.is_up_to_date();
        if may_come && slot.hears() {
            return None;
        }
        self.run_ends(lane)
    }

    /// Ends the wait for samples that do not come from a thread of the lane's own: it is further behind than it says.
    fn give_up_waiting(&mut self, lane: usize) {
        let Some(slot) = self.slots.get_mut(lane) else {
            return;
        };
        let returned = slot.run.and_then(|it| it.returned);
        if returned.is_some_and(|it| it + RETURN_GRACE <= Instant::now()) {
            slot.accept_lag();
            // What it would get next follows with the buffer at hand, or not at all.
            slot.audio.backlog.clear();
            self.run_ends(lane);
        }
    }

    /// Ends a lane's run, tells what it took, and takes the next buffer from its backlog.
    fn run_ends(&mut self, lane: usize) -> Option<gst::Buffer> {
        let Sound { spec, .. } = self.sound?;
        let slot = self.slots.get_mut(lane)?;
        let run = slot.run.take()?;
        let latency: Duration = gst::get_timestamp().saturating_sub(run.started).into();
        slot.audio.track.run_finished();
        slot.tally.runs += 1;
        let mut kind = match run.purpose {
            Purpose::Hear(kind) => kind,
            _ => RunKind::WarmUp,
        };
        if slot.is_warming() {
            kind = RunKind::WarmUp;
        }
        if kind == RunKind::Shadow && self.newest.is_some_and(|it| run.stamp < it) {
            kind = RunKind::Overlapped;
        }
        if kind != RunKind::WarmUp {
            slot.tally.window.push(latency);
        }
        // The last warm-up run comes when it has heard and given enough to know how far it lags.
        let track = &slot.audio.track;
        let has_heard = spec.samples_in(WARM_AHEAD) <= track.fed() && track.has_output();
        let is_last = matches!(slot.residency, LaneState::Warming { runs_left } if runs_left <= 1);
        let became_warm = (has_heard || !is_last) && slot.warm_up();
        let is_measured = slot.audio.track.has_output() && !run.abandoned || kind != RunKind::WarmUp;
        let next = slot.audio.backlog.pop_front();
        if is_measured {
            self.tell(Fact::Ran { lane, latency, kind });
        }
        if became_warm {
            self.tell(Fact::Warm { lane });
            self.warmed.push(lane);
        }
        next.map(|it| self.hand(lane, it))
    }

    /// Largest delay of the lanes that may sound, in samples.
    pub fn largest_delay(&self) -> u64 {
        let present = self.slots.iter().filter(|it| it.residency != LaneState::Gone);
        present.map(|it| it.audio.track.delay()).max().unwrap_or_default()
    }
}
