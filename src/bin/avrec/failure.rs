// SPDX-License-Identifier: MPL-2.0

//! What can go wrong in a command, and the exit code that says so.

use std::io;
use std::path::Path;
use std::process::ExitCode;

/// Why a command did not go as it should.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The pipeline ended with an error.
    #[error("{0}")]
    Pipeline(String),
    /// Nothing was run; the text says what to change.
    #[error("{0}")]
    Usage(String),
    /// The run was fine; a file that it should leave behind was not.
    #[error("{0}")]
    Output(String),
    /// A model was tuned, and is no better.
    #[error("{0}")]
    NoGain(String),
    /// The second interrupt.
    #[error("stopped")]
    Stopped,
}

impl Failure {
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Pipeline(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Output(_) => 3,
            Failure::NoGain(_) => 4,
            Failure::Stopped => 130,
        })
    }
}

/// `the log 'run.jsonl' cannot be written: …`
pub fn cannot_write(what: &str, path: &Path, why: &io::Error) -> String {
    format!("the {what} '{}' cannot be written: {why}", path.display())
}
