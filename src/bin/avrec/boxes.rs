// SPDX-License-Identifier: MPL-2.0

//! Known boxes, put on the frames that leave an element, so that a probe can compare answers with the truth.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use gst::prelude::*;
use gstavrec::answer::{Answer, Detection, Region};
use gstavrec::bounded_file;
use gstavrec::media::metas;

/// `ELEMENT:FILE`, as typed.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxesPlan {
    pub element: String,
    pub file: PathBuf,
}

impl BoxesPlan {
    pub fn parse(text: &str) -> Result<BoxesPlan, String> {
        match text.split_once(':') {
            Some((element, file)) if !element.is_empty() && !file.is_empty() => Ok(BoxesPlan {
                element: element.to_string(),
                file: PathBuf::from(file),
            }),
            _ => Err(format!(
                "--boxes '{text}' is not ELEMENT:FILE, such as truth:scene.csv"
            )),
        }
    }

    /// Reads the file, and attaches its boxes to what leaves the element from now on.
    pub fn attach(&self, pipeline: &gst::Pipeline) -> Result<(), String> {
        let boxes = Boxes::read(&self.file)?;
        let element = pipeline.by_name(&self.element).ok_or_else(|| {
            format!(
                "--boxes: the launch description has no element '{}'",
                self.element
            )
        })?;
        let pad = element
            .static_pad("src")
            .ok_or_else(|| format!("--boxes: element '{}' has no pad 'src'", self.element))?;
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if let Some(buffer) = info.buffer_mut() {
                // A frame without a time or a size has no place in the list.
                let _ = boxes.put(pad, buffer);
            }
            gst::PadProbeReturn::Ok
        });
        Ok(())
    }
}

/// The boxes of each frame, by its number.
#[derive(Debug, Default, PartialEq)]
struct Boxes {
    labels: Vec<String>,
    frames: HashMap<u64, Vec<Detection>>,
}

impl Boxes {
    fn read(path: &Path) -> Result<Boxes, String> {
        let text = bounded_file::read_text(path, MOST_BYTES)
            .map_err(|err| format!("--boxes: '{}' cannot be read: {err}", path.display()))?;
        Boxes::parse(&text).map_err(|err| format!("--boxes: '{}', {err}", path.display()))
    }

    /// Lines `frame,class,left,top,width,height` below a head that says so; frames count from 0.
    fn parse(text: &str) -> Result<Boxes, String> {
        let mut boxes = Boxes::default();
        for (number, line) in text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.trim()))
        {
            if line.is_empty() || line.starts_with('#') || line == HEAD {
                continue;
            }
            let wrong = || format!("line {number}: '{line}' is not {HEAD}");
            let [frame, class, sizes @ ..] = &line.split(',').map(str::trim).collect::<Vec<_>>()[..] else {
                return Err(wrong());
            };
            let sizes: Vec<f32> = sizes
                .iter()
                .map(|it| it.parse().ok().filter(|it: &f32| it.is_finite()))
                .collect::<Option<_>>()
                .ok_or_else(wrong)?;
            let (&[left, top, width, height], Ok(frame)) = (&sizes[..], frame.parse()) else {
                return Err(wrong());
            };
            let region = Region {
                left,
                top,
                width,
                height,
            };
            boxes.frames.entry(frame).or_default().push(Detection {
                region,
                class: class_of(&mut boxes.labels, class),
                confidence: 1.0,
                ..Detection::default()
            });
        }
        Ok(boxes)
    }

    fn put(&self, pad: &gst::Pad, buffer: &mut gst::Buffer) -> Option<()> {
        let caps = pad.current_caps()?;
        let info = gst_video::VideoInfo::from_caps(&caps).ok()?;
        let frame = number(buffer.pts()?, info.fps())?;
        let found = self.frames.get(&frame)?.clone();
        let size = (info.width(), info.height());
        metas::attach(buffer.make_mut(), &Answer::Detections(found), &self.labels, size).ok()
    }
}

/// What the first line of a file may say.
/// Bytes that the file may have: millions of boxes.
const MOST_BYTES: u64 = 256 << 20;

const HEAD: &str = "frame,class,left,top,width,height";

/// The number of the frame that is shown at `pts`, from 0; `None` without a frame rate.
fn number(pts: gst::ClockTime, rate: gst::Fraction) -> Option<u64> {
    let per_second = u64::try_from(rate.numer()).ok().filter(|it| 0 < *it)?;
    let second = gst::ClockTime::SECOND.nseconds() * u64::try_from(rate.denom()).ok()?;
    pts.nseconds().mul_div_round(per_second, second)
}

/// The position of a label, which is added where it is new.
fn class_of(labels: &mut Vec<String>, name: &str) -> u32 {
    let position = labels.iter().position(|it| it == name).unwrap_or_else(|| {
        labels.push(name.to_string());
        labels.len() - 1
    });
    position as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_stand_with_their_frame() {
        let boxes = Boxes::parse(
            "frame,class,left,top,width,height\n0,ball,1,2,3,4.5\n\n7,cup,0,0,9,9\n7,ball,5,5,2,2\n",
        )
        .unwrap();
        assert_eq!(boxes.labels, ["ball", "cup"]);
        assert_eq!(boxes.frames[&0][0].region.height, 4.5);
        let classes: Vec<u32> = boxes.frames[&7].iter().map(|it| it.class).collect();
        assert_eq!(classes, [1, 0]);
    }

    #[test]
    fn a_wrong_line_is_told_with_its_number() {
        for text in [
            "0,ball,1,2,3",
            "0,ball,1,2,3,4,5",
            "x,ball,1,2,3,4",
            "0,ball,1,2,3,inf",
        ] {
            let error = Boxes::parse(&format!("{HEAD}\n{text}\n")).unwrap_err();
            assert!(error.contains("line 2") && error.contains(text), "{error}");
        }
        assert!(
            BoxesPlan::parse("scene.csv")
                .unwrap_err()
                .contains("ELEMENT:FILE")
        );
    }

    #[test]
    fn a_frame_is_known_by_its_time() {
        let at = |ms, rate| number(gst::ClockTime::from_mseconds(ms), rate);
        assert_eq!(at(0, gst::Fraction::new(25, 1)), Some(0));
        assert_eq!(at(4400, gst::Fraction::new(25, 1)), Some(110));
        // 30000/1001 frames a second: frame 3 stands at 100.1 ms.
        assert_eq!(at(100, gst::Fraction::new(30_000, 1001)), Some(3));
        assert_eq!(at(100, gst::Fraction::new(0, 1)), None);
    }
}
