// SPDX-License-Identifier: MPL-2.0

//! One candidate's estimates side by side. Who uses them how stands in `controller`.

use super::Prior;
use super::latency::Latency;
use super::quality::Quality;
use super::regret::Regret;

/// Whether a candidate may be considered at all, whatever its lane says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Sound,
    Failed,
}

/// Slow runs in a row that were not the machine's fault.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slips {
    count: u32,
    /// Runs of the candidate at the last of them.
    runs: u64,
    smallest: f64,
}

/// Own runs within which the next slow run counts as in a row: the end of the slow one, a first, unmeasured
/// run after the return, a shadow run, and the next slow one.
const AGAIN: u64 = 4;

/// Slow runs in a row that are no chance any more: at 2 % of spikes it takes 150 of them.
const TOO_MANY: u32 = 3;

impl Slips {
    /// One more slow run; returns by how much the candidate became slower, if this is no chance any more.
    pub(super) fn slipped(&mut self, runs: u64, residual: f64) -> Option<f64> {
        let in_a_row = 0 < self.count && runs.saturating_sub(self.runs) <= AGAIN;
        *self = match in_a_row {
            true => Slips {
                count: self.count + 1,
                runs,
                smallest: self.smallest.min(residual),
            },
            false => Slips {
                count: 1,
                runs,
                smallest: residual,
            },
        };
        if self.count < TOO_MANY {
            return None;
        }
        self.count = 0;
        Some(self.smallest)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub standing: Standing,
    pub latency: Latency,
    pub quality: Quality,
    pub regret: Regret,
    /// Runs of any kind.
    pub runs: u64,
    /// Frame of the last run of any kind; `None` before the first.
    pub last_run: Option<u64>,
    /// Shadow runs that could have led to a score, and the frame of the last of them, or of the last score.
    pub asks: u64,
    pub last_asked: Option<u64>,
    /// Slow runs of its own in a row.
    pub slips: Slips,
    /// A miss was told of a run that has not ended yet.
    pub overdue: bool,
}

impl Candidate {
    pub(super) fn new(prior: Prior) -> Candidate {
        Candidate {
            standing: Standing::Sound,
            latency: Latency::new(),
            quality: Quality::new(prior),
            regret: Regret::default(),
            runs: 0,
            last_run: None,
            asks: 0,
            last_asked: None,
            slips: Slips::default(),
            overdue: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_runs_in_a_row_are_the_candidates_own_and_by_the_smallest_of_them() {
        let mut slips = Slips::default();
        assert_eq!(slips.slipped(10, 0.9), None);
        assert_eq!(slips.slipped(13, 0.5), None);
        assert_eq!(slips.slipped(16, 0.7), Some(0.5));
        assert_eq!(slips.slipped(17, 0.7), None, "the count begins anew");
    }

    #[test]
    fn slow_runs_far_apart_are_spikes() {
        let mut slips = Slips::default();
        for spike in 0..20 {
            assert_eq!(slips.slipped(spike * (AGAIN + 1), 1.0), None);
        }
    }
}
