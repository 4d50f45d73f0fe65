// SPDX-License-Identifier: MPL-2.0

//! Frames and sound of the user's files, spread evenly over them, with the half that each belongs to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gst::prelude::*;
use gst_video::VideoInfo;
use gstavrec::bounded_file;
use gstavrec::tune::blocks::Place;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::failure::Failure;

/// A frame of a file.
#[derive(Clone)]
pub struct Frame {
    pub buffer: gst::Buffer,
    pub info: VideoInfo,
    pub place: Place,
    /// The number of the frame in its file, from 0.
    pub number: u64,
    /// Position of its file in [`Material::files`].
    pub file: usize,
}

/// What was read of the user's files.
#[derive(Default)]
pub struct Material {
    pub files: Vec<File>,
    pub frames: Vec<Frame>,
}

/// A stretch of sound as a model hears it.
pub struct Sound {
    /// At the model's rate, one channel.
    pub samples: Vec<f32>,
    pub place: Place,
    /// Position of its file.
    pub file: usize,
}

/// A file that something was read of.
#[derive(Clone, Debug)]
pub struct File {
    pub path: PathBuf,
    /// SHA-256 in hexadecimal digits.
    pub digest: String,
    /// The folder that a picture or sound lies in, where folders are classes.
    pub class: Option<String>,
}

/// Bytes that all frames of one file may take.
const MOST_BYTES: usize = 256 << 20;

/// The largest file of material.
const MOST_FILE: u64 = 1 << 40;

/// How long a decoder may stand still.
const PATIENCE: Duration = Duration::from_secs(30);

/// Files that a folder may hold.
const MOST_FILES: usize = 20_000;

/// The files that are meant: those of folders one by one, and for folders of folders the name of the inner one as the class.
pub fn files(named: &[PathBuf]) -> Result<Vec<(PathBuf, Option<String>)>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push((path.clone(), None));
            continue;
        }
        for inner in entries(path)? {
            if inner.is_dir() {
                let class = inner.file_name().map(|it| it.to_string_lossy().into_owned());
                files.extend(
                    entries(&inner)?
                        .into_iter()
                        .filter(|it| it.is_file())
                        .map(|it| (it, class.clone())),
                );
            } else {
                files.push((inner, None));
            }
        }
    }
    if MOST_FILES < files.len() {
        let text = format!(
            "--on: these are {} files, more than {MOST_FILES}; give fewer",
            files.len()
        );
        return Err(Failure::Usage(text));
    }
    Ok(files)
}

