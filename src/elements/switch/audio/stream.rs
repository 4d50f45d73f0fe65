// SPDX-License-Identifier: MPL-2.0

//! What the streaming thread knows of a stream of sound: the input of late, who sounds, and who shall.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use super::lane::AudioBlock;
use super::output::OutputPool;
use super::shadow::ShadowWindow;
use crate::audio::{
    BufferDuration, Crossfader, Format, Request, Ring, SampleSources, Source, Spec, Timeline,
};
use crate::elements::switch::lanes::state::Lanes;
use crate::policy::{Availability, CandidateId, RunKind, Switch};

/// A stream of sound. Belongs to the streaming thread.
#[derive(Debug)]
pub struct AudioStream {
    pub spec: Spec,
    pub caps: gst::Caps,
    pub timeline: Timeline,
    pub seam: Crossfader,
    pub input: Ring,
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
    pub pace: BufferDuration,
    pub stock: OutputPool,
    /// Who could run beside when that was last asked.
    pub beside: Vec<Availability>,
    /// A look at lanes beside the one that sounds.
    pub stretch: Option<ShadowWindow>,
    /// The next buffer does not follow the last one: time begins anew with it.
    pub is_new: bool,
    /// What goes out next does not follow what went out last.
    pub is_discontinuous: bool,
}

impl Spec {
    /// What caps say of sound that can be cross-faded; `None` for anything else.
    pub fn from_caps(caps: &gst::CapsRef) -> Option<Spec> {
        let features = caps.features(0)?;
        if !features.is_any() && !features.contains(gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY) {
            return None;
        }
        let structure = caps.structure(0).filter(|it| it.name() == "audio/x-raw")?;
        if structure.get::<&str>("layout").unwrap_or("interleaved") != "interleaved" {
            return None;
        }
        let positive = |name| {
            structure
                .get::<i32>(name)
                .ok()
                .and_then(|it| u32::try_from(it).ok())
                .filter(|it| 0 < *it)
        };
        Some(Spec {
            format: Format::parse(structure.get("format").ok()?)?,
            rate: positive("rate")?,
            channels: positive("channels")?,
        })
    }
}

impl AudioStream {
    pub fn new(spec: Spec, caps: gst::Caps) -> AudioStream {
        AudioStream {
            spec,
            caps,
            timeline: Timeline::new(spec.rate),
            seam: Crossfader::new(spec),
            input: Ring::default(),
            recent: VecDeque::with_capacity(64),
            delay: 0,
            wanted: None,
            leaving: None,
            pending: None,
            pace: BufferDuration::default(),
            stock: OutputPool::default(),
            beside: Vec::new(),
            stretch: None,
            is_new: true,
            is_discontinuous: true,
        }
    }

    /// Sets the time of what comes next; nothing is left of what was before.
    pub fn begin(&mut self, pts: Option<Duration>) {
        self.timeline.set(pts);
        let at = self.timeline.end();
        self.seam.restart(at);
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
        if let Some(Source::Candidate(sounding)) = self.seam.target() {
            self.leaving = Some(sounding).filter(|it| *it != lane);
        }
        self.leaving = self.leaving.filter(|it| *it != lane);
    }

    /// The switch to be told of, once the one that is wanted sounds.
    pub fn take_switch(&mut self, active: Option<usize>) -> Option<Switch> {
        let wanted = self.wanted.map(Source::Candidate)?;
        if self.seam.target() != Some(wanted) {
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
        let is_heard = |lane: usize| self.seam.sounds(Source::Candidate(lane));
        if self.seam.target() == wanted && self.leaving.is_some_and(|it| !is_heard(it)) {
            self.leaving = None;
        }
    }

    /// Position behind the last sample that can go out.
    pub fn due(&self) -> u64 {
        let due = self.timeline.end().saturating_sub(self.delay);
        due.max(self.seam.position())
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
    pub fn wishes(&self, state: &Lanes, floor: Option<usize>) -> Wishes {
        let mut wishes = Wishes::default();
        for lane in [self.wanted, self.leaving, floor].into_iter().flatten() {
            let slot = state.get(lane).filter(|it| !it.is_forbidden);
            let ripe_at = slot.and_then(|it| it.ripe_at(self.timeline.origin(), &self.spec));
            if let Some(ripe_at) = ripe_at {
                let source = Source::Candidate(lane);
                wishes.list[wishes.count] = Request { source, ripe_at };
                wishes.count += 1;
            }
        }
        wishes
    }

    /// Lets go of the samples that nobody will read any more; buffers that a lane may have to hear again are kept for
    /// `memory` samples before what goes out next.
    pub fn forget(&mut self, state: &mut Lanes, memory: u64) {
        let next = self.seam.position();
        // The sample before is needed to lead over from it.
        let kept = self.stretch.as_ref().map_or(next, |it| it.position().min(next));
        let kept = kept.saturating_sub(1);
        self.input.forget(kept);
        for slot in state.iter_mut() {
            slot.hearing.ear.forget(kept);
            slot.hearing.said.forget(kept);
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
pub struct Wishes {
    list: [Request; 3],
    count: usize,
}

impl Default for Wishes {
    fn default() -> Wishes {
        let source = Source::Input;
        Wishes {
            list: [Request { source, ripe_at: 0 }; 3],
            count: 0,
        }
    }
}

impl std::ops::Deref for Wishes {
    type Target = [Request];

    fn deref(&self) -> &[Request] {
        &self.list[..self.count]
    }
}

/// The input, and what the lanes have given.
pub struct Versions<'a> {
    pub input: &'a Ring,
    pub lanes: &'a Lanes,
}

impl SampleSources for Versions<'_> {
    fn span(&self, source: Source) -> Range<u64> {
        match source {
            Source::Input => self.input.span(),
            Source::Candidate(lane) => self.lanes.get(lane).map_or(0..0, |it| it.hearing.ear.span()),
        }
    }

    fn read(&self, source: Source, from: u64, into: &mut [u8]) -> bool {
        match source {
            Source::Input => self.input.read(from, into),
            Source::Candidate(lane) => self
                .lanes
                .get(lane)
                .is_some_and(|it| it.hearing.ear.read(from, into)),
        }
    }
}
