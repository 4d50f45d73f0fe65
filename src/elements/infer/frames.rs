// SPDX-License-Identifier: MPL-2.0

//! What happens with caps and with each frame.

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::prelude::*;
use gst_base::subclass::prelude::*;
use gst_video::VideoInfo;

use super::active::Active;
use super::failure::Fault;
use super::imp::{CAT, Infer};
use super::messages;
use super::state::SinkCaps;
use super::stats::Running;

impl Infer {
    /// Holds caps until a model is there, since their transformation depends on it.
    pub(super) fn take_caps(&self, event: gst::Event) -> bool {
        if let Err(error) = self.wait_for_model() {
            gst::debug!(CAT, imp = self, "No model for these caps yet: {error}");
            self.state.lock().sink_caps = SinkCaps::Outstanding;
            // Refusing them would be an error upstream, where the next buffer gets the true reason.
            return true;
        }
        self.state.lock().sink_caps = SinkCaps::Settled;
        self.swap();
        self.parent_sink_event(event)
    }

    /// Makes the model ready for these caps.
    pub(super) fn settle(&self, incaps: &gst::Caps, outcaps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let info = |caps: &gst::Caps| {
            VideoInfo::from_caps(caps)
                .map_err(|_| gst::loggable_error!(CAT, "{caps} is no video that can be read"))
        };
        let (input, output) = (info(incaps)?, info(outcaps)?);
        let taken = self.state.lock().active.take();
        let mut active = taken.ok_or_else(|| gst::loggable_error!(CAT, "no model is loaded for {incaps}"))?;
        let result = active.adopt(&input, &output);
        let (passes, dims) = (!active.model.task.replaces(), active.input_dims());
        let running = Running::new(&active);
        {
            let mut state = self.state.lock();
            state.active = Some(active);
            state.stream = result.is_ok().then_some((input, output));
        }
        if let Err(fault) = result {
            fault.post_error(&self.obj());
            return Err(gst::loggable_error!(CAT, "{fault}"));
        }
        self.published.lock().running = Some(running);
        gst::debug!(
            CAT,
            imp = self,
            "Tensors of shape {dims:?} from {incaps}, {outcaps} out"
        );
        self.obj().set_passthrough(passes);
        Ok(())
    }

    /// Runs before each frame: lets a new model take over first.
    pub(super) fn submit(
        &self,
        is_discont: bool,
        buffer: gst::Buffer,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        self.catch_up()?;
        self.swap();
        self.published.lock().frames_in += 1;
        self.parent_submit_input_buffer(is_discont, buffer)
    }

    /// Answers a frame with a picture.
    pub(super) fn answer_picture(
        &self,
        source: &gst::BufferRef,
        target: &mut gst::BufferRef,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let result = self.with_active(|active| active.picture(source, target))?;
        let timing = result.map_err(|fault| self.fail(&fault))?;
        let mut published = self.published.lock();
        published.ran(timing);
        published.frames_out += 1;
        Ok(gst::FlowSuccess::Ok)
    }

    /// Answers a frame with tensors, posted as a message; the frame passes.
    pub(super) fn answer_tensors(&self, buffer: &gst::BufferRef) -> Result<gst::FlowSuccess, gst::FlowError> {
        let interval = self.settings.lock().inference_interval;
        let running_time = self.running_time(buffer);
        let result = self.with_active(|active| {
            let model = active.model.clone();
            let answer = active.tensors(buffer, interval)?;
            let answer = answer.map(|(outputs, timing)| {
                (
                    messages::tensors(&model, outputs, buffer.pts(), running_time),
                    timing,
                )
            });
            Ok(answer)
        })?;
        let answer = result.map_err(|fault: Fault| self.fail(&fault))?;
        let timing = answer.map(|(structure, timing)| {
            self.post(structure);
            timing
        });
        let mut published = self.published.lock();
        timing.into_iter().for_each(|timing| published.ran(timing));
        published.frames_out += 1;
        Ok(gst::FlowSuccess::Ok)
    }

    /// Moves the model out of the state for as long as it works, so that nothing waits for it.
    fn with_active<T>(&self, work: impl FnOnce(&mut Active) -> T) -> Result<T, gst::FlowError> {
        let taken = self.state.lock().active.take();
        let mut active = taken.ok_or(gst::FlowError::NotNegotiated)?;
        let result = work(&mut active);
        // Only this thread puts a model here, and it is not stopped before it returns.
        self.state.lock().active = Some(active);
        Ok(result)
    }

    fn fail(&self, fault: &Fault) -> gst::FlowError {
        gst::error!(CAT, imp = self, "{fault}");
        fault.post_error(&self.obj());
        gst::FlowError::Error
    }

    fn running_time(&self, buffer: &gst::BufferRef) -> Option<gst::ClockTime> {
        let segment = self.obj().segment();
        segment
            .downcast_ref::<gst::ClockTime>()?
            .to_running_time(buffer.pts()?)
    }

    /// Copies a meta to a frame of another size: what tells positions is scaled, if it can be.
    pub(super) fn scale_meta(&self, meta: &gst::MetaRef<'_, gst::Meta>, target: &mut gst::BufferRef) -> bool {
        let stream = self.state.lock().stream.clone();
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
            gst::log!(CAT, imp = self, "Dropping a meta that cannot be scaled: {error}");
        }
        false
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
