// SPDX-License-Identifier: MPL-2.0

//! The execution providers that the ONNX Runtime of these tests has.

use gstavrec::runtime::{ExecutionProvider, PROVIDERS, look_into_library};

/// Providers besides the CPU that the library has built in; tests that need one do nothing without.
pub fn elsewhere() -> Vec<ExecutionProvider> {
    let has = look_into_library(None).map(|it| it.providers).unwrap_or_default();
    let here = PROVIDERS.iter().filter(|it| has.iter().any(|id| id == it.id));
    let here: Vec<_> = here
        .map(|it| it.provider)
        .filter(|it| *it != ExecutionProvider::Cpu)
        .collect();
    if here.is_empty() {
        eprintln!(
            "this ONNX Runtime has no provider but the CPU; make test-openvino tests with one that has"
        );
    }
    here
}
