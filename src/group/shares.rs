// SPDX-License-Identifier: MPL-2.0

//! What a group knows of its streams, and what it leaves each of them. Knows no clock and no lock: time is an argument.

use std::time::Duration;

use super::demand::{Demand, Rung};
use super::evidence::{Load, time_of};
use super::plan::{Plan, SPARE, plan};
use super::schedule::{Extra, Schedule};
use super::sharing::Sharing;
use crate::numbered::Numbered;

/// Between two plans.
const INTERVAL: Duration = Duration::from_millis(200);

/// Between two streams that may use more than before: what one step up does to the others is seen before the next. Steps
/// down are taken at once.
const BETWEEN_RAISES: Duration = Duration::from_millis(100);

/// Time within which more that was given and is taken back was a mistake.
const SOON: Duration = Duration::from_secs(5);

/// How long it is then not given again.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// Time for which the least of all does not fit before a stream loses its place: a load that passes costs nobody's.
const PATIENCE: Duration = Duration::from_secs(1);

/// Share of its budget that a miss costs a stream in plans; frames without one give it back at the miss rate.
const PER_MISS: f64 = 0.03;

/// The most of its budget that plans leave out.
const MOST_CAUTION: f64 = 0.3;

/// Weight of the newest frame in the budget that plans keep to.
const STEADY: f64 = 0.05;

/// Weight of the newest frame in what the others leave.
const NEWEST: f64 = 0.2;

/// What a stream is like at a frame.
#[derive(Debug, Clone, Copy)]
pub struct Wants<'a> {
    pub now: Duration,
    pub period: Duration,
    /// Time that a run may take.
    pub budget: Duration,
    /// Share of its frames that may be missed.
    pub miss_rate: f64,
    pub rungs: &'a [Rung],
}

/// What the group leaves a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Processor time that a run would get inside the budget, beside the group's other runs.
    pub budget: Duration,
    pub place: Place,
    /// Streams in the group.
    pub streams: usize,
}

/// What a stream may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// Whatever it wants.
    Free,
    /// No candidate whose runs take more processor time.
    HeldBack { work: Duration },
    /// Nothing: not even the least of all streams fits.
    None,
}

impl Place {
    /// The longest run that it may make; `None` where that is free.
    pub fn most(self) -> Option<Duration> {
        match self {
            Place::Free => None,
            Place::HeldBack { work } => Some(work),
            Place::None => Some(Duration::ZERO),
        }
    }
}

#[derive(Debug)]
struct Stream {
    demand: Demand,
    /// When its newest frame came.
    arrived: Option<Duration>,
    /// Its runs since then, in the order of their starts; those without an end go on.
    runs: Vec<(Duration, Option<Duration>)>,
    /// Processor time that a run would have got inside the budget, in seconds, in the mean of the last frames.
    offered: Option<f64>,
    /// When it was last given more, and since then may not be again before.
    raised: Option<Duration>,
    not_before: Duration,
    /// How long it waited last after more was given and taken back.
    wait: Duration,
    /// Share of its budget that plans leave out, for what they expected of it was not kept.
    caution: f64,
}

/// A group's streams.
#[derive(Debug)]
pub struct Shares {
    processors: usize,
    sharing: Sharing,
    load: Load,
    streams: Numbered<Stream>,
    planned: Option<Duration>,
    raised: Option<Duration>,
    /// Since when there is no place for all.
    overfull: Option<Duration>,
}

/// What all streams of a group want, taken at one moment so that nobody waits while it is weighed.
#[derive(Debug)]
pub struct Due {
    numbers: Vec<usize>,
    demands: Vec<Demand>,
    processors: usize,
}

impl Due {
    pub fn plan(&self) -> Plan {
        plan(&self.demands, self.processors)
    }

    /// Whether a run beside, of so much processor time, delays nobody of the group and ends before `until`.
    pub fn has_room(&self, now: Duration, work: Duration, until: Duration) -> bool {
        if self.demands.len() < 2 {
            return true;
        }
        let chosen: Vec<Option<Rung>> = self.demands.iter().map(Demand::present_rung).collect();
        let extra = Extra {
            at: now.as_secs_f64(),
            work: work.as_secs_f64(),
            until: until.as_secs_f64(),
        };
        Schedule::around(&self.demands, self.processors, extra).holds(&chosen, SPARE)
    }
}

