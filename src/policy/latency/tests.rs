// SPDX-License-Identifier: MPL-2.0

use super::super::prospect::{LogLimit, Prospect};
use super::*;

fn millis(value: f64) -> Duration {
    Duration::from_secs_f64(value / 1e3)
}

fn measured(runs: &[f64]) -> Latency {
    let mut latency = Latency::new();
    runs.iter().for_each(|it| latency.found(millis(*it), 0.0));
    latency
}

fn level(mean: f64) -> Level {
    Level {
        mean,
        variance: 4e-4,
        scatter: 0.0,
    }
}

fn exceedance(latency: &Latency, limit_ms: f64, shared: &Window) -> f64 {
    let runs = Prospect::new(latency, level(0.0), 0.0, shared).unwrap();
    runs.exceedance(LogLimit::new(millis(limit_ms)))
}

fn upper(latency: &Latency, miss_rate: f64, shared: &Window) -> Option<Duration> {
    Some(Prospect::new(latency, level(0.0), 0.0, shared)?.upper(miss_rate))
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
    let (latency, shared) = (Latency::new(), Window::assumed());
    assert_eq!(latency.latency(0.0), None);
    assert_eq!(upper(&latency, 0.03, &shared), None);
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
        .for_each(|it| latency.ran_disturbed(millis(*it), 0.0));
    check(latency.latency(0.0), 31.0);
    latency.found(millis(27.0), 0.0);
    check(latency.latency(0.0), 27.0);
}

#[test]
fn the_chance_to_be_late_is_the_share_of_residuals_beyond() {
    let (mut latency, shared) = (measured(&[10.0; 5]), Window::assumed());
    let late = |latency: &Latency| exceedance(latency, 13.0, &shared);
    assert!(late(&latency) < 0.01, "{}", late(&latency));
    // Each fourth run takes half as long again; the residuals of the others count for 200 of 456.
    (0..256).for_each(|i| latency.remember(if i % 4 == 0 { 0.4 } else { 0.01 }));
    let expected = 64.0 / 456.0;
    assert!((late(&latency) - expected).abs() < 0.01, "{}", late(&latency));
}

#[test]
fn a_row_of_slow_runs_raises_the_chance_to_be_late_until_it_ends() {
    let (mut latency, shared) = (measured(&[10.0; 5]), Window::assumed());
    let late = |latency: &Latency| exceedance(latency, 13.0, &shared);
    (0..5).for_each(|_| latency.slow(1.0));
    assert!(0.5 < late(&latency), "{}", late(&latency));
    latency.normal();
    assert!(late(&latency) < 0.01, "{}", late(&latency));
}

#[test]
fn the_upper_bound_follows_the_tail_that_the_user_allows() {
    let (mut latency, shared) = (measured(&[10.0; 5]), Window::assumed());
    (0..300).for_each(|i| latency.remember(if i % 10 == 0 { 0.4 } else { 0.01 }));
    let relaxed = upper(&latency, 0.12, &shared).unwrap();
    let strict = upper(&latency, 0.03, &shared).unwrap();
    assert!(relaxed < millis(11.0), "{relaxed:?}");
    assert!(millis(12.0) < strict, "{strict:?}");
}

#[test]
fn doubt_grows_when_contention_moves_unseen_and_shrinks_when_it_is_seen() {
    let (mut latency, shared) = (measured(&[10.0; 5]), Window::assumed());
    let before = latency.doubt(1.0);
    assert!(latency.doubt(0.0) < before);
    latency.learn(0.0, level(1.0), &shared);
    assert!(latency.doubt(1.0) < before / 2.0);
}

#[test]
fn a_candidate_that_contention_does_not_touch_is_found_out_by_one_look() {
    let (mut latency, shared) = (measured(&[10.0; 5]), Window::assumed());
    let contended = level(2.5f64.ln());
    assert!(latency.is_untested(contended.mean));
    let residual = latency.residual(millis(10.1), contended.mean);
    latency.learn_own_change(residual, contended, &shared);
    let there = latency.latency(contended.mean).unwrap();
    let back = latency.latency(0.0).unwrap();
    assert!(
        there < millis(11.0) && millis(8.5) < back && back < millis(11.0),
        "{there:?} {back:?}"
    );
}

#[test]
fn three_slow_looks_in_a_row_are_a_candidate_that_became_slower() {
    let mut latency = measured(&[10.0; 5]);
    (0..3).for_each(|_| latency.slow_alone(0.7, 0.0));
    let now = latency.latency(0.0).unwrap();
    assert!(millis(19.0) < now && now < millis(21.0), "{now:?}");
    (0..6).for_each(|_| latency.half_forget());
    let later = latency.latency(0.0).unwrap();
    assert!(later < millis(10.2), "{later:?} when nobody has looked for long");
}

#[test]
fn a_candidate_of_microseconds_is_hardly_moved_by_jitter() {
    let latency = measured(&[0.02; 5]);
    assert!(latency.residual(millis(0.1), 0.0) < 0.4);
    assert!(latency.sensitivity(0.0) < 0.1);
    assert!(!latency.is_informative());
}

#[test]
fn the_implied_slowdown_inverts_the_expectation() {
    let latency = measured(&[9.0; 5]);
    let implied = latency.implied(millis(20.0));
    assert!(latency.residual(millis(20.0), implied).abs() < 1e-9);
}

#[test]
fn numbers_stay_finite_at_both_ends() {
    let (mut latency, shared) = (measured(&[0.0; 5]), Window::assumed());
    assert!(latency.residual(Duration::MAX, 0.0).is_finite());
    assert!(
        Prospect::new(&latency, level(40.0), 0.0, &shared)
            .map(|it| it.upper(0.0))
            .is_some()
    );
    let hung = latency.residual(Duration::MAX, 0.0);
    latency.learn_own_change(hung, level(0.0), &shared);
    assert!(latency.latency(0.0).is_some());
}
