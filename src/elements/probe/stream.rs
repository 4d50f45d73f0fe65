// SPDX-License-Identifier: MPL-2.0

//! What is known of the streams that come on the pads.

use gst::prelude::*;

use super::compare::Frame;
use super::meter::Meter;

/// The first stream.
pub struct Stream {
    pub meter: Meter,
    pub timing: Timing,
    /// Frame duration from the caps.
    pub period: Option<gst::ClockTime>,
}

/// What is needed to place and read the frames of a stream.
#[derive(Debug, Default, Clone)]
pub struct Timing {
    /// `None` before the first segment and where it is not in time.
    pub segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    /// `None` where buffers cannot be read, because they lie in another memory than the system's.
    caps: Option<gst::Caps>,
}

impl Stream {
    pub fn new(window: usize) -> Self {
        Stream {
            meter: Meter::new(window),
            timing: Timing::default(),
            period: None,
        }
    }
}

impl Timing {
    pub fn set_segment(&mut self, event: &gst::event::Segment) {
        self.segment = event.segment().downcast_ref::<gst::ClockTime>().cloned();
    }

    pub fn set_caps(&mut self, caps: gst::Caps) {
        let plain = caps
            .features(0)
            .is_none_or(|it| it.contains(gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY));
        self.caps = Some(caps).filter(|_| plain);
    }

    pub fn running_time(&self, buffer: &gst::BufferRef) -> Option<gst::ClockTime> {
        self.segment.as_ref()?.to_running_time(buffer.pts()?)
    }

    pub fn frame(&self, buffer: &gst::Buffer) -> Option<Frame> {
        Some(Frame {
            buffer: buffer.clone(),
            caps: self.caps.clone()?,
            at: self.running_time(buffer)?,
        })
    }
}

/// The frame duration that caps tell; of variable frame rate (0/1) none.
pub fn period(caps: &gst::CapsRef) -> Option<gst::ClockTime> {
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
