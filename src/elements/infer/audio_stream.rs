// SPDX-License-Identifier: MPL-2.0

//! A stream of audio in this element: buffers in, buffers with the answers out, each sample at its time.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use gst::ClockTime;
use gst::prelude::*;

use super::answer_settings::DecodeOptions;
use super::audio_model::{Heard, Sound, WindowResult};
use super::failure::Fault;
use super::model::Active;
use super::timing::Timing;
use crate::answer::Answer;
use crate::audio::{
    Crossfader, Planar, Request, Ring, SampleSources, Source, Span, Timeline, gcd, join, split,
};
use crate::runtime::Model;

/// Time that a new model listens before its answers are heard: its delay lines are filled, and recurrent state
/// has forgotten that it began with silence.
const WARM_UP: Duration = Duration::from_millis(50);

/// Time that one model takes to take over from another: long enough to hide a step, too short to be heard as an echo.
const CROSSFADE: Duration = Duration::from_millis(10);

/// The stream of audio that goes through the element, and what is in it.
pub struct AudioStream {
    sound: Sound,
    timeline: Timeline,
    crossfader: Crossfader,
    /// What all buffers so far have as a common divisor of their lengths, which says how much must wait.
    unit: usize,
    tracks: Tracks,
    /// The track of the model that answers; the other one is that of the model before it.
    current: usize,
    /// A model that was replaced, and is heard until the new one took over.
    leaving: Option<Box<Active>>,
    /// A replaced model that is not needed any more.
    retired: Option<Box<Active>>,
    /// Buffers that leave before the next one is taken.
    outgoing: VecDeque<gst::Buffer>,
    input: Planar,
    output: Planar,
    bytes: Vec<u8>,
    /// It was said that samples are no numbers.
    told_faults: bool,
    /// Whether the last answer of a model that hears voices was one.
    is_voice: Option<bool>,
    /// The next buffer in begins a stretch.
    is_new: bool,
    /// The next buffer out begins a stretch.
    starts: bool,
}

/// Scores from here on are a voice, as silero-vad counts them where nobody says another threshold.
const VOICE: f32 = 0.5;

/// What a model is to listen to.
enum Heed {
    Input,
    End,
}

/// What one model has answered and has not gone out yet.
#[derive(Default)]
struct Track {
    /// Position of the first sample that it heard.
    since: u64,
    /// Position from which on it may be heard.
    ready_at: u64,
    answers: Ring<u8>,
}

/// The tracks of the model that answers and of the one before it, as sources of the cross-fade.
#[derive(Default)]
struct Tracks([Track; 2]);

impl Track {
    fn begin(&mut self, at: u64, warm_up: u64, width: usize) {
        (self.since, self.ready_at) = (at, at + warm_up);
        self.answers.restart(at, width);
    }
}

impl SampleSources for Tracks {
    fn span(&self, source: Source) -> Range<u64> {
        match source {
            Source::Candidate(track) => self.0[track].answers.span(),
            Source::Input => 0..0,
        }
    }

    fn read(&self, source: Source, from: u64, into: &mut [u8]) -> bool {
        match source {
            Source::Candidate(track) => self.0[track].answers.read(from, into),
            Source::Input => false,
        }
    }
}

impl AudioStream {
    pub fn new(sound: &Sound) -> AudioStream {
        let mut crossfader = Crossfader::new(sound.spec);
        // The first sample of a fade is still the old source alone.
        crossfader.set_fade(sound.spec.samples_in(CROSSFADE) + 1);
        AudioStream {
            sound: sound.clone(),
            timeline: Timeline::new(sound.spec.rate),
            crossfader,
            unit: 0,
            tracks: Tracks::default(),
            current: 0,
            leaving: None,
            retired: None,
            outgoing: VecDeque::new(),
            input: Planar::new(),
            output: vec![Vec::new(); sound.spec.channels as usize],
            bytes: Vec::new(),
            is_voice: None,
            told_faults: false,
            is_new: true,
            starts: true,
        }
    }

