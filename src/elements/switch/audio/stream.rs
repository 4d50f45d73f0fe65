// SPDX-License-Identifier: MPL-2.0

//! What the streaming thread knows of a stream of sound: the input of late, who sounds, and who shall.

use std::collections::VecDeque;
use std::ops::Range;

use super::lane::AudioBlock;
use super::output::OutputPool;
use super::shadow::ShadowWindow;
use crate::audio::{
    BufferDuration, Crossfader, Request, Ring, SampleSources, Source, Spec, Timeline,
};
use crate::elements::switch::lanes::run::State;
use crate::elements::switch::lanes::status::LaneStatus;
use crate::policy::{CandidateId, RunKind, Switch};

/// A stream of sound. Belongs to the streaming thread.
#[derive(Debug)]
pub struct AudioStream {
    pub spec: Spec,
    pub caps: gst::Caps,
    pub timeline: Timeline,
    pub crossfader: Crossfader,
    pub input: Ring<u8>,
    /// The last buffers that came in, and the positions of their samples.
    pub recent: VecDeque<(Range<u64>, gst::Buffer)>,
    /// Samples by which the stream goes out later than it comes in.
    pub delay: u64,
    /// Who is to sound.
    pub wanted: Option<usize>,
    /// Who sounded before, and does until the one that is wanted has heard enough.
    pub leaving: Option<usize>,
    /// The switch to the one that is wanted, which is told when it sounds.
    pub pending: Option<Switch>,
    pub buffer_duration: BufferDuration,
    pub pool: OutputPool,
    /// A look at lanes beside the one that sounds.
    pub stretch: Option<ShadowWindow>,
    /// The next buffer does not follow the last one: time begins anew with it.
    pub is_new: bool,
    /// What goes out next does not follow what went out last.
    pub is_discontinuous: bool,
}

impl AudioStream {
    pub fn new(spec: Spec, caps: gst::Caps) -> AudioStream {
        AudioStream {
            spec,
            caps,
            timeline: Timeline::new(spec.rate),
            crossfader: Crossfader::new(spec),
            input: Ring::default(),
            recent: VecDeque::with_capacity(64),
            delay: 0,
            wanted: None,
            leaving: None,
            pending: None,
            buffer_duration: BufferDuration::default(),
            pool: OutputPool::default(),
            stretch: None,
            is_new: true,
            is_discontinuous: true,
        }
    }

    /// Sets the time of what comes next; nothing is left of what was before.
    pub fn begin(&mut self, pts: Option<gst::ClockTime>) {
        self.timeline.begin(pts);
        let at = self.timeline.end();
        self.crossfader.restart(at);
        self.input.restart(at, self.spec.width());
        self.recent.clear();
        self.stretch = None;
        (self.is_new, self.is_discontinuous) = (false, true);
        self.leaving = None;
    }

    /// Takes over whom the policy wants, and why, if it wants somebody else.
    pub fn want(&mut self, lane: usize, switch: Option<Switch>) {
        if switch.is_some() {
            self.pending = switch;
        }
        if self.wanted == Some(lane) {
            return;
        }
        self.wanted = Some(lane);
        // Who waits to sound and is not wanted any more was never heard.
        if let Some(Source::Candidate(sounding)) = self.crossfader.target() {
            self.leaving = Some(sounding).filter(|it| *it != lane);
        }
        self.leaving = self.leaving.filter(|it| *it != lane);
    }

    /// The switch to be told of, once the one that is wanted sounds.
    pub fn take_switch(&mut self, active: Option<usize>) -> Option<Switch> {
        let wanted = self.wanted.map(Source::Candidate)?;
        if self.crossfader.target() != Some(wanted) {
            return None;
        }
        let switch = self
            .pending
            .take()
            .filter(|it| Source::Candidate(it.to.0) == wanted)?;
        let from = active.map(CandidateId);
        (from != Some(switch.to)).then_some(Switch { from, ..switch })
    }