impl Shares {
    /// A group without streams on so many processors.
    pub fn new(processors: usize) -> Shares {
        Shares {
            processors: processors.max(1),
            sharing: Sharing::new(processors),
            load: Load::default(),
            streams: Numbered::default(),
            planned: None,
            raised: None,
            overfull: None,
        }
    }

    /// A stream joins; returns its number, which is not used again.
    pub fn join(&mut self, weight: f64) -> usize {
        self.planned = None;
        self.streams.add(Stream {
            demand: Demand {
                weight,
                ..Demand::default()
            },
            arrived: None,
            runs: Vec::new(),
            offered: None,
            raised: None,
            not_before: Duration::ZERO,
            wait: Duration::ZERO,
            caution: 0.0,
        })
    }

    /// A stream leaves, with the runs that it has not ended.
    pub fn leave(&mut self, stream: usize) {
        let gone = self.streams.remove(stream);
        let now = self.sharing.newest();
        let open = gone
            .iter()
            .flat_map(|it| &it.runs)
            .filter(|it| it.1.is_none())
            .count();
        (0..open).for_each(|_| self.sharing.ended(now));
        self.planned = None;
    }

    pub fn streams(&self) -> usize {
        self.streams.values().count()
    }

    pub fn weight(&self, stream: usize) -> Option<f64> {
        self.streams.get(stream).map(|it| it.demand.weight)
    }

    pub fn set_weight(&mut self, stream: usize, weight: f64) {
        if let Some(stream) = self.streams.get_mut(stream) {
            stream.demand.weight = weight;
            self.planned = None;
        }
    }

    /// A run of a stream starts.
    pub fn started(&mut self, stream: usize, now: Duration) {
        if let Some(stream) = self.streams.get_mut(stream) {
            stream.runs.push((now, None));
            self.sharing.started(now);
        }
    }

    /// The run that started then ends; its thread `used` so much of a processor meanwhile, if it did the work and that is known.
    ///
    /// Returns what it would have taken without the group's other runs.
    pub fn ended(
        &mut self,
        stream: usize,
        started: Duration,
        now: Duration,
        used: Option<Duration>,
    ) -> Duration {
        let latency = now.saturating_sub(started);
        let streams = self.streams();
        let runs = self.streams.get_mut(stream).map(|it| &mut it.runs);
        let run = runs.and_then(|it| it.iter_mut().find(|it| it.0 == started && it.1.is_none()));
        let Some(run) = run else {
            return latency;
        };
        run.1 = Some(now);
        self.sharing.ended(now);
        if streams < 2 {
            return latency;
        }
        let served = self.sharing.served(started, now);
        time_of(&mut self.load, now, served, used)
    }

    /// A frame of the stream was missed.
    pub fn missed(&mut self, stream: usize) {
        if let Some(stream) = self.streams.get_mut(stream) {
            stream.caution = (stream.caution + PER_MISS).min(MOST_CAUTION);
        }
    }

    /// Processor time that a run got of the group between two times.
    pub fn served(&self, from: Duration, until: Duration) -> Duration {
        self.sharing.served(from, until)
    }

    /// Runs of the group at the same time between two times, in the mean.
    pub fn mean_running(&self, from: Duration, until: Duration) -> f64 {
        self.sharing.mean_running(from, until)
    }

    /// A frame of a stream came.
    pub fn frame(&mut self, number: usize, wants: &Wants) -> Share {
        let streams = self.streams();
        let offered = self.offered(number, wants.now);
        let free = Share {
            budget: wants.budget,
            place: Place::Free,
            streams,
        };
        let Some(stream) = self.streams.get_mut(number) else {
            return free;
        };
        if let Some(offered) = offered {
            let before = stream.offered.unwrap_or(offered);
            stream.offered = Some(before + NEWEST * (offered - before));
        }
        stream.arrived = Some(wants.now);
        stream.runs.retain(|it| it.1.is_none());
        let demand = &mut stream.demand;
        demand.phase = wants.now.as_secs_f64();
        demand.period = wants.period.as_secs_f64();
        stream.caution = (stream.caution - PER_MISS * wants.miss_rate).max(0.0);
        let budget = wants.budget.as_secs_f64() * (1.0 - stream.caution);
        demand.budget = match demand.budget {
            // What is kept back for late threads goes up and down by tenths of it from frame to frame.
            before if (before / 1.5..before * 1.5).contains(&budget) => before + STEADY * (budget - before),
            _ => budget,
        };
        demand.rungs.clear();
        demand.rungs.extend_from_slice(wants.rungs);
        if streams < 2 {
            (demand.present, demand.is_out) = (None, false);
            return free;
        }
        Share {
            budget: stream
                .offered
                .map_or(wants.budget, |it| wants.budget.min(Duration::from_secs_f64(it))),
            place: stream.place(),
            streams,
        }
    }

