// SPDX-License-Identifier: MPL-2.0

//! A stream of sound in this element: buffers in, buffers with the answers out, each sample at its time.

use gst::ClockTime;
use gst::prelude::*;

use super::answer_settings::DecodeOptions;
use super::audio_model::Sound;
use super::failure::Fault;
use super::model::{Active, Timing};
use crate::media::sound::{Blend, Continuity, Planar, Samples, Span, Timeline};

/// Time that a new model listens before its answers are heard: its delay lines are filled, and recurrent state
/// has forgotten that it began with silence.
const WARM_UP: ClockTime = ClockTime::from_mseconds(50);

/// Time that one stream of sound goes through, and what is in it.
pub struct AudioStream {
    sound: Sound,
    samples: Samples,
    timeline: Timeline,
    /// What all buffers so far have as a common divisor of their lengths, which says how much must wait.
    unit: usize,
    given: u64,
    /// Samples before the model that answers began to listen.
    since: u64,
    leaving: Option<Leaving>,
    input: Planar,
    output: Planar,
    old_output: Planar,
    /// Whether the next buffer out begins a stretch.
    starts: bool,
}

/// A model that was replaced, and is heard until the new one took over.
struct Leaving {
    old: Box<Active>,
    /// Samples before the new model is heard, from the stream's start.
    until: u64,
    blend: Blend,
}

/// What one buffer came to.
pub struct Step {
    pub output: Option<gst::Buffer>,
    pub runs: Option<std::time::Duration>,
    /// A replaced model that is not needed any more.
    pub retired: Option<Box<Active>>,
}

impl AudioStream {
    pub fn new(sound: &Sound) -> Result<AudioStream, Fault> {
        let channels = sound.info.channels() as usize;
        let lists = || vec![Vec::new(); channels];
        Ok(AudioStream {
            sound: sound.clone(),
            samples: Samples::new(sound.info.format(), channels)?,
            timeline: Timeline::new(sound.info.rate()),
            unit: 0,
            given: 0,
            since: 0,
            leaving: None,
            input: lists(),
            output: lists(),
            old_output: lists(),
            starts: true,
        })
    }

    /// Whether the buffer does not follow the one before, so that what waits should be drained first.
    pub fn is_broken_by(&self, buffer: &gst::BufferRef) -> bool {
        let is_marked = buffer.flags().contains(gst::BufferFlags::DISCONT);
        self.timeline.taken() != 0 && (is_marked || self.timeline.check(buffer.pts()) == Continuity::Broken)
    }

    /// Whether a model is being replaced just now.
    pub fn is_blending(&self) -> bool {
        self.leaving.is_some()
    }

    /// Samples that wait at most while this model answers, and the one that it replaces.
    pub fn longest_lag(&self, active: &Active) -> usize {
        let leaving = self.leaving.as_ref().map(|it| it.old.as_ref());
        let lags = leaving.into_iter().chain([active]);
        lags.filter_map(Active::hops)
            .map(|hops| hops.plan().longest_lag())
            .max()
            .unwrap_or(0)
    }

    /// Lets `old` be heard on until the model that replaces it has warmed up. Returns it where nothing was heard
    /// of it yet.
    pub fn replace(&mut self, old: Box<Active>) -> Option<Box<Active>> {
        self.since = self.timeline.taken();
        if self.since == 0 || self.leaving.is_some() || old.hops().is_none() {
            return Some(old);
        }
        let rate = self.sound.info.rate();
        let warm_up = WARM_UP
            .nseconds()
            .mul_div_round(u64::from(rate), ClockTime::SECOND.nseconds());
        self.leaving = Some(Leaving {
            old,
            until: self.since + warm_up.unwrap_or(0),
            blend: Blend::new(rate),
        });
        None
    }

    /// Takes a buffer and gives one with as many answers, those to earlier samples by the lag.
    pub fn step(&mut self, active: &mut Active, buffer: gst::Buffer) -> Result<Step, Fault> {
        let count = self.read(&buffer)?;
        self.timeline.take(buffer.pts(), count);
        self.unit = gcd(self.unit, count);
        let runs = active.push_sound(&self.input)?;
        if let Some(leaving) = &mut self.leaving {
            leaving.old.push_sound(&self.input)?;
        }
        let leaving = self.leaving.as_ref().map(|it| it.old.as_ref());
        let lags = leaving.into_iter().chain([&*active]).filter_map(Active::hops);
        let lag = lags.map(|hops| hops.plan().lag(self.unit)).max().unwrap_or(0) as u64;
        let due = (self.timeline.taken() - self.given).saturating_sub(lag);
        let span = self.pull(active, usize::try_from(due).unwrap_or(usize::MAX));
        let output = (due != 0).then(|| self.write(buffer, span)).transpose()?;
        Ok(Step {
            output,
            runs,
            retired: self.retire(),
        })
    }

    /// Gives all that waits and forgets the stream, which may begin anew.
    pub fn drain(&mut self, active: &mut Active) -> Result<Step, Fault> {
        let waiting = self.timeline.taken() - self.given;
        let mut output = None;
        if waiting != 0 && active.hops().is_some() {
            active.finish_sound()?;
            if let Some(leaving) = &mut self.leaving {
                leaving.old.finish_sound()?;
            }
            let span = self.pull(active, usize::try_from(waiting).unwrap_or(usize::MAX));
            output = Some(self.write(gst::Buffer::new(), span)?);
        }
        self.forget();
        active.forget_sound();
        Ok(Step {
            output,
            runs: None,
            retired: self.leaving.take().map(|it| it.old),
        })
    }

