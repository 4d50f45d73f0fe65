// SPDX-License-Identifier: MPL-2.0

//! The command line of `avrec replay`: as typed ([`ReplayArgs`]) and as meant ([`ReplayPlan`], validated).

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Args;
use gstavrec::policy::{Config, Policy, Strategy};
use gstavrec::replay::generate::Kind;
use gstavrec::replay::{PolicyName, Timing};

use crate::paths::check_folder;

/// Tell what policies would have made of recorded streams.
///
/// A MATRIX is a file as `avrec run --record` writes it: what every candidate made of every frame. Each policy runs
/// over it and sees only what it could see live. The table tells what left on time, how good it was, and how much
/// of what was possible that is.
#[derive(Debug, Args)]
#[command(after_help = "Policies:
  avrec          what avrec-switch does
  avrec-blind    the same without what the machine says (sense-machine=false)
  static-best    always the candidate of the best prior
  static-safe    always the best candidate that keeps the budget on 99 % of the frames, in hindsight
  ladder         a step down when it gets tight, a step up when there was room for 60 frames
  pressure-ladder  a ladder that goes by what the machine says, where the matrix tells that
  alert          after ALERT (2020): a Kalman filter for the slowdown, the largest expected quality
  litereconfig   after LiteReconfig (2022): the best whose mean latency keeps the budget by a factor of 1.3
  exp3           a bandit that knows nothing and learns what is worth most
  oracle         knows the future and swaps for nothing: the best answer on each frame
  oracle-switch  knows the future, and each swap costs it half a frame

Columns (and keys of --json, where a rate or share is 0 to 1):
  miss %      late frames and frames lost to overrun (miss_rate)
  quality     mean worth of what left; a missed frame is worth nothing (effective_quality)
  regret %    how much of what oracle reached is missing (regret_percent)
  -switch %   the same of oracle-switch (regret_switch_aware_percent)
  swaps/1k    swaps in 1,000 frames (swaps_per_1000_frames)
  reaction    frames from the onset of a load until five in a row are on time: median/largest
              (reaction_median_frames, reaction_max_frames, onsets)
  recovery    frames from its end until five in a row are worth 95 % of the oracle's: median/90th
              percentile (recovery_median_frames, recovery_p90_frames, ends)
  shadow %    time spent in shadow runs (shadow_share)
  µs          time that a decision took (decision_us)

--json prints one object: miss_rate; traces, each with name, file or kind and seed, frames, candidates,
budget_ms, period_ms, policies (policy and the keys above) and with --decisions also decisions (frame,
t_ms, from, to, reason, reason_text, explanation); mean, one a policy: policy, traces, and the keys
above, each as mean, low and high. What is not known is null.

Exit codes:
  0  ok
  2  usage: an option or a matrix is wrong; nothing was replayed
  3  the matrix of --write could not be written

Examples:
  avrec replay matrix.csv
  avrec replay matrix.csv --policy avrec --budget-ms 25 --decisions
  avrec replay --generate step --generate bursty --seed 100-109")]
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
    pub policies: Vec<PolicyName>,

    /// Replay a made-up world as well (repeatable)
    ///
    /// KIND is none, step, ramp, periodic, bursty, tail or unequal, each also with +inverted: then the second-best
    /// candidate loses 0.12 of quality after 500 frames. Or it is machine, as one was measured under load, sensed, a machine
    /// that says how long things wait, two-devices, of which each is loaded at its own times, or wild: then everything is drawn.
    #[arg(long = "generate", value_name = "KIND")]
    pub kinds: Vec<Kind>,

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
}

/// What the user meant: what was typed, with what was left out filled in, and what follows from it.
#[derive(Debug)]
pub struct ReplayPlan {
    pub typed: ReplayArgs,
    pub timing: Timing,
    pub config: Config,
}

impl ReplayArgs {
    /// Validates what was typed; the error says which option is wrong and what to write instead.
    pub fn plan(mut self) -> Result<ReplayPlan, String> {
        if self.files.is_empty() && self.kinds.is_empty() {
            return Err("there is nothing to replay: name a MATRIX, or give --generate KIND".to_string());
        }
        let times = [("--budget-ms", self.budget_ms), ("--period-ms", self.period_ms)];
        for (option, time) in times {
            if let Some(time) = time.filter(|it| !(it.is_finite() && 0.0 < *it)) {
                return Err(format!("{option} {time} is not a time above zero"));
            }
        }
        for (position, policy) in self.policies.iter().enumerate() {
            if self.policies.iter().take(position).any(|it| it == policy) {
                return Err(format!("--policy {policy} is given twice"));
            }
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
        if self.policies.is_empty() {
            self.policies.extend(PolicyName::ALL.map(|it| it.0));
        }
        if let Some(path) = &self.write {
            if self.kinds.len() != 1 || self.seeds.iter().flat_map(|it| it.clone()).take(2).count() != 1 {
                return Err("--write takes one world: give one --generate and one --seed".to_string());
            }
            check_folder(path)?;
        }
        Ok(ReplayPlan {
            timing: Timing {
                budget_ms: self.budget_ms,
                period_ms: self.period_ms,
            },
            config,
            typed: self,
        })
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

    fn plan(typed: &[&str]) -> Result<ReplayPlan, String> {
        let words = ["avrec", "replay"].iter().chain(typed);
        match Cli::try_parse_from(words).map_err(|err| err.to_string())?.command {
            Command::Replay(args) => args.plan(),
            Command::Run(_) | Command::Check(_) => Err("another command".to_string()),
        }
    }

    #[test]
    fn without_options_all_policies_run_as_the_switch_does() {
        let plan = plan(&["a.csv", "b.csv"]).unwrap();
        assert_eq!(plan.typed.files.len(), 2);
        assert_eq!(plan.typed.policies.len(), PolicyName::ALL.len());
        assert_eq!(plan.config, Config::default());
        assert_eq!(plan.timing, Timing::default());
        assert!(!plan.typed.json && !plan.typed.decisions);
    }

    #[test]
    fn seeds_are_numbers_and_ranges() {
        let plan = plan(&["--generate", "step+inverted", "--seed", "7", "--seed", "100-102"]).unwrap();
        let seeds: Vec<u64> = plan.typed.seeds.into_iter().flatten().collect();
        assert_eq!(seeds, [7, 100, 101, 102]);
        assert_eq!(plan.typed.kinds[0].to_string(), "step+inverted");
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
