// SPDX-License-Identifier: MPL-2.0

//! The messages and the `stats` of `avrec-infer`.

use std::time::Duration;

use gst::{ClockTime, glib};

use super::field::Field;
use super::latencies::Percentiles;
use super::table::{group, structure};
use crate::runtime::Task;
use crate::tensor::{DimsOrder, ElementType};

structure! {
    /// A model was loaded, and answers from now on.
    ModelLoaded = "avrec/model-loaded" {
        model: Loaded = "",
    }
}

group! {
    /// What was loaded, and how.
    Loaded {
        /// Path of the file, or the address on a server.
        file: String = "model-file",
        /// What its answers are.
        task: Task = "task",
        /// What runs it: the inference libraries `ort` or `rten`, or `remote` for a server.
        backend: String = "backend",
        /// Why it is this one.
        backend_note: String = "backend-note",
        /// The execution provider that runs it, as the property of this name spells it; with `auto`, the one that it came to. Of a model on a server the server, `host:port`.
        execution_provider: String = "execution-provider",
        /// Number of threads that one run may use, as it came out.
        threads: u32 = "threads",
        /// How long loading took.
        load_time: Duration = "load-time-ns",
        /// What nobody said and was assumed, in sentences; empty where all was said.
        assumed: String = "assumed",
        /// What the model is taken for, one thing each.
        statements: Vec<StatementPart> = "statements",
    }
}

structure! {
    /// One thing that a model is taken for.
    StatementPart = "statement" {
        /// Name of the input or output that it is about; empty for the model as a whole.
        tensor: String = "tensor",
        /// What is said of it, as the property or the key of a `.modelinfo` is named.
        key: String = "key",
        /// What it is taken to be.
        value: String = "value",
        /// Who said it.
        origin: String = "origin",
        /// What to write for another value.
        line: String = "line",
    }
}

structure! {
    /// A model was refused; the one before, if any, goes on.
    ModelFailed = "avrec/model-failed" {
        /// Path of the file.
        file: String = "model-file",
        /// Why, and what to change.
        cause: String = "cause",
    }
}

structure! {
    /// The outputs of a run, with `task=tensor`.
    Tensors = "avrec/tensors" {
        /// Each output, in the model's order.
        tensors: Vec<TensorPart> = "tensors",
        /// PTS of the frame, or of the window of sound. Absent where it has none.
        pts: Option<ClockTime> = "pts",
        /// Running time of the same. Absent where it has no PTS.
        running_time: Option<ClockTime> = "running-time",
        /// Ties the outputs of one model together, as the `.modelinfo` says. Absent where it does not.
        group_id: Option<String> = "group-id",
    }
}

structure! {
    /// One output of a run.
    TensorPart = "tensor" {
        /// What it is, as the `.modelinfo` says; else its name.
        id: String = "id",
        /// Its name in the model.
        name: String = "name",
        /// What its elements are.
        element_type: ElementType = "type",
        /// Its dimensions, in elements.
        dims: Vec<u64> = "dims",
        /// Which dimension is next to the elements in memory.
        dims_order: DimsOrder = "dims-order",
        /// Its elements, in the machine's byte order.
        data: glib::Bytes = "data",
    }
}

structure! {
    /// A frame was selected, since its score is a peak. Only while `key-frames` is set.
    KeyFrame = "avrec/key-frame" {
        /// PTS of the frame.
        pts: ClockTime = "pts",
        /// Running time of the frame.
        running_time: ClockTime = "running-time",
        /// Stream time of the frame, that is its place in the medium. Absent where it has none.
        stream_time: Option<ClockTime> = "stream-time",
        /// The score, in the model's own unit.
        score: f64 = "score",
    }
}

