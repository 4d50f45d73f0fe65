// SPDX-License-Identifier: MPL-2.0

//! What application threads may read at any time, without waiting for an inference.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::messages::{InferStats, Percentiles, RunningModel};
use crate::runtime::Model;
use crate::score::LatencyWindow;

/// Frames over which latencies are told: 10 s at 30 fps.
const WINDOW: usize = 300;

/// How long one frame took.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The run of the model alone.
    pub run: Duration,
    /// All of it: frame to tensor, run, tensor to frame.
    pub frame: Duration,
}

/// What is known of the model that runs.
#[derive(Debug, Clone)]
pub struct Running {
    pub path: PathBuf,
    pub model: Arc<Model>,
    /// As the message and `stats` tell it.
    pub told: RunningModel,
    /// A sentence each.
    pub assumed: Vec<String>,
    /// A sentence each.
    pub warnings: Vec<String>,
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

    /// Returns the property `stats`.
    pub fn stats(&self) -> InferStats {
        InferStats {
            frames_in: self.frames_in,
            frames_out: self.frames_out,
            runs: self.runs,
            swaps: self.swaps,
            dropped_values: self.dropped,
            model: self.running.as_ref().map(|it| it.told.clone()),
            latency: Percentiles::of(&self.frame),
            run_latency: Percentiles::of(&self.run),
        }
    }
}

/// Dimensions as structures have them.
pub fn dims(dims: &[usize]) -> Vec<u64> {
    dims.iter()
        .map(|&dim| u64::try_from(dim).unwrap_or(u64::MAX))
        .collect()
}
