// SPDX-License-Identifier: MPL-2.0

//! What can go wrong in a command, and the exit code that says so.

use std::path::Path;
use std::process::ExitCode;
use std::{fmt, io};

/// Why a command did not go as it should.
#[derive(Debug)]
pub enum Failure {
    /// The pipeline ended with an error.
    Pipeline(String),
    /// Nothing was run; the text says what to change.
    Usage(String),
    /// The run was fine; a file that it should leave behind was not.
    Output(String),
    /// The second interrupt.
    Stopped,
}

impl Failure {
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Pipeline(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Output(_) => 3,
            Failure::Stopped => 130,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Pipeline(text) | Failure::Usage(text) | Failure::Output(text) => f.write_str(text),
            Failure::Stopped => f.write_str("stopped"),
        }
    }
}

/// `the log 'run.jsonl' cannot be written: …`
pub fn cannot_write(what: &str, path: &Path, why: &io::Error) -> String {
    format!("the {what} '{}' cannot be written: {why}", path.display())
}
