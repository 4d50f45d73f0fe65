// SPDX-License-Identifier: MPL-2.0

use super::*;
use crate::policy::Prior;

const PERIOD: Duration = Duration::from_millis(40);
const READY: [Availability; 3] = [Availability::Ready; 3];

/// Candidates of 3, 9 and 27 ms, measured, the last one the reference.
fn candidates() -> Candidates {
    let mut candidates = Candidates::default();
    for (index, latency) in [3, 9, 27].into_iter().enumerate() {
        let id = candidates.add(Prior {
            quality: Some(0.8),
            is_reference: index == 2,
            ..Prior::default()
        });
        let of = &mut candidates.get_mut(id).unwrap().latency;
        (0..5).for_each(|_| of.found(Duration::from_millis(latency), 0.0));
    }
    candidates
}

thread_local! {
    static SLOWDOWNS: &'static Slowdowns = Box::leak(Box::new(Slowdowns::new()));
}

/// A frame of a calm stream of 40 ms a frame, with `slack` milliseconds left of it.
fn scene(frame: u64, candidates: &Candidates, active: usize, slack: u64) -> Scene<'_> {
    Scene {
        frame,
        candidates,
        available: &READY,
        active: CandidateId(active),
        slowdowns: SLOWDOWNS.with(|it| *it),
        slack: Duration::from_millis(slack),
        period: PERIOD.as_secs_f64(),
        price: 1.0,
        robustness_weight: 0.0,
        room: PERIOD.saturating_sub(Duration::from_millis([4, 11, 31][active])),
    }
}

#[track_caller]
fn check(candidates: &Candidates, active: usize, slack: u64, expected: Option<(&[usize], RunKind)>) {
    let shadow = Plan::new(PERIOD).next(&scene(1000, candidates, active, slack));
    let actual = shadow.map(|it| (it.ids().map(|id| id.0).collect::<Vec<_>>(), it.kind));
    assert_eq!(actual, expected.map(|(ids, kind)| (ids.to_vec(), kind)));
}

#[test]
fn a_candidate_without_a_baseline_comes_first() {
    let mut candidates = candidates();
    let fresh = candidates.get_mut(CandidateId(1)).unwrap();
    *fresh = Candidate::new(Prior::default());
    fresh.latency.ran_disturbed(Duration::from_millis(10), 0.0);
    check(&candidates, 2, 13, Some((&[1], RunKind::Shadow)));
}

#[test]
fn beside_the_reference_a_rival_runs_alone() {
    check(&candidates(), 2, 13, Some((&[0], RunKind::Shadow)));
}

#[test]
fn the_active_candidate_is_scored_by_a_run_of_the_reference() {
    let mut candidates = candidates();
    candidates.get_mut(CandidateId(1)).unwrap().last_asked = Some(1000);
    check(&candidates, 0, 37, Some((&[2], RunKind::Shadow)));
}

#[test]
fn a_rival_is_paired_with_the_reference() {
    let mut candidates = candidates();
    candidates.get_mut(CandidateId(0)).unwrap().last_asked = Some(1000);
    check(&candidates, 0, 45, Some((&[1, 2], RunKind::Shadow)));
}

#[test]
fn what_fits_no_slack_but_harms_nobody_is_looked_at_now_and_then() {
    let candidates = candidates();
    let mut plan = Plan::new(PERIOD);
    let looks: Vec<u64> = (1000..1500)
        .filter(|frame| {
            plan.earn();
            let scene = scene(*frame, &candidates, 1, 15);
            plan.next(&scene).is_some_and(|it| it.kind == RunKind::Overlapped)
        })
        .collect();
    assert_eq!(looks.len(), 9, "{looks:?}");
    assert!(looks.windows(2).all(|it| LOOK <= it[1] - it[0]), "{looks:?}");
}

#[test]
fn who_ran_a_moment_ago_is_left_alone() {
    let mut candidates = candidates();
    candidates.iter_mut().for_each(|it| it.last_run = Some(999));
    check(&candidates, 2, 40, None);
}

#[test]
fn after_a_miss_nothing_runs_beside_for_a_while() {
    let candidates = candidates();
    let mut plan = Plan::new(PERIOD);
    plan.missed(1000);
    let mut ask = |frame: u64| plan.next(&scene(frame, &candidates, 2, 13));
    assert_eq!(ask(1000 + CALM - 1), None);
    assert!(ask(1000 + CALM).is_some());
}

#[test]
fn the_share_of_time_is_bounded() {
    let candidates = candidates();
    let mut plan = Plan::new(PERIOD);
    let mut spent = Duration::ZERO;
    for frame in 0..10_000 {
        plan.earn();
        let scene = scene(frame, &candidates, 2, 40);
        // Nobody tells the plan that the runs ended, so it finds all of them due on each frame.
        for id in plan.next(&scene).iter().flat_map(Shadow::ids) {
            spent += Duration::from_millis([3, 9, 27][id.0]);
        }
    }
    let share = spent.as_secs_f64() / (PERIOD * 10_000).as_secs_f64();
    assert!(0.04 < share && share < 0.052, "{share}");
}

#[test]
fn steadiness_is_sampled_and_paid_for_only_while_it_counts() {
    let mut candidates = candidates();
    let mut planned = |asks: u64, robustness_weight: f64| {
        candidates.iter_mut().for_each(|it| it.asks = asks);
        let mut plan = Plan::new(PERIOD);
        let shadow = plan.next(&Scene {
            robustness_weight,
            ..scene(1000, &candidates, 2, 13)
        });
        (shadow.unwrap().perturbed, SAVINGS * plan.period - plan.tokens)
    };
    let (every, which) = PERTURBED;
    for asks in 0..2 * every {
        let is_turn = asks % every == which;
        let (is_repeated, paid) = planned(asks, 0.2);
        assert_eq!(is_repeated, is_turn, "{asks}");
        assert!(
            (paid - if is_turn { 6e-3 } else { 3e-3 }).abs() < 1e-4,
            "{asks}: {paid}"
        );
        let (is_repeated, paid) = planned(asks, 0.0);
        assert!(!is_repeated && (paid - 3e-3).abs() < 1e-4, "{asks}: {paid}");
    }
}
