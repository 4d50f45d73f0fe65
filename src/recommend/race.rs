// SPDX-License-Identifier: MPL-2.0

//! Which models to judge on how many items: all on a few, those whose place is not clear yet on more.
//!
//! All models see the same items, drawn at random, so that their paired differences vary little; the question is what all
//! items of the material would say, so neighbours need not be independent, and at the last item nothing is open any
//! more. How far that holds for other material is the matter of [`super::Resampling`] with clips.
//!
//! A race ends a model's part for one of these reasons ([`Standing`]), and a model that ends keeps its figures:
//!
//! - It is out: another one, at least as fast, as small and as cheap, is surely better. A model that is merely not the best is not
//!   out, for the set may want it for its speed. With [`Goal::Winner`] it is: a smaller loss of another is enough.
//! - It is settled: it is known of each other model in the race which of the two is better, or that they differ by less
//!   than the indifference.
//! - It is halved away: what may be spent does not reach for all, and its loss is among the largest (successive halving,
//!   Karnin, Koren and Somekh, 2013). Its place is then not sure.
//!
//! Surely means by intervals that hold for all comparisons with one model at all looks together (Bonferroni).

mod pairs;
mod rules;

use std::ops::Range;

use super::Order;
use crate::score::Statistic;
use pairs::Pairs;

pub use rules::{Entrant, Goal, Rules};

/// What to run next: these models on the items at these places of the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    pub models: Vec<usize>,
    pub items: Range<usize>,
}

/// Where a model stands, with the number of items that it was judged on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    Racing,
    /// This other one surely leaves it without a place.
    Out {
        by: usize,
    },
    Settled,
    Halved,
    Failed,
}

/// What a round cost a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spent {
    /// In all, in seconds.
    pub cost: f64,
    /// Of a run, in seconds: the median of all so far.
    pub latency: f64,
}

struct Model {
    entrant: Entrant,
    standing: Standing,
    /// Its quality P, 0 to 1, over the items that it was judged on.
    quality: Option<Box<dyn Statistic>>,
    items: usize,
    spent: f64,
}

/// A race, driven by whoever runs the models: [`Race::round`] says what to run, [`Race::tell`] what came of it.
pub struct Race {
    order: Order,
    rules: Rules,
    models: Vec<Model>,
    pairs: Pairs,
    /// Items that all that race were judged on.
    judged: usize,
    /// Up to where those that race run now.
    until: usize,
}

impl Race {
    pub fn new(order: Order, entrants: &[Entrant], rules: Rules) -> Race {
        let model = |it: &Entrant| Model {
            entrant: *it,
            standing: Standing::Racing,
            quality: None,
            items: 0,
            spent: 0.0,
        };
        Race {
            pairs: Pairs::new(entrants.len()),
            models: entrants.iter().map(model).collect(),
            order,
            rules,
            judged: 0,
            until: 0,
        }
    }

    /// What to run now; `None` once the race is over. Asked again before all is told, it says what is left to run.
    pub fn round(&mut self) -> Option<Round> {
        if self.left().is_empty() {
            self.judge();
            let racing = self.racing();
            let goes_on = 1 < racing.len() || self.judged == 0 && !racing.is_empty();
            if !goes_on || self.until == self.order.len() {
                self.end();
                return None;
            }
            self.until = self.after(self.until);
        }
        let models = self.left();
        let from = models.iter().map(|it| self.models[*it].items).min()?;
        Some(Round {
            models,
            items: from..self.until,
        })
    }

    /// What came of a round for one of its models: its quality P, 0 to 1, over all items of the order so far, in
    /// the order's order.
    pub fn tell(&mut self, model: usize, quality: Box<dyn Statistic>, spent: Spent) {
        let Some(it) = self.models.get_mut(model) else {
            return;
        };
        it.items = quality.len().min(self.until);
        it.quality = Some(quality);
        it.spent += spent.cost;
        it.entrant.cost = it.spent / it.items.max(1) as f64;
        it.entrant.latency = spent.latency;
    }

    /// The model cannot be run any more; the others go on.
    pub fn failed(&mut self, model: usize) {
        if let Some(it) = self.models.get_mut(model) {
            it.standing = Standing::Failed;
        }
    }

    pub fn order(&self) -> &Order {
        &self.order
    }

    pub fn standing(&self, model: usize) -> Standing {
        self.models[model].standing
    }

    /// Items that a model was judged on: the first so many of the order.
    pub fn items(&self, model: usize) -> usize {
        self.models[model].items
    }

    /// The quality of a model over these items, as it was told.
    pub fn quality(&self, model: usize) -> Option<&dyn Statistic> {
        self.models[model].quality.as_deref()
    }

    /// The model of the smallest loss; `None` where none said anything. It is one of those with the most items, for
    /// who ended before is out or known to be no better than another that did not.
    pub fn winner(&self) -> Option<usize> {
        let sound = |it: &usize| self.models[*it].standing != Standing::Failed && 0 < self.models[*it].items;
        let sound: Vec<usize> = (0..self.models.len()).filter(sound).collect();
        let most = sound.iter().map(|it| self.models[*it].items).max()?;
        let longest: Vec<usize> = sound
            .into_iter()
            .filter(|it| self.models[*it].items == most)
            .collect();
        self.pairs.best(&longest)
    }

    /// Seconds spent, and those that the rest takes at most.
    pub fn progress(&self) -> (f64, f64) {
        let spent: f64 = self.models.iter().map(|it| it.spent).sum();
        let rest =
            |it: usize| self.models[it].entrant.cost * (self.order.len() - self.models[it].items) as f64;
        let rest: f64 = self.racing().into_iter().map(rest).sum();
        let allowed = self.allowed().map_or(rest, |it| (it - spent).max(0.0));
        (spent, rest.min(allowed))
    }

