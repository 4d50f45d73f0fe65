// SPDX-License-Identifier: MPL-2.0

//! What models are asked on an item, and what the right answer is.

use std::time::Duration;

use gst_video::VideoFormat;
use gstavrec::audio::corrupt as sound_corrupt;
use gstavrec::elements::content::Pixels;
use gstavrec::media::corrupt as picture_corrupt;
use gstavrec::media::corrupt::Rgb;
use gstavrec::plane::Plane;
use gstavrec::score::Content;

use super::answers;
use super::material::{Form, Frame, STRETCH};
use super::picture;
use super::worker::wire::{Item, Piece};

/// Length of a buffer of sound.
const BUFFER: Duration = Duration::from_millis(20);

/// What is done to an item before the models meet it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Of pictures: made smaller by so much each way.
    Shrunk(f64),
    Picture(picture_corrupt::Corruption, u8),
    Sound(sound_corrupt::Corruption, u8),
}

impl Change {
    /// Reads `NAME` or `NAME:STRENGTH`.
    pub fn parse(text: &str, listens: bool) -> Result<Change, String> {
        let (name, strength) = match text.split_once(':') {
            None => (text, Some(3)),
            Some((name, strength)) => (name, strength.parse().ok().filter(|it| (1..=5).contains(it))),
        };
        let Some(strength) = strength else {
            return Err(format!("'{text}': write a strength from 1 to 5 behind the colon"));
        };
        let found = match listens {
            true => sound_corrupt::Corruption::named(name).map(|it| Change::Sound(it, strength)),
            false => picture_corrupt::Corruption::named(name).map(|it| Change::Picture(it, strength)),
        };
        found.ok_or_else(|| {
            let known: Vec<_> = match listens {
                true => sound_corrupt::Corruption::ALL
                    .iter()
                    .map(|it| it.name())
                    .collect(),
                false => picture_corrupt::Corruption::ALL
                    .iter()
                    .map(|it| it.name())
                    .collect(),
            };
            format!(
                "'{name}' is no change that is known; write one of {}",
                known.join(", ")
            )
        })
    }

    /// What is done, for a person.
    pub fn told(&self) -> String {
        match self {
            Change::Shrunk(by) => format!("scaled down by {by}"),
            Change::Picture(it, strength) => format!("{}, strength {strength} of 5", it.name()),
            Change::Sound(it, strength) => format!("{}, strength {strength} of 5", it.name()),
        }
    }

    /// The changed item, always the same of the same one.
    pub fn applied(&self, frame: &Frame, seed: u64) -> Result<Frame, String> {
        match self {
            Change::Shrunk(by) => {
                let (width, height) = picture::size(frame)?;
                let smaller = |it: u32| ((f64::from(it) / by / 2.0).floor() as u32).max(1) * 2;
                picture::scaled(frame, smaller(width), smaller(height))
            }
            Change::Picture(corruption, strength) => {
                let format = picture::info(&frame.caps)?.format();
                let mut rgb = picture::in_format(frame, VideoFormat::Rgb)?;
                let info = picture::info(&rgb.caps)?;
                let picture = Rgb {
                    samples: &mut rgb.bytes,
                    width: info.width() as usize,
                    height: info.height() as usize,
                    stride: usize::try_from(info.stride()[0]).unwrap_or(0),
                };
                corruption.apply(*strength, seed, picture);
                picture::in_format(&rgb, format)
            }
            Change::Sound(corruption, strength) => {
                let (rate, channels) = sound_of(&frame.caps);
                let mut sound = answers::split(&frame.bytes, channels);
                corruption.apply(*strength, seed, &mut sound, rate);
                let length = sound.first().map_or(0, Vec::len);
                let mut bytes = Vec::with_capacity(frame.bytes.len());
                for at in 0..length {
                    for channel in &sound {
                        bytes.extend(channel[at].to_le_bytes());
                    }
                }
                Ok(Frame {
                    caps: frame.caps.clone(),
                    bytes,
                })
            }
        }
    }
}

/// Samples a second, and channels.
pub fn sound_of(caps: &gst::CapsRef) -> (u32, usize) {
    let number = |name: &str| {
        caps.structure(0)
            .and_then(|it| it.get::<i32>(name).ok())
            .unwrap_or(1)
    };
    let rate = u32::try_from(number("rate")).unwrap_or(1);
    (rate, usize::try_from(number("channels")).unwrap_or(1))
}

