// SPDX-License-Identifier: MPL-2.0

//! Whether runs end in time: the frames of all streams over some periods, played under processor sharing.

use super::demand::{Demand, Rung};

/// Periods of the slowest stream that are looked at.
const PERIODS: f64 = 2.0;

/// Frames of one stream that are looked at, at most.
const MOST_FRAMES: f64 = 128.0;

/// What a stream whose least run does not keep its own budget, however free the machine, is given: so many times that run.
const HOPELESS: f64 = 1.5;

/// What sums of times differ by in their last digits, in seconds.
const TOLERANCE: f64 = 1e-6;

/// Frames that come, and what they may take.
#[derive(Debug)]
pub(super) struct Schedule {
    /// When a frame comes, whose it is, and until when its run has to end; in the order of arrival.
    arrivals: Vec<(f64, usize, f64)>,
    from: f64,
    /// A run beside.
    extra: Option<Extra>,
    processors: f64,
}

/// A run that is no frame's: when it begins, its processor time, and until when it has to end, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extra {
    pub at: f64,
    pub work: f64,
    pub until: f64,
}

/// A run that goes on.
struct Running {
    /// Whose it is; `None` for the one beside.
    stream: Option<usize>,
    /// What the clock of processor sharing says at its end.
    end: f64,
    /// Processor time that it may take beyond what is expected.
    more: f64,
    until: f64,
}

impl Schedule {
    /// The next frames of all streams.
    pub(super) fn new(demands: &[Demand], processors: usize) -> Schedule {
        let longest = longest(demands);
        let last = demands.iter().map(|it| it.phase).fold(0.0, f64::max);
        Schedule::between(demands, processors, last, last + PERIODS * longest)
    }

    /// The frames around a run beside.
    pub(super) fn around(demands: &[Demand], processors: usize, extra: Extra) -> Schedule {
        let longest = longest(demands);
        Schedule {
            extra: Some(extra),
            ..Schedule::between(demands, processors, extra.at - longest, extra.at + longest)
        }
    }

    fn between(demands: &[Demand], processors: usize, from: f64, until: f64) -> Schedule {
        let mut arrivals = Vec::new();
        for (stream, demand) in demands.iter().enumerate() {
            let period = demand.period.max((until - from) / MOST_FRAMES).max(1e-4);
            let least = demand
                .rungs
                .iter()
                .map(|it| it.upper)
                .fold(f64::INFINITY, f64::min);
            let budget = match HOPELESS * least {
                hopeless if hopeless.is_finite() && demand.budget < 1.1 * least => hopeless,
                _ => demand.budget,
            };
            let mut at = from + (demand.phase - from).rem_euclid(period);
            while at < until {
                arrivals.push((at, stream, at + budget));
                at += period;
            }
        }
        arrivals.sort_by(|one, other| one.0.total_cmp(&other.0));
        Schedule {
            arrivals,
            from,
            extra: None,
            processors: processors.max(1) as f64,
        }
    }

    /// Whether each run ends in time where each stream makes the run that is `chosen` for it, and all take `spare` times
    /// their work.
    pub(super) fn holds(&self, chosen: &[Option<Rung>], spare: f64) -> bool {
        let mut running = RunningOnes::new(chosen.len());
        let (mut now, mut clock) = (self.from, 0.0);
        let mut arrivals = self.arrivals.iter().peekable();
        let mut extra = self.extra;
        loop {
            let rate = (self.processors / running.count().max(1) as f64).min(1.0);
            let end = running
                .first_end()
                .map_or(f64::INFINITY, |it| now + (it - clock) / rate);
            let arrival = arrivals.peek().map_or(f64::INFINITY, |it| it.0);
            if let Some(run) = extra.take_if(|it| it.at < end && it.at <= arrival) {
                clock += (run.at - now) * rate;
                now = run.at;
                running.add(Running {
                    stream: None,
                    end: clock + run.work * spare,
                    more: 0.0,
                    until: run.until,
                });
            } else if let Some(&(at, stream, until)) = arrivals.next_if(|it| it.0 < end) {
                clock += (at - now) * rate;
                now = at;
                // A frame that comes while its stream is still at the last one is lost.
                if let Some(rung) = chosen[stream].filter(|_| !running.is_busy(stream)) {
                    let (work, more) = (rung.work * spare, (rung.upper - rung.work).max(0.0));
                    running.add(Running {
                        stream: Some(stream),
                        end: clock + work,
                        more,
                        // What is late on a free machine is the stream's own matter, as long as the others add nothing.
                        until: until.max(at + work + more + TOLERANCE),
                    });
                }
            } else {
                let Some(run) = running.take_first() else {
                    return true;
                };
                // Its own run may be a long one; of the others' all but few are not.
                if run.until < end + run.more / rate {
                    return false;
                }
                (now, clock) = (end, run.end);
            }
        }
    }
}

/// Runs that go on.
struct RunningOnes {
    /// The one that ends first is the last.
    runs: Vec<Running>,
    is_busy: Vec<bool>,
}

