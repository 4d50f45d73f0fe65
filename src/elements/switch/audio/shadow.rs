// SPDX-License-Identifier: MPL-2.0

//! A look at lanes beside the one that sounds: on sound it takes a stretch of buffers, since a candidate has to hear
//! on to be what it is.

use std::time::Duration;

use super::feed::hear;
use super::metas;
use super::stream::AudioStream;
use crate::elements::switch::frame::{AnsweredBy, FrameContext};
use crate::elements::switch::lanes::lane::Lane;
use crate::elements::switch::lanes::lane_output::LaneOutput;
use crate::elements::switch::policy_adapter::PolicyAdapter;
use crate::elements::switch::scoring::trial::{Trial, TrialKind};
use crate::elements::switch::shared::Shared;
use crate::policy::RunKind;

/// What is heard of each look after the lanes have got into the stream.
const LENGTH: Duration = Duration::from_millis(500);

/// A look at one or two lanes.
#[derive(Debug)]
pub struct ShadowWindow {
    active: usize,
    lanes: [Option<usize>; 2],
    kind: RunKind,
    /// Position of the first sample to compare.
    position: u64,
    /// Where the look ends.
    end: u64,
}

/// What a lane has given of a stretch.
struct Taken {
    bytes: Vec<u8>,
    said: Vec<gst::Buffer>,
}

impl ShadowWindow {
    /// Position of the first sample to compare.
    pub fn position(&self) -> u64 {
        self.position
    }
}

/// Goes on with a look at other lanes, or begins one, if the policy wants one.
pub fn look_at_stretch(
    core: &Shared,
    adapter: &mut PolicyAdapter,
    stage: &mut AudioStream,
    journey: &FrameContext,
    source: AnsweredBy,
) {
    let AnsweredBy::Active(active) = source else {
        stage.stretch = None;
        return;
    };
    let newest = stage.recent.back().map_or(0, |it| it.0.start);
    let is_whole = |it: &mut ShadowWindow| it.end + stage.delay <= newest;
    if let Some(whole) = stage.stretch.take_if(is_whole) {
        compare_stretch(core, adapter, stage, &whole, journey);
    }
    if journey.missed || stage.stretch.as_ref().is_some_and(|it| it.active != active) {
        stage.stretch = None;
    }
    if stage.stretch.is_none() {
        stage.stretch = begin_stretch(core, adapter, stage, journey, active, newest);
    }
    let Some((lanes, kind)) = stage.stretch.as_ref().map(|it| (it.lanes, it.kind)) else {
        return;
    };
    for lane in lanes.into_iter().flatten() {
        if let Some(heard) = stage.newest(kind) {
            hear(core, lane, heard, journey);
        }
    }
}

fn begin_stretch(
    core: &Shared,
    adapter: &mut PolicyAdapter,
    stage: &mut AudioStream,
    journey: &FrameContext,
    active: usize,
    begin: u64,
) -> Option<ShadowWindow> {
    if journey.settings.exhaustive || journey.missed || stage.wanted != Some(active) {
        return None;
    }
    stage.beside.clear();
    stage
        .beside
        .extend(core.lanes.lock().iter().map(Lane::availability));
    let shadow = adapter.shadow(journey.now(), journey.slack(), &stage.beside)?;
    let mut lanes = shadow.ids().map(|it| it.0).filter(|it| *it != active);
    let ahead = stage.spec.samples_in(super::lane::WARM_AHEAD);
    Some(ShadowWindow {
        active,
        lanes: [lanes.next(), lanes.next()],
        kind: shadow.kind,
        position: begin + ahead,
        end: begin + ahead + stage.spec.samples_in(LENGTH),
    })
}

/// Hands over what the lanes made of the stretch, for the scorer to compare; this copies it, once a look.
///
/// Equal samples say nothing: what only listens passes them on, and its answers are metas. One that has said nothing
/// in this stretch, while the active one has, may just listen to longer ones.
fn compare_stretch(
    core: &Shared,
    adapter: &PolicyAdapter,
    stage: &AudioStream,
    stretch: &ShadowWindow,
    journey: &FrameContext,
) {
    let read = |lane: usize| Some((lane, taken_from(core, stage, lane, stretch)?));
    let Some(active) = read(stretch.active) else {
        return;
    };
    let others = stretch.lanes.into_iter().flatten().filter_map(read);
    let is_comparable = |it: &Taken| match (it.said.last(), active.1.said.last()) {
        (None, None) => it.bytes != active.1.bytes,
        (one, other) => one.is_some() == other.is_some(),
    };
    let others: Vec<_> = others.filter(|(_, it)| is_comparable(it)).collect();
    if others.is_empty() {
        return;
    }
    let pts = gst::ClockTime::try_from(stage.timeline.time_of(stretch.position)).ok();
    let answer = |(lane, taken): (usize, Taken)| {
        let mut buffer = gst::Buffer::from_mut_slice(taken.bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(pts);
            // The last word counts.
            let last = taken.said.len().saturating_sub(1);
            metas::put(&taken.said[last..], buffer);
        }
        let caps = Some(stage.caps.clone());
        (lane, LaneOutput { buffer, caps })
    };
    let frame = (journey.frame.clone(), None, journey.plan.number);
    let aim = TrialKind::Quality { perturbed: false };
    let context = adapter.trial_context(&core.lanes.lock());
    let mut trial = Trial::new(frame, (stretch.kind, aim), context);
    trial.answers.push(answer(active));
    trial.answers.extend(others.into_iter().map(answer));
    core.scoring.score(trial);
}

/// What a lane has given of the stretch; `None` when it has not given all of it.
fn taken_from(core: &Shared, stage: &AudioStream, lane: usize, stretch: &ShadowWindow) -> Option<Taken> {
    let samples = usize::try_from(stretch.end - stretch.position).ok()?;
    let mut bytes = vec![0; samples * stage.spec.width()];
    let state = core.lanes.lock();
    let hearing = &state.get(lane)?.hearing;
    let said = hearing.said.within(stretch.position..stretch.end);
    let is_whole = hearing.ear.read(stretch.position, &mut bytes);
    is_whole.then_some(Taken { bytes, said })
}
