// SPDX-License-Identifier: MPL-2.0

//! What happens on the pads: frames are timed, stamped and passed on; the reference stream ends here.

use std::time::Duration;

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::CAT;
use super::compare::Frame;
use super::imp::Probe;
use super::meter::{Meter, Sample};
use crate::elements::stamp;
use crate::messages::{ProbeMessage, Summary};

/// The first stream.
pub struct Stream {
    pub meter: Meter,
    timing: Reference,
    /// Frame duration from the caps.
    period: Option<gst::ClockTime>,
}

/// What is needed to place and read the frames of a stream.
#[derive(Debug, Default, Clone)]
pub struct Reference {
    /// `None` before the first segment and where it is not in time.
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    /// `None` where buffers cannot be read, because they lie in another memory than the system's.
    caps: Option<gst::Caps>,
}

impl Stream {
    pub fn new(window: usize) -> Self {
        Stream {
            meter: Meter::new(window),
            timing: Reference::default(),
            period: None,
        }
    }
}

impl Reference {
    fn set_segment(&mut self, event: &gst::event::Segment) {
        self.segment = event.segment().downcast_ref::<gst::ClockTime>().cloned();
    }

    fn set_caps(&mut self, caps: gst::Caps) {
        let plain = caps
            .features(0)
            .is_none_or(|it| it.contains(gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY));
        self.caps = Some(caps).filter(|_| plain);
    }

    fn running_time(&self, buffer: &gst::BufferRef) -> Option<gst::ClockTime> {
        self.segment.as_ref()?.to_running_time(buffer.pts()?)
    }

    fn frame(&self, buffer: &gst::Buffer) -> Option<Frame> {
        Some(Frame {
            buffer: buffer.clone(),
            caps: self.caps.clone()?,
            at: self.running_time(buffer)?,
        })
    }
}

