// SPDX-License-Identifier: MPL-2.0

//! The audio that goes out, sample by sample: one source, or on the way from one to the other.

use std::ops::Range;

use super::codec::{decode, encode};
use super::spec::Spec;

/// One version of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The stream as it came in.
    Input,
    /// What a candidate makes of it, by the candidate's number.
    Candidate(usize),
}

/// The sources that can be read.
pub trait SampleSources {
    /// Positions of the samples that are there.
    fn span(&self, source: Source) -> Range<u64>;

    /// Copies samples from a position on; `false`, and nothing is copied, when not all are there.
    fn read(&self, source: Source, from: u64, into: &mut [u8]) -> bool;
}

/// A source that may sound, from a position on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    pub source: Source,
    /// Before it, the candidate has not heard enough of the stream to be what it will be.
    pub ready_at: u64,
}

/// The place where one source ends and the other begins.
///
/// A source that has its samples fades into the next one over the length of a cross-fade. One that runs out is
/// faded away over the last samples that it has; where those are fewer than half a fade, the difference between
/// what sounded last and what follows fades away in their place. So there is no step, however a source ends.
#[derive(Debug)]
pub struct Crossfader {
    spec: Spec,
    /// Length of a fade in samples; 0 for none.
    fade: u64,
    mix: Mix,
    declick: Declick,
    /// Position of the sample that goes out next.
    next: u64,
    /// The last sample that went out, by channel; empty at the beginning.
    last: Vec<f64>,
    base: Vec<f64>,
    sum: Vec<f64>,
    other: Vec<f64>,
    bytes: Vec<u8>,
}

