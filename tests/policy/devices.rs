// SPDX-License-Identifier: MPL-2.0

//! Candidates on two devices: what loads one says nothing of the other.

use gstavrec::policy::{Availability, CandidateId, Config, Device, Policy, Prior, RunKind};

use crate::support::world::millis;

const SMALL: CandidateId = CandidateId(0);
const LARGE: CandidateId = CandidateId(1);
const PERIOD: f64 = 40.0;
const LATENCIES: [f64; 2] = [8.0, 25.0];

/// A small candidate on the processor, and a large one on `device`.
fn policy(device: Device) -> Policy {
    let mut policy = Policy::new(Config {
        budget: millis(PERIOD),
        period: millis(PERIOD),
        ..Config::default()
    })
    .unwrap();
    for (id, quality) in [(SMALL, 0.7), (LARGE, 0.9)] {
        policy.add(Prior {
            quality: Some(quality),
            latency: Some(millis(LATENCIES[id.0])),
            device: if id == LARGE { device } else { Device::PROCESSOR },
            ..Prior::default()
        });
    }
    policy
}

/// Plays frames on which what runs on the processor and what runs elsewhere takes so many times as long, from frame `from`
/// on; a run beside on another device than the answer's holds up nobody. Returns how many frames each candidate answered.
fn play(policy: &mut Policy, frames: std::ops::Range<u64>, device: Device, factors: [f64; 2]) -> [u64; 2] {
    let mut answers = [0; 2];
    let mut busy_until = [0.0; 2];
    for frame in frames {
        let start = frame as f64 * PERIOD;
        let available: Vec<Availability> = busy_until
            .map(|until| match until <= start {
                true => Availability::Ready,
                false => Availability::Busy { since: millis(start) },
            })
            .into();
        let Some(active) = policy.decide(millis(start), &available).answer else {
            continue;
        };
        answers[active.0] += 1;
        let latency = |id: CandidateId| {
            let is_elsewhere = id == LARGE && device != Device::PROCESSOR;
            LATENCIES[id.0] * factors[usize::from(is_elsewhere)]
        };
        let end = start + latency(active);
        busy_until[active.0] = end;
        if PERIOD < latency(active) {
            policy.missed(millis(start + PERIOD), active, millis(PERIOD));
        }
        policy.ran(millis(end), active, millis(latency(active)), RunKind::Active);
        let slack = millis((start + PERIOD - end).max(0.0));
        for beside in (policy.shadow(millis(end), slack, &available).iter()).flat_map(|it| it.ids()) {
            let kind = match latency(beside) <= slack.as_secs_f64() * 1e3 {
                true => RunKind::Shadow,
                false => RunKind::Overlapped,
            };
            policy.ran(
                millis(end + latency(beside)),
                beside,
                millis(latency(beside)),
                kind,
            );
        }
    }
    answers
}

#[test]
fn a_load_of_the_processor_bars_nobody_on_another_device() {
    let answers = |device: Device| {
        let mut policy = policy(device);
        policy.pin(Some(SMALL));
        play(&mut policy, 0..200, device, [2.5, 1.0]);
        policy.pin(None);
        play(&mut policy, 200..210, device, [2.5, 1.0])
    };
    assert!(9 <= answers(Device(1))[1], "{:?}", answers(Device(1)));
    assert_eq!(answers(Device::PROCESSOR), [10, 0]);
}

#[test]
fn what_is_sensed_of_the_processor_counts_there_alone() {
    let mut policy = policy(Device(1));
    for frame in 0..50 {
        policy.sensed(millis(f64::from(frame) * PERIOD), Some(0.7));
        policy.decide(millis(f64::from(frame) * PERIOD), &[Availability::Ready; 2]);
    }
    let [small, large] = [SMALL, LARGE].map(|it| policy.outlook(it).slowdown);
    assert!(2.0 < small, "{small}");
    assert!((large - 1.0).abs() < 0.1, "{large}");
}

#[test]
fn a_device_that_was_left_is_looked_at_and_taken_again_when_its_load_is_gone() {
    let device = Device(1);
    let mut policy = policy(device);
    play(&mut policy, 0..200, device, [1.0, 1.0]);
    assert_eq!(policy.active(), Some(LARGE));
    let [small, _] = play(&mut policy, 200..400, device, [1.0, 3.0]);
    assert!(190 <= small, "{small}");
    // A look after 60 frames at the latest.
    let [small, _] = play(&mut policy, 400..600, device, [1.0, 1.0]);
    assert!(small <= 70, "{small}");
}

#[test]
fn a_removed_candidate_leaves_the_slowdowns_of_the_others() {
    let mut policy = policy(Device(7));
    play(&mut policy, 0..100, Device(7), [1.0, 1.0]);
    policy.remove(LARGE);
    assert_eq!(play(&mut policy, 100..200, Device(7), [1.0, 1.0])[0], 100);
    assert!((policy.slowdown() - 1.0).abs() < 0.1);
}