    /// Forgets who leaves, once he is not heard any more.
    pub fn part(&mut self) {
        let wanted = self.wanted.map(Source::Candidate);
        let is_heard = |lane: usize| self.crossfader.sounds(Source::Candidate(lane));
        if self.crossfader.target() == wanted && self.leaving.is_some_and(|it| !is_heard(it)) {
            self.leaving = None;
        }
    }

    /// Position behind the last sample that can go out.
    pub fn due(&self) -> u64 {
        let due = self.timeline.end().saturating_sub(self.delay);
        due.max(self.crossfader.position())
    }

    /// The newest buffer, for a lane to hear.
    pub fn newest(&self, kind: RunKind) -> Option<AudioBlock> {
        let (positions, frame) = self.recent.back()?;
        Some(heard(positions, frame, kind))
    }

    /// The buffers of late, the oldest first, for a lane that has to hear what was before.
    pub fn before_newest(&self) -> impl Iterator<Item = AudioBlock> {
        let older = self.recent.len().saturating_sub(1);
        let older = self.recent.iter().take(older);
        older.map(|(positions, frame)| heard(positions, frame, RunKind::WarmUp))
    }

    /// Whom to let sound, the first that can: who is wanted, who was before, and the one that `floor` names.
    pub fn requests(&self, state: &State, floor: Option<usize>) -> Requests {
        let mut requests = Requests::default();
        for lane in [self.wanted, self.leaving, floor].into_iter().flatten() {
            let slot = state.slots.get(lane).filter(|it| !it.is_forbidden);
            let ready_at = slot.and_then(|it| it.ready_at(self.timeline.origin(), &self.spec));
            if let Some(ready_at) = ready_at {
                let source = Source::Candidate(lane);
                requests.list[requests.count] = Request { source, ready_at };
                requests.count += 1;
            }
        }
        requests
    }

    /// Lets go of the samples that nobody will read any more; buffers that a lane may have to hear again are kept for
    /// `memory` samples before what goes out next.
    pub fn forget(&mut self, state: &mut State, memory: u64) {
        let next = self.crossfader.position();
        // The sample before is needed to lead over from it.
        let kept = self.stretch.as_ref().map_or(next, |it| it.position().min(next));
        let kept = kept.saturating_sub(1);
        self.input.forget(kept);
        for slot in &mut state.slots {
            slot.audio.track.forget(kept);
            slot.audio.said.forget(kept);
        }
        while self.recent.len() > 1
            && self
                .recent
                .front()
                .is_some_and(|it| it.0.end.saturating_add(memory) <= next)
        {
            self.recent.pop_front();
        }
    }
}

fn heard(positions: &Range<u64>, frame: &gst::Buffer, kind: RunKind) -> AudioBlock {
    AudioBlock {
        frame: frame.clone(),
        start: positions.start,
        end: positions.end,
        kind,
    }
}

/// Whom to let sound, the first that can.
#[derive(Debug)]
pub struct Requests {
    list: [Request; 3],
    count: usize,
}

impl Default for Requests {
    fn default() -> Requests {
        let source = Source::Input;
        Requests {
            list: [Request { source, ready_at: 0 }; 3],
            count: 0,
        }
    }
}

impl std::ops::Deref for Requests {
    type Target = [Request];

    fn deref(&self) -> &[Request] {
        &self.list[..self.count]
    }
}

/// The input, and what the lanes have given.
pub struct Versions<'a> {
    pub input: &'a Ring<u8>,
    pub slots: &'a [LaneStatus],
}

impl SampleSources for Versions<'_> {
    fn span(&self, source: Source) -> Range<u64> {
        match source {
            Source::Input => self.input.span(),
            Source::Candidate(lane) => self.slots.get(lane).map_or(0..0, |it| it.audio.track.span()),
        }
    }

    fn read(&self, source: Source, from: u64, into: &mut [u8]) -> bool {
        match source {
            Source::Input => self.input.read(from, into),
            Source::Candidate(lane) => self
                .slots
                .get(lane)
                .is_some_and(|it| it.audio.track.read(from, into)),
        }
    }
}
