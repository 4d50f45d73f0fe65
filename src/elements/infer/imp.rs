// SPDX-License-Identifier: MPL-2.0

//! The element as GStreamer sees it; every body leads to the file that has the matter.

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::subclass::base_transform::{GenerateOutputSuccess, InputBuffer, PrepareOutputBufferSuccess};
use gst_base::subclass::prelude::*;
use once_cell::sync::Lazy;

use super::element::Infer;
use super::failure::Fault;
use super::model::BufferMode;
use super::state::Waiting;
use super::video::{self, Passing};
use super::{CAT, audio, caps, model_swap, settings};
use crate::elements::allocation;
use crate::elements::author::AUTHOR;
use crate::elements::json;
use crate::elements::preset::keep_settings_only;
use crate::runtime::library::{self, LogLevel};

/// The log of ONNX Runtime itself; GStreamer's own element may have made the category already.
static RUNTIME_CAT: Lazy<gst::DebugCategory> = Lazy::new(|| {
    gst::DebugCategory::get("onnxruntime").unwrap_or_else(|| {
        gst::DebugCategory::new("onnxruntime", gst::DebugColorFlags::empty(), Some("ONNX Runtime"))
    })
});

// SAFETY: the function that is put in has the interface's signature and keeps its rules of ownership.
unsafe impl glib::subclass::types::IsImplementable<Infer> for gst::Preset {
    fn interface_init(iface: &mut glib::Interface<gst::Preset>) {
        keep_settings_only(iface.as_mut());
    }
}

impl ObjectImpl for Infer {
    fn constructed(&self) {
        self.parent_constructed();
        library::set_log_hook(log_runtime);
    }

    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: Lazy<Vec<glib::ParamSpec>> = Lazy::new(settings::properties);
        &PROPERTIES
    }

    fn signals() -> &'static [glib::subclass::Signal] {
        static SIGNALS: Lazy<Vec<glib::subclass::Signal>> = Lazy::new(|| vec![json::to_json_signal()]);
        &SIGNALS
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        self.settings.lock().set(value, pspec);
        if matches!(pspec.name(), "model-file" | "labels-file") {
            model_swap::reload(self);
        }
    }

    fn property(&self, _id: usize, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "stats" => gst::Structure::from(self.stats()).to_value(),
            "stats-json" => json::stats_value(self.stats()),
            "model-file" => {
                let running = self.published.lock().running_file();
                running.map_or_else(|| self.settings.lock().get(pspec), |it| it.to_value())
            }
            "provider-options" => self.settings.lock().provider_options().to_value(),
            _ => self.settings.lock().get(pspec),
        }
    }
}

impl GstObjectImpl for Infer {}

