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
//! The best answer in time wins; exactly how stands below. Quality begins with the catalogue's prior and follows live evidence
//! (see below), by default the agreement of the candidate's answers with those of `reference` (the catalogue's, else the
//! candidate of the best prior, else the last one), which both see a sampled frame in the slack of the active one. `active-candidate` pins; with
//! `auto-switch=false` the active one stays while it is available. One that `forbidden` names never answers, not
//! even as the floor or pinned, but stays loaded and measured.
//!
//! The preferences are the user's. The smallest sum wins of -ln P, with P the probability that the answer is right
//! and in time, `lambda-latency` times the latency over the budget, `lambda-cost` times the catalogue's `cost`, and a
//! price on misses that keeps `miss-rate`. P is the quality, or with `robustness-weight` in part the robustness, and
//! `strategy` says how the two are put together.
//!
//! Before the first answer frames wait, since no caps are known. From then on `late-policy` says what
//! happens to a frame whose candidate is late: with `floor` the wait ends early enough for the candidate
//! named by `floor`, or for the frame itself where input and output caps agree. Where neither is there, the
//! frame is dropped.
//!
//! With `start=wait` nothing leaves before a candidate is ready (the pinned one, while it may come): frames wait, and what is
//! live is dropped as not yet started, so that the latency stays what it is. In a live pipeline video candidates warm up in
//! PAUSED, on gray frames of the negotiated caps, so that an application may wait for `avrec/candidate-ready` before it goes to
//! PLAYING. After `start-timeout` the stream starts as with `start=pass`, and a warning says so.
//!
//! With `memory-limit` the models of all candidates of the group take no more memory than that: who is chosen the least is
//! unloaded, stays a candidate, and is loaded again in the background when that pays. The floor never leaves.
//!
//! Candidates may give frames that differ in size, format, rate or any other field of their caps; since each swap changes the
//! caps behind the switch then, which few recordings survive, it is told once. `output-caps` holds all of them to one output
//! (what it leaves open is as in the first frame that leaves; ANY leaves all open): who can, negotiates to it, and who cannot
//! is told and left, as is one whose buffers contradict its caps. Sound leaves in the format in which it comes.
//!
//! The LATENCY query is answered with the upstream latency and the budget, whoever is active. QoS events
//! from the sink tighten the budget, and a late frame posts a QOS message.
//!
//! ## Sound
//!
//! Sound is `audio/x-raw`, interleaved, in F32LE, F64LE, S16LE or S32LE; any other passes as frames do. Each sample that
//! goes in goes out once, in its place. Candidates may lag by different times, give buffers of other sizes, and none at
//! first: what they give is put in its place by its time stamp. The stream goes out later by the delay of the slowest
//! candidate, whoever sounds: what a candidate declares in the LATENCY query, or what is seen of it, if that is more (a
//! candidate that lags by more than 5 s has failed). The delay stays the same over swaps. It grows, with a LATENCY
//! message, when a slower candidate is there, and the LATENCY query is answered with it and the budget.
//!
//! Each buffer has the time stamp of its samples, so that sound stays with the picture, and as many samples as the one
//! that came in; the first ones are shorter, or absent, by the delay. At the end of the stream, before a gap, and before
//! new caps or another segment, all samples go out that came in, and the candidates begin anew behind it. Where one does
//! not give back the last ones, or leaves some out, they come from the input. Time stamps that are off by less than
//! 40 ms without a DISCONT flag are smoothed; an empty buffer has no samples, and nothing goes out for it.
//!
//! A swap is cross-faded over `crossfade` with gains that sum to one. The coming candidate hears 200 ms of the stream
//! before, so that its recurrent state is warm, unless it can hear the stream from its beginning; both run until the fade
//! is over. `avrec/switch` comes with the first buffer in which it is heard. Whoever was not fed gets a buffer with the
//! DISCONT flag when he is fed again.
//!
//! The floor of sound is the input, with the same delay, or the candidate that `floor` names, which then hears everything.
//! A candidate that is late, fails or is removed is faded away over the samples that it gave ahead, which are those by
//! which it lags less than the slowest one. Where they are fewer than half a fade, the difference between the last sample
//! and what follows fades away instead, so that there is no step. With `late-policy=wait` a candidate that steps in for
//! one that failed hears the last 200 ms again, and no sample goes out that no candidate has heard. With
//! `late-policy=drop` samples that no candidate gave in time are left out, and the next buffer has the DISCONT flag.
//!
//! A frame is a buffer in all that is said here of frames; without `latency-budget` its budget is the duration of a
//! buffer, as the first one tells. A look in the shadow is a stretch of 700 ms. `max-stride` is 1.
//!
//! ## Surveys
//!
//! While `exhaustive` is set, every frame waits until all candidates have answered it, one after the other and
//! undisturbed by each other, and until their answers are compared; then the answer of the active one goes out.
//! So all of them meet the same frame under the same load, and `avrec/survey` tells what each made of it. This
//! is for recordings and slower than real time: `late-policy` does not apply, there are no shadow runs, and
//! the first frame waits until all candidates are loaded and warm (at most a minute). One that gives no
//! answer within 10 seconds is left out until it has come back. Where answers from before are still being compared after
//! 0.1 s, those of the frame are not. The latency of a frame is that of the candidate that answered it.
//!
//! ## Quality
//!
//! `quality-source` says what the live quality of the candidates rests on. Sampled answers are compared by what they carry,
//! whoever made them: metas before pixels, and without the metas that the frame had before a candidate saw it.
//!
//! | answers carry | compared by | agreement |
//! |---|---|---|
//! | regions of interest | `f1` of the boxes at an IoU of 0.5, class by class; `map` over the last 256 frames compared | F1 |
//! | a classification | `total-variation` of the class probabilities | one less it |
//! | outlined objects (feature `analytics`) | `panoptic-quality` | as it is |
//! | a class map (feature `analytics`) | `mean-iou` over the classes | as it is |
//! | alpha that cuts something out | `mean-iou` of what is covered | as it is |
//! | text | `edit-distance` as a share of the longer one | one less it |
//! | a score | `rank-correlation` over the last 60 frames compared, from 8 on | (1 + it) / 2 |
//! | a picture | `ssim` of luma, the smaller one scaled to the larger | as it is, at least 0 |
//! | sound | `si-sdr-db` of what lies at the same time by the PTS; silence in both says nothing | r / (1 + r) of the plain ratio r |
//!
//! What a candidate answers is what its model is for (`task` of `avrec-infer`), else what was ever seen in its metas, else
//! pictures; `gives` in `stats` tells it. A detector or classifier whose frame carries nothing has found nothing, which is
//! an answer. A candidate of which nothing is known, among others that are detectors or classifiers, counts as one that
//! finds nothing, as an INFO message says once. Masks count where they stand on the frame: as metas (feature `analytics`)
//! or as its alpha.
//!
//! Candidates are meant to be of one task. Where they are not, where answers cannot be compared (raw tensors, masks that are
//! only drawn, classes without a common label), or where `quality-source` judges something else than the answers (`restore` judges pictures,
//! `confidence` boxes, classes and masks), a warning says so once with the names, when the last one is loaded or when it is
//! first seen. What most candidates give counts then (of a tie what the reference gives), and evidence of others counts for
//! nothing: their priors stand.
//!
//! | `quality-source` | evidence | weight |
//! |---|---|---|
//! | `agreement` | agreement with the reference's answer to the same frame, times the reference's own quality | 1 |
//! | `restore` | the frame is degraded (shrunk by as much as the candidate enlarges, else noise of 15 levels) and the answer compared with it; counts the frame as true | 1/4 |
//! | `confidence` | the candidate's confidence, as what comparisons with the reference (at least 40 answers) have shown it to be worth | 1/9 |
//! | | the same before that: the candidate's own word | 1/25 |
//! | `stability` | likeness of the answers to neighboring frames, excused by what the frames changed; not for sound | 1/25 |
//! | `prior` | none: the catalogue and `feedback` alone | |
//! | `auto` | `agreement`; without a reference `restore` for pictures, `confidence` for what has one, and `stability` | |
//!
//! A weight is in comparisons with the reference: (0.05 / sd)² with sd 0.05, 0.10, 0.15 and 0.25. There is no reference where
//! no candidate has the name in `reference`, while it fails or loads, and when its answers proved to be of another
//! task: when three in a row compared with nobody's, a warning says so once, and what needs no reference counts until
//! `reference` or `quality-source` is written. A candidate that compares with the reference where others do not is told
//! alike, and keeps its prior. For `restore` and `stability` a candidate runs once more, on the degraded or the
//! next frame, if there is slack; `stats` has the means as `restored-ssim`, `stability` and `confidence`.
//!
//! A reference that never fits the slack of the active candidate gets lessons: a copy of a frame, at idle priority (on Linux
//! `SCHED_IDLE`; threads of a candidate's own keep theirs; what comes of it is taken in at ordinary priority) and off the deadline, so seldom that they take 5 % of the time by
//! what it usually takes, and at most once a second at 25 fps. A rival that fits the slack sees the same frame first. Each
//! lesson beside which a frame is missed doubles the pause to the next one, up to 32 times; the latency of a lesson teaches
//! nothing. An INFO message tells once that it is so, with the numbers. Sound has no lessons: there a warning says once that
//! the reference cannot teach.
//!
//! A score far from those before, by 2.5 standard deviations, says that the content has changed, and so does a hard cut in the
//! frames: qualities then count for little and are asked for as often as at first, at most once in 30 frames. Cuts are looked
//! for (`cuts` in `stats`) in raw frames of the formats named below, in system memory, at some microseconds a frame behind its leaving; fades and
//! dissolves are not found, and in sound, encoded streams and the memory of devices nothing is looked for: there scores tell.
//!
//! How robust a candidate is shows in shadow runs: on each eighth of them, the same frame comes to it once more later,
//! with a little noise, brighter by 3 %, blurred, or shifted by a pixel, and the two answers are compared, boxes and classes as above, else luma. Frames in
//! formats that are not GRAY8, I420, NV12 or eight-bit RGB in some order are not sampled, nor is the active candidate.
//!
//! Presets of GstPreset come with the element: `quality` (`miss-rate` 0.05 and no price on latency or cost), `balanced`
//! (the defaults) and `strict` (`miss-rate` 0.01, `lambda-latency` 0.05).
//! One that is saved holds the switch's own settings, but not a pin (`active-candidate`, `auto-switch`), and nothing of the
//! children. It loads in every state; `catalog` and `models` take effect at the next start.
//!
//! ## Explanations and feedback
//!
//! The action signal `explain` returns a structure `avrec/explanation` of what was known at the last frame, under the
//! settings of now. It may be called from any thread at any time and waits for no inference. Each `avrec/switch` has
//! the same fields.
//!
//! It says as sentences who answers and why, what keeps a better answer out, what would change the choice, and of each
//! candidate the terms of the objective: [`Explanation`](crate::messages::Explanation).
//!
//! The action signal `feedback` takes the name of a candidate (none or empty: the active one) and what an operator
//! finds its answers worth, 0 to 1. It counts for ten comparisons, from the next frame on, and is the only evidence
//! that corrects the reference itself. It returns whether it was taken; if not, a warning says why.
//!
//! `profile` names a TOML file with a person's own preferences (`docs/profile.md`), read on the way to READY. Its weights
//! give `lambda-latency`, `lambda-cost`, `strategy` and `robustness-weight` where these were not written; candidates of
//! `catalog` and `models` that its conditions leave out are not made, which an INFO message tells; others that it forbids never
//! answer; and its feedback counts from the first frame on.
//!
//! ## Inside
//!
//! Besides the candidates there are private elements: `switch-entry` and `switch-exit`, and for each lane a queue and a
//! watch, named by lane and candidate (`lane-0-small-queue`). Their factories are listed with the plugin, and are of no
//! use by themselves.
//!
//! ## Messages and figures
//!
//! All fields of the element messages `avrec/switch`, `avrec/candidate-ready`, `avrec/candidate-failed`, `avrec/frame` and
//! `avrec/candidate-score` (with `frame-messages`), `avrec/survey` (with `exhaustive`), and of `stats`, stand in
//! `docs/messages.md`, which is written from [`crate::messages`].
//!
//! The signal `candidate-changed` has `from`, `to` and the reason as a sentence. It is emitted on the
//! streaming thread, so handlers must be short.
//!
//! ## What it leaves out
//!
//! On sound, `exhaustive` changes nothing. Late pads of `decodebin` cannot be linked to children
//! in a launch line, since the parser links the first child by itself; an element between the two helps.
//!
//! ## Example
//!
//! ```sh
//! gst-launch-1.0 v4l2src ! videoconvert ! video/x-raw,width=320,height=240 ! avrec-switch.\( floor=plain \
//!   output-caps=video/x-raw,width=640,height=480 videoscale name=plain \
//!   avrec-infer model-file=models/small.onnx avrec-infer model-file=models/large.onnx \) ! videoconvert ! autovideosink
//! ```
//!
//! Candidates out of a catalog, for a clip that plays in real time:
//!
//! ```sh
//! gst-launch-1.0 filesrc location=in.mp4 ! decodebin ! videoconvert ! videoscale ! \
//!   video/x-raw,format=I420,width=320,height=180 ! clocksync ! avrec-switch catalog=models/upscale.toml late-policy=floor ! \
//!   videoconvert ! autovideosink
//! ```