structure! {
    /// `stats` of `avrec-infer`. Reading waits for no inference.
    InferStats = "avrec/infer-stats" {
        /// Frames, or buffers of sound, that came.
        frames_in: u64 = "frames-in",
        /// Frames, or buffers of sound, that left.
        frames_out: u64 = "frames-out",
        /// Runs of the model.
        runs: u64 = "runs",
        /// Changes of the model after the first one.
        swaps: u64 = "swaps",
        /// Values of the model's answers that were no numbers or outside of the frame.
        dropped_values: u64 = "dropped-values",
        /// For how long a model has been loading that is to answer. Absent while none does.
        loading: Option<Duration> = "loading-ns",
        /// Absent until a model runs.
        model: Option<RunningModel> = "",
        /// Time that a frame spent in the element, over the last 300 runs. Absent before the first one.
        latency: Option<Percentiles> = "latency",
        /// Time that the model alone took, over the last 300 runs. Absent before the first one.
        run_latency: Option<Percentiles> = "run-latency",
        /// Absent for a model that runs in this process.
        remote: Option<RemoteStats> = "",
    }
}

group! {
    /// A model on a server, and the way to it.
    RemoteStats {
        /// There and back with nothing to do, the median of the last nine looks at the server. Absent before the first.
        round_trip: Option<Duration> = "remote-round-trip-ns",
        /// What an answer takes the server by its own statistics, waiting there included: the mean over about the last second.
        /// Absent where it does not say so.
        serving: Option<Duration> = "remote-serving-ns",
        /// Bytes of tensors that were sent to it, by all who share the model.
        sent_bytes: u64 = "remote-sent-bytes",
        /// Bytes of answers that came, to all who share the model.
        received_bytes: u64 = "remote-received-bytes",
    }
}

group! {
    /// The model that runs.
    RunningModel {
        loaded: Loaded = "",
        /// How many share this model in the process, this element among them: each runs it for a stream of its own, and it is
        /// in memory once.
        users: u32 = "model-users",
        /// Width of the pictures that come out over that of frames.
        scale_width: f64 = "scale-width",
        /// Height of the pictures that come out over that of frames.
        scale_height: f64 = "scale-height",
        /// Dimensions of the main input, in elements. Absent before caps are known.
        input_dims: Option<Vec<u64>> = "input-dims",
        /// By how much answers lag behind the sound. Absent unless they replace it.
        algorithmic_delay: Option<ClockTime> = "algorithmic-delay-ns",
    }
}

structure! {
    /// One object that was found.
    Object = "object" {
        /// Name of its class; the number, where the class has no name.
        label: String = "label",
        /// Number of its class, from 0.
        label_id: u32 = "label-id",
        /// How much it is believed in, 0 to 1.
        confidence: f64 = "confidence",
        /// Left edge of its box, in pixels; may lie outside of the frame, as may the other edges.
        x: f64 = "x",
        /// Upper edge of its box, in pixels.
        y: f64 = "y",
        /// Width of its box, in pixels.
        width: f64 = "width",
        /// Height of its box, in pixels.
        height: f64 = "height",
        /// By how much a turned box is turned, in radians, clockwise; the four above surround it then. Absent unless it is.
        angle: Option<f64> = "angle",
        /// The four corners of a turned box, the one first that is top left before it is turned. Absent unless it is.
        corners: Option<Vec<Corner>> = "corners",
        /// Key points in the model's order. Absent where the model gives none.
        landmarks: Option<Vec<Point>> = "landmarks",
    }
}

structure! {
    /// A corner of a turned box.
    Corner = "corner" {
        /// Pixels from the left.
        x: f64 = "x",
        /// Pixels from the top.
        y: f64 = "y",
    }
}

structure! {
    /// A key point of an object.
    Point = "point" {
        /// Pixels from the left.
        x: f64 = "x",
        /// Pixels from the top.
        y: f64 = "y",
        /// How surely it can be seen, 0 to 1.
        confidence: f64 = "confidence",
    }
}

structure! {
    /// How much one class is believed in.
    Class = "class" {
        /// Its name; the number, where it has none.
        label: String = "label",
        /// Its number, from 0.
        label_id: u32 = "label-id",
        /// How much it is believed in, 0 to 1.
        confidence: f64 = "confidence",
    }
}

structure! {
    /// How much of the frame is of one class.
    Share = "class-share" {
        /// Its name; the number, where it has none.
        label: String = "label",
        /// Its number, from 0.
        label_id: u32 = "label-id",
        /// How much of the frame it covers, 0 to 1.
        share: f64 = "share",
    }
}
