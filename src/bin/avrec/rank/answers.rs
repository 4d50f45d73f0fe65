// SPDX-License-Identifier: MPL-2.0

//! What workers answered, as contents that can be compared.

use gstavrec::answer::{Answer, ClassMap, ClassScore, Detection, Instance, Mask, Region, Text};
use gstavrec::elements::comparable;
use gstavrec::plane::Plane;
use gstavrec::score::Content;
use gstavrec::truth::Classes;

use super::worker::wire::{Heard, NamedBox};

/// An answer that was read; of sound with its place in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub content: Content,
    /// Samples a second, and where the first one lies in the item.
    pub sound: Option<(u32, Option<u64>)>,
}

/// Reads what a worker sent; `None` where its bytes are not as many as it said.
pub fn read(heard: Heard, bytes: Vec<u8>, names: &mut Classes) -> Option<Given> {
    let mut sound = None;
    let content = match heard {
        Heard::Boxes(found) => {
            let found = found.iter().map(|it| detection(it, names));
            Content::Said(Answer::Detections(found.collect()))
        }
        Heard::Classes(pairs) => {
            let score = |(name, confidence): (String, f32)| ClassScore {
                class: names.number(&name),
                confidence,
            };
            Content::Said(Answer::Classes(pairs.into_iter().map(score).collect()))
        }
        Heard::ClassMap { width, height } => {
            let classes = exactly(bytes, width.checked_mul(height)?)?;
            Content::Said(Answer::ClassMap(ClassMap {
                width,
                height,
                classes,
            }))
        }
        Heard::Matte { width, height } => {
            let coverage = exactly(bytes, width.checked_mul(height)?)?;
            Content::Said(Answer::Matte(Mask {
                width,
                height,
                coverage,
            }))
        }
        Heard::Instances(found) => {
            let instance = |it: &super::worker::wire::NamedMask| Instance {
                detection: detection(&it.found, names),
                mask: Mask {
                    width: it.width,
                    height: it.height,
                    coverage: it.coverage.clone(),
                },
            };
            Content::Said(Answer::Instances(found.iter().map(instance).collect()))
        }
        Heard::Score(score) => Content::Said(Answer::Score(score)),
        Heard::Text { text, confidence } => Content::Said(Answer::Text(Text { text, confidence })),
        Heard::Picture {
            width,
            height,
            has_alpha,
        } => {
            let size = width.checked_mul(height)?;
            let mut luma = exactly(bytes, size * if has_alpha { 2 } else { 1 })?;
            let alpha = luma.split_off(size);
            let is_cut_out = alpha.iter().any(|it| *it != u8::MAX);
            let samples = if is_cut_out { alpha } else { luma };
            let plane = Plane {
                samples,
                width,
                height,
            };
            if is_cut_out {
                Content::Coverage(plane)
            } else {
                Content::Picture(plane)
            }
        }
        Heard::Sound {
            rate,
            channels,
            pts_ns,
        } => {
            sound = Some((rate, pts_ns));
            Content::Sound(planar(&bytes, channels))
        }
    };
    Some(Given { content, sound })
}

/// The answer in the kind of the truth, as comparing needs it: a frame on which nothing was found carries only a picture.
/// `None` where the two are of different tasks.
pub fn in_kind_of(answer: Content, truth: &Content) -> Option<Content> {
    match (&answer, truth) {
        (Content::Picture(_), Content::Said(said)) => {
            let nothing = comparable::empty(said);
            comparable::may_be_empty(&nothing).then_some(Content::Said(nothing))
        }
        // Opaque everywhere is a coverage too.
        (Content::Picture(plane), Content::Coverage(_)) => Some(Content::Coverage(Plane {
            samples: vec![u8::MAX; plane.samples.len()],
            ..plane.clone()
        })),
        _ => {
            let kinds = (std::mem::discriminant(&answer), std::mem::discriminant(truth));
            (kinds.0 == kinds.1 && answer.kind() == truth.kind()).then_some(answer)
        }
    }
}

/// The answer with its places in pixels of a frame of this size, where it has places; they are shares of the frame before.
pub fn in_pixels(content: Content, (width, height): (u32, u32)) -> Content {
    let (width, height) = (width as f32, height as f32);
    let sized = |it: Detection| Detection {
        region: Region {
            left: width * it.region.left,
            top: height * it.region.top,
            width: width * it.region.width,
            height: height * it.region.height,
        },
        ..it
    };
    match content {
        Content::Said(Answer::Detections(found)) => {
            Content::Said(Answer::Detections(found.into_iter().map(sized).collect()))
        }
        Content::Said(Answer::Instances(found)) => {
            let sized = |it: Instance| Instance {
                detection: sized(it.detection),
                ..it
            };
            Content::Said(Answer::Instances(found.into_iter().map(sized).collect()))
        }
        other => other,
    }
}

fn exactly(bytes: Vec<u8>, count: usize) -> Option<Vec<u8>> {
    (bytes.len() == count).then_some(bytes)
}

fn detection(found: &NamedBox, names: &mut Classes) -> Detection {
    let [left, top, width, height] = found.region;
    Detection {
        region: Region {
            left,
            top,
            width,
            height,
        },
        class: names.number(&found.name),
        confidence: found.confidence,
        ..Detection::default()
    }
}

/// Floats of one channel after the other.
pub fn planar(bytes: &[u8], channels: usize) -> Vec<Vec<f32>> {
    let samples: Vec<f32> = bytes
        .chunks_exact(4)
        .filter_map(|it| it.first_chunk())
        .map(|it| f32::from_le_bytes(*it))
        .collect();
    match channels {
        0 => Vec::new(),
        _ => samples
            .chunks((samples.len() / channels).max(1))
            .take(channels)
            .map(<[f32]>::to_vec)
            .collect(),
    }
}

/// Interleaved floats, one channel after the other.
pub fn split(bytes: &[u8], channels: usize) -> Vec<Vec<f32>> {
    let channels = channels.max(1);
    let mut sound = vec![Vec::with_capacity(bytes.len() / 4 / channels); channels];
    for (index, sample) in bytes
        .chunks_exact(4)
        .filter_map(|it| it.first_chunk())
        .enumerate()
    {
        if let Some(channel) = sound.get_mut(index % channels) {
            channel.push(f32::from_le_bytes(*sample));
        }
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;
    use gstavrec::score::evaluation::{Evaluation, Terms, observe};

    /// 40 by 40 pixels of a frame of 400 by 200 are an object of medium size, and their share of the frame says nothing of that.
    #[test]
    fn objects_are_small_or_large_in_pixels() {
        let region = Region {
            left: 0.5,
            top: 0.5,
            width: 0.1,
            height: 0.2,
        };
        let found = Detection {
            region,
            confidence: 1.0,
            ..Detection::default()
        };
        let content = in_pixels(Content::Said(Answer::Detections(vec![found])), (400, 200));
        let seen = observe(Some(&content), &content, &Terms::default()).unwrap();
        let evaluation = Evaluation::new(&[seen]).unwrap();
        let values = ["map", "map-small", "map-medium", "map-large"]
            .map(|it| evaluation.figure(it).and_then(|it| it.value()));
        assert_eq!(values, [Some(1.0), None, Some(1.0), None]);
    }
}
