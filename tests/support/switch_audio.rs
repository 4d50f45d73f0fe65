// SPDX-License-Identifier: MPL-2.0

//! A stream of sound through a switch in a harness, checked as it comes out.

use gst::prelude::*;

use super::switch::Rig;
use super::{init, lag};

pub const MONO: &str = "audio/x-raw,format=F32LE,layout=interleaved,rate=48000,channels=1";
pub const RATE: u64 = 48_000;

/// The test's sound: a sine whose period is no whole number of samples.
pub fn sine(position: u64) -> f32 {
    (0.5 * (position as f64 * 0.061).sin()) as f32
}

/// Largest step between two neighboring samples.
pub fn largest_step(sound: &[f32]) -> f32 {
    sound
        .windows(2)
        .map(|it| (it[1] - it[0]).abs())
        .fold(0.0, f32::max)
}

/// Samples of a buffer.
pub fn samples(buffer: &gst::Buffer) -> Vec<f32> {
    let map = buffer.map_readable().unwrap();
    let chunks = map.chunks_exact(4);
    chunks
        .map(|it| f32::from_le_bytes(it.try_into().unwrap()))
        .collect()
}

pub fn time_of(position: u64) -> gst::ClockTime {
    gst::ClockTime::SECOND.mul_div_floor(position, RATE).unwrap()
}

/// A switch on sound.
pub struct SoundRig {
    pub rig: Rig,
    /// Samples that went in.
    pub sent: u64,
    /// All that came out.
    pub heard: Vec<f32>,
    /// What came out last.
    pub last: Option<gst::Buffer>,
}

impl SoundRig {
    pub fn new(properties: &str, children: &str) -> SoundRig {
        let mut stream = SoundRig::unstarted(properties, children);
        stream.start();
        stream
    }

    pub fn unstarted(properties: &str, children: &str) -> SoundRig {
        init();
        lag::register();
        SoundRig {
            rig: Rig::unstarted(properties, children),
            sent: 0,
            heard: Vec::new(),
            last: None,
        }
    }

    pub fn start(&mut self) {
        self.rig.play(MONO);
    }

    /// The next samples of the sine.
    pub fn buffer(&mut self, length: u64) -> gst::Buffer {
        let positions = self.sent..self.sent + length;
        let bytes: Vec<u8> = positions.clone().flat_map(|it| sine(it).to_le_bytes()).collect();
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        let writable = buffer.get_mut().unwrap();
        writable.set_pts(time_of(positions.start));
        writable.set_duration(time_of(positions.end) - time_of(positions.start));
        self.sent += length;
        buffer
    }

    /// Sends the next samples in, and takes in what comes out.
    pub fn pass(&mut self, length: u64) {
        let buffer = self.buffer(length);
        self.rig.harness.push(buffer).unwrap();
        self.collect();
    }

    /// Passes buffers until `is_done`.
    #[track_caller]
    pub fn pass_until(&mut self, length: u64, what: &str, mut is_done: impl FnMut(&mut SoundRig) -> bool) {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !is_done(self) {
            assert!(
                std::time::Instant::now() < end,
                "not within 20 seconds: {what}; {:#?}",
                self.rig.stats()
            );
            self.pass(length);
        }
    }

    /// Passes buffers until all the named candidates are warm.
    pub fn warm_up(&mut self, length: u64, names: &[&str]) {
        self.pass_until(length, "warm", |it| {
            names.iter().all(|name| it.rig.state_of(name) == "ready")
        });
    }

    /// Takes in what has come out; each buffer has the time stamp of its first sample.
    #[track_caller]
    pub fn collect(&mut self) {
        while let Some(buffer) = self.rig.harness.try_pull() {
            let position = self.heard.len() as u64;
            self.heard.extend(samples(&buffer));
            let end = self.heard.len() as u64;
            assert_eq!(
                buffer.pts(),
                Some(time_of(position)),
                "time goes on at sample {position}"
            );
            assert_eq!(buffer.duration(), Some(time_of(end) - time_of(position)));
            self.last = Some(buffer);
        }
    }

    /// Ends the stream, and takes in what comes out.
    pub fn end(&mut self) {
        assert!(self.rig.harness.push_event(gst::event::Eos::new()));
        self.collect();
    }

    /// Lets everything out that is still on its way, as new caps do.
    pub fn end_of_caps(&mut self) {
        let gap = gst::event::Gap::builder(time_of(self.sent)).build();
        assert!(self.rig.harness.push_event(gap));
        self.collect();
        assert_eq!(self.heard.len() as u64, self.sent);
    }

    /// Every sample that went in came out, in its place.
    #[track_caller]
    pub fn assert_whole(&self) {
        assert_eq!(self.heard.len() as u64, self.sent, "samples out and in");
        for (position, value) in self.heard.iter().enumerate() {
            assert_eq!(*value, sine(position as u64), "sample {position}");
        }
    }
}
