// SPDX-License-Identifier: MPL-2.0

//! What a buffer carries that can be compared: what its metas say, else its pixels or its samples.

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

use crate::answer::{Answer, Detection, Region};
use crate::audio::{Planar, Spec, Timeline, split};
use crate::media::luma::LumaReader;
use crate::media::metas;
use crate::plane::Plane;
use crate::score::{Content, kind_of};

/// What an answer carries.
#[derive(Debug, Clone)]
pub enum Carried {
    Said(Answer),
    Pixels(Pixels),
    Sound(Sound),
}

/// A picture.
#[derive(Debug, Clone)]
pub struct Pixels {
    pub luma: Plane,
    /// `None` where the format has no alpha.
    pub alpha: Option<Plane>,
}

/// A stretch of sound.
#[derive(Debug, Clone)]
pub struct Sound {
    pub channels: Planar,
    /// Samples a second and channel.
    pub rate: u32,
    pub pts: Option<gst::ClockTime>,
}

impl Carried {
    /// Reads a buffer; `None` for what we cannot read, and for video in another memory than the system's.
    ///
    /// Metas count that `before`, the frame as it came to the candidate, did not carry.
    pub fn read(
        buffer: &gst::BufferRef,
        caps: &gst::CapsRef,
        before: Option<&gst::BufferRef>,
    ) -> Option<Carried> {
        if let Some(said) = said(buffer, caps, before) {
            return Some(Carried::Said(said));
        }
        if caps.structure(0)?.name() == "audio/x-raw" {
            return Sound::read(buffer, caps).map(Carried::Sound);
        }
        Pixels::read(buffer, caps).map(Carried::Pixels)
    }

    /// What it is, as in [`Content::kind`].
    pub fn kind(&self) -> &'static str {
        match self {
            Carried::Said(answer) => kind_of(answer),
            Carried::Pixels(_) => "only a picture",
            Carried::Sound(_) => "only sound",
        }
    }
}

/// The luma of a frame; `None` for what is no picture that we can read.
pub fn luma(buffer: &gst::BufferRef, caps: &gst::CapsRef) -> Option<Plane> {
    Pixels::read(buffer, caps).map(|it| it.luma)
}

/// What the metas say, with regions as shares of the frame, so that answers of different size compare; without what
/// stood on the frame `before` a candidate saw it.
pub fn said(buffer: &gst::BufferRef, caps: &gst::CapsRef, before: Option<&gst::BufferRef>) -> Option<Answer> {
    let score = metas::score(buffer);
    if let Some(score) = score.filter(|_| before.and_then(metas::score) != score) {
        return Some(Answer::Score(score));
    }
    let text = metas::text(buffer);
    if let Some(text) = text.filter(|it| before.and_then(metas::text).as_ref() != Some(it)) {
        return Some(Answer::Text(text));
    }
    let read = metas::read(buffer);
    let old = before.map(|it| boxes(it, caps)).unwrap_or_default();
    let is_new = |it: &Detection| !old.iter().any(|old| is_same(it, old));
    match read.clone() {
        Some(Answer::Instances(mut found)) => {
            found.iter_mut().for_each(|it| share(&mut it.detection, caps));
            found.retain(|it| is_new(&it.detection));
            if !found.is_empty() {
                return Some(Answer::Instances(found));
            }
        }
        Some(Answer::ClassMap(_)) if before.and_then(metas::read) != read => return read,
        _ => {}
    }
    let mut found = boxes(buffer, caps);
    found.retain(is_new);
    // Said in so many words, which only newer metas can.
    let found_nothing =
        read == Some(Answer::Detections(Vec::new())) && before.and_then(metas::read).is_none();
    if !found.is_empty() || found_nothing {
        return Some(Answer::Detections(found));
    }
    let classes = metas::classes(buffer).filter(|it| before.and_then(metas::classes).as_ref() != Some(it));
    classes.map(Answer::Classes)
}

/// Boxes as shares of the frame.
fn boxes(buffer: &gst::BufferRef, caps: &gst::CapsRef) -> Vec<Detection> {
    let mut found = metas::detections(buffer);
    found.iter_mut().for_each(|it| share(it, caps));
    found
}

/// Makes a region and key points in pixels ones in shares of the frame.
fn share(detection: &mut Detection, caps: &gst::CapsRef) {
    let Ok(info) = VideoInfo::from_caps(caps) else {
        return;
    };
    let (width, height) = (info.width().max(1) as f32, info.height().max(1) as f32);
    let region = detection.region;
    detection.region = Region {
        left: region.left / width,
        top: region.top / height,
        width: region.width / width,
        height: region.height / height,
    };
    for point in &mut detection.landmarks {
        (point.x, point.y) = (point.x / width, point.y / height);
    }
    // Nothing is compared by it, and there are no angles where the axes are counted apart.
    detection.turned = None;
}

