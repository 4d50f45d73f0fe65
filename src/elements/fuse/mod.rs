// SPDX-License-Identifier: MPL-2.0

//! `avrec-fuse` puts what a model of pictures and one of sound answer to the same question together, on the frame.
//!
//! Frames pass from `sink` to `src`, each with the answer that `avrec-infer task=classify` or `task=score`, or an
//! `avrec-switch` of such, left on it. Sound with the answers of another model comes to the request pad `sound` and ends
//! there. To each frame belongs the answer about sound that is nearest in running time, held and not interpolated, until it
//! is older than `stale-after`; an answer about sound stands at the end of the buffer that carries it. An answer about the
//! picture is held alike where not each frame has one.
//!
//! Two kinds of answers can be fused: classes, by their names (case, blanks, `_` and `-` do not matter; classes that only one
//! side knows are left out), and numbers. Both are put together by [`crate::recommend::fusion`]: log p = Σ w log p - ln Z of
//! the calibrated answers. Temperatures and weights stand in `fusion-file`, which `avrec rank --fuse` writes; without one both
//! sides are taken at their word, and count 0.75. `picture-weight` and `sound-weight` lower what a side counts, to 0 if need
//! be. With a fit, so does what its answers are worth: where they are less sure of late than they were where it was
//! fitted, the side counts less and the other one more, down to 0 where it is no better than chance. A side without an
//! answer counts 0, and the frame carries what the other one says.
//!
//! The answer that both come to is put on the frame as the last classification (classes), or in the place of the score
//! (numbers), and what was heard as a custom meta `AvrecSoundMeta`. With `post-messages` each frame posts `avrec/fused` with
//! both answers, both weights and the combined one. Fields stand in `docs/messages.md`.
//!
//! ## Waiting
//!
//! A frame waits until sound up to its time, and `latency` beyond it, has come. In a live pipeline it does so no longer than
//! the latency that the element declares: that of the slower one of both paths, and `latency`; a queue before `sink` takes
//! what comes meanwhile, as before any element that waits. A frame that comes ahead of its time waits at most a second more;
//! then frames pass without sound until it has caught up, and a warning says so. In other pipelines a frame waits as long as
//! sound comes; when it has come no farther for a second, frames pass without it until it has caught up, and a warning says
//! which queue is too small. Sound that comes ahead of the frames is not held up: its answers are kept. Sound without PTS
//! follows on what came before. Without a linked pad `sound`, and at the end of the sound, nothing waits and no latency is
//! added.
//!
//! A seek goes up both paths, to the sound first. Sound that cannot be sought stays where it is; if frames cannot, nothing is
//! sought. What was said before a flush does not count after it.
//!
//! ## Example
//!
//! ```sh
//! gst-launch-1.0 -m filesrc location=examples/media/scene.webm ! decodebin ! videoconvert ! \
//!   avrec-infer model-file=models/events-picture.onnx top-k=6 ! avrec-fuse name=f post-messages=true ! fakesink \
//!   filesrc location=examples/media/speech.flac ! flacparse ! flacdec ! audioconvert ! audioresample ! \
//!   avrec-infer model-file=models/events-sound.onnx top-k=6 ! queue ! f.sound
//! ```
//!
//! What a camera and a microphone say together, waiting up to 0.2 s for the sound after a frame:
//!
//! ```sh
//! gst-launch-1.0 v4l2src ! videoconvert ! avrec-infer model-file=models/events-picture.onnx top-k=6 ! queue ! \
//!   avrec-fuse name=f latency=200000000 info-messages=true ! fakesink \
//!   audiotestsrc is-live=true ! audioconvert ! avrec-infer model-file=models/events-sound.onnx top-k=6 ! queue ! f.sound
//! ```

mod element;
mod heard;
mod imp;
mod joined;
mod line;
mod pads;
mod settings;
mod timing;
mod upstream;

use gst::glib;
use gst::prelude::*;
use once_cell::sync::Lazy;

static CAT: Lazy<gst::DebugCategory> = Lazy::new(|| {
    gst::DebugCategory::new(
        "avrec-fuse",
        gst::DebugColorFlags::empty(),
        Some("Fuses answers about picture and sound"),
    )
});

glib::wrapper! {
    /// The element `avrec-fuse`; see the module for what it does.
    pub struct Fuse(ObjectSubclass<element::Fuse>)
        @extends gst::Element, gst::Object, @implements gst::Preset;
}

pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "avrec-fuse", gst::Rank::NONE, Fuse::static_type())
}
