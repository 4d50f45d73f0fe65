// SPDX-License-Identifier: MPL-2.0

//! What a group costs a stream: its part of a decision among eight candidates, beside the stream's own policy.

use std::time::{Duration, Instant};

use gstavrec::group::{Rung, Shares, Wants};
use gstavrec::policy::{Availability, CandidateId, Config, Policy, Prior, RunKind};

const CANDIDATES: usize = 8;
const PERIOD: Duration = Duration::from_millis(40);
const BUDGET: Duration = Duration::from_millis(38);

/// Frames of each stream: 20 s, and so a hundred plans.
const FRAMES: u32 = 500;

const REPETITIONS: usize = 15;

/// Mean times in microseconds.
#[derive(Clone, Copy)]
pub struct Cost {
    /// Of a decision: the group's part, plans included, and the policy's.
    pub group_us: f64,
    pub policy_us: f64,
    /// Of a plan, which one decision in so many makes.
    pub plan_us: f64,
    pub decisions_a_plan: f64,
}

/// Eight candidates of 2 to 24 ms.
fn candidate(number: usize) -> (Duration, f64) {
    let place = number as f64 / (CANDIDATES - 1) as f64;
    (
        Duration::from_secs_f64(0.002 * 12f64.powf(place)),
        0.5 + 0.45 * place.powf(0.6),
    )
}

struct Stream {
    policy: Policy,
    rungs: Vec<Rung>,
    /// When the newest run started.
    started: Duration,
}

impl Stream {
    fn new() -> Stream {
        let config = Config {
            budget: BUDGET,
            period: PERIOD,
            ..Config::default()
        };
        let mut policy = Policy::new(config).expect("a sound configuration");
        for number in 0..CANDIDATES {
            let (latency, quality) = candidate(number);
            policy.add(Prior {
                quality: Some(quality),
                latency: Some(latency),
                ..Prior::default()
            });
        }
        Stream {
            policy,
            rungs: Vec::new(),
            started: Duration::ZERO,
        }
    }

    /// The candidates as the group hears of them.
    fn look(&mut self) {
        self.rungs.clear();
        for candidate in 0..CANDIDATES {
            let outlook = self.policy.outlook(CandidateId(candidate));
            if let (Some(work), Some(upper)) = (outlook.latency, outlook.upper) {
                self.rungs.push(Rung {
                    candidate,
                    work: work.as_secs_f64(),
                    upper: upper.as_secs_f64(),
                    value: outlook.quality.ln(),
                });
            }
        }
    }
}

/// Streams at phases of their own, of which a quarter have room for their best candidate at a time.
fn measure(streams: usize) -> Cost {
    let mut shares = Shares::new(streams.div_ceil(4));
    let mut all: Vec<Stream> = (0..streams).map(|_| Stream::new()).collect();
    let numbers: Vec<usize> = all.iter().map(|_| shares.join(1.0)).collect();
    let [mut group, mut own, mut planning] = [Duration::ZERO; 3];
    let mut plans = 0;
    for frame in 0..FRAMES {
        for (place, (stream, number)) in all.iter_mut().zip(&numbers).enumerate() {
            let now = PERIOD * (frame + 1) + PERIOD * place as u32 / streams as u32;
            let clock = Instant::now();
            if 0 < frame {
                let end = stream.started + PERIOD / 4;
                stream
                    .policy
                    .ran(end, CandidateId(2), PERIOD / 8, RunKind::Active);
            }
            stream.policy.sensed(now, Some(0.0));
            stream.policy.decide(now, &[Availability::Ready; CANDIDATES]);
            own += clock.elapsed();
            let clock = Instant::now();
            stream.look();
            if 0 < frame {
                let end = stream.started + PERIOD / 4;
                shares.ended(*number, stream.started, end, Some(end - stream.started));
                std::hint::black_box(shares.served(stream.started, end));
                std::hint::black_box(shares.mean_running(now - PERIOD, now));
            }
            let wants = Wants {
                now,
                period: PERIOD,
                budget: BUDGET,
                miss_rate: 0.03,
                rungs: &stream.rungs,
            };
            std::hint::black_box(shares.frame(*number, &wants));
            if let Some(due) = shares.due(now) {
                let clock = Instant::now();
                let plan = due.plan();
                planning += clock.elapsed();
                plans += 1;
                shares.follow(&due, &plan, now);
            }
            shares.started(*number, now);
            stream.started = now;
            group += clock.elapsed();
        }
    }
    let decisions = f64::from(FRAMES) * streams as f64;
    let us = |of: Duration, times: f64| of.as_secs_f64() * 1e6 / times;
    Cost {
        group_us: us(group, decisions),
        policy_us: us(own, decisions),
        plan_us: us(planning, f64::from(plans)),
        decisions_a_plan: decisions / f64::from(plans),
    }
}

pub fn run() {
    println!(
        "a group's part of a decision among {CANDIDATES} candidates (reach 50 µs, linear in the streams):"
    );
    for streams in [8, 16, 32, 64] {
        let costs: Vec<Cost> = (0..REPETITIONS).map(|_| measure(streams)).collect();
        // Of each the least, which others on the machine have delayed least.
        let least = |of: fn(&Cost) -> f64| costs.iter().map(of).fold(f64::INFINITY, f64::min);
        let most = costs.iter().map(|it| it.group_us).fold(0.0, f64::max);
        let (group, own) = (least(|it| it.group_us), least(|it| it.policy_us));
        println!(
            "{streams:3} streams: {group:.1} µs (to {most:.1} in {REPETITIONS} repetitions), {:.1} times the policy's own {own:.1} µs; \
             a plan, one in {:.0} decisions: {:.0} µs",
            group / own,
            costs[0].decisions_a_plan,
            least(|it| it.plan_us),
        );
    }
}