mod audio;
mod bus;
mod candidates;
mod caps_difference;
mod complaints;
mod deadline;
mod drift;
mod enums;
mod experience;
mod explain;
mod fact;
mod frame;
mod group_share;
mod imp;
mod lanes;
mod mailbox;
mod memory;
mod messages;
pub(super) mod pads;
mod plan;
mod policy_adapter;
mod presets;
mod priority;
mod profile;
mod property_changed;
mod scoring;
mod settings;
mod shared;
mod signals;
pub mod spans;
mod start;
mod start_state;
mod state_change;
mod stream;
mod teaching;
#[cfg(test)]
mod test_rig;
mod timing;
mod unanswered;
mod urgency;
mod video;
mod view;
mod ways;

use std::sync::{Arc, LazyLock};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

pub use enums::{LatePolicy, Privacy, QualitySource, StartMode, Strategy, ThreadPriority};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new(
        "avrec-switch",
        gst::DebugColorFlags::empty(),
        Some("avrec model switch"),
    )
});

glib::wrapper! {
    pub struct AvrecSwitch(ObjectSubclass<imp::AvrecSwitch>)
        @extends gst::Bin, gst::Element, gst::Object, @implements gst::ChildProxy, gst::Preset;
}

impl AvrecSwitch {
    /// Tells the times of its frames to an observer, for good; the first one stays.
    pub fn observe(&self, observer: Arc<dyn spans::Observer>) {
        self.imp().core.spans.observe(observer);
    }
}

pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    for kind in [
        LatePolicy::static_type(),
        Privacy::static_type(),
        QualitySource::static_type(),
        StartMode::static_type(),
        Strategy::static_type(),
        ThreadPriority::static_type(),
    ] {
        kind.mark_as_plugin_api(gst::PluginAPIFlags::empty());
    }
    gst::Element::register(
        Some(plugin),
        "avrec-switch",
        gst::Rank::NONE,
        AvrecSwitch::static_type(),
    )
}
