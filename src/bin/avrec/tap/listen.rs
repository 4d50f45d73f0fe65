// SPDX-License-Identifier: MPL-2.0

//! Sound as a wave to look at, and some seconds of it to listen to.

use std::collections::VecDeque;
use std::time::Duration;

use gstavrec::audio::{Spec, split};

/// Samples a second of what can be listened to, at most.
const RATE: u32 = 24_000;

/// How much is kept of the start, and before and after a mark.
const START: Duration = Duration::from_secs(6);
const BEFORE: Duration = Duration::from_secs(2);
const AFTER: Duration = Duration::from_secs(4);

/// Columns of the wave, at most.
const COLUMNS: usize = 1_200;

/// What was heard, all channels as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Samples a second of the stream.
    pub rate: u32,
    pub channels: u32,
    /// Length of what the wave shows.
    pub length: Duration,
    /// The lowest and the highest sample of each column, -1 to 1.
    pub wave: Vec<(f32, f32)>,
    pub clips: Vec<Clip>,
}

/// Some seconds of sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// A sentence on what is heard.
    pub what: String,
    /// Where it begins, counted from the first sample.
    pub start: Duration,
    pub rate: u32,
    pub samples: Vec<i16>,
}

impl Clip {
    /// As a WAV file: one channel of 16 bits.
    pub fn wav(&self) -> Vec<u8> {
        let bytes = u32::try_from(2 * self.samples.len()).unwrap_or(u32::MAX);
        let mut wav = Vec::with_capacity(44 + 2 * self.samples.len());
        wav.extend(b"RIFF");
        wav.extend((36 + bytes).to_le_bytes());
        wav.extend(b"WAVEfmt ");
        wav.extend(16u32.to_le_bytes());
        // PCM, one channel.
        wav.extend([1u16, 1].map(u16::to_le_bytes).concat());
        wav.extend([self.rate, 2 * self.rate].map(u32::to_le_bytes).concat());
        // Bytes and bits of a sample.
        wav.extend([2u16, 16].map(u16::to_le_bytes).concat());
        wav.extend(b"data");
        wav.extend(bytes.to_le_bytes());
        wav.extend(self.samples.iter().flat_map(|it| it.to_le_bytes()));
        wav
    }

    pub fn length(&self) -> Duration {
        Duration::from_secs_f64(self.samples.len() as f64 / f64::from(self.rate.max(1)))
    }
}

/// Takes sound in; bounded in memory however long it goes on.
pub struct Listener {
    spec: Spec,
    /// So many samples become one that can be listened to.
    factor: u32,
    channels: Vec<Vec<f32>>,
    /// The samples of the one that is not whole yet: their sum and how many.
    begun: (f32, u32),
    heard: u64,
    wave: Wave,
    start: Vec<i16>,
    recent: VecDeque<i16>,
    marked: Option<Clip>,
}

impl Listener {
    /// `None` for sound in a format that is not read.
    pub fn new(caps: &gst::CapsRef) -> Option<Listener> {
        let spec = Spec::from_caps(caps)?;
        Some(Listener {
            spec,
            factor: spec.rate.div_ceil(RATE),
            channels: Vec::new(),
            begun: (0.0, 0),
            heard: 0,
            wave: Wave::default(),
            start: Vec::new(),
            recent: VecDeque::new(),
            marked: None,
        })
    }

    /// Hears the samples of a buffer; those of another kind than the first are left out.
    pub fn hear(&mut self, buffer: &gst::BufferRef, caps: &gst::CapsRef) {
        if Spec::from_caps(caps) != Some(self.spec) {
            return;
        }
        let Ok(bytes) = buffer.map_readable() else { return };
        let mut channels = std::mem::take(&mut self.channels);
        if split(&self.spec, &bytes, &mut channels).is_ok() {
            let samples = channels.first().map_or(0, Vec::len);
            for position in 0..samples {
                let values = channels.iter().filter_map(|it| it.get(position));
                self.take(values.sum::<f32>() / self.spec.channels as f32);
            }
        }
        self.channels = channels;
    }

    /// Something happens now that should be heard; the first mark counts.
    pub fn mark(&mut self, what: String) {
        if self.marked.is_some() {
            return;
        }
        let samples: Vec<i16> = self.recent.iter().copied().collect();
        let start = self.heard.saturating_sub(samples.len() as u64);
        self.marked = Some(Clip {
            what,
            start: Duration::from_secs_f64(start as f64 / f64::from(self.rate())),
            rate: self.rate(),
            samples,
        });
    }

    /// `None` where nothing was heard.
    pub fn finish(self) -> Option<Sound> {
        let rate = self.rate();
        let start = Clip {
            what: "the start".to_string(),
            start: Duration::ZERO,
            rate,
            samples: self.start,
        };
        // One that begins with the stream has its start.
        let has_start = self.marked.as_ref().is_some_and(|it| it.start.is_zero());
        let clips = [(!has_start).then_some(start), self.marked].into_iter().flatten();
        (0 < self.heard).then(|| Sound {
            rate: self.spec.rate,
            channels: self.spec.channels,
            length: Duration::from_secs_f64(self.heard as f64 / f64::from(rate)),
            wave: self.wave.columns,
            clips: clips.filter(|it| !it.samples.is_empty()).collect(),
        })
    }

    fn rate(&self) -> u32 {
        self.spec.rate / self.factor
    }

