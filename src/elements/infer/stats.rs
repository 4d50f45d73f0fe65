// SPDX-License-Identifier: MPL-2.0

//! What application threads may read at any time, without waiting for an inference.

use std::path::PathBuf;
use std::sync::Arc;

use gst::prelude::*;

use super::model::{Active, Timing};
use crate::runtime::Model;
use crate::score::LatencyWindow;

/// Frames over which latencies are told: 10 s at 30 fps.
const WINDOW: usize = 300;

/// What is known of the model that runs.
#[derive(Debug, Clone)]
pub struct Running {
    pub path: PathBuf,
    pub model: Arc<Model>,
    pub backend: &'static str,
    pub backend_note: String,
    pub threads: usize,
    pub load_time_ns: u64,
    /// A sentence each.
    pub assumed: Vec<String>,
    /// A sentence each.
    pub warnings: Vec<String>,
    pub input_dims: Option<Vec<usize>>,
    /// By how much answers lag behind the sound; of models whose answers replace it.
    pub algorithmic_delay: Option<gst::ClockTime>,
}

impl Running {
    pub fn new(active: &Active) -> Running {
        Running {
            path: active.path().to_owned(),
            model: active.model.clone(),
            backend: active.backend_name(),
            backend_note: active.backend_note().to_owned(),
            threads: active.options.threads,
            load_time_ns: u64::try_from(active.load_time.as_nanos()).unwrap_or(u64::MAX),
            input_dims: active.input_dims(),
            assumed: active.assumed.clone(),
            warnings: active.warnings.clone(),
            algorithmic_delay: active.algorithmic_delay(),
        }
    }
}

/// The published side of the element: taken last and alone, held for some tens of nanoseconds a frame.
pub struct Published {
    pub running: Option<Running>,
    pub frames_in: u64,
    pub frames_out: u64,
    pub runs: u64,
    pub swaps: u64,
    /// Values of the running model's answers that were no numbers or outside of the frame.
    pub dropped: u64,
    frame: LatencyWindow,
    run: LatencyWindow,
}

impl Default for Published {
    fn default() -> Published {
        Published {
            running: None,
            frames_in: 0,
            frames_out: 0,
            runs: 0,
            swaps: 0,
            dropped: 0,
            frame: LatencyWindow::new(WINDOW),
            run: LatencyWindow::new(WINDOW),
        }
    }
}

impl Published {
    /// Another model answers from now on, so the latencies of the last one are forgotten.
    pub fn took_over(&mut self, running: Running) {
        self.running = Some(running);
        self.dropped = 0;
        self.frame.clear();
        self.run.clear();
    }

    pub fn ran(&mut self, timing: Timing) {
        self.runs += 1;
        self.frame.push(timing.frame);
        self.run.push(timing.run);
    }

    /// Returns the structure behind the property `stats`.
    pub fn structure(&self) -> gst::Structure {
        let mut builder = gst::Structure::builder("avrec-infer-stats")
            .field("frames-in", self.frames_in)
            .field("frames-out", self.frames_out)
            .field("runs", self.runs)
            .field("swaps", self.swaps)
            .field("dropped-values", self.dropped);
        if let Some(running) = &self.running {
            let model = &running.model;
            builder = builder
                .field("model-file", running.path.to_string_lossy().as_ref())
                .field("task", model.task.name())
                .field("backend", running.backend)
                .field("backend-note", running.backend_note.as_str())
                .field("threads", u32::try_from(running.threads).unwrap_or(u32::MAX))
                .field("load-time-ns", running.load_time_ns)
                .field("assumed", running.assumed.join(" "))
                .field("scale-width", model.scale.width.value())
                .field("scale-height", model.scale.height.value());
            if let Some(dims) = &running.input_dims {
                builder = builder.field("input-dims", dims_value(dims));
            }
            if let Some(delay) = running.algorithmic_delay {
                builder = builder.field("algorithmic-delay-ns", delay.nseconds());
            }
        }
        for (name, percent) in [("p50", 50.0), ("p95", 95.0), ("p99", 99.0)] {
            for (what, window) in [("latency", &self.frame), ("run-latency", &self.run)] {
                if let Some(latency) = window.percentile(percent) {
                    let latency = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
                    builder = builder.field(format!("{what}-{name}-ns"), latency);
                }
            }
        }
        builder.build()
    }
}

/// Spells dimensions for a structure.
pub fn dims_value(dims: &[usize]) -> gst::Array {
    gst::Array::new(
        dims.iter()
            .map(|&dim| u64::try_from(dim).unwrap_or(u64::MAX).to_send_value()),
    )
}
