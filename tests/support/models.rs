// SPDX-License-Identifier: MPL-2.0

//! The small models of `tests/models`, and the backends to run them with.

use std::path::{Path, PathBuf};

use gstavrec::runtime::{BackendChoice, Error, Options, Runner, TaskChoice, library};

/// Path of a model that `tests/models/generate.py` made.
pub fn model(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/models")
        .join(name);
    if path.extension().is_some() {
        path
    } else {
        path.with_extension("onnx")
    }
}

/// Whether ONNX Runtime is here; tests that need it do nothing without.
pub fn has_ort() -> bool {
    let found = library::is_available();
    if !found {
        eprintln!("ONNX Runtime was not found; set ORT_DYLIB_PATH to test with it");
    }
    found
}

/// The backends that can be tested here.
pub fn backends() -> Vec<BackendChoice> {
    let ort = has_ort().then_some(BackendChoice::Ort);
    ort.into_iter().chain([BackendChoice::Rten]).collect()
}

/// Loads a test model.
pub fn load(name: &str, backend: BackendChoice, task: TaskChoice) -> Result<Runner, Error> {
    Runner::load(
        &model(name),
        &Options {
            backend,
            task,
            ..Options::default()
        },
    )
}
