// SPDX-License-Identifier: MPL-2.0

//! When what comes on a pad is, and what it is.

use std::time::Duration;

use crate::media::metas;
use crate::recommend::fusion::Answer;

/// What a pad was told of its stream.
#[derive(Debug, Default, Clone)]
pub struct Timing {
    /// `None` before the first segment and where it is not in time.
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
}

impl Timing {
    pub fn set_segment(&mut self, event: &gst::event::Segment) {
        self.segment = event.segment().downcast_ref::<gst::ClockTime>().cloned();
    }

    pub fn clear(&mut self) {
        self.segment = None;
    }

    pub fn running_time(&self, time: Option<gst::ClockTime>) -> Option<Duration> {
        self.segment.as_ref()?.to_running_time(time?).map(Duration::from)
    }

    /// Running time at which a buffer ends, or begins where it does not say how long it is.
    pub fn end(&self, buffer: &gst::BufferRef) -> Option<Duration> {
        let end = buffer.pts()? + buffer.duration().unwrap_or(gst::ClockTime::ZERO);
        let segment = self.segment.as_ref()?;
        // One that reaches beyond the segment ends with it.
        let end = segment.stop().map_or(end, |stop| end.min(stop));
        segment.to_running_time(end).map(Duration::from)
    }
}

/// The answer that a buffer carries: a number, classes, or what is neither. `None` where nobody said anything.
pub fn answer(buffer: &gst::BufferRef) -> Option<Answer> {
    if let Some(text) = metas::text(buffer) {
        return (!text.text.is_empty()).then_some(Answer::Other("text"));
    }
    if let Some(score) = metas::score(buffer) {
        return Some(Answer::Score(score.into()));
    }
    if let Some(classes) = metas::classes(buffer) {
        let shares = classes.iter().map(|it| (it.class, f64::from(it.confidence)));
        let shares: Vec<_> = shares.collect();
        return (!shares.is_empty()).then_some(Answer::Classes(shares));
    }
    (!metas::detections(buffer).is_empty()).then_some(Answer::Other("boxes"))
}