/// What lies in a folder, by name; what is hidden is not meant.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let cannot = |err| Failure::Usage(format!("--on {}: {err}", folder.display()));
    let read = std::fs::read_dir(folder).map_err(cannot)?;
    let mut paths = read
        .map(|it| it.map(|it| it.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(cannot)?;
    paths.retain(|it| {
        it.file_name()
            .is_some_and(|name| !name.to_string_lossy().starts_with('.'))
    });
    paths.sort();
    Ok(paths)
}

/// The SHA-256 of a file in hexadecimal digits.
pub fn digest(path: &Path) -> Result<String, Failure> {
    let cannot = |err| Failure::Usage(format!("{}: {err}", path.display()));
    let mut file = bounded_file::open(path).map_err(cannot)?;
    let mut hash = Sha256::new();
    std::io::copy(&mut std::io::Read::take(&mut file, MOST_FILE), &mut hash).map_err(cannot)?;
    Ok(hash.finalize().iter().map(|it| format!("{it:02x}")).collect())
}

/// Reads about `wanted` frames of each clip, evenly, and each picture.
pub fn frames(named: &[PathBuf], wanted: usize) -> Result<Material, Failure> {
    let mut material = Material::default();
    let mut pictures = std::collections::BTreeMap::<Option<String>, usize>::new();
    for (path, class) in files(named)? {
        let file = material.files.len();
        let digest = digest(&path)?;
        let read = decode(&path, wanted)?;
        // Pictures of a class follow each other like the seconds of a clip.
        let is_picture = read.len() == 1;
        let seen = pictures.entry(class.clone()).or_default();
        let clip = match (&class, is_picture) {
            (Some(class), true) => format!("class {class}"),
            (None, true) => "pictures".to_owned(),
            (_, false) => path.display().to_string(),
        };
        for mut frame in read {
            frame.file = file;
            frame.place.is_picture = is_picture;
            if is_picture {
                frame.place.at = *seen as f64;
                *seen += 1;
            }
            frame.place.clip = clip.clone();
            material.frames.push(frame);
        }
        material.files.push(File { path, digest, class });
    }
    Ok(material)
}

/// The most seconds of one file that are listened to.
const MOST_SECONDS: usize = 1200;

/// Windows of the files' sound, of so many samples, each so many after the one before; at most about `wanted` of a file.
pub fn sounds(
    named: &[PathBuf],
    rate: u32,
    (length, step): (usize, usize),
    wanted: usize,
) -> Result<(Vec<File>, Vec<Sound>), Failure> {
    let (mut listed, mut sounds) = (Vec::new(), Vec::new());
    let mut singles = std::collections::BTreeMap::<Option<String>, usize>::new();
    for (path, class) in files(named)? {
        let digest = digest(&path)?;
        let samples = hear(&path, rate)?;
        let count = (samples.len() + step).saturating_sub(length) / step;
        let stride = count.div_ceil(wanted.max(1)).max(1);
        let seen = singles.entry(class.clone()).or_default();
        let (is_single, before) = (class.is_some() && count <= 3, *seen);
        *seen += 1;
        for window in (0..count).step_by(stride) {
            let start = window * step;
            let seconds = start as f64 / f64::from(rate);
            let place = match (&class, is_single) {
                (Some(class), true) => Place {
                    clip: format!("class {class}"),
                    at: before as f64,
                    is_picture: true,
                },
                _ => Place {
                    clip: path.display().to_string(),
                    at: seconds,
                    is_picture: false,
                },
            };
            sounds.push(Sound {
                samples: samples[start..start + length].to_vec(),
                place,
                file: listed.len(),
            });
        }
        listed.push(File { path, digest, class });
    }
    Ok((listed, sounds))
}

/// All sound of a file at this rate, mixed to one channel.
fn hear(path: &Path, rate: u32) -> Result<Vec<f32>, Failure> {
    let cannot = |cause: &dyn std::fmt::Display| Failure::Usage(format!("--on {}: {cause}", path.display()));
    bounded_file::open(path).map_err(|err| cannot(&err))?;
    let line = format!(
        "filesrc name=file ! decodebin name=decoder ! audioconvert ! audioresample \
         ! audio/x-raw,format=F32LE,channels=1,rate={rate} ! fakesink name=sink sync=false"
    );
    let broken = |err: &dyn std::fmt::Display| Failure::Pipeline(err.to_string());
    let pipeline = gst::parse::launch(&line).map_err(|err| broken(&err))?;
    let pipeline = pipeline
        .downcast::<gst::Pipeline>()
        .map_err(|_| broken(&"no pipeline"))?;
    let part = |name: &str| pipeline.by_name(name).ok_or_else(|| broken(&name));
    part("file")?.set_property("location", path);
    let most = MOST_SECONDS * rate as usize;
    let heard = Arc::new(Mutex::new(Vec::<f32>::new()));
    let ours = heard.clone();
    if let Some(pad) = part("sink")?.static_pad("sink") {
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let map = info.buffer().and_then(|it| it.map_readable().ok());
            let mut heard = ours.lock();
            if let Some(map) = map.filter(|_| heard.len() < most) {
                heard.extend(map.as_chunks::<4>().0.iter().map(|it| f32::from_le_bytes(*it)));
            }
            gst::PadProbeReturn::Ok
        });
    }
    let started = pipeline.set_state(gst::State::Playing);
    let ended = wait(&pipeline, || heard.lock().len() as u64);
    let _ = pipeline.set_state(gst::State::Null);
    let heard = std::mem::take(&mut *heard.lock());
    if heard.is_empty() {
        let cause = ended.err().unwrap_or_else(|| "it has no sound".to_owned());
        return Err(cannot(&cause));
    }
    ended.map_err(|cause| cannot(&cause))?;
    started.map_err(|err| broken(&err))?;
    Ok(heard)
}

/// Frames that were kept of a stream whose length is not known: every one of a stride that doubles.
struct Kept {
    frames: Vec<Frame>,
    stride: u64,
    seen: u64,
    wanted: usize,
}

