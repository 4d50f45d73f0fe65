// SPDX-License-Identifier: MPL-2.0

//! Where the time of single frames goes, seen in OpenTelemetry: the tracer `avrec-spans`, which needs no code in the
//! application.
//!
//! ```sh
//! GST_TRACERS='avrec-spans(endpoint=http://127.0.0.1:4318,ratio=0.01)' gst-launch-1.0 v4l2src ! videoconvert ! video/x-raw,width=320,height=180 \
//!   ! avrec-switch models=models/small.onnx,models/medium.onnx ! videoconvert ! autovideosink
//! ```
//!
//! The tracer hears of a switch on its way to READY and observes it (`source.rs`, [`crate::elements::switch::spans`]). A frame
//! is sampled by its trace's identifier (`identity.rs`), which follows from when it entered, so that the threads of lanes come
//! to the same identifiers without a word. What they see goes into a queue of fixed length (`outbox.rs`); one thread makes
//! spans of it (`data.rs`) and sends them (`exporter.rs`, `collector.rs`). What does not fit is dropped, counted and told.

mod clock;
mod collector;
mod data;
mod exporter;
mod herald;
mod identity;
mod outbox;
mod settings;
mod source;
mod tracer;

pub use tracer::{AvrecSpans, register};
