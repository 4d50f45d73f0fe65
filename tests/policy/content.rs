// SPDX-License-Identifier: MPL-2.0

//! What a change of the content does to what is known of qualities: a score far from the others says so, or whoever sees
//! the frames.

use std::time::Duration;

use gstavrec::policy::{Availability, CandidateId, Config, Evidence, Policy, Prior, RunKind};

use crate::support::world::millis;

const SMALL: CandidateId = CandidateId(0);
const LARGE: CandidateId = CandidateId(1);
const READY: [Availability; 2] = [Availability::Ready; 2];
const PERIOD: f64 = 40.0;

/// Two candidates of known latency, of which the large one is the reference and fits the slack of the small one.
struct Stream {
    policy: Policy,
    frame: u64,
    /// Frames on which scores were asked for.
    asked: Vec<u64>,
}

impl Stream {
    fn new() -> Stream {
        let mut policy = Policy::new(Config {
            budget: millis(PERIOD),
            period: millis(PERIOD),
            ..Config::default()
        })
        .unwrap();
        for (latency, quality) in [(4.0, 0.95), (16.0, 0.9)] {
            policy.add(Prior {
                quality: Some(quality),
                latency: Some(millis(latency)),
                is_reference: latency == 16.0,
                ..Prior::default()
            });
        }
        policy.pin(Some(SMALL));
        Stream {
            policy,
            frame: 0,
            asked: Vec::new(),
        }
    }

    fn now(&self) -> Duration {
        millis(self.frame as f64 * PERIOD)
    }

    /// Frames on which the small candidate answers and is compared with the large one as often as the policy asks, with
    /// scores that differ by `scatter` from one another.
    fn pass(&mut self, frames: u64, agreement: f64, scatter: f64) {
        for _ in 0..frames {
            self.frame += 1;
            let start = self.now();
            self.policy.decide(start, &READY);
            let end = start + millis(4.0);
            self.policy.ran(end, SMALL, millis(4.0), RunKind::Active);
            let shadow = self.policy.shadow(end, millis(PERIOD - 4.0), &READY);
            if shadow.is_some_and(|it| it.ids().any(|it| it == LARGE)) {
                self.policy
                    .ran(end + millis(16.0), LARGE, millis(16.0), RunKind::Shadow);
                self.asked.push(self.frame);
                let sign = if self.asked.len().is_multiple_of(2) {
                    1.0
                } else {
                    -1.0
                };
                self.policy
                    .scored(end, SMALL, agreement + sign * scatter, Evidence::Agreement);
            }
        }
    }

    fn quality(&self) -> f64 {
        self.policy.outlook(SMALL).quality
    }

    fn asked_since(&self, frame: u64) -> usize {
        self.asked.iter().filter(|it| frame < **it).count()
    }
}

#[test]
fn a_score_far_from_the_others_makes_quality_be_learned_anew() {
    let mut stream = Stream::new();
    stream.pass(5000, 0.9, 0.01);
    assert!((stream.quality() - 0.81).abs() < 0.02, "{}", stream.quality());
    stream.pass(500, 0.5, 0.01);
    // What agrees with a reference of 0.9 by a half is worth 0.45; before, it was two more scores beside some forty.
    assert!(stream.quality() < 0.65, "{}", stream.quality());
}

#[test]
fn after_a_change_of_content_scores_are_asked_for_as_often_as_at_first() {
    let mut steady = Stream::new();
    steady.pass(5000, 0.9, 0.01);
    steady.pass(200, 0.9, 0.01);
    let mut changed = Stream::new();
    changed.pass(5000, 0.9, 0.01);
    changed.policy.content_changed(changed.now());
    changed.pass(200, 0.9, 0.01);
    assert!(steady.asked_since(5000) <= 1, "{:?}", steady.asked);
    assert!(5 <= changed.asked_since(5000), "{:?}", changed.asked);
}

#[test]
fn a_change_of_content_that_is_told_lets_few_scores_outweigh_all_before() {
    let after = |is_told: bool| {
        let mut stream = Stream::new();
        stream.pass(8000, 0.8, 0.2);
        if is_told {
            stream.policy.content_changed(stream.now());
        }
        // Not so far that a single score tells.
        stream.pass(700, 0.6, 0.2);
        stream.quality() / 0.9
    };
    assert!(0.7 < after(false), "{}", after(false));
    assert!(after(true) < 0.7, "{}", after(true));
}

#[test]
fn changes_that_follow_each_other_closely_are_one() {
    let doubt = |times: u64| {
        let mut stream = Stream::new();
        stream.pass(5000, 0.9, 0.01);
        for _ in 0..times {
            stream.policy.content_changed(stream.now());
            stream.frame += 1;
            stream.policy.decide(stream.now(), &READY);
        }
        stream.policy.outlook(SMALL).quality_sd
    };
    assert!(doubt(0) < doubt(1));
    assert_eq!(doubt(1), doubt(30));
    assert!(doubt(30) < doubt(31));
}

#[test]
fn a_catalogue_that_is_wrong_is_no_change_of_content() {
    let mut stream = Stream::new();
    stream.pass(100, 0.3, 0.0);
    let early = stream.asked.len();
    stream.pass(4900, 0.3, 0.0);
    assert!(early <= 5, "{:?}", stream.asked);
    assert!(stream.asked.len() <= 45, "{:?}", stream.asked);
}
