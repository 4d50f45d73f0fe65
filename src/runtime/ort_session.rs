// SPDX-License-Identifier: MPL-2.0

//! Makes sessions of ONNX Runtime.

use std::path::Path;

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::backend::Weights;
use super::ort_arena::Registered;
use super::{ExecutionProvider, OptimizationLevel, Options, thread_pool};

/// Loads a model whose runs are on the thread that asks for them, or have the pool of the process to help;
/// `on_provider` lets it use another provider than the CPU.
pub(super) fn create(
    environment: &Environment,
    path: &Path,
    weights: Weights,
    options: &Options,
    on_provider: impl FnOnce(SessionBuilder) -> Result<SessionBuilder, ort::Error>,
) -> Result<Session, ort::Error> {
    let level = match options.optimization_level {
        OptimizationLevel::DisableAll => GraphOptimizationLevel::Disable,
        OptimizationLevel::Basic => GraphOptimizationLevel::Level1,
        OptimizationLevel::Extended => GraphOptimizationLevel::Level2,
        OptimizationLevel::All => GraphOptimizationLevel::All,
    };
    let mut builder = match options.threads {
        1 => on_one_thread(environment)?,
        _ => {
            thread_pool::start();
            Session::builder(environment)?
        }
    };
    builder = builder
        .with_optimization_level(level)
        .map_err(plain)?
        // DirectML is documented to refuse it.
        .with_memory_pattern(options.provider.provider != ExecutionProvider::DirectMl)
        .map_err(plain)?
        .with_env_allocators()
        .map_err(plain)?;
    builder = on_provider(builder)?;
    let _arena = Registered::new(environment, options.memory_bytes())?;
    match weights {
        Weights::Inside(bytes) => builder.commit_from_memory(&bytes),
        Weights::Beside => builder.commit_from_file(path),
    }
}

/// Begins a session whose runs are on the thread that asks for them, without any pool.
pub fn on_one_thread(environment: &Environment) -> Result<SessionBuilder, ort::Error> {
    Session::builder(environment)?
        .with_independent_thread_pool()
        .map_err(plain)?
        .with_intra_threads(1)
        .map_err(plain)?
        .with_inter_threads(1)
        .map_err(plain)
}

/// An error without the builder, which is not used again.
pub(super) fn plain(error: ort::Error<SessionBuilder>) -> ort::Error {
    ort::Error::new(error.message())
}
