// SPDX-License-Identifier: MPL-2.0

//! The first look at a file: what is in it and when, without keeping it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gstavrec::audio::Spec;
use parking_lot::Mutex;

use super::decode::{Form, STRETCH, Wish, decode};

/// Bins of a histogram.
pub const HISTOGRAM: usize = 16;

/// Frames of one clip that are looked at, at most: four hours at 25 a second.
const MOST: usize = 360_000;

/// A frame, a picture or a stretch of sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// From the beginning of the clip.
    pub time: Duration,
    pub duration: Duration,
    /// Shares of luma levels; of sound, of the loudness of its parts.
    pub histogram: [f32; HISTOGRAM],
    /// Of a picture, in pixels; of sound, samples a second and channels.
    pub size: (u32, u32),
}

/// Looks through a file.
pub fn look(path: &Path, form: Form) -> Result<Vec<Seen>, String> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let ours = seen.clone();
    match form {
        Form::Sound => {
            let mut stretches = Stretches::default();
            decode(path, form, move |buffer, caps| {
                stretches.hear(buffer, caps, &mut ours.lock())?;
                Ok(wish(ours.lock().len()))
            })?;
        }
        Form::Video | Form::Picture => decode(path, form, move |buffer, caps| {
            let mut seen = ours.lock();
            let frame = picture(buffer, caps, seen.len())?;
            seen.push(frame);
            Ok(match form {
                Form::Picture => Wish::Enough,
                _ => wish(seen.len()),
            })
        })?,
    }
    let seen = std::mem::take(&mut *seen.lock());
    Ok(seen)
}

fn wish(count: usize) -> Wish {
    if count < MOST { Wish::More } else { Wish::Enough }
}

/// What one frame is.
pub fn picture(buffer: &gst::BufferRef, caps: &gst::CapsRef, index: usize) -> Result<Seen, String> {
    let info = gst_video::VideoInfo::from_caps(caps).map_err(|err| err.to_string())?;
    let fps = info.fps();
    let duration = match (fps.numer(), fps.denom()) {
        (1.., 1..) => Duration::from_secs_f64(f64::from(fps.denom()) / f64::from(fps.numer())),
        _ => buffer.duration().map_or(Duration::from_millis(40), Into::into),
    };
    let time = buffer
        .pts()
        .map_or(duration * u32::try_from(index).unwrap_or(u32::MAX), Into::into);
    let bytes = buffer.map_readable().map_err(|err| err.to_string())?;
    Ok(Seen {
        time,
        duration,
        histogram: levels(&bytes, &info),
        size: (info.width(), info.height()),
    })
}

/// Shares of the levels of the first plane, of some thousand samples over the whole picture.
fn levels(bytes: &[u8], info: &gst_video::VideoInfo) -> [f32; HISTOGRAM] {
    const ACROSS: usize = 64;
    let (width, height) = (info.width() as usize, info.height() as usize);
    let pixel = usize::try_from(info.comp_pstride(0)).unwrap_or(1).max(1);
    let stride = usize::try_from(info.stride()[0]).unwrap_or(0);
    // Of a picture with three channels green is the nearest to luma.
    let offset = if 1 < pixel { 1 } else { 0 };
    let mut counts = [0u32; HISTOGRAM];
    for row in (0..height).step_by((height / ACROSS).max(1)) {
        for column in (0..width).step_by((width / ACROSS).max(1)) {
            if let Some(level) = bytes.get(row * stride + column * pixel + offset) {
                counts[usize::from(*level) * HISTOGRAM / 256] += 1;
            }
        }
    }
    let total = counts.iter().sum::<u32>().max(1) as f32;
    counts.map(|it| it as f32 / total)
}

/// Cuts sound into stretches while it is heard.
#[derive(Default)]
struct Stretches {
    spec: Option<Spec>,
    /// Samples of the stretch that is not whole yet, and of all before.
    begun: u64,
    before: u64,
    /// How often each loudness was heard in it: steps of 6 dB down from full scale, in blocks of 10 ms.
    counts: [u32; HISTOGRAM],
    block: (f32, u64),
}

impl Stretches {
    fn hear(
        &mut self,
        buffer: &gst::BufferRef,
        caps: &gst::CapsRef,
        seen: &mut Vec<Seen>,
    ) -> Result<(), String> {
        let spec = Spec::from_caps(caps).ok_or("its sound cannot be read")?;
        if self.spec.is_some_and(|it| it != spec) {
            return Err(
                "its sound changes its rate or its channels; give the parts as files of their own".into(),
            );
        }
        self.spec = Some(spec);
        let bytes = buffer.map_readable().map_err(|err| err.to_string())?;
        let rate = u64::from(spec.rate);
        let whole = spec.samples_in(STRETCH).max(1);
        for sample in bytes.chunks_exact(spec.width()) {
            let first = sample.first_chunk().map_or(0.0, |it| f32::from_le_bytes(*it));
            self.block.0 += first * first;
            self.block.1 += 1;
            if rate / 100 <= self.block.1 {
                let decibels = 10.0 * (self.block.0 / self.block.1 as f32 + 1e-10).log10();
                let step = (-decibels / 6.0).max(0.0) as usize;
                self.counts[step.min(HISTOGRAM - 1)] += 1;
                self.block = (0.0, 0);
            }
            self.begun += 1;
            if self.begun == whole {
                let total = self.counts.iter().sum::<u32>().max(1) as f32;
                seen.push(Seen {
                    time: spec.duration_of(self.before),
                    duration: STRETCH,
                    histogram: self.counts.map(|it| it as f32 / total),
                    size: (spec.rate, spec.channels),
                });
                self.before += self.begun;
                self.begun = 0;
                self.counts = [0; HISTOGRAM];
            }
        }
        Ok(())
    }
}
