// SPDX-License-Identifier: MPL-2.0

//! What happens with audio: caps, buffers, breaks and ends.

use std::time::Instant;

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::base_transform::GenerateOutputSuccess;
use gst_base::subclass::prelude::*;

use super::audio_model::{Sound, WindowResult, samples_time};
use super::audio_stream::AudioStream;
use super::element::Infer;
use super::failure::Fault;
use super::model::{Active, BufferMode};
use super::state::Job;
use super::stats::Running;
use super::timing::Timing;
use super::{CAT, messages};
use crate::answer::Answer;
use crate::audio::{Error, Spec};
use crate::media::metas;
use crate::messages::{Place, sentence};

/// Says what is wrong with caps that negotiation would refuse without a reason.
pub(super) fn misfit(infer: &Infer, caps: &gst::CapsRef) -> Option<Fault> {
    let model = infer.state.lock().model().cloned()?;
    let structure = caps.structure(0)?;
    match (super::caps::is_sound(structure), model.input_spec.sound()) {
        (true, None) => Some(Fault::NotForSound),
        (false, Some(_)) => Some(Fault::NotForFrames),
        (true, Some(spec)) => {
            let stream = usize::try_from(structure.get::<i32>("channels").ok()?).ok()?;
            let model = spec.channels;
            let fits = model == 1 || model == stream;
            (!fits).then(|| Error::Channels { stream, model }.into())
        }
        (false, None) => None,
    }
}

/// Makes the model ready for audio of these caps.
pub(super) fn settle_sound(infer: &Infer, caps: &gst::Caps) -> Result<(), gst::LoggableError> {
    let refuse = |fault: Fault| {
        fault.post_error(&infer.obj());
        gst::loggable_error!(CAT, "{fault}")
    };
    let spec = Spec::from_caps(caps).ok_or_else(|| refuse(Fault::SoundCaps(caps.to_string())))?;
    let channel_use = infer.settings.lock().channels.into();
    let sound = Sound { spec, channel_use };
    let mut stream = AudioStream::new(&sound);
    let taken = infer.state.lock().active.take();
    let mut active = taken.ok_or_else(|| gst::loggable_error!(CAT, "no model is loaded for {caps}"))?;
    let result = active.prepare_audio(&sound);
    let passage = active.passage();
    let running = Running::new(&active);
    let latency = latency(&stream, &active, &sound);
    {
        let mut state = infer.state.lock();
        state.active = Some(active);
        state.stream = None;
        if let Some(earlier) = state.audio.take() {
            stream.follow(*earlier);
        }
        let is_ready = result.is_ok();
        state.sound = is_ready.then_some(sound);
        state.audio = is_ready.then(|| Box::new(stream));
    }
    result.map_err(refuse)?;
    infer.published.lock().running = Some(running);
    infer.set_passage(passage);
    infer.set_latency(latency);
    Ok(())
}

/// Gives the next buffer that is to leave, and takes the one that came.
pub(super) fn generate(infer: &Infer) -> Result<GenerateOutputSuccess, gst::FlowError> {
    let (waiting, is_audio) = {
        let mut state = infer.state.lock();
        let waiting = state.audio.as_mut().and_then(|it| it.pop());
        (waiting, state.audio.is_some())
    };
    if let Some(buffer) = waiting {
        return Ok(GenerateOutputSuccess::Buffer(buffer));
    }
    if !is_audio || infer.passage() != BufferMode::Replaced {
        return infer.parent_generate_output();
    }
    let Some(buffer) = infer.take_queued_buffer() else {
        return Ok(GenerateOutputSuccess::NoOutput);
    };
    let start = Instant::now();
    let (output, runs) = with_audio(infer, |stream, active| {
        let runs = stream.answer(active, buffer)?;
        Ok((stream.pop(), runs))
    })?;
    let frame = start.elapsed();
    let timing = runs.map(|run| Timing { run, frame });
    infer.published.lock().went_out(timing);
    Ok(output.map_or(GenerateOutputSuccess::NoOutput, GenerateOutputSuccess::Buffer))
}

/// Lets a model listen to a buffer that passes. Tensors go to the bus.
pub(super) fn listen(infer: &Infer, buffer: &gst::BufferRef) -> Result<gst::FlowSuccess, gst::FlowError> {
    hear(infer, Some(buffer)).map(|_| gst::FlowSuccess::Ok)
}

/// The same with a buffer that carries the last answer on.
pub(super) fn listen_in_place(
    infer: &Infer,
    buffer: &mut gst::BufferRef,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let (answer, voice) = hear(infer, Some(buffer))?;
    if let Some((level, is_voice)) = voice {
        metas::attach_voice(buffer, level, is_voice);
    }
    let Some(answer) = answer else {
        return Ok(gst::FlowSuccess::Ok);
    };
    let result = infer.with_active(|active| match &answer {
        Answer::Classes(scores) => metas::attach_to_sound(buffer, scores, active.labels()),
        Answer::Score(score) => metas::attach_score(buffer, *score),
        Answer::Text(text) => metas::attach_text(buffer, text),
        // Sound has no places; the bus has the answer.
        Answer::Detections(_) | Answer::Instances(_) | Answer::ClassMap(_) | Answer::Matte(_) => Ok(()),
    })?;
    result.map_err(|error| infer.fail(&error.into()))?;
    Ok(gst::FlowSuccess::Ok)
}

