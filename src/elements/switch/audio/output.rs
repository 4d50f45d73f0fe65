// SPDX-License-Identifier: MPL-2.0

//! The buffers that sound goes out in.

use gst::prelude::*;

use super::metas;
use super::stream::AudioStream;
use crate::elements::stamp;

/// Buffers of one size, used again and again.
#[derive(Debug, Default)]
pub struct OutputPool {
    pool: Option<gst::BufferPool>,
    /// Bytes of a buffer.
    size: usize,
}

impl OutputPool {
    /// A buffer of so many bytes.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub fn take(&mut self, size: usize) -> Result<gst::Buffer, gst::FlowError> {
        if self.size < size {
            self.refill(size).map_err(|_| gst::FlowError::Error)?;
        }
        let pool = self.pool.as_ref().ok_or(gst::FlowError::Error)?;
        let mut buffer = pool.acquire_buffer(None)?;
        buffer.get_mut().ok_or(gst::FlowError::Error)?.set_size(size);
        Ok(buffer)
    }

    fn refill(&mut self, size: usize) -> Result<(), gst::glib::BoolError> {
        self.empty();
        let pool = gst::BufferPool::new();
        let mut config = pool.config();
        let bytes = u32::try_from(size).unwrap_or(u32::MAX);
        config.set_params(None, bytes, 0, 0);
        pool.set_config(config)?;
        pool.set_active(true)?;
        (self.pool, self.size) = (Some(pool), size);
        Ok(())
    }

    fn empty(&mut self) {
        if let Some(pool) = self.pool.take() {
            // Buffers that are still out are freed when they come back.
            let _ = pool.set_active(false);
        }
        self.size = 0;
    }
}

impl Drop for OutputPool {
    fn drop(&mut self) {
        self.empty();
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

impl AudioStream {
    /// Gives a buffer that begins at a position its time, and the flags, the metas and the offset of the buffer that
    /// its first sample came in with, and what was `said` of it. `entered` is when the newest one did, or nothing where none did.
    pub fn apply_metadata(
        &mut self,
        buffer: &mut gst::BufferRef,
        begin: u64,
        entered: Option<gst::ClockTime>,
        said: &[gst::Buffer],
    ) {
        let Some(samples) = self.spec.samples_of(buffer.size()) else {
            return;
        };
        let span = self.timeline.span(begin..begin + samples);
        if span.pts.is_some() {
            buffer.set_pts(span.pts);
            buffer.set_duration(span.duration);
        }
        if let Some((positions, frame)) = self.recent.iter().find(|it| it.0.contains(&begin)) {
            buffer.set_flags(frame.flags() & kept_flags());
            let offset = frame.offset();
            if offset != gst::ffi::GST_BUFFER_OFFSET_NONE {
                let offset = offset + (begin - positions.start);
                buffer.set_offset(offset);
                buffer.set_offset_end(offset + samples);
            }
            for meta in frame.iter_meta::<gst::Meta>() {
                // A meta that cannot be copied by itself is one that its author bound to the buffer.
                let _ = meta.transform(buffer, &gst::meta::MetaTransformCopy::new(..));
            }
        }
        metas::put(said, buffer);
        if std::mem::take(&mut self.is_discontinuous) {
            buffer.set_flags(gst::BufferFlags::DISCONT);
        }
        match entered {
            Some(entered) => stamp::stamp(buffer, entered),
            None => stamp::remove(buffer),
        }
    }
}
