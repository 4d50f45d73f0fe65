// SPDX-License-Identifier: MPL-2.0

//! How a stream begins where raw first frames are a fault (`start=wait`): nothing leaves before a candidate is ready.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gst::prelude::*;

use super::CAT;
use super::audio::AudioStream;
use super::enums::{LatePolicy, StartMode};
use super::frame::Pass;
use super::lanes::answer_caps::Shape;
use super::lanes::feed::feed;
use super::lanes::lane::{Lane, LaneState, Purpose};
use super::lanes::run::Feed;
use super::lanes::state::Lanes;
use super::settings::Settings;
use super::shared::Shared;
use super::stream::{Control, VideoStream};
use crate::audio::Source;
use crate::elements::stamp;
use crate::elements::timed_join::TimedJoin;

/// How long a candidate warms up alone before the next one does beside it: longer than three runs of most models, so that
/// these are not measured beside each other.
const ALONE: gst::ClockTime = gst::ClockTime::from_mseconds(500);

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(100);

/// Value of the bytes of frames that are made up: gray, or near it, in all formats.
const GRAY: u8 = 0x80;

/// Whether a frame may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    Go,
    /// It is not shown: the stream has not started.
    Drop,
}

/// What a look at the lanes shows.
enum Look {
    /// One is ready, or none will ever be.
    Over,
    /// One more may warm up on the frame.
    Warm(Option<Feed>),
}

/// Lets a frame wait until a candidate is ready, and warms candidates up on it meanwhile; of a live stream, nothing waits,
/// and frames are dropped.
pub fn hold_frame(pass: &mut Pass<VideoStream>) -> Result<Begin, gst::FlowError> {
    let settings = pass.context.settings.clone();
    if pass.control.start.is_over(&settings) {
        return Ok(Begin::Go);
    }
    let (core, limit) = (pass.core, pass.control.start.limit(&settings));
    // Who asked to wait for every answer waits for the first one too.
    let is_live = core.timing.is_live(&core.sink) && !pass.context.waits();
    let pinned = pass.context.plan.named.pinned;
    loop {
        let next = match look(&mut core.lanes.lock(), pinned, &pass.context.frame) {
            Look::Over => break,
            Look::Warm(next) => next,
        };
        feed(core, next);
        if limit.is_some_and(|it| it <= Instant::now()) {
            tell_limit(core, &settings);
            break;
        }
        if is_live {
            drop_frame(core, pass.control);
            return Ok(Begin::Drop);
        }
        let end = Instant::now() + POLL;
        let end = limit.map_or(end, |it| it.min(end));
        if !core.lanes.wait_until(end, |lanes| {
            is_settled(lanes, pinned) || may_warm(lanes).is_some()
        }) {
            return Err(gst::FlowError::Flushing);
        }
    }
    pass.control.start.end();
    // The time that it waited is not what it takes.
    pass.context.clock = Instant::now();
    pass.replan();
    Ok(Begin::Go)
}

/// Whether sound of a live stream may leave: once only candidates are heard. Where the stream is not live, it waits for
/// candidates until then.
pub fn hold_sound(pass: &mut Pass<AudioStream>) -> Begin {
    let settings = pass.context.settings.clone();
    if pass.control.start.is_over(&settings) {
        return Begin::Go;
    }
    let limit = pass.control.start.limit(&settings);
    let heard = &pass.stream.crossfader;
    let is_candidate = matches!(heard.target(), Some(Source::Candidate(_))) && !heard.sounds(Source::Input);
    let is_alone = !pass.core.lanes.lock().iter().any(Lane::is_worth_waiting);
    let is_late = limit.is_some_and(|it| it <= Instant::now());
    if !is_candidate && !is_alone && !is_late {
        return Begin::Drop;
    }
    if !is_candidate && is_late {
        tell_limit(pass.core, &settings);
    }
    pass.control.start.end();
    Begin::Go
}

/// Lets sound that is not live wait for candidates for as long as the stream begins, whatever `late-policy` says.
pub fn wait_for_sound(pass: &mut Pass<AudioStream>) {
    let settings = pass.context.settings.clone();
    if !pass.control.start.is_over(&settings) && !pass.core.timing.is_live(&pass.core.sink) {
        pass.context.policy = LatePolicy::Wait;
    }
}

