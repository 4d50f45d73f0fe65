// SPDX-License-Identifier: MPL-2.0

//! What a lane is fed, and what it returns: bookkeeping under the table's lock, one buffer at a time.

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

/// Time that a lane hears before it may sound, where it could not hear the stream from its beginning.
///
/// Long enough for what models and filters carry along: 20 steps of the usual 10 ms hop, several of the 20 to 64 ms
/// windows of spectral models, and many times the ring of a filter. What they carry from further back (an estimate of
/// the noise, a gain) changes slowly and is met by the cross-fade. Also what a lane may be behind before it is left: to
/// begin anew takes no longer than to make up for more.
pub const WARM_AHEAD: Duration = Duration::from_millis(200);

/// The most that a lane may lag. No model for live audio looks so far ahead; an element that returns nothing at all
/// would else hold up the stream for ever.
pub const MAX_LAG: Duration = Duration::from_secs(5);

thread_local! {
    /// The lane into whose candidate this thread just pushes a buffer.
    static PUSHING: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Runs the push of a buffer into a lane's candidate; what the lane returns meanwhile, on this thread, is told apart
/// from what comes from a thread of its own.
pub fn within_push<T>(lane: usize, push: impl FnOnce() -> T) -> T {
    PUSHING.set(Some(lane));
    let result = push();
    PUSHING.set(None);
    result
}

/// What the stream is, and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct StreamPosition {
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

/// Which thread a candidate returns its samples on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum OutputThread {
    /// It has returned none yet.
    #[default]
    Unknown,
    /// The one that pushes: when the push returns, all has come that will come.
    Here,
    /// One of its own: they may come after the push.
    Elsewhere,
}

/// A lane's place beside the stream.
#[derive(Debug, Default)]
pub struct LaneAudio {
    pub track: AlignedTrack,
    /// What it said of the audio in metas.
    pub metas: PositionedMetas,
    /// Format of what it returns.
    pub spec: Option<Spec>,
    /// Buffers that it has yet to be fed, because it is still at one before.
    backlog: VecDeque<AudioBlock>,
    thread: OutputThread,
    /// It was sent to its end, and has returned all that was left.
    pub is_drained: bool,
    /// It was asked what delay it declares, and has not said since that it has another one.
    pub has_declared: bool,
}

impl LaneAudio {
    /// Lets it hear nothing any more; what it has returned stays.
    pub fn end(&mut self) {
        self.track.end();
        self.backlog.clear();
    }

    pub fn hears(&self) -> bool {
        self.track.since().is_some()
    }

    /// End of what it hears, backlog included; `None` when it hears nothing.
    pub fn hears_to(&self) -> Option<u64> {
        self.track.since()?;
        Some(self.backlog.back().map_or(self.track.fed_to(), |it| it.end))
    }

    /// Position from which on it may sound, in a stream that began at `origin`; `None` when it hears nothing.
    pub fn ready_at(&self, origin: u64, spec: &Spec) -> Option<u64> {
        let since = self.track.since()?;
        // From the beginning on there is nothing more to be heard.
        let is_whole = since <= origin;
        Some(since + if is_whole { 0 } else { spec.samples_in(WARM_AHEAD) })
    }

    /// Nothing more came of what it was fed, so that it lags so far.
    pub fn accept_lag(&mut self) {
        self.track.accept_lag();
        if self.thread == OutputThread::Unknown {
            // Once is enough to wait for what may come later.
            self.thread = OutputThread::Here;
        }
    }

    /// Whether what is still missing of what it can return will not come any more.
    pub fn has_returned_all(&self) -> bool {
        self.thread == OutputThread::Here || self.track.is_up_to_date()
    }

    /// Takes in samples that the lane returned, as whole ones of the stream's format. `is_here` where they come while
    /// they are pushed in.
    fn take(&mut self, at: &StreamPosition, buffer: &gst::BufferRef, bytes: &[u8], is_here: bool) {
        let width = at.spec.width();
        let position = buffer.pts().map(|it| at.timeline.position_of(it));
        let landing = match position {
            // What lies before the stream has no position.
            Some(None) => Landing::Outside,
            position => self.track.accept(position.flatten(), bytes, width),
        };
        if landing == Landing::Outside {
            return;
        }
        let samples = (bytes.len() / width) as u64;
        self.metas
            .keep(self.track.span().end.saturating_sub(samples), buffer);
        if self.thread != OutputThread::Elsewhere {
            self.thread = if is_here {
                OutputThread::Here
            } else {
                OutputThread::Elsewhere
            };
        }
    }
}

/// What a lane returned that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It has another format than the stream.
    Format(Option<Spec>),
    /// So many bytes are not a whole number of samples.
    Size(usize),
}

/// Whether the lane has returned all that it could of what it hears, or hears nothing.
pub fn is_settled(lane: &Lane) -> bool {
    !lane.audio.hears() || (lane.run.is_none() && lane.audio.backlog.is_empty())
}

/// Whether the lane hears the stream and has not missed a deadline with what it has in hand.
pub fn keeps_up(lane: &Lane) -> bool {
    lane.audio.hears() && lane.run.is_none_or(|it| !it.abandoned)
}

