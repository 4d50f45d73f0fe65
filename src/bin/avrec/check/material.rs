// SPDX-License-Identifier: MPL-2.0

//! What a model is tried on: a picture, a clip or a sound of the user, else what GStreamer makes.

use std::io::Read;
use std::path::{Path, PathBuf};

use gst::prelude::*;
use gstavrec::bounded_file;

use crate::failure::Failure;

/// What a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Picture,
    Sound,
}

/// What a model is tried on.
#[derive(Debug)]
pub enum Material {
    /// GStreamer's test picture.
    TestPicture,
    /// Random dots.
    Snow,
    /// Pink noise.
    Noise,
    Silence,
    Picture(PathBuf),
    Clip(PathBuf),
    Sound(PathBuf),
}

/// Bytes that suffice to tell what a file is.
const HEAD: u64 = 1 << 16;

/// Runs on one picture: the first ones find memory and caches cold.
const PICTURES: u32 = 10;

/// Frames of a clip: four seconds at 25 a second.
const FRAMES: u32 = 100;

/// Buffers of noise, 10 ms each.
const NOISES: u32 = 300;

impl Material {
    /// Looks what the file is; without one takes what GStreamer makes for this kind of model.
    pub fn new(file: Option<&Path>, kind: Kind) -> Result<Material, Failure> {
        let Some(file) = file else {
            return Ok(match kind {
                Kind::Picture => Material::TestPicture,
                Kind::Sound => Material::Noise,
            });
        };
        let mut head = Vec::new();
        let read = bounded_file::open(file).and_then(|open| open.take(HEAD).read_to_end(&mut head));
        read.map_err(|err| Failure::Usage(format!("--on {}: {err}", file.display())))?;
        let caps = gst_base::functions::type_find_helper_for_data(gst::Object::NONE, &head);
        let is_picture = caps.is_ok_and(|(caps, _)| {
            let first = caps.structure(0);
            first.is_some_and(|it| it.name().starts_with("image/"))
        });
        let file = file.to_owned();
        match (kind, is_picture) {
            (Kind::Picture, true) => Ok(Material::Picture(file)),
            (Kind::Picture, false) => Ok(Material::Clip(file)),
            (Kind::Sound, false) => Ok(Material::Sound(file)),
            (Kind::Sound, true) => Err(Failure::Usage(format!(
                "--on {}: the model listens; give a sound or a clip with one",
                file.display()
            ))),
        }
    }

    pub fn is_sound(&self) -> bool {
        matches!(self, Material::Noise | Material::Silence | Material::Sound(_))
    }

    /// Whether nothing that a model was made for can be expected in it.
    pub fn is_made_up(&self) -> bool {
        !matches!(
            self,
            Material::Picture(_) | Material::Clip(_) | Material::Sound(_)
        )
    }

    /// How many frames or buffers of it suffice.
    pub fn frames(&self) -> u32 {
        match self {
            Material::TestPicture | Material::Snow | Material::Picture(_) => PICTURES,
            Material::Clip(_) => FRAMES,
            Material::Noise | Material::Silence => NOISES,
            Material::Sound(_) => u32::MAX,
        }
    }

    /// What it is, for a person.
    pub fn described(&self) -> String {
        match self {
            Material::TestPicture => "GStreamer's test picture, 640x480".to_string(),
            Material::Snow => "random dots, 640x480".to_string(),
            Material::Noise => "3 s of pink noise".to_string(),
            Material::Silence => "3 s of silence".to_string(),
            Material::Picture(file) | Material::Clip(file) | Material::Sound(file) => {
                file.display().to_string()
            }
        }
    }

    /// Elements that give its first `frames`.
    pub fn source(&self, frames: u32) -> Result<gst::Bin, Failure> {
        let frames = i32::try_from(frames).unwrap_or(-1);
        let line = match self {
            Material::TestPicture => made_picture("smpte", frames),
            Material::Snow => made_picture("snow", frames),
            Material::Noise => made_sound("pink-noise", frames),
            Material::Silence => made_sound("silence", frames),
            Material::Picture(_) => format!(
                "filesrc name=file ! decodebin name=decoder ! videoconvert name=convert ! imagefreeze num-buffers={frames} \
                 ! video/x-raw,format=RGB,framerate=25/1 ! identity name=last"
            ),
            Material::Clip(_) => format!(
                "filesrc name=file ! decodebin name=decoder ! videoconvert name=convert ! video/x-raw,format=RGB ! identity name=last eos-after={frames}"
            ),
            Material::Sound(_) => {
                "filesrc name=file ! decodebin name=decoder ! audioconvert name=convert ! audio/x-raw,format=F32LE ! identity name=last"
                    .to_string()
            }
        };
        let failed = |err: &dyn std::fmt::Display| Failure::Pipeline(err.to_string());
        // Ghost pads by hand: the parser would make one of what waits for the decoder.
        let bin = gst::parse::bin_from_description(&line, false).map_err(|err| failed(&err))?;
        let end = bin.by_name("last").and_then(|it| it.static_pad("src"));
        let ghost = end.map(|it| gst::GhostPad::with_target(&it)).transpose();
        if let Some(ghost) = ghost.map_err(|err| failed(&err))? {
            bin.add_pad(&ghost).map_err(|err| failed(&err))?;
        }
        if let (Material::Picture(file) | Material::Clip(file) | Material::Sound(file), Some(source)) =
            (self, bin.by_name("file"))
        {
            source.set_property("location", file);
        }
        Ok(bin)
    }

    /// What is missing in a file of which nothing got to the model, though it could be decoded.
    pub fn missing(&self, source: &gst::Bin) -> Option<String> {
        let (file, what) = match self {
            Material::Picture(file) | Material::Clip(file) => (
                file,
                "no pictures, and the model is taken for one of pictures; give a picture or a clip, or, if the model \
                 listens, say its rate, such as --set sample-rate=16000",
            ),
            Material::Sound(file) => (
                file,
                "no sound, and the model listens; give a sound or a clip with one",
            ),
            Material::TestPicture | Material::Snow | Material::Noise | Material::Silence => return None,
        };
        let converts = source.by_name("convert")?.static_pad("sink")?;
        let is_decoded = !source.by_name("decoder")?.src_pads().is_empty();
        (is_decoded && !converts.is_linked()).then(|| format!("--on {}: it has {what}", file.display()))
    }
}

fn made_picture(pattern: &str, frames: i32) -> String {
    format!(
        "videotestsrc pattern={pattern} num-buffers={frames} ! video/x-raw,format=RGB,width=640,height=480 ! identity name=last"
    )
}

fn made_sound(wave: &str, buffers: i32) -> String {
    format!(
        "audiotestsrc wave={wave} samplesperbuffer=480 num-buffers={buffers} ! audio/x-raw,format=F32LE,rate=48000 ! identity name=last"
    )
}