    /// Takes over what an earlier stream has not let out yet.
    pub fn follow(&mut self, earlier: AudioStream) {
        self.outgoing = earlier.outgoing;
    }

    /// Whether a model is being replaced just now.
    pub fn is_fading(&self) -> bool {
        self.leaving.is_some()
    }

    /// Samples that wait at most while this model answers, and the one that it replaces.
    pub fn longest_lag(&self, active: &Active) -> usize {
        let lags = self.models(active).filter_map(Active::hops);
        lags.map(|hops| hops.plan().longest_lag()).max().unwrap_or(0)
    }

    /// Lets `old` be heard on until the model that replaces it has warmed up. Returns it where nothing was heard
    /// of it yet.
    pub fn replace(&mut self, old: Box<Active>) -> Option<Box<Active>> {
        let at = self.timeline.end();
        if self.is_new || self.leaving.is_some() || old.hops().is_none() {
            self.tracks.0[self.current].since = at;
            return Some(old);
        }
        let spec = self.sound.spec;
        self.current = 1 - self.current;
        self.tracks.0[self.current].begin(at, spec.samples_in(WARM_UP), spec.width());
        self.leaving = Some(old);
        None
    }

    /// Takes a buffer, and lets one go out with as many answers, those to earlier samples by the lag. Returns how long
    /// the runs took, if there were any.
    pub fn answer(&mut self, active: &mut Active, buffer: gst::Buffer) -> Result<Option<Duration>, Fault> {
        self.enter(active, &buffer)?;
        let runs = active.push_sound(&self.input)?;
        if let Some(old) = &mut self.leaving {
            old.push_sound(&self.input)?;
        }
        self.fetch(active);
        let lags = self.models(active).filter_map(Active::hops);
        let lag = lags.map(|hops| hops.plan().lag(self.unit)).max().unwrap_or(0);
        let due = self.waiting().saturating_sub(lag);
        if due != 0 {
            let output = self.play(buffer, due)?;
            self.outgoing.push_back(output);
        }
        let [answering, before] = [self.current, 1 - self.current].map(Source::Candidate);
        if self.crossfader.target() == Some(answering) && !self.crossfader.sounds(before) {
            self.retired = self.leaving.take().or(self.retired.take());
        }
        Ok(runs)
    }

    /// Lets all out that waits and forgets the stream, which may begin anew.
    pub fn drain(&mut self, active: &mut Active) -> Result<(), Fault> {
        let waiting = self.waiting();
        if waiting != 0 && active.hops().is_some() {
            active.finish_sound()?;
            if let Some(old) = &mut self.leaving {
                old.finish_sound()?;
            }
            self.fetch(active);
            let output = self.play(gst::Buffer::new(), waiting)?;
            self.outgoing.push_back(output);
        }
        self.begin_anew();
        active.forget_stream();
        Ok(())
    }

    /// Forgets the stream, what waits, and the time: what comes next has nothing to do with what was.
    pub fn forget(&mut self) {
        self.begin_anew();
        self.outgoing.clear();
        self.timeline.forget_time();
    }

    /// Forgets the time: the next segment has its own.
    pub fn forget_time(&mut self) {
        self.timeline.forget_time();
    }

    /// The next buffer that is to leave.
    pub fn pop(&mut self) -> Option<gst::Buffer> {
        self.outgoing.pop_front()
    }

    /// Takes the model that was replaced, once it is not needed any more.
    pub fn take_retired(&mut self) -> Option<Box<Active>> {
        self.retired.take()
    }