impl RunningOnes {
    fn new(streams: usize) -> RunningOnes {
        RunningOnes {
            runs: Vec::with_capacity(streams + 1),
            is_busy: vec![false; streams],
        }
    }

    fn count(&self) -> usize {
        self.runs.len()
    }

    fn is_busy(&self, stream: usize) -> bool {
        self.is_busy[stream]
    }

    fn first_end(&self) -> Option<f64> {
        self.runs.last().map(|it| it.end)
    }

    fn add(&mut self, run: Running) {
        if let Some(stream) = run.stream {
            self.is_busy[stream] = true;
        }
        let place = self.runs.partition_point(|it| run.end < it.end);
        self.runs.insert(place, run);
    }

    fn take_first(&mut self) -> Option<Running> {
        let run = self.runs.pop()?;
        if let Some(stream) = run.stream {
            self.is_busy[stream] = false;
        }
        Some(run)
    }
}

fn longest(demands: &[Demand]) -> f64 {
    demands.iter().map(|it| it.period).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Random;

    /// The same as `holds`, each time looking at all that run.
    fn holds(schedule: &Schedule, chosen: &[Option<Rung>], spare: f64) -> bool {
        let mut running: Vec<Running> = Vec::with_capacity(chosen.len() + 1);
        let (mut now, mut clock) = (schedule.from, 0.0);
        let mut arrivals = schedule.arrivals.iter().peekable();
        let mut extra = schedule.extra;
        loop {
            let rate = (schedule.processors / running.len().max(1) as f64).min(1.0);
            let first =
                (0..running.len()).min_by(|one, other| running[*one].end.total_cmp(&running[*other].end));
            let end = first.map_or(f64::INFINITY, |it| now + (running[it].end - clock) / rate);
            let arrival = arrivals.peek().map_or(f64::INFINITY, |it| it.0);
            if let Some(run) = extra.take_if(|it| it.at < end && it.at <= arrival) {
                clock += (run.at - now) * rate;
                now = run.at;
                running.push(Running {
                    stream: None,
                    end: clock + run.work * spare,
                    more: 0.0,
                    until: run.until,
                });
            } else if let Some(&(at, stream, until)) = arrivals.next_if(|it| it.0 < end) {
                clock += (at - now) * rate;
                now = at;
                // A frame that comes while its stream is still at the last one is lost.
                let is_busy = running.iter().any(|it| it.stream == Some(stream));
                if let Some(rung) = chosen[stream].filter(|_| !is_busy) {
                    let (work, more) = (rung.work * spare, (rung.upper - rung.work).max(0.0));
                    running.push(Running {
                        stream: Some(stream),
                        end: clock + work,
                        more,
                        // What is late on a free machine is the stream's own matter, as long as the others add nothing.
                        until: until.max(at + work + more + TOLERANCE),
                    });
                }
            } else {
                let Some(first) = first else { return true };
                let run = running.swap_remove(first);
                // Its own run may be a long one; of the others' all but few are not.
                if run.until < end + run.more / rate {
                    return false;
                }
                (now, clock) = (end, run.end);
            }
        }
    }

    /// A stream at any phase and one of three rates, with one candidate.
    fn demand(random: &mut Random) -> Demand {
        let period = [0.02, 0.033, 0.04][random.whole(0, 2)];
        let work = random.between(0.002, 0.02);
        Demand {
            phase: random.between(0.0, period),
            period,
            budget: 0.95 * period,
            weight: 1.0,
            rungs: vec![Rung {
                candidate: 0,
                work,
                upper: work * random.between(1.0, 1.3),
                value: 0.0,
            }],
            ..Demand::default()
        }
    }

    #[test]
    fn runs_in_order_say_what_all_that_run_would() {
        let mut random = Random::new(1);
        let mut said = [0, 0];
        for _ in 0..2000 {
            let count = random.whole(1, 12);
            let mut demands: Vec<Demand> = (0..count).map(|_| demand(&mut random)).collect();
            if random.chance(0.3) {
                // All frames together, of equal streams.
                let first = demands[0].clone();
                demands.fill(first);
            }
            let processors = random.whole(1, 8);
            let schedule = match random.chance(0.3) {
                false => Schedule::new(&demands, processors),
                true => {
                    let at = random.between(0.0, 0.05);
                    let (work, until) = (random.between(0.001, 0.02), at + 0.03);
                    Schedule::around(&demands, processors, Extra { at, work, until })
                }
            };
            let chosen: Vec<Option<Rung>> = (demands.iter())
                .map(|it| it.rungs.first().copied().filter(|_| random.chance(0.9)))
                .collect();
            let answer = schedule.holds(&chosen, 1.08);
            assert_eq!(
                answer,
                holds(&schedule, &chosen, 1.08),
                "{demands:?}, {processors}"
            );
            said[usize::from(answer)] += 1;
        }
        assert!(said.iter().all(|it| 300 < *it), "{said:?}");
    }
}
