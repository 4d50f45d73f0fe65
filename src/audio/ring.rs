// SPDX-License-Identifier: MPL-2.0

//! The last samples of one version of the stream, found by their position, always in one piece.

use std::ops::Range;

/// Neighboring samples from one position to another. Grows to twice of what is kept, and allocates no more then.
#[derive(Debug, Clone, Default)]
pub struct Ring<T> {
    values: Vec<T>,
    /// Values at the front that are forgotten.
    gone: usize,
    /// Position of the first sample.
    start: u64,
    /// Values of a sample; 0 before the first [`Ring::restart`].
    width: usize,
}

/// The samples of one channel.
pub(super) type Channel = Ring<f32>;

impl<T: Copy + Default> Ring<T> {
    /// Forgets everything and begins anew at a position, with samples of so many values.
    pub fn restart(&mut self, at: u64, width: usize) {
        self.values.clear();
        (self.gone, self.start, self.width) = (0, at, width);
    }

    /// Positions of the samples that are there.
    pub fn span(&self) -> Range<u64> {
        self.start..self.start + self.len() as u64
    }

    /// Samples that are there.
    pub fn len(&self) -> usize {
        let values = self.values.len() - self.gone;
        values.checked_div(self.width).unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds whole samples behind the last one.
    pub fn append(&mut self, values: &[T]) {
        self.tidy();
        self.values.extend_from_slice(values);
    }

    /// Adds so many samples of silence.
    pub fn append_silence(&mut self, samples: usize) {
        self.tidy();
        let length = self.values.len() + samples * self.width;
        self.values.resize(length, T::default());
    }

    /// Lets go of the samples before a position.
    pub fn forget(&mut self, before: u64) {
        let span = self.span();
        self.skip((before.clamp(span.start, span.end) - span.start) as usize);
    }

    /// Lets go of the first samples, as many as are there.
    pub fn skip(&mut self, samples: usize) {
        let samples = samples.min(self.len());
        self.gone += samples * self.width;
        self.start += samples as u64;
    }

    /// The first samples, as many as are there.
    pub fn first(&self, samples: usize) -> &[T] {
        let rest = self.values.get(self.gone..).unwrap_or_default();
        rest.get(..samples.saturating_mul(self.width)).unwrap_or(rest)
    }

    /// Copies samples from a position on, as many as fit; `false`, and nothing is copied, when not all are there.
    pub fn read(&self, from: u64, into: &mut [T]) -> bool {
        let offset = from
            .checked_sub(self.start)
            .and_then(|it| usize::try_from(it).ok());
        let begin = offset.and_then(|it| it.checked_mul(self.width)?.checked_add(self.gone));
        let found = begin.and_then(|it| self.values.get(it..it.checked_add(into.len())?));
        found.inspect(|it| into.copy_from_slice(it)).is_some()
    }

    /// Moves what is left to the front once that is the smaller part, which costs a constant time a sample.
    fn tidy(&mut self) {
        if self.values.len() <= 2 * self.gone {
            self.values.copy_within(self.gone.., 0);
            self.values.truncate(self.values.len() - self.gone);
            self.gone = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn samples_are_found_by_their_position() {
        let mut ring = Ring::default();
        ring.restart(100, 2);
        ring.append(&[1, 2, 3, 4, 5, 6]);
        ring.forget(101);
        assert_eq!(ring.span(), 101..103);
        let mut two = [0; 4];
        assert!(ring.read(101, &mut two));
        assert_eq!(two, [3, 4, 5, 6]);
        assert!(!ring.read(100, &mut two), "forgotten");
        assert!(!ring.read(102, &mut two), "not all there yet");
        ring.forget(1000);
        assert_eq!(ring.span(), 103..103, "what follows still follows");
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_appended(steps in prop::collection::vec((1_u64..50, 0_u64..50), 1..60)) {
            let sample = |at: u64| [at as u8, (at >> 8) as u8, 7];
            let mut ring = Ring::default();
            ring.restart(0, 3);
            let (mut end, mut start) = (0, 0);
            for (added, forgotten) in steps {
                let bytes: Vec<u8> = (end..end + added).flat_map(sample).collect();
                ring.append(&bytes);
                end += added;
                start = (start + forgotten).min(end);
                ring.forget(start);
                prop_assert_eq!(ring.span(), start..end);
                let expected = (start..end).flat_map(sample).collect::<Vec<u8>>();
                prop_assert_eq!(ring.first(ring.len()), &expected[..]);
                let mut read = vec![0; (end - start) as usize * 3];
                prop_assert!(ring.read(start, &mut read));
                prop_assert_eq!(read, expected);
            }
        }
    }
}
