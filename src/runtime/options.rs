// SPDX-License-Identifier: MPL-2.0

//! How a model shall be loaded: what a user may choose, with the defaults.

use super::TaskChoice;
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

/// Where the model runs. Others are known by name so that they can be refused clearly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ExecutionProvider {
    #[default]
    Cpu,
    Cuda,
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

/// How a model shall be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub backend: BackendChoice,
    /// Threads that one run may use, at least 1.
    pub threads: usize,
    pub optimization_level: OptimizationLevel,
    pub execution_provider: ExecutionProvider,
    pub task: TaskChoice,
    pub image: ImageOptions,
    /// Values of the outputs that stand for black and white, or for nothing and everything: as a line `ranges` has them.
    pub output_range: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            backend: BackendChoice::default(),
            // More threads are faster when idle and lose that under load; a candidate should be predictable.
            threads: 1,
            optimization_level: OptimizationLevel::default(),
            execution_provider: ExecutionProvider::default(),
            task: TaskChoice::default(),
            image: ImageOptions::default(),
            output_range: None,
        }
    }
}
