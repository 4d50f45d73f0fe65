// SPDX-License-Identifier: MPL-2.0

//! A synthetic world for the policy: candidates with known latencies and qualities, contention that
//! multiplies them, log-normal noise and spikes, a lane for each that is busy while it runs. No GStreamer,
//! no clock, no threads: a run of 3,000 frames takes milliseconds.

use std::time::Duration;

use gstavrec::policy::{
    Availability, CandidateId, Config, Decision, Drift, Evidence, Explanation, Policy, Prior, Reason,
    RunKind, Shadow,
};

pub fn millis(value: f64) -> Duration {
    Duration::from_secs_f64(value / 1e3)
}

/// Small, seeded and the same on each platform (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in (0, 1).
    pub fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// How contention goes over the frames of a run: a factor for each frame.
pub type Contention = fn(usize) -> f64;

pub fn calm(_: usize) -> f64 {
    1.0
}

pub fn step(frame: usize) -> f64 {
    if (1000..2000).contains(&frame) { 2.2 } else { 1.0 }
}

pub fn periodic(frame: usize) -> f64 {
    1.0 + 0.9 * (1.0 + (frame as f64 * std::f64::consts::TAU / 300.0).sin())
}

pub fn ramp(frame: usize) -> f64 {
    1.0 + 2.5 * (1.0 - (frame as f64 / 1500.0 - 1.0).abs())
}

pub fn bursts(frame: usize) -> f64 {
    if 150 <= frame % 180 { 2.5 } else { 1.0 }
}

/// What happens to a run from outside, before the frame it is filed under.
#[derive(Debug, Clone, Copy)]
pub enum Event {
    /// Every candidate takes this many times as long on this one frame.
    Spike(f64),
    /// The candidate, if it is asked on this frame, takes this many milliseconds.
    Hang(usize, f64),
    /// A candidate is added: milliseconds, true quality, catalogue's quality.
    Add(f64, f64, Option<f64>),
    Remove(usize),
    Fail(usize),
    Recover(usize),
    Pin(Option<usize>),
    Auto(bool),
    /// The sink got a frame this many milliseconds too late.
    LateDownstream(f64),
    Budget(f64),
    Flush,
}

#[derive(Debug, Clone)]
pub struct World {
    /// Uncontended latency in milliseconds, true quality, catalogue's quality.
    pub candidates: Vec<(f64, f64, Option<f64>)>,
    pub reference: Option<usize>,
    pub budget: f64,
    pub period: f64,
    pub contention: Contention,
    /// Standard deviation of the log-normal noise.
    pub noise: f64,
    /// Share of runs that take 1 + Pareto(1.5) times as long.
    pub spikes: f64,
    /// Spread of how strongly candidates react to contention: exponent in 1 ± this.
    pub sensitivity: f64,
    /// Quality of what leaves when the answer is late.
    pub floor: f64,
    pub seed: u64,
    pub events: Vec<(usize, Event)>,
}

impl Default for World {
    fn default() -> World {
        World {
            candidates: vec![
                (1.0, 0.70, Some(0.70)),
                (3.0, 0.80, Some(0.80)),
                (9.0, 0.86, Some(0.86)),
                (27.0, 0.92, Some(0.92)),
            ],
            reference: Some(3),
            budget: 40.0,
            period: 40.0,
            contention: calm,
            noise: 0.06,
            spikes: 0.003,
            sensitivity: 0.0,
            floor: 0.45,
            seed: 1,
            events: Vec::new(),
        }
    }
}

/// What came of a run.
#[derive(Debug, Default, Clone)]
pub struct Outcome {
    pub frames: usize,
    pub misses: usize,
    pub swaps: usize,
    pub quality: f64,
    pub clairvoyant: f64,
    pub shadow_share: f64,
    pub overlapped: usize,
    /// Frame, candidate, and what its scores said of its prior.
    pub drifts: Vec<(usize, usize, Drift)>,
    /// What the policy believes of each candidate's quality in the end.
    pub qualities: Vec<f64>,
    /// Decisions that changed something: frame, nick of the reason, new active candidate.
    pub log: Vec<String>,
    /// The sentences of these decisions.
    pub reasons: Vec<String>,
    /// Why it is the last active candidate, in the end.
    pub explanation: Option<Explanation>,
    /// Who answered each frame; `None` when it was late or nobody was there.
    pub answers: Vec<Option<usize>>,
    /// Whether each frame was late.
    pub late: Vec<bool>,
}

impl Outcome {
    pub fn miss_rate(&self) -> f64 {
        self.misses as f64 / self.frames as f64
    }

    /// Quality lost against the clairvoyant choice, as a share.
    pub fn regret(&self) -> f64 {
        1.0 - self.quality / self.clairvoyant
    }

    pub fn swaps_per_1000(&self) -> f64 {
        1e3 * self.swaps as f64 / self.frames as f64
    }

    /// Frames from `onset` until five in a row are on time.
    pub fn reaction(&self, onset: usize) -> usize {
        let calm = |from: usize| self.late[from..].iter().take(5).all(|it| !it);
        (onset..self.late.len() - 5).position(calm).unwrap_or(usize::MAX)
    }
}