    fn take(&mut self, sample: f32) {
        self.begun.0 += sample;
        self.begun.1 += 1;
        if self.begun.1 < self.factor {
            return;
        }
        let mean = self.begun.0 / self.factor as f32;
        self.begun = (0.0, 0);
        // What is no number becomes silence.
        let mean = if mean.is_finite() {
            mean.clamp(-1.0, 1.0)
        } else {
            0.0
        };
        let samples =
            |time: Duration| (f64::from(self.spec.rate / self.factor) * time.as_secs_f64()) as usize;
        let (at_start, before, marked) = (samples(START), samples(BEFORE), samples(BEFORE + AFTER));
        let value = (f32::from(i16::MAX) * mean).round() as i16;
        self.heard += 1;
        self.wave.push(mean);
        if self.start.len() < at_start {
            self.start.push(value);
        }
        match &mut self.marked {
            Some(clip) if clip.samples.len() < marked => clip.samples.push(value),
            Some(_) => {}
            None => {
                self.recent.push_back(value);
                if before < self.recent.len() {
                    self.recent.pop_front();
                }
            }
        }
    }
}

/// The outline of any number of samples in a bounded number of columns, each of as many samples as the others.
#[derive(Debug)]
struct Wave {
    columns: Vec<(f32, f32)>,
    /// Samples of a column.
    each: u32,
    /// Samples in the last one.
    last: u32,
}

impl Default for Wave {
    fn default() -> Wave {
        Wave {
            columns: Vec::new(),
            each: 32,
            last: 32,
        }
    }
}

impl Wave {
    fn push(&mut self, sample: f32) {
        if self.last < self.each
            && let Some((low, high)) = self.columns.last_mut()
        {
            (*low, *high) = (low.min(sample), high.max(sample));
            self.last += 1;
            return;
        }
        if COLUMNS <= self.columns.len() {
            let pairs = self.columns.chunks(2);
            let joined = |pair: &[(f32, f32)]| {
                let all = pair.iter().copied();
                all.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
            };
            self.columns = pairs.filter_map(joined).collect();
            self.each *= 2;
        }
        self.columns.push((sample, sample));
        self.last = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(rate: u32) -> gst::Caps {
        gst::init().unwrap();
        gst_audio::AudioCapsBuilder::new_interleaved()
            .format(gst_audio::AudioFormat::S16le)
            .rate(rate as i32)
            .channels(2)
            .build()
    }

    /// A hundredth of a second of a level that is the same in both channels.
    fn level(rate: u32, value: i16) -> gst::Buffer {
        let samples = vec![value; 2 * rate as usize / 100];
        gst::Buffer::from_slice(
            samples
                .into_iter()
                .flat_map(i16::to_le_bytes)
                .collect::<Vec<u8>>(),
        )
    }

    #[test]
    fn a_long_sound_is_kept_as_a_wave_and_a_clip_around_the_mark() {
        let caps = caps(48_000);
        let mut listener = Listener::new(&caps).unwrap();
        for hundredth in 0..3_000 {
            if hundredth == 1_000 {
                listener.mark("small gives way to large".to_string());
                listener.mark("later".to_string());
            }
            let value = if hundredth < 1_000 { 8_192 } else { -16_384 };
            listener.hear(&level(48_000, value), &caps);
        }
        let sound = listener.finish().unwrap();
        assert_eq!(
            (sound.rate, sound.channels, sound.length),
            (48_000, 2, Duration::from_secs(30))
        );
        assert!(
            (COLUMNS / 2..=COLUMNS).contains(&sound.wave.len()),
            "{}",
            sound.wave.len()
        );
        assert_eq!((sound.wave[0].0, sound.wave.last().unwrap().1), (0.25, -0.5));
        let [start, marked] = sound.clips.as_slice() else {
            panic!("{:?}", sound.clips.len())
        };
        assert_eq!((start.length(), start.rate), (START, 24_000));
        assert_eq!(marked.what, "small gives way to large");
        assert_eq!(
            (marked.start, marked.length()),
            (Duration::from_secs(8), BEFORE + AFTER)
        );
        assert!((8_190..=8_192).contains(&marked.samples[47_999]) && marked.samples[48_000] < -16_000);
        let wav = marked.wav();
        assert_eq!(wav.len(), 44 + 2 * 6 * 24_000);
        assert_eq!(
            (&wav[..4], &wav[8..16], wav[24]),
            (&b"RIFF"[..], &b"WAVEfmt "[..], 0xc0)
        );
    }

    #[test]
    fn what_is_no_number_is_silence_and_another_rate_is_left_out() {
        gst::init().unwrap();
        let caps: gst::Caps = "audio/x-raw,format=F32LE,rate=16000,channels=1,layout=interleaved"
            .parse()
            .unwrap();
        let mut listener = Listener::new(&caps).unwrap();
        let bytes: Vec<u8> = [f32::NAN, 3.0, f32::NEG_INFINITY]
            .into_iter()
            .flat_map(f32::to_le_bytes)
            .collect();
        listener.hear(&gst::Buffer::from_slice(bytes), &caps);
        listener.hear(&level(8_000, 5), &self::caps(8_000));
        let sound = listener.finish().unwrap();
        assert_eq!(sound.clips[0].samples, [0, i16::MAX, 0]);
    }
}
