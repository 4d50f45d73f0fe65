// SPDX-License-Identifier: MPL-2.0

//! The command line of `avrec replay`: as typed ([`ReplayArgs`]) and as meant ([`ReplayPlan`], validated).

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use gstavrec::policy::{Config, Policy, Strategy};
use gstavrec::replay::generate::Kind;
use gstavrec::replay::group::GroupPolicy;
use gstavrec::replay::{PolicyName, Timing};

use super::group::{GroupArgs, GroupPlan, Others, all_or};
use super::help::AFTER_OPTIONS;
use crate::paths::check_folder;

/// Tell what policies would have made of recorded streams.
///
/// A MATRIX is a file as `avrec run --record` writes it: what every candidate made of every frame. Each policy runs
/// over it and sees only what it could see live. The table tells what left on time, how good it was, and how much
/// of what was possible that is.
#[derive(Debug, Args)]
#[command(after_help = AFTER_OPTIONS)]
pub struct ReplayArgs {
    /// Files to replay
    #[arg(value_name = "MATRIX")]
    pub files: Vec<PathBuf>,

    /// Time a frame may take, instead of the matrix's
    #[arg(long, allow_negative_numbers = true, value_name = "MS")]
    budget_ms: Option<f64>,

    /// Time from frame to frame, instead of the matrix's
    #[arg(long, allow_negative_numbers = true, value_name = "MS")]
    period_ms: Option<f64>,

    /// Share of frames that avrec may miss, 0 to 1
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "SHARE",
        default_value_t = 0.03
    )]
    miss_rate: f64,

    /// What a latency of a whole budget costs avrec, in log-quality
    #[arg(long, allow_negative_numbers = true, value_name = "WEIGHT", default_value_t = Config::default().lambda_latency)]
    lambda_latency: f64,

    /// How avrec makes one number of several measures of quality: weighted or rank
    #[arg(long, value_name = "NAME", default_value = "weighted")]
    strategy: Strategy,

    /// Policy to run (repeatable); all if none is given
    #[arg(long = "policy", value_name = "NAME")]
    policies: Vec<AnyPolicy>,

    /// Replay a made-up world as well (repeatable)
    ///
    /// KIND is none, step, ramp, periodic, bursty, tail or unequal, each also with +inverted: then the second-best
    /// candidate loses 0.12 of quality after 500 frames. Or it is machine, as one was measured under load, sensed, a machine
    /// that says how long things wait, two-devices, of which each is loaded at its own times, or wild: then everything is drawn.
    /// And group is several streams on one machine, which is replayed by itself.
    #[arg(long = "generate", value_name = "KIND")]
    pub kinds: Vec<AnyKind>,

    /// Seed of the worlds, or a range such as 100-109 (repeatable) [default: 0]
    #[arg(long = "seed", value_name = "N", requires = "kinds", value_parser = seeds)]
    pub seeds: Vec<RangeInclusive<u64>>,

    /// Write the made-up world to FILE as well
    #[arg(long, value_name = "FILE", requires = "kinds")]
    pub write: Option<PathBuf>,

    /// Tell each switch of avrec, and why
    #[arg(long)]
    pub decisions: bool,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub group: GroupArgs,
}

/// A policy over matrices, or a way to choose for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AnyPolicy {
    Trace(PolicyName),
    Group(GroupPolicy),
}

/// A world of one stream, or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnyKind {
    Trace(Kind),
    Group,
}

/// What the user meant.
#[derive(Debug)]
pub enum Plan {
    Traces(Box<ReplayPlan>),
    Group(Box<GroupPlan>),
}

/// What was typed, with what was left out filled in, and what follows from it.
#[derive(Debug)]
pub struct ReplayPlan {
    pub typed: ReplayArgs,
    pub kinds: Vec<Kind>,
    pub policies: Vec<PolicyName>,
    pub timing: Timing,
    pub config: Config,
}

impl ReplayArgs {
    /// Validates what was typed; the error says which option is wrong and what to write instead.
    pub fn plan(mut self) -> Result<Plan, String> {
        if self.files.is_empty() && self.kinds.is_empty() {
            return Err("there is nothing to replay: name a MATRIX, or give --generate KIND".to_string());
        }
        let config = Config {
            miss_rate: self.miss_rate,
            lambda_latency: self.lambda_latency,
            strategy: self.strategy,
            ..Config::default()
        };
        Policy::new(config).map_err(|err| err.to_string())?;
        if self.seeds.is_empty() {
            self.seeds.push(0..=0);
        }
        let policies = std::mem::take(&mut self.policies).into_iter();
        if self.kinds.contains(&AnyKind::Group) {
            let policies = policies.map(AnyPolicy::of_a_group).collect::<Result<_, _>>()?;
            return self
                .plan_of_a_group(policies, config)
                .map(|it| Plan::Group(Box::new(it)));
        }
        let policies = policies.map(AnyPolicy::of_traces).collect::<Result<_, _>>()?;
        self.plan_of_traces(policies, config)
            .map(|it| Plan::Traces(Box::new(it)))
    }

