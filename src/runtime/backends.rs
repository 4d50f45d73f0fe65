// SPDX-License-Identifier: MPL-2.0

//! Chooses the backend that runs a model.

use super::backend::Backend;
use super::ort_backend::OrtBackend;
use super::rten_backend::RtenBackend;
use super::{BackendChoice, Error, ExecutionProvider, Options, library};

/// A backend, and why it is this one.
pub(super) struct Choice {
    pub backend: &'static dyn Backend,
    /// Why, in a phrase.
    pub note: String,
    /// What a person should hear of it, in a sentence; `None` where it is as was asked for.
    pub news: Option<String>,
}

/// Returns the backend for these options.
pub(super) fn choose(options: &Options) -> Result<Choice, Error> {
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
