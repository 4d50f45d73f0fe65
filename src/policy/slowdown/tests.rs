// SPDX-License-Identifier: MPL-2.0

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

/// A machine that is calm, with a candidate of 9 ms and one of 27 ms, which answers.
fn calm() -> (Slowdown, Latency, Latency) {
    let (mut slowdown, small, mut large) = (Slowdown::new(), latency(9.0), latency(27.0));
    for run in 0..50 {
        slowdown.drift();
        let ran = millis(26.5 + f64::from(run % 3) / 2.0);
        slowdown.measured(LARGE, ran, &mut large, false);
    }
    check_factor(&slowdown, 1.0);
    (slowdown, small, large)
}

#[track_caller]
fn check_factor(slowdown: &Slowdown, expected: f64) {
    let factor = slowdown.level().mean.exp();
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
        slowdown.measured(LARGE, millis(27.0 * factor), &mut large, false);
        assert_eq!(slowdown.step_probability(), None, "frame {frame}");
    }
    check_factor(&slowdown, 1.5);
}

#[test]
fn a_miss_counts_at_once_and_a_normal_run_of_another_takes_it_back() {
    let (mut slowdown, mut small, large) = calm();
    assert!(slowdown.missed(LARGE, millis(40.0), &large));
    check_factor(&slowdown, 40.0 / 27.0);
    assert_eq!(slowdown.step_probability(), Some(0.5));
    let verdict = slowdown.measured(SMALL, millis(9.3), &mut small, false);
    assert!(matches!(verdict, Verdict::Spike { by: LARGE, .. }), "{verdict:?}");
    check_factor(&slowdown, 1.0);
}

#[test]
fn a_slow_run_of_another_confirms_the_step_and_tells_its_size() {
    let (mut slowdown, mut small, large) = calm();
    slowdown.missed(LARGE, millis(40.0), &large);
    slowdown.measured(SMALL, millis(20.0), &mut small, false);
    assert_eq!(slowdown.step_probability(), None);
    check_factor(&slowdown, 20.0 / 9.0);
}

#[test]
fn spikes_make_the_next_alarm_less_credible_and_steps_more() {
    let credible = |second: f64| {
        let (mut slowdown, mut small, large) = calm();
        slowdown.missed(LARGE, millis(40.0), &large);
        slowdown.measured(SMALL, millis(second), &mut small, false);
        for _ in 0..2 {
            slowdown.measured(SMALL, millis(9.0), &mut small, false);
        }
        slowdown.missed(LARGE, millis(60.0), &large);
        slowdown.step_probability().unwrap()
    };
    assert!(credible(9.0) < 0.4, "{}", credible(9.0));
    assert!(0.6 < credible(14.0), "{}", credible(14.0));
}

#[test]
fn slow_runs_of_one_candidate_alone_are_taken_for_a_step_only_after_many() {
    let (mut slowdown, _, mut large) = calm();
    slowdown.measured(LARGE, millis(60.0), &mut large, false);
    let mut runs = 1;
    while slowdown.step_probability().is_some() {
        slowdown.measured(LARGE, millis(60.0), &mut large, false);
        runs += 1;
    }
    assert_eq!(runs, ENOUGH);
    check_factor(&slowdown, 60.0 / 27.0);
}

#[test]
fn the_end_of_the_late_run_tells_the_full_size_while_nobody_judged_it() {
    let (mut slowdown, mut small, large) = calm();
    slowdown.missed(LARGE, millis(40.0), &large);
    assert!(slowdown.ended(LARGE, millis(60.0), &large));
    check_factor(&slowdown, 60.0 / 27.0);
    slowdown.measured(SMALL, millis(9.0), &mut small, false);
    assert!(!slowdown.ended(LARGE, millis(60.0), &large), "judged meanwhile");
    check_factor(&slowdown, 1.0);
}

#[test]
fn a_cold_run_can_deny_a_step_but_not_confirm_it() {
    let (mut slowdown, mut small, large) = calm();
    slowdown.missed(LARGE, millis(60.0), &large);
    assert_eq!(
        slowdown.ran_disturbed(SMALL, millis(20.0), &mut small, false),
        Verdict::Nothing
    );
    check_factor(&slowdown, 60.0 / 27.0);
    let verdict = slowdown.ran_disturbed(SMALL, millis(10.5), &mut small, false);
    assert!(matches!(verdict, Verdict::Spike { .. }), "{verdict:?}");
}