/// Overlap from which on a box is one that was there before, scaled along with the frame.
const SAME: f32 = 0.95;

fn is_same(one: &Detection, other: &Detection) -> bool {
    one.class == other.class && one.confidence == other.confidence && SAME <= one.region.iou(&other.region)
}

impl Pixels {
    /// `None` for what is no picture that we can read.
    pub fn read(buffer: &gst::BufferRef, caps: &gst::CapsRef) -> Option<Pixels> {
        let in_reach = caps
            .features(0)
            .is_none_or(|it| it.contains(gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY));
        let info = in_reach.then(|| VideoInfo::from_caps(caps).ok())??;
        let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &info).ok()?;
        let mut luma = Plane::default();
        LumaReader::default().read(&frame, &mut luma).ok()?;
        Some(Pixels {
            alpha: alpha(&frame),
            luma,
        })
    }

    /// As it is read to see what it cuts out: `None` where the format has no alpha.
    pub fn cut_out(buffer: &gst::BufferRef, caps: &gst::CapsRef) -> Option<Pixels> {
        let has_alpha = VideoInfo::from_caps(caps).is_ok_and(|it| it.has_alpha());
        has_alpha.then(|| Pixels::read(buffer, caps)).flatten()
    }

    /// Whether some place is cut out.
    pub fn is_cut_out(&self) -> bool {
        let opaque = |it: &Plane| it.samples.iter().all(|it| *it == u8::MAX);
        self.alpha.as_ref().is_some_and(|it| !opaque(it))
    }

    /// What it covers: everything, where the format has no alpha.
    pub fn coverage(self) -> Plane {
        self.alpha.unwrap_or(Plane {
            samples: vec![u8::MAX; self.luma.samples.len()],
            ..self.luma
        })
    }
}

/// The alpha of a frame of eight bits a sample.
fn alpha(frame: &VideoFrameRef<&gst::BufferRef>) -> Option<Plane> {
    let format = frame.format_info();
    let last = format.n_components().checked_sub(1)?;
    if !format.has_alpha() || format.depth().get(last as usize) != Some(&8) {
        return None;
    }
    let data = frame.comp_data(last).ok()?;
    let stride = usize::try_from(frame.comp_stride(last))
        .ok()
        .filter(|it| 0 < *it)?;
    let step = usize::try_from(frame.comp_pstride(last))
        .ok()
        .filter(|it| 0 < *it)?;
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let rows = data.chunks(stride).take(height);
    let samples: Vec<u8> = rows
        .flat_map(|row| row.iter().step_by(step).take(width).copied())
        .collect();
    (samples.len() == width * height).then_some(Plane {
        samples,
        width,
        height,
    })
}

impl Sound {
    /// Interleaved samples, as [`Spec::from_caps`] takes them.
    pub fn read(buffer: &gst::BufferRef, caps: &gst::CapsRef) -> Option<Sound> {
        let spec = Spec::from_caps(caps)?;
        let map = buffer.map_readable().ok()?;
        // An incomplete last sample is left out.
        let whole = map.len() - map.len() % spec.width();
        let mut channels = Planar::new();
        split(&spec, &map[..whole], &mut channels).ok()?;
        Some(Sound {
            channels,
            rate: spec.rate,
            pts: buffer.pts(),
        })
    }

