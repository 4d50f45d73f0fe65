// SPDX-License-Identifier: MPL-2.0

//! Running a candidate on every k-th frame and holding its answer in between: better than nothing for one that is too
//! slow for each frame.

use super::decision::Hold;
use super::{Availability, CandidateId};

/// What an answer is worth one frame later, as a share of what it was worth (specification, section 3.8).
const RETENTION: f64 = 0.97;

/// What the answers that leave are worth in the mean, as a share, when a candidate runs on every `stride`-th frame and
/// nobody waits for it: each is one frame old at least.
pub(super) fn worth(stride: u32) -> f64 {
    let ages = 1..=stride as i32;
    ages.map(|it| RETENTION.powi(it)).sum::<f64>() / f64::from(stride)
}

/// Where the active candidate is between two of its frames.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stride {
    /// Frames for which its answer is held before it may begin again.
    left: u32,
}

impl Stride {
    /// The hold of a frame on which the active candidate does not begin; `None` when there is something to decide.
    pub(super) fn hold(&mut self, active: Option<CandidateId>, available: &[Availability]) -> Option<Hold> {
        let id = active.filter(|it| {
            let state = available.get(it.0);
            matches!(state, Some(Availability::Ready | Availability::Busy { .. }))
        });
        let Some(id) = id.filter(|_| 0 < self.left) else {
            self.left = 0;
            return None;
        };
        self.left -= 1;
        Some(Hold { id, starts: false })
    }

    /// A candidate begins with this frame, and will on every `stride`-th one; `None` where that is each.
    pub(super) fn begin(&mut self, id: CandidateId, stride: u32) -> Option<Hold> {
        self.left = stride.saturating_sub(1);
        (1 < stride).then_some(Hold { id, starts: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_begins_on_every_third_frame() {
        let (mut stride, id) = (Stride::default(), CandidateId(0));
        let busy = [Availability::Busy {
            since: std::time::Duration::ZERO,
        }];
        for _ in 0..3 {
            assert_eq!(stride.begin(id, 3), Some(Hold { id, starts: true }));
            assert_eq!(stride.hold(Some(id), &busy), Some(Hold { id, starts: false }));
            assert_eq!(stride.hold(Some(id), &busy), Some(Hold { id, starts: false }));
            assert_eq!(stride.hold(Some(id), &busy), None, "there is something to decide");
        }
        assert_eq!(stride.begin(id, 1), None);
    }

    #[test]
    fn nothing_is_held_of_a_candidate_that_is_gone() {
        let mut stride = Stride::default();
        stride.begin(CandidateId(0), 4);
        assert_eq!(stride.hold(Some(CandidateId(0)), &[Availability::Absent]), None);
        assert_eq!(
            stride.hold(Some(CandidateId(0)), &[Availability::Ready]),
            None,
            "nor later"
        );
    }

    #[test]
    fn held_answers_are_worth_less_the_longer_they_are_held() {
        assert!((worth(1) - 0.97).abs() < 1e-12);
        assert!(worth(4) < worth(3) && worth(3) < worth(2));
    }
}