    /// What all models on all items would have cost, in seconds.
    pub fn full_cost(&self) -> f64 {
        let cost: f64 = self.models.iter().map(|it| it.entrant.cost).sum();
        cost * self.order.len() as f64
    }

    /// Seconds that may be spent.
    fn allowed(&self) -> Option<f64> {
        Some(self.rules.limit? * self.full_cost() / self.models.len().max(1) as f64)
    }

    fn racing(&self) -> Vec<usize> {
        let is_racing = |it: &usize| self.models[*it].standing == Standing::Racing;
        (0..self.models.len()).filter(is_racing).collect()
    }

    /// Those that have yet to run in this round.
    fn left(&self) -> Vec<usize> {
        let mut racing = self.racing();
        racing.retain(|it| self.models[*it].items < self.until);
        racing
    }

    /// Where a round ends that begins here.
    fn after(&self, from: usize) -> usize {
        let first = self.rules.first.max(self.order.fewest()).max(1);
        // What would leave a rest of a quarter or less takes it along.
        let next = if from == 0 { first } else { 2 * from };
        if self.order.len() <= next + next / 4 {
            self.order.len()
        } else {
            next
        }
    }

    /// Looks that are still uncertain: all but that at the last item.
    fn looks(&self) -> usize {
        let mut looks = 0;
        let mut at = self.after(0);
        while at < self.order.len() {
            looks += 1;
            at = self.after(at);
        }
        looks
    }

    /// Compares those that race on the items that they have all seen.
    fn judge(&mut self) {
        let racing = self.racing();
        if self.until == self.judged || racing.is_empty() {
            return;
        }
        self.judged = self.until;
        let error = 0.05 / (self.looks().max(1) * (self.models.len() - 1).max(1)) as f64;
        let sample = pairs::Sample::new(&self.order, self.judged, self.rules.seed, error);
        for it in racing {
            let model = &self.models[it];
            let seen = sample.of(model.quality.as_deref(), model.entrant, &self.rules);
            match seen {
                Some(seen) => self.pairs.saw(it, seen),
                None if self.judged == self.order.len() => self.models[it].standing = Standing::Failed,
                // Perhaps more items say something, as where there was no object yet.
                None => {}
            }
        }
        self.pairs
            .decide(&self.racing(), &sample, self.rules.indifference);
        self.drop_beaten();
        self.settle();
        self.halve();
    }

    fn drop_beaten(&mut self) {
        let racing = self.racing();
        for model in &racing {
            let own = self.models[*model].entrant;
            let beats = |it: &&usize| {
                let other = self.models[**it].entrant;
                let is_no_worse = other.latency <= own.latency
                    && other.memory <= own.memory
                    && other.complexity <= own.complexity;
                match self.rules.goal {
                    Goal::Set => is_no_worse && self.pairs.is_better(**it, *model),
                    Goal::Winner => self.pairs.is_cheaper(**it, *model),
                }
            };
            if let Some(by) = racing.iter().filter(|it| *it != model).find(beats) {
                self.models[*model].standing = Standing::Out { by: *by };
            }
        }
    }

    fn settle(&mut self) {
        let racing = self.racing();
        let Some(best) = self.pairs.best(&racing) else {
            return;
        };
        let is_settled = |it: &usize| match self.rules.goal {
            Goal::Winner => self.pairs.is_cost_known(best, *it),
            Goal::Set => {
                let mut others = racing.iter().filter(|other| *other != it);
                others.all(|other| self.pairs.is_quality_known(*it, *other))
                    && self.pairs.is_cost_known(best, *it)
            }
        };
        let settled: Vec<usize> = racing
            .iter()
            .copied()
            .filter(|it| *it != best && is_settled(it))
            .collect();
        let all_others = settled.len() + 1 == racing.len();
        settled
            .into_iter()
            .for_each(|it| self.models[it].standing = Standing::Settled);
        if all_others {
            self.models[best].standing = Standing::Settled;
        }
    }

    /// Lets only so many go on as can be paid for: those whose losses are the smallest, so that each of the rounds to come may
    /// spend the same; the best two as long as there is anything left to spend.
    fn halve(&mut self) {
        let (Some(allowed), true) = (self.allowed(), self.until < self.order.len()) else {
            return;
        };
        let mut rounds = 0;
        let mut at = self.until;
        while at < self.order.len() {
            rounds += 1;
            at = self.after(at);
        }
        let spent: f64 = self.models.iter().map(|it| it.spent).sum();
        let rest = (allowed - spent).max(0.0);
        let more = (self.after(self.until) - self.until) as f64;
        let mut racing = self.racing();
        self.pairs.sort_by_cost(&mut racing);
        let mut cost = 0.0;
        for (rank, it) in racing.into_iter().enumerate() {
            cost += self.models[it].entrant.cost * more;
            let limit = if rank < 2 { rest } else { rest / f64::from(rounds) };
            if limit < cost {
                self.models[it].standing = Standing::Halved;
            }
        }
    }

    /// Whoever is left has nobody to be compared with any more.
    fn end(&mut self) {
        let is_halved = self.models.iter().any(|it| it.standing == Standing::Halved);
        let standing = match is_halved && self.judged < self.order.len() {
            true => Standing::Halved,
            false => Standing::Settled,
        };
        for it in self.racing() {
            self.models[it].standing = standing;
        }
    }
}

#[cfg(test)]
mod tests;
