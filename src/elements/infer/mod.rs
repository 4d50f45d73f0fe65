// SPDX-License-Identifier: MPL-2.0

//! `avrec-infer` runs an ONNX model on each video frame, or on sound.
//!
//! What leaves depends on the task:
//!
//! | `task` | on the buffer |
//! |---|---|
//! | `image` | a new frame, of the same format and of the frame's size times the model's factor |
//! | `detect` | the frame, with a `GstVideoRegionOfInterestMeta` for each object |
//! | `classify` | the frame, with a region of interest over all of it |
//! | `segment` | the frame with the classes drawn into it, or with a mask as its alpha (`output`) |
//! | `score` | the frame, with a custom meta `AvrecScoreMeta` |
//! | `text` | the frame, with a custom meta `AvrecTextMeta` and a region of interest `text` with a `classification` |
//! | `audio` | new samples |
//! | `tensor` | the same buffer, untouched; the outputs go to the bus as `avrec/tensors` |
//!
//! `task=auto` goes by the identifiers in the `.modelinfo` file, by the metadata of the model, and else by the
//! shapes of its outputs. What it had to assume is told in `assumed` of `avrec/model-loaded` and `stats`.
//!
//! ## Answers about frames
//!
//! Frames are fitted to the model as `fit` says; with `auto` that is a letterbox on gray for YOLO models, and
//! boxes are those of the frame again. The outputs of YOLO (also YOLOX, end-to-end and with masks), SSD and DETR
//! models are understood, class maps, scores of classes (logits or confidences), and single numbers; the list is in
//! [`crate::decode`]. An output that fits none is an error that says so. Values that are no numbers, and boxes
//! outside of the frame, are left out and counted in `dropped-values` of `stats`.
//!
//! The metas are those of [`crate::media::metas`]: regions of interest with the parameter structures that
//! `gvadetect` and `gvaclassify` of DL Streamer write, so that elements which read those read ours. What other elements
//! attached stays, so that detectors can follow each other. The pixels are not copied for it. With the feature
//! `analytics` a `GstAnalyticsRelationMeta` is attached besides.
//!
//! `output=overlay` draws boxes, labels, classes and masks into the frame besides; `output=alpha` makes a
//! segmentation the alpha of the frame (RGBA, BGRA, ARGB, ABGR): opaque where something is. Class 0 of a class map
//! is nothing where its label is `background` or the like, or where there are no labels.
//!
//! Labels come from `labels-file`, else from the model's metadata (`names`), else a class is called by its number.
//! Fewer labels than classes are an error.
//!
//! With `inference-interval=n` the frames between two runs carry the last answer again, or are drawn with it. After
//! a gap (the flag DISCONT) the next frame is looked at, and smoothing begins anew.
//!
//! ## Text
//!
//! A map of where text is (`[1, 1, H, W]`, as PaddleOCR's and RapidOCR's finders give it) becomes boxes with
//! `task=detect`; with `task=auto` where the name of the file says so (`ch_PP-OCRv4_det_infer.onnx`). Where
//! `confidence-threshold` was never set, 0.5 holds. A reader of a line (`task=text`) needs a table of characters: the
//! metadata `character`, else `labels-file`, one character a line; `blank=first` or `last` in the section of the output
//! in the `.modelinfo` says which class is none. Its width follows the frame's proportions; PaddleOCR's are 48 high, at
//! least 320 wide, padded with zeros.
//!
//! ## Key frames
//!
//! With `task=score` and `key-frames` the peaks of the score are selected: frames that reach `key-frame-threshold`,
//! are higher than the one before and not lower than the next, and come at least `key-frame-distance` after the last
//! selected one. A peak is known when a lower score follows. Then a downstream force-key-unit event goes out ahead of
//! that next frame, with the times of the peak, so that an encoder downstream makes it a key frame; and
//! `avrec/key-frame` is posted. No upstream event is sent: what comes in is decoded already, and its encoder,
//! perhaps a camera of somebody else, has nothing to do with this summary.
//!
//! ## Changes while playing
//!
//! `model-file` may be written while playing: the new model is loaded and warmed in the background and
//! takes over between two frames, also when it changes the size of the output. A file that cannot be
//! used leaves the old model running and is told by a warning, and by `avrec/model-failed`. Of several
//! quick changes the last one counts. `model-file` reads back as the model that runs. Writing `labels-file` loads the
//! model anew with these labels. `task`, `fit`, `output` and the properties of
//! the input take effect with the next load; thresholds,
//! `max-detections`, `top-k`, `smoothing`, `post-messages` and the key frame properties with the next frame.
//!
//! A `.modelinfo` file beside the model is read as GStreamer 1.28 does, but for lines that nobody reads, which are
//! errors.
//!
//! `sha256` says which file the model must be: it is compared with the bytes that are loaded, each time.
//!
//! ## Models that mean harm
//!
//! A file that claims much, computes without end or is broken is an error that says what to change, and does not end
//! the process. What is checked before a library sees it: sizes of constants, the number and the names of inputs and
//! outputs, depth (operators one after another: 50,000 with ONNX Runtime, 4,000 with rten), and where external data lie.
//! `memory-limit` (2 GiB) bounds each tensor that goes in or comes out, and what the library allocates: with ONNX Runtime
//! the arena of the session, weights included; with rten all that the load, and then each run takes. A model whose
//! constants may grow (`ConstantOfShape`, `Tile` and the like on constants) is run once as it stands in the file before
//! it is optimized, since libraries compute constants without a bound.
//!
//! A load or a run that takes long is given up when the element goes to READY, and a load also when `model-file` is
//! written again, so that no change of state waits for it. A load that frames wait for is told after 10 s, and then after
//! twice as long each time, by an INFO message; `loading-ns` of `stats` says it at any time. ONNX Runtime ends a run
//! between two operators; a run of more than 50 ms is made on a thread that can be left behind. rten cannot end
//! one: it is left behind, and where it goes on for 2 s more its thread stops for good with the next allocation and keeps
//! its memory; so does one that has asked for more than it may. Where sixteen were left behind in a process, and do not
//! end, further loads are refused.
//!
//! What is not protected: a single operator that computes for minutes in ONNX Runtime on a frame, where the runs before
//! took less than 50 ms, holds up the change of state until it ends; what ONNX Runtime allocates outside of its arena
//! (`NonMaxSuppression`, constants while it optimizes) is bounded only by the system; and a library may have faults of its
//! own. Who runs models of strangers runs them in a process of its own, with a limit (`ulimit -v`, cgroups).
//!
//! ## What a picture becomes
//!
//! `channel-order`, `input-range` (or `input-mean` and `input-std`), `input-layout`, `input-size`, `fit` and `padding` say
//! how a frame becomes the input of a model. What they leave open is said by the `.modelinfo`, by the file and its
//! companion `preprocessor_config.json`, by the shape, or by the family; what nobody says is assumed. `statements` of
//! `avrec/model-loaded` tells each of them with who said it, and what was assumed is told once by an INFO message, with
//! the properties that change it. docs/models.md has all of it.
//!
//! ## Many elements with one model
//!
//! Elements of one process that run the same content with the same `backend`, `threads`, `memory-limit`, `optimization-level`, `task` and
//! `input-…` have it in memory once, and only the first of them loads it; the state of recurrent models, and all memory
//! for frames and sound, is each element's own. The model leaves memory with the last of them. `model-users` of
//! `stats` says how many they are.
//!
//! A file that changed is another model. An element that starts takes what the file holds then, and disturbs nobody. Where
//! one reloads it (`model-file` written again, with the same path), all others of the process that run the file by that path
//! and something else load it too, each with its own options, and take it between two frames of their own. One that cannot
//! take it (its `sha256` is another, what follows it takes no such frames) goes on with the old one and warns; if the load
//! of who asked fails, nobody else hears of it.
//!
//! ## Threads
//!
//! With `threads=1`, the default, a run is on the thread that brings the frame, and there are no others. Beyond that ONNX
//! Runtime has one pool for the process, whichever models run: its size is the environment variable `AVREC_THREADS`, read
//! when the library is set up, else the number of processors that the process may use, the thread that brings the frame
//! among them. It starts with the first model that asks for it, and its threads sleep where there is nothing to do. What
//! number beyond 1 was asked for makes no difference there; `threads` of `stats` says what came of it. rten has threads of
//! each element's own, since its bound of memory counts for a thread: as many as `threads` says, at most the size above.
//!
//! ## Sound
//!
//! A model listens if its input is a row of samples (`[n]`, `[1, n]`, `[1, 1, n]`, or `[1, 2, n]` for stereo; float32 or
//! float16) and `sample-rate`, its metadata, or a line in the section of the input in the `.modelinfo` file, says its
//! `sample_rate`. `delay` in the latter two says by how many of its samples the answer lags (0 where nothing is said).
//! `window` says how many samples a run hears anew where the input leaves that open (`hop`, else 10 ms, where nothing is
//! said), and for a model that tells of windows `context` how many of the samples before stand in front of those, and
//! `hop` how far it is to the next window. silero-vad (versions 3 to 6) is known by its state and needs no line: it gives one
//! score a window. docs/models.md has all of it.
//!
//! ## Further inputs
//!
//! The input for frames or sound need not be the first. The others are recurrent state if there is an output of the same
//! type and shape that is named alike (`h` and `h_out`, `state` and `stateN`, `r1i` and `r1o`), or else the next one that
//! is left, the first output apart; it is zero at first, and handed on from run to run until a gap, a flush or a new
//! stream. `input-values`, such as `sr=16000,threshold=0.5`, or a line `value=0.5` in the section of an input makes it a
//! constant: one number, or as many with spaces as it has elements; of state it is what a stream begins with. What
//! describes the frame gets
//! the size of the picture in the model's input: `orig_target_sizes` and `orig_size` width and height; `target_sizes`,
//! `im_shape`, `image_shape`, `img_shape`, `ori_shape` and `image_size` height and width; `scale_factor` and `im_scale` 1;
//! `downsample_ratio` 512 over the longer side, at most 1.
//! `sr` and `sample_rate` of a model for sound get its rate. Anything else is an error with the line to add.
//!
//! With `task=audio` sound goes in and as much sound comes out, each sample with the time of the sample that it
//! answers: neither the model's delay nor that of the resampler moves sound against pictures. The latency query is
//! answered with that delay (`algorithmic-delay-ns` in `stats`) and one hop less a sample, which gathering may take. Once
//! the delay is filled, each buffer comes out as long as one went in. At the end all that waits comes out.
//!
//! - Buffers may have any size. S16LE, S32LE and F64LE go in and come out beside F32LE, which is what models hear.
//! - Another rate than the model's is resampled there and back, which adds a block (8 to 20 ms) to the delay. Rates
//!   whose common divisor is too small for that, such as 44,101 Hz and 16 kHz, are an error.
//! - A model for one channel hears each channel by itself, with state of its own, or the mean of all with
//!   `channels=mix`. A model for stereo takes stereo only.
//! - A break (the DISCONT flag, or more than 2 ms between the end of one buffer and the PTS of the next), a gap event,
//!   new caps and a new segment drain what waits, and state begins anew. A flush drops what waits. A buffer with the
//!   GAP flag is silence.
//! - A new model takes over between two buffers: it listens for 50 ms until its state and its delay are filled, and is
//!   faded in within 10 ms at equal gain. No sample is lost, whatever the delays; where the latency changes, that is
//!   told by a latency message. One that only listens, or the other way round, takes over after a drain.
//! - NaN and infinity in an answer are an error.
//!
//! With the other tasks the sound passes, and the model hears windows, the mean of all channels if it is for one. Each is
//! half over the one before where nothing is carried over and nobody says `hop` (or `step` in the metadata). The answer
//! stands on the buffer that ends the window, and its message has the `pts` and `duration` of what is new in it. Models for
//! voice activity add a `GstAudioLevelMeta` to each buffer from their first answer on. Samples that are NaN or infinite are
//! taken for silence.
//!
//! ## Messages
//!
//! `avrec/model-loaded` when a model answers from now on, `avrec/model-failed` when one is refused, `avrec/tensors` for each
//! run of `task=tensor`, with `post-messages` each answer, and `avrec/key-frame` for each selected frame. Their fields stand
//! in `docs/messages.md`, which is written from [`crate::messages`], as do those of `stats` and of what is put on buffers.
//! With `info-messages` an INFO message says an answer in words, at most once a second of the stream.
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
//! ```sh
//! gst-launch-1.0 v4l2src ! videoconvert ! video/x-raw,width=320,height=180 ! \
//!   avrec-infer model-file=models/small.onnx ! videoconvert ! autovideosink
//! gst-launch-1.0 filesrc location=examples/media/scene.webm ! decodebin ! videoconvert ! \
//!   avrec-infer model-file=models/detect-small.onnx output=overlay ! videoconvert ! autovideosink
//! gst-launch-1.0 filesrc location=examples/media/speech.flac ! flacparse ! flacdec ! audioconvert ! \
//!   avrec-infer model-file=models/denoise-small.onnx ! audioconvert ! autoaudiosink
//! ```
//!
//! A segmentation as the alpha of pictures:
//!
//! ```text
//! gst-launch-1.0 filesrc location=in.mp4 ! decodebin ! videoconvert ! video/x-raw,format=RGBA ! \
//!   avrec-infer model-file=people.onnx output=alpha ! pngenc ! multifilesink location=cut-%04d.png
//! ```

