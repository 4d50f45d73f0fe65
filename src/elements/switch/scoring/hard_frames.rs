// SPDX-License-Identifier: MPL-2.0

//! Frames that were hard for the candidates, kept in a folder as the user wants it: those on which one parts most from the
//! reference, or is the least sure. As pictures, with a line of JSON beside each, they are material for the next ranking.
//!
//! All of it happens on the scoring thread. Where there is no room any more, a harder frame takes the place of the least hard
//! one, also of earlier streams and of other switches: how hard it was is in a file's name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::trial::Trial;
use crate::answer::Answer;
use crate::bounded_file;
use crate::elements::content::Carried;
use crate::elements::switch::bus::Bus;
use crate::elements::switch::enums::Privacy;
use crate::numbered::Numbered;

/// Bytes that a folder may have, whatever the number of its frames: some hundred frames of 4K.
const MOST_BYTES: u64 = 2 << 30;

/// Smallest disagreement that makes a frame hard: below it all say the same.
const HARD: f64 = 0.02;

/// Stream frames between two that are kept: neighbors look alike. 1 s at 25 fps.
const APART: u64 = 25;

/// How long a picture may take to be encoded, on a busy machine and at the lowest priority.
const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(20);

/// Objects and classes of an answer that are told.
const TOLD: usize = 10;

#[derive(Debug, Default)]
pub struct HardFrames {
    folder: Option<Folder>,
    /// Number of the frame that was kept last.
    last: Option<u64>,
}

/// A folder in use.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    is_usable: bool,
}

/// A frame in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    /// In parts of a thousand.
    hardness: u32,
    /// Of the files, without extension.
    name: String,
    bytes: u64,
}

impl HardFrames {
    /// Takes in a frame that was looked at: how far each answer agrees with the reference's, the least confidence of one, and
    /// the answers. Keeps the frame if it is hard and the user wants that.
    pub fn saw(
        &mut self,
        trial: &Trial,
        (agreements, confidence): (&[(usize, f64)], Option<f64>),
        answers: &[(usize, Carried)],
        bus: &Bus,
    ) {
        let settings = &trial.context.settings;
        let Some(path) = settings.keep_hard_frames.as_deref() else {
            self.folder = None;
            return;
        };
        let least = agreements
            .iter()
            .map(|it| it.1)
            .chain(confidence)
            .reduce(f64::min);
        let hardness = 1.0 - least.unwrap_or(1.0);
        let is_near = self.last.is_some_and(|it| trial.number.abs_diff(it) < APART);
        if settings.privacy == Privacy::NoFrames || hardness < HARD || is_near {
            return;
        }
        if self.folder.as_ref().is_none_or(|it| it.path != Path::new(path)) {
            self.folder = Some(Folder::open(Path::new(path), bus));
        }
        let Some(folder) = &mut self.folder else { return };
        let hardness = (hardness * 1000.0).round() as u32;
        let line = || line(trial, agreements, confidence, answers);
        match folder.keep(trial, (hardness, settings.hard_frames_limit as usize), line) {
            Ok(true) => self.last = Some(trial.number),
            Ok(false) => {}
            Err(cause) => folder.give_up(&cause, bus),
        }
    }
}

impl Folder {
    fn open(path: &Path, bus: &Bus) -> Folder {
        let mut folder = Folder {
            path: path.to_owned(),
            is_usable: true,
        };
        if let Err(error) = list(path) {
            folder.give_up(&error.to_string(), bus);
        }
        folder
    }

    /// Says once that nothing is kept any more.
    fn give_up(&mut self, cause: &str, bus: &Bus) {
        self.is_usable = false;
        bus.warn(
            &format!(
                "no further hard frames are kept in {}: {cause}",
                self.path.display()
            ),
            "set `keep-hard-frames` to a folder that this user may write in, with room on its disk",
        );
    }

    /// Keeps the frame of a trial where it is harder than others, or there is room; returns whether it is kept.
    fn keep(
        &self,
        trial: &Trial,
        (hardness, most): (u32, usize),
        line: impl FnOnce() -> Value,
    ) -> Result<bool, String> {
        let Some(caps) = trial.caps.as_ref().filter(|_| self.is_usable) else {
            return Ok(false);
        };
        // Each time anew, since other switches may keep theirs here, and somebody may have taken some.
        let kept = list(&self.path).map_err(|error| error.to_string())?;
        if displaced(kept.clone(), (hardness, 0), most).is_none() {
            return Ok(false);
        }
        let picture = picture(&trial.frame, caps)?;
        let Some(displaced) = displaced(kept, (hardness, picture.len() as u64), most) else {
            return Ok(false);
        };
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let time = since.unwrap_or_default();
        let name = format!("hard-{hardness:04}-{}-{}", time.as_millis(), trial.number);
        let write = |extension: &str, content: &[u8]| {
            let path = self.path.join(&name).with_extension(extension);
            bounded_file::replace(&path, content).map_err(|error| error.to_string())
        };
        let mut line = line();
        line["time"] = json!(time.as_secs_f64());
        write("png", &picture)?;
        write("json", format!("{line}\n").as_bytes())?;
        for gone in displaced {
            for extension in ["png", "json"] {
                // Somebody may have taken it.
                let _ = fs::remove_file(self.path.join(&gone.name).with_extension(extension));
            }
        }
        Ok(true)
    }
}

