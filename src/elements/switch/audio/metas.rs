// SPDX-License-Identifier: MPL-2.0

//! What a lane says of the audio in metas, kept by position until its samples go out.

use std::collections::VecDeque;
use std::ops::Range;

use gst::prelude::*;

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

/// Whether a meta stays true whatever size and layout the samples have.
fn is_about_content(meta: &gst::MetaRef<gst::Meta>) -> bool {
    meta.tags().is_empty()
}
