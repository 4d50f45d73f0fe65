// SPDX-License-Identifier: MPL-2.0

//! What a model is, and running it: files in, tensors out.
//!
//! A model file is read and judged here before an inference library sees it ([`onnx`], [`modelinfo`]),
//! described in the vocabulary of [`crate::tensor`] ([`Model`]), loaded into a backend and run
//! ([`Session`]). Nothing here knows frames, caps or elements.

mod backend;
mod buffer;
pub mod catalog;
mod catalog_candidate;
mod describe;
mod error;
mod external_data;
mod in_flight;
pub mod library;
mod model;
pub mod modelinfo;
pub mod onnx;
mod onnx_proto;
mod options;
mod ort_backend;
mod ort_value;
mod probe;
mod rten_backend;
mod scale;
mod session;
mod sound;
mod states;
mod task;

pub use error::Error;
pub use model::{Model, StateInfo, Trial};
pub use options::{BackendChoice, ExecutionProvider, OptimizationLevel, Options};
pub use scale::{Ratio, Scale};
pub use session::Session;
pub use task::{Task, TaskChoice};