#[test]
fn one_fast_run_moves_nothing_and_two_take_the_contention_back() {
    let (mut slowdown, mut small, large) = calm();
    slowdown.missed(LARGE, millis(60.0), &large);
    slowdown.measured(SMALL, millis(20.0), &mut small, false);
    slowdown.measured(SMALL, millis(9.0), &mut small, false);
    check_factor(&slowdown, 20.0 / 9.0);
    slowdown.measured(SMALL, millis(9.2), &mut small, false);
    check_factor(&slowdown, 1.0);
}

#[test]
fn a_rival_that_is_fast_beside_a_normal_run_is_fast_alone() {
    let (mut slowdown, mut small, mut large) = calm();
    slowdown.measured(LARGE, millis(27.0), &mut large, false);
    slowdown.measured(SMALL, millis(6.0), &mut small, true);
    check_factor(&slowdown, 1.0);
    let residual = small.residual(millis(6.0), slowdown.level().mean);
    assert!(residual.abs() < 0.05, "{residual}");
}

#[test]
fn a_rival_that_is_slow_beside_a_normal_run_raises_no_alarm() {
    let (mut slowdown, mut small, _) = calm();
    slowdown.measured(SMALL, millis(20.0), &mut small, true);
    assert_eq!(slowdown.step_probability(), None);
    check_factor(&slowdown, 1.0);
}

#[test]
fn where_nobody_can_tell_the_suspect_is_looked_at() {
    let (mut slowdown, _, large) = calm();
    let mut tiny = latency(0.02);
    assert!(!slowdown.missed(SMALL, millis(40.0), &tiny));
    check_factor(&slowdown, 1.0);

    slowdown.missed(LARGE, millis(60.0), &large);
    let looks: Vec<u32> = (1..=128)
        .filter(|_| {
            slowdown.measured(SMALL, millis(0.03), &mut tiny, false);
            slowdown.suspect() == Some(LARGE)
        })
        .collect();
    assert_eq!(looks, [2, 4, 8, 16, 32, 64, 128]);
}

