// SPDX-License-Identifier: MPL-2.0

//! What all candidates share: how much slower the machine is now than when they were measured. One clean
//! run of any candidate moves it, and with it the expectation of all.

use std::time::Duration;

use super::CandidateId;
use super::alarm::{Alarm, Verdict};
use super::latency::Latency;

/// Variance that the slowdown gains per frame while nothing is known: contention drifts by 2 % a frame.
const DRIFT: f64 = 4e-4;

/// Largest variance: a factor of 2.7 either way. Beyond it a run is believed as it stands anyway.
const VARIANCE_LIMIT: f64 = 1.0;

/// Standard deviations beyond which a residual is no scatter: 1 frame in 370, if Gaussian.
const SURPRISE: f64 = 3.0;

/// Surprisingly fast runs in a row after which contention is believed to have gone: downwards patience
/// costs a little quality for some frames, upwards it would cost a miss each.
const FAST_RUNS: u32 = 3;

/// Part of an unconfirmed alarm that a run which cannot tell takes back: an alarm that nobody can
/// judge, not even a look, is over after some hundred frames.
const FADE: f64 = 0.005;

/// Bounds of the log-slowdown: a factor of 1,000. A hung candidate implies more, which says nothing.
const LEVEL_LIMIT: f64 = 6.9;

/// The shared log-slowdown: a scalar filter with an alarm for what a filter would follow too slowly.
#[derive(Debug, Clone)]
pub(super) struct Slowdown {
    level: f64,
    variance: f64,
    alarm: Option<Alarm>,
    /// Clean runs so far that were as expected.
    normal_runs: u64,
}

impl Slowdown {
    pub(super) fn new() -> Slowdown {
        Slowdown {
            level: 0.0,
            variance: DRIFT,
            alarm: None,
            normal_runs: 0,
        }
    }

    /// Natural logarithm of the factor by which latencies are longer than the baselines.
    pub(super) fn level(&self) -> f64 {
        self.level
    }

    /// A frame passed.
    pub(super) fn drift(&mut self) {
        self.variance = (self.variance + DRIFT).min(VARIANCE_LIMIT);
    }

    /// Takes the unconfirmed alarm of a candidate back that will not be heard of again.
    pub(super) fn forget_alarm_of(&mut self, id: CandidateId) {
        if self.alarm.is_some_and(|it| it.by() == id) {
            self.forget();
        }
    }

    /// Takes an unconfirmed alarm back.
    pub(super) fn forget(&mut self) {
        if let Some(alarm) = self.alarm.take() {
            self.level = alarm.before();
        }
    }

    /// Candidate `id` passed its deadline and took at least `latency`.
    pub(super) fn missed(&mut self, id: CandidateId, latency: Duration, of: &Latency) {
        if 0.0 < of.residual(latency, self.level) && of.speaks() {
            self.raise(id, latency, of);
        }
    }

    /// A run that had missed its deadline ended after `latency`. Returns whether its alarm is still open, and
    /// the run therefore not judged yet.
    pub(super) fn ended(&mut self, id: CandidateId, latency: Duration, of: &Latency) -> bool {
        match self.alarm {
            Some(alarm) if alarm.by() == id => {
                self.raise(id, latency, of);
                true
            }
            _ => false,
        }
    }

    /// A clean run: moves the slowdown and teaches the candidate its offset.
    pub(super) fn measured(&mut self, id: CandidateId, latency: Duration, of: &mut Latency) {
        let residual = of.residual(latency, self.level);
        let tolerance = SURPRISE * self.innovation_variance(of).sqrt();
        if of.speaks() && tolerance < residual {
            self.raise(id, latency, of);
        } else if of.speaks() && residual < -tolerance {
            self.fast(latency, of);
        } else {
            self.normal_runs += 1;
            of.end_streak();
            of.remember(residual);
            self.update(residual.clamp(-tolerance, tolerance), of);
        }
    }

    /// A run that something disturbed: it can only have been slower than a clean one, so it counts
    /// when it was faster than expected.
    pub(super) fn glimpsed(&mut self, latency: Duration, of: &mut Latency) {
        let residual = of.residual(latency, self.level);
        let tolerance = SURPRISE * self.innovation_variance(of).sqrt();
        of.pardon(residual);
        if of.speaks() && residual < -tolerance {
            self.fast(latency, of);
        } else if residual < 0.0 {
            self.update(residual.max(-tolerance), of);
        }
    }

    /// Judges an open alarm by a further run of any candidate, clean or not; `None` when there is none to judge.
    pub(super) fn judge(&mut self, latency: Duration, of: &mut Latency, clean: bool) -> Option<Verdict> {
        let alarm = self.alarm.as_mut()?;
        let rise = self.level - alarm.before();
        let verdict = alarm.judge(self.level, latency, of, clean);
        match verdict {
            Some(Verdict::Unclear) if !of.speaks() => self.level -= FADE * rise,
            Some(Verdict::Unclear) => {}
            Some(Verdict::Spike { .. }) => self.forget(),
            Some(Verdict::Step) => {
                self.alarm = None;
                self.jump(of.implied(latency), of);
            }
            None => {
                self.alarm = None;
                self.variance = (self.variance + rise * rise).min(VARIANCE_LIMIT);
            }
        }
        verdict
    }