impl World {
    pub fn config(&self) -> Config {
        Config {
            budget: millis(self.budget),
            period: millis(self.period),
            miss_rate: 0.03,
            ..Config::default()
        }
    }

    pub fn run(&self, frames: usize) -> Outcome {
        Run::new(self).all(frames)
    }
}

struct Run<'a> {
    world: &'a World,
    policy: Policy,
    random: Random,
    candidates: Vec<(f64, f64, Option<f64>)>,
    absent: Vec<bool>,
    exponents: Vec<f64>,
    /// Milliseconds at which each lane began and will be free.
    lanes: Vec<(f64, f64)>,
    /// Runs in flight beyond the deadline: candidate, end, latency.
    in_flight: Vec<(usize, f64, f64)>,
    outcome: Outcome,
    /// Factor on the next active run, for what an overlapped shadow run costs.
    disturbed: f64,
}

impl<'a> Run<'a> {
    fn new(world: &'a World) -> Run<'a> {
        let policy = Policy::new(world.config()).expect("a valid configuration");
        let random = Random(world.seed);
        Run {
            world,
            policy,
            random,
            candidates: Vec::new(),
            absent: Vec::new(),
            exponents: Vec::new(),
            lanes: Vec::new(),
            in_flight: Vec::new(),
            outcome: Outcome::default(),
            disturbed: 1.0,
        }
    }

    fn all(mut self, frames: usize) -> Outcome {
        for candidate in &self.world.candidates {
            self.add(0, *candidate);
        }
        let mut last = None;
        for frame in 0..frames {
            for event in self.events(frame) {
                self.happen(frame, event);
            }
            last = self.frame(frame, last);
        }
        self.outcome.frames = frames;
        self.outcome.quality /= frames as f64;
        self.outcome.clairvoyant /= frames as f64;
        self.outcome.shadow_share /= frames as f64 * self.world.period;
        let available = self.available(frames as f64 * self.world.period);
        self.outcome.explanation = Some(self.policy.explain(&available));
        self.outcome.qualities = (0..self.candidates.len())
            .map(|it| self.policy.outlook(CandidateId(it)).quality)
            .collect();
        self.outcome
    }

    fn events(&self, frame: usize) -> Vec<Event> {
        self.world
            .events
            .iter()
            .filter(|it| it.0 == frame)
            .map(|it| it.1)
            .collect()
    }

    /// Adds a candidate and warms it before it may answer, as the element does.
    fn add(&mut self, frame: usize, candidate: (f64, f64, Option<f64>)) {
        let is_reference = self.world.reference == Some(self.candidates.len());
        let id = self.policy.add(Prior {
            quality: candidate.2,
            is_reference,
            ..Prior::default()
        });
        self.candidates.push(candidate);
        self.absent.push(false);
        self.exponents
            .push(1.0 + self.world.sensitivity * (2.0 * self.random.unit() - 1.0));
        self.lanes.push((0.0, 0.0));
        let now = millis(frame as f64 * self.world.period);
        for cold in [1.6, 1.2, 1.05] {
            let latency = millis(cold * self.latencies(frame)[id.0]);
            self.policy.ran(now, id, latency, RunKind::WarmUp);
        }
    }

    fn happen(&mut self, frame: usize, event: Event) {
        let now = millis(frame as f64 * self.world.period);
        match event {
            Event::Spike(_) | Event::Hang(..) => {} // See `latencies`.
            Event::Add(latency, quality, prior) => self.add(frame, (latency, quality, prior)),
            Event::Remove(id) => {
                self.policy.remove(CandidateId(id));
                self.absent[id] = true;
            }
            Event::Fail(id) => self.policy.failed(now, CandidateId(id)),
            Event::Recover(id) => self.policy.recovered(now, CandidateId(id)),
            Event::Pin(id) => self.policy.pin(id.map(CandidateId)),
            Event::Auto(auto) => self.policy.set_auto(auto),
            Event::LateDownstream(jitter) => self.policy.late_downstream(now, millis(jitter)),
            Event::Budget(budget) => {
                let config = Config {
                    budget: millis(budget),
                    ..self.world.config()
                };
                self.policy.set_config(config).expect("a valid configuration");
            }
            Event::Flush => self.policy.flushed(now),
        }
    }

    fn frame(&mut self, frame: usize, last: Option<CandidateId>) -> Option<CandidateId> {
        let start = frame as f64 * self.world.period;
        let latencies = self.latencies(frame);
        let oracle = (0..latencies.len()).filter(|it| latencies[*it] <= self.world.budget);
        let oracle = oracle
            .map(|it| self.candidates[it].1)
            .fold(self.world.floor, f64::max);
        self.outcome.clairvoyant += oracle;

        self.end_runs(start);
        let available = self.available(start);
        let Decision { answer, switch, .. } = self.policy.decide(millis(start), &available);
        if let Some(switch) = switch {
            self.outcome.swaps += usize::from(switch.reason != Reason::Start);
            self.outcome
                .log
                .push(format!("{frame} {} -> {}", switch.reason.nick(), switch.to.0));
            self.outcome.reasons.push(switch.reason.to_string());
        }
        let Some(id) = answer else {
            self.late(None);
            return last;
        };
        let swapped = last.is_some_and(|it| it != id);
        let cold = if swapped { 1.15 } else { 1.0 };
        let latency = latencies[id.0] * cold * std::mem::replace(&mut self.disturbed, 1.0);
        let end = start + latency;
        self.lanes[id.0] = (start, end);
        if self.world.budget < latency {
            let deadline = start + self.world.budget;
            self.end_runs(deadline);
            self.policy
                .missed(millis(deadline), id, millis(self.world.budget));
            self.in_flight.push((id.0, end, latency));
            self.late(Some(id));
            return Some(id);
        }
        let kind = if swapped { RunKind::WarmUp } else { RunKind::Active };
        self.end_runs(end);
        self.policy.ran(millis(end), id, millis(latency), kind);
        self.outcome.quality += self.candidates[id.0].1;
        self.outcome.answers.push(Some(id.0));
        self.outcome.late.push(false);
        let slack = self.world.period - latency;
        let available = self.available(end);
        if let Some(shadow) = self
            .policy
            .shadow(millis(end), millis(slack.max(0.0)), &available)
        {
            self.shadow(end, slack, id, &shadow, &latencies);
        }
        Some(id)
    }

    fn shadow(&mut self, start: f64, slack: f64, active: CandidateId, shadow: &Shadow, latencies: &[f64]) {
        let mut at = start;
        for id in shadow.ids() {
            assert_ne!(id, active, "the active candidate runs anyway");
            // Two runs at once disturb each other.
            let overlapped = slack < at - start + latencies[id.0];
            let latency = latencies[id.0] * if overlapped { 1.3 } else { 1.0 };
            self.lanes[id.0] = (at, at + latency);
            at += latency;
            self.outcome.shadow_share += latency;
            let kind = if overlapped {
                RunKind::Overlapped
            } else {
                RunKind::Shadow
            };
            self.policy.ran(millis(at), id, millis(latency), kind);
            if overlapped {
                self.outcome.overlapped += 1;
                self.disturbed = 1.15;
            }
        }
        let Some(reference) = self.world.reference else {
            return;
        };
        let present = |it: usize| it == active.0 || shadow.ids().any(|id| id.0 == it);
        if present(reference) {
            for id in (0..latencies.len()).filter(|it| *it != reference && present(*it)) {
                let agreement = self.candidates[id].1 / self.candidates[reference].1;
                let agreement = (agreement + 0.03 * self.random.normal()).clamp(0.0, 1.0);
                let drift = (self.policy).scored(millis(at), CandidateId(id), agreement, Evidence::Agreement);
                let frame = self.outcome.answers.len();
                self.outcome.drifts.extend(drift.map(|it| (frame, id, it)));
            }
        }
    }

    fn late(&mut self, id: Option<CandidateId>) {
        self.outcome.misses += 1;
        self.outcome.quality += self.world.floor;
        self.outcome.answers.push(id.map(|it| it.0));
        self.outcome.late.push(true);
    }

    fn end_runs(&mut self, now: f64) {
        let (ended, running) = self.in_flight.iter().partition(|(_, end, _)| *end <= now);
        self.in_flight = running;
        let ended: Vec<(usize, f64, f64)> = ended;
        for (id, end, latency) in ended {
            self.policy
                .ran(millis(end), CandidateId(id), millis(latency), RunKind::Active);
        }
    }

    fn available(&self, now: f64) -> Vec<Availability> {
        let state = |(absent, (since, free)): (&bool, &(f64, f64))| match *absent {
            true => Availability::Absent,
            false if now < *free => Availability::Busy {
                since: millis(*since),
            },
            false => Availability::Ready,
        };
        self.absent.iter().zip(&self.lanes).map(state).collect()
    }

    /// What each candidate takes on this frame, in milliseconds. Drawn for all, so that the noise is the same
    /// whatever the policy chooses.
    fn latencies(&mut self, frame: usize) -> Vec<f64> {
        let contention = (self.world.contention)(frame);
        let mut random = Random(self.world.seed ^ (frame as u64 + 1).wrapping_mul(0x5851_F42D_4C95_7F2D));
        let mut spike = 1.0;
        if random.unit() < self.world.spikes {
            spike += random.unit().powf(-1.0 / 1.5);
        }
        let mut latencies: Vec<f64> = (0..self.candidates.len())
            .map(|id| {
                let noise = (self.world.noise * random.normal()).exp();
                self.candidates[id].0 * contention.powf(self.exponents[id]) * spike * noise
            })
            .collect();
        for event in self.events(frame) {
            match event {
                Event::Spike(factor) => latencies.iter_mut().for_each(|it| *it *= factor),
                Event::Hang(id, latency) => latencies[id] = latency,
                _ => {}
            }
        }
        latencies
    }
}
