// SPDX-License-Identifier: MPL-2.0

//! A look at lanes beside the one that sounds: on audio it takes a window of several buffers, since a candidate has to
//! hear on to be what it is.

use std::time::Duration;

use super::feed::hear;
use super::metas;
use super::stream::{AudioStream, ShadowWindow};
use crate::elements::switch::frame::{AnsweredBy, FrameContext};
use crate::elements::switch::lanes::lane::Lane;
use crate::elements::switch::lanes::lane_output::LaneOutput;
use crate::elements::switch::policy_adapter::PolicyAdapter;
use crate::elements::switch::scoring::trial::{Trial, TrialKind};
use crate::elements::switch::shared::Shared;

/// What is heard of each look after the lanes have got into the stream.
const LENGTH: Duration = Duration::from_millis(500);

/// What a lane has returned of a window.
struct Taken {
    bytes: Vec<u8>,
    said: Vec<gst::Buffer>,
}

/// Goes on with a look at other lanes, or begins one, if the policy wants one.
pub fn look_beside(
    core: &Shared,
    adapter: &mut PolicyAdapter,
    stream: &mut AudioStream,
    context: &FrameContext,
    source: AnsweredBy,
) {
    let AnsweredBy::Active(active) = source else {
        stream.window = None;
        return;
    };
    let newest = stream.recent.back().map_or(0, |it| it.0.start);
    let is_whole = |it: &mut ShadowWindow| it.end + stream.delay <= newest;
    if let Some(whole) = stream.window.take_if(is_whole) {
        compare_window(core, adapter, stream, &whole, context);
    }
    if context.missed || stream.window.as_ref().is_some_and(|it| it.active != active) {
        stream.window = None;
    }
    if stream.window.is_none() {
        stream.window = begin_window(core, adapter, stream, context, active, newest);
    }
    let Some((lanes, kind)) = stream.window.as_ref().map(|it| (it.lanes, it.kind)) else {
        return;
    };
    for lane in lanes.into_iter().flatten() {
        hear(core, lane, stream.newest(kind), context);
    }
}

fn begin_window(
    core: &Shared,
    adapter: &mut PolicyAdapter,
    stream: &mut AudioStream,
    context: &FrameContext,
    active: usize,
    begin: u64,
) -> Option<ShadowWindow> {
    if context.settings.exhaustive || context.missed || stream.wanted != Some(active) {
        return None;
    }
    stream.beside.clear();
    stream
        .beside
        .extend(core.lanes.lock().iter().map(Lane::availability));
    let shadow = adapter.shadow(context.now(), context.slack(), &stream.beside)?;
    let mut lanes = shadow.ids().map(|it| it.0).filter(|it| *it != active);
    let ahead = stream.spec.samples_in(super::lane::WARM_AHEAD);
    Some(ShadowWindow {
        active,
        lanes: [lanes.next(), lanes.next()],
        kind: shadow.kind,
        position: begin + ahead,
        end: begin + ahead + stream.spec.samples_in(LENGTH),
    })
}

/// Hands over what the lanes made of the window, for the scorer to compare; this copies it, once a look.
///
/// Equal samples say nothing: what only listens passes them on, and its answers are metas. One that has said nothing
/// in this window, while the active one has, may just listen to longer ones.
fn compare_window(
    core: &Shared,
    adapter: &PolicyAdapter,
    stream: &AudioStream,
    window: &ShadowWindow,
    context: &FrameContext,
) {
    let read = |lane: usize| Some((lane, taken_from(core, stream, lane, window)?));
    let Some(active) = read(window.active) else {
        return;
    };
    let others = window.lanes.into_iter().flatten().filter_map(read);
    let is_comparable = |it: &Taken| match (it.said.last(), active.1.said.last()) {
        (None, None) => it.bytes != active.1.bytes,
        (one, other) => one.is_some() == other.is_some(),
    };
    let others: Vec<_> = others.filter(|(_, it)| is_comparable(it)).collect();
    if others.is_empty() {
        return;
    }
    let pts = stream.timeline.time_of(window.position);
    let answer = |(lane, taken): (usize, Taken)| {
        let mut buffer = gst::Buffer::from_mut_slice(taken.bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(pts);
            // The last word counts.
            let last = taken.said.len().saturating_sub(1);
            metas::put(&taken.said[last..], buffer);
        }
        let caps = Some(stream.caps.clone());
        (lane, LaneOutput { buffer, caps })
    };
    let frame = (context.frame.clone(), None, context.plan.number);
    let aim = TrialKind::Quality { perturbed: false };
    let trial_context = adapter.trial_context(&core.lanes.lock());
    let mut trial = Trial::new(frame, (window.kind, aim), trial_context);
    trial.answers.push(answer(active));
    trial.answers.extend(others.into_iter().map(answer));
    core.scoring.score(trial);
}

/// What a lane has returned of the window; `None` when it has not returned all of it.
fn taken_from(core: &Shared, stream: &AudioStream, lane: usize, window: &ShadowWindow) -> Option<Taken> {
    let samples = usize::try_from(window.end - window.position).ok()?;
    let mut bytes = vec![0; samples * stream.spec.width()];
    let state = core.lanes.lock();
    let audio = &state.get(lane)?.audio;
    let said = audio.metas.within(window.position..window.end);
    let is_whole = audio.track.read(window.position, &mut bytes);
    is_whole.then_some(Taken { bytes, said })
}
