// SPDX-License-Identifier: MPL-2.0

//! `avrec-switch` holds several candidates and lets the best one answer each frame inside the budget.
//!
//! It is a bin. Its children are the candidates: `avrec-infer`, or any other element, bin or chain of
//! elements with one sink and one source pad. One buffer comes out for each that goes in: in order, with
//! the same time stamps, flags and metas. A swap takes effect between two frames.
//!
//! ## Candidates
//!
//! They come from `catalog` (a TOML file), from `models` (a list of ONNX files), and from the children; all
//! on the way to READY. More may be added later as single elements or bins, and any may be removed. Each
//! is loaded and warmed in the background, by frames whose answers are not used, before it may answer. One
//! that fails is started again after 1, 4 and 16 seconds. One that hangs does not hold up a change of
//! state: it is finished in the background.
//!
//! ## Who answers
//!
//! A candidate is feasible when its upper latency bound keeps the budget; of the feasible ones the one with
//! the best quality is active. Quality begins with the catalogue's prior and follows the agreement of the
//! candidate's answers with those of `reference` (the catalogue's, else the candidate of the best prior, else
//! the last one), which both see a sampled frame in the slack of the active one. `active-candidate` pins; with `auto-switch=false` the active one stays while it is available.
//!
//! Before the first answer frames wait, since no caps are known. From then on `late-policy` says what
//! happens to a frame whose candidate is late: with `floor` the wait ends early enough for the candidate
//! named by `floor`, or for the frame itself where input and output caps agree. Where neither is there, the
//! frame is dropped.
//!
//! The LATENCY query is answered with the upstream latency and the budget, whoever is active. QoS events
//! from the sink tighten the budget, and a late frame posts a QOS message.
//!
//! ## Surveys
//!
//! While `exhaustive` is set, every frame waits until all candidates have answered it, one after the other and
//! undisturbed by each other, and until their answers are compared; then the answer of the active one goes out.
//! So all of them meet the same frame under the same load, and `avrec/survey` tells what each made of it. This
//! is for recordings and slower than real time: `late-policy` does not apply, there are no shadow runs, and
//! the first frame waits until all candidates are loaded and warm (at most a minute). One that gives no
//! answer within 10 seconds is left out until it has come back. The latency of a frame is that of the
//! candidate that answered it.
//!
//! ## Messages
//!
//! Element messages; times are in nanoseconds, and what is not known is absent.
//!
//! - `avrec/switch`: another candidate answers from this frame on. `from` (empty at the start), `to`,
//!   `reason` (`start`, `infeasible`, `better`, `busy`, `gone` or `pinned`), `reason-text`, `frame`, `pts`,
//!   `running-time`, and what was compared: `latency-upper-ns` and `latency-budget-ns` (infeasible),
//!   `quality` and `over` (better), `busy-ns` (busy).
//! - `avrec/candidate-ready`: `candidate` is loaded and warm.
//! - `avrec/candidate-failed`: `candidate` cannot answer; `cause`, and in `remedy` what to change. The same
//!   is a warning on the bus.
//! - `avrec/frame`, only while `frame-messages` is set: what became of a frame. `frame`, `pts`,
//!   `running-time`, `time-ns` (monotonic), `latency-ns`, `budget-ns`, `candidate`, `active`, `answer`
//!   (`active`, `floor`, `passthrough` or `dropped`), `late`.
//! - `avrec/score`, only while `frame-messages` is set: one comparison. `frame`, `pts`, `candidate`,
//!   `reference`, `agreement` (0 to 1).
//!
//! - `avrec/survey`, only while `exhaustive` is set: what every candidate made of one frame. `frame`, `pts`,
//!   `running-time`, `budget-ns`, `reference`, and the array `candidates` of structures with `name`, `prior`
//!   (the catalogue's), `latency-ns` (absent where no answer came) and `agreement` (with the reference's answer, 0 to 1).
//!
//! The signal `candidate-changed` has `from`, `to` and the reason as a sentence. It is emitted on the
//! streaming thread, so handlers must be short.
//!
//! ## Figures
//!
//! | field of `stats` | type | meaning |
//! |---|---|---|
//! | `in`, `out`, `dropped` | guint64 | frames |
//! | `misses` | guint64 | frames that their candidate did not answer inside the budget, or for which none was ready |
//! | `swaps` | guint64 | changes of the active candidate after the first one |
//! | `floor-answers` | guint64 | frames that the floor answered |
//! | `budget-ns` | guint64 | the budget in force |
//! | `active-candidate` | string | who answers now |
//! | `slowdown` | gdouble | how much slower the machine is than calm, for all candidates; 1 before the first frame |
//! | `latency-p50-ns`, `-p95-ns`, `-p99-ns` | guint64 | frame latency over the last frames |
//! | `candidates` | array | a structure for each candidate, see below |
//!
//! | field of a candidate | type | meaning |
//! |---|---|---|
//! | `name`, `state` | string | `loading`, `warming`, `ready`, `hung` or `failed`; then `cause` says why |
//! | `runs`, `answers`, `misses` | guint64 | frames seen, answered, and missed |
//! | `latency-p50-ns`, `-p95-ns`, `-p99-ns` | guint64 | of its last runs |
//! | `latency-ns`, `latency-upper-ns` | guint64 | what it would take now: the estimate and its upper bound |
//! | `quality`, `quality-sd` | gdouble | estimate, 0 to 1, and its standard deviation |
//! | `scores` | guint64 | comparisons behind it |
//! | `feasible` | gboolean | whether the upper bound keeps the budget |
//!
//! ## What it leaves out
//!
//! Sound: a swap between audio candidates would click. Late pads of `decodebin` cannot be linked to children
//! in a launch line, since the parser links the first child by itself; an element between the two helps.
//!
//! ## Example
//!
//! ```text
//! gst-launch-1.0 v4l2src ! videoconvert ! video/x-raw,width=320,height=240 ! avrec-switch.\( floor=plain \
//!   videoscale name=plain avrec-infer model-file=small.onnx avrec-infer model-file=large.onnx \) ! \
//!   video/x-raw,width=640,height=480 ! videoconvert ! autovideosink
//! ```

mod assembly;
mod beside;
mod board;
mod conductor;
mod core;
mod dispatch;
mod ending;
mod imp;
mod keeper;
mod lane;
mod listing;
mod messages;
mod outgoing;
mod pads;
mod port;
mod reaction;
mod scorer;
mod settings;
mod slot;
mod state;
mod survey;
mod traffic;
mod trial;

use gst::glib;
use gst::prelude::*;
use once_cell::sync::Lazy;

pub use settings::LatePolicy;

static CAT: Lazy<gst::DebugCategory> = Lazy::new(|| {
    gst::DebugCategory::new(
        "avrec-switch",
        gst::DebugColorFlags::empty(),
        Some("avrec model switch"),
    )
});

glib::wrapper! {
    pub struct AvrecSwitch(ObjectSubclass<imp::AvrecSwitch>)
        @extends gst::Bin, gst::Element, gst::Object, @implements gst::ChildProxy;
}

pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    LatePolicy::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    gst::Element::register(
        Some(plugin),
        "avrec-switch",
        gst::Rank::NONE,
        AvrecSwitch::static_type(),
    )
}
