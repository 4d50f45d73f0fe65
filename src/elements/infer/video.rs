// SPDX-License-Identifier: MPL-2.0

//! What happens with caps and with each frame.

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::prelude::*;
use gst_video::VideoInfo;

use super::answer_settings::DecodeOptions;
use super::element::Infer;
use super::failure::Fault;
use super::key_frames::Scored;
use super::model::LookRequest;
use super::state::SinkCaps;
use super::stats::Running;
use super::{CAT, announcement, audio, messages, model_swap};
use crate::messages::sentence;
use crate::runtime::{Model, Task};
use crate::tensor::Tensor;

/// Whether there is still a frame that could be a key frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyUnit {
    Asked,
    TooLate,
}

/// A frame that passes.
pub(super) enum Passing<'a> {
    Shared(&'a gst::BufferRef),
    Writable(&'a mut gst::BufferRef),
}

impl Passing<'_> {
    fn buffer(&self) -> &gst::BufferRef {
        match self {
            Passing::Shared(buffer) => buffer,
            Passing::Writable(buffer) => buffer,
        }
    }

    /// Attaches raw outputs, where there is a meta for them and the frame may be written to.
    fn attach(&mut self, model: &Model, outputs: &[Tensor]) -> Result<(), Fault> {
        #[cfg(feature = "analytics")]
        if let Passing::Writable(buffer) = self {
            let ids = model.outputs.iter().map(|it| it.id.as_str());
            let described = ids.zip(model.dims_orders.iter().copied()).zip(outputs);
            let described = described.map(|((id, order), tensor)| (id, order, tensor));
            crate::media::analytics::tensors::attach(buffer, described)?;
        }
        #[cfg(not(feature = "analytics"))]
        let _ = (model, outputs);
        Ok(())
    }
}

/// Holds caps until a model is there, since their transformation depends on it.
pub(super) fn take_caps(infer: &Infer, event: gst::Event) -> bool {
    if let Err(error) = infer.wait_for_model() {
        gst::debug!(CAT, imp = infer, "No model for these caps yet: {error}");
        infer.state.lock().sink_caps = SinkCaps::Outstanding;
        // Refusing them would be an error upstream, where the next buffer gets the true reason.
        return true;
    }
    infer.state.lock().sink_caps = SinkCaps::Settled;
    audio::drain_ahead(infer);
    model_swap::swap(infer);
    if let gst::EventView::Caps(caps) = event.view()
        && let Some(fault) = audio::misfit(infer, caps.caps())
    {
        fault.post_error(&infer.obj());
        return false;
    }
    infer.parent_sink_event(event)
}

/// Makes the model ready for these caps.
pub(super) fn settle(
    infer: &Infer,
    incaps: &gst::Caps,
    outcaps: &gst::Caps,
) -> Result<(), gst::LoggableError> {
    if incaps.structure(0).is_some_and(super::caps::is_sound) {
        return audio::settle_sound(infer, incaps);
    }
    let info = |caps: &gst::Caps| {
        VideoInfo::from_caps(caps)
            .map_err(|_| gst::loggable_error!(CAT, "{caps} is no video that can be read"))
    };
    let (input, output) = (info(incaps)?, info(outcaps)?);
    let taken = infer.state.lock().active.take();
    let mut active = taken.ok_or_else(|| gst::loggable_error!(CAT, "no model is loaded for {incaps}"))?;
    let result = active.prepare_video(&input, &output);
    let (passage, dims) = (active.passage(), active.input_dims());
    let running = Running::new(&active);
    {
        let mut state = infer.state.lock();
        state.active = Some(active);
        (state.sound, state.audio) = (None, None);
        state.stream = result.is_ok().then_some((input, output));
    }
    if let Err(fault) = result {
        fault.post_error(&infer.obj());
        return Err(gst::loggable_error!(CAT, "{fault}"));
    }
    announcement::tell_traffic(infer, &running);
    infer.published.lock().running = Some(running);
    gst::debug!(
        CAT,
        imp = infer,
        "Tensors of shape {dims:?} from {incaps}, {outcaps} out"
    );
    infer.set_passage(passage);
    Ok(())
}