/// What is to stand on a buffer: the last answer if there was one, and loudness and voice activity.
type OnBuffer = (Option<Answer>, Option<(u8, bool)>);

/// Listens to a buffer, or to the end of the stream, and tells the bus.
fn hear(infer: &Infer, buffer: Option<&gst::BufferRef>) -> Result<OnBuffer, gst::FlowError> {
    let (live, interval) = infer.settings.lock().of_frames();
    let mut messages = Vec::new();
    let mut last = None;
    let (timings, doubt, voice) = with_audio(infer, |stream, active| {
        let timings = stream.listen(active, buffer, (&live, interval), |model, heard, span| {
            let running_time = infer.running_time(span.pts);
            let in_words = infer.tells_answer(live.info_messages, running_time);
            let tell = |answer: String| infer.tell_answer(&answer, span.pts, running_time);
            match &heard.told {
                WindowResult::Tensors(outputs) => {
                    let tensors = messages::tensors(model, outputs, span.pts, running_time);
                    if in_words {
                        tell(sentence::told_of_tensors(&tensors));
                    }
                    messages.push(tensors.into());
                }
                WindowResult::Answer(said) => {
                    if in_words {
                        tell(messages::in_words(said));
                    }
                    if live.post_messages {
                        let duration = span.duration;
                        let place = Place::Span { duration };
                        messages.push(messages::answer(said, place, span.pts, running_time));
                    }
                    last = Some(said.answer.clone());
                }
            }
        })?;
        Ok((timings, active.doubt(), stream.voice()))
    })?;
    doubt.into_iter().for_each(|clause| infer.doubt(&clause));
    messages.into_iter().for_each(|structure| infer.post(structure));
    infer.published.lock().went_out(timings);
    Ok((last, voice))
}

/// Lets all out that waits, and begins anew. What comes out leaves with the next buffer, or by
/// [`push_outgoing`](Infer::push_outgoing).
pub(super) fn drain(infer: &Infer) -> Result<(), gst::FlowError> {
    let is_idle = {
        let state = infer.state.lock();
        state.audio.is_none() || state.active.is_none()
    };
    if is_idle {
        return Ok(());
    }
    if infer.passage() != BufferMode::Replaced {
        hear(infer, None)?;
    }
    with_audio(infer, AudioStream::drain)
}

/// Drains ahead of an event that must not overtake the audio; a failure is told to the log.
pub(super) fn drain_ahead(infer: &Infer) {
    if drain(infer).and_then(|()| push_outgoing(infer)).is_err() {
        gst::debug!(CAT, imp = infer, "What waited is lost");
    }
}

/// The same ahead of another stream or segment, which has its own time.
pub(super) fn end_segment(infer: &Infer) {
    drain_ahead(infer);
    if let Some(stream) = &mut infer.state.lock().audio {
        stream.forget_time();
    }
}

fn push_outgoing(infer: &Infer) -> Result<(), gst::FlowError> {
    loop {
        let next = infer.state.lock().audio.as_mut().and_then(|it| it.pop());
        let Some(buffer) = next else { return Ok(()) };
        infer.obj().src_pad().push(buffer)?;
    }
}

/// Forgets all audio that waits.
pub(super) fn forget_sound(infer: &Infer) {
    let mut state = infer.state.lock();
    if let Some(active) = &mut state.active {
        active.forget_stream();
    }
    let retired = state.audio.as_mut().and_then(|stream| {
        stream.forget();
        stream.take_retired()
    });
    if let Some(old) = retired {
        state.order(Job::Retire(old));
    }
}

/// Adds the latency of this element to that of those before it.
pub(super) fn answer_latency(infer: &Infer, query: &mut gst::query::Latency) -> bool {
    if !infer.obj().sink_pad().peer_query(query) {
        return false;
    }
    let own = infer.state.lock().latency;
    let (is_live, min, max) = query.result();
    query.set(is_live, min + own, max.map(|max| max + own));
    true
}

/// Moves the stream and the model out of the state for as long as they work, so that nothing waits for them.
fn with_audio<T>(
    infer: &Infer,
    work: impl FnOnce(&mut AudioStream, &mut Active) -> Result<T, Fault>,
) -> Result<T, gst::FlowError> {
    let (mut stream, mut active) = {
        let mut state = infer.state.lock();
        if state.active.is_none() {
            return Err(gst::FlowError::NotNegotiated);
        }
        let stream = state.audio.take().ok_or(gst::FlowError::NotNegotiated)?;
        let active = state.active.take().ok_or(gst::FlowError::NotNegotiated)?;
        (stream, active)
    };
    let result = work(&mut stream, &mut active);
    let retired = stream.take_retired();
    let latency = {
        let mut state = infer.state.lock();
        let sound = state.sound.as_ref().filter(|_| retired.is_some());
        let latency = sound.map(|it| latency(&stream, &active, it));
        (state.audio, state.active) = (Some(stream), Some(active));
        if let Some(old) = retired {
            state.order(Job::Retire(old));
        }
        latency
    };
    if let Some(latency) = latency {
        infer.set_latency(latency);
    }
    result.map_err(|fault| infer.fail(&fault))
}

/// What an element with this model adds to the latency of a pipeline.
pub(super) fn latency(stream: &AudioStream, active: &Active, sound: &Sound) -> gst::ClockTime {
    samples_time(stream.longest_lag(active), sound.spec.rate).unwrap_or_default()
}
