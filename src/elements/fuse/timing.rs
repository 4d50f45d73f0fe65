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
    /// Of sound, how long its bytes are.
    sound: Option<gst_audio::AudioInfo>,
    /// Where the last buffer ended, in time of the stream.
    ended: Option<gst::ClockTime>,
}

impl Timing {
    pub fn set_caps(&mut self, caps: &gst::CapsRef) {
        self.sound = gst_audio::AudioInfo::from_caps(caps).ok();
    }

    /// Whether it is in time.
    pub fn set_segment(&mut self, event: &gst::event::Segment) -> bool {
        self.segment = event.segment().downcast_ref::<gst::ClockTime>().cloned();
        self.ended = None;
        self.segment.is_some()
    }

    pub fn clear(&mut self) {
        (self.segment, self.ended) = (None, None);
    }

    pub fn running_time(&self, time: Option<gst::ClockTime>) -> Option<Duration> {
        self.segment.as_ref()?.to_running_time(time?).map(Duration::from)
    }

    /// Running time at which a buffer ends, or begins where nothing says how long it is. One without PTS goes on where the one
    /// before it ended, at first at the start of the segment.
    pub fn end(&mut self, buffer: &gst::BufferRef) -> Option<Duration> {
        let start = buffer.pts().or(self.ended);
        let start = start.or_else(|| self.segment.as_ref()?.start())?;
        let bytes = gst::format::Bytes::from_usize(buffer.size());
        let by_bytes = || self.sound.as_ref()?.convert::<Option<gst::ClockTime>>(bytes)?;
        let duration = buffer.duration().or_else(by_bytes);
        self.end_of(start, duration)
    }

    /// Running time at which what is so long ends.
    pub fn end_of(&mut self, start: gst::ClockTime, duration: Option<gst::ClockTime>) -> Option<Duration> {
        let segment = self.segment.as_ref()?;
        let end = start.saturating_add(duration.unwrap_or(gst::ClockTime::ZERO));
        // What reaches beyond the segment ends with it.
        let end = segment.stop().map_or(end, |stop| end.min(stop));
        self.ended = Some(end);
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

#[cfg(test)]
mod tests {
    use super::*;
    use gst::ClockTime;

    const MS: ClockTime = ClockTime::MSECOND;

    /// Of a segment from 100 to 500 ms, of mono at 16 kHz and 2 bytes a sample.
    fn timing() -> Timing {
        gst::init().unwrap();
        let mut segment = gst::FormattedSegment::<ClockTime>::new();
        segment.set_start(100 * MS);
        segment.set_stop(500 * MS);
        let mut timing = Timing::default();
        assert!(set(&mut timing, segment.upcast_ref()));
        let info = gst_audio::AudioInfo::builder(gst_audio::AudioFormat::S16le, 16000, 1).build();
        timing.set_caps(&info.unwrap().to_caps().unwrap());
        timing
    }

    fn set(timing: &mut Timing, segment: &gst::Segment) -> bool {
        let event = gst::event::Segment::new(segment);
        let gst::EventView::Segment(event) = event.view() else {
            panic!("a segment");
        };
        timing.set_segment(event)
    }

    fn ms(ms: u64) -> Option<Duration> {
        Some(Duration::from_millis(ms))
    }

    #[test]
    fn sound_without_times_goes_on_where_it_ended() {
        let mut timing = timing();
        let twenty_ms = gst::Buffer::with_size(640).unwrap();
        assert_eq!(timing.end(&twenty_ms), ms(20));
        assert_eq!(timing.end(&twenty_ms), ms(40));
        let mut placed = twenty_ms.copy();
        placed.get_mut().unwrap().set_pts(300 * MS);
        placed.get_mut().unwrap().set_duration(50 * MS);
        assert_eq!(timing.end(&placed), ms(250));
        assert_eq!(timing.end(&twenty_ms), ms(270));
        timing.clear();
        assert_eq!(timing.end(&twenty_ms), None);
    }

    #[test]
    fn what_is_too_long_ends_with_the_segment() {
        let mut timing = timing();
        for duration in [100 * MS, ClockTime::MAX] {
            assert_eq!(timing.end_of(450 * MS, Some(duration)), ms(400));
        }
        assert_eq!(timing.end_of(450 * MS, None), ms(350));
        let bytes = gst::FormattedSegment::<gst::format::Bytes>::new();
        assert!(!set(&mut timing, bytes.upcast_ref()));
        assert_eq!(timing.end_of(450 * MS, None), None);
    }
}