impl ElementImpl for Infer {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: Lazy<gst::subclass::ElementMetadata> = Lazy::new(|| {
            gst::subclass::ElementMetadata::new(
                "avrec inference",
                "Filter/Effect/Video/Audio",
                "Runs an ONNX model on video or audio, and swaps models while playing",
                AUTHOR,
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: Lazy<Vec<gst::PadTemplate>> = Lazy::new(|| {
            let pads = [("sink", gst::PadDirection::Sink), ("src", gst::PadDirection::Src)];
            let caps = caps::template();
            let template =
                |(name, direction)| gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps);
            pads.into_iter().filter_map(|pad| template(pad).ok()).collect()
        });
        &TEMPLATES
    }

    fn change_state(
        &self,
        transition: gst::StateChange,
    ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::PausedToReady {
            // The base class waits for the streaming thread, which may wait for a model, or for a run.
            self.set_waiting(Waiting::Forbidden);
            model_swap::give_up(self);
        }
        self.parent_change_state(transition)
    }
}

impl BaseTransformImpl for Infer {
    const MODE: gst_base::subclass::BaseTransformMode = gst_base::subclass::BaseTransformMode::Both;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = true;

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        model_swap::begin(self).map_err(|fault| fault.message())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        model_swap::end(self);
        Ok(())
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::FlushStart(_) => self.set_waiting(Waiting::Forbidden),
            gst::EventView::FlushStop(_) => {
                audio::forget_sound(self);
                self.set_waiting(Waiting::Allowed);
            }
            gst::EventView::Caps(_) => return video::take_caps(self, event),
            // Caps go before the segment; without a model this one is not needed either.
            gst::EventView::Segment(_) if model_swap::catch_up(self).is_err() => return true,
            gst::EventView::Eos(_) => {
                audio::drain_ahead(self);
                video::finish_key_frames(self);
            }
            gst::EventView::Gap(_) => audio::drain_ahead(self),
            gst::EventView::Segment(_) | gst::EventView::StreamStart(_) => audio::end_segment(self),
            _ => {}
        }
        self.parent_sink_event(event)
    }

    fn transform_caps(
        &self,
        direction: gst::PadDirection,
        caps: &gst::Caps,
        filter: Option<&gst::Caps>,
    ) -> Option<gst::Caps> {
        let model = self.state.lock().model().cloned();
        let other = caps::transform(direction, caps, model.as_deref());
        let other = filter
            .map(|it| it.intersect_with_mode(&other, gst::CapsIntersectMode::First))
            .unwrap_or(other);
        gst::log!(CAT, imp = self, "{caps} on one side is {other} on the other");
        Some(other)
    }

    fn set_caps(&self, incaps: &gst::Caps, outcaps: &gst::Caps) -> Result<(), gst::LoggableError> {
        video::settle(self, incaps, outcaps)
    }

    fn unit_size(&self, caps: &gst::Caps) -> Option<usize> {
        if caps.structure(0).is_some_and(caps::is_sound) {
            let info = gst_audio::AudioInfo::from_caps(caps).ok()?;
            return Some(info.bpf() as usize);
        }
        gst_video::VideoInfo::from_caps(caps).ok().map(|info| info.size())
    }

    fn transform_size(
        &self,
        _direction: gst::PadDirection,
        _caps: &gst::Caps,
        size: usize,
        othercaps: &gst::Caps,
    ) -> Option<usize> {
        if othercaps.structure(0).is_some_and(caps::is_sound) {
            return Some(size);
        }
        // Frames with strides of their own are no multiple of the plain size.
        self.unit_size(othercaps)
    }

    fn propose_allocation(
        &self,
        decide_query: Option<&gst::query::Allocation>,
        query: &mut gst::query::Allocation,
    ) -> Result<(), gst::LoggableError> {
        self.parent_propose_allocation(decide_query, query)?;
        allocation::keep_readable(query);
        // Without a query of its own the element passes frames on, and what downstream can do counts.
        if decide_query.is_some() && query.find_allocation_meta::<gst_video::VideoMeta>().is_none() {
            query.add_allocation_meta::<gst_video::VideoMeta>(None);
        }
        Ok(())
    }

    fn decide_allocation(&self, query: &mut gst::query::Allocation) -> Result<(), gst::LoggableError> {
        match self.passage() {
            BufferMode::Replaced => video::offer_pool(query)?,
            // Frames stay in the memory they came in.
            BufferMode::InPlace | BufferMode::Untouched => video::refuse_pools(query),
        }
        self.parent_decide_allocation(query)
    }

    fn transform_meta<'a>(
        &self,
        outbuf: &mut gst::BufferRef,
        meta: gst::MetaRef<'a, gst::Meta>,
        _inbuf: &'a gst::BufferRef,
    ) -> bool {
        // What describes the memory of the input is not true of the output.
        !meta.has_tag::<gst::meta::tags::Memory>() && video::scale_meta(self, &meta, outbuf)
    }

    fn query(&self, direction: gst::PadDirection, query: &mut gst::QueryRef) -> bool {
        match query.view_mut() {
            gst::QueryViewMut::Latency(query) if direction == gst::PadDirection::Src => {
                audio::answer_latency(self, query)
            }
            view => {
                if let (gst::QueryViewMut::AcceptCaps(query), gst::PadDirection::Sink) = (view, direction)
                    && let Some(memory) = caps::memory_elsewhere(query.caps())
                {
                    // Refused below; who sent them says no more than that caps are not negotiated.
                    Fault::Elsewhere { memory }.post_warning(&self.obj());
                }
                let is_answered = BaseTransformImplExt::parent_query(self, direction, query);
                if direction == gst::PadDirection::Sink {
                    let model = self.state.lock().model().cloned();
                    caps::hide_tensors(query, model.as_deref());
                }
                is_answered
            }
        }
    }

    fn generate_output(&self) -> Result<GenerateOutputSuccess, gst::FlowError> {
        audio::generate(self)
    }

    fn submit_input_buffer(
        &self,
        is_discont: bool,
        inbuf: gst::Buffer,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        video::submit(self, is_discont, inbuf)
    }

    fn prepare_output_buffer(
        &self,
        inbuf: InputBuffer,
    ) -> Result<PrepareOutputBufferSuccess, gst::FlowError> {
        match (self.passage(), inbuf) {
            (BufferMode::InPlace, InputBuffer::Writable(_)) => Ok(PrepareOutputBufferSuccess::InputBuffer),
            // Metas need a buffer of our own, not memory of our own.
            (BufferMode::InPlace, InputBuffer::Readable(shared)) => {
                Ok(PrepareOutputBufferSuccess::Buffer(shared.copy()))
            }
            (_, inbuf) => self.parent_prepare_output_buffer(inbuf),
        }
    }

    fn transform_ip(&self, buf: &mut gst::BufferRef) -> Result<gst::FlowSuccess, gst::FlowError> {
        video::answer_in_place(self, buf)
    }

    fn transform(
        &self,
        inbuf: &gst::Buffer,
        outbuf: &mut gst::BufferRef,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        video::answer_picture(self, inbuf, outbuf)
    }

    fn transform_ip_passthrough(&self, buf: &gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        video::answer_tensors(self, Passing::Shared(buf))
    }
}

/// Routes the log of ONNX Runtime to a debug category.
fn log_runtime(level: LogLevel, place: &str, message: &str) {
    match level {
        LogLevel::Error => gst::error!(RUNTIME_CAT, "{message} ({place})"),
        LogLevel::Warning => gst::warning!(RUNTIME_CAT, "{message} ({place})"),
        LogLevel::Info => gst::info!(RUNTIME_CAT, "{message} ({place})"),
        LogLevel::Debug => gst::debug!(RUNTIME_CAT, "{message} ({place})"),
    }
}
