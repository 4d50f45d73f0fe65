// SPDX-License-Identifier: MPL-2.0

//! What goes into the switch and what has to come out: frames one for one, sound without a hole.

use gst_audio::AudioInfo;
use gst_video::VideoInfo;
use gstavrec::random::Random;

use crate::support::switch::SMALL;
use crate::support::switch_audio::MONO;

/// Half of what a sample takes at the highest rate: times of samples are rounded to nanoseconds where rates change.
const ROUNDING: u64 = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    Video,
    Sound,
}

impl Medium {
    /// Caps that a stream begins with.
    pub fn first_caps(self) -> gst::Caps {
        let text = match self {
            Medium::Video => SMALL,
            Medium::Sound => MONO,
        };
        text.parse().unwrap()
    }

    /// Any caps that the switch takes.
    pub fn any_caps(self, random: &mut Random) -> gst::Caps {
        let text = match self {
            Medium::Video => format!(
                "video/x-raw,format={},width={},height={},framerate={}",
                random.one(&["I420", "NV12", "RGB", "BGRx", "GRAY8"]),
                random.one(&[16, 64, 160, 161, 321]),
                random.one(&[16, 36, 90, 91]),
                random.one(&["25/1", "50/1", "30000/1001"]),
            ),
            Medium::Sound => format!(
                "audio/x-raw,format={},layout=interleaved,rate={},channels={}",
                random.one(&["F32LE", "S16LE"]),
                random.one(&[8_000, 16_000, 44_100, 48_000]),
                random.one(&[1, 2]),
            ),
        };
        text.parse().unwrap()
    }

    pub fn candidates(self, models: &str) -> String {
        let (effect, model) = match self {
            Medium::Video => (
                "videobalance",
                format!("task=tensor model-file={models}/small.onnx"),
            ),
            Medium::Sound => ("audiodynamic", format!("model-file={models}/denoise-small.onnx")),
        };
        format!(
            "identity name=a {effect} name=b identity name=slow sleep-time=3000 identity name=flaky avrec-infer name=m {model}"
        )
    }
}

/// One value out of several.
pub trait One {
    fn one<T: Copy>(&mut self, of: &[T]) -> T;
}

impl One for Random {
    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.whole(0, of.len() - 1)]
    }
}

/// The two ends of the stream. Times are nanoseconds.
pub struct Stream {
    medium: Medium,
    caps: gst::Caps,
    /// Where the caps of now began.
    begin: u64,
    /// Frames, or samples, since then.
    sent: u64,
    /// Up to where it has come out.
    heard: u64,
    /// Whether something may be left out: since the last flush the user asked for drops, or nothing has left since the start.
    pub may_drop: bool,
    pub counts: [u64; 2],
}

impl Stream {
    pub fn new(medium: Medium) -> Stream {
        Stream {
            medium,
            caps: medium.first_caps(),
            begin: 0,
            sent: 0,
            heard: 0,
            may_drop: true,
            counts: [0; 2],
        }
    }

    pub fn caps(&self) -> &gst::Caps {
        &self.caps
    }

    /// Time of the next frame or sample.
    pub fn now(&self) -> u64 {
        let (numerator, denominator) = match self.medium {
            Medium::Video => {
                let rate = VideoInfo::from_caps(&self.caps).unwrap().fps();
                (rate.denom() as u64, rate.numer() as u64)
            }
            Medium::Sound => (1, u64::from(AudioInfo::from_caps(&self.caps).unwrap().rate())),
        };
        self.begin
            + (u128::from(self.sent) * u128::from(numerator) * 1_000_000_000 / u128::from(denominator)) as u64
    }

    /// The next buffer of the source.
    pub fn next(&mut self, random: &mut Random) -> gst::Buffer {
        let (units, size) = match self.medium {
            Medium::Video => (1, VideoInfo::from_caps(&self.caps).unwrap().size()),
            Medium::Sound => {
                let units = random.whole(1, 2000);
                (
                    units,
                    units * AudioInfo::from_caps(&self.caps).unwrap().bpf() as usize,
                )
            }
        };
        let seed = random.bits();
        // As floats these are small numbers.
        let bytes: Vec<u8> = (0..size as u64).map(|it| (it * 7 + seed) as u8 & 0x3d).collect();
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        let pts = self.now();
        self.sent += units as u64;
        let writable = buffer.get_mut().unwrap();
        writable.set_pts(gst::ClockTime::from_nseconds(pts));
        writable.set_duration(gst::ClockTime::from_nseconds(self.now() - pts));
        self.counts[0] += 1;
        buffer
    }

    /// Goes on with other caps.
    pub fn change(&mut self, caps: gst::Caps) {
        self.begin = self.now();
        self.sent = 0;
        self.caps = caps;
    }

    /// Leaves something out.
    pub fn skip(&mut self, duration: u64) {
        self.begin = self.now() + duration;
        self.sent = 0;
        self.heard = self.now();
    }

    /// Begins anew at a time: what is on its way is lost.
    pub fn begin_at(&mut self, time: u64) {
        self.begin = time;
        self.sent = 0;
        self.heard = time;
        self.may_drop = false;
    }

    /// Takes in what came out, and says what is wrong with it.
    pub fn take(&mut self, buffer: &gst::Buffer) -> Result<(), String> {
        self.counts[1] += 1;
        let pts = buffer.pts().ok_or("a buffer without a time")?.nseconds();
        let end = pts + buffer.duration().ok_or("a buffer without a duration")?.nseconds();
        let expected = self.heard;
        self.heard = end;
        let is_in_order = match self.may_drop {
            true => expected <= pts + ROUNDING,
            false => pts.abs_diff(expected) <= ROUNDING,
        };
        let sent = self.now();
        if !is_in_order {
            return Err(format!("{pts} came out after {expected}; sent up to {sent}"));
        }
        (end <= sent + ROUNDING)
            .then_some(())
            .ok_or_else(|| format!("{pts} to {end} came out, but only {sent} was sent"))
    }

    /// Nothing is on its way: frames leave at once, and sound before what drains it.
    pub fn is_whole(&self) -> Result<(), String> {
        let (heard, sent) = (self.heard, self.now());
        (self.may_drop || heard.abs_diff(sent) <= ROUNDING)
            .then_some(())
            .ok_or_else(|| format!("sent up to {sent}, and only {heard} came out"))
    }
}
