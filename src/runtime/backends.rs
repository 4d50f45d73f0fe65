// SPDX-License-Identifier: MPL-2.0

//! Chooses the backend that runs a model.

use std::path::Path;

use super::backend::Backend;
use super::ort_backend::OrtBackend;
use super::rten_backend::RtenBackend;
use super::{BackendChoice, Error, ExecutionProvider, Options, library, source};

/// A backend, and why it is this one.
pub(super) struct Choice {
    pub backend: &'static dyn Backend,
    /// Why, in a phrase.
    pub note: String,
    /// What a person should hear of it, in a sentence; `None` where it is as was asked for.
    pub news: Option<String>,
}

/// Returns the backend for this source with these options.
pub(super) fn choose(source: &Path, options: &Options) -> Result<Choice, Error> {
    if let Some(server) = source::server(source) {
        return on_server(server, options);
    }
    options.provider.check()?;
    let provider = options.provider.provider;
    let is_elsewhere = !matches!(provider, ExecutionProvider::Auto | ExecutionProvider::Cpu);
    let asked = |backend| Choice {
        backend,
        note: "asked for".into(),
        news: None,
    };
    Ok(match options.backend {
        BackendChoice::Ort => asked(&OrtBackend),
        BackendChoice::Rten if is_elsewhere => {
            return Err(Error::OptionUnavailable {
                option: "execution-provider",
                value: provider.facts().nick.to_owned(),
                remedy: "rten runs on the CPU only; set backend=ort, or set execution-provider=cpu",
            });
        }
        BackendChoice::Rten => asked(&RtenBackend),
        BackendChoice::Auto => match library::loaded() {
            Ok(loaded) => {
                let path = loaded.path.display();
                let news = format!("Models run on ONNX Runtime, found at {path}.");
                Choice {
                    backend: &OrtBackend,
                    note: format!("ONNX Runtime found at {path}"),
                    news: (!library::is_named()).then_some(news),
                }
            }
            Err(error) if is_elsewhere => return Err(error),
            Err(error) => Choice {
                backend: &RtenBackend,
                note: error.to_string(),
                // Measured with the models that come along, on one and two threads.
                news: Some(format!(
                    "Models run on rten, which is built in and takes 2.8 to 5 times as long as ONNX Runtime: {error}, \
                     which says that it is meant."
                )),
            },
        },
    })
}

/// What reaches a model on a server.
#[cfg(feature = "remote")]
fn on_server(server: &str, options: &Options) -> Result<Choice, Error> {
    if options.provider != ExecutionProvider::Cpu.into() {
        return Err(Error::OptionUnavailable {
            option: "execution-provider",
            value: options.provider.provider.facts().nick.to_owned(),
            remedy: "a model on a server runs where the server runs it; leave execution-provider unset",
        });
    }
    Ok(Choice {
        backend: &super::remote::RemoteBackend,
        note: format!("on the server {server}"),
        news: None,
    })
}

#[cfg(not(feature = "remote"))]
fn on_server(server: &str, _: &Options) -> Result<Choice, Error> {
    Err(Error::OptionUnavailable {
        option: "model-file",
        value: server.to_owned(),
        remedy: "this build runs files only; build it with the feature remote",
    })
}
