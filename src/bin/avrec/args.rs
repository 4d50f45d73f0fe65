// SPDX-License-Identifier: MPL-2.0

//! The command line, in two steps: as typed ([`RunArgs`]) and as meant ([`RunPlan`], validated). That of `avrec
//! replay` stands beside its code.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::boxes::BoxesPlan;
use crate::check::CheckArgs;
use crate::library::LibraryArgs;
use crate::load::LoadPlan;
use crate::paths::check_folder;
use crate::providers::ProvidersArgs;
use crate::rank::RankArgs;
use crate::replay::ReplayArgs;
use crate::tune::TuneArgs;

/// Runs GStreamer pipelines that choose among models, and shows what they chose and why.
#[derive(Debug, Parser)]
#[command(name = "avrec", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Run(RunArgs),
    Check(CheckArgs),
    Library(LibraryArgs),
    Providers(ProvidersArgs),
    Replay(ReplayArgs),
    Rank(Box<RankArgs>),
    Tune(TuneArgs),
    /// One candidate of `avrec rank`, in a process of its own.
    #[command(hide = true)]
    Worker,
}

/// Run a launch description as gst-launch-1.0 does, with a line a second, a log and a report.
///
/// The first Ctrl-C ends the stream (EOS), the second one stops at once.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:
  0    ok
  1    the pipeline failed
  2    usage: an option, the launch description or a load command is wrong; nothing was run
  3    the run was fine, but the log, the report or the matrix could not be written whole
  130  stopped at once by a second interrupt

Example:
  avrec run --duration 10 --report run.html \\
      videotestsrc is-live=true ! avrec-switch catalog=upscale.toml ! fakesink")]
pub struct RunArgs {
    /// Write every decision and measurement to FILE, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,

    /// Write a self-contained HTML report to FILE
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Write what every candidate makes of every frame to FILE, for `avrec replay`
    ///
    /// The first avrec-switch runs all its candidates on each frame, one after the other, so this is slower than
    /// real time. FILE is CSV, a row a frame: t_ms, and of each candidate NAME.latency_ms and NAME.quality.
    /// Quality is the agreement with the reference's answer, times the reference's prior. A candidate that gives
    /// no answer has the latency 10000 and the quality 0. NAME.baseline_ms is the median of the first 20 frames,
    /// so let loads start later.
    #[arg(long, value_name = "FILE", conflicts_with = "compares")]
    pub record: Option<PathBuf>,

    /// Title of the report
    #[arg(long, value_name = "TEXT", default_value = "avrec run")]
    pub title: String,

    /// Run COMMAND beside the pipeline from second START to second END after PLAYING (repeatable)
    #[arg(long = "load", value_name = "START:END:COMMAND")]
    loads: Vec<String>,

    /// Attach known boxes to the frames that leave ELEMENT, as the truth for a probe (repeatable)
    ///
    /// FILE has lines of frame,class,left,top,width,height: the number of the frame from 0, by its time stamp and the frame
    /// rate, a label, and pixels.
    #[arg(long = "boxes", value_name = "ELEMENT:FILE")]
    boxes: Vec<String>,

    /// Loop the input without a pause, until --duration or Ctrl-C
    #[arg(long = "loop")]
    pub looped: bool,

    /// End the stream SECONDS after PLAYING
    #[arg(long, value_name = "SECONDS")]
    duration: Option<f64>,

    /// Run again with the first avrec-switch pinned to candidate NAME, and compare (repeatable)
    ///
    /// `{run}` in the launch description stands for NAME then, and for avrec in the main run, so that each may
    /// write a file of its own.
    #[arg(long = "compare", value_name = "NAME")]
    pub compares: Vec<String>,

    /// Let all switches take the weights, conditions and feedback of FILE
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,

    /// Print nothing but warnings and errors
    #[arg(long, short)]
    pub quiet: bool,

    /// What gst-launch-1.0 would take: elements, properties and `!`
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "LAUNCH-DESCRIPTION"
    )]
    pub description: Vec<String>,
}

/// What the user meant: what was typed, and beside it what had to be read out of that.
#[derive(Debug)]
pub struct RunPlan {
    pub typed: RunArgs,
    pub loads: Vec<LoadPlan>,
    pub boxes: Vec<BoxesPlan>,
    pub duration: Option<Duration>,
}