#[test]
fn disturbed_runs_count_only_when_they_were_fast() {
    let (mut slowdown, _, mut large) = calm();
    let before = slowdown.level().mean;
    slowdown.ran_disturbed(LARGE, millis(50.0), &mut large, false);
    assert_eq!(slowdown.level().mean, before);
    slowdown.ran_disturbed(LARGE, millis(26.0), &mut large, false);
    assert!(slowdown.level().mean < before);
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

#[test]
fn a_flush_forgets_a_first_fast_run_too() {
    let (mut slowdown, mut small, large) = calm();
    slowdown.missed(LARGE, millis(60.0), &large);
    slowdown.measured(SMALL, millis(20.0), &mut small, false);
    let before = slowdown.level().mean;
    slowdown.measured(SMALL, millis(9.0), &mut small, false);
    slowdown.forget();
    slowdown.measured(SMALL, millis(9.2), &mut small, false);
    assert!(
        before / 2.0 < slowdown.level().mean,
        "one fast run after the flush is the first again"
    );
}

/// The same machine, on which something waits for this share of the time; and a candidate of 2 ms.
fn loaded(share: f64) -> (Slowdown, Latency, Latency) {
    let (mut slowdown, _, large) = calm();
    wait(&mut slowdown, &[share; 2]);
    (slowdown, latency(2.0), large)
}

#[test]
fn what_waits_slows_long_runs_down_before_any_was_slow_and_no_longer_than_it_waits() {
    let (mut slowdown, short, large) = loaded(0.6);
    check_factor(&slowdown, 2.5);
    let of = |slowdown: &Slowdown, of: &Latency| slowdown.level_of(of).mean.exp();
    assert!(
        of(&slowdown, &short) < 1.5 && 2.4 < of(&slowdown, &large),
        "a short run fits into a turn"
    );
    assert!(!slowdown.waits(0.0), "one frame of calm may be chance");
    assert!(slowdown.waits(0.0), "the second is none");
    check_factor(&slowdown, 1.0);
    assert!(!slowdown.waits(0.0), "told once");
}

#[test]
fn long_runs_teach_how_much_of_what_waits_is_met_and_calm_stays_calm() {
    let (mut slowdown, _, mut large) = loaded(0.6);
    for _ in 0..30 {
        slowdown.drift();
        slowdown.waits(0.6);
        slowdown.measured(LARGE, millis(54.0), &mut large, false);
    }
    let expected = large.latency(slowdown.level_of(&large).mean).unwrap();
    assert!(
        (expected.as_secs_f64() / 54e-3 - 1.0).abs() < 0.03,
        "{expected:?}"
    );
    slowdown.waits(0.0);
    let calm = slowdown.level().mean.exp();
    assert!((calm - 1.0).abs() < 0.15, "{calm}");
}

#[test]
fn short_runs_under_load_teach_nothing_of_long_ones() {
    let (mut slowdown, mut short, _) = loaded(0.6);
    for _ in 0..200 {
        slowdown.drift();
        slowdown.waits(0.6);
        slowdown.measured(SMALL, millis(2.0), &mut short, false);
    }
    check_factor(&slowdown, 2.5);
    assert_eq!(slowdown.step_probability(), None);
}

#[test]
fn a_suspicion_ends_when_the_machine_says_what_it_was() {
    let (mut slowdown, _, large) = calm();
    slowdown.waits(0.0);
    assert!(slowdown.missed(LARGE, millis(80.0), &large));
    assert_eq!(slowdown.step_probability(), Some(0.5));
    slowdown.waits(0.7);
    assert_eq!(slowdown.step_probability(), None);
    slowdown.waits(0.0);
    slowdown.waits(0.0);
    check_factor(&slowdown, 1.0);
}

fn wait(slowdown: &mut Slowdown, shares: &[f64]) {
    for share in shares {
        slowdown.waits(*share);
    }
}

#[test]
fn a_load_that_flickers_is_expected_back_and_long_calm_makes_it_forget() {
    let (mut slowdown, _, large) = loaded(0.6);
    let hazard = |slowdown: &Slowdown| slowdown.contention.may_return(&large).1;
    assert_eq!(hazard(&slowdown), 0.0, "it is there");
    slowdown.waits(0.6);
    slowdown.waits(0.0);
    let once = hazard(&slowdown);
    for _ in 0..4 {
        wait(&mut slowdown, &[0.6, 0.6, 0.6, 0.0, 0.0]);
    }
    let often = hazard(&slowdown);
    assert!(once < 0.06 && 3.0 * once < often, "{once} {often}");
    let (level, _) = slowdown.contention.may_return(&large);
    assert!(0.8 < level.mean && level.mean < 1.2, "as it was: {level:?}");
    wait(&mut slowdown, &[0.0; 500]);
    assert!(hazard(&slowdown) < 0.005, "{}", hazard(&slowdown));
}

#[test]
fn a_machine_that_was_always_calm_has_no_load_that_is_gone() {
    let (mut slowdown, ..) = calm();
    assert!((0..100).all(|_| !slowdown.waits(0.0)));
}

#[test]
fn a_little_that_waits_beside_is_no_load_that_comes_back() {
    let (mut slowdown, _, large) = loaded(0.7);
    let hazard = |slowdown: &Slowdown| slowdown.contention.may_return(&large).1;
    wait(&mut slowdown, &[0.7, 0.0, 0.0]);
    let before = hazard(&slowdown);
    for _ in 0..4 {
        wait(&mut slowdown, &[0.3, 0.3, 0.0, 0.0]);
    }
    assert!(hazard(&slowdown) < before);
}

#[test]
fn waiting_scatters_less_the_more_turns_a_run_has() {
    let (slowdown, short, large) = loaded(0.6);
    let scatter = |of: &Latency| slowdown.level_of(of).scatter.sqrt();
    // 0.05 to 0.26 for runs of 27 ms, measured.
    assert!(
        0.05 < scatter(&large) && scatter(&large) < 0.15,
        "{}",
        scatter(&large)
    );
    assert!(
        0.1 < scatter(&short) && scatter(&short) < 0.3,
        "{}",
        scatter(&short)
    );
    assert_eq!(calm().0.level_of(&large).scatter, 0.0);
}
