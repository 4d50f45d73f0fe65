// SPDX-License-Identifier: MPL-2.0

//! Why a library gave no model, or no answer, before it is an error about a file.

use std::any::Any;
use std::path::Path;

use super::error::Error;
use super::options::Options;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// As the library says it.
    Cause(String),
    /// As a server says it, or the way to it, with what to do.
    #[cfg(feature = "remote")]
    Server { cause: String, remedy: String },
    /// Nobody waits for it any more.
    GivenUp,
    /// It needs more memory than it may take, or than there is; with the bytes that it asked for last.
    Memory { asked: usize },
    /// So many pieces of work were given up and have not ended.
    LeftBehind(usize),
}

impl Failure {
    /// The cause of a panic.
    pub(super) fn panic(panic: &(dyn Any + Send)) -> Failure {
        let text = panic.downcast_ref::<&str>().map(|it| (*it).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Failure::Cause(format!("the library panicked: {}", text.unwrap_or_default()))
    }

    /// The error about this model; `of_cause` makes one of what the library says.
    pub(super) fn error(
        self,
        path: &Path,
        options: &Options,
        of_cause: impl FnOnce(String) -> Error,
    ) -> Error {
        let path = path.to_owned();
        let memory = |path, asked: String| Error::Memory {
            path,
            asked,
            limit: options.memory_limit,
        };
        match self {
            Failure::Cause(cause) if is_about_memory(&cause) => memory(path, shortened(&cause)),
            Failure::Cause(cause) => of_cause(shortened(&cause)),
            #[cfg(feature = "remote")]
            Failure::Server { cause, remedy } => Error::Server {
                address: path,
                cause: shortened(&cause),
                remedy,
            },
            Failure::GivenUp => Error::GivenUp { path },
            Failure::Memory { asked } => memory(path, format!("it asked for {asked} bytes")),
            Failure::LeftBehind(count) => Error::LeftBehind { path, count },
        }
    }
}

impl From<String> for Failure {
    fn from(cause: String) -> Failure {
        Failure::Cause(cause)
    }
}

impl From<&str> for Failure {
    fn from(cause: &str) -> Failure {
        Failure::Cause(cause.into())
    }
}

/// Wording of ONNX Runtime 1.17 to 1.32 where an allocation fails, or its arena is full.
fn is_about_memory(cause: &str) -> bool {
    const WORDS: [&str; 4] = [
        "Failed to allocate memory",
        "Available memory of",
        "bad_alloc",
        "bad allocation",
    ];
    WORDS.iter().any(|it| cause.contains(it))
}

/// What a library says may hold names out of the model, of any length.
pub(super) fn shortened(cause: &str) -> String {
    const MOST: usize = 1000;
    match cause.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &cause[..end]),
        None => cause.to_owned(),
    }
}