/// Runs before each frame: lets a new model take over first.
pub(super) fn submit(
    infer: &Infer,
    is_discont: bool,
    buffer: gst::Buffer,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    model_swap::catch_up(infer)?;
    model_swap::swap(infer);
    infer.published.lock().frames_in += 1;
    infer.parent_submit_input_buffer(is_discont, buffer)
}

/// Answers a frame with a picture.
pub(super) fn answer_picture(
    infer: &Infer,
    source: &gst::BufferRef,
    target: &mut gst::BufferRef,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let result = infer.with_active(|active| active.picture(source, target))?;
    let timing = result.map_err(|fault| infer.fail(&fault))?;
    infer.published.lock().went_out([timing]);
    Ok(gst::FlowSuccess::Ok)
}

/// Answers a frame with tensors, posted as a message and, with the feature `analytics`, attached; the frame passes.
pub(super) fn answer_tensors(infer: &Infer, mut frame: Passing) -> Result<gst::FlowSuccess, gst::FlowError> {
    if infer.state.lock().sound.is_some() {
        return audio::listen(infer, frame.buffer());
    }
    let interval = infer.settings.lock().inference_interval;
    let is_told = infer.settings.lock().answers.live.info_messages;
    let (pts, running_time) = (frame.buffer().pts(), infer.running_time(frame.buffer().pts()));
    let result = infer.with_active(|active| {
        let model = active.model.clone();
        let Some((outputs, timing)) = active.tensors(frame.buffer(), interval)? else {
            return Ok(None);
        };
        frame.attach(&model, outputs)?;
        let message = messages::tensors(&model, outputs, pts, running_time);
        Ok(Some((message, timing)))
    })?;
    let answer = result.map_err(|fault: Fault| infer.fail(&fault))?;
    let timing = answer.map(|(tensors, timing)| {
        if infer.tells_answer(is_told, running_time) {
            infer.tell_answer(&sentence::told_of_tensors(&tensors), pts, running_time);
        }
        infer.post(tensors.into());
        timing
    });
    infer.published.lock().went_out(timing);
    Ok(gst::FlowSuccess::Ok)
}

/// Answers a frame in place: it passes with the answer on it.
pub(super) fn answer_in_place(
    infer: &Infer,
    buffer: &mut gst::BufferRef,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let (hears, is_raw) = {
        let state = infer.state.lock();
        let is_raw = state.model().is_some_and(|it| it.task == Task::Tensor);
        (state.sound.is_some(), is_raw)
    };
    if hears {
        return audio::listen_in_place(infer, buffer);
    }
    if is_raw {
        return answer_tensors(infer, Passing::Writable(buffer));
    }
    let (live, interval) = infer.settings.lock().of_frames();
    let running_time = infer.running_time(buffer.pts());
    let in_words = infer.tells_answer(live.info_messages, running_time);
    let result = infer.with_active(|active| {
        let request = LookRequest {
            live: &live,
            interval,
            running_time,
            in_words,
        };
        Ok((active.look(buffer, &request)?, active.doubt()))
    })?;
    let (look, doubt) = result.map_err(|fault: Fault| infer.fail(&fault))?;
    doubt.into_iter().for_each(|clause| infer.doubt(&clause));
    look.message.into_iter().for_each(|message| infer.post(message));
    if let Some(words) = look.words {
        infer.tell_answer(&words, buffer.pts(), running_time);
    }
    if let (true, Some(score)) = (live.key_frames, look.score) {
        select_key_frame(infer, buffer, running_time, score, &live);
    }
    let mut published = infer.published.lock();
    published.went_out(look.timing);
    published.dropped = look.dropped;
    Ok(gst::FlowSuccess::Ok)
}

/// Tells a peak of the score, if the frame before this one was one.
fn select_key_frame(
    infer: &Infer,
    buffer: &gst::BufferRef,
    running_time: Option<gst::ClockTime>,
    score: f32,
    live: &DecodeOptions,
) {
    let Some((pts, running_time)) = buffer.pts().zip(running_time) else {
        return;
    };
    let frame = Scored {
        pts,
        running_time,
        score: f64::from(score),
    };
    let (selected, count) = {
        let found = &mut infer.state.lock().key_frames;
        if buffer.flags().contains(gst::BufferFlags::DISCONT) {
            found.reset();
        }
        let selected = found.take(frame, live.key_frame_threshold, live.key_frame_distance);
        (selected, found.count)
    };
    if let Some(peak) = selected {
        tell_key_frame(infer, &peak, count, KeyUnit::Asked);
    }
}

