// SPDX-License-Identifier: MPL-2.0

//! Known boxes, put on the frames that leave an element, so that a probe can compare answers with the truth.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gst::prelude::*;
use gstavrec::answer::{Answer, Detection, Region};
use gstavrec::media::metas;
use gstavrec::truth::{Classes, ItemKey, Kind, Label, Truth};

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

/// The boxes of each frame.
struct Boxes {
    truth: Truth,
    classes: Classes,
}

impl Boxes {
    fn read(path: &Path) -> Result<Boxes, String> {
        let mut classes = Classes::new();
        let truth = Truth::open(path, &mut classes).map_err(|error| format!("--boxes: {error}"))?;
        if truth.kind() != Kind::Boxes || truth.names_files() {
            let path = path.display();
            return Err(format!(
                "--boxes: '{path}' has no boxes by frame; begin with a line {HEAD}"
            ));
        }
        Ok(Boxes { truth, classes })
    }

    fn put(&self, pad: &gst::Pad, buffer: &mut gst::Buffer) -> Option<()> {
        let caps = pad.current_caps()?;
        let info = gst_video::VideoInfo::from_caps(&caps).ok()?;
        let size = (info.width(), info.height());
        let item = ItemKey {
            file: Path::new(""),
            time: buffer.pts()?.into(),
            duration: Duration::ZERO,
            frame: number(buffer.pts()?, info.fps())?,
            size: Some(size),
        };
        let found = self.found(&item)?;
        metas::attach(
            buffer.make_mut(),
            &Answer::Detections(found),
            self.classes.names(),
            size,
        )
        .ok()
    }

    /// In pixels; `None` where there are none.
    fn found(&self, item: &ItemKey) -> Option<Vec<Detection>> {
        let Some(Label::Objects(objects)) = self.truth.of(item).ok()? else {
            return None;
        };
        let (width, height) = item.size.map(|it| (it.0 as f32, it.1 as f32))?;
        let in_pixels = objects.into_iter().map(|object| {
            let mut found = object.detection;
            let it = found.region;
            found.region = Region {
                left: it.left * width,
                top: it.top * height,
                width: it.width * width,
                height: it.height * height,
            };
            found
        });
        Some(in_pixels.collect()).filter(|it: &Vec<Detection>| !it.is_empty())
    }
}

/// What the first line of a file says.
const HEAD: &str = "frame,class,left,top,width,height";

/// The number of the frame that is shown at `pts`, from 0; `None` without a frame rate.
fn number(pts: gst::ClockTime, rate: gst::Fraction) -> Option<u64> {
    let per_second = u64::try_from(rate.numer()).ok().filter(|it| 0 < *it)?;
    let second = gst::ClockTime::SECOND.nseconds() * u64::try_from(rate.denom()).ok()?;
    pts.nseconds().mul_div_round(per_second, second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_stand_with_their_frame() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scene.csv");
        let write = |text: &str| gstavrec::bounded_file::write(&path, text).unwrap();
        write(&format!(
            "{HEAD}\n0,ball,1,2,3,4.5\n\n7,cup,0,0,9,9\n7,ball,5,5,2,2\n"
        ));
        let boxes = Boxes::read(&path).unwrap();
        let found = |frame| {
            boxes.found(&ItemKey {
                file: Path::new(""),
                time: Duration::ZERO,
                duration: Duration::ZERO,
                frame,
                size: Some((64, 32)),
            })
        };
        assert_eq!(boxes.classes.names(), ["ball", "cup"]);
        assert_eq!(found(0).unwrap()[0].region.height, 4.5);
        let classes: Vec<u32> = found(7).unwrap().iter().map(|it| it.class).collect();
        assert_eq!((classes, found(1)), (vec![1, 0], None));
        for (text, words) in [("0,ball,1,2,3\n", "scene.csv"), ("file,class\na,b\n", HEAD)] {
            write(text);
            let error = Boxes::read(&path).err().unwrap();
            assert!(error.contains(words) && error.contains("--boxes"), "{error}");
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