fn tell_limit(core: &Shared, settings: &Settings) {
    core.bus.warn(
        &format!(
            "no candidate was ready within the `start-timeout` of {:.1} s: the stream starts without one",
            Duration::from(settings.start_timeout).as_secs_f64()
        ),
        "raise `start-timeout` (0 = no limit), or see in `stats` what the candidates wait for",
    );
}

fn drop_frame(core: &Shared, control: &mut Control) {
    let counts = &mut control.totals.counts;
    (counts.frames_in, counts.dropped) = (counts.frames_in + 1, counts.dropped + 1);
    control.publish(&core.published);
}

fn look(lanes: &mut Lanes, pinned: Option<usize>, frame: &gst::Buffer) -> Look {
    if is_settled(lanes, pinned) {
        return Look::Over;
    }
    let next = may_warm(lanes);
    Look::Warm(next.and_then(|it| lanes.claim(it, frame.clone(), Purpose::WarmUp)))
}

/// Whether somebody is ready who may answer, the pinned one while it may come; or nobody is worth waiting for.
fn is_settled(lanes: &Lanes, pinned: Option<usize>) -> bool {
    let is_ready = |it: &Lane| it.state == LaneState::Ready && !it.is_forbidden;
    match pinned.filter(|it| lanes.is(*it, Lane::is_worth_waiting)) {
        Some(pinned) => lanes.is(pinned, is_ready),
        None => lanes.iter().any(is_ready) || !lanes.iter().any(Lane::is_worth_waiting),
    }
}

/// A lane that can warm up now: one after the other, unless one takes long.
fn may_warm(lanes: &Lanes) -> Option<usize> {
    let now = gst::get_timestamp();
    let is_fresh = |it: &Lane| it.run.is_some_and(|it| now < it.started + ALONE);
    if lanes.iter().any(is_fresh) {
        return None;
    }
    lanes.to_warm()
}

/// Warms the candidates up on made-up frames while a live pipeline is in PAUSED, where none flow; so an application hears of
/// those that are ready before it goes on. Runs on the streaming thread, which has just told the lanes of these caps.
pub fn warm_ahead(core: &Arc<Shared>, caps: &gst::CapsRef) {
    let is_paused = core
        .bus
        .element()
        .is_some_and(|it| it.current_state() < gst::State::Playing);
    let is_asked = core.settings.load().start == StartMode::Wait && core.lanes.lock().newest.is_none();
    if !is_asked || !is_paused {
        return;
    }
    let Shape::Frames(info) = Shape::of(caps) else {
        return;
    };
    if core.segment().is_some() || !core.timing.is_live(&core.sink) {
        return;
    }
    // The stream's own comes before its first frame.
    let segment = gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new());
    for lane in core.lanes.list().present() {
        lane.entry.push_event(segment.clone());
    }
    let weak = Arc::downgrade(core);
    let warm = move || {
        while let Some(core) = weak.upgrade() {
            if !warm_one(&core, &info) {
                return;
            }
        }
    };
    match TimedJoin::of("avrec-warm-up".to_string(), warm) {
        Ok(thread) => core.endings.add(Some(thread)),
        Err(error) => gst::warning!(CAT, "No warm-up before the first frame: no thread: {error}"),
    }
}

/// Lets one candidate see a made-up frame, if one can; `false` once there is nothing more to do.
fn warm_one(core: &Shared, info: &gst_video::VideoInfo) -> bool {
    let is_done = |lanes: &Lanes| {
        let is_open = |it: &Lane| matches!(it.state, LaneState::Loading) || it.is_warming();
        lanes.newest.is_some() || !lanes.iter().any(is_open)
    };
    let is_changed = |lanes: &Lanes| is_done(lanes) || may_warm(lanes).is_some();
    if !core.lanes.wait_until(Instant::now() + POLL, is_changed) {
        return false;
    }
    let mut frame = gst::Buffer::from_mut_slice(vec![GRAY; info.size()]);
    if let Some(frame) = frame.get_mut() {
        frame.set_pts(gst::ClockTime::ZERO);
        stamp::stamp(frame, gst::get_timestamp());
    }
    let next = {
        let mut lanes = core.lanes.lock();
        if is_done(&lanes) {
            return false;
        }
        may_warm(&lanes).and_then(|it| lanes.claim(it, frame, Purpose::WarmUp))
    };
    feed(core, next);
    true
}
