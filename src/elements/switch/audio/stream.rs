// SPDX-License-Identifier: MPL-2.0

//! What the streaming thread knows of a stream of audio: the input of late, who sounds, and who shall.

use std::collections::VecDeque;
use std::ops::Range;

use gst::prelude::*;

use super::lane::{AudioBlock, put_metas};
use crate::audio::{BufferDuration, Crossfader, Request, Ring, SampleSources, Source, Spec, Timeline};
use crate::elements::stamp;
use crate::elements::switch::lanes::state::Lanes;
use crate::policy::{CandidateId, RunKind, Switch};

/// A stream of audio. Belongs to the streaming thread.
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
    /// The lane that is to sound.
    pub wanted: Option<usize>,
    /// The lane that sounded before, and does until the one that is wanted has heard enough.
    pub leaving: Option<usize>,
    /// The switch to the one that is wanted, which is told when it sounds.
    pub pending: Option<Switch>,
    pub buffer_duration: BufferDuration,
    pub pool: OutputPool,
    /// A look at lanes beside the one that sounds.
    pub window: Option<ShadowWindow>,
    /// The next buffer does not follow the last one: time begins anew with it.
    pub is_new: bool,
    /// What goes out next does not follow what went out last.
    pub is_discontinuous: bool,
}

/// A look at one or two lanes beside the one that sounds.
#[derive(Debug)]
pub struct ShadowWindow {
    pub active: usize,
    pub lanes: [Option<usize>; 2],
    pub kind: RunKind,
    /// Position of the first sample to compare.
    pub position: u64,
    /// Where the look ends.
    pub end: u64,
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
            window: None,
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
        self.window = None;
        (self.is_new, self.is_discontinuous) = (false, true);
        self.leaving = None;
    }

    /// What comes next has nothing to do with what was, the time included.
    pub fn forget_time(&mut self) {
        self.timeline.forget_time();
        self.is_new = true;
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
            self.leaving = Some(sounding);
        }
        self.leaving = self.leaving.filter(|it| *it != lane);
    }

    /// The switch to be told of, once the one that is wanted sounds.
    pub fn take_switch(&mut self, active: Option<usize>) -> Option<Switch> {
        let wanted = self.wanted?;
        if self.crossfader.target() != Some(Source::Candidate(wanted)) {
            return None;
        }
        let switch = self.pending.take().filter(|it| it.to.0 == wanted)?;
        let from = active.map(CandidateId);
        (from != Some(switch.to)).then_some(Switch { from, ..switch })
    }

    /// Forgets the lane that leaves, once it is not heard any more.
    pub fn part(&mut self) {
        let is_heard = |lane: usize| self.crossfader.sounds(Source::Candidate(lane));
        if self.crossfader.target() == self.wanted.map(Source::Candidate) {
            self.leaving = self.leaving.filter(|it| is_heard(*it));
        }
    }

    /// Position behind the last sample that can go out.
    pub fn due(&self) -> u64 {
        let due = self.timeline.end().saturating_sub(self.delay);
        due.max(self.crossfader.position())
    }

    /// The newest buffer, for a lane to hear.
    pub fn newest(&self, kind: RunKind) -> Option<AudioBlock> {
        self.recent.back().map(|it| block(it, kind))
    }

    /// The buffers of late, the oldest first, for a lane that has to hear what was before.
    pub fn before_newest(&self) -> impl Iterator<Item = AudioBlock> {
        let older = self.recent.len().saturating_sub(1);
        self.recent
            .iter()
            .take(older)
            .map(|it| block(it, RunKind::WarmUp))
    }

    /// Whom to let sound, the first that can: who is wanted, who was before, and the one that `floor` names.
    pub fn requests(&self, lanes: &Lanes, floor: Option<usize>) -> [Option<Request>; 3] {
        [self.wanted, self.leaving, floor].map(|lane| {
            let source = Source::Candidate(lane?);
            let it = lanes.get(lane?).filter(|it| !it.is_forbidden)?;
            let ready_at = it.audio.ready_at(self.timeline.origin(), &self.spec)?;
            Some(Request { source, ready_at })
        })
    }

    /// Gives a buffer with samples of these positions their time, and the flags, the metas and the offset of the buffer that
    /// the first one came in with, and what was `said` of it. `entered` is when the newest buffer came in, where one did.
    pub fn apply_metadata(
        &mut self,
        buffer: &mut gst::BufferRef,
        positions: Range<u64>,
        entered: Option<gst::ClockTime>,
        said: &[gst::Buffer],
    ) {
        let span = self.timeline.span(positions.clone());
        if span.pts.is_some() {
            buffer.set_pts(span.pts);
            buffer.set_duration(span.duration);
        }
        let mut recent = self.recent.iter();
        if let Some((came_in, frame)) = recent.find(|it| it.0.contains(&positions.start)) {
            buffer.set_flags(frame.flags() & kept_flags());
            let offset = frame.offset();
            if offset != gst::ffi::GST_BUFFER_OFFSET_NONE {
                let offset = offset + (positions.start - came_in.start);
                buffer.set_offset(offset);
                buffer.set_offset_end(offset + (positions.end - positions.start));
            }
            for meta in frame.iter_meta::<gst::Meta>() {
                // A meta that cannot be copied by itself is one that its author bound to the buffer.
                let _ = meta.transform(buffer, &gst::meta::MetaTransformCopy::new(..));
            }
        }
        put_metas(said, buffer);
        if std::mem::take(&mut self.is_discontinuous) {
            buffer.set_flags(gst::BufferFlags::DISCONT);
        }
        match entered {
            Some(entered) => stamp::stamp(buffer, entered),
            None => stamp::remove(buffer),
        }
    }

    /// Lets go of the samples that nobody will read any more; buffers that a lane may have to hear again are kept for
    /// `memory` samples before what goes out next.
    pub fn forget(&mut self, lanes: &mut Lanes, memory: u64) {
        let next = self.crossfader.position();
        // The sample before is needed to lead over from it.
        let kept = self.window.as_ref().map_or(next, |it| it.position.min(next));
        let kept = kept.saturating_sub(1);
        self.input.forget(kept);
        for lane in lanes.iter_mut() {
            lane.audio.track.forget(kept);
            lane.audio.metas.forget(kept);
        }
        let is_old = |it: &(Range<u64>, gst::Buffer)| it.0.end.saturating_add(memory) <= next;
        while self.recent.len() > 1 && self.recent.front().is_some_and(is_old) {
            self.recent.pop_front();
        }
    }
}

