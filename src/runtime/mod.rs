// SPDX-License-Identifier: MPL-2.0

//! What a model is, and running it: files in, tensors out.
//!
//! A backend opens a source: it reads and judges it before an inference library sees it ([`onnx`], [`modelinfo`]), and
//! describes it in the vocabulary of [`crate::tensor`] ([`Model`]). What is loaded is a [`LoadedModel`], one for all
//! who use the same content with the same options; each of them has a [`Runner`]. Nothing here knows frames, caps or
//! elements.

mod allowance;
mod audio_input;
mod audio_trial;
mod backend;
mod backend_names;
mod backends;
mod bindings;
mod buffer;
pub mod catalog;
mod error;
mod exit_guard;
mod external_data;
mod failure;
pub mod features;
mod files_read;
mod foreign_file;
mod further_inputs;
mod graph_bounds;
mod image_axes;
mod image_input;
mod image_trial;
mod image_values;
mod input_grid;
mod input_shape;
mod input_text;
mod left_behind;
pub mod library;
mod library_contents;
mod library_places;
mod loaded_model;
mod making;
mod memory_returned;
mod model;
pub mod modelinfo;
pub mod onnx;
mod onnx_file;
mod onnx_proto;
mod options;
mod ort_arena;
mod ort_backend;
#[cfg(feature = "plugin-ep")]
mod ort_plugin;
mod ort_provider;
mod ort_run_options;
mod ort_session;
mod ort_value;
mod preprocessor;
mod provider;
mod provider_choice;
mod provider_fallback;
mod recurrent_state;
mod registry;
#[cfg(feature = "remote")]
pub mod remote;
mod remote_times;
mod rten_backend;
mod runner;
mod scale;
mod signature;
mod sound_family;
pub mod source;
mod statement;
mod stop;
mod task;
mod telemetry;
#[cfg(test)]
mod test_backend;
mod thread_pool;
mod trial_run;
mod turns;
mod unwinder;
mod worker;

pub use allowance::{Allocator, allocations};
pub use error::Error;
pub use further_inputs::{Fill, FurtherInput};
pub use library_contents::{LibraryContents, look_into_library};
pub use loaded_model::LoadedModel;
pub use model::{FrameLaying, Model, StateInfo, Trial};
pub use onnx_file::{check_readable, describe};
pub use options::{
    BackendChoice, Encoding, ImageOptions, OptimizationLevel, Options, RemoteOptions, SoundOptions,
};
pub use provider::{ALL as PROVIDERS, ExecutionProvider, Facts as ProviderFacts};
pub use provider_choice::ProviderChoice;
pub use remote_times::RemoteTimes;
pub use runner::Runner;
pub use scale::{Ratio, Scale};
pub use statement::{Origin, Statement};
pub use stop::Stop;
pub use task::{Task, TaskChoice};
