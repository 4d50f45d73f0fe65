// SPDX-License-Identifier: MPL-2.0

//! Candidates that are not in memory: when the policy wants one, and what it says of it.

use std::time::Duration;

use gstavrec::policy::{Availability, Binding, CandidateId, Config, Policy, Prior};

const SMALL: CandidateId = CandidateId(0);
const LARGE: CandidateId = CandidateId(1);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A small candidate that is there, and a large one that is not.
struct Stream {
    policy: Policy,
    available: [Availability; 2],
    frames: u32,
}

impl Stream {
    fn new(latency: Option<u64>, load_time: Option<u64>) -> Stream {
        let mut policy = Policy::new(Config::default()).unwrap();
        let prior = |quality, latency: Option<u64>| Prior {
            quality: Some(quality),
            latency: latency.map(millis),
            ..Prior::default()
        };
        policy.add(prior(0.7, Some(2)));
        policy.add(prior(0.9, latency));
        let unloaded = Availability::Unloaded {
            load_time: load_time.map(millis),
        };
        Stream {
            policy,
            available: [Availability::Ready, unloaded],
            frames: 0,
        }
    }

    fn frame(&mut self) {
        self.frames += 1;
        let answer = self
            .policy
            .decide(millis(40) * self.frames, &self.available)
            .answer;
        assert_eq!(answer, Some(SMALL), "what is there answers");
    }

    /// Frames until the large one is wanted; the first one is that of the start.
    fn wanted_after(&mut self) -> Option<u32> {
        (1..=2000).find(|_| {
            self.frame();
            self.policy.wishes(&self.available).wants(LARGE)
        })
    }
}

#[test]
fn a_better_one_is_wanted_when_it_was_missed_for_as_long_as_its_load_takes() {
    for (load_time, frames) in [(Some(400), 11), (Some(4000), 101), (None, 26)] {
        assert_eq!(
            Stream::new(Some(10), load_time).wanted_after(),
            Some(frames),
            "{load_time:?}"
        );
    }
}

#[test]
fn one_that_would_miss_is_not_wanted() {
    assert_eq!(Stream::new(Some(60), Some(400)).wanted_after(), None);
}

#[test]
fn one_of_unknown_latency_is_tried_and_seldom() {
    assert_eq!(Stream::new(None, None).wanted_after(), Some(126));
}

#[test]
fn nobody_else_is_wanted_while_the_user_chooses() {
    let mut stream = Stream::new(Some(10), Some(400));
    stream.policy.pin(Some(SMALL));
    assert_eq!(stream.wanted_after(), None);
    stream.policy.pin(None);
    stream.policy.set_auto(false);
    assert_eq!(stream.wanted_after(), None);
    stream.policy.set_auto(true);
    stream.policy.forbid(LARGE, true);
    assert_eq!(stream.wanted_after(), None);
}

#[test]
fn one_that_is_there_stays_wanted_until_it_is_no_better() {
    let mut stream = Stream::new(Some(10), Some(400));
    stream.wanted_after();
    assert_eq!(stream.policy.wishes(&stream.available).rival(), Some(LARGE));
    // It loads, and warms up.
    stream.available[1] = Availability::Absent;
    stream.frame();
    assert!(stream.policy.wishes(&stream.available).wants(LARGE));
    stream.policy.rated(millis(40) * stream.frames, LARGE, 0.1);
    (0..20).for_each(|_| stream.policy.rated(millis(40) * stream.frames, LARGE, 0.1));
    stream.frame();
    assert!(!stream.policy.wishes(&stream.available).wants(LARGE));
}

#[test]
fn an_explanation_says_who_would_be_better_and_what_its_load_took() {
    let mut stream = Stream::new(Some(10), Some(800));
    (0..5).for_each(|_| stream.frame());
    let explanation = stream.policy.explain(&stream.available);
    assert_eq!(explanation.binding, Binding::Load(LARGE));
    let text = explanation.sentence(&|it| ["small", "large"][it.0].to_string());
    let expected = "large would be better (0.900) but is not loaded (its load took 0.8 s).";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn where_nobody_is_there_the_best_is_wanted() {
    let mut stream = Stream::new(Some(10), Some(400));
    stream.available[0] = Availability::Absent;
    let wanted = (1..100).find(|frame| {
        stream.policy.decide(millis(40) * *frame, &stream.available);
        stream.policy.wishes(&stream.available).wants(LARGE)
    });
    assert_eq!(wanted, Some(10));
}
