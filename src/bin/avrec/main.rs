// SPDX-License-Identifier: MPL-2.0

//! The `avrec` command: runs a launch description with avrec's elements in it, tells what they decide
//! and why, and draws it. The elements do the work; this program only starts, watches and records. What it
//! recorded it can replay, to tell what other policies would have made of it.
//!
//! Exit codes are a contract: 0 ok, 1 the pipeline failed, 2 usage (nothing was run), 3 the run was fine
//! but its log, report or matrix could not be written whole, 4 tuning was no gain, 130 stopped at once by a second interrupt.

mod args;
mod boxes;
mod branch;
mod check;
mod conditions;
mod console;
mod environment;
mod events;
mod failure;
mod group;
mod launch;
mod library;
mod load;
mod log;
mod matrix;
mod measure;
mod paths;
mod progress;
mod providers;
mod rank;
mod record;
mod recorder;
mod replay;
mod report;
mod run;
mod session;
mod stream;
mod tap;
mod tune;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let outcome = match args::Cli::parse().command {
        args::Command::Run(typed) => run::run(typed),
        args::Command::Check(typed) => check::run(typed),
        args::Command::Library(typed) => library::run(typed),
        args::Command::Providers(typed) => providers::run(typed),
        args::Command::Replay(typed) => replay::run(typed),
        args::Command::Rank(typed) => rank::run(*typed),
        args::Command::Worker => rank::worker::serve(),
        args::Command::Tune(typed) => tune::run(typed),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console::warn(&failure.to_string());
            failure.exit_code()
        }
    }
}