use std::path::Path;
use std::sync::Arc;

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use once_cell::sync::Lazy;

use crate::bounded_file;
use crate::runtime::library;

mod announcement;
mod answer_settings;
mod assumptions;
mod audio;
mod audio_model;
mod audio_stream;
mod caps;
mod companions;
mod element;
mod enums;
mod failure;
mod followers;
mod imp;
mod input_doubt;
mod input_plan;
mod input_settings;
mod input_size;
mod interpretation;
mod key_frames;
mod labels_file;
mod loader;
mod messages;
mod model;
mod model_swap;
pub mod offline;
mod remote_settings;
mod seen_outputs;
mod settings;
mod sound_settings;
mod state;
mod stats;
mod telling;
#[cfg(test)]
mod tests;
mod text_input;
mod timing;
mod video;
mod video_model;

pub use settings::catalogue_properties;

static CAT: Lazy<gst::DebugCategory> = Lazy::new(|| {
    gst::DebugCategory::new(
        "avrec-infer",
        gst::DebugColorFlags::empty(),
        Some("avrec inference element"),
    )
});

glib::wrapper! {
    pub struct Infer(ObjectSubclass<element::Infer>)
        @extends gst_base::BaseTransform, gst::Element, gst::Object, @implements gst::Preset;
}

/// Whether an element runs a model.
pub fn is_one(element: &gst::Element) -> bool {
    element.is::<Infer>()
}