    /// The parts of both that lie at the same time, by their PTS; where one has none, both begin together. `None` at
    /// different rates, and where they do not meet.
    pub fn aligned(&self, other: &Sound) -> Option<(Content, Content)> {
        if self.rate != other.rate {
            return None;
        }
        let (own, others) = match (self.pts, other.pts) {
            (Some(own), Some(others)) => {
                let samples = |from, to| {
                    let mut line = Timeline::new(self.rate);
                    line.begin(Some(from));
                    line.position_of(to).map_or(0, |it| it as usize)
                };
                (samples(own, others), samples(others, own))
            }
            _ => (0, 0),
        };
        let length = |it: &Sound, skipped: usize| {
            let whole = it.channels.iter().map(Vec::len).min().unwrap_or_default();
            whole.saturating_sub(skipped)
        };
        let length = length(self, own).min(length(other, others));
        let part = |it: &Sound, skipped: usize| {
            Content::Sound(
                it.channels
                    .iter()
                    .map(|it| it[skipped..][..length].to_vec())
                    .collect(),
            )
        };
        (0 < length).then(|| (part(self, own), part(other, others)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(text: &str) -> gst::Caps {
        gst::init().unwrap();
        text.parse().unwrap()
    }

    const STEREO: &str = "audio/x-raw,format=S16LE,rate=8000,channels=2,layout=interleaved";

    fn stretch(at: u64, frames: i16) -> gst::Buffer {
        let bytes = (0..frames).flat_map(|it| [it, -it]).flat_map(i16::to_le_bytes);
        let mut buffer = gst::Buffer::from_slice(bytes.collect::<Vec<u8>>());
        buffer
            .get_mut()
            .unwrap()
            .set_pts(gst::ClockTime::from_useconds(at));
        buffer
    }

    fn sound(at: u64, frames: i16) -> Sound {
        gst::init().unwrap();
        let Some(Carried::Sound(sound)) = Carried::read(&stretch(at, frames), &caps(STEREO), None) else {
            panic!("no sound")
        };
        sound
    }

    #[test]
    fn stretches_are_compared_where_they_meet() {
        let Some((Content::Sound(one), Content::Sound(other))) = sound(0, 80).aligned(&sound(1000, 80))
        else {
            panic!("they meet")
        };
        assert_eq!((one.len(), one[0].len(), other[1].len()), (2, 72, 72));
        // A millisecond later is eight samples on.
        assert_eq!((one[0][0], other[0][0]), (8.0 / 32768.0, 0.0));
        assert_eq!(one[1][1], -9.0 / 32768.0);
        assert!(
            sound(0, 80).aligned(&sound(10_000, 80)).is_none(),
            "they do not meet"
        );
    }

    #[test]
    fn boxes_are_shares_of_the_frame_and_the_surest_comes_first() {
        let caps = caps("video/x-raw,format=GRAY8,width=200,height=100,framerate=25/1");
        let mut buffer = gst::Buffer::with_size(200 * 100).unwrap();
        {
            let buffer = buffer.get_mut().unwrap();
            for (label, at, confidence) in [("cat", 20, Some(0.25)), ("dog", 100, None)] {
                let mut meta = gst_video::VideoRegionOfInterestMeta::add(buffer, label, (at, 10, 50, 25));
                if let Some(confidence) = confidence {
                    let detection = gst::Structure::builder("detection");
                    meta.add_param(detection.field("confidence", confidence).build());
                }
            }
        }
        let Some(Carried::Said(Answer::Detections(found))) = Carried::read(&buffer, &caps, None) else {
            panic!("no boxes")
        };
        let region = found[1].region;
        assert_eq!((found[0].confidence, found[1].confidence), (1.0, 0.25));
        assert_eq!(
            (region.left, region.top, region.width, region.height),
            (0.1, 0.1, 0.25, 0.25)
        );
        assert_ne!(found[0].class, found[1].class);
    }

    #[test]
    fn what_the_frame_carried_already_is_not_the_candidates() {
        let caps = caps("video/x-raw,format=GRAY8,width=200,height=100,framerate=25/1");
        let mut frame = gst::Buffer::with_size(200 * 100).unwrap();
        gst_video::VideoRegionOfInterestMeta::add(frame.get_mut().unwrap(), "cat", (20, 10, 50, 25));
        let mut answer = frame.copy();
        assert!(matches!(
            Carried::read(&answer, &caps, Some(&frame)),
            Some(Carried::Pixels(_))
        ));
        gst_video::VideoRegionOfInterestMeta::add(answer.get_mut().unwrap(), "cat", (90, 10, 50, 25));
        let Some(Carried::Said(Answer::Detections(found))) = Carried::read(&answer, &caps, Some(&frame))
        else {
            panic!("no box")
        };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].region.left, 0.45);
    }

    #[test]
    fn alpha_counts_where_something_is_cut_out() {
        let caps = caps("video/x-raw,format=RGBA,width=2,height=1,framerate=25/1");
        let read = |bytes: [u8; 8]| match Carried::read(&gst::Buffer::from_slice(bytes), &caps, None) {
            Some(Carried::Pixels(pixels)) => pixels,
            other => panic!("{other:?}"),
        };
        let whole = read([1, 2, 3, 255, 4, 5, 6, 255]);
        assert!(!whole.is_cut_out() && whole.alpha.is_some());
        let cut = read([1, 2, 3, 255, 4, 5, 6, 7]);
        assert!(cut.is_cut_out());
        assert_eq!(cut.coverage().samples, [255, 7]);
    }
}
