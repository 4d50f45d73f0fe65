// SPDX-License-Identifier: MPL-2.0

//! Models come and go: start, load, swap, stop.

use std::path::PathBuf;
use std::sync::Arc;

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::prelude::*;
use gst_video::VideoInfo;

use super::announcement::announce;
use super::audio_model::Sound;
use super::element::Infer;
use super::enums::Backend;
use super::failure::Fault;
use super::followers;
use super::loader;
use super::model::Active;
use super::settings::Settings;
use super::state::{Job, Load, ModelState, News, Occasion, Request, SinkCaps, State, Waiting};
use super::stats::Running;
use super::{CAT, audio, caps, messages};
use crate::elements::on_demand::Next;
use crate::runtime::{self, Stop, library};

/// What became of a load.
enum Outcome {
    /// The first model is there.
    First(Box<Running>),
    /// It waits for the next frame; one that waited before it is dropped.
    Waits(Option<Box<Active>>),
    /// The first model failed.
    Failed(Fault),
    /// Another model goes on.
    Refused(Fault),
    /// Nobody waits for it any more.
    Stale,
}

/// Checks what can be checked at once and starts to load.
pub(super) fn begin(infer: &Infer) -> Result<(), Fault> {
    let settings = infer.settings.lock().clone();
    let request = request(&settings, Occasion::Asked, Stop::default())?;
    runtime::check_readable(&request.path)?;
    settings.provider().check()?;
    if settings.backend != Backend::Rten {
        // Here and not in the loader thread: a program that exits while the library sets itself up would
        // crash, and this thread cannot exit meanwhile. Whether it is there is told by the load.
        let found = library::is_available();
        gst::debug!(CAT, imp = infer, "ONNX Runtime is available: {found}");
    }
    let epoch = infer.state.lock().epoch + 1;
    let jobs = Arc::new(loader::loader(infer.obj().downgrade(), epoch, loaded));
    *infer.published.lock() = Default::default();
    *infer.state.lock() = State {
        epoch,
        residency: ModelState::Loading,
        jobs: Some(jobs),
        ..State::default()
    };
    followers::join(infer);
    // Last, because the answer may come before this function returns; and from the settings of now,
    // which may have changed since they were checked.
    reload(infer);
    Ok(())
}

/// Gives up loads and runs, so that nobody has to wait for them.
pub(super) fn give_up(infer: &Infer) {
    let stop = infer.state.lock().stop.clone();
    stop.give_up();
}

/// Lets go of everything; a load that runs is given up.
pub(super) fn end(infer: &Infer) {
    followers::leave(infer);
    let old = {
        let mut state = infer.state.lock();
        let stopped = State {
            epoch: state.epoch + 1,
            waiting: Waiting::Forbidden,
            ..State::default()
        };
        std::mem::replace(&mut *state, stopped)
    };
    infer.published.lock().running = None;
    old.stop.give_up();
    drop(old);
}

/// Asks for the model that the settings name, if the element runs.
pub(super) fn reload(infer: &Infer) {
    reload_for(infer, Occasion::Asked);
}

/// Another element has found something in a file: takes it too where this one runs the file and something else.
pub(super) fn follow(infer: &Infer, news: &News) {
    let of_pending = {
        let mut state = infer.state.lock();
        if let Some(load) = &mut state.load {
            // Its file may have been read before: that is seen when the load has ended.
            if load.path == news.file {
                load.news = Some(news.clone());
            }
            return;
        }
        let pending = state.pending.as_ref();
        pending.map(|it| news.replaces(it.path(), it.loaded().content()))
    };
    let of_running = || {
        let published = infer.published.lock();
        let running = published.running.as_ref();
        running.is_some_and(|it| news.replaces(&it.path, it.content))
    };
    if of_pending.unwrap_or_else(of_running) {
        gst::info!(
            CAT,
            imp = infer,
            "Another element has reloaded {}",
            news.file.display()
        );
        reload_for(infer, Occasion::Followed);
    }
}

fn reload_for(infer: &Infer, occasion: Occasion) {
    let settings = infer.settings.lock().clone();
    let (jobs, epoch, stop) = {
        let state = infer.state.lock();
        (state.jobs.clone(), state.epoch, state.stop.within())
    };
    let Some(jobs) = jobs else { return };
    match request(&settings, occasion, stop.clone()) {
        Ok(request) => {
            // Of several wishes the last one counts, also when one before it never ends.
            {
                let mut state = infer.state.lock();
                if state.epoch != epoch {
                    return;
                }
                // Given up before anybody can take what it brings for the newer one.
                if let Some(older) = state.load.replace(Load::begin(request.path.clone(), stop)) {
                    older.stop.give_up();
                }
            }
            if let Err(error) = jobs.give(Job::Load(Box::new(request.clone()))) {
                loaded(infer, epoch, &request, Err(error.into()));
            }
        }
        Err(fault) => refuse(infer, "", &fault),
    }
}

