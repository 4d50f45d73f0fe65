// SPDX-License-Identifier: MPL-2.0

//! What the user may set, with the defaults, and the properties that expose it.

use gst::glib;
use gst::prelude::*;

use super::answer_settings::{self, AnswerSettings, DecodeOptions};
use super::enums::{Backend, Channels, ExecutionProvider, OptimizationLevel, Task};
use super::input_settings::{self, InputSettings};
use super::remote_settings::{self, RemoteSettings};
use super::sound_settings::{self, SoundSettings};
use crate::elements::json;
use crate::runtime::{Options, ProviderChoice};

#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The model that is wanted; the one that runs may differ while this one loads.
    pub model_file: Option<String>,
    /// What the file must have.
    pub sha256: Option<String>,
    pub execution_provider: ExecutionProvider,
    pub device: Option<String>,
    pub provider_options: Option<gst::Structure>,
    pub provider_library: Option<String>,
    pub optimization_level: OptimizationLevel,
    pub threads: u32,
    /// Bytes that a model may take.
    pub memory_limit: u64,
    pub backend: Backend,
    pub task: Task,
    /// A stride: the model runs on each k-th frame.
    pub inference_interval: u32,
    pub input: InputSettings,
    pub sound: SoundSettings,
    pub remote: RemoteSettings,
    /// What describes the model in place of the file beside it.
    pub modelinfo_file: Option<String>,
    /// Pairs of numbers as a line `ranges` has them.
    pub output_range: Option<String>,
    pub answers: AnswerSettings,
    pub channels: Channels,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            model_file: None,
            sha256: None,
            execution_provider: ExecutionProvider::default(),
            device: None,
            provider_options: None,
            provider_library: None,
            optimization_level: OptimizationLevel::default(),
            threads: u32::try_from(Options::default().threads).unwrap_or(1),
            memory_limit: Options::default().memory_limit,
            backend: Backend::default(),
            task: Task::default(),
            inference_interval: 1,
            input: InputSettings::default(),
            sound: SoundSettings::default(),
            remote: RemoteSettings::default(),
            modelinfo_file: None,
            output_range: None,
            answers: AnswerSettings::default(),
            channels: Channels::default(),
        }
    }
}

/// Threads beyond this are a mistake: no CPU of today has that many cores.
const MAX_THREADS: u32 = 1024;

/// One MiB: less than any model for frames takes, and so a mistake in the unit.
const MIN_MEMORY_LIMIT: u64 = 1 << 20;

impl Settings {
    /// Returns how the next model shall be loaded.
    pub fn options(&self) -> Options {
        Options {
            backend: self.backend.into(),
            threads: self.threads as usize,
            memory_limit: self.memory_limit,
            optimization_level: self.optimization_level.into(),
            provider: self.provider(),
            task: self.task.into(),
            image: self.input.options(),
            sound: self.sound.options(),
            remote: self.remote.options(),
            modelinfo_file: self
                .modelinfo_file
                .as_ref()
                .filter(|it| !it.is_empty())
                .map(Into::into),
            input_values: self.input.values.as_deref().unwrap_or_default().trim().to_owned(),
            output_range: self.output_range.clone().filter(|it| !it.is_empty()),
            sha256: self.sha256.as_deref().unwrap_or_default().trim().to_owned(),
        }
    }

    /// Returns the property: a structure without fields where it is unset, since GStreamer's presets take no other.
    pub fn provider_options(&self) -> gst::Structure {
        let options = self.provider_options.clone();
        options.unwrap_or_else(|| gst::Structure::new_empty("options"))
    }

    /// Returns where the next model shall run.
    pub fn provider(&self) -> ProviderChoice {
        let options = self.provider_options.iter().flat_map(|it| it.iter());
        ProviderChoice {
            provider: self.execution_provider.into(),
            device: self.device.as_deref().unwrap_or_default().trim().to_owned(),
            options: options
                .map(|(name, value)| (name.to_string(), in_words(value)))
                .collect(),
            library: self
                .provider_library
                .as_deref()
                .unwrap_or_default()
                .trim()
                .to_owned(),
        }
    }

    /// What is looked up for each frame: how its answer is told, and the stride.
    pub fn of_frames(&self) -> (DecodeOptions, u32) {
        (self.answers.live, self.inference_interval)
    }
}

