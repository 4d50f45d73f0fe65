// SPDX-License-Identifier: MPL-2.0

//! What came of a replay, in the figures that policies are compared by.

use super::oracle::Ideal;
use super::{Matrix, Outcome, Random};
use crate::quantile::median;

/// Frames in a row that count as having arrived in a new state.
const IN_A_ROW: usize = 5;

/// Share of the clairvoyant's worth from which on a policy counts as recovered.
const RECOVERED: f64 = 0.95;

/// Factor between the latencies of neighbouring stretches from which on contention counts as having come or gone.
const CHANGE: f64 = 1.5;

/// Figures of one policy over one matrix. Shares are in 0..1.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Late frames and frames lost to overrun, over all frames.
    pub miss_rate: f64,
    /// Mean worth of what left: late and lost frames count as nothing.
    pub effective_quality: f64,
    /// Share of the clairvoyant's worth that was lost.
    pub regret: f64,
    /// The same against the oracle that pays for its swaps.
    pub regret_switch_aware: f64,
    pub swaps_per_1000: f64,
    /// Frames from each onset of contention until five in a row are on time.
    pub reaction: Vec<usize>,
    /// Frames from each end of contention until five in a row are worth 95 % of the clairvoyant's.
    pub recovery: Vec<usize>,
    /// Share of all time spent in shadow runs.
    pub shadow_share: f64,
    /// Time that a decision took, with all that the policy was told for it; zero for an oracle.
    pub decision_us: f64,
}

impl Figures {
    pub fn new(matrix: &Matrix, outcome: &Outcome, clairvoyant: &Ideal, switch_aware: &Ideal) -> Figures {
        let frames = matrix.frames().max(1) as f64;
        let (onsets, ends) = changes(matrix);
        let effective_quality = outcome.worth.iter().sum::<f64>() / frames;
        let on_time = |it: usize| !outcome.missed[it];
        let is_back = |it: usize| RECOVERED * clairvoyant.worth[it] <= outcome.worth[it];
        let until = |from: &usize, good: &dyn Fn(usize) -> bool| {
            let end = outcome.worth.len();
            let mut starts = *from..(end + 1).saturating_sub(IN_A_ROW);
            let found = starts.find(|start| (*start..start + IN_A_ROW).all(good));
            found.unwrap_or(end) - from
        };
        Figures {
            miss_rate: outcome.missed.iter().filter(|it| **it).count() as f64 / frames,
            effective_quality,
            regret: lost(effective_quality, clairvoyant.mean()),
            regret_switch_aware: lost(effective_quality, switch_aware.mean()),
            swaps_per_1000: 1e3 * outcome.swaps as f64 / frames,
            reaction: onsets.iter().map(|it| until(it, &on_time)).collect(),
            recovery: ends.iter().map(|it| until(it, &is_back)).collect(),
            shadow_share: outcome.shadow_ms / (frames * matrix.period_ms),
            decision_us: outcome.thinking.as_secs_f64() * 1e6 / outcome.decisions.max(1) as f64,
        }
    }
}

fn lost(worth: f64, possible: f64) -> f64 {
    if 0.0 < possible {
        1.0 - worth / possible
    } else {
        0.0
    }
}

/// Frames at which contention came, and at which it went: where the median latency of the frames after differs from
/// that of the frames before by half, seen over all candidates.
fn changes(matrix: &Matrix) -> (Vec<usize>, Vec<usize>) {
    let medians: Vec<f64> = (0..matrix.candidates())
        // A recording may round a time to nothing.
        .map(|it| matrix.percentile_ms(it, 0.5).unwrap_or(1.0).max(1e-3))
        .collect();
    let relative = |frame: usize| {
        middle(
            matrix
                .row(frame)
                .iter()
                .zip(&medians)
                .map(|(it, median)| it.latency_ms / median),
        )
    };
    let levels: Vec<f64> = (0..matrix.frames()).map(relative).collect();
    let (mut onsets, mut ends) = (Vec::new(), Vec::new());
    let mut from = IN_A_ROW;
    while from + IN_A_ROW <= levels.len() {
        let before = middle(levels[from - IN_A_ROW..from].iter().copied());
        let after = middle(levels[from..from + IN_A_ROW].iter().copied());
        // The change is where the frame itself has changed, not where the window first leans over.
        if before * CHANGE < after && before * CHANGE < levels[from] {
            onsets.push(from);
            from += IN_A_ROW;
        } else if after * CHANGE < before && levels[from] * CHANGE < before {
            ends.push(from);
            from += IN_A_ROW;
        } else {
            from += 1;
        }
    }
    (onsets, ends)
}

/// The middle one; 0 of nothing.
fn middle(values: impl Iterator<Item = f64>) -> f64 {
    median(values).unwrap_or(0.0)
}

/// A mean with its 95 % bootstrap interval over traces (percentile method, 2,000 resamples, seeded).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// Mean and interval of one figure over several traces; all zero without traces.
pub fn mean_of(values: &[f64]) -> Interval {
    const RESAMPLES: usize = 2000;
    if values.is_empty() {
        return Interval {
            mean: 0.0,
            low: 0.0,
            high: 0.0,
        };
    }
    let mut random = Random::new(values.len() as u64);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn = (0..values.len()).map(|_| values[random.whole(0, values.len() - 1)]);
            drawn.sum::<f64>() / values.len() as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    Interval {
        mean: values.iter().sum::<f64>() / values.len() as f64,
        low: means[RESAMPLES * 25 / 1000],
        high: means[RESAMPLES * 975 / 1000 - 1],
    }
}
