// SPDX-License-Identifier: MPL-2.0

//! What the element holds, and what all of its parts do with it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_video::VideoInfo;
use parking_lot::{Condvar, Mutex};

use super::CAT;
use super::audio_model::Sound;
use super::failure::Fault;
use super::model::{Active, BufferMode};
use super::settings::Settings;
use super::state::{ModelState, State, Waiting};
use super::stats::Published;
use crate::messages::InferStats;
use crate::runtime::Model;

/// How often a wait looks whether the pad was deactivated, which tells no element of it. Flushes and
/// state changes wake it at once.
const DEACTIVATION_CHECK: Duration = Duration::from_millis(100);

/// Lock order: `settings`, `state`, `published`; none is held over a push, a post, a run or a load.
#[derive(Default)]
pub struct Infer {
    pub(super) settings: Mutex<Settings>,
    pub(super) state: Mutex<State>,
    pub(super) published: Mutex<Published>,
    /// What was told of assumptions, each text once; taken alone.
    pub(super) told: Mutex<BTreeSet<String>>,
    /// Goes with `state`: a model arrived, failed, or is not waited for any more.
    pub(super) arrived: Condvar,
}

#[glib::object_subclass]
impl ObjectSubclass for Infer {
    const NAME: &'static str = "GstAvrecInfer";
    type Type = super::Infer;
    type ParentType = gst_base::BaseTransform;
    type Interfaces = (gst::Preset,);
}

impl Infer {
    /// Tells the base class what happens with buffers.
    pub(super) fn set_passage(&self, passage: BufferMode) {
        self.obj().set_passthrough(passage == BufferMode::Untouched);
        self.obj().set_in_place(passage == BufferMode::InPlace);
    }

    /// What the base class does with buffers.
    pub(super) fn passage(&self) -> BufferMode {
        match (self.obj().is_passthrough(), self.obj().is_in_place()) {
            (true, _) => BufferMode::Untouched,
            (false, true) => BufferMode::InPlace,
            (false, false) => BufferMode::Replaced,
        }
    }

    /// Moves the model out of the state for as long as it works, so that nothing waits for it.
    pub(super) fn with_active<T>(&self, work: impl FnOnce(&mut Active) -> T) -> Result<T, gst::FlowError> {
        let taken = self.state.lock().active.take();
        let mut active = taken.ok_or(gst::FlowError::NotNegotiated)?;
        let result = work(&mut active);
        // Only this thread puts a model here, and it is not stopped before it returns.
        self.state.lock().active = Some(active);
        Ok(result)
    }

    pub(super) fn fail(&self, fault: &Fault) -> gst::FlowError {
        if fault.is_given_up() {
            return gst::FlowError::Flushing;
        }
        gst::error!(CAT, imp = self, "{fault}");
        fault.post_error(&self.obj());
        gst::FlowError::Error
    }

    /// The running time of this time in the stream.
    pub(super) fn running_time(&self, pts: Option<gst::ClockTime>) -> Option<gst::ClockTime> {
        let segment = self.obj().segment();
        segment.downcast_ref::<gst::ClockTime>()?.to_running_time(pts?)
    }

    /// Tells a pipeline that this element has another latency.
    pub(super) fn set_latency(&self, latency: gst::ClockTime) {
        let old = std::mem::replace(&mut self.state.lock().latency, latency);
        if old != latency {
            gst::debug!(CAT, imp = self, "Latency is {latency}");
            // Fails only without a bus, that is outside of a pipeline.
            let _ = self
                .obj()
                .post_message(gst::message::Latency::builder().src(&*self.obj()).build());
        }
    }

    /// Lets the streaming thread wait for a model, or ends such a wait.
    pub(super) fn set_waiting(&self, waiting: Waiting) {
        self.state.lock().waiting = waiting;
        self.arrived.notify_all();
    }

    /// Waits until there is a model, or until it is clear that there will be none.
    pub(super) fn wait_for_model(&self) -> Result<Arc<Model>, gst::FlowError> {
        loop {
            {
                let mut state = self.state.lock();
                match (&state.residency, state.waiting) {
                    (ModelState::Ready(model), _) => return Ok(model.clone()),
                    (ModelState::Failed, _) => return Err(gst::FlowError::Error),
                    (ModelState::Stopped, _) | (_, Waiting::Forbidden) => {
                        return Err(gst::FlowError::Flushing);
                    }
                    (ModelState::Loading, Waiting::Allowed) => {
                        self.arrived.wait_for(&mut state, DEACTIVATION_CHECK);
                    }
                }
            }
            self.tell_wait();
            if self
                .obj()
                .sink_pad()
                .pad_flags()
                .contains(gst::PadFlags::FLUSHING)
            {
                return Err(gst::FlowError::Flushing);
            }
        }
    }