/// Whose place a frame of this hardness takes, of so many bytes, where at most so many are kept: that of the least hard one, or
/// of as many as are too large together. `None` where one of them is as hard, so that all stay.
fn displaced(mut kept: Vec<Kept>, (hardness, bytes): (u32, u64), most: usize) -> Option<Vec<Kept>> {
    kept.sort_by_key(|it| it.hardness);
    let mut total = bytes + kept.iter().map(|it| it.bytes).sum::<u64>();
    let mut count = usize::from(most <= kept.len());
    total -= kept.iter().take(count).map(|it| it.bytes).sum::<u64>();
    while MOST_BYTES < total {
        total -= kept.get(count)?.bytes;
        count += 1;
    }
    let least = kept.get(..count)?;
    let is_harder = least.iter().all(|it| it.hardness < hardness);
    is_harder.then(|| least.to_vec())
}

/// What earlier streams have left in a folder, which is made where it is not there.
fn list(path: &Path) -> io::Result<Vec<Kept>> {
    fs::create_dir_all(path)?;
    let mut kept = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|it| it.strip_suffix(".png")) else {
            continue;
        };
        let hardness = name.strip_prefix("hard-").and_then(|it| it.split('-').next());
        if let Some(hardness) = hardness.and_then(|it| it.parse().ok()) {
            let bytes = entry.metadata()?.len();
            let name = name.to_owned();
            kept.push(Kept {
                hardness,
                name,
                bytes,
            });
        }
    }
    Ok(kept)
}

/// The frame as PNG.
fn picture(frame: &gst::Buffer, caps: &gst::Caps) -> Result<Vec<u8>, String> {
    let sample = gst::Sample::builder().buffer(frame).caps(caps).build();
    let png = gst::Caps::new_empty_simple("image/png");
    let converted = gst_video::convert_sample(&sample, &png, Some(PATIENCE));
    let converted = converted.map_err(|error| format!("a frame cannot be written as PNG ({error})"))?;
    let buffer = converted.buffer().ok_or("a frame gives no PNG")?;
    let map = buffer.map_readable().map_err(|error| error.to_string())?;
    Ok(map.to_vec())
}

/// What is told of a frame beside its picture.
fn line(
    trial: &Trial,
    agreements: &[(usize, f64)],
    confidence: Option<f64>,
    answers: &[(usize, Carried)],
) -> Value {
    let list = &trial.context.list;
    let agreement: Numbered<f64> = agreements.iter().copied().collect();
    let candidates = answers.iter().map(|(lane, carried)| {
        let mut said = json!({ "candidate": list.name(*lane), "answer": brief(carried) });
        if let Some(agreement) = agreement.get(*lane) {
            said["agreement"] = json!(agreement);
        }
        said
    });
    let mut line = json!({
        "frame": trial.number,
        "pts-ns": trial.frame.pts().map(|it| it.nseconds()),
        "reference": trial.context.reference.map(|it| list.name(it)),
        "candidates": candidates.collect::<Vec<_>>(),
    });
    if let Some(confidence) = confidence {
        line["least-confidence"] = json!(confidence);
    }
    line
}

/// An answer in brief.
fn brief(carried: &Carried) -> Value {
    let Carried::Said(said) = carried else {
        return json!(match carried {
            Carried::Sound(_) => "sound",
            _ => "picture",
        });
    };
    match said {
        Answer::Detections(boxes) => boxes
            .iter()
            .take(TOLD)
            .map(|it| {
                let place = &it.region;
                json!({ "confidence": it.confidence, "box": [place.left, place.top, place.width, place.height] })
            })
            .collect(),
        Answer::Classes(classes) => classes
            .iter()
            .take(TOLD)
            .map(|it| json!({ "confidence": it.confidence }))
            .collect(),
        Answer::Score(score) => json!(score),
        Answer::Text(text) => json!(text.text),
        Answer::ClassMap(_) | Answer::Matte(_) | Answer::Instances(_) => json!("mask"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(frames: &[(u32, u64)]) -> Vec<Kept> {
        let kept = |(number, &(hardness, bytes)): (usize, &(u32, u64))| Kept {
            hardness,
            name: number.to_string(),
            bytes,
        };
        frames.iter().enumerate().map(kept).collect()
    }

    /// Whose place it takes, by their hardness.
    fn places(frames: &[(u32, u64)], frame: (u32, u64), most: usize) -> Option<Vec<u32>> {
        let gone = displaced(kept(frames), frame, most)?;
        Some(gone.iter().map(|it| it.hardness).collect())
    }

    #[test]
    fn a_harder_frame_takes_the_place_of_the_least_hard_one_and_no_other_is_lost() {
        let frames = [(500, 10), (300, 10), (400, 10), (600, 10)];
        assert_eq!(places(&frames, (550, 10), 5), Some(vec![]));
        assert_eq!(places(&frames, (550, 10), 4), Some(vec![300]));
        assert_eq!(places(&frames, (300, 10), 4), None);
        // Others keep theirs here too, and allow more.
        assert_eq!(places(&frames, (550, 10), 2), Some(vec![300]));
        assert_eq!(places(&[], (550, 10), 0), None);
        // Where they are too large, all that would go are less hard, or all stay.
        let large = [(300, MOST_BYTES / 2), (500, MOST_BYTES / 2)];
        assert_eq!(places(&large, (400, 1), 9), Some(vec![300]));
        assert_eq!(places(&large, (400, MOST_BYTES), 9), None);
        assert_eq!(places(&large, (600, MOST_BYTES), 9), Some(vec![300, 500]));
        assert_eq!(places(&large, (600, MOST_BYTES + 1), 9), None);
    }
}
