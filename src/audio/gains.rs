// SPDX-License-Identifier: MPL-2.0

//! Which sources sound, and how loud: gains that always sum to one, along a straight line in time.

use std::ops::Range;

/// One version of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The stream as it came in.
    Input,
    /// What a candidate makes of it, by the candidate's number.
    Candidate(usize),
}

/// A source and its gain at the beginning and at the end of a ramp.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gain {
    pub source: Source,
    pub from: f64,
    pub to: f64,
}

/// The sources that sound. Their gains sum to one at each sample, because versions of one stream are alike: with equal
/// power instead, a fade between two of them would be louder by up to 3 dB.
#[derive(Debug, Clone, Default)]
pub(super) struct Mix {
    pub gains: Vec<Gain>,
    /// Positions over which the gains go from `from` to `to`.
    pub ramp: Range<u64>,
}

impl Mix {
    /// Part of the ramp that lies before a sample, 0 to 1.
    pub fn progress(&self, position: u64) -> f64 {
        let length = self.ramp.end.saturating_sub(self.ramp.start);
        let done = position.saturating_sub(self.ramp.start).min(length);
        if length == 0 {
            f64::from(u8::from(self.ramp.end <= position))
        } else {
            done as f64 / length as f64
        }
    }

    /// The source that sounds alone at the end of the ramp; `None` before the first.
    pub fn target(&self) -> Option<Source> {
        self.gains.iter().find(|it| 0.0 < it.to).map(|it| it.source)
    }

    /// Lets one source sound alone from a position on.
    pub fn cut(&mut self, at: u64, to: Source) {
        self.gains.clear();
        self.gains.push(Gain {
            source: to,
            from: 1.0,
            to: 1.0,
        });
        self.ramp = at..at;
    }

    /// Goes from what sounds at the ramp's first sample to one source alone behind its last.
    pub fn fade(&mut self, ramp: Range<u64>, to: Source) {
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
    pub fn settle(&mut self, position: u64) {
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
pub(super) struct Declick {
    /// By channel.
    pub height: Vec<f64>,
    /// Where it begins, and over how many samples it fades.
    pub at: u64,
    pub length: u64,
}

impl Declick {
    /// Whether it is still to be heard at a position.
    pub fn lasts(&self, position: u64) -> bool {
        position < self.at + self.length
    }

    /// Adds it to interleaved values from a position on.
    pub fn add_to(&self, from: u64, values: &mut [f64]) {
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
mod tests {
    use super::*;

    #[test]
    fn gains_sum_to_one_however_often_a_fade_is_interrupted() {
        let mut mix = Mix::default();
        mix.cut(0, Source::Input);
        mix.fade(0..100, Source::Candidate(0));
        mix.fade(30..130, Source::Candidate(1));
        mix.fade(60..70, Source::Input);
        for at in 60..80 {
            let t = mix.progress(at);
            let sum: f64 = mix.gains.iter().map(|it| it.from + (it.to - it.from) * t).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{sum} at {at}");
        }
        assert_eq!(mix.target(), Some(Source::Input));
        mix.settle(70);
        assert_eq!(mix.gains.len(), 1);
    }
}
