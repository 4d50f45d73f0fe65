// SPDX-License-Identifier: MPL-2.0

//! A lane's place beside the stream: what it hears, and what it has returned.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use gst::prelude::*;

use crate::audio::{AlignedTrack, Landing, Spec, Timeline};
use crate::policy::RunKind;

/// Time that a lane hears before it may sound, where it could not hear the stream from its beginning.
///
/// Long enough for what models and filters carry along: 20 steps of the usual 10 ms hop, several of the 20 to 64 ms
/// windows of spectral models, and many times the ring of a filter. What they carry from further back (an estimate of
/// the noise, a gain) changes slowly and is met by the cross-fade. Also what a lane may be behind before it is left: to
/// begin anew takes no longer than to make up for more.
pub const WARM_AHEAD: Duration = Duration::from_millis(200);

/// What the stream is, and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct StreamPosition {
    pub spec: Spec,
    pub timeline: Timeline,
}

/// A buffer for a lane to hear.
#[derive(Debug, Clone)]
pub struct AudioBlock {
    pub frame: gst::Buffer,
    /// Positions of its samples.
    pub start: u64,
    pub end: u64,
    /// How the latency of the run counts.
    pub kind: RunKind,
}

/// Which thread a candidate returns its samples on, or its frames.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum OutputThread {
    /// It has returned none yet.
    #[default]
    Unknown,
    /// The one that pushes: when the push returns, all has come that will come.
    Here,
    /// One of its own: they may come after the push.
    Elsewhere,
}

/// A lane's place beside the stream.
#[derive(Debug, Default)]
pub struct LaneAudio {
    pub track: AlignedTrack,
    /// What it said of the audio in metas.
    pub metas: PositionedMetas,
    /// Format of what it returns.
    pub spec: Option<Spec>,
    /// Buffers that it has yet to be fed, because it is still at one before.
    pub backlog: VecDeque<AudioBlock>,
    pub thread: OutputThread,
    /// It was sent to its end, and has returned all that was left.
    pub is_drained: bool,
    /// It was asked what delay it declares, and has not said since that it has another one.
    pub has_declared: bool,
}

impl LaneAudio {
    /// Lets it hear nothing any more; what it has returned stays.
    pub fn end(&mut self) {
        self.track.end();
        self.backlog.clear();
    }

    pub fn hears(&self) -> bool {
        self.track.since().is_some()
    }

    /// End of what it hears, backlog included; `None` when it hears nothing.
    pub fn hears_to(&self) -> Option<u64> {
        self.track.since()?;
        Some(self.backlog.back().map_or(self.track.fed_to(), |it| it.end))
    }

    /// Position from which on it may sound, in a stream that began at `origin`; `None` when it hears nothing.
    pub fn ready_at(&self, origin: u64, spec: &Spec) -> Option<u64> {
        let since = self.track.since()?;
        // From the beginning on there is nothing more to be heard.
        let is_whole = since <= origin;
        Some(since + if is_whole { 0 } else { spec.samples_in(WARM_AHEAD) })
    }

    /// Nothing more came of what it was fed, so that it lags so far.
    pub fn accept_lag(&mut self) {
        self.track.accept_lag();
        self.notice_nothing();
    }

    /// Nothing came after the candidate had let go of what it was given.
    pub fn notice_nothing(&mut self) {
        if self.thread == OutputThread::Unknown {
            // Once is enough to wait for what may come later.
            self.thread = OutputThread::Here;
        }
    }

    /// Something came, on the thread that pushes (`is_here`) or on one of the candidate's own.
    pub fn notice_thread(&mut self, is_here: bool) {
        if self.thread != OutputThread::Elsewhere {
            self.thread = if is_here {
                OutputThread::Here
            } else {
                OutputThread::Elsewhere
            };
        }
    }

    /// Whether what is still missing of what it can return will not come any more.
    pub fn has_returned_all(&self) -> bool {
        self.thread == OutputThread::Here || self.track.is_up_to_date()
    }

    /// Takes in samples that the lane returned, as whole ones of the stream's format. `is_here` where they come while
    /// they are pushed in.
    pub fn take(&mut self, at: &StreamPosition, buffer: &gst::BufferRef, bytes: &[u8], is_here: bool) {
        let width = at.spec.width();
        let position = buffer.pts().map(|it| at.timeline.position_of(it));
        let landing = match position {
            // What lies before the stream has no position.
            Some(None) => Landing::Outside,
            position => self.track.accept(position.flatten(), bytes, width),
        };
        if landing == Landing::Outside {
            return;
        }
        let samples = (bytes.len() / width) as u64;
        self.metas
            .keep(self.track.span().end.saturating_sub(samples), buffer);
        self.notice_thread(is_here);
    }
}

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
pub fn put_metas(said: &[gst::Buffer], buffer: &mut gst::BufferRef) {
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
