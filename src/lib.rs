// SPDX-License-Identifier: MPL-2.0

//! avrec runs models on live video and keeps the best one inside the real-time budget.
//!
//! Four elements answer four questions: `avrec-infer` (what does this model answer?), `avrec-probe`
//! (how fast and how good was that answer?), `avrec-switch` (who answers next?) and `avrec-fuse` (what do
//! picture and sound say together?). Each is a thin shell over a core that knows no GStreamer: [`runtime`],
//! [`score`], [`policy`] and [`recommend::fusion`]. [`media`] turns
//! frames into tensors and back, [`decode`] tensors into answers, and neither knows a model runtime.
//!
//! # Architecture invariants
//!
//! 1. `policy` is deterministic: same inputs, same decisions. It knows neither frames nor models.
//! 2. Every decision that changes something carries a reason with the numbers that were compared.
//! 3. One buffer in, one buffer out, in order, on time; a swap loses nothing.
//! 4. The streaming thread never loads a model, opens a file, or holds a lock while it pushes, posts or runs.
//! 5. The frame in flight finishes on the lane it started in.
//! 6. Any property can be read at any time without waiting for an inference.
//! 7. There is always someone to answer: the floor is a candidate.
//! 8. A model file is hostile until proven otherwise.

use gst::glib;

pub mod answer;
pub mod audio;
pub mod bounded_file;
#[cfg(any(feature = "metrics", feature = "opentelemetry", feature = "remote"))]
mod broken_pipe;
mod clone_in_place;
pub mod decode;
pub mod elements;
pub mod group;
pub mod letterbox;
pub mod library;
pub mod machine;
pub mod media;
pub mod messages;
#[cfg(feature = "metrics")]
pub mod metrics;
mod numbered;
#[cfg(any(feature = "metrics", feature = "opentelemetry"))]
mod place;
pub mod plane;
pub mod policy;
pub mod profile;
pub mod quantile;
pub mod random;
pub mod recommend;
pub mod replay;
pub mod runtime;
pub mod score;
#[cfg(feature = "opentelemetry")]
pub mod spans;
pub mod tensor;
mod thread_time;
pub mod truth;
pub mod tune;

/// Lets models have bounds of memory in libraries that are compiled in; see `runtime/allowance.rs`.
#[cfg(feature = "allocator")]
#[global_allocator]
static ALLOCATOR: runtime::Allocator = runtime::Allocator;

fn plugin_init(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    elements::register(plugin)?;
    #[cfg(feature = "metrics")]
    metrics::register(plugin)?;
    #[cfg(feature = "opentelemetry")]
    spans::register(plugin)?;
    Ok(())
}

gst::plugin_define!(
    avrec,
    env!("CARGO_PKG_DESCRIPTION"),
    plugin_init,
    concat!(env!("CARGO_PKG_VERSION"), "-", env!("COMMIT_ID")),
    "MPL-2.0",
    env!("CARGO_PKG_NAME"),
    env!("CARGO_PKG_NAME"),
    env!("CARGO_PKG_REPOSITORY"),
    env!("BUILD_REL_DATE")
);