impl Crossfader {
    /// Begins at position 0, with nothing that sounds yet.
    pub fn new(spec: Spec) -> Crossfader {
        Crossfader {
            spec,
            fade: 0,
            mix: Mix::default(),
            declick: Declick::default(),
            next: 0,
            last: Vec::with_capacity(spec.channels as usize),
            base: Vec::new(),
            sum: Vec::new(),
            other: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// Begins anew at a position: what sounded before is not led over.
    pub fn restart(&mut self, at: u64) {
        self.mix.gains.clear();
        self.mix.ramp = at..at;
        self.declick.length = 0;
        self.next = at;
        self.last.clear();
    }

    /// Sets the length of the fades to come, in samples; 0 for none.
    pub fn set_fade(&mut self, samples: u64) {
        self.fade = samples;
    }

    /// Position of the sample that goes out next.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// The source that sounds, or will when the fade is over; `None` before the first sample.
    pub fn target(&self) -> Option<Source> {
        self.mix.target()
    }

    /// Whether the source is to be heard now.
    pub fn sounds(&self, source: Source) -> bool {
        self.mix.gains.iter().any(|it| it.source == source)
    }

    /// Writes the samples that go out next, as many as `out` holds; it holds whole samples.
    ///
    /// The first of the requests that has all of them and is ready will sound; the input is always there to
    /// fall back on. What sounds goes on while a fade is on its way, unless it runs out of samples.
    pub fn play(&mut self, requests: &[Option<Request>], sources: &impl SampleSources, out: &mut [u8]) {
        let begin = self.next;
        let end = begin + (out.len() / self.spec.width()) as u64;
        if end == begin {
            return;
        }
        self.choose(begin..end, requests, sources);
        self.render(begin..end, sources, out);
        self.remember(out);
        self.next = end;
        self.mix.settle(end);
    }

    /// Whether one of the requests can sound at once, up to a position.
    pub fn can_play(&self, requests: &[Option<Request>], until: u64, sources: &impl SampleSources) -> bool {
        let (source, _) = self.first(requests, &(self.next..until), self.next, sources);
        until <= self.next || source != Source::Input
    }

    fn choose(&mut self, stretch: Range<u64>, requests: &[Option<Request>], sources: &impl SampleSources) {
        let at_once = self.first(requests, &stretch, stretch.start, sources).0;
        let Some(target) = self.target() else {
            self.mix.cut(stretch.start, at_once);
            return;
        };
        if let Some(ends) = self.runs_out(&stretch, sources) {
            self.give_way(stretch.start, ends, at_once, sources);
            return;
        }
        let (source, at) = self.first(requests, &stretch, stretch.end - 1, sources);
        if source != target && self.mix.ramp.end <= stretch.start {
            if self.fade == 0 && stretch.start < at {
                // A cut waits for the first stretch that begins where the source is ready.
                return;
            }
            self.lead_to(at, source);
        }
    }

    /// The first of the requests that can sound to the end of the stretch, from `latest` or earlier on, and from where.
    fn first(
        &self,
        requests: &[Option<Request>],
        stretch: &Range<u64>,
        latest: u64,
        sources: &impl SampleSources,
    ) -> (Source, u64) {
        let able = requests.iter().flatten().find_map(|request| {
            // What sounds already has heard enough.
            let ready_at = if self.sounds(request.source) {
                0
            } else {
                request.ready_at
            };
            let start = ready_at.max(stretch.start);
            let span = sources.span(request.source);
            let is_able = start <= latest && span.start <= start && stretch.end <= span.end;
            is_able.then_some((request.source, start))
        });
        able.unwrap_or((Source::Input, stretch.start))
    }

    fn lead_to(&mut self, at: u64, source: Source) {
        match self.fade {
            0 => self.mix.cut(at, source),
            fade => self.mix.fade(at..at + fade, source),
        }
    }

    /// Where the sources that sound do not all have samples any more, if one of them is to be heard beyond its last.
    fn runs_out(&self, stretch: &Range<u64>, sources: &impl SampleSources) -> Option<u64> {
        let gains = &self.mix.gains;
        let reach = |source: Source| {
            let span = sources.span(source);
            let is_there = span.start <= stretch.start;
            if is_there {
                span.end.max(stretch.start)
            } else {
                stretch.start
            }
        };
        let runs_out = gains.iter().any(|gain| {
            let fades_out = gain.to == 0.0;
            let until = if fades_out { self.mix.ramp.end } else { stretch.end };
            reach(gain.source) < until.min(stretch.end)
        });
        let ends = gains.iter().map(|it| reach(it.source)).min();
        ends.filter(|_| runs_out)
    }

    /// Leads to a source that has all samples, from sources of which one ends at `ends`.
    fn give_way(&mut self, begin: u64, ends: u64, to: Source, sources: &impl SampleSources) {
        // Over fewer samples than these, a fade would be heard as a step.
        if self.fade.div_ceil(2) <= ends - begin && 0 < self.fade {
            // In the middle of a fade, what is left of it is the only room there is.
            let is_fading = begin < self.mix.ramp.end;
            let start = if is_fading {
                begin
            } else {
                ends.saturating_sub(self.fade).max(begin)
            };
            self.mix.fade(start..ends, to);
            return;
        }
        self.mix.cut(begin, to);
        if self.fade == 0 || self.last.is_empty() {
            return;
        }
        // The sample before, where it is still there, else the first one that follows.
        let before = begin.saturating_sub(1).max(sources.span(to).start);
        self.bytes.resize(self.spec.width(), 0);
        if !sources.read(to, before, &mut self.bytes) {
            return;
        }
        decode(self.spec.format, &self.bytes, &mut self.base);
        self.declick.height.clear();
        let heights = self.last.iter().zip(&self.base).map(|(last, next)| last - next);
        self.declick.height.extend(heights);
        (self.declick.at, self.declick.length) = (begin, self.fade);
    }

    fn render(&mut self, stretch: Range<u64>, sources: &impl SampleSources, out: &mut [u8]) {
        let ramp = &self.mix.ramp;
        let fades = ramp.start.clamp(stretch.start, stretch.end)..ramp.end.clamp(stretch.start, stretch.end);
        let width = self.spec.width();
        let (before, rest) = out.split_at_mut((fades.start - stretch.start) as usize * width);
        let (within, after) = rest.split_at_mut((fades.end - fades.start) as usize * width);
        let alone = |gain: fn(&Gain) -> f64| {
            self.mix
                .gains
                .iter()
                .find(|it| 0.0 < gain(it))
                .map_or(Source::Input, |it| it.source)
        };
        // `choose` has seen that the samples are there; silence is what is left if they are not.
        if !before.is_empty() && !sources.read(alone(|it| it.from), stretch.start, before) {
            before.fill(0);
        }
        if !after.is_empty() && !sources.read(alone(|it| it.to), fades.end, after) {
            after.fill(0);
        }
        if !within.is_empty() {
            self.mix(fades.start, sources, within);
        }
        if self.declick.lasts(stretch.start) {
            decode(self.spec.format, out, &mut self.sum);
            self.declick.add_to(stretch.start, &mut self.sum);
            encode(self.spec.format, &self.sum, out);
        }
    }

    /// Sums the gains by their gains, as differences from the first one: where they are equal, so is the sum.
    fn mix(&mut self, from: u64, sources: &impl SampleSources, out: &mut [u8]) {
        let channels = self.spec.channels as usize;
        self.bytes.resize(out.len(), 0);
        for (index, gain) in self.mix.gains.iter().enumerate() {
            if !sources.read(gain.source, from, &mut self.bytes) {
                self.bytes.fill(0);
            }
            if index == 0 {
                decode(self.spec.format, &self.bytes, &mut self.base);
                self.sum.clone_from(&self.base);
                continue;
            }
            decode(self.spec.format, &self.bytes, &mut self.other);
            let samples = (self.sum.chunks_exact_mut(channels))
                .zip(self.base.chunks_exact(channels))
                .zip(self.other.chunks_exact(channels));
            for (position, ((sum, base), other)) in (from..).zip(samples) {
                let gain = gain.from + (gain.to - gain.from) * self.mix.progress(position);
                for ((sum, base), other) in sum.iter_mut().zip(base).zip(other) {
                    *sum += gain * (other - base);
                }
            }
        }
        encode(self.spec.format, &self.sum, out);
    }

    fn remember(&mut self, out: &[u8]) {
        let last = out.len() - self.spec.width();
        decode(self.spec.format, &out[last..], &mut self.last);
    }
}

/// A source and its gain at the beginning and at the end of a ramp.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Gain {
    source: Source,
    from: f64,
    to: f64,
}

/// The sources that sound. Their gains sum to one at each sample, because versions of one stream are alike: with equal
/// power instead, a fade between two of them would be louder by up to 3 dB.
#[derive(Debug, Clone, Default)]
struct Mix {
    gains: Vec<Gain>,
    /// Positions over which the gains go from `from` to `to`.
    ramp: Range<u64>,
}

impl Mix {
    /// Part of the ramp that lies before a sample, 0 to 1.
    fn progress(&self, position: u64) -> f64 {
        let length = self.ramp.end.saturating_sub(self.ramp.start);
        let done = position.saturating_sub(self.ramp.start).min(length);
        if length == 0 {
            f64::from(u8::from(self.ramp.end <= position))
        } else {
            done as f64 / length as f64
        }
    }

