// SPDX-License-Identifier: MPL-2.0

//! The last samples of one version of the stream, found by their position.

use std::collections::VecDeque;
use std::ops::Range;

/// Neighboring samples from one position to another. Grows to what is kept, and allocates no more then.
#[derive(Debug, Clone, Default)]
pub struct Ring {
    bytes: VecDeque<u8>,
    start: u64,
    /// Bytes of a sample; 0 before the first [`Ring::restart`].
    width: usize,
}

impl Ring {
    /// Forgets everything and begins anew at a position, with samples of so many bytes.
    pub fn restart(&mut self, at: u64, width: usize) {
        self.bytes.clear();
        (self.start, self.width) = (at, width);
    }

    /// Positions of the samples that are there.
    pub fn span(&self) -> Range<u64> {
        let samples = self.bytes.len().checked_div(self.width).unwrap_or_default();
        self.start..self.start + samples as u64
    }

    /// Adds whole samples behind the last one.
    pub fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Lets go of the samples before a position.
    pub fn forget(&mut self, before: u64) {
        let span = self.span();
        let samples = before.clamp(span.start, span.end) - span.start;
        self.bytes.drain(..samples as usize * self.width);
        self.start += samples;
    }

    /// Copies samples from a position on, as many as fit; `false`, and nothing is copied, when not all are there.
    pub fn read(&self, from: u64, into: &mut [u8]) -> bool {
        let Some(offset) = from.checked_sub(self.start) else {
            return false;
        };
        let offset = offset as usize * self.width;
        if self.bytes.len() < offset.saturating_add(into.len()) {
            return false;
        }
        let (front, back) = self.bytes.as_slices();
        let in_front = front.len().saturating_sub(offset).min(into.len());
        let (first, second) = into.split_at_mut(in_front);
        if !first.is_empty() {
            first.copy_from_slice(&front[offset..offset + in_front]);
        }
        if !second.is_empty() {
            let begin = (offset + in_front) - front.len();
            second.copy_from_slice(&back[begin..begin + second.len()]);
        }
        true
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
                let mut read = vec![0; (end - start) as usize * 3];
                prop_assert!(ring.read(start, &mut read));
                prop_assert_eq!(read, (start..end).flat_map(sample).collect::<Vec<u8>>());
            }
        }
    }
}