fn block((positions, frame): &(Range<u64>, gst::Buffer), kind: RunKind) -> AudioBlock {
    AudioBlock {
        frame: frame.clone(),
        start: positions.start,
        end: positions.end,
        kind,
    }
}

/// Flags of a buffer that came in which its samples keep wherever they go: not whether samples are missing before
/// it, which is another question where they go out, nor that they are silence, which a candidate may have changed.
fn kept_flags() -> gst::BufferFlags {
    gst::BufferFlags::LIVE
        | gst::BufferFlags::CORRUPTED
        | gst::BufferFlags::MARKER
        | gst::BufferFlags::DROPPABLE
}

/// The input, and what the lanes have returned.
pub struct Versions<'a> {
    pub input: &'a Ring<u8>,
    pub lanes: &'a Lanes,
}

impl SampleSources for Versions<'_> {
    fn span(&self, source: Source) -> Range<u64> {
        match source {
            Source::Input => self.input.span(),
            Source::Candidate(lane) => self.lanes.get(lane).map_or(0..0, |it| it.audio.track.span()),
        }
    }

    fn read(&self, source: Source, from: u64, into: &mut [u8]) -> bool {
        match source {
            Source::Input => self.input.read(from, into),
            Source::Candidate(lane) => self.lanes.is(lane, |it| it.audio.track.read(from, into)),
        }
    }
}

/// Buffers of one size for what goes out, used again and again.
#[derive(Debug, Default)]
pub struct OutputPool {
    pool: Option<gst::BufferPool>,
    /// Bytes of a buffer.
    size: usize,
}

impl OutputPool {
    /// A buffer of so many bytes.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub fn take(&mut self, size: usize) -> Result<gst::Buffer, gst::FlowError> {
        if self.size < size {
            self.refill(size).map_err(|_| gst::FlowError::Error)?;
        }
        let pool = self.pool.as_ref().ok_or(gst::FlowError::Error)?;
        let mut buffer = pool.acquire_buffer(None)?;
        buffer.get_mut().ok_or(gst::FlowError::Error)?.set_size(size);
        Ok(buffer)
    }

    fn refill(&mut self, size: usize) -> Result<(), gst::glib::BoolError> {
        let pool = gst::BufferPool::new();
        let mut config = pool.config();
        let bytes = u32::try_from(size).unwrap_or(u32::MAX);
        config.set_params(None, bytes, 0, 0);
        pool.set_config(config)?;
        pool.set_active(true)?;
        // The pool before goes with the last of its buffers that are still out.
        (self.pool, self.size) = (Some(pool), size);
        Ok(())
    }
}
