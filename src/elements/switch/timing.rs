// SPDX-License-Identifier: MPL-2.0

//! What the latency of the switch rests on: set by the streaming thread, read by anybody without a lock.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use gst::prelude::*;

use super::enums::LatePolicy;
use super::settings::Settings;

/// Frame period assumed until the caps or the arrivals tell: 25 frames a second.
pub const DEFAULT_PERIOD: Duration = Duration::from_millis(40);

const UNKNOWN: u8 = 0;
const NOT_LIVE: u8 = 1;
const LIVE: u8 = 2;

#[derive(Debug, Default)]
pub struct Timing {
    /// In nanoseconds: from the caps, or of a buffer of audio; zero when the frame rate is variable.
    frame_duration: AtomicU64,
    /// In nanoseconds, the time by which audio goes out later than it came in, beside the budget.
    audio_delay: AtomicU64,
    /// Whether upstream answered the LATENCY query as live.
    live: AtomicU8,
}

/// Time one frame may take: the property, or else one frame duration.
pub fn budget(settings: &Settings, frame_duration: Duration) -> Duration {
    let asked: Duration = settings.latency_budget.into();
    let known = [asked, frame_duration].into_iter().find(|it| !it.is_zero());
    known.unwrap_or(DEFAULT_PERIOD)
}

impl Timing {
    /// Time one frame may take, by the settings of this moment.
    pub fn budget(&self, settings: &Settings) -> Duration {
        let frame_duration = Duration::from_nanos(self.frame_duration.load(Ordering::Relaxed));
        budget(settings, frame_duration)
    }

    pub fn set_frame_duration(&self, duration: Duration) {
        set(&self.frame_duration, duration);
    }

    pub fn audio_delay(&self) -> Duration {
        Duration::from_nanos(self.audio_delay.load(Ordering::Relaxed))
    }

    pub fn set_audio_delay(&self, delay: Duration) {
        set(&self.audio_delay, delay);
    }

    /// The late policy in force: `auto` looks at whether the pipeline is live.
    pub fn late_policy(&self, settings: &Settings, sink: &gst::Pad) -> LatePolicy {
        match settings.late_policy {
            LatePolicy::Auto if self.is_live(sink) => LatePolicy::Floor,
            LatePolicy::Auto => LatePolicy::Wait,
            policy => policy,
        }
    }

    /// Asks upstream once whether it is live; asked again after each start.
    pub fn is_live(&self, sink: &gst::Pad) -> bool {
        match self.live.load(Ordering::Relaxed) {
            UNKNOWN => {
                let mut query = gst::query::Latency::new();
                let is_live = sink.peer_query(&mut query) && query.result().0;
                self.set_live(is_live);
                is_live
            }
            known => known == LIVE,
        }
    }

    pub fn set_live(&self, is_live: bool) {
        self.live
            .store(if is_live { LIVE } else { NOT_LIVE }, Ordering::Relaxed);
    }

    /// The next stream may be another one.
    pub fn restart(&self) {
        self.live.store(UNKNOWN, Ordering::Relaxed);
        self.set_audio_delay(Duration::ZERO);
    }
}

fn set(nanoseconds: &AtomicU64, duration: Duration) {
    let duration = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    nanoseconds.store(duration, Ordering::Relaxed);
}