/// Takes what the loader thread brings. That is needed again when a model that waits has taken over.
pub(super) fn loaded(
    infer: &Infer,
    epoch: u64,
    request: &Request,
    result: Result<Box<Active>, Fault>,
) -> Next {
    let content = result.as_ref().ok().map(|it| it.loaded().content());
    let (outcome, heard) = {
        let mut state = infer.state.lock();
        let mut heard = None;
        if state.epoch == epoch && !request.stop.is_given_up() {
            heard = state.load.take().and_then(|it| it.news);
        }
        let outcome = match (result, &state.residency) {
            _ if state.epoch != epoch || request.stop.is_given_up() => Outcome::Stale,
            (Ok(active), ModelState::Ready(_)) => Outcome::Waits(state.pending.replace(active)),
            (Ok(active), _) => {
                let running = Running::new(&active);
                state.residency = ModelState::Ready(active.model.clone());
                state.active = Some(active);
                Outcome::First(Box::new(running))
            }
            (Err(fault), ModelState::Ready(_)) => Outcome::Refused(fault),
            (Err(fault), _) => Outcome::Failed(fault),
        };
        (outcome, heard)
    };
    let is_reload = matches!(outcome, Outcome::Waits(_)) && request.occasion == Occasion::Asked;
    let path = request.path.to_string_lossy();
    match outcome {
        Outcome::Stale => gst::debug!(
            CAT,
            imp = infer,
            "Dropping {path}, which nobody waits for any more"
        ),
        Outcome::Waits(dropped) => {
            gst::debug!(CAT, imp = infer, "{path} takes over with the next frame");
            drop(dropped);
        }
        Outcome::First(running) => {
            {
                // The streaming thread may have been quicker, and knows more.
                let mut published = infer.published.lock();
                if published.running.is_none() {
                    published.took_over(Running::clone(&running));
                }
            }
            announce(infer, &running);
            infer.arrived.notify_all();
        }
        Outcome::Failed(fault) => {
            gst::error!(CAT, imp = infer, "Cannot load {path}: {fault}");
            fault.post_error(&infer.obj());
            infer.post(messages::failed(&path, &fault));
            // Last: who waits refuses frames then, and whoever hears of that should know the cause.
            let mut state = infer.state.lock();
            if state.epoch == epoch {
                state.residency = ModelState::Failed;
            }
            drop(state);
            infer.arrived.notify_all();
        }
        Outcome::Refused(fault) if request.occasion == Occasion::Followed => {
            refuse(infer, &path, &Fault::Followed(Box::new(fault)));
        }
        Outcome::Refused(fault) => refuse(infer, &path, &fault),
    }
    if let Some(content) = content {
        if is_reload {
            let file = request.path.clone();
            followers::tell(infer, &News { file, content }, follow);
        }
        if heard.is_some_and(|it| it.replaces(&request.path, content)) {
            reload_for(infer, Occasion::Followed);
        }
    }
    if infer.state.lock().pending.is_some() {
        Next::Wait
    } else {
        Next::End
    }
}

/// Tells that a model is refused and another goes on.
fn refuse(infer: &Infer, path: &str, fault: &Fault) {
    gst::warning!(CAT, imp = infer, "Refusing {path}: {fault}");
    let running = infer.published.lock().running_file();
    {
        // A wish that came since then stays.
        let mut settings = infer.settings.lock();
        if settings.model_file.as_deref().unwrap_or_default() == path && running.is_some() {
            settings.model_file = running;
        }
    }
    fault.post_warning(&infer.obj());
    infer.post(messages::failed(path, fault));
    infer.obj().notify("model-file");
}

/// Lets a loaded model take over, between two frames, if it is ready for them.
pub(super) fn swap(infer: &Infer) {
    if changes_kind(infer) && audio::drain(infer).is_err() {
        // The error was posted, and the stream ends here.
        return;
    }
    let (running, passage, is_ready, latency) = {
        let mut state = infer.state.lock();
        if state.audio.as_ref().is_some_and(|it| it.is_fading()) {
            // One after the other.
            return;
        }
        let Some(new) = state.pending.take() else { return };
        let takes_sound = |sound: &Sound| new.is_prepared_for(sound);
        let takes_frames = |(input, _): &(VideoInfo, VideoInfo)| new.takes(input);
        if !(state.sound.as_ref().is_none_or(takes_sound) && state.stream.as_ref().is_none_or(takes_frames)) {
            // Caps were settled or changed after it was made ready: the loader thread does that again,
            // since it takes long and may fail. The base class would not, where caps stay the same.
            state.order(Job::Prepare(new));
            return;
        }
        let (running, passage) = (Running::new(&new), new.passage());
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
        infer.set_latency(latency);
    }
    if !is_ready || passage != infer.passage() {
        // The base class settles caps and buffers anew with this frame; where caps stay the same, it
        // does not ask what happens with frames.
        infer.set_passage(passage);
        infer.obj().reconfigure_src();
    }
    {
        let mut published = infer.published.lock();
        published.swaps += 1;
        published.took_over(running.clone());
    }
    announce(infer, &running);
}

/// Whether the next model replaces sound where the one that answers lets it pass, or the other way round.
fn changes_kind(infer: &Infer) -> bool {
    let state = infer.state.lock();
    match (&state.audio, &state.active, &state.pending) {
        (Some(_), Some(old), Some(new)) => old.model.task.replaces() != new.model.task.replaces(),
        _ => false,
    }
}

/// Acts on caps that came while their wait for a model was interrupted.
pub(super) fn catch_up(infer: &Infer) -> Result<(), gst::FlowError> {
    if infer.state.lock().sink_caps == SinkCaps::Settled {
        return Ok(());
    }
    infer.wait_for_model()?;
    infer.state.lock().sink_caps = SinkCaps::Settled;
    let Some(caps) = infer.obj().sink_pad().current_caps() else {
        return Ok(());
    };
    match infer.parent_sink_event(gst::event::Caps::new(&caps)) {
        true => Ok(()),
        false => Err(gst::FlowError::NotNegotiated),
    }
}

fn request(settings: &Settings, occasion: Occasion, stop: Stop) -> Result<Request, Fault> {
    let path = settings.model_file.as_deref();
    let path = path.filter(|it| !it.is_empty()).ok_or(Fault::NoModel)?;
    Ok(Request {
        occasion,
        path: PathBuf::from(path),
        options: settings.options(),
        answers: settings.answers.clone(),
        stop,
    })
}