    /// Takes a buffer that passes, or nothing where the stream ends, and tells of each window that is whole. Returns how
    /// long they took.
    pub fn listen(
        &mut self,
        active: &mut Active,
        buffer: Option<&gst::BufferRef>,
        request: (&DecodeOptions, u32),
        mut tell: impl FnMut(&Model, &Heard<'_>, Span),
    ) -> Result<Vec<Timing>, Fault> {
        let mut timings = Vec::new();
        if buffer.is_none() && active.hops().is_some() {
            return Ok(timings);
        }
        if !self.is_new && buffer.is_none_or(|it| self.breaks(it)) {
            self.listen_on(active, Heed::End, request, &mut timings, &mut tell)?;
        }
        if let Some(buffer) = buffer {
            self.enter(active, buffer)?;
            self.listen_on(active, Heed::Input, request, &mut timings, &mut tell)?;
        }
        // The buffer passed, so nothing waits.
        self.crossfader.restart(self.timeline.end());
        Ok(timings)
    }

    fn listen_on(
        &mut self,
        active: &mut Active,
        heed: Heed,
        request: (&DecodeOptions, u32),
        timings: &mut Vec<Timing>,
        tell: &mut impl FnMut(&Model, &Heard<'_>, Span),
    ) -> Result<(), Fault> {
        let (since, timeline, is_voice) = (
            self.tracks.0[self.current].since,
            &self.timeline,
            &mut self.is_voice,
        );
        let sound = matches!(heed, Heed::Input).then_some(self.input.as_slice());
        active.listen(sound, request, |model, heard| {
            timings.push(heard.timing);
            let first = since + heard.first;
            let positions = first..first + heard.samples as u64;
            if let WindowResult::Answer(said) = &heard.told
                && let (true, Answer::Score(score)) = (model.hears_voice, said.answer)
            {
                *is_voice = Some(VOICE <= *score);
            }
            tell(model, &heard, timeline.span(positions));
        })
    }

    /// Loudness of the last buffer in -dBov as RFC 6464 counts it, from 0 for the loudest to 127 for silence, and whether the
    /// last answer of a model that hears voices was one; `None` before there is an answer.
    pub fn voice(&self) -> Option<(u8, bool)> {
        let is_voice = self.is_voice?;
        let samples = self.input.iter().map(Vec::len).sum::<usize>().max(1);
        let squares = self.input.iter().flatten().map(|it| f64::from(*it).powi(2));
        let power = squares.sum::<f64>() / samples as f64;
        let level = -10.0 * power.max(f64::MIN_POSITIVE).log10();
        Some((level.round().clamp(0.0, 127.0) as u8, is_voice))
    }

    /// Whether a buffer does not follow the last one.
    fn breaks(&self, buffer: &gst::BufferRef) -> bool {
        // A mark says that what recurrent state is about has ended, whatever the time.
        buffer.flags().contains(gst::BufferFlags::DISCONT) || !self.timeline.continues(buffer.pts(), false)
    }

    /// Takes a buffer into `input`. One that does not follow the last one begins a stretch: what waits is let out, and
    /// the model forgets what was.
    fn enter(&mut self, active: &mut Active, buffer: &gst::BufferRef) -> Result<(), Fault> {
        let pts = buffer.pts();
        if !self.is_new && self.breaks(buffer) {
            self.drain(active)?;
        }
        if self.is_new {
            self.timeline.begin(pts);
            let at = self.timeline.end();
            self.crossfader.restart(at);
            self.tracks.0[self.current].begin(at, 0, self.sound.spec.width());
            self.is_new = false;
        }
        let samples = self.read(buffer)?;
        self.timeline.advance(pts, samples as u64);
        self.unit = gcd(self.unit, samples);
        Ok(())
    }

    /// Reads a buffer into `input`, and returns its samples per channel.
    fn read(&mut self, buffer: &gst::BufferRef) -> Result<usize, Fault> {
        let fault = || Fault::Frame {
            size: buffer.size(),
            pts: buffer.pts().display().to_string(),
            caps: format!("{:?}", self.sound.spec),
        };
        let map = buffer.map_readable().map_err(|_| fault())?;
        split(&self.sound.spec, &map, &mut self.input)?;
        if buffer.flags().contains(gst::BufferFlags::GAP) {
            // Whatever stands in it, it is to be taken for silence.
            self.input.iter_mut().for_each(|it| it.fill(0.0));
        }
        self.silence_faults(buffer);
        Ok(self.input.first().map_or(0, Vec::len))
    }

    /// Takes samples that are no numbers for silence. They would stay in recurrent state and in a resampler for ever.
    fn silence_faults(&mut self, buffer: &gst::BufferRef) {
        let samples = self.input.iter_mut().flatten();
        let mut faults = samples.filter(|it| !it.is_finite()).peekable();
        if faults.peek().is_some() && !std::mem::replace(&mut self.told_faults, true) {
            let pts = buffer.pts().display();
            gst::warning!(
                super::CAT,
                "The buffer at {pts} has samples that are NaN or infinite; they are taken for silence"
            );
        }
        faults.for_each(|it| *it = 0.0);
    }

    /// The model that answers, and the one that it replaces.
    fn models<'a>(&'a self, active: &'a Active) -> impl Iterator<Item = &'a Active> {
        self.leaving.as_deref().into_iter().chain([active])
    }

    /// Samples that came in and have not gone out.
    fn waiting(&self) -> usize {
        usize::try_from(self.timeline.end() - self.crossfader.position()).unwrap_or(usize::MAX)
    }

    fn begin_anew(&mut self) {
        (self.is_new, self.starts, self.unit) = (true, true, 0);
        self.is_voice = None;
        self.crossfader.restart(self.timeline.end());
        self.retired = self.leaving.take().or(self.retired.take());
    }

    /// Fetches what the models have answered.
    fn fetch(&mut self, active: &mut Active) {
        let spec = self.sound.spec;
        let models = [Some(active), self.leaving.as_deref_mut()];
        for (model, track) in models.into_iter().zip([self.current, 1 - self.current]) {
            let Some(model) = model else { continue };
            self.output.iter_mut().for_each(Vec::clear);
            let samples = model.pull_sound(usize::MAX, &mut self.output);
            self.bytes.resize(samples * spec.width(), 0);
            join(&spec, &self.output, &mut self.bytes);
            self.tracks.0[track].answers.append(&self.bytes);
        }
    }

    /// Writes the next answers into the buffer, or into a new one with what is said of this one.
    fn play(&mut self, mut buffer: gst::Buffer, samples: usize) -> Result<gst::Buffer, Fault> {
        let size = samples * self.sound.spec.width();
        if buffer.size() != size {
            let mut other = gst::Buffer::with_size(size).map_err(|_| Fault::Memory(size))?;
            let metadata = gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::META;
            if let Some(other) = other.get_mut() {
                // Fails for want of memory only; then what was said of the buffer is lost.
                let _ = buffer.copy_into(other, metadata, ..);
            }
            buffer = other;
        }
        let begin = self.crossfader.position();
        let span = self.timeline.span(begin..begin + samples as u64);
        let target = buffer.make_mut();
        target.set_pts(span.pts);
        target.set_dts(ClockTime::NONE);
        target.set_duration(span.duration);
        target.set_offset(u64::MAX);
        target.set_offset_end(u64::MAX);
        target.unset_flags(gst::BufferFlags::GAP | gst::BufferFlags::DISCONT);
        if std::mem::take(&mut self.starts) {
            target.set_flags(gst::BufferFlags::DISCONT);
        }
        // The model before is heard until the other one is ready.
        let requests = [self.current, 1 - self.current].map(|track| {
            Some(Request {
                source: Source::Candidate(track),
                ready_at: self.tracks.0[track].ready_at,
            })
        });
        let mut map = target.map_writable().map_err(|_| Fault::Memory(size))?;
        self.crossfader.play(&requests, &self.tracks, &mut map);
        drop(map);
        let gone = self.crossfader.position();
        self.tracks.0.iter_mut().for_each(|it| it.answers.forget(gone));
        Ok(buffer)
    }
}
