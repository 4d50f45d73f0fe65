// SPDX-License-Identifier: MPL-2.0

//! What is expected of all candidates on the next frame, side by side, and the memory to draw it up without allocating.

use std::cmp::Ordering;
use std::time::Duration;

use super::candidate::Candidate;
use super::estimates::Estimates;
use super::objective::{Strategy, Terms, Weights};
use super::prospect::{LogLimit, Mixture};
use super::regret::stretch;
use super::slowdown::Slowdown;
use super::{CandidateId, Config, stride};
use crate::clone_in_place::clone_in_place;
use crate::numbered::Numbered;

/// Periods of overrun that are told apart; more lose no more than they must.
const OVERRUNS: usize = 3;

/// Standard deviations of its quality by which a candidate is taken to be worse than it seems: of two that seem
/// alike, the better known one.
const PESSIMISM: f64 = 0.25;

/// Miss probability above which a candidate is not taken while there is another: it is late more often than not.
const FEASIBLE: f64 = 0.5;

/// What terms are drawn up from: now, or in a counterfactual.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conditions<'a> {
    pub config: &'a Config,
    pub estimates: &'a Estimates,
    pub budget: Duration,
    /// Added to the log-slowdown.
    pub shift: f64,
    /// What a miss costs on the usual scale of qualities.
    pub per_miss: f64,
    /// What leaves in place of a missed answer is worth this.
    pub floor: f64,
}

/// What a run may take: until it is late, and until each of the next frames is lost.
struct Limits {
    budget: LogLimit,
    overruns: [LogLimit; OVERRUNS],
}

impl Limits {
    fn new(conditions: &Conditions) -> Limits {
        let period = conditions.config.period;
        Limits {
            budget: LogLimit::new(conditions.budget),
            overruns: std::array::from_fn(|it| LogLimit::new(period * (it as u32 + 1))),
        }
    }
}

impl Conditions<'_> {
    /// What the terms weigh, on a scale of qualities that is stretched so far.
    fn weights(&self, stretch: f64) -> Weights {
        Weights {
            latency: self.config.lambda_latency,
            complexity: self.config.lambda_complexity,
            // On a narrow scale of qualities a miss would outweigh everything else.
            miss: self.per_miss / stretch,
        }
    }

    /// What is expected of a candidate on each frame, or, where that costs less, on every k-th one.
    fn terms(&self, candidate: &Candidate, limits: &Limits, weights: &Weights, stretch: f64) -> Terms {
        let slowdown = self.slowdown(candidate);
        let runs = slowdown.runs(&candidate.latency, self.shift);
        let each = self.terms_on_each(candidate, Self::miss(&runs, limits), stretch);
        if self.config.max_stride == 1 || !candidate.latency.is_known() {
            return each;
        }
        let strided = (2..=self.config.max_stride).map(|stride| Terms {
            quality: each.quality * stride::worth(stride),
            // Nobody waits for it, so it is late only when it is busy at its next turn.
            miss: runs.exceedance(LogLimit::new(self.config.period * stride)),
            latency: each.latency / f64::from(stride),
            stride,
            ..each
        });
        strided.fold(each, |best, it| {
            if it.cost(weights) < best.cost(weights) {
                it
            } else {
                best
            }
        })
    }

    fn terms_on_each(&self, candidate: &Candidate, miss: f64, stretch: f64) -> Terms {
        let level = self.slowdown(candidate).level_of(&candidate.latency).mean + self.shift;
        let doubt = if candidate.quality.is_reference() {
            // The reference is the scale, so there is nothing to doubt.
            0.0
        } else {
            PESSIMISM * candidate.quality.sd() / stretch
        };
        Terms {
            quality: candidate.quality.mean() - doubt,
            miss,
            latency: candidate
                .latency
                .latency(level)
                .map_or(1.0, |it| it.as_secs_f64() / self.budget.as_secs_f64().max(1e-9)),
            floor: self.floor,
            stride: 1,
            complexity: candidate.complexity,
        }
    }

    /// Who would answer if all could, of those of which is known what they take.
    pub(super) fn favorite(&self) -> Option<CandidateId> {
        let (table, candidates) = (TermsTable::new(self), &self.estimates.candidates);
        let is_known = |it: &Candidate| it.latency.has_baseline();
        let known = candidates
            .ids()
            .filter(|it| candidates.allowed(*it).is_some_and(is_known));
        known.min_by(|one, other| table.order(*one, *other))
    }

    fn slowdown(&self, candidate: &Candidate) -> &Slowdown {
        self.estimates.slowdowns.of(candidate.device)
    }

    /// Expected share of missed frames: its own when it is late, and those that arrive while it still runs.
    fn miss(runs: &Mixture, limits: &Limits) -> f64 {
        let late = runs.exceedance(limits.budget);
        let mut lost = 0.0;
        for limit in limits.overruns {
            let share = runs.exceedance(limit);
            lost += share;
            if share == 0.0 {
                break;
            }
        }
        (late + lost) / (1.0 + lost)
    }
}

