// SPDX-License-Identifier: MPL-2.0

//! Samples of one channel, first in, first out, always in one piece.

#[derive(Debug, Default)]
pub(super) struct Fifo {
    samples: Vec<f32>,
    /// Samples at the front that are gone.
    start: usize,
}

impl Fifo {
    pub fn len(&self) -> usize {
        self.samples.len() - self.start
    }

    pub fn push(&mut self, samples: &[f32]) {
        self.tidy();
        self.samples.extend_from_slice(samples);
    }

    pub fn push_silence(&mut self, count: usize) {
        self.tidy();
        self.samples.resize(self.samples.len() + count, 0.0);
    }

    /// Returns up to `count` samples from the front.
    pub fn peek(&self, count: usize) -> &[f32] {
        let rest = self.samples.get(self.start..).unwrap_or_default();
        rest.get(..count).unwrap_or(rest)
    }

    /// Drops up to `count` samples from the front.
    pub fn skip(&mut self, count: usize) {
        self.start += count.min(self.len());
    }

    pub fn clear(&mut self) {
        self.samples.clear();
        self.start = 0;
    }

    /// Moves what is left to the front once that is the smaller part, which costs a constant time a sample.
    fn tidy(&mut self) {
        if self.samples.len() <= 2 * self.start {
            let left = self.start..self.samples.len();
            let count = left.len();
            self.samples.copy_within(left, 0);
            self.samples.truncate(count);
            self.start = 0;
        }
    }
}