/// A value as execution providers write it: texts as they are, of launch lines also numbers and truth values.
fn in_words(value: &glib::SendValue) -> String {
    let text = value.get::<String>().ok();
    let truth = || value.get::<bool>().ok().map(|it| it.to_string());
    let other = || value.serialize().ok().map(|it| it.to_string());
    text.or_else(truth).or_else(other).unwrap_or_default()
}

/// Writes and reads the properties, each with the field that it stands for.
macro_rules! fields {
    ($($property:literal => $($field:ident).+,)*) => {
        impl Settings {
            /// Takes a new value, whose type GObject checked against the specification.
            pub fn set(&mut self, value: &glib::Value, pspec: &glib::ParamSpec) {
                match pspec.name() {
                    $($property => {
                        if let Ok(value) = value.get() {
                            self.$($field).+ = value;
                        }
                    })*
                    other => debug_assert!(false, "no such property: {other}"),
                }
                self.answers.live.is_confidence_asked |= pspec.name() == "confidence-threshold";
            }

            pub fn get(&self, pspec: &glib::ParamSpec) -> glib::Value {
                match pspec.name() {
                    $($property => self.$($field).+.to_value(),)*
                    // GObject asks only for what was installed.
                    _ => pspec.default_value().clone(),
                }
            }
        }
    };
}

fields! {
    "model-file" => model_file,
    "sha256" => sha256,
    "execution-provider" => execution_provider,
    "device" => device,
    "provider-options" => provider_options,
    "provider-library" => provider_library,
    "optimization-level" => optimization_level,
    "threads" => threads,
    "memory-limit" => memory_limit,
    "backend" => backend,
    "task" => task,
    "inference-interval" => inference_interval,
    "channels" => channels,
    "channel-order" => input.channel_order,
    "input-range" => input.range,
    "input-mean" => input.mean,
    "input-std" => input.deviation,
    "input-layout" => input.layout,
    "input-size" => input.size,
    "input-values" => input.values,
    "sample-rate" => sound.rate,
    "window" => sound.window,
    "hop" => sound.hop,
    "context" => sound.context,
    "modelinfo-file" => modelinfo_file,
    "timeout" => remote.timeout,
    "tls-ca" => remote.tls_ca,
    "tls-certificate" => remote.tls_certificate,
    "tls-key" => remote.tls_key,
    "token-file" => remote.token_file,
    "encoding" => remote.encoding,
    "padding" => answers.padding,
    "labels-file" => answers.labels_file,
    "family" => answers.family,
    "fit" => answers.fit,
    "output" => answers.output,
    "output-range" => output_range,
    "confidence-threshold" => answers.live.confidence_threshold,
    "iou-threshold" => answers.live.iou_threshold,
    "mask-threshold" => answers.live.mask_threshold,
    "max-detections" => answers.live.max_detections,
    "top-k" => answers.live.top_k,
    "smoothing" => answers.live.smoothing,
    "post-messages" => answers.live.post_messages,
    "info-messages" => answers.live.info_messages,
    "key-frames" => answers.live.key_frames,
    "key-frame-threshold" => answers.live.key_frame_threshold,
    "key-frame-distance" => answers.live.key_frame_distance,
    "overlay-font" => answers.overlay_font,
    "overlay-font-size" => answers.live.style.font_size,
    "overlay-color" => answers.live.style.color,
    "overlay-labels-color" => answers.live.style.labels_color,
}

/// Names of the properties that a catalogue entry may set besides its own keys.
pub fn catalogue_properties() -> Vec<String> {
    let is_free = |it: &&glib::ParamSpec| {
        it.flags().contains(glib::ParamFlags::WRITABLE) && !matches!(it.name(), "model-file" | "sha256")
    };
    let properties = properties();
    let free = properties.iter().filter(is_free);
    free.map(|it| it.name().to_string()).collect()
}

pub fn properties() -> Vec<glib::ParamSpec> {
    let mut properties = own_properties();
    properties.extend(input_settings::properties());
    properties.extend(sound_settings::properties());
    properties.extend(remote_settings::properties());
    properties.extend(answer_settings::properties());
    properties
}