/// One candidate of the table.
#[derive(Debug, Clone, Copy)]
struct Row {
    terms: Terms,
    /// Whether its latency is; without it nothing can be expected.
    is_known: bool,
}

/// The terms by candidate; of one that is not there, nothing is expected.
#[derive(Debug, Default)]
pub(super) struct TermsTable {
    rows: Numbered<Row>,
    /// What the terms weigh.
    pub weights: Weights,
    /// How far the scale of qualities is stretched for regret.
    pub stretch: f64,
    quality: Vec<f64>,
    robustness: Vec<f64>,
    combined: Vec<f64>,
}

clone_in_place! { TermsTable: rows weights stretch quality robustness combined }

impl TermsTable {
    /// Empties it and makes room for as many candidates.
    pub(super) fn reserve(&mut self, candidates: usize) {
        self.rows.clear();
        self.rows.reserve(candidates);
        for it in [&mut self.quality, &mut self.robustness, &mut self.combined] {
            it.clear();
            it.reserve(candidates);
        }
    }

    /// The table under these conditions.
    pub(super) fn new(conditions: &Conditions) -> TermsTable {
        let mut table = TermsTable::default();
        table.draw_up(conditions);
        table
    }

    /// Writes what is expected of each candidate under these conditions.
    pub(super) fn draw_up(&mut self, conditions: &Conditions) {
        let candidates = &conditions.estimates.candidates;
        let (worst, best) = candidates.quality_range();
        self.stretch = stretch(worst, best);
        self.weights = conditions.weights(self.stretch);
        let limits = Limits::new(conditions);
        self.rows.clear();
        for (id, candidate) in candidates.numbered() {
            let row = Row {
                terms: conditions.terms(candidate, &limits, &self.weights, self.stretch),
                is_known: candidate.latency.is_known(),
            };
            self.rows.put(id.0, row);
        }
        self.combine(conditions);
    }

    /// Makes one P of quality and robustness. One whose robustness was not sampled counts as robust as it is good.
    fn combine(&mut self, conditions: &Conditions) {
        let Config {
            strategy,
            robustness_weight,
            ..
        } = *conditions.config;
        if strategy == Strategy::Weighted && robustness_weight == 0.0 {
            return;
        }
        let candidates = &conditions.estimates.candidates;
        let sampled = candidates.iter().map(|it| it.robustness.mean());
        self.quality.clear();
        self.quality.extend(self.rows.values().map(|it| it.terms.quality));
        self.robustness.clear();
        self.robustness
            .extend(sampled.zip(&self.quality).map(|it| it.0.unwrap_or(*it.1)));
        self.combined.resize(self.rows.len(), 0.0);
        let measures: [(f64, &[f64]); 2] = [
            (1.0 - robustness_weight, &self.quality),
            (robustness_weight, &self.robustness),
        ];
        strategy.combine(&measures, &mut self.combined);
        for (row, combined) in self.rows.values_mut().zip(&self.combined) {
            row.terms.quality = *combined;
        }
    }

    pub(super) fn terms(&self, id: CandidateId) -> Option<&Terms> {
        self.rows.get(id.0).map(|it| &it.terms)
    }

    /// On each how many-th frame a candidate would run.
    pub(super) fn stride(&self, id: CandidateId) -> u32 {
        self.terms(id).map_or(1, |it| it.stride)
    }

    /// How long a run of a candidate may take before it is a miss.
    pub(super) fn allowed(&self, id: CandidateId, config: &Config) -> Duration {
        match self.stride(id) {
            1 => config.budget,
            stride => config.period * stride,
        }
    }

    /// What a candidate costs; infinite while its latency is unknown.
    pub(super) fn cost(&self, id: CandidateId) -> f64 {
        match self.rows.get(id.0) {
            Some(row) if row.is_known => row.terms.cost(&self.weights),
            _ => f64::INFINITY,
        }
    }

    /// Whether a candidate is more likely in time than not.
    pub(super) fn is_feasible(&self, id: CandidateId) -> bool {
        self.rows
            .get(id.0)
            .is_some_and(|it| it.is_known && it.terms.miss <= FEASIBLE)
    }

    /// Of two candidates the better one first: a feasible one, else that of the smaller cost.
    pub(super) fn order(&self, one: CandidateId, other: CandidateId) -> Ordering {
        (!self.is_feasible(one))
            .cmp(&!self.is_feasible(other))
            .then(self.cost(one).total_cmp(&self.cost(other)))
    }
}
