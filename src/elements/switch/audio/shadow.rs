// SPDX-License-Identifier: MPL-2.0

//! A look at lanes beside the one that sounds: on audio it takes a window of several buffers, since a candidate has to
//! hear on to be what it is.

use std::time::Duration;

use super::feed::hear;
use super::lane::{WARM_AHEAD, put_metas};
use super::stream::{AudioStream, ShadowWindow};
use crate::elements::switch::frame::{AnsweredBy, Pass};
use crate::elements::switch::lanes::elements::LaneOutput;
use crate::elements::switch::scoring::trial::TrialKind;
use crate::elements::switch::shared::Shared;

/// What is heard of each look after the lanes have got into the stream.
const LENGTH: Duration = Duration::from_millis(500);

/// What a lane has returned of a window.
struct Taken {
    bytes: Vec<u8>,
    said: Vec<gst::Buffer>,
}

/// Goes on with a look at other lanes, or begins one, if the policy wants one.
pub fn look_beside(pass: &mut Pass<AudioStream>, source: AnsweredBy) {
    let AnsweredBy::Active(active) = source else {
        pass.stream.window = None;
        return;
    };
    let (newest, delay) = (
        pass.stream.recent.back().map_or(0, |it| it.0.start),
        pass.stream.delay,
    );
    let is_whole = |it: &mut ShadowWindow| it.end + delay <= newest;
    if let Some(whole) = pass.stream.window.take_if(is_whole) {
        compare_window(pass, &whole);
    }
    let window = &mut pass.stream.window;
    window.take_if(|it| pass.context.missed || it.active != active);
    if window.is_none() {
        pass.stream.window = begin_window(pass, active, newest);
    }
    let Some((lanes, kind)) = pass.stream.window.as_ref().map(|it| (it.lanes, it.kind)) else {
        return;
    };
    for lane in lanes.into_iter().flatten() {
        hear(pass, lane, pass.stream.newest(kind));
    }
}

fn begin_window(pass: &mut Pass<AudioStream>, active: usize, begin: u64) -> Option<ShadowWindow> {
    let context = &pass.context;
    if context.settings.exhaustive || context.missed || pass.stream.wanted != Some(active) {
        return None;
    }
    let core = pass.core;
    pass.look_who_is_free(&core.lanes.lock());
    let (shadow, lanes) = pass.shadow(active)?;
    let spec = pass.stream.spec;
    let position = begin + spec.samples_in(WARM_AHEAD);
    Some(ShadowWindow {
        active,
        lanes,
        kind: shadow.kind,
        position,
        end: position + spec.samples_in(LENGTH),
    })
}

/// Hands over what the lanes made of the window, for the scorer to compare; this copies it, once a look.
///
/// Equal samples say nothing: what only listens passes them on, and its answers are metas. One that has said nothing
/// in this window, while the active one has, may just listen to longer ones.
fn compare_window(pass: &Pass<AudioStream>, window: &ShadowWindow) {
    let (core, stream) = (pass.core, &*pass.stream);
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
            put_metas(&taken.said[last..], buffer);
        }
        let caps = Some(stream.caps.clone());
        (lane, LaneOutput { buffer, caps })
    };
    let aim = TrialKind::Quality { perturbed: false };
    let mut trial = pass.trial(&core.lanes.lock(), None, window.kind, aim);
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
