// SPDX-License-Identifier: MPL-2.0

//! What a lane is fed and what it returns, one buffer at a time: bookkeeping under the table's lock, and what the lane's
//! own threads do, which bring what it returns and fetch what it hears next; and how far it lags.

use std::cell::Cell;
use std::time::{Duration, Instant};

use gst::prelude::*;

use super::lane::{AudioBlock, LaneAudio, OutputThread, StreamPosition, WARM_AHEAD};
use super::stream::AudioStream;
use crate::audio::{AlignedTrack, Spec};
use crate::elements::switch::CAT;
use crate::elements::switch::lanes::feed::feed;
use crate::elements::switch::lanes::lane::{Lane, LaneState, Purpose, RETURN_GRACE};
use crate::elements::switch::lanes::pushing::{is_pushing, used_since_push};
use crate::elements::switch::lanes::run::{Feed, RunEnd};
use crate::elements::switch::lanes::state::Lanes;
use crate::elements::switch::lanes::watchdog::lane_failed;
use crate::elements::switch::shared::Shared;
use crate::policy::RunKind;

/// The most that a lane may lag. No model for live audio looks so far ahead; an element that returns nothing at all
/// would else hold up the stream for ever.
const MAX_LAG: Duration = Duration::from_secs(5);

thread_local! {
    /// Whether this thread asks a lane for its own latency, without that of the stream before it.
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// What a lane returned that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It has another format than the stream.
    Format(Option<Spec>),
    /// So many bytes are not a whole number of samples.
    Size(usize),
}

/// Takes in what a lane returned; runs on a thread of the lane's.
pub fn delivered(core: &Shared, lane: usize, buffer: &gst::Buffer) {
    let Ok(map) = buffer.map_readable() else {
        let cause = "what it gives cannot be read";
        return lane_failed(core, lane, cause, "let it give ordinary memory");
    };
    match core.lanes.change(|lanes| take(lanes, lane, buffer, &map)) {
        Ok(next) => feed(core, next),
        Err(misfit) => {
            let (cause, remedy) = explanation(core, &misfit);
            lane_failed(core, lane, &cause, remedy);
        }
    }
}

/// Notes that a candidate let go of the buffer that it had in hand; runs on the lane's thread.
pub fn returned(core: &Shared, lane: usize, entered: Option<gst::ClockTime>) {
    let is_unknown = |it: &LaneAudio| !it.has_declared || !it.track.has_output();
    if core.lanes.lock().is(lane, |it| is_unknown(&it.audio)) {
        ask_delay(core, lane);
    }
    let (next, lag) = core.lanes.change(|lanes| {
        let next = let_go(lanes, lane, entered);
        (next, lags_too_far(lanes, lane))
    });
    match lag {
        Some(lag) => leave(core, lane, lag),
        None => feed(core, next),
    }
}

/// What is wrong with what a lane returned, and what to change.
fn explanation(core: &Shared, misfit: &Misfit) -> (String, &'static str) {
    let stream = core.sink.current_caps().map(|it| it.to_string());
    let stream = stream.unwrap_or_default();
    match misfit {
        Misfit::Format(given) => {
            let given = given.map_or("something else".to_string(), |it| {
                format!("{:?} at {} Hz, {} channels", it.format, it.rate, it.channels)
            });
            (
                format!("it gives {given} where the stream is {stream}"),
                "put audioconvert and audioresample into the candidate, behind the element",
            )
        }
        Misfit::Size(bytes) => (
            format!("it gives {bytes} bytes, which are not a whole number of samples of {stream}"),
            "see the element: its buffers do not hold what its caps tell",
        ),
    }
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
    it.audio.take(&position, buffer, bytes, is_pushing(lane));
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
        used: used_since_push(),
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

/// Answers a lane's query in place of what is before the switch, where the switch itself asks.
pub fn answers_for_lane(query: &mut gst::QueryRef) -> bool {
    match query.view_mut() {
        // Elements add their own to what they hear of a live stream, some of them to no other.
        gst::QueryViewMut::Latency(query) if ASKING.get() => {
            query.set(true, gst::ClockTime::ZERO, gst::ClockTime::NONE);
            true
        }
        _ => false,
    }
}

/// Asks a lane how far it lags. To be called on a thread that holds nothing of the lane's.
fn ask_delay(core: &Shared, lane: usize) {
    let Some(peer) = core.lanes.elements(lane).and_then(|it| it.exit.peer()) else {
        return;
    };
    let mut query = gst::query::Latency::new();
    ASKING.set(true);
    let is_answered = peer.query(&mut query);
    ASKING.set(false);
    if !is_answered {
        return;
    }
    let (_, delay, _) = query.result();
    core.lanes.change(|lanes| {
        let position = lanes.position;
        if let (Some(position), Some(it)) = (position, lanes.get_mut(lane)) {
            it.audio.has_declared = true;
            // It may have been rounded up to a nanosecond.
            let delay = Duration::from(delay).saturating_sub(Duration::from_nanos(1));
            it.audio.track.declare_delay(position.spec.samples_in(delay));
        }
    });
}

/// A lane's latency is another one: it is asked for when the lane has its next buffer.
pub fn delay_changed(core: &Shared, lane: usize) {
    if let Some(it) = core.lanes.lock().get_mut(lane) {
        it.audio.has_declared = false;
    }
}

/// Leaves a lane that lags by more than can be waited for, and says so.
pub fn leave(core: &Shared, lane: usize, lag: Duration) {
    let cause = format!(
        "it lags by {:.1} s, more than the {} s that are waited for",
        lag.as_secs_f64(),
        MAX_LAG.as_secs()
    );
    let remedy = "see that it gives back all samples that it gets";
    lane_failed(core, lane, &cause, remedy);
}

/// Lets the stream lag as far as the slowest lane needs, which is more than before, and tells the pipeline.
pub fn grow(core: &Shared, stream: &mut AudioStream, delay: u64) {
    stream.delay = delay;
    let delay = stream.spec.duration_of(delay);
    gst::info!(
        CAT,
        "Audio goes out {delay:?} later, since a candidate lags so far"
    );
    core.timing.set_audio_delay(delay);
    core.bus.latency_changed();
}
