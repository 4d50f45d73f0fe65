// SPDX-License-Identifier: MPL-2.0

//! `avrec-probe` measures how fast the elements before it are, and on request how good.
//!
//! The element is transparent: buffers, lists, events and queries pass, in order and with their times. Each
//! buffer's frame latency is the time since the nearest stamp upstream, which another `avrec-probe` or an
//! `avrec-switch` put on it; then the buffer is stamped anew. So two probes measure what stands between
//! them, and stock elements in between keep the stamp as they keep every reference timestamp. It works on
//! any media.
//!
//! ## Quality
//!
//! What comes to the request pad `reference` is taken for the truth. Frames are matched by running time (to a
//! millisecond), so the streams may have different segments and may loop by seeks, but each must be in
//! order. A thread of the probe's own compares them; the streams never wait for it. Frames wait for their partner by reference, up to 64 of them a stream: pools upstream should not
//! be smaller. The reference should come no more than that ahead, for when it does, only some frames find
//! their partner. Both streams need the same size; otherwise a warning says so, once, and the latency
//! figures go on.
//!
//! Buffers are compared by what they carry:
//!
//! - Metas, if either stream has had any: boxes by F1 at an IoU of 0.5 and mean average precision over the last 256
//!   frames, classes by total variation, scores by the rank correlation of the last 60 (from 8 on). A frame without boxes or
//!   classes counts as one on which nothing was found.
//! - Pictures, by PSNR and SSIM of luma at full range; if both have alpha and one cuts something out, by the IoU of
//!   what they cover besides.
//! - Sound, by SI-SDR of the samples that lie at the same running time, however the buffers are cut; both streams need
//!   one rate. A delay that the time stamps do not tell is an error. Silence says nothing and counts as unmatched.
//!
//! Where the streams carry different things three times in a row, a warning says so, once.
//!
//! PSNR is that of the mean squared error, in decibels, at most 100 (equal frames). SSIM is the mean index,
//! 1 for equal frames, of [`crate::score::ssim`].
//!
//! ## Figures
//!
//! `stats` and the element message `avrec/probe` have the same fields; they stand in `docs/messages.md`, which is written
//! from [`crate::messages`].
//!
//! In `stats` the counts and the means are since the start, fps and latencies over the last `window`
//! buffers; `window-psnr-db` and `window-ssim` are over the last `window` pairs. In a message all of them
//! are since the message before, latencies over at most `window` buffers; in addition it has `pts` and
//! `running-time` of the buffer that caused it (guint64, nanoseconds), and `final` (gboolean), which is
//! true for the one at the end of the stream. That one waits up to half a second for the last pairs, and its field
//! `total` is the `stats` of the whole stream. With `info-messages` the figures of each message are an INFO message too,
//! which `gst-launch-1.0` prints without `-m`; at the end those of the whole stream.
//!
//! ## Example
//!
//! What does an upscaler cost, and how near does it come to the original?
//!
//! ```sh
//! gst-launch-1.0 -m filesrc location=in.mp4 ! decodebin ! videoconvert ! videoscale ! \
//!   video/x-raw,format=I420,width=640,height=360 ! tee name=t \
//!   t. ! queue ! videoscale ! video/x-raw,width=320,height=180 ! avrec-probe ! \
//!     avrec-infer model-file=models/small.onnx ! avrec-probe name=after ! videoconvert ! autovideosink \
//!   t. ! queue ! after.reference
//! ```
//!
//! How long does a stock element take?
//!
//! ```sh
//! gst-launch-1.0 v4l2src ! videoconvert ! avrec-probe ! videobalance saturation=0 ! \
//!   avrec-probe info-messages=true ! videoconvert ! autovideosink
//! ```

mod compare;
mod element;
mod fidelity;
mod imp;
mod matching;
mod meter;
mod pads;
mod settings;
mod stream;
mod worker;

use gst::glib;
use gst::prelude::*;
use once_cell::sync::Lazy;

static CAT: Lazy<gst::DebugCategory> = Lazy::new(|| {
    gst::DebugCategory::new(
        "avrec-probe",
        gst::DebugColorFlags::empty(),
        Some("Measures latency and quality"),
    )
});

glib::wrapper! {
    /// The element `avrec-probe`; see the module for what it measures.
    pub struct Probe(ObjectSubclass<element::Probe>)
        @extends gst::Element, gst::Object, @implements gst::Preset;
}

pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "avrec-probe", gst::Rank::NONE, Probe::static_type())
}