fn own_properties() -> Vec<glib::ParamSpec> {
    let default = Settings::default();
    vec![
        glib::ParamSpecString::builder("model-file")
            .nick("Model file")
            .blurb(
                "Path of the ONNX model, or the address of one on a server, grpc://host:port/model or \
                 grpc://host:port/model/version, also grpcs, http and https (unset = an error at start). Written while playing, the new model is loaded in \
                 the background and takes over between two frames; a bad file is refused with a warning. Reads back \
                 as the model that runs.",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecString::builder("modelinfo-file")
            .nick("Modelinfo file")
            .blurb(
                "File that describes the model (unset = the .modelinfo beside a model that is a file, and none for one on a \
                 server). Takes effect when a model is loaded.",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecString::builder("sha256")
            .nick("SHA-256")
            .blurb(
                "SHA-256 that the model file must have, in 64 hexadecimal digits (unset = any). A file with \
                 another one is refused. Takes effect when a model is loaded.",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder_with_default("execution-provider", default.execution_provider)
            .nick("Execution provider")
            .blurb(
                "What carries out the model's operators; what it does not take runs on the CPU. One that the library of \
                 ONNX Runtime has not is an error, which says what it has (as avrec providers does). Takes effect when \
                 a model is loaded.",
            )
            .mutable_ready()
            .build(),
        glib::ParamSpecString::builder("device")
            .nick("Device")
            .blurb(
                "Device of the execution provider: a number such as 0, or with openvino and qnn a name such as GPU \
                 (unset = its default). The CPU has no device but 0. Takes effect when a model is loaded.",
            )
            .mutable_ready()
            .build(),
        glib::ParamSpecBoxed::builder::<gst::Structure>("provider-options")
            .nick("Provider options")
            .blurb(
                "Options of the execution provider in its own words, such as options,num_of_threads=2 (unset = its \
                 defaults, but for threads and memory-limit). Takes effect when a model is loaded.",
            )
            .mutable_ready()
            .build(),
        glib::ParamSpecString::builder("provider-library")
            .nick("Provider library")
            .blurb(
                "Path of a library that brings an execution provider to ONNX Runtime 1.22 or later (unset = one that \
                 is built in). Needs a build with the cargo feature plugin-ep. Takes effect when a model is loaded.",
            )
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default("optimization-level", default.optimization_level)
            .nick("Optimization level")
            .blurb("How much the graph is rewritten before it runs. Takes effect when a model is loaded.")
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("threads")
            .nick("Threads")
            .blurb(
                "Number of threads that one run may use, 1 to 1024 (1 = the one that brings the frame, which is the most \
                 predictable under load). Beyond 1, ONNX Runtime uses one pool for all models of the process, of as many \
                 threads as the environment variable AVREC_THREADS says, else as there are processors; rten uses so \
                 many for each element, and at most as many as that. Takes effect when a model is loaded.",
            )
            .minimum(1)
            .maximum(MAX_THREADS)
            .default_value(default.threads)
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt64::builder("memory-limit")
            .nick("Memory limit")
            .blurb(
                "Memory that one model may take, in bytes: each of its inputs, outputs and constants, and what a \
                 run allocates. A model that asks for more is refused, so that it does not end the process. Takes \
                 effect when a model is loaded.",
            )
            .minimum(MIN_MEMORY_LIMIT)
            .default_value(default.memory_limit)
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder_with_default("backend", default.backend)
            .nick("Backend")
            .blurb(
                "Inference library. ONNX Runtime is looked for at ORT_DYLIB_PATH, beside the plugin, on the \
                 loader's path and in Python's package onnxruntime. Takes effect when a model is loaded.",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder_with_default("task", default.task)
            .nick("Task")
            .blurb("What the answer is taken for. Takes effect when a model is loaded.")
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder_with_default("channels", default.channels)
            .nick("Channels")
            .blurb(
                "How sound of several channels goes through a model for one. Takes effect with the next caps. A \
                 model that leaves the sound as it is hears the mean in either case.",
            )
            .mutable_ready()
            .build(),
        glib::ParamSpecUInt::builder("inference-interval")
            .nick("Inference interval")
            .blurb(
                "Frames, or windows of sound, from one run of the model to the next (1 = each); those between carry the \
                 last answer again, or, with task=tensor or on sound, nothing. Has no effect on task=image and \
                 task=audio, since a frame without its own picture would show an old one.",
            )
            .minimum(1)
            .default_value(default.inference_interval)
            .mutable_playing()
            .build(),
        json::stats_property(),
        glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
            .nick("Statistics")
            .blurb(
                "Frames in and out, model, backend and why it was chosen, threads, dims, and percentiles of the \
                 last 300 frame and run latencies in nanoseconds. Reading never waits for an inference.",
            )
            .read_only()
            .doc_show_default()
            .build(),
    ]
}