    /// Tells at growing intervals that a model still loads.
    pub(super) fn tell_wait(&self) {
        let waited = {
            let mut state = self.state.lock();
            let Some(load) = &mut state.load else { return };
            let waited = load.since.elapsed();
            if waited < load.tell_after {
                return;
            }
            load.tell_after *= 2;
            waited.as_secs()
        };
        let file = self.settings.lock().model_file.clone().unwrap_or_default();
        gst::info!(CAT, imp = self, "Waiting for {file} for {waited} s");
        self.inform(&format!(
            "{file} has been loading for {waited} s, and frames wait for it. Stop the pipeline or set model-file to \
             another model to give this one up."
        ));
    }

    /// What `stats` says; waits for no run and no load.
    pub(super) fn stats(&self) -> InferStats {
        let loading = self.state.lock().load.as_ref().map(|it| it.since.elapsed());
        self.published.lock().stats(loading)
    }

    pub(super) fn post(&self, structure: gst::Structure) {
        let message = gst::message::Element::builder(structure)
            .src(&*self.obj())
            .build();
        // Fails only without a bus, that is outside of a pipeline.
        let _ = self.obj().post_message(message);
    }

    /// Tells something that is no fault, in a message that `gst-launch-1.0` prints: it prints the details only.
    pub(super) fn inform(&self, text: &str) {
        let message = gst::message::Info::builder(gst::LibraryError::Settings, text)
            .debug(text)
            .src(&*self.obj())
            .build();
        // Fails only without a bus, that is outside of a pipeline.
        let _ = self.obj().post_message(message);
    }

    /// Whether an answer at this running time is to be told in words.
    pub(super) fn tells_answer(&self, is_asked: bool, running_time: Option<gst::ClockTime>) -> bool {
        let now = running_time.unwrap_or_else(gst::get_timestamp);
        is_asked && self.state.lock().telling.is_due(now)
    }

    /// Tells an answer in words.
    pub(super) fn tell_answer(
        &self,
        answer: &str,
        pts: Option<gst::ClockTime>,
        running_time: Option<gst::ClockTime>,
    ) {
        let now = running_time.unwrap_or_else(gst::get_timestamp);
        self.state.lock().telling.told(now);
        let file = self.published.lock().running_file().unwrap_or_default();
        let file = Path::new(&file).file_name().unwrap_or_default().to_string_lossy();
        let at = pts.map_or(String::new(), |it| {
            format!(" at {:.3} s", it.nseconds() as f64 / 1e9)
        });
        self.inform(&format!("{file}{at}: {answer}"));
    }

    /// Warns of a model whose answers cannot be what they are taken for.
    pub(super) fn doubt(&self, clause: &str) {
        gst::warning!(CAT, imp = self, "Doubtful answers: {clause}");
        let text = format!(
            "The answers of the model may be wrong: {clause}. Check the task, and what the model gets (docs/models.md)."
        );
        Fault::Doubt(text).post_warning(&self.obj());
    }

    /// Returns the frames in and out, if caps are settled and this start is still the current one.
    pub(super) fn stream(&self, epoch: u64) -> Option<(VideoInfo, VideoInfo)> {
        let state = self.state.lock();
        state.stream.clone().filter(|_| state.epoch == epoch)
    }

    /// Returns the sound that comes, as [`stream`](Infer::stream) does the frames.
    pub(super) fn sound(&self, epoch: u64) -> Option<Sound> {
        let state = self.state.lock();
        state.sound.clone().filter(|_| state.epoch == epoch)
    }

    /// Returns the caps of these frames if the elements downstream do not take them.
    pub(super) fn refused_downstream(&self, info: &VideoInfo) -> Option<gst::Caps> {
        let caps = info.to_caps().ok()?;
        let pad = self.obj().src_pad().clone();
        (pad.is_linked() && !pad.peer_query_accept_caps(&caps)).then_some(caps)
    }
}
