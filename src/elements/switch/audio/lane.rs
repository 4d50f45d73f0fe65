// SPDX-License-Identifier: MPL-2.0

//! What a lane hears, and what it gives back: bookkeeping under the board's lock, one buffer at a time.

use std::cell::Cell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::metas::PositionedMetas;
use crate::audio::{AlignedTrack, Landing, Spec, Timeline};
use crate::elements::switch::lanes::lane::{Lane, LaneState, Purpose};
use crate::elements::switch::lanes::run::{Feed, RunEnd};
use crate::elements::switch::lanes::state::Lanes;
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
    pub ear: AlignedTrack,
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
        self.ear.end();
        self.backlog.clear();
    }

    /// End of what it hears, backlog included; `None` when it hears nothing.
    pub fn hears_to(&self) -> Option<u64> {
        self.ear.since()?;
        Some(self.backlog.back().map_or(self.ear.given(), |it| it.end))
    }
}

/// What became of a buffer that a lane was to hear.
#[derive(Debug)]
pub enum FeedResult {
    /// It is to be pushed into the lane.
    Push(Feed),
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

impl Lane {
    /// Whether the lane has given back all that it could of what it hears, or hears nothing.
    pub fn is_settled(&self) -> bool {
        let hearing = &self.hearing;
        hearing.ear.since().is_none() || (self.run.is_none() && hearing.backlog.is_empty())
    }

    pub fn hears(&self) -> bool {
        self.hearing.ear.since().is_some()
    }

    /// Whether the lane hears the stream and has not missed a deadline with what it has in hand.
    pub fn keeps_up(&self) -> bool {
        self.hears() && self.run.is_none_or(|it| !it.abandoned)
    }

    /// Nothing more came of what it was given, so that it lags so far.
    pub fn admit(&mut self) {
        self.hearing.ear.admit();
        if self.hearing.manner == OutputThread::Unknown {
            // Once is enough to wait for what may come later.
            self.hearing.manner = OutputThread::Here;
        }
    }

    /// Whether what is still missing of what the lane can give will not come any more.
    pub fn has_given_all(&self) -> bool {
        self.hearing.manner == OutputThread::Here || self.hearing.ear.is_up_to_date()
    }

    /// Position from which on the lane may sound, in a stream that began at `origin`; `None` when it hears nothing.
    pub fn ripe_at(&self, origin: u64, spec: &Spec) -> Option<u64> {
        let since = self.hearing.ear.since()?;
        // From the beginning on there is nothing more to be heard.
        let ahead = if since <= origin {
            0
        } else {
            spec.samples_in(WARM_AHEAD)
        };
        Some(since + ahead)
    }
}

impl Lanes {
    /// Lets a lane hear a buffer. One that does not follow what it heard before begins a new stretch.
    pub fn hear(&mut self, lane: usize, mut heard: AudioBlock) -> FeedResult {
        let Some(Sound { spec, .. }) = self.sound.filter(|_| !self.flushing) else {
            return FeedResult::Refused;
        };
        self.give_up_waiting(lane);
        let Some(slot) = self.get_mut(lane) else {
            return FeedResult::Refused;
        };
        if slot.hearing.hears_to() == Some(heard.end) {
            return FeedResult::Later;
        }
        if slot.hearing.hears_to() != Some(heard.start) {
            slot.hearing.end();
            if !slot.is_idle() {
                return FeedResult::Refused;
            }
            slot.hearing.ear.begin(heard.start, spec.width());
            slot.hearing.said.clear();
            slot.hearing.is_drained = false;
            heard.frame.make_mut().set_flags(gst::BufferFlags::DISCONT);
            heard.kind = RunKind::WarmUp;
        }
        if slot.run.is_none() {
            return self
                .hand(lane, heard)
                .map_or(FeedResult::Refused, FeedResult::Push);
        }
        let behind = heard.end - slot.hearing.ear.given();
        if spec.samples_in(WARM_AHEAD) + (heard.end - heard.start) < behind {
            slot.hearing.end();
            return FeedResult::Refused;
        }
        slot.hearing.backlog.push_back(heard);
        FeedResult::Later
    }

    fn hand(&mut self, lane: usize, heard: AudioBlock) -> Option<Feed> {
        let feed = self.claim(lane, heard.frame, Purpose::Hear(heard.kind))?;
        self.get_mut(lane)?.hearing.ear.give(heard.end);
        Some(feed)
    }

