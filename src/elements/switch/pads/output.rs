// SPDX-License-Identifier: MPL-2.0

//! What leaves the switch: events in their order, and each answer made to look like the frame it answers.

use crate::elements::stamp;
use crate::elements::switch::lanes::elements::LaneOutput;

/// Order of the sticky events downstream.
///
/// The caps of the stream are those of the lane that answers, so they are known only with the first
/// answer. What must follow the caps (the segment first of all) waits for it here.
#[derive(Debug, Default)]
pub struct StickyOrder {
    caps: Option<gst::Caps>,
    waiting: Vec<gst::Event>,
}

impl StickyOrder {
    /// Caps that downstream works with now.
    pub fn caps(&self) -> Option<&gst::Caps> {
        self.caps.as_ref()
    }

    /// Takes a serialized event (other than caps) and returns what may go out now.
    pub fn event(&mut self, event: gst::Event) -> Vec<gst::Event> {
        match event.type_() {
            gst::EventType::StreamStart => vec![event],
            // Nothing more will come, so nothing needs to wait any longer.
            gst::EventType::Eos => {
                let mut events = std::mem::take(&mut self.waiting);
                events.push(event);
                events
            }
            _ if self.caps.is_none() => {
                self.waiting.push(event);
                Vec::new()
            }
            _ => vec![event],
        }
    }

    /// Events that must go out before a buffer with these caps.
    pub fn before(&mut self, caps: Option<&gst::Caps>) -> Vec<gst::Event> {
        let mut events = Vec::new();
        if let Some(caps) = caps.filter(|it| self.caps.as_ref() != Some(*it)) {
            events.push(gst::event::Caps::new(caps));
            self.caps = Some(caps.clone());
        }
        events.append(&mut self.waiting);
        events
    }

    /// A flush drops what waits, as it would have dropped it downstream.
    pub fn flush(&mut self) {
        self.waiting.clear();
    }
}

/// Flags that say something about the stream, not about the pixels.
fn stream_flags() -> gst::BufferFlags {
    gst::BufferFlags::LIVE
        | gst::BufferFlags::DISCONT
        | gst::BufferFlags::RESYNC
        | gst::BufferFlags::CORRUPTED
        | gst::BufferFlags::MARKER
        | gst::BufferFlags::HEADER
        | gst::BufferFlags::GAP
        | gst::BufferFlags::DROPPABLE
        | gst::BufferFlags::DELTA_UNIT
        | gst::BufferFlags::SYNC_AFTER
        | gst::BufferFlags::NON_DROPPABLE
}

/// Gives an answer the time stamps, the stream flags, the lost metas and the stamp of the frame that it answers.
///
/// Costs nothing but a look where the candidate kept them, as stock elements do.
pub fn restamp(frame: &gst::BufferRef, entered: gst::ClockTime, answer: &mut LaneOutput) {
    let flags = stream_flags();
    let is_same = |it: &gst::BufferRef| {
        it.pts() == frame.pts()
            && it.dts() == frame.dts()
            && it.duration() == frame.duration()
            && it.offset() == frame.offset()
            && it.offset_end() == frame.offset_end()
            && it.flags() & flags == frame.flags() & flags
    };
    if !is_same(&answer.buffer) {
        let buffer = answer.buffer.make_mut();
        buffer.set_pts(frame.pts());
        buffer.set_dts(frame.dts());
        buffer.set_duration(frame.duration());
        buffer.set_offset(frame.offset());
        buffer.set_offset_end(frame.offset_end());
        buffer.unset_flags(flags);
        buffer.set_flags(frame.flags() & flags);
    }
    copy_lost_metas(frame, answer);
    if stamp::read(&answer.buffer) != Some(entered) {
        stamp::stamp(answer.buffer.make_mut(), entered);
    }
}

/// Copies the metas that do not depend on the pixels' layout and that the candidate did not carry over.
fn copy_lost_metas(frame: &gst::BufferRef, answer: &mut LaneOutput) {
    let is_lost = |meta: &gst::MetaRef<gst::Meta>| {
        meta.tags().is_empty()
            && !answer
                .buffer
                .iter_meta::<gst::Meta>()
                .any(|it| it.api() == meta.api())
    };
    if !frame.iter_meta::<gst::Meta>().any(|meta| is_lost(&meta)) {
        return;
    }
    let lost: Vec<_> = frame.iter_meta::<gst::Meta>().filter(is_lost).collect();
    let buffer = answer.buffer.make_mut();
    for meta in lost {
        // A meta that cannot be copied by itself is one that its author bound to the buffer.
        let _ = meta.transform(buffer, &gst::meta::MetaTransformCopy::new(..));
    }
}