    /// Moves the origin by `shift`, together with all candidates. Refused while an alarm is open.
    pub(super) fn shift_origin(&mut self, shift: f64) -> bool {
        let level = self.level + shift;
        let is_possible = self.alarm.is_none() && level.abs() <= LEVEL_LIMIT;
        if is_possible {
            self.level = level;
        }
        is_possible
    }

    /// Who should be looked at beside the active candidate, because no run so far could tell whether its
    /// alarm is a step.
    pub(super) fn suspect(&self) -> Option<CandidateId> {
        self.alarm.filter(Alarm::is_look_due).map(|it| it.by())
    }

    fn raise(&mut self, id: CandidateId, latency: Duration, of: &Latency) {
        self.alarm = Some(match self.alarm {
            None => Alarm::new(id, self.level, latency, of),
            Some(alarm) => alarm.raised_again(id, latency, of),
        });
        self.level = self.level.max(of.implied(latency).min(LEVEL_LIMIT));
    }

    /// A surprisingly fast run. Several in a row mean that contention has gone; but if others ran as expected
    /// between them, it is this candidate that became faster.
    fn fast(&mut self, latency: Duration, of: &mut Latency) {
        let streak = of.fast_run(latency, self.normal_runs);
        if FAST_RUNS <= streak.together {
            self.jump(streak.level, of);
            of.end_streak();
        } else if FAST_RUNS <= streak.runs && streak.together == 1 {
            of.slipped(
                (streak.level - self.level) * of.sensitivity(self.level),
                self.level,
            );
            of.end_streak();
        }
    }

    /// Takes a level that runs of this candidate have told, as uncertain as one run is. A jump is the machine's:
    /// the candidate's offset has no part in it, or it would be wrong when the machine jumps back.
    fn jump(&mut self, level: f64, of: &mut Latency) {
        self.level = level.clamp(-LEVEL_LIMIT, LEVEL_LIMIT);
        self.variance = (self.variance + of.scatter().powi(2)).min(VARIANCE_LIMIT);
        of.carried(self.level);
    }

    fn innovation_variance(&self, of: &Latency) -> f64 {
        let sensitivity = of.sensitivity(self.level);
        let scatter = of.scatter();
        sensitivity * sensitivity * (self.variance + of.doubt(self.level)) + scatter * scatter
    }

