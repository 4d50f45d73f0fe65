// SPDX-License-Identifier: MPL-2.0

//! How long one candidate takes: its baseline, its own offset, and how its runs scatter. What all
//! candidates share is in `slowdown`.

use std::time::Duration;

use super::window::Window;

/// Part of a frame latency that no slowdown multiplies: the hand-over between threads. It keeps a
/// candidate of a few microseconds, whose latency is all jitter, from claiming that the machine became
/// three times slower. (17 µs median and 107 µs at the 99th percentile, measured.)
const HAND_OVER: f64 = 200e-6;

/// Runs whose median is the baseline: few, so that a candidate may answer soon; what they got wrong goes
/// into the offset.
const BASELINE_RUNS: usize = 5;

/// Variance of a baseline of five runs that scatter by 6 %: 1.57 (the median's) times 0.06² / 5.
const BASELINE_VARIANCE: f64 = 1.1e-3;

/// Spread of how strongly candidates react to the same contention: 12 %. The further the slowdown has
/// moved since a candidate was measured, the less is known of it (specification, section 3.1).
const SENSITIVITY_SD: f64 = 0.12;

/// Largest offset, in either direction: a factor of 20. A bound for hostile input, not for models.
const OFFSET_LIMIT: f64 = 3.0;

/// Bounds of the scatter of single runs, as a standard deviation in the log domain. Below, one late
/// frame would look like an alarm; above, none would.
const SCATTER: (f64, f64) = (0.02, 0.3);

/// Latencies in seconds that can be told apart from nothing and still be added up.
const RANGE: (f64, f64) = (1e-7, 1e5);

/// Surprisingly fast clean runs of one candidate in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streak {
    /// All of them, and the last of them between which no candidate ran as expected.
    pub runs: u32,
    pub together: u32,
    /// The largest slowdown that they implied: the cautious reading.
    pub level: f64,
    /// Normal runs of all candidates before the last of them.
    normal_runs: u64,
}

/// Latency model of one candidate, in seconds and log-seconds:
///
/// `ln(y + c) = ln(b · e^(s + d) + c) + e` where `y` is the frame latency, `b` the baseline, `s` the shared
/// log-slowdown, `d` the own offset, `c` the hand-over and `e` the residual.
#[derive(Debug, Clone)]
pub(super) struct Latency {
    /// Clean runs, freed of the slowdown; the first `clean` are valid.
    first: [f64; BASELINE_RUNS],
    clean: usize,
    /// Fastest disturbed run, freed of the slowdown; infinite without one.
    best: f64,
    baseline: Option<f64>,
    offset: f64,
    /// Variance of the offset at the slowdown `seen_at`.
    variance: f64,
    /// Slowdown at the last clean run.
    seen_at: f64,
    residuals: Window,
    streak: Option<Streak>,
}

impl Latency {
    pub(super) fn new() -> Latency {
        Latency {
            first: [0.0; BASELINE_RUNS],
            clean: 0,
            best: f64::INFINITY,
            baseline: None,
            offset: 0.0,
            // A provisional baseline is no doubt too high already; more doubt would bar the candidate from
            // the clean runs that could tell.
            variance: 0.0,
            seen_at: 0.0,
            residuals: Window::new(),
            streak: None,
        }
    }

    /// Whether anything is known, be it from disturbed runs only.
    pub(super) fn is_known(&self) -> bool {
        self.baseline.is_some()
    }

    /// Whether the baseline stands, so that a run tells of the slowdown.
    pub(super) fn has_baseline(&self) -> bool {
        self.clean == BASELINE_RUNS
    }

    /// A clean run before the baseline stands.
    pub(super) fn found(&mut self, latency: Duration, slowdown: f64) {
        self.first[self.clean] = seconds(latency) / slowdown.exp();
        self.clean += 1;
        let mut runs = self.first;
        let runs = &mut runs[..self.clean];
        runs.sort_by(f64::total_cmp);
        let median = runs[(self.clean - 1) / 2];
        // Until the median means something, the best disturbed run bounds it.
        self.baseline = Some(if self.has_baseline() {
            median
        } else {
            self.best.min(median)
        });
        self.offset = 0.0;
        self.variance = BASELINE_VARIANCE;
        self.seen_at = slowdown;
    }

    /// A disturbed run before the baseline stands. It can only have been slower than a clean run, so the best
    /// of them is the provisional baseline.
    pub(super) fn glimpsed(&mut self, latency: Duration, slowdown: f64) {
        let seen = seconds(latency) / slowdown.exp();
        self.best = self.best.min(seen);
        self.baseline = Some(self.baseline.map_or(seen, |it| it.min(seen)));
        self.seen_at = slowdown;
    }

    /// Expected log of latency plus hand-over at a slowdown; infinite when nothing is known.
    pub(super) fn expected(&self, slowdown: f64) -> f64 {
        (self.scaled(slowdown) + HAND_OVER).ln()
    }

