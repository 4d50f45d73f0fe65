// SPDX-License-Identifier: MPL-2.0

//! What `--generate group` takes: as typed ([`GroupArgs`]) and as meant ([`GroupPlan`], validated).

use std::fmt::Display;
use std::ops::RangeInclusive;

use clap::Args;
use gstavrec::policy::Config;
use gstavrec::replay::group::{Arrival, GroupPolicy, Load};

/// Streams of a group, at most: the search for the best joint choice grows with their third power.
const MOST_STREAMS: usize = 32;

#[derive(Debug, Args)]
pub struct GroupArgs {
    /// Streams of the group, 1 to 32 [default: 8]
    #[arg(long, value_name = "N", help_heading = "Options of --generate group")]
    streams: Option<usize>,

    /// How frames of different streams come: together, apart or mixed (repeatable); all if none is given
    #[arg(
        long = "arrival",
        value_name = "HOW",
        help_heading = "Options of --generate group"
    )]
    arrivals: Vec<Arrival>,

    /// Load beside the group, which comes and goes: none or some (repeatable); both if none is given
    #[arg(
        long = "load",
        value_name = "WHICH",
        help_heading = "Options of --generate group"
    )]
    loads: Vec<Load>,

    /// Weights, dealt to the streams in turn, such as 4:1 [default: 1]
    #[arg(
        long,
        value_name = "W:W…",
        value_parser = weights,
        help_heading = "Options of --generate group"
    )]
    weights: Option<Weights>,

    /// All streams have the candidates of the first
    #[arg(long, help_heading = "Options of --generate group")]
    alike: bool,
}

/// Weights, in the order in which they are dealt.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights(pub Vec<f64>);

/// What the user meant.
#[derive(Debug)]
pub struct GroupPlan {
    pub streams: usize,
    pub arrivals: Vec<Arrival>,
    pub loads: Vec<Load>,
    pub weights: Vec<f64>,
    pub alike: bool,
    pub policies: Vec<GroupPolicy>,
    pub others: Others,
}

/// What the other options say that are for groups too.
#[derive(Debug)]
pub struct Others {
    pub seeds: Vec<RangeInclusive<u64>>,
    pub config: Config,
    pub json: bool,
}

impl GroupArgs {
    /// Validates what was typed of a group; the error says which option is wrong and what to write instead.
    pub fn plan(self, policies: Vec<GroupPolicy>, others: Others) -> Result<GroupPlan, String> {
        let streams = self.streams.unwrap_or(8);
        if !(1..=MOST_STREAMS).contains(&streams) {
            return Err(format!("--streams {streams}: give 1 to {MOST_STREAMS}"));
        }
        let weights = self.weights.map_or(vec![1.0], |it| it.0);
        if streams < weights.len() {
            return Err(format!(
                "--weights has {} weights for {streams} streams: give no more than there are streams",
                weights.len()
            ));
        }
        Ok(GroupPlan {
            streams,
            arrivals: all_or("--arrival", self.arrivals, &Arrival::ALL.map(|it| it.0))?,
            loads: all_or("--load", self.loads, &Load::ALL.map(|it| it.0))?,
            weights,
            alike: self.alike,
            policies: all_or("--policy", policies, &GroupPolicy::ALL.map(|it| it.0))?,
            others,
        })
    }

    /// The first of these options that was given.
    pub fn given(&self) -> Option<&'static str> {
        let all = [
            ("--streams", self.streams.is_some()),
            ("--arrival", !self.arrivals.is_empty()),
            ("--load", !self.loads.is_empty()),
            ("--weights", self.weights.is_some()),
            ("--alike", self.alike),
        ];
        all.into_iter().find(|it| it.1).map(|it| it.0)
    }
}

/// What was given, each once; all if nothing was.
pub fn all_or<T: Copy + PartialEq + Display>(
    option: &str,
    given: Vec<T>,
    all: &[T],
) -> Result<Vec<T>, String> {
    let mut repeated = given
        .iter()
        .enumerate()
        .filter(|(at, it)| given[..*at].contains(it));
    match repeated.next() {
        Some((_, it)) => Err(format!("{option} {it} is given twice")),
        None if given.is_empty() => Ok(all.to_vec()),
        None => Ok(given),
    }
}

/// `4:1`
fn weights(text: &str) -> Result<Weights, String> {
    let weights: Option<Vec<f64>> = text.split(':').map(|it| it.parse().ok()).collect();
    let is_weight = |it: &f64| it.is_finite() && 0.0 < *it;
    let weights = weights.filter(|it| it.iter().all(is_weight));
    weights
        .map(Weights)
        .ok_or_else(|| "give numbers above zero with colons between them, such as 4:1".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_numbers_above_zero() {
        assert_eq!(weights("4:1"), Ok(Weights(vec![4.0, 1.0])));
        assert_eq!(weights("0.5"), Ok(Weights(vec![0.5])));
        for wrong in ["", "4:", "4:0", "-1:2", "4:nan", "inf", "4,1"] {
            assert!(weights(wrong).is_err(), "{wrong}");
        }
    }
}
