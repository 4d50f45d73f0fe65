// SPDX-License-Identifier: MPL-2.0

//! The figures of one policy over several traces: means with intervals, and the reactions of all of them together.

use super::{Figures, Interval, mean_of};
use crate::quantile::nearest_rank;

/// Figures of one policy over several traces.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub traces: usize,
    pub miss_rate: Interval,
    pub effective_quality: Interval,
    pub regret: Interval,
    pub regret_switch_aware: Interval,
    pub swaps_per_1000: Interval,
    /// Of all onsets of all traces, in frames.
    pub reaction: Frames,
    /// Of all ends of contention of all traces, in frames.
    pub recovery: Frames,
    pub shadow_share: Interval,
    pub decision_us: Interval,
}

impl Summary {
    pub fn new(figures: &[Figures]) -> Summary {
        let mean = |of: fn(&Figures) -> f64| mean_of(&figures.iter().map(of).collect::<Vec<_>>());
        let all = |of: fn(&Figures) -> &Vec<usize>| Frames::new(figures.iter().flat_map(of).copied());
        Summary {
            traces: figures.len(),
            miss_rate: mean(|it| it.miss_rate),
            effective_quality: mean(|it| it.effective_quality),
            regret: mean(|it| it.regret),
            regret_switch_aware: mean(|it| it.regret_switch_aware),
            swaps_per_1000: mean(|it| it.swaps_per_1000),
            reaction: all(|it| &it.reaction),
            recovery: all(|it| &it.recovery),
            shadow_share: mean(|it| it.shadow_share),
            decision_us: mean(|it| it.decision_us),
        }
    }
}

/// Times in frames, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frames(Vec<usize>);

impl Frames {
    pub fn new(frames: impl IntoIterator<Item = usize>) -> Frames {
        let mut frames: Vec<usize> = frames.into_iter().collect();
        frames.sort_unstable();
        Frames(frames)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that this share of them keeps (nearest rank); `None` of nothing.
    pub fn percentile(&self, share: f64) -> Option<usize> {
        nearest_rank(&self.0, share)
    }

    pub fn median(&self) -> Option<usize> {
        self.percentile(0.5)
    }

    pub fn max(&self) -> Option<usize> {
        self.0.last().copied()
    }
}