impl RunArgs {
    /// Validates what was typed; the error says which option is wrong and what to write instead.
    pub fn plan(self) -> Result<RunPlan, String> {
        let loads = self.loads.iter().map(|text| LoadPlan::parse(text));
        let loads = loads.collect::<Result<Vec<_>, _>>()?;
        let boxes = self.boxes.iter().map(|text| BoxesPlan::parse(text));
        let boxes = boxes.collect::<Result<Vec<_>, _>>()?;
        let duration = self.duration.map(positive_seconds).transpose()?;
        if let Some(end) = duration
            && let Some(late) = loads.iter().find(|load| end <= load.start)
        {
            return Err(format!(
                "--load '{}' starts at {} s, but --duration ends the run at {} s",
                late.command,
                late.start.as_secs_f64(),
                end.as_secs_f64()
            ));
        }
        if let Some(word) = self.description.iter().find(|it| is_option(it)) {
            return Err(misplaced(word));
        }
        for (position, name) in self.compares.iter().enumerate() {
            if self.compares.iter().take(position).any(|earlier| earlier == name) {
                return Err(format!("--compare {name} is given twice"));
            }
        }
        let files = [
            ("--log", &self.log),
            ("--report", &self.report),
            ("--record", &self.record),
        ];
        for (position, (option, path)) in files.iter().enumerate() {
            let Some(path) = path else { continue };
            check_folder(path)?;
            let mut earlier = files.iter().take(position);
            if let Some((other, _)) = earlier.find(|(_, it)| it.as_ref() == Some(path)) {
                return Err(format!("{other} and {option} name the same file"));
            }
        }

        Ok(RunPlan {
            typed: self,
            loads,
            boxes,
            duration,
        })
    }
}

/// Whether a word looks like an option, which no word of a launch description does: a value stands behind `=`.
fn is_option(word: &str) -> bool {
    let name = word.strip_prefix("--").or(word.strip_prefix('-'));
    name.is_some_and(|it| it.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// Two names that are less alike than this are not mistaken for each other.
const ALIKE: f64 = 0.75;

/// Options end where the launch description begins.
fn misplaced(word: &str) -> String {
    let name = word.trim_start_matches('-').split('=').next().unwrap_or_default();
    let mut command = Cli::command();
    // Only then the options that every command has are there.
    command.build();
    let arguments = command
        .find_subcommand("run")
        .into_iter()
        .flat_map(|it| it.get_arguments());
    let is_short = !word.starts_with("--");
    let mut options = Vec::new();
    for argument in arguments {
        let short = argument.get_short().map(String::from);
        if is_short && short.as_deref() == Some(name) || !is_short && argument.get_long() == Some(name) {
            return format!("{word} stands behind the launch description; write options before it");
        }
        options.extend(argument.get_long());
    }
    let alike = |option: &&str| strsim::jaro(option, name);
    let nearest = options
        .into_iter()
        .max_by(|one, other| alike(one).total_cmp(&alike(other)));
    match nearest.filter(|it| !is_short && ALIKE <= alike(it)) {
        Some(nearest) => {
            format!("{word} is no option; is --{nearest} meant? Options stand before the launch description")
        }
        None => format!("{word} is no option; `avrec run --help` lists them"),
    }
}

fn positive_seconds(seconds: f64) -> Result<Duration, String> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        // As a number of any length.
        _ => Err(format!(
            "--duration {seconds:?} is not a time in seconds above zero"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(typed: &[&str]) -> Result<RunPlan, String> {
        let words = ["avrec", "run"].iter().chain(typed);
        match Cli::try_parse_from(words).map_err(|err| err.to_string())?.command {
            Command::Run(args) => args.plan(),
            _ => Err("another command".to_string()),
        }
    }

    #[test]
    fn the_launch_description_keeps_everything_after_its_first_word() {
        let plan = plan(&["--duration", "2.5", "videotestsrc", "!", "fakesink", "x=-1", "-1"]).unwrap();
        assert_eq!(
            plan.typed.description,
            ["videotestsrc", "!", "fakesink", "x=-1", "-1"]
        );
        assert_eq!(plan.duration, Some(Duration::from_millis(2500)));
        assert_eq!(plan.typed.log, None);
    }

    #[test]
    fn a_wrong_option_is_told_with_its_value() {
        let expect = |typed: &[&str], text: &str| {
            let error = plan(typed).unwrap_err();
            assert!(error.contains(text), "{error}");
        };
        expect(&["--duration", "0", "fakesrc"], "--duration 0.0");
        expect(&["--duration", "nan", "fakesrc"], "--duration NaN");
        expect(
            &["--duration", "5", "--load", "5:6:true", "fakesrc"],
            "ends the run at 5 s",
        );
        expect(
            &["--compare", "small", "--compare", "small", "fakesrc"],
            "given twice",
        );
        expect(
            &["--report", "/no/such/folder/r.html", "fakesrc"],
            "'/no/such/folder' does not exist",
        );
        expect(&["--report", "/", "fakesrc"], "is a folder");
        expect(&[], "LAUNCH-DESCRIPTION");
        expect(
            &["fakesrc", "!", "fakesink", "--log", "x"],
            "--log stands behind the launch description",
        );
        expect(&["fakesrc", "!", "fakesink", "--lop"], "is --loop meant?");
        expect(&["--reprot=x", "fakesrc"], "is --report meant?");
        expect(
            &["fakesrc", "--verbose"],
            "--verbose is no option; `avrec run --help`",
        );
        expect(&["fakesrc", "--help"], "--help stands behind");
        expect(&["fakesrc", "-q"], "-q stands behind");
        expect(&["-v", "fakesrc"], "-v is no option");
    }
}
