// SPDX-License-Identifier: MPL-2.0

//! The mark that says when a frame entered: the measure of frame latency between two avrec elements.
//!
//! A stamp is a `GstReferenceTimestampMeta` whose reference caps are `timestamp/x-avrec` and whose
//! timestamp is monotonic time ([`gst::get_timestamp`]). It lives in the metas, so it follows the
//! frame through stock elements, which copy such metas to the buffers that they make.

use std::ops::ControlFlow;

use gst::buffer::BufferMetaForeachAction as Action;
use once_cell::sync::Lazy;

/// Caps that tell our stamps from the reference timestamps of others (NTP, RTP, decklink).
static REFERENCE: Lazy<gst::Caps> = Lazy::new(|| {
    let mut caps = gst::Caps::new_empty_simple("timestamp/x-avrec");
    // They live as long as the process does, and the leaks tracer should know.
    caps.make_mut().mark_may_be_leaked();
    caps
});

/// Puts `now` on the buffer and takes earlier stamps off, so that the nearest upstream one counts.
///
/// `now` is monotonic time as [`gst::get_timestamp`] gives it.
pub fn stamp(buffer: &mut gst::BufferRef, now: gst::ClockTime) {
    remove(buffer);
    gst::ReferenceTimestampMeta::add(buffer, &REFERENCE, now, gst::ClockTime::NONE);
}

/// The time that the buffer was stamped with, or `None` when it carries no stamp of ours.
pub fn read(buffer: &gst::BufferRef) -> Option<gst::ClockTime> {
    buffer
        .iter_meta::<gst::ReferenceTimestampMeta>()
        .find(|meta| is_ours(meta))
        .map(|meta| meta.timestamp())
}

/// Takes our stamps off; the reference timestamps of others stay.
pub fn remove(buffer: &mut gst::BufferRef) {
    buffer.foreach_meta_mut(|mut meta| {
        let ours = meta
            .downcast_ref::<gst::ReferenceTimestampMeta>()
            .is_some_and(|meta| is_ours(meta));
        ControlFlow::Continue(if ours { Action::Remove } else { Action::Keep })
    });
}

/// Compares by address first: caps are shared along the stream, so the deep comparison is rare.
fn is_ours(meta: &gst::ReferenceTimestampMeta) -> bool {
    let reference = meta.reference();
    std::ptr::eq(reference.as_ptr(), REFERENCE.as_ptr()) || reference == REFERENCE.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign() -> gst::Caps {
        gst::Caps::new_empty_simple("timestamp/x-ntp")
    }

    #[test]
    fn the_newest_stamp_replaces_ours_and_leaves_the_foreign() {
        gst::init().unwrap();
        let mut buffer = gst::Buffer::with_size(16).unwrap();
        let buffer = buffer.get_mut().unwrap();
        gst::ReferenceTimestampMeta::add(buffer, &foreign(), gst::ClockTime::from_seconds(7), None);
        assert_eq!(read(buffer), None);

        stamp(buffer, gst::ClockTime::from_mseconds(3));
        stamp(buffer, gst::ClockTime::from_mseconds(5));
        assert_eq!(read(buffer), Some(gst::ClockTime::from_mseconds(5)));
        assert_eq!(buffer.iter_meta::<gst::ReferenceTimestampMeta>().count(), 2);

        remove(buffer);
        assert_eq!(read(buffer), None);
        let left: Vec<_> = buffer
            .iter_meta::<gst::ReferenceTimestampMeta>()
            .map(|meta| meta.timestamp())
            .collect();
        assert_eq!(left, [gst::ClockTime::from_seconds(7)]);
    }

    #[test]
    fn a_stamp_follows_the_frame_through_a_copy() {
        gst::init().unwrap();
        let mut buffer = gst::Buffer::with_size(16).unwrap();
        stamp(buffer.get_mut().unwrap(), gst::ClockTime::from_mseconds(5));
        assert_eq!(read(&buffer.copy()), Some(gst::ClockTime::from_mseconds(5)));
    }
}