    /// What a run would have got in the last frame, had it gone on until the deadline.
    fn offered(&self, stream: usize, now: Duration) -> Option<f64> {
        let stream = self.streams.get(stream)?;
        let from = stream.arrived?;
        let until = from + Duration::from_secs_f64(stream.demand.budget);
        let (mut at, mut sum) = (from, Duration::ZERO);
        for (start, end) in &stream.runs {
            let (start, end) = ((*start).max(at), end.unwrap_or(now).min(until));
            if start < end {
                sum += self.sharing.offered(at, start) + self.sharing.served(start, end);
                at = end;
            }
        }
        if at < until {
            sum += self.sharing.offered(at, until);
        }
        Some(sum.as_secs_f64())
    }

    /// What a plan is made of, if one is due.
    pub fn due(&mut self, now: Duration) -> Option<Due> {
        let is_fresh = self.planned.is_some_and(|it| now < it + INTERVAL);
        if is_fresh || self.streams() < 2 {
            return None;
        }
        self.planned = Some(now);
        Some(self.demands())
    }

    /// What the streams want now.
    pub fn demands(&self) -> Due {
        let (numbers, demands) = (self.streams.iter())
            .map(|(number, it)| (number, it.demand.clone()))
            .unzip();
        Due {
            numbers,
            demands,
            processors: self.processors,
        }
    }

    /// Takes a plan over: downwards at once, upwards one stream at a time.
    pub fn follow(&mut self, due: &Due, plan: &Plan, now: Duration) {
        self.overfull = (!plan.has_place_for_all).then(|| self.overfull.unwrap_or(now));
        let is_overfull = self.overfull.is_some_and(|it| it + PATIENCE <= now);
        let mut may_raise = self.raised.is_none_or(|it| it + BETWEEN_RAISES <= now);
        for (number, chosen) in due.numbers.iter().zip(&plan.chosen) {
            let Some(stream) = self.streams.get_mut(*number) else {
                continue;
            };
            let demand = &mut stream.demand;
            let Some(chosen) = chosen else {
                let least = demand
                    .rungs
                    .iter()
                    .min_by(|one, other| one.work.total_cmp(&other.work));
                demand.present = least.map(|it| it.candidate);
                demand.is_out = is_overfull && !demand.rungs.is_empty();
                continue;
            };
            let before = demand.present_rung().map_or(f64::INFINITY, |it| it.work);
            let rises = demand.is_out || before < chosen.work;
            if rises && (!may_raise || now < stream.not_before) {
                continue;
            }
            (demand.present, demand.is_out) = (Some(chosen.candidate), false);
            if rises {
                (self.raised, may_raise, stream.raised) = (Some(now), false, Some(now));
            } else if chosen.work < before {
                stream.taken_back(now);
            }
        }
    }
}

impl Demand {
    /// The largest run that the stream may make now, if it has a place and that was said.
    fn present_rung(&self) -> Option<Rung> {
        let rung = self.rungs.iter().find(|it| Some(it.candidate) == self.present);
        rung.copied().filter(|_| !self.is_out)
    }
}

impl Stream {
    /// Less is left than before: where more was given just now, it is not given again soon, and later each time.
    fn taken_back(&mut self, now: Duration) {
        let is_soon = self.raised.take().is_some_and(|it| now < it + SOON);
        self.wait = if is_soon {
            (2 * self.wait).clamp(SHORTEST_WAIT, LONGEST_WAIT)
        } else {
            Duration::ZERO
        };
        self.not_before = now + self.wait;
    }

    fn place(&self) -> Place {
        let demand = &self.demand;
        if demand.is_out {
            return Place::None;
        }
        let most = demand.rungs.iter().map(|it| it.work).fold(0.0, f64::max);
        match demand.present_rung() {
            Some(rung) if rung.work < most => Place::HeldBack {
                // Rounding must not bar the run itself.
                work: Duration::from_secs_f64(rung.work) + Duration::from_nanos(1),
            },
            _ => Place::Free,
        }
    }
}