/// Lets a lane hear a buffer, and returns it where it is to be pushed now: else the lane cannot take it, or gets it after
/// those that it is still at. One that does not follow what the lane heard before begins a new stretch.
pub fn hear(lanes: &mut Lanes, lane: usize, mut block: AudioBlock) -> Option<Feed> {
    let StreamPosition { spec, .. } = lanes.position.filter(|_| !lanes.flushing)?;
    give_up_waiting(lanes, lane);
    let it = lanes.get_mut(lane)?;
    if it.audio.hears_to() == Some(block.end) {
        return None;
    }
    if it.audio.hears_to() != Some(block.start) {
        it.audio.end();
        if !it.is_idle() {
            return None;
        }
        it.audio.track.begin(block.start, spec.width());
        it.audio.metas.clear();
        it.audio.is_drained = false;
        block.frame.make_mut().set_flags(gst::BufferFlags::DISCONT);
        block.kind = RunKind::WarmUp;
    }
    if it.run.is_none() {
        return hand(lanes, lane, block);
    }
    let behind = block.end - it.audio.track.fed_to();
    if spec.samples_in(WARM_AHEAD) + (block.end - block.start) < behind {
        it.audio.end();
    } else {
        it.audio.backlog.push_back(block);
    }
    None
}

fn hand(lanes: &mut Lanes, lane: usize, block: AudioBlock) -> Option<Feed> {
    let feed = lanes.claim(lane, block.frame, Purpose::Hear(block.kind))?;
    lanes.get_mut(lane)?.audio.track.feed(block.end);
    Some(feed)
}

/// Takes in what a lane returned, a buffer and its bytes. Returns the buffer that it is to get next, if that was what it
/// had in hand.
pub fn take(
    lanes: &mut Lanes,
    lane: usize,
    buffer: &gst::BufferRef,
    bytes: &[u8],
) -> Result<Option<Feed>, Misfit> {
    let (Some(position), Some(it)) = (lanes.position, lanes.get_mut(lane)) else {
        return Ok(None);
    };
    if !it.audio.hears() {
        return Ok(None);
    }
    if it.audio.spec != Some(position.spec) {
        return Err(Misfit::Format(it.audio.spec));
    }
    if position.spec.samples_of(bytes.len()).is_none() {
        return Err(Misfit::Size(bytes.len()));
    }
    let is_here = PUSHING.get() == Some(lane);
    it.audio.take(&position, buffer, bytes, is_here);
    let has_returned = it.run.is_some_and(|it| it.returned.is_some());
    if has_returned && it.audio.track.is_up_to_date() {
        return Ok(end_run(lanes, lane));
    }
    Ok(None)
}

/// Notes that the candidate let go of its buffer. Returns the one that it is to get next.
pub fn let_go(lanes: &mut Lanes, lane: usize, entered: Option<gst::ClockTime>) -> Option<Feed> {
    lanes.run_of(lane, entered)?.returned = Some(Instant::now());
    let audio = &lanes.get(lane)?.audio;
    let may_come = audio.thread == OutputThread::Elsewhere && !audio.track.is_up_to_date();
    if may_come && audio.hears() {
        return None;
    }
    end_run(lanes, lane)
}

/// Ends the wait for samples that do not come from a thread of the lane's own: it is further behind than it says.
fn give_up_waiting(lanes: &mut Lanes, lane: usize) {
    let Some(it) = lanes.get_mut(lane) else { return };
    let returned = it.run.and_then(|it| it.returned);
    if returned.is_some_and(|it| it + RETURN_GRACE <= Instant::now()) {
        it.audio.accept_lag();
        // What it would get next follows with the buffer at hand, or not at all.
        it.audio.backlog.clear();
        end_run(lanes, lane);
    }
}

/// Ends a lane's run, and takes the next buffer from its backlog.
fn end_run(lanes: &mut Lanes, lane: usize) -> Option<Feed> {
    let StreamPosition { spec, .. } = lanes.position?;
    let it = lanes.get_mut(lane)?;
    let run = it.take_run(|_| true)?;
    let track = &mut it.audio.track;
    track.run_finished();
    // The last warm-up run comes when it has heard and returned enough to know how far it lags.
    let has_heard = spec.samples_in(WARM_AHEAD) <= track.fed() && track.has_output();
    let is_last = matches!(it.state, LaneState::Warming { runs_left } if runs_left <= 1);
    let end = RunEnd {
        latency: gst::get_timestamp().saturating_sub(run.started).into(),
        has_output: track.has_output() && !run.abandoned,
        may_be_warm: has_heard || !is_last,
    };
    let next = it.audio.backlog.pop_front();
    if lanes.end_run(lane, &run, end) {
        lanes.warmed.push(lane);
    }
    hand(lanes, lane, next?)
}

/// How far the lane lags, where that is more than can be waited for; then nothing is expected of it any more.
pub fn lags_too_far(lanes: &mut Lanes, lane: usize) -> Option<Duration> {
    let spec = lanes.position?.spec;
    let it = lanes.get_mut(lane)?;
    let track = &mut it.audio.track;
    let behind = if it.run.is_none() { track.behind() } else { 0 };
    let lag = spec.duration_of(track.delay().max(behind));
    if lag <= MAX_LAG {
        return None;
    }
    *track = AlignedTrack::default();
    Some(lag)
}

/// Largest delay of the lanes that may sound, in samples.
pub fn largest_delay(lanes: &Lanes) -> u64 {
    let present = lanes.iter().filter(|it| it.state != LaneState::Gone);
    present.map(|it| it.audio.track.delay()).max().unwrap_or_default()
}
