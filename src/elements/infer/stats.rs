// SPDX-License-Identifier: MPL-2.0

//! What application threads may read at any time, without waiting for an inference.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::assumptions;
use super::messages::{self, dims};
use super::model::Active;
use super::timing::Timing;
use crate::messages::{InferStats, Loaded, Percentiles, RemoteStats, RunningModel};
use crate::runtime::{LoadedModel, Model, source};
use crate::score::LatencyWindow;

/// Frames over which latencies are told: 10 s at 30 fps.
const WINDOW: usize = 300;

/// What is known of the model that runs.
#[derive(Debug, Clone)]
pub struct Running {
    pub path: PathBuf,
    pub model: Arc<Model>,
    /// What is in memory, once for all who share it.
    pub loaded: Weak<LoadedModel>,
    /// The SHA-256 of what was read.
    pub content: [u8; 32],
    /// As the message and `stats` tell it, but for the users, whose number is looked up when it is told.
    pub told: RunningModel,
    /// Names of its classes, as far as it has some.
    pub labels: Arc<[String]>,
    /// A sentence each.
    pub assumed: Vec<String>,
    /// A sentence each.
    pub warnings: Vec<String>,
    /// What to tell of the library that was chosen.
    pub backend_news: Option<String>,
}

impl Running {
    pub fn new(active: &Active) -> Running {
        let model = active.model.clone();
        let (backend, backend_note) = active.backend();
        let assumed = active.meaning.assumed.iter().cloned();
        let assumed: Vec<String> = assumed.chain(assumptions::of_input(&model)).collect();
        let loaded = Loaded {
            file: active.path().to_string_lossy().into_owned(),
            task: model.task,
            backend: backend.to_owned(),
            backend_note: backend_note.to_owned(),
            execution_provider: source::server(active.path())
                .unwrap_or(active.provider().facts().nick)
                .to_owned(),
            threads: u32::try_from(active.threads()).unwrap_or(u32::MAX),
            load_time: active.load_time,
            assumed: assumed.join(" "),
            statements: model.statements.iter().map(messages::statement).collect(),
        };
        let told = RunningModel {
            loaded,
            users: 0,
            scale_width: model.scale.width.value(),
            scale_height: model.scale.height.value(),
            input_dims: active.input_dims().as_deref().map(dims),
            algorithmic_delay: active.algorithmic_delay(),
        };
        Running {
            path: active.path().to_owned(),
            model,
            loaded: Arc::downgrade(active.loaded()),
            content: active.loaded().content(),
            told,
            labels: active.labels().into(),
            assumed,
            warnings: active.meaning.warnings.clone(),
            backend_news: active.backend_news().map(str::to_owned),
        }
    }

    /// The way to the server, for a model that is on one.
    fn remote(&self) -> Option<RemoteStats> {
        let times = self.loaded.upgrade()?.remote_times()?;
        Some(RemoteStats {
            round_trip: times.round_trip,
            serving: times.serving,
            sent_bytes: times.sent_bytes,
            received_bytes: times.received_bytes,
        })
    }

    fn tell(&self) -> RunningModel {
        RunningModel {
            users: u32::try_from(self.loaded.strong_count()).unwrap_or(u32::MAX),
            ..self.told.clone()
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
    /// The file of the model that runs.
    pub fn running_file(&self) -> Option<String> {
        let file = self.running.as_ref().map(|it| &it.told.loaded.file);
        file.cloned()
    }

    /// Another model answers from now on, so the latencies of the last one are forgotten.
    pub fn took_over(&mut self, running: Running) {
        self.running = Some(running);
        self.dropped = 0;
        self.frame.clear();
        self.run.clear();
    }

    /// A frame went out, after these runs.
    pub fn went_out(&mut self, runs: impl IntoIterator<Item = Timing>) {
        self.frames_out += 1;
        for timing in runs {
            self.runs += 1;
            self.frame.push(timing.frame);
            self.run.push(timing.run);
        }
    }

    /// Returns the property `stats`.
    ///
    /// `loading` is for how long a model has been loading that is to answer.
    pub fn stats(&self, loading: Option<Duration>) -> InferStats {
        InferStats {
            frames_in: self.frames_in,
            frames_out: self.frames_out,
            runs: self.runs,
            swaps: self.swaps,
            dropped_values: self.dropped,
            loading,
            model: self.running.as_ref().map(Running::tell),
            latency: Percentiles::of(&self.frame),
            run_latency: Percentiles::of(&self.run),
            remote: self.running.as_ref().and_then(Running::remote),
        }
    }
}