    /// One step of the filter (specification, section 3.1), with `w` the sensitivity, `P` the slowdown's
    /// variance, `V` the candidate's doubt and `S` the variance of the residual `nu`:
    /// `s += w P / S · nu`, `d += w V / S · nu`, `P *= 1 - w² P / S`, `V *= 1 - w² V / S`.
    fn update(&mut self, residual: f64, of: &mut Latency) {
        let sensitivity = of.sensitivity(self.level);
        let doubt = of.doubt(self.level);
        let total = self.innovation_variance(of);
        let (gain, own_gain) = (sensitivity * self.variance / total, sensitivity * doubt / total);
        self.level = (self.level + gain * residual).clamp(-LEVEL_LIMIT, LEVEL_LIMIT);
        self.variance *= 1.0 - sensitivity * gain;
        of.learn(
            own_gain * residual,
            doubt * (1.0 - sensitivity * own_gain),
            self.level,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: CandidateId = CandidateId(0);
    const LARGE: CandidateId = CandidateId(1);

    fn millis(value: f64) -> Duration {
        Duration::from_secs_f64(value / 1e3)
    }

    fn latency(millis_each: f64) -> Latency {
        let mut latency = Latency::new();
        (0..5).for_each(|_| latency.found(millis(millis_each), 0.0));
        latency
    }

    /// A machine that is calm, with a candidate of 9 ms and one of 27 ms.
    fn calm() -> (Slowdown, Latency, Latency) {
        let (mut slowdown, small, mut large) = (Slowdown::new(), latency(9.0), latency(27.0));
        for run in 0..50 {
            slowdown.drift();
            slowdown.measured(LARGE, millis(26.5 + f64::from(run % 3) / 2.0), &mut large);
        }
        assert!(slowdown.level().abs() < 0.02, "{}", slowdown.level());
        (slowdown, small, large)
    }

    #[track_caller]
    fn check_factor(slowdown: &Slowdown, expected: f64) {
        let factor = slowdown.level().exp();
        assert!(
            (factor / expected - 1.0).abs() < 0.05,
            "{factor}, expected {expected}"
        );
    }

    #[test]
    fn slow_drift_is_followed_without_alarm() {
        let (mut slowdown, _, mut large) = calm();
        for frame in 0..200 {
            slowdown.drift();
            let factor = 1.0 + f64::from(frame) / 400.0;
            assert_eq!(slowdown.judge(millis(27.0 * factor), &mut large, true), None);
            slowdown.measured(LARGE, millis(27.0 * factor), &mut large);
        }
        check_factor(&slowdown, 1.5);
    }

    #[test]
    fn a_miss_counts_at_once_and_a_normal_run_of_another_takes_it_back() {
        let (mut slowdown, mut small, large) = calm();
        slowdown.missed(LARGE, millis(40.0), &large);
        check_factor(&slowdown, 40.0 / 27.0);
        let verdict = slowdown.judge(millis(9.3), &mut small, true);
        assert!(
            matches!(verdict, Some(Verdict::Spike { by: LARGE, .. })),
            "{verdict:?}"
        );
        check_factor(&slowdown, 1.0);
    }

    #[test]
    fn a_slow_run_of_another_confirms_the_step_and_tells_its_size() {
        let (mut slowdown, mut small, large) = calm();
        slowdown.missed(LARGE, millis(40.0), &large);
        assert_eq!(
            slowdown.judge(millis(20.0), &mut small, true),
            Some(Verdict::Step)
        );
        check_factor(&slowdown, 20.0 / 9.0);
    }

    #[test]
    fn the_end_of_the_late_run_tells_the_full_size_while_nobody_judged_it() {
        let (mut slowdown, mut small, large) = calm();
        slowdown.missed(LARGE, millis(40.0), &large);
        assert!(slowdown.ended(LARGE, millis(60.0), &large));
        check_factor(&slowdown, 60.0 / 27.0);
        slowdown.judge(millis(9.0), &mut small, true);
        assert!(!slowdown.ended(LARGE, millis(60.0), &large), "judged meanwhile");
        check_factor(&slowdown, 1.0);
    }

    #[test]
    fn a_cold_run_can_deny_a_step_but_not_confirm_it() {
        let (mut slowdown, mut small, large) = calm();
        slowdown.missed(LARGE, millis(60.0), &large);
        assert_eq!(
            slowdown.judge(millis(20.0), &mut small, false),
            Some(Verdict::Unclear)
        );
        check_factor(&slowdown, 60.0 / 27.0);
        let verdict = slowdown.judge(millis(10.5), &mut small, false);
        assert!(matches!(verdict, Some(Verdict::Spike { .. })), "{verdict:?}");
    }

    #[test]
    fn one_fast_run_moves_little_and_three_take_the_contention_back() {
        let (mut slowdown, mut small, large) = calm();
        slowdown.missed(LARGE, millis(60.0), &large);
        slowdown.judge(millis(20.0), &mut small, true);
        slowdown.measured(SMALL, millis(9.0), &mut small);
        check_factor(&slowdown, 20.0 / 9.0);
        slowdown.measured(SMALL, millis(9.0), &mut small);
        slowdown.measured(SMALL, millis(9.2), &mut small);
        check_factor(&slowdown, 1.0);
    }

    #[test]
    fn a_candidate_that_became_faster_alone_takes_nothing_back_from_the_others() {
        let (mut slowdown, mut small, mut large) = calm();
        for _ in 0..3 {
            slowdown.measured(SMALL, millis(6.0), &mut small);
            slowdown.measured(LARGE, millis(27.0), &mut large);
        }
        check_factor(&slowdown, 1.0);
        assert!(small.residual(millis(6.0), slowdown.level()).abs() < 0.05);
    }

    #[test]
    fn a_candidate_that_is_mostly_hand_over_raises_no_alarm_and_has_the_suspect_looked_at() {
        let (mut slowdown, _, large) = calm();
        let mut tiny = latency(0.02);
        slowdown.missed(SMALL, millis(40.0), &tiny);
        check_factor(&slowdown, 1.0);

        slowdown.missed(LARGE, millis(60.0), &large);
        let looks: Vec<u32> = (1..=128)
            .filter(|_| {
                slowdown.judge(millis(0.03), &mut tiny, true);
                slowdown.suspect() == Some(LARGE)
            })
            .collect();
        assert_eq!(looks, [2, 4, 8, 16, 32, 64, 128]);
    }

    #[test]
    fn disturbed_runs_count_only_when_they_were_fast() {
        let (mut slowdown, _, mut large) = calm();
        let before = slowdown.level();
        slowdown.glimpsed(millis(50.0), &mut large);
        assert_eq!(slowdown.level(), before);
        slowdown.glimpsed(millis(26.0), &mut large);
        assert!(slowdown.level() < before);
    }

    #[test]
    fn what_was_not_confirmed_can_be_forgotten() {
        let (mut slowdown, _, large) = calm();
        slowdown.missed(LARGE, millis(60.0), &large);
        slowdown.forget_alarm_of(SMALL);
        check_factor(&slowdown, 60.0 / 27.0);
        slowdown.forget_alarm_of(LARGE);
        check_factor(&slowdown, 1.0);
    }
}