/// Ends the search for peaks with the stream.
pub(super) fn finish_key_frames(infer: &Infer) {
    let live = infer.settings.lock().answers.live;
    let (selected, count) = {
        let found = &mut infer.state.lock().key_frames;
        let selected = found.finish(live.key_frame_threshold, live.key_frame_distance);
        (selected, found.count)
    };
    if let Some(peak) = selected {
        tell_key_frame(infer, &peak, count, KeyUnit::TooLate);
    }
}

fn tell_key_frame(infer: &Infer, peak: &Scored, count: u32, unit: KeyUnit) {
    let segment = infer.obj().segment();
    let time = segment.downcast_ref::<gst::ClockTime>();
    let stream_time = time.and_then(|it| it.to_stream_time(peak.pts));
    gst::info!(
        CAT,
        imp = infer,
        "Key frame at {} with score {}",
        peak.pts,
        peak.score
    );
    if unit == KeyUnit::Asked {
        let event = gst_video::DownstreamForceKeyUnitEvent::builder()
            .timestamp(peak.pts)
            .stream_time(stream_time)
            .running_time(peak.running_time)
            .all_headers(true)
            .count(count)
            .build();
        if !infer.obj().src_pad().push_event(event) {
            gst::debug!(CAT, imp = infer, "Nobody downstream takes key frames");
        }
    }
    infer.post(messages::key_frame(peak, stream_time));
}

/// Copies a meta to a frame of another size: what tells positions is scaled, if it can be.
pub(super) fn scale_meta(
    infer: &Infer,
    meta: &gst::MetaRef<'_, gst::Meta>,
    target: &mut gst::BufferRef,
) -> bool {
    let stream = infer.state.lock().stream.clone();
    let tells_positions = meta.has_tag::<gst_video::video_meta::tags::Size>()
        || meta.has_tag::<gst_video::video_meta::tags::Orientation>();
    let Some((input, output)) = stream.filter(|_| tells_positions) else {
        return true;
    };
    if (input.width(), input.height()) == (output.width(), output.height()) {
        return true;
    }
    let transform = gst_video::video_meta::VideoMetaTransformScale::new(&input, &output);
    if let Err(error) = meta.transform(target, &transform) {
        gst::log!(CAT, imp = infer, "Dropping a meta that cannot be scaled: {error}");
    }
    false
}

/// Takes no buffers of downstream, which would be set up for nothing.
pub(super) fn refuse_pools(query: &mut gst::query::Allocation) {
    for index in (0..query.allocation_pools().count()).rev() {
        query.remove_nth_allocation_pool(index as u32);
    }
}

/// Offers buffers of our own where downstream has none.
pub(super) fn offer_pool(query: &mut gst::query::Allocation) -> Result<(), gst::LoggableError> {
    if query.allocation_pools().next().is_some() {
        return Ok(());
    }
    let Some(caps) = query.get().0.map(|caps| caps.to_owned()) else {
        return Ok(());
    };
    if caps.structure(0).is_some_and(super::caps::is_sound) {
        // Answers are written into the buffers that brought the sound.
        return Ok(());
    }
    let info = VideoInfo::from_caps(&caps).map_err(|_| gst::loggable_error!(CAT, "{caps} is no video"))?;
    let size = u32::try_from(info.size())
        .map_err(|_| gst::loggable_error!(CAT, "frames of {caps} are too large"))?;
    let pool = gst_video::VideoBufferPool::new();
    let mut config = pool.config();
    config.set_params(Some(&caps), size, 0, 0);
    if query.find_allocation_meta::<gst_video::VideoMeta>().is_some() {
        config.add_option(gst_video::BUFFER_POOL_OPTION_VIDEO_META);
    }
    pool.set_config(config)
        .map_err(|_| gst::loggable_error!(CAT, "the buffer pool refuses {caps}"))?;
    query.add_allocation_pool(Some(&pool), size, 0, 0);
    Ok(())
}
