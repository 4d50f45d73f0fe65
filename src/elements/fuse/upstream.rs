// SPDX-License-Identifier: MPL-2.0

//! What both paths that come together are asked and told.

use gst::prelude::*;
use parking_lot::Mutex;

/// The latency of both paths, and who is told what goes up.
#[derive(Default)]
pub struct Upstream {
    /// `None` where they have to be asked.
    latency: Mutex<Option<Latency>>,
}

/// Of the slower one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    pub is_live: bool,
    pub min: gst::ClockTime,
    /// `None` is without bound.
    pub max: Option<gst::ClockTime>,
}

impl Upstream {
    /// Has both paths asked anew.
    pub fn forget(&self) {
        *self.latency.lock() = None;
    }

    /// What both paths said last, or say now.
    pub fn latency(&self, picture: &gst::Pad, sound: Option<&gst::Pad>) -> Latency {
        let known = *self.latency.lock();
        known.unwrap_or_else(|| self.ask_latency(picture, sound))
    }

    /// What both paths say now. It is kept if both say something.
    pub fn ask_latency(&self, picture: &gst::Pad, sound: Option<&gst::Pad>) -> Latency {
        let mut both = Latency::default();
        let mut is_told = true;
        for pad in [Some(picture), sound].into_iter().flatten() {
            let mut query = gst::query::Latency::new();
            if !pad.peer_query(&mut query) {
                is_told = false;
                continue;
            }
            let (is_live, min, max) = query.result();
            if is_live {
                both.is_live = true;
                both.min = both.min.max(min);
                both.max = match (both.max, max) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
        }
        *self.latency.lock() = is_told.then_some(both);
        both
    }
}

/// Sends an event from downstream up: what concerns time or streams on both paths, what concerns frames on that of the picture.
pub fn send(picture: &gst::Pad, sound: Option<&gst::Pad>, event: gst::Event) -> bool {
    use gst::EventType::{InstantRateSyncTime, Latency, Seek, SelectStreams, TocSelect};
    match (event.type_(), sound) {
        (Seek, Some(sound)) => seek(picture, sound, event),
        (Latency | InstantRateSyncTime | SelectStreams | TocSelect, Some(sound)) => {
            let is_heard = sound.push_event(event.clone());
            picture.push_event(event) && is_heard
        }
        _ => picture.push_event(event),
    }
}

/// Seeks both paths; one demuxer before both knows a seek that it has made by its number. Sound that cannot be sought, as of a
/// microphone, stays where it is; if pictures cannot, nothing is sought.
fn seek(picture: &gst::Pad, sound: &gst::Pad, event: gst::Event) -> bool {
    if cannot_seek(picture) {
        return false;
    }
    // Sound first: its flush is over when frames come from the new place.
    let is_heard = sound.push_event(event.clone()) || cannot_seek(sound);
    picture.push_event(event) && is_heard
}

/// Whether what comes to a pad says that it cannot be sought.
fn cannot_seek(pad: &gst::Pad) -> bool {
    let mut query = gst::query::Seeking::new(gst::Format::Time);
    pad.peer_query(&mut query) && !query.result().0
}
