// SPDX-License-Identifier: MPL-2.0

//! Where any execution provider is right, the first that runs the model.

use std::path::Path;
use std::sync::Arc;

use super::backend::Backend;
use super::backend_names::ORT;
use super::loaded_model::LoadedModel;
use super::{Error, ExecutionProvider, Options, Stop, ort_provider, registry};

/// A model that was opened, and on what.
pub(super) struct Opened {
    pub loaded: Arc<LoadedModel>,
    pub provider: ExecutionProvider,
    /// What a person should hear of it, in a sentence; `None` where it is as was asked for.
    pub news: Option<String>,
}

/// Opens a model on the provider that is asked for, or, where any is right, on the first that takes it.
pub(super) fn open(
    backend: &'static dyn Backend,
    path: &Path,
    options: &Options,
    stop: &Stop,
) -> Result<Opened, Error> {
    let open = |options: &Options| registry::open(backend, path, options, stop);
    let asked = options.provider.provider;
    if asked != ExecutionProvider::Auto {
        return Ok(Opened {
            loaded: open(options)?,
            provider: asked,
            news: None,
        });
    }
    let on = |provider: ExecutionProvider| Options {
        provider: provider.into(),
        ..options.clone()
    };
    let to_try = match backend.name() {
        ORT => ort_provider::to_try(),
        _ => Vec::new(),
    };
    let mut refusals = Vec::new();
    for provider in to_try {
        match open(&on(provider)) {
            Ok(loaded) => {
                let label = provider.facts().label;
                let unless = because(&refusals);
                return Ok(Opened {
                    loaded,
                    provider,
                    news: Some(format!("execution-provider=auto runs models on {label}{unless}.")),
                });
            }
            // Of no provider in particular.
            Err(error @ (Error::GivenUp { .. } | Error::LeftBehind { .. })) => return Err(error),
            Err(error) => refusals.push(error.to_string()),
        }
    }
    let cause = match (refusals.is_empty(), backend.name()) {
        (false, _) => because(&refusals),
        (true, ORT) => ", since this libonnxruntime has no other that it tries".to_owned(),
        (true, _) => ", where rten runs".to_owned(),
    };
    Ok(Opened {
        loaded: open(&on(ExecutionProvider::Cpu))?,
        provider: ExecutionProvider::Cpu,
        news: Some(format!("execution-provider=auto runs models on the CPU{cause}.")),
    })
}

fn because(refusals: &[String]) -> String {
    match refusals {
        [] => String::new(),
        refusals => format!(", since others refused: {}", refusals.join("; ")),
    }
}
