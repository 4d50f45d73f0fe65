// SPDX-License-Identifier: MPL-2.0

//! Sound for tests: signals, and an `avrec-infer` that is fed in buffers of any sizes.

use gst::ClockTime;
use gst::prelude::*;

use super::infer::Bench;

/// PTS of the first sample of all tests: no round number.
pub const START: ClockTime = ClockTime::from_nseconds(1_234_567_891);

/// A sine that sweeps from `low` to `high` Hz, which no shift leaves unnoticed.
pub fn sweep(rate: u32, samples: usize, low: f64, high: f64) -> Vec<f32> {
    let seconds = samples as f64 / f64::from(rate);
    let sample = |index: usize| {
        let t = index as f64 / f64::from(rate);
        let phase = low * t + (high - low) * t * t / (2.0 * seconds);
        (0.5 * (std::f64::consts::TAU * phase).sin()) as f32
    };
    (0..samples).map(sample).collect()
}

/// A recorded voice at 48 kHz where there is one, else something with the onsets and overtones of a voice.
pub fn voice() -> Vec<f32> {
    let recorded = std::fs::read("/usr/share/sounds/alsa/Front_Center.wav").ok();
    let samples = recorded.and_then(|bytes| {
        let data = bytes.windows(4).position(|it| it == b"data")?;
        let (samples, _) = bytes.get(data + 8..)?.as_chunks::<2>();
        let one = |it: &[u8; 2]| f32::from(i16::from_le_bytes(*it)) / 32_768.0;
        Some(samples.iter().map(one).collect())
    });
    samples.unwrap_or_else(|| {
        let partial = |index: usize, n: u32| {
            (std::f64::consts::TAU * 140.0 * f64::from(n) * index as f64 / 48_000.0).sin() / f64::from(n)
        };
        let envelope = |index: usize| ((index % 12_000) as f64 / -4_000.0).exp();
        let one = |index| 0.3 * envelope(index) * (1..20).map(|n| partial(index, n)).sum::<f64>();
        (0..72_000).map(|index| one(index) as f32).collect()
    })
}

/// Puts channels into one list, sample by sample.
pub fn interleave(channels: &[Vec<f32>]) -> Vec<f32> {
    let samples = 0..channels[0].len();
    samples
        .flat_map(|index| channels.iter().map(move |it| it[index]))
        .collect()
}

/// One buffer that came out.
#[derive(Debug, Clone)]
pub struct Piece {
    pub pts: Option<ClockTime>,
    pub duration: Option<ClockTime>,
    pub samples: usize,
    pub is_discont: bool,
}

/// An `avrec-infer` on F32LE sound.
pub struct Ears {
    pub bench: Bench,
    pub rate: u32,
    pub channels: usize,
    /// Samples that went in since the start.
    pub pushed: u64,
    /// All that came out, interleaved.
    pub sound: Vec<f32>,
    pub pieces: Vec<Piece>,
}

impl Ears {
    pub fn new(model: &str, properties: &str, rate: u32, channels: usize) -> Ears {
        let mut bench = Bench::new(model, properties);
        bench.harness.set_src_caps(caps("F32LE", rate, channels));
        Ears {
            bench,
            rate,
            channels,
            pushed: 0,
            sound: Vec::new(),
            pieces: Vec::new(),
        }
    }

    /// PTS of the sample of this number.
    pub fn time(&self, sample: u64) -> ClockTime {
        let ns = sample.mul_div_round(1_000_000_000, u64::from(self.rate)).unwrap();
        START + ClockTime::from_nseconds(ns)
    }

    /// A buffer with the next samples.
    pub fn buffer(&mut self, sound: &[f32]) -> gst::Buffer {
        let bytes: Vec<u8> = sound.iter().flat_map(|it| it.to_le_bytes()).collect();
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        let end = self.pushed + (sound.len() / self.channels) as u64;
        let (pts, next) = (self.time(self.pushed), self.time(end));
        let buffer_ref = buffer.get_mut().unwrap();
        buffer_ref.set_pts(pts);
        buffer_ref.set_duration(next - pts);
        self.pushed = end;
        buffer
    }

    #[track_caller]
    pub fn push(&mut self, sound: &[f32]) {
        let buffer = self.buffer(sound);
        self.push_buffer(buffer);
    }

    #[track_caller]
    pub fn push_buffer(&mut self, buffer: gst::Buffer) {
        assert_eq!(self.bench.harness.push(buffer), Ok(gst::FlowSuccess::Ok));
        self.take();
    }

    /// Pushes sound in buffers of these sizes, over and over.
    #[track_caller]
    pub fn pour(&mut self, sound: &[f32], sizes: &[usize]) {
        let mut sizes = sizes.iter().cycle();
        let mut rest = sound;
        while !rest.is_empty() {
            let size = (sizes.next().unwrap() * self.channels).min(rest.len());
            let (now, later) = rest.split_at(size);
            self.push(now);
            rest = later;
        }
    }

    pub fn end(&mut self) {
        self.bench.harness.push_event(gst::event::Eos::new());
        self.take();
    }

    pub fn take(&mut self) {
        while let Some(buffer) = self.bench.harness.try_pull() {
            let map = buffer.map_readable().unwrap();
            let (samples, rest) = map.as_chunks::<4>();
            assert!(rest.is_empty());
            self.sound
                .extend(samples.iter().map(|it| f32::from_le_bytes(*it)));
            self.pieces.push(Piece {
                pts: buffer.pts(),
                duration: buffer.duration(),
                samples: samples.len() / self.channels,
                is_discont: buffer.flags().contains(gst::BufferFlags::DISCONT),
            });
        }
    }

    /// One channel of what came out.
    pub fn channel(&self, channel: usize) -> Vec<f32> {
        self.sound
            .iter()
            .skip(channel)
            .step_by(self.channels)
            .copied()
            .collect()
    }

    /// Checks that as much came out as went in, and each sample at its time.
    #[track_caller]
    pub fn check_times(&self) {
        assert_eq!(self.sound.len() / self.channels, self.pushed as usize);
        let mut count = 0;
        for piece in &self.pieces {
            assert_ne!(piece.samples, 0);
            let distance =
                |it: Option<ClockTime>, sample| it.unwrap().nseconds().abs_diff(self.time(sample).nseconds());
            // The nanosecond is the rounding of the buffer that brought the sample.
            assert!(distance(piece.pts, count) <= 1, "{piece:?} at {count}");
            count += piece.samples as u64;
            let end = piece.pts.unwrap() + piece.duration.unwrap();
            assert!(distance(Some(end), count) <= 2, "{piece:?} ends at {count}");
        }
    }
}

pub fn caps(format: &str, rate: u32, channels: usize) -> gst::Caps {
    gst::Caps::builder("audio/x-raw")
        .field("format", format)
        .field("layout", "interleaved")
        .field("rate", rate as i32)
        .field("channels", channels as i32)
        .field(
            "channel-mask",
            gst::Bitmask::new((1 << channels) - 1 + u64::from(channels == 1) * 3),
        )
        .build()
}

/// Largest distance of two signals of one length, over the greatest value of the first.
#[track_caller]
pub fn error(expected: &[f32], got: &[f32]) -> f32 {
    assert_eq!(expected.len(), got.len());
    let peak = expected.iter().fold(0.0f32, |peak, it| peak.max(it.abs()));
    let pairs = expected.iter().zip(got);
    pairs.fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs())) / peak
}
