// SPDX-License-Identifier: MPL-2.0

//! Who sounds, and how loud: gains that always sum to one, along a straight line in time.

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
    pub voices: Vec<Gain>,
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

    /// Who sounds alone at the end of the ramp; `None` before the first.
    pub fn target(&self) -> Option<Source> {
        self.voices.iter().find(|it| 0.0 < it.to).map(|it| it.source)
    }

    /// Lets one source sound alone from a position on.
    pub fn cut(&mut self, at: u64, to: Source) {
        self.voices.clear();
        self.voices.push(Gain {
            source: to,
            from: 1.0,
            to: 1.0,
        });
        self.ramp = at..at;
    }

    /// Goes from what sounds at the ramp's first sample to one source alone behind its last.
    pub fn fade(&mut self, ramp: Range<u64>, to: Source) {
        let progress = self.progress(ramp.start);
        for voice in &mut self.voices {
            voice.from += (voice.to - voice.from) * progress;
            voice.to = 0.0;
        }
        self.voices.retain(|it| 0.0 < it.from || it.source == to);
        match self.voices.iter_mut().find(|it| it.source == to) {
            Some(voice) => voice.to = 1.0,
            None => self.voices.push(Gain {
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
            self.voices.retain(|it| 0.0 < it.to);
            for voice in &mut self.voices {
                voice.from = voice.to;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_sum_to_one_however_often_a_fade_is_interrupted() {
        let mut chord = Mix::default();
        chord.cut(0, Source::Input);
        chord.fade(0..100, Source::Candidate(0));
        chord.fade(30..130, Source::Candidate(1));
        chord.fade(60..70, Source::Input);
        for at in 60..80 {
            let t = chord.progress(at);
            let sum: f64 = chord
                .voices
                .iter()
                .map(|it| it.from + (it.to - it.from) * t)
                .sum();
            assert!((sum - 1.0).abs() < 1e-12, "{sum} at {at}");
        }
        assert_eq!(chord.target(), Some(Source::Input));
        chord.settle(70);
        assert_eq!(chord.voices.len(), 1);
    }
}