    /// Takes in what a lane gave, a buffer and its bytes. Returns the buffer that it is to get next, if that was what it had in hand.
    pub fn heard(
        &mut self,
        lane: usize,
        buffer: &gst::BufferRef,
        bytes: &[u8],
    ) -> Result<Option<Feed>, Misfit> {
        let (Some(sound), Some(slot)) = (self.sound, self.get_mut(lane)) else {
            return Ok(None);
        };
        if !slot.hears() {
            return Ok(None);
        }
        if slot.hearing.spec != Some(sound.spec) {
            return Err(Misfit::Format(slot.hearing.spec));
        }
        if sound.spec.samples_of(bytes.len()).is_none() {
            return Err(Misfit::Size(bytes.len()));
        }
        let width = sound.spec.width();
        let hearing = &mut slot.hearing;
        let landing = match buffer.pts().map(Duration::from) {
            None => hearing.ear.take(None, bytes, width),
            Some(pts) => match sound.timeline.position_of(pts) {
                Some(position) => hearing.ear.take(Some(position), bytes, width),
                None => Landing::Outside,
            },
        };
        if landing != Landing::Outside {
            let begin = hearing
                .ear
                .span()
                .end
                .saturating_sub((bytes.len() / width) as u64);
            hearing.said.keep(begin, buffer);
        }
        if landing != Landing::Outside && hearing.manner != OutputThread::Elsewhere {
            let is_here = PUSHING.get() == Some(lane);
            hearing.manner = if is_here {
                OutputThread::Here
            } else {
                OutputThread::Elsewhere
            };
        }
        let has_returned = slot.run.is_some_and(|it| it.returned.is_some());
        if has_returned && slot.hearing.ear.is_up_to_date() {
            return Ok(self.run_ends(lane));
        }
        Ok(None)
    }

    /// Notes that the candidate let go of its buffer. Returns the one that it is to get next.
    pub fn let_go(&mut self, lane: usize, entered: Option<gst::ClockTime>) -> Option<Feed> {
        self.run_of(lane, entered)?.returned = Some(Instant::now());
        let slot = self.get_mut(lane)?;
        let may_come = slot.hearing.manner == OutputThread::Elsewhere && !slot.hearing.ear.is_up_to_date();
        if may_come && slot.hears() {
            return None;
        }
        self.run_ends(lane)
    }

    /// Ends the wait for samples that do not come from a thread of the lane's own: it is further behind than it says.
    fn give_up_waiting(&mut self, lane: usize) {
        let Some(slot) = self.get_mut(lane) else {
            return;
        };
        let returned = slot.run.and_then(|it| it.returned);
        if returned.is_some_and(|it| it + RETURN_GRACE <= Instant::now()) {
            slot.admit();
            // What it would get next follows with the buffer at hand, or not at all.
            slot.hearing.backlog.clear();
            self.run_ends(lane);
        }
    }

    /// Ends a lane's run, and takes the next buffer from its backlog.
    fn run_ends(&mut self, lane: usize) -> Option<Feed> {
        let Sound { spec, .. } = self.sound?;
        let slot = self.get_mut(lane)?;
        let run = slot.take_run(|_| true)?;
        slot.hearing.ear.is_through();
        // The last warm-up run comes when it has heard and given enough to know how far it lags.
        let ear = &slot.hearing.ear;
        let has_heard = spec.samples_in(WARM_AHEAD) <= ear.heard() && ear.has_given();
        let is_last = matches!(slot.state, LaneState::Warming { runs_left } if runs_left <= 1);
        let end = RunEnd {
            latency: gst::get_timestamp().saturating_sub(run.started).into(),
            has_output: ear.has_given() && !run.abandoned,
            may_be_warm: has_heard || !is_last,
        };
        let next = slot.hearing.backlog.pop_front();
        if self.end_run(lane, &run, end) {
            self.warmed.push(lane);
        }
        self.hand(lane, next?)
    }

    /// Largest delay of the lanes that may sound, in samples.
    pub fn largest_delay(&self) -> u64 {
        let present = self.iter().filter(|it| it.state != LaneState::Gone);
        present.map(|it| it.hearing.ear.delay()).max().unwrap_or_default()
    }
}
