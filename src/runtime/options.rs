// SPDX-License-Identifier: MPL-2.0

//! How a model shall be loaded: what a user may choose, with the defaults.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Error, ProviderChoice, TaskChoice};
use crate::tensor::{Channels, Layout};

/// Which inference library runs the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackendChoice {
    /// ONNX Runtime where its library is found, else rten.
    #[default]
    Auto,
    Ort,
    Rten,
}

/// How much the graph may be rewritten before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OptimizationLevel {
    DisableAll,
    Basic,
    Extended,
    #[default]
    All,
}

/// What the user says of a picture that goes in; what is unset, or empty, is left to the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ImageOptions {
    pub order: Option<Channels>,
    pub layout: Option<Layout>,
    /// Pairs `min,max` with semicolons: the values of black and white.
    pub range: String,
    /// Numbers with commas, in levels of 0 to 1, or of 0 to 255 where one of them is beyond 1.
    pub mean: String,
    /// As the mean.
    pub deviation: String,
    /// `auto`, `WxH`, `frame` or `grid:N`.
    pub size: String,
}

/// What the user says of sound that goes in; what is unset is left to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SoundOptions {
    /// Samples a second.
    pub rate: Option<u32>,
    /// New samples that a run takes, per channel.
    pub window: Option<u32>,
    /// Samples from one window to the next.
    pub hop: Option<u32>,
    /// Samples before the window that stand in front of it.
    pub context: Option<u32>,
}

/// As what a picture is sent to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// The tensor as the model has it.
    #[default]
    Raw,
    /// For models that decode by themselves.
    Jpeg,
}

/// How a server is reached that runs a model; nothing of it concerns files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RemoteOptions {
    /// Nanoseconds that an answer may take; 0 for one second.
    pub timeout: u64,
    /// Paths of PEM files and of a file with a token; empty where nothing is said.
    pub tls_ca: String,
    pub tls_certificate: String,
    pub tls_key: String,
    pub token_file: String,
    pub encoding: Encoding,
}

/// How long a server may take for an answer before it is taken for gone: half of what ends a candidate's run for hanging.
/// Later than its frame's budget on purpose, since a late answer tells how late answers are.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);

impl RemoteOptions {
    /// How long an answer is waited for.
    pub fn timeout(&self) -> Duration {
        match self.timeout {
            0 => DEFAULT_TIMEOUT,
            timeout => Duration::from_nanos(timeout),
        }
    }
}

/// Two GiB: some times what a network for pictures of 4096 x 2160 takes, and less than what ends most machines.
const DEFAULT_MEMORY_LIMIT: u64 = 2 << 30;

/// How a model shall be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub backend: BackendChoice,
    /// Threads that one run may use, at least 1. With ONNX Runtime more than 1 stands for all of the pool that the process
    /// has for it; with rten as many, and at most as many as that pool would have.
    pub threads: usize,
    pub optimization_level: OptimizationLevel,
    /// Where the model runs. With rten that is the CPU.
    pub provider: ProviderChoice,
    pub task: TaskChoice,
    pub image: ImageOptions,
    pub sound: SoundOptions,
    pub remote: RemoteOptions,
    /// What describes the model in place of the `.modelinfo` beside it.
    pub modelinfo_file: Option<PathBuf>,
    /// What further inputs get, such as `sr=16000,scale=1 1`; empty where nothing is said.
    pub input_values: String,
    /// Bytes that the model may take: each of its tensors, and all that a run of it allocates.
    pub memory_limit: u64,
    /// Values of the outputs that stand for black and white, or for nothing and everything: as a line `ranges` has them.
    pub output_range: Option<String>,
    /// The SHA-256 that the model file must have, in hexadecimal digits; empty where any file is right.
    pub sha256: String,
}

impl Options {
    /// Refuses a model file of another SHA-256 than the one that is asked for.
    pub(super) fn check_digest(&self, path: &Path, actual: &[u8; 32]) -> Result<(), Error> {
        let actual: String = actual.iter().map(|it| format!("{it:02x}")).collect();
        match self.sha256.to_ascii_lowercase() {
            wanted if wanted.is_empty() || wanted == actual => Ok(()),
            wanted if is_digest(&wanted) => Err(Error::Digest {
                path: path.to_owned(),
                wanted,
                actual,
            }),
            value => Err(Error::Setting {
                key: "sha256",
                value,
                cause: "is not 64 hexadecimal digits".into(),
                remedy: "write what sha256sum prints".into(),
            }),
        }
    }
}

/// Whether a text is a SHA-256 in hexadecimal digits.
pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|it| it.is_ascii_hexdigit())
}

impl Options {
    /// The limit as a number of bytes of this machine.
    pub(super) fn memory_bytes(&self) -> usize {
        usize::try_from(self.memory_limit).unwrap_or(usize::MAX)
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            backend: BackendChoice::default(),
            // More threads are faster when idle and lose that under load; a candidate should be predictable.
            threads: 1,
            optimization_level: OptimizationLevel::default(),
            provider: ProviderChoice::default(),
            task: TaskChoice::default(),
            image: ImageOptions::default(),
            sound: SoundOptions::default(),
            remote: RemoteOptions::default(),
            modelinfo_file: None,
            input_values: String::new(),
            output_range: None,
            memory_limit: DEFAULT_MEMORY_LIMIT,
            sha256: String::new(),
        }
    }
}
