// SPDX-License-Identifier: MPL-2.0

//! Models come and go: start, load, swap, stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::prelude::*;
use gst_video::VideoInfo;

use super::audio_input::Sound;
use super::enums::Backend;
use super::failure::Fault;
use super::imp::Infer;
use super::loader::{self, Job, Request};
use super::model::Active;
use super::settings::Settings;
use super::state::{ModelState, SinkCaps, State, Waiting};
use super::stats::Running;
use super::{CAT, audio, audio_model, caps, messages};
use crate::runtime::{self, Model, Task, library};

/// How often a wait looks whether the pad was deactivated, which tells no element of it. Flushes and
/// state changes wake it at once.
const DEACTIVATION_CHECK: Duration = Duration::from_millis(100);

/// What became of a load.
enum Outcome {
    /// The first model is there.
    First(Running),
    /// It waits for the next frame; one that waited before it is dropped.
    Waits(Option<Box<Active>>),
    /// The first model failed.
    Failed(Fault),
    /// Another model goes on.
    Refused(Fault),
    /// Nobody waits for it any more.
    Stale,
}

impl Infer {
    /// Checks what can be checked at once and starts to load.
    pub(super) fn begin(&self) -> Result<(), Fault> {
        let settings = self.settings.lock().clone();
        let request = request(&settings)?;
        runtime::check_readable(&request.path)?;
        if let Some(device) = settings
            .device
            .filter(|device| !matches!(device.as_str(), "" | "0"))
        {
            return Err(Fault::Device(device));
        }
        if settings.backend != Backend::Rten {
            // Here and not in the loader thread: a program that exits while the library sets itself up would
            // crash, and this thread cannot exit meanwhile. Whether it is there is told by the load.
            let found = library::is_available();
            gst::debug!(CAT, imp = self, "ONNX Runtime is available: {found}");
        }
        let epoch = self.state.lock().epoch + 1;
        let jobs = loader::spawn(self.obj().downgrade(), epoch)?;
        *self.published.lock() = Default::default();
        *self.state.lock() = State {
            epoch,
            residency: ModelState::Loading,
            jobs: Some(jobs),
            ..State::default()
        };
        // Last, because the answer may come before this function returns; and from the settings of now,
        // which may have changed since they were checked.
        self.reload();
        Ok(())
    }

    /// Lets go of everything; a load that runs is left to itself.
    pub(super) fn end(&self) {
        let old = {
            let mut state = self.state.lock();
            let epoch = state.epoch + 1;
            std::mem::replace(
                &mut *state,
                State {
                    epoch,
                    waiting: Waiting::Forbidden,
                    ..State::default()
                },
            )
        };
        self.published.lock().running = None;
        drop(old);
    }

    /// Lets the streaming thread wait for a model, or ends such a wait.
    pub(super) fn set_waiting(&self, waiting: Waiting) {
        self.state.lock().waiting = waiting;
        self.arrived.notify_all();
    }

    /// Asks for the model that the settings name, if the element runs.
    pub(super) fn reload(&self) {
        let settings = self.settings.lock().clone();
        let jobs = self.state.lock().jobs.clone();
        let Some(jobs) = jobs else { return };
        match request(&settings) {
            // Fails only when the thread is gone, which it tells by itself.
            Ok(request) => drop(jobs.send(Job::Load(request))),
            Err(fault) => self.refuse("", &fault),
        }
    }

    /// Takes what the loader thread brings.
    pub(super) fn loaded(&self, epoch: u64, request: &Request, result: Result<Box<Active>, Fault>) {
        let outcome = {
            let mut state = self.state.lock();
            match (result, &state.residency) {
                _ if state.epoch != epoch => Outcome::Stale,
                (Ok(active), ModelState::Ready(_)) => Outcome::Waits(state.pending.replace(active)),
                (Ok(active), _) => {
                    let running = active.running();
                    state.residency = ModelState::Ready(active.model.clone());
                    state.active = Some(active);
                    Outcome::First(running)
                }
                (Err(fault), ModelState::Ready(_)) => Outcome::Refused(fault),
                (Err(fault), _) => {
                    state.residency = ModelState::Failed;
                    Outcome::Failed(fault)
                }
            }
        };
        let path = request.path.to_string_lossy();
        match outcome {
            Outcome::Stale => gst::debug!(
                CAT,
                imp = self,
                "Dropping {path}, which nobody waits for any more"
            ),
            Outcome::Waits(dropped) => {
                gst::debug!(CAT, imp = self, "{path} takes over with the next frame");
                drop(dropped);
            }
            Outcome::First(running) => {
                {
                    // The streaming thread may have been quicker, and knows more.
                    let mut published = self.published.lock();
                    if published.running.is_none() {
                        published.took_over(running.clone());
                    }
                }
                self.announce(&running);
                self.arrived.notify_all();
            }
            Outcome::Failed(fault) => {
                gst::error!(CAT, imp = self, "Cannot load {path}: {fault}");
                fault.post_error(&self.obj());
                self.post(messages::failed(&path, &fault));
                self.arrived.notify_all();
            }
            Outcome::Refused(fault) => self.refuse(&path, &fault),
        }
    }