    /// Forgets the stream, and what waits.
    pub fn forget(&mut self) {
        self.timeline.reset();
        (self.unit, self.given, self.since, self.starts) = (0, 0, 0, true);
    }

    /// Takes the model that was being replaced.
    pub fn take_leaving(&mut self) -> Option<Box<Active>> {
        self.leaving.take().map(|it| it.old)
    }

    /// Takes a buffer that passes, and tells of windows with their times.
    pub fn listen(
        &mut self,
        active: &mut Active,
        buffer: &gst::BufferRef,
        request: (&DecodeOptions, u32),
        mut tell: impl FnMut(&crate::runtime::Model, &super::audio_model::Heard<'_>, Span),
    ) -> Result<Vec<Timing>, Fault> {
        let count = self.read(buffer)?;
        self.timeline.take(buffer.pts(), count);
        let mut timings = Vec::new();
        let timeline = &self.timeline;
        let since = self.since;
        active.listen(&self.input, request, |model, heard| {
            timings.push(heard.timing);
            tell(model, &heard, timeline.at(since + heard.first, heard.samples));
        })?;
        // The times of what windows may reach back to are kept.
        let kept = active.window_reach() as u64;
        let passed = self
            .timeline
            .taken()
            .saturating_sub(kept)
            .saturating_sub(self.given);
        self.timeline.give(usize::try_from(passed).unwrap_or(0));
        self.given += passed;
        Ok(timings)
    }

    /// Reads a buffer into `input`, and returns its samples per channel.
    fn read(&mut self, buffer: &gst::BufferRef) -> Result<usize, Fault> {
        let fault = || Fault::Frame {
            size: buffer.size(),
            pts: buffer.pts().display().to_string(),
            caps: format!("{:?}", self.sound.info),
        };
        let map = buffer.map_readable().map_err(|_| fault())?;
        self.samples.read(&map, &mut self.input)?;
        if buffer.flags().contains(gst::BufferFlags::GAP) {
            // Whatever stands in it, it is to be taken for silence.
            self.input.iter_mut().for_each(|it| it.fill(0.0));
        }
        Ok(self.input.first().map_or(0, Vec::len))
    }

    /// Moves the next `count` answers into `output`.
    fn pull(&mut self, active: &mut Active, count: usize) -> Span {
        self.output.iter_mut().for_each(Vec::clear);
        let start = self.given;
        self.given += count as u64;
        let span = self.timeline.give(count);
        let Some(leaving) = &mut self.leaving else {
            active.pull_sound(count, &mut self.output);
            return span;
        };
        self.old_output.iter_mut().for_each(Vec::clear);
        leaving.old.pull_sound(count, &mut self.old_output);
        // The new model has no answer to what came before it, and until it is warm nobody hears it.
        let before = usize::try_from(self.since.saturating_sub(start))
            .unwrap_or(usize::MAX)
            .min(count);
        let hidden = usize::try_from(leaving.until.saturating_sub(start))
            .unwrap_or(usize::MAX)
            .min(count);
        for (new, old) in self.output.iter_mut().zip(&self.old_output) {
            new.extend_from_slice(old.get(..before).unwrap_or(old));
        }
        active.pull_sound(count - before, &mut self.output);
        for (new, old) in self.output.iter_mut().zip(&self.old_output) {
            new.iter_mut()
                .zip(old)
                .take(hidden)
                .for_each(|(new, old)| *new = *old);
        }
        leaving.blend.run(&self.old_output, &mut self.output, hidden);
        span
    }

    fn retire(&mut self) -> Option<Box<Active>> {
        let is_over = |it: &mut Leaving| it.blend.left() == 0;
        self.leaving.take_if(is_over).map(|it| it.old)
    }

    /// Writes `output` into the buffer, or into a new one with what is said of this one.
    fn write(&mut self, mut buffer: gst::Buffer, span: Span) -> Result<gst::Buffer, Fault> {
        let size = self.output.first().map_or(0, Vec::len) * self.samples.frame_size();
        if buffer.size() != size {
            let fault = |_| Fault::Memory(size);
            let mut other = gst::Buffer::with_size(size).map_err(fault)?;
            let metadata = gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::META;
            if let Some(other) = other.get_mut() {
                // Fails for want of memory only; then what was said of the buffer is lost.
                let _ = buffer.copy_into(other, metadata, ..);
            }
            buffer = other;
        }
        let target = buffer.make_mut();
        target.set_pts(span.pts);
        target.set_dts(None);
        target.set_duration(span.duration);
        target.set_offset(u64::MAX);
        target.set_offset_end(u64::MAX);
        target.unset_flags(gst::BufferFlags::GAP | gst::BufferFlags::DISCONT);
        if std::mem::take(&mut self.starts) {
            target.set_flags(gst::BufferFlags::DISCONT);
        }
        let mut map = target.map_writable().map_err(|_| Fault::Memory(size))?;
        self.samples.write(&self.output, &mut map);
        drop(map);
        Ok(buffer)
    }
}

fn gcd(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
