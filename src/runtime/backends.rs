// SPDX-License-Identifier: MPL-2.0

//! Chooses the backend that runs a model.

use super::backend::Backend;
use super::ort_backend::OrtBackend;
use super::rten_backend::RtenBackend;
use super::{BackendChoice, Error, ExecutionProvider, Options, library};

/// Returns the backend for these options, and why it is this one, in a phrase.
pub(super) fn choose(options: &Options) -> Result<(&'static dyn Backend, String), Error> {
    if options.execution_provider != ExecutionProvider::Cpu {
        let remedy = "this build runs on the CPU only; set execution-provider=cpu";
        return Err(Error::OptionUnavailable {
            option: "execution-provider",
            value: "cuda".into(),
            remedy,
        });
    }
    Ok(match options.backend {
        BackendChoice::Ort => (&OrtBackend, "asked for".into()),
        BackendChoice::Rten => (&RtenBackend, "asked for".into()),
        BackendChoice::Auto => match library::loaded() {
            Ok(loaded) => (
                &OrtBackend,
                format!("ONNX Runtime found at {}", loaded.path.display()),
            ),
            Err(error) => (&RtenBackend, error.to_string()),
        },
    })
}
