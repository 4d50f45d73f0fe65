// SPDX-License-Identifier: MPL-2.0

//! A look at lanes beside the one that sounds: on sound it takes a stretch of buffers, since a candidate has to hear
//! on to be what it is.

use std::sync::Arc;
use std::time::Duration;

use super::metas;
use super::stream::AudioStream;
use crate::elements::switch::lanes::status::LaneOutput;
use crate::elements::switch::scoring::trial::{Trial, TrialKind};
use crate::elements::switch::shared::Shared;
use crate::elements::switch::video::chain::{AnsweredBy, FrameContext};
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

impl Shared {
    /// Goes on with a look at other lanes, or begins one, if the policy wants one.
    pub(in crate::elements::switch) fn look_at_stretch(
        self: &Arc<Self>,
        stream: &mut AudioStream,
        context: &FrameContext,
        source: AnsweredBy,
    ) {
        let AnsweredBy::Active(active) = source else {
            stream.stretch = None;
            return;
        };
        let newest = stream.recent.back().map_or(0, |it| it.0.start);
        let is_whole = |it: &mut ShadowWindow| it.end + stream.delay <= newest;
        if let Some(whole) = stream.stretch.take_if(is_whole) {
            self.compare_stretch(stream, &whole, context);
        }
        if context.missed || stream.stretch.as_ref().is_some_and(|it| it.active != active) {
            stream.stretch = None;
        }
        if stream.stretch.is_none() {
            stream.stretch = self.begin_stretch(stream, context, active, newest);
        }
        let Some((lanes, kind)) = stream.stretch.as_ref().map(|it| (it.lanes, it.kind)) else {
            return;
        };
        for lane in lanes.into_iter().flatten() {
            if let Some(heard) = stream.newest(kind) {
                self.hear(lane, heard, context);
            }
        }
    }

    fn begin_stretch(
        &self,
        stream: &AudioStream,
        context: &FrameContext,
        active: usize,
        begin: u64,
    ) -> Option<ShadowWindow> {
        if context.settings.exhaustive || context.missed || stream.wanted != Some(active) {
            return None;
        }
        let slack = context.plan.period.saturating_sub(context.clock.elapsed());
        let shadow = self
            .policy_adapter
            .lock()
            .shadow(context.now(), slack, &self.board)?;
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

    /// Hands over what the lanes made of the stretch, for the scorer to compare; this copies it, once a look.
    ///
    /// Equal samples say nothing: what only listens passes them on, and its answers are metas. One that has said nothing
    /// in this stretch, while the active one has, may just listen to longer ones.
    fn compare_stretch(&self, stream: &AudioStream, stretch: &ShadowWindow, context: &FrameContext) {
        let read = |lane: usize| Some((lane, self.taken_from(stream, lane, stretch)?));
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
        let pts = stream.timeline.time_of(stretch.position);
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
        let aim = TrialKind::Quality {
            caps: None,
            perturbed: false,
        };
        let mut trial = Trial::new(
            context.frame.clone(),
            context.entered,
            context.plan.number,
            (stretch.kind, aim),
            answer(active),
            [None, None],
        );
        trial.answers.extend(others.into_iter().map(answer));
        if let Some(scorer) = self.scorer.lock().as_ref() {
            scorer.score(trial);
        }
    }

    /// What a lane has given of the stretch; `None` when it has not given all of it.
    fn taken_from(&self, stream: &AudioStream, lane: usize, stretch: &ShadowWindow) -> Option<Taken> {
        let samples = usize::try_from(stretch.end - stretch.position).ok()?;
        let mut bytes = vec![0; samples * stream.spec.width()];
        let state = self.board.lock();
        let audio = &state.slots.get(lane)?.audio;
        let said = audio.said.within(stretch.position..stretch.end);
        let is_whole = audio.track.read(stretch.position, &mut bytes);
        is_whole.then_some(Taken { bytes, said })
    }
}
