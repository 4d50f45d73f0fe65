// SPDX-License-Identifier: MPL-2.0

//! Our own policies, one a stream, told of a group's replay what switches would tell them live: each alone, or as a group.

use std::time::Duration;

use super::simulate::{Chooser, Run};
use super::world::World;
use crate::group::{Rung, Share, Shares, Wants};
use crate::policy::{Availability, CandidateId, Config, ConfigError, Evidence, Policy, Prior, RunKind};

/// What the streams know of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Nothing: the others' runs are somebody's load.
    Alone,
    /// What their runs leave each other is told apart from what others do to them; who may use how much is not planned.
    Evidence,
    /// As `avrec-switch` does it.
    Group,
}

/// A run that has ended, and that the policy hears of with the next frame.
struct Untold {
    candidate: CandidateId,
    start: Duration,
    end: Duration,
    /// What the policy hears of it.
    latency: Duration,
    kind: RunKind,
}

struct Member {
    policy: Policy,
    config: Config,
    available: Vec<Availability>,
    busy_since: Vec<Duration>,
    untold: Vec<Untold>,
    /// Who answered last, and what that was worth.
    answered: Option<(CandidateId, f64)>,
    /// What was run beside it, and what that was worth.
    compared: Option<(CandidateId, f64)>,
    rungs: Vec<Rung>,
}

/// A policy a stream.
pub struct Avrec {
    manner: Manner,
    members: Vec<Member>,
    shares: Shares,
    processors: f64,
}

/// Time over which the machine's threads are counted.
const WINDOW: Duration = Duration::from_millis(40);

impl Avrec {
    /// Policies with what is common to all streams in `config`; budgets, periods and priors are the world's.
    pub fn new(world: &World, manner: Manner, config: Config) -> Result<Avrec, ConfigError> {
        let mut shares = Shares::new(world.processors);
        let members = world.streams.iter().map(|it| {
            shares.join(it.weight);
            let config = Config {
                budget: duration(it.budget_ms),
                period: duration(it.period_ms),
                ..config
            };
            let mut policy = Policy::new(config)?;
            for kind in &it.candidates {
                policy.add(Prior {
                    quality: Some(kind.quality),
                    latency: Some(duration(kind.work_ms)),
                    ..Prior::default()
                });
            }
            let count = it.candidates.len();
            Ok(Member {
                policy,
                config,
                available: vec![Availability::Ready; count],
                busy_since: vec![Duration::ZERO; count],
                untold: Vec::new(),
                answered: None,
                compared: None,
                rungs: Vec::new(),
            })
        });
        Ok(Avrec {
            manner,
            members: members.collect::<Result<_, ConfigError>>()?,
            shares,
            processors: world.processors as f64,
        })
    }

    /// What a policy hears of the time between two moments: of processor time, where it knows of the others.
    fn heard(&self, from: Duration, until: Duration) -> Duration {
        match self.manner {
            Manner::Alone => until.saturating_sub(from),
            Manner::Evidence | Manner::Group => self.shares.served(from, until),
        }
    }

    fn tell(&mut self, stream: usize, now: Duration, loads: f64) {
        let from = now.saturating_sub(WINDOW);
        let group = self.shares.mean_running(from, now);
        let own = self.members[stream].untold.iter().map(|it| it.end - it.start);
        let own = own.sum::<Duration>().as_secs_f64() / WINDOW.as_secs_f64();
        let others = match self.manner {
            Manner::Alone => (loads + group - own).max(0.0),
            Manner::Evidence | Manner::Group => loads,
        };
        let untold = std::mem::take(&mut self.members[stream].untold);
        let member = &mut self.members[stream];
        member.policy.sensed(now, Some(waiting(others, self.processors)));
        for run in &untold {
            member.policy.ran(run.end, run.candidate, run.latency, run.kind);
        }
        if let Some((shadow, quality)) = member.compared.take() {
            member.policy.scored(now, shadow, quality, Evidence::Agreement);
            if let Some((active, quality)) = member.answered {
                member.policy.scored(now, active, quality, Evidence::Agreement);
            }
        }
    }

