// SPDX-License-Identifier: MPL-2.0

//! The sound that goes out, sample by sample: one source, or on the way from one to the other.

use std::ops::Range;

use super::codec::{Declick, decode, encode};
use super::gains::{Mix, Source};
use super::spec::Spec;

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
    pub ripe_at: u64,
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
    chord: Mix,
    step: Declick,
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
            chord: Mix::default(),
            step: Declick::default(),
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
        self.chord.voices.clear();
        self.chord.ramp = at..at;
        self.step.length = 0;
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

    /// Who sounds, or will when the fade is over; `None` before the first sample.
    pub fn target(&self) -> Option<Source> {
        self.chord.target()
    }

    /// Whether the source is to be heard now.
    pub fn sounds(&self, source: Source) -> bool {
        self.chord.voices.iter().any(|it| it.source == source)
    }

    /// Writes the samples that go out next, as many as `out` holds; it holds whole samples.
    ///
    /// The first of the wishes that has all of them and is ripe will sound; the input is always there to
    /// fall back on. Whoever sounds goes on while a fade is on its way, unless it runs out of samples.
    pub fn play(&mut self, wishes: &[Request], tapes: &impl SampleSources, out: &mut [u8]) {
        let begin = self.next;
        let end = begin + (out.len() / self.spec.width()) as u64;
        if end == begin {
            return;
        }
        self.choose(begin..end, wishes, tapes);
        self.render(begin..end, tapes, out);
        self.remember(out);
        self.next = end;
        self.chord.settle(end);
    }

    /// Whether one of the wishes can sound at once, up to a position.
    pub fn can_play(&self, wishes: &[Request], until: u64, tapes: &impl SampleSources) -> bool {
        let (source, _) = self.first(wishes, &(self.next..until), self.next, tapes);
        until <= self.next || source != Source::Input
    }

    fn choose(&mut self, stretch: Range<u64>, wishes: &[Request], tapes: &impl SampleSources) {
        let at_once = self.first(wishes, &stretch, stretch.start, tapes).0;
        let Some(target) = self.target() else {
            self.chord.cut(stretch.start, at_once);
            return;
        };
        if let Some(ends) = self.runs_out(&stretch, tapes) {
            self.give_way(stretch.start, ends, at_once, tapes);
            return;
        }
        let (source, at) = self.first(wishes, &stretch, stretch.end - 1, tapes);
        if source != target && self.chord.ramp.end <= stretch.start {
            if self.fade == 0 && stretch.start < at {
                // A cut waits for the first stretch that begins where the source is ripe.
                return;
            }
            self.lead_to(at, source);
        }
    }

    /// The first of the wishes that can sound to the end of the stretch, from `latest` or earlier on, and from where.
    fn first(
        &self,
        wishes: &[Request],
        stretch: &Range<u64>,
        latest: u64,
        tapes: &impl SampleSources,
    ) -> (Source, u64) {
        let able = wishes.iter().find_map(|wish| {
            // Who sounds already has heard enough.
            let ripe_at = if self.sounds(wish.source) { 0 } else { wish.ripe_at };
            let start = ripe_at.max(stretch.start);
            let span = tapes.span(wish.source);
            let is_able = start <= latest && span.start <= start && stretch.end <= span.end;
            is_able.then_some((wish.source, start))
        });
        able.unwrap_or((Source::Input, stretch.start))
    }

    fn lead_to(&mut self, at: u64, source: Source) {
        match self.fade {
            0 => self.chord.cut(at, source),
            fade => self.chord.fade(at..at + fade, source),
        }
    }

    /// Where the sources that sound do not all have samples any more, if one of them is to be heard beyond its last.
    fn runs_out(&self, stretch: &Range<u64>, tapes: &impl SampleSources) -> Option<u64> {
        let voices = &self.chord.voices;
        let reach = |source: Source| {
            let span = tapes.span(source);
            let is_there = span.start <= stretch.start;
            if is_there {
                span.end.max(stretch.start)
            } else {
                stretch.start
            }
        };
        let runs_out = voices.iter().any(|voice| {
            let fades_out = voice.to == 0.0;
            let until = if fades_out {
                self.chord.ramp.end
            } else {
                stretch.end
            };
            reach(voice.source) < until.min(stretch.end)
        });
        let ends = voices.iter().map(|it| reach(it.source)).min();
        ends.filter(|_| runs_out)
    }

    /// Leads to a source that has all samples, from sources of which one ends at `ends`.
    fn give_way(&mut self, begin: u64, ends: u64, to: Source, tapes: &impl SampleSources) {
        // Over fewer samples than these, a fade would be heard as a step.
        if self.fade.div_ceil(2) <= ends - begin && 0 < self.fade {
            // In the middle of a fade, what is left of it is the only room there is.
            let is_fading = begin < self.chord.ramp.end;
            let start = if is_fading {
                begin
            } else {
                ends.saturating_sub(self.fade).max(begin)
            };
            self.chord.fade(start..ends, to);
            return;
        }
        self.chord.cut(begin, to);
        if self.fade == 0 || self.last.is_empty() {
            return;
        }
        // The sample before, where it is still there, else the first one that follows.
        let before = begin.saturating_sub(1).max(tapes.span(to).start);
        self.bytes.resize(self.spec.width(), 0);
        if !tapes.read(to, before, &mut self.bytes) {
            return;
        }
        decode(self.spec.format, &self.bytes, &mut self.base);
        self.step.height.clear();
        let heights = self.last.iter().zip(&self.base).map(|(last, next)| last - next);
        self.step.height.extend(heights);
        (self.step.at, self.step.length) = (begin, self.fade);
    }

    fn render(&mut self, stretch: Range<u64>, tapes: &impl SampleSources, out: &mut [u8]) {
        let ramp = &self.chord.ramp;
        let fades = ramp.start.clamp(stretch.start, stretch.end)..ramp.end.clamp(stretch.start, stretch.end);
        let width = self.spec.width();
        let (before, rest) = out.split_at_mut((fades.start - stretch.start) as usize * width);
        let (within, after) = rest.split_at_mut((fades.end - fades.start) as usize * width);
        let alone = |gain: fn(&super::gains::Gain) -> f64| {
            self.chord
                .voices
                .iter()
                .find(|it| 0.0 < gain(it))
                .map_or(Source::Input, |it| it.source)
        };
        // `choose` has seen that the samples are there; silence is what is left if they are not.
        if !before.is_empty() && !tapes.read(alone(|it| it.from), stretch.start, before) {
            before.fill(0);
        }
        if !after.is_empty() && !tapes.read(alone(|it| it.to), fades.end, after) {
            after.fill(0);
        }
        if !within.is_empty() {
            self.mix(fades.start, tapes, within);
        }
        if self.step.lasts(stretch.start) {
            decode(self.spec.format, out, &mut self.sum);
            self.step.add_to(stretch.start, &mut self.sum);
            encode(self.spec.format, &self.sum, out);
        }
    }

    /// Sums the voices by their gains, as differences from the first one: where they are equal, so is the sum.
    fn mix(&mut self, from: u64, tapes: &impl SampleSources, out: &mut [u8]) {
        let channels = self.spec.channels as usize;
        self.bytes.resize(out.len(), 0);
        for (index, voice) in self.chord.voices.iter().enumerate() {
            if !tapes.read(voice.source, from, &mut self.bytes) {
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
                let gain = voice.from + (voice.to - voice.from) * self.chord.progress(position);
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

#[cfg(test)]
mod tests;
