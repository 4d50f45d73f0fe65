// SPDX-License-Identifier: MPL-2.0

//! Whether a slow run of a candidate's own is followed by another one: lone spikes are forgiven at once, while one that
//! hangs each time, or whose slow runs come in rows, is not trusted again so soon.

/// Counts at the start: of slow runs that were followed by another slow one, and by a normal one.
const AGAIN: f64 = 0.02;
const ONCE: f64 = 2.0;

/// What a further count leaves of the ones before it.
const MEMORY: f64 = 0.98;

/// What a frame without news leaves of the suspicion: some twenty frames.
const FADE: f64 = 0.95;

/// Slow runs in a row, each seen apart from the others, that are no chance any more.
const TOO_MANY: u32 = 3;

/// Slow runs in a row, the last one included.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// The smallest of their residuals.
    residual: f64,
    /// Fades from one while nothing is heard.
    chance: f64,
    runs: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct SlowStreak {
    row: Option<Row>,
    again: f64,
    once: f64,
}

impl SlowStreak {
    pub(super) fn new() -> SlowStreak {
        SlowStreak {
            row: None,
            again: AGAIN,
            once: ONCE,
        }
    }

    /// A frame passed.
    pub(super) fn fade(&mut self) {
        if let Some(row) = &mut self.row {
            row.chance *= FADE;
        }
    }

    /// A run was slow for reasons of the candidate's own.
    pub(super) fn slow(&mut self, residual: f64) {
        let before = self.row;
        if before.is_some() {
            self.count(1.0, 0.0);
        }
        self.row = Some(Row {
            residual: before.map_or(residual, |it| it.residual.min(residual)),
            chance: 1.0,
            runs: before.map_or(1, |it| it.runs + 1),
        });
    }

    /// A run was as expected.
    pub(super) fn normal(&mut self) {
        if self.row.take().is_some() {
            self.count(0.0, 1.0);
        }
    }

    /// By how much the candidate became slower, if the row is no chance any more; the row ends with that.
    pub(super) fn lasting(&mut self) -> Option<f64> {
        let row = self.row.filter(|it| TOO_MANY <= it.runs)?;
        self.row = None;
        Some(row.residual)
    }

    /// Probability that a slow run is followed by another one.
    pub(super) fn again(&self) -> f64 {
        self.again / (self.again + self.once)
    }

    /// Probability that the next run is slow because the last one was, and by how much.
    pub(super) fn suspicion(&self) -> Option<(f64, f64)> {
        self.row.map(|it| (it.chance * self.again(), it.residual))
    }

    fn count(&mut self, again: f64, once: f64) {
        self.again = MEMORY * self.again + again;
        self.once = MEMORY * self.once + once;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_slow_runs_raise_no_suspicion() {
        let mut runs = SlowStreak::new();
        for _ in 0..20 {
            runs.slow(1.0);
            runs.normal();
        }
        runs.slow(1.0);
        assert!(runs.suspicion().unwrap().0 < 0.01);
    }

    #[test]
    fn rows_of_slow_runs_do_and_silence_takes_it_back() {
        let mut runs = SlowStreak::new();
        (0..10).for_each(|_| runs.slow(1.0));
        assert!(0.7 < runs.suspicion().unwrap().0);
        (0..100).for_each(|_| runs.fade());
        assert!(runs.suspicion().unwrap().0 < 0.01);
    }

    #[test]
    fn a_long_row_is_lasting_by_the_smallest_of_its_residuals() {
        let mut runs = SlowStreak::new();
        runs.slow(0.9);
        runs.slow(0.5);
        assert_eq!(runs.lasting(), None);
        runs.slow(0.7);
        assert_eq!(runs.lasting(), Some(0.5));
        assert_eq!(runs.lasting(), None, "the count begins anew");
    }
}
