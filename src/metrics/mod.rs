// SPDX-License-Identifier: MPL-2.0

//! Any pipeline with our elements, seen in Prometheus and on a page: the tracer `avrec-metrics`, which needs no code
//! in the application.
//!
//! ```sh
//! GST_TRACERS='avrec-metrics(port=9464)' gst-launch-1.0 videotestsrc ! avrec-infer model-file=models/small.onnx ! fakesink
//! curl http://127.0.0.1:9464/metrics
//! ```
//!
//! The tracer hears of an element of ours on its way to READY, and of the few messages that are counted (`roster.rs`). The
//! first element starts the server, not the tracer itself, since `gst-plugin-scanner` and `gst-inspect-1.0` inherit the
//! variable. What the elements know is read from their `stats` when somebody asks, on threads that may hang (`reader.rs`):
//! nothing is done for a frame.

mod access;
mod answer;
mod connection;
mod control;
mod events;
mod explanation;
mod format;
mod news;
mod page;
mod reader;
mod reading;
mod roster;
mod samples;
mod series;
mod server;
mod service;
mod settings;
mod stream;
mod tracer;

pub use series::Series;
#[doc(hidden)]
pub use server::answer_anything;
pub use tracer::register;
