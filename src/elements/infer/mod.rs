// SPDX-License-Identifier: MPL-2.0

//! `avrec-infer` runs an ONNX model on each video frame.
//!
//! With `task=image` a frame goes in and a frame comes out, of the same format and of the frame's size
//! times the model's factor (upscaling, denoising, style). With `task=tensor` the frame passes untouched
//! and the answer is posted as an element message `avrec/tensors`. `task=auto` takes a single output
//! that has the layout of a picture and follows the input's size by a fixed factor for an image.
//!
//! `model-file` may be written while playing: the new model is loaded and warmed in the background and
//! takes over between two frames, also when it changes the size of the output. A file that cannot be
//! used leaves the old model running and is told by a warning, and by `avrec/model-failed`. Of several
//! quick changes the last one counts. `model-file` reads back as the model that runs.
//!
//! A `.modelinfo` file beside the model is read as GStreamer 1.28 does.
//!
//! ## Messages
//!
//! - `avrec/model-loaded`: `model-file`, `task`, `backend`, `backend-note`, `threads`, `load-time-ns`.
//!   Posted when the model answers from now on.
//! - `avrec/model-failed`: `model-file`, `cause`.
//! - `avrec/tensors`: `pts`, `running-time` (absent when the frame has none), `group-id`, and an array
//!   `tensors` of structures with `id`, `name`, `type`, `dims`, `dims-order` and `data` (`GBytes` in host
//!   byte order).
//!
//! ## With GStreamer 1.26: the feature `analytics`
//!
//! Built with the cargo feature `analytics`, the element says its answers in the terms of GStreamer 1.26 besides the
//! older ones: detections, instances, class maps and classes in the frame's `GstAnalyticsRelationMeta`, and with
//! `task=tensor` the outputs as a `GstTensorMeta` with the ids and the order of dims from the `.modelinfo` file. So
//! `objectdetectionoverlay`, tensor decoders and exporters work behind it as they are. From GStreamer 1.28 on, and
//! where the file has a `group-id`, the caps of the source pad tell the tensors too (field `tensors`), by which
//! `tensordecodebin` finds the decoder. Frames that are not looked at (`inference-interval`) carry no tensors.
//!
//! ```text
//! gst-launch-1.0 filesrc location=in.mp4 ! decodebin ! videoconvert ! \
//!   avrec-infer task=detect model-file=yolo.onnx ! objectdetectionoverlay ! videoconvert ! autovideosink
//! ```
//!
//! ## What it leaves out
//!
//! Without the feature `analytics` tensors are not attached to the frame, because `GstTensorMeta` needs GStreamer 1.26
//! and this element runs on 1.22. The property `qos` is off by default, since a frame that is dropped for being late would break the
//! promise of one frame out for each frame in. `inference-interval` has no
//! effect on images: the colors of this frame over the shapes of an older one are no picture. The pixel
//! aspect ratio is kept even where a model scales width and height differently.
//!
//! Until the first model is loaded a caps query is answered with any size, so that no application thread
//! waits for a load. Caps themselves wait for it.
//!
//! ## Example
//!
//! ```text
//! gst-launch-1.0 filesrc location=in.mp4 ! decodebin ! videoconvert ! \
//!   avrec-infer model-file=twice.onnx ! videoconvert ! autovideosink
//! ```

use gst::glib;
use gst::prelude::*;

mod active;
mod answer_settings;
mod caps;
mod decoding;
mod ear;
mod enums;
mod failure;
mod frames;
mod hearing;
mod imp;
mod key_frames;
mod lifecycle;
mod loader;
mod looking;
mod messages;
mod settings;
mod sizes;
mod sound;
mod state;
mod stats;
#[cfg(test)]
mod tests;

pub use settings::catalogue_properties;

glib::wrapper! {
    pub struct Infer(ObjectSubclass<imp::Infer>)
        @extends gst_base::BaseTransform, gst::Element, gst::Object;
}

/// Registers the element. Its rank is none: it is useful only with a model.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    for kind in [
        enums::Backend::static_type(),
        enums::Task::static_type(),
        enums::Fit::static_type(),
        enums::Output::static_type(),
        enums::Channels::static_type(),
        enums::OptimizationLevel::static_type(),
        enums::ExecutionProvider::static_type(),
    ] {
        kind.mark_as_plugin_api(gst::PluginAPIFlags::empty());
    }
    gst::Element::register(Some(plugin), "avrec-infer", gst::Rank::NONE, Infer::static_type())
}