    /// What the group leaves the stream.
    fn share(&mut self, stream: usize, now: Duration) -> Share {
        let member = &mut self.members[stream];
        member.rungs.clear();
        for candidate in 0..member.available.len() {
            let outlook = member.policy.outlook(CandidateId(candidate));
            if let (Some(work), Some(upper)) = (outlook.latency, outlook.upper) {
                member.rungs.push(Rung {
                    candidate,
                    work: work.as_secs_f64(),
                    upper: upper.as_secs_f64(),
                    value: outlook.quality.max(1e-3).ln(),
                });
            }
        }
        let wants = Wants {
            now,
            period: member.config.period,
            budget: member.config.budget,
            miss_rate: member.config.miss_rate,
            rungs: &member.rungs,
        };
        let share = self.shares.frame(stream, &wants);
        if let Some(due) = self.shares.due(now) {
            self.shares.follow(&due, &due.plan(), now);
        }
        share
    }
}

impl Chooser for Avrec {
    fn frame(&mut self, stream: usize, now_ms: f64, free: &[bool], loads: f64) -> Option<usize> {
        let now = duration(now_ms);
        self.tell(stream, now, loads);
        let share = self.share(stream, now);
        let member = &mut self.members[stream];
        member.look_who_is_free(free);
        if self.manner != Manner::Alone {
            let budget = share.budget.max(Duration::from_micros(100));
            // A budget above zero is a valid one.
            let _ = member.policy.set_config(Config {
                budget,
                ..member.config
            });
        }
        if self.manner == Manner::Group {
            member.policy.leave(share.place.most());
        }
        let answer = member.policy.decide(now, &member.available).answer;
        member.answered = None;
        answer.map(|it| it.0)
    }

    fn started(&mut self, run: &Run) {
        let now = duration(run.start_ms);
        self.shares.started(run.stream, now);
        self.members[run.stream].busy_since[run.candidate] = now;
    }

    fn ended(&mut self, run: &Run) {
        let (start, end) = (duration(run.start_ms), duration(run.end_ms));
        let work = self
            .shares
            .ended(run.stream, start, end, Some(duration(run.work_ms)));
        let latency = match self.manner {
            Manner::Alone => end.saturating_sub(start),
            Manner::Evidence | Manner::Group => work,
        };
        let member = &mut self.members[run.stream];
        let candidate = CandidateId(run.candidate);
        let kind = match (run.is_shadow, run.is_first, run.ran_into_next) {
            (true, _, true) => RunKind::Overlapped,
            (true, _, false) => RunKind::Shadow,
            (false, true, _) => RunKind::WarmUp,
            (false, false, _) => RunKind::Active,
        };
        member.untold.push(Untold {
            candidate,
            start,
            end,
            latency,
            kind,
        });
        if run.is_shadow {
            member.compared = Some((candidate, run.quality));
        } else {
            member.answered = Some((candidate, run.quality));
        }
    }

    fn missed(&mut self, run: &Run) {
        let (start, now) = (duration(run.start_ms), duration(run.end_ms));
        let elapsed = self.heard(start, now);
        self.shares.missed(run.stream);
        let member = &mut self.members[run.stream];
        member.policy.missed(now, CandidateId(run.candidate), elapsed);
    }

    fn shadow(&mut self, stream: usize, now_ms: f64, slack_ms: f64, free: &[bool]) -> Option<usize> {
        let (now, slack) = (duration(now_ms), duration(slack_ms));
        let member = &mut self.members[stream];
        member.look_who_is_free(free);
        let shadow = member
            .policy
            .shadow(now, slack, &member.available)?
            .ids()
            .next()?;
        let work = member.policy.outlook(shadow).latency?;
        let has_room =
            self.manner != Manner::Group || self.shares.demands(now).has_room(now, work, now + slack);
        has_room.then_some(shadow.0)
    }
}

impl Member {
    fn look_who_is_free(&mut self, free: &[bool]) {
        for ((available, is_free), since) in self.available.iter_mut().zip(free).zip(&self.busy_since) {
            *available = if *is_free {
                Availability::Ready
            } else {
                Availability::Busy { since: *since }
            };
        }
    }
}

/// What the machine's sense makes of so many threads of others.
fn waiting(others: f64, processors: f64) -> f64 {
    let shared = (others + 1.0 - processors).clamp(0.0, 1.0) / 2.0;
    (1.0 - processors / (others + 1.0)).max(shared)
}

fn duration(ms: f64) -> Duration {
    Duration::from_secs_f64(ms.clamp(0.0, 1e9) / 1e3)
}
