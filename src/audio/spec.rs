// SPDX-License-Identifier: MPL-2.0

//! How samples lie in memory: interleaved, little-endian, in one of four formats.

use std::time::Duration;

use gst_audio::AudioFormat;

const SECOND: u128 = 1_000_000_000;

/// The formats as GStreamer numbers them, the preferred one first.
pub const FORMATS: [AudioFormat; 4] = [
    AudioFormat::F32le,
    AudioFormat::S16le,
    AudioFormat::S32le,
    AudioFormat::F64le,
];

/// One value of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    S16,
    S32,
    F32,
    F64,
}

impl Format {
    /// By the name that caps use; `None` for what is not one of the four.
    pub fn parse(name: &str) -> Option<Format> {
        match name {
            "S16LE" => Some(Format::S16),
            "S32LE" => Some(Format::S32),
            "F32LE" => Some(Format::F32),
            "F64LE" => Some(Format::F64),
            _ => None,
        }
    }

    /// Bytes of one value.
    pub fn bytes(self) -> usize {
        match self {
            Format::S16 => 2,
            Format::S32 | Format::F32 => 4,
            Format::F64 => 8,
        }
    }
}

/// What a stream of audio is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    pub format: Format,
    /// Samples a second; above zero.
    pub rate: u32,
    /// Above zero.
    pub channels: u32,
}

impl Spec {
    /// What caps say of audio that can be read and written here; `None` for anything else.
    pub fn from_caps(caps: &gst::CapsRef) -> Option<Spec> {
        let features = caps.features(0)?;
        if !features.is_any() && !features.contains(gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY) {
            return None;
        }
        let structure = caps.structure(0).filter(|it| it.name() == "audio/x-raw")?;
        if structure.get::<&str>("layout").unwrap_or("interleaved") != "interleaved" {
            return None;
        }
        let positive = |name| {
            let number = structure
                .get::<i32>(name)
                .ok()
                .and_then(|it| u32::try_from(it).ok());
            number.filter(|it| 0 < *it)
        };
        Some(Spec {
            format: Format::parse(structure.get("format").ok()?)?,
            rate: positive("rate")?,
            channels: positive("channels")?,
        })
    }

    /// Bytes of one sample of all channels.
    pub fn width(&self) -> usize {
        self.format.bytes() * self.channels as usize
    }

    /// Whole samples in so many bytes; `None` when they are not a whole number of samples.
    pub fn samples_of(&self, bytes: usize) -> Option<u64> {
        bytes
            .is_multiple_of(self.width())
            .then(|| (bytes / self.width()) as u64)
    }

    /// The samples that cover a duration: the last one may be needed in part only.
    pub fn samples_in(&self, duration: Duration) -> u64 {
        let samples = (duration.as_nanos() * u128::from(self.rate)).div_ceil(SECOND);
        u64::try_from(samples).unwrap_or(u64::MAX)
    }

    /// How long so many samples last, rounded down to a nanosecond.
    pub fn duration_of(&self, samples: u64) -> Duration {
        Duration::from_nanos(duration(samples, self.rate))
    }
}

/// Nanoseconds that so many samples last, rounded down.
pub(super) fn duration(samples: u64, rate: u32) -> u64 {
    let nanoseconds = u128::from(samples) * SECOND / u128::from(rate.max(1));
    u64::try_from(nanoseconds).unwrap_or(u64::MAX)
}

/// The number of samples nearest to so many nanoseconds.
pub(super) fn nearest(nanoseconds: u64, rate: u32) -> u64 {
    let samples = (u128::from(nanoseconds) * u128::from(rate) + SECOND / 2) / SECOND;
    u64::try_from(samples).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_a_whole_number_of_samples() {
        let stereo = Spec {
            format: Format::S16,
            rate: 44_100,
            channels: 2,
        };
        assert_eq!(stereo.width(), 4);
        assert_eq!(stereo.samples_of(1764), Some(441));
        assert_eq!(stereo.samples_of(1766), None);
        assert_eq!(stereo.samples_of(0), Some(0));
    }

    #[test]
    fn time_becomes_samples_that_cover_it() {
        let spec = Spec {
            format: Format::F32,
            rate: 44_100,
            channels: 1,
        };
        assert_eq!(spec.samples_in(Duration::from_millis(10)), 441);
        assert_eq!(spec.samples_in(Duration::from_nanos(1)), 1);
        assert_eq!(spec.duration_of(441), Duration::from_millis(10));
        assert_eq!(Format::parse("S24LE"), None);
    }
}
