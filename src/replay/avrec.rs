// SPDX-License-Identifier: MPL-2.0

//! Our own policy, told of a replay what `avrec-switch` would tell it of a stream.

use std::time::Duration;

use super::{Matrix, Run, Selector, ShadowRun};
use crate::policy::{
    Availability, CandidateId, Config, ConfigError, Device, Evidence, Explanation, Policy, Prior, RunKind,
    Switch,
};

/// The policy of `avrec-switch` as a selector.
pub struct Avrec {
    policy: Policy,
    available: Vec<Availability>,
    budget: Duration,
    period: Duration,
    switch: Option<Switch>,
    /// When the last answer came, and the element was free.
    free: Duration,
    /// What has yet to be told: with a sense, the switch tells of a run when the next frame comes, after what the machine says
    /// of that time.
    untold: Option<(CandidateId, Duration, RunKind)>,
    is_sensed: bool,
    devices: Vec<usize>,
    /// A run on another device than the answer's that has not ended yet, and when it does.
    beside: Option<(ShadowRun, Duration)>,
}

impl Avrec {
    /// With the matrix' budget, period and priors, and everything else as in `config`.
    pub fn new(matrix: &Matrix, config: Config) -> Result<Avrec, ConfigError> {
        let config = Config {
            budget: duration(matrix.budget_ms),
            period: duration(matrix.period_ms),
            ..config
        };
        let mut policy = Policy::new(config)?;
        for column in &matrix.columns {
            policy.add(Prior {
                quality: column.prior,
                latency: column.baseline_ms.map(duration),
                device: Device(column.device),
                ..Prior::default()
            });
        }
        Ok(Avrec {
            policy,
            available: vec![Availability::Ready; matrix.candidates()],
            budget: config.budget,
            period: config.period,
            switch: None,
            free: Duration::ZERO,
            untold: None,
            is_sensed: matrix.is_sensed(),
            devices: matrix.columns.iter().map(|it| it.device).collect(),
            beside: None,
        })
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The switch that the last pick was, if it was one.
    pub fn last_switch(&self) -> Option<Switch> {
        self.switch
    }

    /// Why it is who was picked last.
    pub fn explain(&self) -> Explanation {
        self.policy.explain(&self.available)
    }
}

impl Selector for Avrec {
    fn sensed(&mut self, now_ms: f64, pressure: Option<f64>) {
        self.policy.sensed(duration(now_ms), pressure);
        if let Some((id, latency, kind)) = self.untold.take() {
            self.policy.ran(self.free, id, latency, kind);
        }
    }

    fn pick(&mut self, _: usize, now_ms: f64) -> Option<usize> {
        if let Some((run, end)) = self.beside.take_if(|it| it.1 <= duration(now_ms)) {
            self.available[run.candidate] = Availability::Ready;
            self.tell_shadow(&run, end);
        }
        let decision = self.policy.decide(duration(now_ms), &self.available);
        self.switch = decision.switch;
        decision.answer.map(|it| it.0)
    }

    fn ran(&mut self, run: &Run) {
        let id = CandidateId(run.candidate);
        let start = duration(run.frame as f64 * self.period.as_secs_f64() * 1e3 + run.waited_ms);
        let latency = duration(run.latency_ms);
        if run.is_late {
            let elapsed = self.budget.saturating_sub(duration(run.waited_ms)).min(latency);
            self.policy.missed(start + elapsed, id, elapsed);
        }
        self.free = start + latency;
        self.policy.lost(self.free, run.lost as u32);
        let kind = if run.is_first {
            RunKind::WarmUp
        } else {
            RunKind::Active
        };
        if self.is_sensed {
            self.untold = Some((id, latency, kind));
        } else {
            self.policy.ran(self.free, id, latency, kind);
        }
    }

    fn shadow(&mut self, now_ms: f64, slack_ms: f64) -> Option<usize> {
        if self.beside.is_some() {
            return None;
        }
        let slack = duration(slack_ms);
        let shadow = self.policy.shadow(duration(now_ms), slack, &self.available)?;
        shadow.ids().next().map(|it| it.0)
    }

    fn shadowed(&mut self, run: &ShadowRun) {
        let end = self.free + duration(run.latency_ms);
        if !run.fits && self.devices[run.candidate] != self.devices[run.active] {
            self.available[run.candidate] = Availability::Busy { since: self.free };
            self.beside = Some((*run, end));
        } else {
            self.tell_shadow(run, end);
        }
    }
}

impl Avrec {
    fn tell_shadow(&mut self, run: &ShadowRun, now: Duration) {
        let id = CandidateId(run.candidate);
        let kind = if run.fits {
            RunKind::Shadow
        } else {
            RunKind::Overlapped
        };
        self.policy.ran(now, id, duration(run.latency_ms), kind);
        self.policy.scored(now, id, run.quality, Evidence::Agreement);
        self.policy.scored(
            now,
            CandidateId(run.active),
            run.active_quality,
            Evidence::Agreement,
        );
    }
}

fn duration(ms: f64) -> Duration {
    Duration::from_secs_f64(ms.clamp(0.0, 1e9) / 1e3)
}