    /// The slowdown at which this latency would be the expected one.
    pub(super) fn implied(&self, latency: Duration) -> f64 {
        (seconds(latency) / self.baseline.unwrap_or(f64::INFINITY))
            .max(1e-6)
            .ln()
            - self.offset
    }

    /// Share of the latency that the slowdown moves: the derivative of `expected`, 0..1.
    pub(super) fn sensitivity(&self, slowdown: f64) -> f64 {
        let scaled = self.scaled(slowdown);
        if scaled.is_finite() {
            scaled / (scaled + HAND_OVER)
        } else {
            1.0
        }
    }

    /// Whether a run tells of the machine: one that is mostly hand-over hardly moves with the slowdown, and of one
    /// whose latency is unknown nothing can be expected.
    pub(super) fn speaks(&self) -> bool {
        self.baseline.is_some_and(|it| HAND_OVER < it)
    }

    /// Observed minus expected, in the log domain.
    pub(super) fn residual(&self, latency: Duration, slowdown: f64) -> f64 {
        (seconds(latency) + HAND_OVER).ln() - self.expected(slowdown)
    }

    /// Standard deviation of single runs in the log domain, without outliers.
    pub(super) fn scatter(&self) -> f64 {
        self.residuals.spread().clamp(SCATTER.0, SCATTER.1)
    }

    /// Variance of what is believed of this candidate apart from the shared slowdown.
    pub(super) fn doubt(&self, slowdown: f64) -> f64 {
        self.variance + (SENSITIVITY_SD * (slowdown - self.seen_at)).powi(2)
    }

    /// One more surprisingly fast run, after so many normal ones of all candidates.
    pub(super) fn fast_run(&mut self, latency: Duration, normal_runs: u64) -> Streak {
        let level = self.implied(latency);
        let streak = match self.streak {
            None => Streak {
                runs: 1,
                together: 1,
                level,
                normal_runs,
            },
            Some(it) => Streak {
                runs: it.runs + 1,
                together: if it.normal_runs == normal_runs {
                    it.together + 1
                } else {
                    1
                },
                level: it.level.max(level),
                normal_runs,
            },
        };
        *self.streak.insert(streak)
    }

    pub(super) fn end_streak(&mut self) {
        self.streak = None;
    }

    /// Takes over what a run taught: a step of the offset and the doubt that is left.
    pub(super) fn learn(&mut self, step: f64, doubt: f64, slowdown: f64) {
        self.offset = (self.offset + step).clamp(-OFFSET_LIMIT, OFFSET_LIMIT);
        self.variance = doubt;
        self.seen_at = slowdown;
    }

    /// The slowdown jumped to a level that this candidate itself told: its offset is as well known as before.
    pub(super) fn carried(&mut self, slowdown: f64) {
        self.seen_at = slowdown;
    }

    pub(super) fn offset(&self) -> f64 {
        self.offset
    }

    /// Moves the origin of the slowdown by `shift`; what is expected stays.
    pub(super) fn shift_origin(&mut self, shift: f64) {
        self.seen_at += shift;
        if self.has_baseline() {
            self.offset -= shift;
        } else {
            let factor = (-shift).exp();
            self.first.iter_mut().for_each(|it| *it *= factor);
            self.best *= factor;
            self.baseline = self.baseline.map(|it| it * factor);
        }
        self.streak = None;
    }

    /// The candidate became slower or faster for reasons of its own: the offset takes the whole residual, and the
    /// doubt is that of a single run.
    pub(super) fn slipped(&mut self, residual: f64, slowdown: f64) {
        self.learn(
            residual / self.sensitivity(slowdown).max(0.1),
            self.scatter().powi(2),
            slowdown,
        );
    }

    pub(super) fn remember(&mut self, residual: f64) {
        self.residuals.push(residual);
    }

    pub(super) fn pardon(&mut self, residual: f64) {
        self.residuals.pardon(residual);
    }

    /// Expected latency.
    pub(super) fn latency(&self, slowdown: f64) -> Option<Duration> {
        self.baseline.map(|_| duration(self.scaled(slowdown)))
    }

    /// The latency that all but `share` of the runs are expected to keep, without doubt or headroom.
    pub(super) fn likely(&self, slowdown: f64, share: f64) -> Option<Duration> {
        self.baseline?;
        Some(duration(
            (self.expected(slowdown) + self.residuals.percentile(1.0 - share)).exp() - HAND_OVER,
        ))
    }

    /// The latency that all but `miss_rate` of the runs are expected to keep, plus one standard deviation of
    /// doubt. Scatter and doubt are separate: a candidate that nobody ran must not have its doubt
    /// multiplied by a tail quantile, or nobody ever will.
    pub(super) fn upper(&self, slowdown: f64, miss_rate: f64) -> Option<Duration> {
        self.upper_with(slowdown, miss_rate, 0.0)
    }