/// What an element shares with those that load the same model in the same way, and the bytes of its file, as far as that can
/// be read. `None` for an element that runs none.
pub fn model_of(element: &gst::Element) -> Option<(String, u64)> {
    let settings = element.downcast_ref::<Infer>()?.imp().settings.lock().clone();
    let file = settings.model_file.as_deref().unwrap_or_default();
    let bytes = bounded_file::size(Path::new(file)).unwrap_or(0);
    Some((format!("{file} {:?}", settings.options()), bytes))
}

/// The SHA-256 of all files of the model that an element runs; `None` while it runs none.
pub fn content_of(element: &gst::Element) -> Option<[u8; 32]> {
    let infer = element.downcast_ref::<Infer>()?.imp();
    Some(infer.published.lock().running.as_ref()?.content)
}

/// Loads the library that an element may need, if it is not there yet. Not for a streaming thread.
pub fn load_library(element: &gst::Element) {
    let infer = element.downcast_ref::<Infer>();
    if infer.is_some_and(|it| it.imp().settings.lock().backend != enums::Backend::Rten) {
        // Where it is missing, the load of a model tells.
        let _ = library::is_available();
    }
}

/// Names of the classes of the model that an element runs; empty where it has none, or no model.
pub fn labels(element: &gst::Object) -> Arc<[String]> {
    let infer = element.downcast_ref::<Infer>();
    let labels = infer.and_then(|it| Some(it.imp().published.lock().running.as_ref()?.labels.clone()));
    labels.unwrap_or_default()
}

/// Registers the element. Its rank is none: it is useful only with a model.
pub fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    for kind in [
        enums::Backend::static_type(),
        enums::Encoding::static_type(),
        enums::Task::static_type(),
        enums::Fit::static_type(),
        enums::Output::static_type(),
        enums::Channels::static_type(),
        enums::ChannelOrder::static_type(),
        enums::InputLayout::static_type(),
        enums::OptimizationLevel::static_type(),
        enums::ExecutionProvider::static_type(),
    ] {
        kind.mark_as_plugin_api(gst::PluginAPIFlags::empty());
    }
    gst::Element::register(Some(plugin), "avrec-infer", gst::Rank::NONE, Infer::static_type())
}