impl Kept {
    fn take(&mut self, buffer: &gst::BufferRef, info: &VideoInfo) {
        let number = self.seen;
        self.seen += 1;
        if !number.is_multiple_of(self.stride) {
            return;
        }
        let at = buffer
            .pts()
            .map_or(number as f64, |it| it.nseconds() as f64 / 1e9);
        // A copy, so that no decoder waits for its memory.
        let Ok(copy) = buffer.copy_deep() else { return };
        let place = Place {
            clip: String::new(),
            at,
            is_picture: false,
        };
        self.frames.push(Frame {
            buffer: copy,
            info: info.clone(),
            place,
            number,
            file: 0,
        });
        let most = self.wanted.min(MOST_BYTES / info.size().max(1)).max(16);
        if 2 * most <= self.frames.len() {
            self.stride *= 2;
            let stride = self.stride;
            self.frames.retain(|it| it.number % stride == 0);
        }
    }
}

fn decode(path: &Path, wanted: usize) -> Result<Vec<Frame>, Failure> {
    let cannot = |cause: &dyn std::fmt::Display| Failure::Usage(format!("--on {}: {cause}", path.display()));
    bounded_file::open(path).map_err(|err| cannot(&err))?;
    let line = "filesrc name=file ! decodebin name=decoder ! videoconvert ! capsfilter name=caps ! fakesink name=sink sync=false";
    let broken = |err: &dyn std::fmt::Display| Failure::Pipeline(err.to_string());
    let pipeline = gst::parse::launch(line).map_err(|err| broken(&err))?;
    let pipeline = pipeline
        .downcast::<gst::Pipeline>()
        .map_err(|_| broken(&"no pipeline"))?;
    let part = |name: &str| pipeline.by_name(name).ok_or_else(|| broken(&name));
    part("file")?.set_property("location", path);
    part("caps")?.set_property("caps", raw_frames());
    let kept = Arc::new(Mutex::new(Kept {
        frames: Vec::new(),
        stride: 1,
        seen: 0,
        wanted,
    }));
    let (ours, pad) = (kept.clone(), part("sink")?.static_pad("sink"));
    if let Some(pad) = pad {
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            let caps = pad
                .current_caps()
                .and_then(|caps| VideoInfo::from_caps(&caps).ok());
            if let (Some(buffer), Some(caps)) = (info.buffer(), caps) {
                ours.lock().take(buffer, &caps);
            }
            gst::PadProbeReturn::Ok
        });
    }
    let started = pipeline.set_state(gst::State::Playing);
    let ended = wait(&pipeline, || kept.lock().seen);
    let _ = pipeline.set_state(gst::State::Null);
    let frames = std::mem::take(&mut kept.lock().frames);
    if frames.is_empty() {
        let cause = ended.err().unwrap_or_else(|| "it has no pictures".to_owned());
        return Err(cannot(&cause));
    }
    ended.map_err(|cause| cannot(&cause))?;
    started.map_err(|err| broken(&err))?;
    Ok(frames)
}

/// Frames as the inference element takes them in plain memory.
fn raw_frames() -> gst::Caps {
    let mut caps = gst::Caps::new_empty();
    let factory = gst::ElementFactory::find("avrec-infer");
    let templates = factory.iter().flat_map(|it| it.static_pad_templates());
    for template in templates.filter(|it| it.direction() == gst::PadDirection::Sink) {
        let all = template.caps();
        let frames = all.iter().filter(|it| it.has_name("video/x-raw"));
        frames.for_each(|it| caps.make_mut().append_structure(it.to_owned()));
    }
    caps
}

/// Waits for the end of the stream; what stands still for long is an error.
fn wait(pipeline: &gst::Pipeline, seen: impl Fn() -> u64) -> Result<(), String> {
    let Some(bus) = pipeline.bus() else { return Ok(()) };
    let (mut last, mut since) = (0, Instant::now());
    loop {
        let message = bus.timed_pop_filtered(
            gst::ClockTime::SECOND,
            &[gst::MessageType::Eos, gst::MessageType::Error],
        );
        match message.as_ref().map(|it| it.view()) {
            Some(gst::MessageView::Eos(_)) => return Ok(()),
            Some(gst::MessageView::Error(error)) => {
                let debug = error.debug();
                let detail = debug
                    .as_deref()
                    .and_then(|it| it.lines().last())
                    .unwrap_or_default();
                return Err(format!("{} {detail}", error.error().message()).trim().to_owned());
            }
            _ => {}
        }
        let now = seen();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        if PATIENCE < since.elapsed() {
            return Err(format!("nothing came out of it for {} s", PATIENCE.as_secs()));
        }
    }
}
