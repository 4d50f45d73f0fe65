// SPDX-License-Identifier: MPL-2.0

//! What goes out with samples beside them: their time, what came in with them, and what a lane said of them in metas,
//! kept by position until then.

use std::collections::VecDeque;
use std::ops::Range;

use gst::prelude::*;

use super::stream::AudioStream;
use crate::elements::stamp;

/// Metas that a lane put on its buffers, by the position at which the buffer began.
#[derive(Debug, Default)]
pub struct PositionedMetas {
    list: VecDeque<(u64, gst::Buffer)>,
}

impl PositionedMetas {
    /// Keeps the metas of a buffer, apart from its samples, if it has any that may be the candidate's own.
    pub fn keep(&mut self, position: u64, buffer: &gst::BufferRef) {
        let stamps = gst::ReferenceTimestampMeta::meta_api();
        let may_be_own = |it: &gst::MetaRef<gst::Meta>| is_about_content(it) && it.api() != stamps;
        if !buffer.iter_meta::<gst::Meta>().any(|it| may_be_own(&it)) {
            return;
        }
        let mut metas = gst::Buffer::new();
        let copied = metas
            .get_mut()
            .map(|it| buffer.copy_into(it, gst::BufferCopyFlags::META, ..));
        if let Some(Ok(())) = copied {
            self.list.push_back((position, metas));
        }
    }

    /// Forgets what was said before a position.
    pub fn forget(&mut self, before: u64) {
        while self.list.front().is_some_and(|it| it.0 < before) {
            self.list.pop_front();
        }
    }

    pub fn clear(&mut self) {
        self.list.clear();
    }

    /// What was said of a stretch, the oldest first, in buffers without samples.
    pub fn within(&self, stretch: Range<u64>) -> Vec<gst::Buffer> {
        let inside = self.list.iter().filter(|it| stretch.contains(&it.0));
        inside.map(|it| it.1.clone()).collect()
    }
}

/// Puts what was said on a buffer, apart from kinds of metas that it carries already: those came from the input.
pub fn put(said: &[gst::Buffer], buffer: &mut gst::BufferRef) {
    if said.is_empty() {
        return;
    }
    let carried: Vec<_> = buffer.iter_meta::<gst::Meta>().map(|it| it.api()).collect();
    for metas in said {
        let new = metas.iter_meta::<gst::Meta>();
        for meta in new.filter(|it| is_about_content(it) && !carried.contains(&it.api())) {
            // A meta that cannot be copied by itself is one that its author bound to the buffer.
            let _ = meta.transform(buffer, &gst::meta::MetaTransformCopy::new(..));
        }
    }
}

/// Flags of a buffer that came in which its samples keep wherever they go: not whether samples are missing before
/// it, which is another question where they go out, nor that they are silence, which a candidate may have changed.
fn kept_flags() -> gst::BufferFlags {
    gst::BufferFlags::LIVE
        | gst::BufferFlags::CORRUPTED
        | gst::BufferFlags::MARKER
        | gst::BufferFlags::DROPPABLE
}

/// Gives a buffer with samples of these positions their time, and the flags, the metas and the offset of the buffer that
/// the first one came in with, and what was `said` of it. `entered` is when the newest buffer came in, where one did.
pub fn apply(
    stream: &mut AudioStream,
    buffer: &mut gst::BufferRef,
    positions: Range<u64>,
    entered: Option<gst::ClockTime>,
    said: &[gst::Buffer],
) {
    let span = stream.timeline.span(positions.clone());
    if span.pts.is_some() {
        buffer.set_pts(span.pts);
        buffer.set_duration(span.duration);
    }
    let mut recent = stream.recent.iter();
    if let Some((came_in, frame)) = recent.find(|it| it.0.contains(&positions.start)) {
        buffer.set_flags(frame.flags() & kept_flags());
        let offset = frame.offset();
        if offset != gst::ffi::GST_BUFFER_OFFSET_NONE {
            let offset = offset + (positions.start - came_in.start);
            buffer.set_offset(offset);
            buffer.set_offset_end(offset + (positions.end - positions.start));
        }
        for meta in frame.iter_meta::<gst::Meta>() {
            // A meta that cannot be copied by itself is one that its author bound to the buffer.
            let _ = meta.transform(buffer, &gst::meta::MetaTransformCopy::new(..));
        }
    }
    put(said, buffer);
    if std::mem::take(&mut stream.is_discontinuous) {
        buffer.set_flags(gst::BufferFlags::DISCONT);
    }
    match entered {
        Some(entered) => stamp::stamp(buffer, entered),
        None => stamp::remove(buffer),
    }
}

/// Whether a meta stays true whatever size and layout the samples have.
fn is_about_content(meta: &gst::MetaRef<gst::Meta>) -> bool {
    meta.tags().is_empty()
}