    /// Tells that a model is refused and another goes on.
    fn refuse(&self, path: &str, fault: &Fault) {
        gst::warning!(CAT, imp = self, "Refusing {path}: {fault}");
        let running = self
            .published
            .lock()
            .running
            .as_ref()
            .map(|it| it.path.to_string_lossy().into_owned());
        {
            // A wish that came since then stays.
            let mut settings = self.settings.lock();
            if settings.model_file.as_deref().unwrap_or_default() == path && running.is_some() {
                settings.model_file = running;
            }
        }
        fault.post_warning(&self.obj());
        self.post(messages::failed(path, fault));
        self.obj().notify("model-file");
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

    /// Lets a loaded model take over, between two frames, if it is ready for them.
    pub(super) fn swap(&self) {
        if self.changes_kind() && self.drain().is_err() {
            // The error was posted, and the stream ends here.
            return;
        }
        let (running, passage, is_ready, latency) = {
            let mut state = self.state.lock();
            if state.audio.as_ref().is_some_and(|it| it.is_fading()) {
                // One after the other.
                return;
            }
            let Some(new) = state.pending.take() else { return };
            if state
                .sound
                .as_ref()
                .is_some_and(|sound| !audio_model::is_prepared_for(&new, sound))
            {
                state.order(Job::Prepare(new));
                return;
            }
            if state.stream.as_ref().is_some_and(|(input, _)| !new.takes(input)) {
                // Caps were settled or changed after it was made ready: the loader thread does that again,
                // since it takes long and may fail. The base class would not, where caps stay the same.
                state.order(Job::Prepare(new));
                return;
            }
            let (running, passage) = (new.running(), new.passage());
            let is_ready = state
                .stream
                .as_ref()
                .is_none_or(|(input, output)| new.fits(input, output));
            let says_the_same = state
                .model()
                .is_none_or(|old| caps::tensors(old) == caps::tensors(&new.model));
            let is_ready = is_ready && says_the_same;
            state.residency = ModelState::Ready(new.model.clone());
            let old = state.active.replace(new);
            let old = match &mut state.audio {
                Some(stream) => old.and_then(|old| stream.replace(old)),
                None => old,
            };
            if let Some(old) = old {
                state.order(Job::Retire(old));
            }
            let latency = match (&state.audio, &state.active, &state.sound) {
                (Some(stream), Some(active), Some(sound)) => Some(audio::latency(stream, active, sound)),
                _ => None,
            };
            (running, passage, is_ready, latency)
        };
        if let Some(latency) = latency {
            self.set_latency(latency);
        }
        if !is_ready || passage != self.passage() {
            // The base class settles caps and buffers anew with this frame; where caps stay the same, it
            // does not ask what happens with frames.
            self.set_passage(passage);
            self.obj().reconfigure_src();
        }
        {
            let mut published = self.published.lock();
            published.swaps += 1;
            published.took_over(running.clone());
        }
        self.announce(&running);
    }

    /// Whether the next model replaces sound where the one that answers lets it pass, or the other way round.
    fn changes_kind(&self) -> bool {
        let state = self.state.lock();
        match (&state.audio, &state.active, &state.pending) {
            (Some(_), Some(old), Some(new)) => old.model.task.replaces() != new.model.task.replaces(),
            _ => false,
        }
    }

    fn announce(&self, running: &Running) {
        let path = running.path.display();
        gst::info!(
            CAT,
            imp = self,
            "Running {path} as {} of scale {} with {} ({})",
            running.model.task.name(),
            running.model.scale,
            running.told.loaded.backend,
            running.told.loaded.backend_note
        );
        for assumed in &running.assumed {
            gst::info!(CAT, imp = self, "{assumed}");
        }
        for warning in &running.warnings {
            gst::warning!(CAT, imp = self, "{warning}");
        }
        let (interval, live) = {
            let settings = self.settings.lock();
            (settings.inference_interval, settings.answers.live)
        };
        let task = running.model.task;
        if task.replaces() && interval != 1 {
            gst::warning!(
                CAT,
                imp = self,
                "inference-interval={interval} has no effect with task={}",
                task.name()
            );
        }
        if task != Task::Score && live.key_frames {
            gst::warning!(
                CAT,
                imp = self,
                "key-frames has no effect with task={}",
                task.name()
            );
        }
        self.post(messages::loaded(running));
        self.obj().notify("model-file");
    }

    pub(super) fn post(&self, structure: gst::Structure) {
        let message = gst::message::Element::builder(structure)
            .src(&*self.obj())
            .build();
        // Fails only without a bus, that is outside of a pipeline.
        let _ = self.obj().post_message(message);
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

    /// Acts on caps that came while their wait for a model was interrupted.
    pub(super) fn catch_up(&self) -> Result<(), gst::FlowError> {
        if self.state.lock().sink_caps == SinkCaps::Settled {
            return Ok(());
        }
        self.wait_for_model()?;
        self.state.lock().sink_caps = SinkCaps::Settled;
        let Some(caps) = self.obj().sink_pad().current_caps() else {
            return Ok(());
        };
        match self.parent_sink_event(gst::event::Caps::new(&caps)) {
            true => Ok(()),
            false => Err(gst::FlowError::NotNegotiated),
        }
    }
}

fn request(settings: &Settings) -> Result<Request, Fault> {
    let path = settings
        .model_file
        .as_deref()
        .filter(|path| !path.is_empty())
        .ok_or(Fault::NoModel)?;
    Ok(Request {
        path: PathBuf::from(path),
        options: settings.options(),
        answers: settings.answers.clone(),
    })
}
