// SPDX-License-Identifier: MPL-2.0

//! What a group knows of its streams, and what it leaves each of them. Knows no clock and no lock: time is an argument.

use std::time::Duration;

use super::demand::{Demand, Rung};
use super::evidence::{Load, time_of};
use super::plan::{Plan, SPARE, plan};
use super::schedule::{Extra, Schedule};
use super::sharing::Sharing;
use super::stream::{Place, Stream, Wants};
use crate::numbered::Numbered;

/// Between two plans.
const INTERVAL: Duration = Duration::from_millis(200);

/// Between two streams that may use more than before: what one step up does to the others is seen before the next. Steps
/// down are taken at once.
const BETWEEN_RAISES: Duration = Duration::from_millis(100);

/// Time for which the least of all does not fit before a stream loses its place: a load that passes costs nobody's.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the group leaves a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Processor time that a run would get inside the budget, beside the group's other runs.
    pub budget: Duration,
    pub place: Place,
    /// Streams in the group.
    pub streams: usize,
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
        self.streams.add(Stream::new(weight))
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
            stream.missed();
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
        stream.arrives(wants, offered);
        if streams < 2 {
            stream.is_alone();
            return free;
        }
        Share {
            budget: stream.budget(wants.budget),
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
        Some(self.demands(now))
    }

    /// What the streams want that have frames now.
    pub fn demands(&self, now: Duration) -> Due {
        let (numbers, demands) = (self.streams.iter())
            .filter(|it| it.1.has_frames(now))
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
            let Some(chosen) = chosen else {
                stream.gets_nothing(is_overfull);
                continue;
            };
            let rises = stream.rises_to(chosen);
            if rises && !(may_raise && stream.may_rise(now)) {
                continue;
            }
            stream.gets(chosen, now);
            if rises {
                (self.raised, may_raise) = (Some(now), false);
            }
        }
    }
}