    /// The same with headroom of half a standard deviation: what a candidate must keep to come in, so that
    /// it does not go out again with the next frame.
    pub(super) fn upper_to_enter(&self, slowdown: f64, miss_rate: f64) -> Option<Duration> {
        self.upper_with(slowdown, miss_rate, 0.5 * self.scatter())
    }

    fn upper_with(&self, slowdown: f64, miss_rate: f64, headroom: f64) -> Option<Duration> {
        self.baseline?;
        let tail = self.residuals.percentile(1.0 - miss_rate).max(self.scatter());
        let doubt = self.sensitivity(slowdown) * self.doubt(slowdown).sqrt();
        Some(duration(
            (self.expected(slowdown) + tail + doubt + headroom).exp() - HAND_OVER,
        ))
    }

    fn scaled(&self, slowdown: f64) -> f64 {
        self.baseline.unwrap_or(f64::INFINITY) * (slowdown + self.offset).exp()
    }
}

fn seconds(latency: Duration) -> f64 {
    latency.as_secs_f64().clamp(RANGE.0, RANGE.1)
}

fn duration(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(RANGE.0, RANGE.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(value: f64) -> Duration {
        Duration::from_secs_f64(value / 1e3)
    }

    fn measured(runs: &[f64]) -> Latency {
        let mut latency = Latency::new();
        runs.iter().for_each(|it| latency.found(millis(*it), 0.0));
        latency
    }

    #[track_caller]
    fn check(actual: Option<Duration>, expected_ms: f64) {
        let actual = actual.expect("known").as_secs_f64() * 1e3;
        assert!(
            (actual / expected_ms - 1.0).abs() < 1e-3,
            "{actual} ms, expected {expected_ms} ms"
        );
    }

    #[test]
    fn nothing_is_claimed_of_a_candidate_that_never_ran() {
        let latency = Latency::new();
        assert_eq!(latency.latency(0.0), None);
        assert_eq!(latency.upper(0.0, 0.03), None);
        assert!(!latency.is_known());
    }

    #[test]
    fn the_baseline_is_the_median_of_the_first_clean_runs() {
        let latency = measured(&[27.0, 26.0, 90.0, 28.0, 27.5]);
        check(latency.latency(0.0), 27.5);
        assert!(latency.has_baseline());
    }

    #[test]
    fn a_baseline_found_under_contention_is_freed_of_it() {
        let mut latency = Latency::new();
        (0..5).for_each(|_| latency.found(millis(20.0), 2f64.ln()));
        check(latency.latency(0.0), 10.0);
        check(latency.latency(3f64.ln()), 30.0);
    }

    #[test]
    fn disturbed_runs_give_their_best_until_a_clean_one_comes() {
        let mut latency = Latency::new();
        [80.0, 31.0, 33.0]
            .iter()
            .for_each(|it| latency.glimpsed(millis(*it), 0.0));
        check(latency.latency(0.0), 31.0);
        latency.found(millis(27.0), 0.0);
        check(latency.latency(0.0), 27.0);
    }

    #[test]
    fn the_upper_bound_follows_the_tail_that_the_user_allows() {
        let mut latency = measured(&[10.0; 5]);
        // 300 residuals of 0.01, each tenth 0.4: 10 % of the runs take half as long again.
        (0..300).for_each(|i| latency.remember(if i % 10 == 0 { 0.4 } else { 0.01 }));
        let relaxed = latency.upper(0.0, 0.12).unwrap();
        let strict = latency.upper(0.0, 0.03).unwrap();
        assert!(relaxed < millis(11.0), "{relaxed:?}");
        assert!(millis(14.9) < strict && strict < millis(16.0), "{strict:?}");
    }

    #[test]
    fn doubt_grows_when_contention_moves_unseen() {
        let latency = measured(&[10.0; 5]);
        let grown = latency.upper(2f64.ln(), 0.03).unwrap().as_secs_f64()
            / latency.upper(0.0, 0.03).unwrap().as_secs_f64();
        assert!(2.02 < grown, "{grown}");
    }

    #[test]
    fn a_candidate_of_microseconds_is_hardly_moved_by_jitter() {
        let latency = measured(&[0.02; 5]);
        assert!(latency.residual(millis(0.1), 0.0) < 0.4);
        assert!(latency.sensitivity(0.0) < 0.1);
    }

    #[test]
    fn the_implied_slowdown_inverts_the_expectation() {
        let latency = measured(&[9.0; 5]);
        let implied = latency.implied(millis(20.0));
        assert!(latency.residual(millis(20.0), implied).abs() < 1e-9);
    }

    #[test]
    fn numbers_stay_finite_at_both_ends() {
        let mut latency = measured(&[0.0; 5]);
        assert!(latency.residual(Duration::MAX, 0.0).is_finite());
        assert!(latency.upper(40.0, 0.0).is_some());
        latency.learn(f64::MAX, 1.0, 0.0);
        assert!(latency.latency(0.0).is_some());
    }
}