    fn plan_of_traces(self, policies: Vec<PolicyName>, config: Config) -> Result<ReplayPlan, String> {
        if let Some(option) = self.group.given() {
            return Err(format!("{option} needs --generate group"));
        }
        let times = [("--budget-ms", self.budget_ms), ("--period-ms", self.period_ms)];
        for (option, time) in times {
            if let Some(time) = time.filter(|it| !(it.is_finite() && 0.0 < *it)) {
                return Err(format!("{option} {time} is not a time above zero"));
            }
        }
        if let Some(path) = &self.write {
            if self.kinds.len() != 1 || self.seeds.iter().flat_map(|it| it.clone()).take(2).count() != 1 {
                return Err("--write takes one world: give one --generate and one --seed".to_string());
            }
            check_folder(path)?;
        }
        let trace = |it: &AnyKind| match it {
            AnyKind::Trace(kind) => Some(*kind),
            AnyKind::Group => None,
        };
        Ok(ReplayPlan {
            kinds: self.kinds.iter().filter_map(trace).collect(),
            policies: all_or("--policy", policies, &PolicyName::ALL.map(|it| it.0))?,
            timing: Timing {
                budget_ms: self.budget_ms,
                period_ms: self.period_ms,
            },
            config,
            typed: self,
        })
    }

    fn plan_of_a_group(self, policies: Vec<GroupPolicy>, config: Config) -> Result<GroupPlan, String> {
        if !self.files.is_empty() || self.kinds.len() != 1 {
            let text = "--generate group is replayed by itself: leave out matrices and other worlds";
            return Err(text.to_string());
        }
        let of_matrices = [
            ("--budget-ms", self.budget_ms.is_some()),
            ("--period-ms", self.period_ms.is_some()),
            ("--write", self.write.is_some()),
            ("--decisions", self.decisions),
        ];
        if let Some((option, _)) = of_matrices.iter().find(|it| it.1) {
            return Err(format!(
                "{option} is not for --generate group, which is no matrix and whose streams have times of their own"
            ));
        }
        let others = Others {
            seeds: self.seeds,
            config,
            json: self.json,
        };
        self.group.plan(policies, others)
    }
}

impl AnyPolicy {
    fn of_traces(self) -> Result<PolicyName, String> {
        match self {
            AnyPolicy::Trace(policy) => Ok(policy),
            AnyPolicy::Group(policy) => Err(format!("--policy {policy} needs --generate group")),
        }
    }

    fn of_a_group(self) -> Result<GroupPolicy, String> {
        match self {
            AnyPolicy::Group(policy) => Ok(policy),
            // Says which there are.
            AnyPolicy::Trace(policy) => policy
                .to_string()
                .parse()
                .map_err(|err| format!("--policy {policy}: {err}")),
        }
    }
}

impl FromStr for AnyPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<AnyPolicy, String> {
        let group = GroupPolicy::ALL.iter().find(|it| it.1 == text);
        match group {
            Some((policy, _)) => Ok(AnyPolicy::Group(*policy)),
            None => text.parse().map(AnyPolicy::Trace).map_err(|err: String| {
                let names = GroupPolicy::ALL.map(|it| it.1).join(", ");
                format!("{err}; of a group: {names}")
            }),
        }
    }
}

impl FromStr for AnyKind {
    type Err = String;

    fn from_str(text: &str) -> Result<AnyKind, String> {
        match text {
            "group" => Ok(AnyKind::Group),
            kind => kind
                .parse()
                .map(AnyKind::Trace)
                .map_err(|err: String| format!("{err}; or group")),
        }
    }
}

