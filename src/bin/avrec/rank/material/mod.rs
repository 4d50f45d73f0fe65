// SPDX-License-Identifier: MPL-2.0

//! What models are ranked on: clips, sounds and folders of pictures, as items that all of them meet.

mod decode;
mod frames;
mod look;
mod spool;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use gstavrec::bounded_file;
use sha2::{Digest, Sha256};

pub use decode::{Form, STRETCH};
pub use frames::{Frame, Frames};
pub use look::Seen;

/// One file, or one folder of pictures.
#[derive(Debug, Clone)]
pub struct Clip {
    pub path: PathBuf,
    pub form: Form,
    /// Of the content, in hexadecimal digits.
    pub hash: String,
    /// Frames, pictures or stretches.
    pub seen: Vec<Seen>,
}

/// An item before it is read: which one of which clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub clip: usize,
    /// Of the clip's frames, pictures or stretches.
    pub index: usize,
}

/// All that was given with `--on`.
#[derive(Debug, Clone, Default)]
pub struct Material {
    pub clips: Vec<Clip>,
    /// What a person should know of it, in sentences.
    pub notes: Vec<String>,
}

/// Ends of names of pictures.
const PICTURES: [&str; 8] = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "pgm"];

/// Ends of names of other material.
const CLIPS: [&str; 20] = [
    "mp4", "mkv", "webm", "mov", "avi", "ts", "m4v", "ogv", "y4m", "mpg", "mxf", "wav", "flac", "mp3", "ogg",
    "opus", "m4a", "aac", "aiff", "gif",
];

/// Bytes that suffice to tell what a file is.
const HEAD: u64 = 1 << 16;

impl Material {
    /// Looks through all that was named: files, or folders of files.
    ///
    /// # Errors
    ///
    /// A sentence on which file is wrong, and how.
    pub fn look(named: &[PathBuf], listens: bool) -> Result<Material, String> {
        let mut material = Material::default();
        for path in named {
            if path.is_dir() {
                material.look_into(path, listens)?;
            } else {
                let clip = look_at(path, listens)?;
                material.clips.push(clip);
            }
        }
        if material.clips.iter().all(|it| it.seen.is_empty()) {
            let what = if listens { "sound" } else { "picture" };
            return Err(format!("there is no {what} in {}", list(named)));
        }
        Ok(material)
    }

    /// The pictures of a folder and of those below it are a clip each; so are its other files.
    fn look_into(&mut self, folder: &Path, listens: bool) -> Result<(), String> {
        let (mut named, mut others) = (BTreeSet::new(), Vec::new());
        for path in files_below(folder)? {
            let end = path.extension().map(|it| it.to_string_lossy().to_lowercase());
            let is = |ends: &[&str]| end.as_deref().is_some_and(|it| ends.contains(&it));
            if is(&CLIPS) || is(&PICTURES) {
                named.insert(path.with_extension(""));
            }
            if is(&CLIPS) || !listens && is(&PICTURES) {
                match look_at(&path, listens) {
                    Ok(clip) => self.clips.push(clip),
                    Err(cause) => self.notes.push(cause),
                }
            } else {
                others.push(path);
            }
        }
        // What has the name of a clip or a picture says something of it, such as a label, or how a switch met it.
        others.retain(|it| !named.contains(&it.with_extension("")));
        if let Some(first) = others.first() {
            self.notes.push(format!(
                "files in {} that are no material by their names are left out: {}, such as {}",
                folder.display(),
                others.len(),
                first.display()
            ));
        }
        Ok(())
    }

    /// How many items there are.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        self.clips
            .iter()
            .enumerate()
            .flat_map(|(clip, it)| (0..it.seen.len()).map(move |index| Place { clip, index }))
    }

    pub fn seen(&self, place: Place) -> &Seen {
        &self.clips[place.clip].seen[place.index]
    }
}

fn list(paths: &[PathBuf]) -> String {
    let paths = paths.iter().map(|it| it.display().to_string());
    paths.collect::<Vec<_>>().join(", ")
}

/// Files of a folder and of those below it, in the order of their names; links are not followed.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let failed = |err: std::io::Error| format!("{}: {err}", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn look_at(path: &Path, listens: bool) -> Result<Clip, String> {
    let wrong = |cause: String| format!("{}: {cause}", path.display());
    let form = match (listens, is_picture(path).map_err(|err| wrong(err.to_string()))?) {
        (true, true) => return Err(wrong("the models listen; give a sound or a clip with one".into())),
        (true, false) => Form::Sound,
        (false, true) => Form::Picture,
        (false, false) => Form::Video,
    };
    Ok(Clip {
        path: path.to_owned(),
        form,
        hash: hash(path).map_err(|err| wrong(err.to_string()))?,
        seen: look::look(path, form).map_err(wrong)?,
    })
}

fn is_picture(path: &Path) -> std::io::Result<bool> {
    let mut head = Vec::new();
    bounded_file::open(path)?.take(HEAD).read_to_end(&mut head)?;
    let caps = gst_base::functions::type_find_helper_for_data(gst::Object::NONE, &head);
    Ok(caps.is_ok_and(|(caps, _)| {
        let first = caps.structure(0);
        // A moving GIF is a clip.
        first.is_some_and(|it| it.name().starts_with("image/") && it.name() != "image/gif")
    }))
}

/// SHA-256 of a file.
pub fn hash(path: &Path) -> std::io::Result<String> {
    let mut file = bounded_file::open(path)?;
    let mut digest = Sha256::new();
    let mut part = vec![0; 1 << 16];
    loop {
        match file.read(&mut part)? {
            0 => break,
            count => digest.update(&part[..count]),
        }
    }
    Ok(digest.finalize().iter().map(|it| format!("{it:02x}")).collect())
}