    /// The source that sounds alone at the end of the ramp; `None` before the first.
    fn target(&self) -> Option<Source> {
        self.gains.iter().find(|it| 0.0 < it.to).map(|it| it.source)
    }

    /// Lets one source sound alone from a position on.
    fn cut(&mut self, at: u64, to: Source) {
        self.gains.clear();
        self.gains.push(Gain {
            source: to,
            from: 1.0,
            to: 1.0,
        });
        self.ramp = at..at;
    }

    /// Goes from what sounds at the ramp's first sample to one source alone behind its last.
    fn fade(&mut self, ramp: Range<u64>, to: Source) {
        let progress = self.progress(ramp.start);
        for gain in &mut self.gains {
            gain.from += (gain.to - gain.from) * progress;
            gain.to = 0.0;
        }
        self.gains.retain(|it| 0.0 < it.from || it.source == to);
        match self.gains.iter_mut().find(|it| it.source == to) {
            Some(gain) => gain.to = 1.0,
            None => self.gains.push(Gain {
                source: to,
                from: 0.0,
                to: 1.0,
            }),
        }
        self.ramp = ramp;
    }

    /// Lets go of the sources that a finished ramp left behind.
    fn settle(&mut self, position: u64) {
        if self.ramp.end <= position {
            self.gains.retain(|it| 0.0 < it.to);
            for gain in &mut self.gains {
                gain.from = gain.to;
            }
        }
    }
}

/// A difference between what sounded and what follows, which fades away instead of being heard as a click.
#[derive(Debug, Clone, Default)]
struct Declick {
    /// By channel.
    height: Vec<f64>,
    /// Where it begins, and over how many samples it fades.
    at: u64,
    length: u64,
}

impl Declick {
    /// Whether it is still to be heard at a position.
    fn lasts(&self, position: u64) -> bool {
        position < self.at + self.length
    }

    /// Adds it to interleaved values from a position on.
    fn add_to(&self, from: u64, values: &mut [f64]) {
        let channels = self.height.len().max(1);
        for (position, sample) in (from..).zip(values.chunks_exact_mut(channels)) {
            if !self.lasts(position) {
                return;
            }
            let left = 1.0 - position.saturating_sub(self.at) as f64 / self.length as f64;
            for (value, height) in sample.iter_mut().zip(&self.height) {
                *value += height * left;
            }
        }
    }
}

#[cfg(test)]
mod tests;
