// SPDX-License-Identifier: MPL-2.0

//! What changes while the element runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gst_video::VideoInfo;

use super::answer_settings::AnswerSettings;
use super::audio_model::Sound;
use super::audio_stream::AudioStream;
use super::key_frames::KeyFrames;
use super::model::Active;
use super::telling::Telling;
use crate::elements::on_demand::OnDemand;
use crate::runtime::{Model, Options, Stop};

/// Whether there is a model.
#[derive(Debug, Clone, Default)]
pub enum ModelState {
    #[default]
    Stopped,
    Loading,
    /// Caps and frames follow this model.
    Ready(Arc<Model>),
    /// The first model could not be loaded; the error was posted.
    Failed,
}

/// Whether the streaming thread may wait for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Waiting {
    #[default]
    Allowed,
    /// Flushing or stopping.
    Forbidden,
}

/// Whether the caps on the sink pad were acted upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SinkCaps {
    #[default]
    Settled,
    /// They came while no model was there and the wait was interrupted.
    Outstanding,
}

/// What the loader thread is asked for.
pub enum Job {
    Load(Box<Request>),
    /// Makes a loaded model ready for the frames that come now, and brings it again.
    Prepare(Box<Active>),
    /// Drops a model that was replaced.
    Retire(Box<Active>),
}

/// Why a model is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The element starts, or its user asks for a model.
    Asked,
    /// Another element has reloaded the file that this one runs.
    Followed,
    /// It is loaded, and made ready for other frames.
    Prepared,
}

/// A model that is wanted.
#[derive(Clone)]
pub struct Request {
    pub occasion: Occasion,
    pub path: PathBuf,
    pub options: Options,
    pub answers: AnswerSettings,
    /// Gives up the load, and later the runs of the model.
    pub stop: Stop,
}

/// The content of a file, as an element that reloaded it found it.
#[derive(Debug, Clone)]
pub struct News {
    pub file: PathBuf,
    pub content: [u8; 32],
}

impl News {
    /// Whether who runs what was in this file runs something else.
    pub fn replaces(&self, file: &Path, content: [u8; 32]) -> bool {
        self.file == file && self.content != content
    }
}

/// A load that somebody waits for.
pub struct Load {
    pub path: PathBuf,
    pub stop: Stop,
    pub since: Instant,
    /// When it is told next that this takes long.
    pub tell_after: Duration,
    /// What another element has found in the file meanwhile, which may be newer than what this load reads.
    pub news: Option<News>,
}

impl Load {
    pub fn begin(path: PathBuf, stop: Stop) -> Load {
        Load {
            path,
            stop,
            since: Instant::now(),
            tell_after: FIRST_TOLD,
            news: None,
        }
    }
}

/// After so long it is told that a model still loads, then after twice as long, and so on.
const FIRST_TOLD: Duration = Duration::from_secs(10);

impl Request {
    /// The wish that this model fulfils.
    pub fn of(active: &Active) -> Request {
        Request {
            occasion: Occasion::Prepared,
            path: active.path().to_owned(),
            options: active.options.clone(),
            answers: active.answers.clone(),
            stop: active.stop.clone(),
        }
    }
}

#[derive(Default)]
pub struct State {
    /// Counts starts, so that a load for an earlier one is recognised.
    pub epoch: u64,
    pub residency: ModelState,
    pub waiting: Waiting,
    pub sink_caps: SinkCaps,
    /// The model that answers; absent while it does, since it is moved out for that.
    pub active: Option<Box<Active>>,
    /// The model that takes over with the next frame.
    pub pending: Option<Box<Active>>,
    /// Frames in and out, once caps are settled.
    pub stream: Option<(VideoInfo, VideoInfo)>,
    /// The format of the audio, once caps are settled.
    pub sound: Option<Sound>,
    /// The stream of audio; absent while a buffer goes through it, like the model.
    pub audio: Option<Box<AudioStream>>,
    /// What this element adds to the latency of a pipeline.
    pub latency: gst::ClockTime,
    pub jobs: Option<Arc<OnDemand<Job>>>,
    /// Gives up all loads and runs of this start.
    pub stop: Stop,
    /// The newest load, until it has ended.
    pub load: Option<Load>,
    pub key_frames: KeyFrames,
    pub telling: Telling,
}

impl State {
    pub fn model(&self) -> Option<&Arc<Model>> {
        match &self.residency {
            ModelState::Ready(model) => Some(model),
            _ => None,
        }
    }

    /// Gives the loader thread something to do.
    pub fn order(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // Without a thread the model is dropped here.
            let _ = jobs.give(job);
        }
    }
}