/// `7`, or `100-109`
fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok(first..=last),
        _ => Err("give a whole number, or a range such as 100-109".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn any_plan(typed: &[&str]) -> Result<Plan, String> {
        let words = ["avrec", "replay"].iter().chain(typed);
        match Cli::try_parse_from(words).map_err(|err| err.to_string())?.command {
            Command::Replay(args) => args.plan(),
            _ => Err("another command".to_string()),
        }
    }

    fn plan(typed: &[&str]) -> Result<ReplayPlan, String> {
        match any_plan(typed)? {
            Plan::Traces(plan) => Ok(*plan),
            Plan::Group(_) => Err("a group".to_string()),
        }
    }

    #[test]
    fn without_options_all_policies_run_as_the_switch_does() {
        let plan = plan(&["a.csv", "b.csv"]).unwrap();
        assert_eq!(plan.typed.files.len(), 2);
        assert_eq!(plan.policies.len(), PolicyName::ALL.len());
        assert_eq!(plan.config, Config::default());
        assert_eq!(plan.timing, Timing::default());
        assert!(!plan.typed.json && !plan.typed.decisions);
    }

    #[test]
    fn seeds_are_numbers_and_ranges() {
        let plan = plan(&["--generate", "step+inverted", "--seed", "7", "--seed", "100-102"]).unwrap();
        let seeds: Vec<u64> = plan.typed.seeds.into_iter().flatten().collect();
        assert_eq!(seeds, [7, 100, 101, 102]);
        assert_eq!(plan.kinds[0].to_string(), "step+inverted");
    }

    #[test]
    fn a_group_is_all_of_it_unless_something_is_named() {
        let plan = |typed: &[&str]| match any_plan(&[&["--generate", "group"], typed].concat()) {
            Ok(Plan::Group(plan)) => *plan,
            other => panic!("{other:?}"),
        };
        let all = plan(&[]);
        assert_eq!((all.streams, all.weights, all.alike), (8, vec![1.0], false));
        assert_eq!(
            (all.arrivals.len(), all.loads.len(), all.policies.len()),
            (3, 2, 6)
        );
        let some = plan(&[
            "--streams",
            "4",
            "--weights",
            "4:1",
            "--load",
            "none",
            "--arrival",
            "apart",
        ]);
        assert_eq!((some.streams, some.weights), (4, vec![4.0, 1.0]));
        assert_eq!((some.arrivals.len(), some.loads.len()), (1, 1));
    }

    #[test]
    fn a_wrong_option_is_told_with_its_value() {
        let expect = |typed: &[&str], text: &str| {
            let error = plan(typed).unwrap_err();
            assert!(error.contains(text), "{typed:?}: {error}");
        };
        expect(&[], "nothing to replay");
        expect(&["m", "--budget-ms", "0"], "--budget-ms 0");
        expect(
            &["m", "--budget-ms", "-3"],
            "--budget-ms -3 is not a time above zero",
        );
        expect(&["m", "--period-ms", "inf"], "--period-ms inf");
        expect(&["m", "--miss-rate", "1.5"], "miss rate 1.5");
        expect(&["m", "--lambda-latency", "nan"], "lambda-latency is NaN");
        expect(&["m", "--strategy", "best"], "weighted or rank");
        expect(
            &["m", "--policy", "best"],
            "known: avrec, avrec-blind, static-best",
        );
        expect(&["m", "--policy", "exp3", "--policy", "exp3"], "given twice");
        expect(&["--generate", "storm"], "known: none, step");
        expect(&["--generate", "step", "--seed", "9-3"], "a range such as");
        expect(&["m", "--seed", "3"], "--generate");
        expect(&["m", "--policy", "optimum"], "needs --generate group");
        expect(&["m", "--streams", "3"], "--streams needs --generate group");
        expect(&["--generate", "step", "--alike"], "--alike needs");
        let group = |typed: &[&str], text: &str| expect(&[&["--generate", "group"], typed].concat(), text);
        group(&["m"], "is replayed by itself");
        group(&["--generate", "step"], "is replayed by itself");
        group(&["--budget-ms", "20"], "--budget-ms is not for");
        group(&["--decisions"], "--decisions is not for");
        group(&["--policy", "exp3"], "known: group, independent, evidence");
        group(&["--policy", "group", "--policy", "group"], "given twice");
        group(&["--arrival", "late"], "known: together, apart, mixed");
        group(
            &["--load", "some", "--load", "some"],
            "--load some is given twice",
        );
        group(&["--streams", "0"], "--streams 0: give 1 to 32");
        group(&["--streams", "1", "--weights", "4:1"], "2 weights for 1 streams");
        group(&["--weights", "4:-1"], "such as 4:1");
        expect(
            &["--generate", "step", "--seed", "1-2", "--write", "w.csv"],
            "--write takes one world",
        );
        expect(
            &["--generate", "step", "--write", "/no/such/folder/w.csv"],
            "'/no/such/folder' does not exist",
        );
    }
}