pub fn templates() -> Vec<gst::PadTemplate> {
    let any = gst::Caps::new_any();
    let template =
        |name: &str, direction, presence| gst::PadTemplate::new(name, direction, presence, &any).ok();
    [
        template("sink", gst::PadDirection::Sink, gst::PadPresence::Always),
        template("src", gst::PadDirection::Src, gst::PadPresence::Always),
        template("reference", gst::PadDirection::Sink, gst::PadPresence::Request),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The two pads that the stream passes. Each is linked to the other inside, and the reference to none, so
/// that the default handlers proxy between these two only.
pub fn pads(class: &<Probe as ObjectSubclass>::Class) -> (gst::Pad, gst::Pad) {
    let flags = gst::PadFlags::PROXY_CAPS | gst::PadFlags::PROXY_ALLOCATION | gst::PadFlags::PROXY_SCHEDULING;
    let template = |name| class.pad_template(name);
    let sinkpad = builder(template("sink"), "sink", gst::PadDirection::Sink)
        .chain_function(|pad, parent, buffer| guard(parent, |probe| probe.pass(pad, buffer)))
        .chain_list_function(|pad, parent, list| guard(parent, |probe| probe.pass_list(pad, list)))
        .event_function(|pad, parent, event| {
            Probe::catch_panic_pad_function(parent, || false, |probe| probe.sink_event(pad, event))
        })
        .iterate_internal_links_function(|_, parent| inside(parent, |probe| probe.srcpad.clone()))
        .flags(flags)
        .build();
    let srcpad = builder(template("src"), "src", gst::PadDirection::Src)
        .iterate_internal_links_function(|_, parent| inside(parent, |probe| probe.sinkpad.clone()))
        .flags(flags)
        .build();
    (sinkpad, srcpad)
}

/// The pad for the true frames: takes everything, tells nobody, and offers video metas so that nothing
/// upstream copies its frames for it.
pub fn reference_pad(template: &gst::PadTemplate) -> gst::Pad {
    gst::Pad::builder_from_template(template)
        .name("reference")
        .chain_function(|_, parent, buffer| guard(parent, |probe| probe.take_reference(buffer)))
        .event_function(|_, parent, event| {
            Probe::catch_panic_pad_function(parent, || false, |probe| probe.reference_event(event))
        })
        .query_function(|pad, parent, query| {
            if let gst::QueryViewMut::Allocation(query) = query.view_mut() {
                query.add_allocation_meta::<gst_video::VideoMeta>(None);
                return true;
            }
            gst::Pad::query_default(pad, parent, query)
        })
        .iterate_internal_links_function(|_, _| gst::Iterator::from_vec(Vec::new()))
        .build()
}

fn builder(
    template: Option<gst::PadTemplate>,
    name: &str,
    direction: gst::PadDirection,
) -> gst::PadBuilder<gst::Pad> {
    match template {
        Some(template) => gst::Pad::builder_from_template(&template),
        None => gst::Pad::builder(direction).name(name),
    }
}

fn guard(
    parent: Option<&gst::Object>,
    run: impl FnOnce(&Probe) -> Result<gst::FlowSuccess, gst::FlowError>,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    Probe::catch_panic_pad_function(parent, || Err(gst::FlowError::Error), run)
}

fn inside(parent: Option<&gst::Object>, other: fn(&Probe) -> gst::Pad) -> gst::Iterator<gst::Pad> {
    let probe = parent.and_then(|parent| parent.downcast_ref::<super::Probe>());
    gst::Iterator::from_vec(probe.map(|probe| other(probe.imp())).into_iter().collect())
}

impl Probe {
    fn pass(&self, _pad: &gst::Pad, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let buffer = self.measure(buffer);
        self.srcpad.push(buffer)
    }

    fn pass_list(
        &self,
        _pad: &gst::Pad,
        mut list: gst::BufferList,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        list.make_mut()
            .foreach_mut(|buffer, _| std::ops::ControlFlow::Continue(Some(self.measure(buffer))));
        self.srcpad.push_list(list)
    }

    /// Takes the figures of a frame, tells them if it is time to, and gives the frame a new stamp.
    fn measure(&self, mut buffer: gst::Buffer) -> gst::Buffer {
        let now = gst::get_timestamp();
        let settings = *self.settings.lock();
        let stamped = stamp::read(&buffer);
        let (due, timing) = {
            let mut stream = self.stream.lock();
            let budget = Some(settings.budget).filter(|budget| !budget.is_zero());
            let sample = Sample {
                now,
                latency: stamped.map(|then| Duration::from(now.saturating_sub(then))),
                budget: budget.or(stream.period).or(buffer.duration()),
                running_time: stream.timing.running_time(&buffer),
            };
            (
                stream.meter.record(&sample, settings.interval),
                stream.timing.clone(),
            )
        };
        if let Some(summary) = due {
            let (pts, running_time) = (buffer.pts(), timing.running_time(&buffer));
            self.post(ProbeMessage {
                pts,
                running_time,
                is_final: false,
                summary,
                fidelity: None,
            });
        }
        stamp::stamp(buffer.make_mut(), gst::get_timestamp());
        if self.comparator.is_connected() {
            self.comparator.answer(timing.frame(&buffer));
        }
        buffer
    }

    fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Caps(caps) => {
                let mut stream = self.stream.lock();
                stream.timing.set_caps(caps.caps_owned());
                stream.period = period(caps.caps());
            }
            gst::EventView::Segment(segment) => self.stream.lock().timing.set_segment(segment),
            gst::EventView::FlushStart(_) => self.comparator.reset(),
            gst::EventView::FlushStop(_) => {
                self.stream.lock().timing.segment = None;
                self.comparator.reset();
            }
            gst::EventView::Eos(_) => self.end(),
            _ => (),
        }
        gst::Pad::event_default(pad, Some(&*self.obj()), event)
    }

    /// The last message, when what was pushed is measured.
    fn end(&self) {
        self.comparator.finish();
        let summary: Summary = self.stream.lock().meter.take_interval();
        self.post(ProbeMessage {
            pts: None,
            running_time: None,
            is_final: true,
            summary,
            fidelity: None,
        });
    }

    /// Posts the message with what was measured of quality since the one before.
    fn post(&self, message: ProbeMessage) {
        let message = ProbeMessage {
            fidelity: self.comparator.take_interval(),
            ..message
        };
        gst::log!(CAT, imp = self, "{message:?}");
        let obj = self.obj();
        let message = gst::message::Element::builder(message.into()).src(&*obj).build();
        // Fails only without a bus, that is outside of a pipeline.
        let _ = obj.post_message(message);
    }

    fn take_reference(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let timing = self.reference.lock().clone();
        if let Some(frame) = timing.frame(&buffer) {
            self.comparator.reference(frame);
        }
        Ok(gst::FlowSuccess::Ok)
    }

    fn reference_event(&self, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Caps(caps) => self.reference.lock().set_caps(caps.caps_owned()),
            gst::EventView::Segment(segment) => self.reference.lock().set_segment(segment),
            gst::EventView::FlushStop(_) => {
                self.reference.lock().segment = None;
                self.comparator.reset();
            }
            gst::EventView::Eos(_) => self.comparator.end_reference(),
            _ => (),
        }
        true
    }
}

/// The frame duration that caps tell; of variable frame rate (0/1) none.
fn period(caps: &gst::CapsRef) -> Option<gst::ClockTime> {
    let rate = caps.structure(0)?.get::<gst::Fraction>("framerate").ok()?;
    let (frames, seconds) = (
        u64::try_from(rate.numer()).ok()?,
        u64::try_from(rate.denom()).ok()?,
    );
    if frames == 0 {
        None
    } else {
        gst::ClockTime::SECOND.mul_div_floor(seconds, frames)
    }
}