/// The item as a worker takes it.
pub fn item(frame: &Frame, form: Form, duration: Duration) -> Item {
    let nanoseconds = |it: Duration| u64::try_from(it.as_nanos()).unwrap_or(u64::MAX);
    let buffers = match form {
        Form::Video | Form::Picture => vec![Piece {
            pts_ns: 0,
            duration_ns: nanoseconds(duration),
            bytes: frame.bytes.len(),
        }],
        Form::Sound => {
            let (rate, channels) = sound_of(&frame.caps);
            let width = 4 * channels;
            let samples = (rate as usize * BUFFER.as_millis() as usize / 1000).max(1);
            let time = |sample: usize| Duration::from_secs_f64(sample as f64 / f64::from(rate.max(1)));
            let parts = frame
                .bytes
                .chunks(samples * width)
                .enumerate()
                .map(|(index, part)| Piece {
                    pts_ns: nanoseconds(time(index * samples)),
                    duration_ns: nanoseconds(time(part.len() / width)),
                    bytes: part.len(),
                });
            parts.collect()
        }
    };
    let mut caps = frame.caps.clone();
    // Pictures have no rate, and streams have one.
    if form == Form::Picture {
        let caps = caps.make_mut();
        caps.set("framerate", gst::Fraction::new(25, 1));
    }
    Item {
        caps: caps.to_string(),
        buffers,
    }
}

/// The item itself as the right answer, in the size of what was answered.
pub fn itself(frame: &Frame, form: Form, like: &Content) -> Result<Content, String> {
    match (form, like) {
        (Form::Sound, _) => Ok(Content::Sound(answers::split(
            &frame.bytes,
            sound_of(&frame.caps).1,
        ))),
        (_, Content::Picture(plane)) => {
            let size = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
            let sized = picture::scaled(frame, size(plane.width), size(plane.height))?;
            luma(&sized).map(Content::Picture)
        }
        _ => Err(format!("{} is not what the frames themselves are", like.kind())),
    }
}

/// The luma of a frame.
pub fn luma(frame: &Frame) -> Result<Plane, String> {
    let buffer = gst::Buffer::from_slice(frame.bytes.clone());
    let pixels = Pixels::read(&buffer, &frame.caps);
    pixels
        .map(|it| it.luma)
        .ok_or_else(|| format!("no luma can be read of {}", frame.caps))
}

/// What is compared of two stretches of sound: of an answer that begins `late_ns` behind the item, and of the truth.
pub fn aligned(answer: Vec<Vec<f32>>, truth: Vec<Vec<f32>>, rate: u32, late_ns: u64) -> (Content, Content) {
    let late = (Duration::from_nanos(late_ns).as_secs_f64() * f64::from(rate)).round() as usize;
    let own = answer.first().map_or(0, Vec::len);
    let right = truth.first().map_or(0, Vec::len).saturating_sub(late);
    let length = own.min(right);
    let cut = |sound: Vec<Vec<f32>>, from: usize| {
        let part = |it: Vec<f32>| it.get(from..from + length).unwrap_or_default().to_vec();
        Content::Sound(sound.into_iter().map(part).collect())
    };
    (cut(answer, 0), cut(truth, late))
}

/// How long an item lasts.
pub fn length(form: Form, duration: Duration) -> Duration {
    if form == Form::Sound { STRETCH } else { duration }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_all_changes_and_all_that_it_names_are_some() {
        let page = include_str!("../../../../docs/rank.md");
        let line = page.lines().find(|it| it.starts_with("| `--degrade")).unwrap();
        let (_, lists) = line.split_once("Pictures:").unwrap();
        let (pictures, sounds) = lists.split_once("; sound:").unwrap();
        for (list, listens) in [(pictures, false), (sounds, true)] {
            let names: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
            let told: Vec<String> = names
                .iter()
                .map(|it| Change::parse(it, listens).unwrap().told())
                .collect();
            assert!(
                told.iter()
                    .zip(&names)
                    .all(|(told, name)| told.starts_with(*name))
            );
            let known = match listens {
                true => sound_corrupt::Corruption::ALL.len(),
                false => picture_corrupt::Corruption::ALL.len(),
            };
            assert_eq!(names.len(), known, "{names:?}");
        }
        let unknown = Change::parse("rust", true).unwrap_err();
        assert!(unknown.contains("noise, babble"), "{unknown}");
    }
}
