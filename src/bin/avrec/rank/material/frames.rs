// SPDX-License-Identifier: MPL-2.0

//! The items that were drawn, read from their files once and kept on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gstavrec::audio::Spec;
use parking_lot::Mutex;

use super::decode::STRETCH;
use super::decode::{Form, Wish, decode, play_live};
use super::look::picture;
use super::spool::{Extent, Spool};
use super::{Clip, Material, Place};

/// An item as it was decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub caps: gst::Caps,
    pub bytes: Vec<u8>,
}

/// Of a live source one frame is kept in each stretch of this length.
const LIVE: Duration = Duration::from_millis(500);

/// The form of an item, and where it lies.
type Kept = (gst::Caps, Extent);

/// Items by their places.
#[derive(Debug)]
pub struct Frames {
    spool: Arc<Mutex<Spool>>,
    kept: BTreeMap<Place, Kept>,
}

impl Frames {
    /// None yet; they will be kept in this folder.
    pub fn new(folder: &Path) -> Result<Frames, String> {
        let spool = Spool::new(folder).map_err(|err| full(folder, &err))?;
        Ok(Frames {
            spool: Arc::new(Mutex::new(spool)),
            kept: BTreeMap::new(),
        })
    }

    /// Plays a live source for some time, and keeps about two frames of each second: a clip of those frames.
    pub fn play_live(&mut self, fragment: &str, length: Duration, number: usize) -> Result<Clip, String> {
        let (spool, found) = (self.spool.clone(), Arc::new(Mutex::new(Vec::new())));
        let ours = found.clone();
        let mut half = None;
        play_live(fragment, Form::Video, length, move |buffer, caps| {
            let mut found = ours.lock();
            let seen = picture(buffer, caps, found.len())?;
            let now = seen.time.as_millis() / LIVE.as_millis();
            if half.replace(now) != Some(now) {
                let bytes = buffer.map_readable().map_err(|err| err.to_string())?;
                let extent = spool.lock().keep(&bytes);
                let extent = extent.map_err(|err| format!("its frames cannot be kept: {err}"))?;
                found.push((seen, caps.to_owned(), extent));
            }
            Ok(Wish::More)
        })?;
        let found = std::mem::take(&mut *found.lock());
        let mut seen = Vec::new();
        for (index, (frame, caps, extent)) in found.into_iter().enumerate() {
            let place = Place { clip: number, index };
            self.kept.insert(place, (caps, extent));
            seen.push(frame);
        }
        Ok(Clip {
            path: fragment.into(),
            form: Form::Video,
            // No two runs of a source are the same.
            hash: format!("live {fragment} {:?}", std::time::SystemTime::now()),
            seen,
        })
    }

    /// Reads these from their files, those that are not there yet.
    pub fn read(&mut self, material: &Material, places: &[Place]) -> Result<(), String> {
        let missing = places.iter().filter(|it| !self.kept.contains_key(it));
        let mut by_clip: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for place in missing {
            by_clip.entry(place.clip).or_default().insert(place.index);
        }
        for (number, wanted) in by_clip {
            let Some(clip) = material.clips.get(number) else {
                continue;
            };
            let read = self.read_from(clip, wanted);
            let read = read.map_err(|cause| format!("{}: {cause}", clip.path.display()))?;
            let read = read
                .into_iter()
                .map(|(index, it)| (Place { clip: number, index }, it));
            self.kept.extend(read);
        }
        Ok(())
    }

    fn read_from(&self, clip: &Clip, mut wanted: BTreeSet<usize>) -> Result<Vec<(usize, Kept)>, String> {
        let (spool, found) = (self.spool.clone(), Arc::new(Mutex::new(Vec::new())));
        let ours = found.clone();
        let keep = move |index: usize, caps: &gst::CapsRef, bytes: &[u8]| {
            let extent = spool.lock().keep(bytes);
            let extent = extent.map_err(|err| format!("its frames cannot be kept: {err}"))?;
            ours.lock().push((index, (caps.to_owned(), extent)));
            Ok::<_, String>(())
        };
        if clip.form == Form::Sound {
            let mut cutter = Cutter::default();
            decode(&clip.path, clip.form, move |buffer, caps| {
                let spec = Spec::from_caps(caps).ok_or("its sound cannot be read")?;
                let bytes = buffer.map_readable().map_err(|err| err.to_string())?;
                cutter.hear(&spec, &bytes, &mut wanted, |index, bytes| {
                    keep(index, caps, bytes)
                })?;
                Ok(more(&wanted))
            })?;
        } else {
            let mut count = 0;
            decode(&clip.path, clip.form, move |buffer, caps| {
                if wanted.remove(&count) {
                    let bytes = buffer.map_readable().map_err(|err| err.to_string())?;
                    keep(count, caps, &bytes)?;
                }
                count += 1;
                Ok(more(&wanted))
            })?;
        }
        let found = std::mem::take(&mut *found.lock());
        Ok(found)
    }

    /// One that was read before.
    pub fn frame(&self, place: Place) -> Result<Frame, String> {
        let (caps, extent) = self
            .kept
            .get(&place)
            .ok_or("a frame is not there any more; has the file changed?")?;
        let bytes = self.spool.lock().read(*extent);
        Ok(Frame {
            caps: caps.clone(),
            bytes: bytes.map_err(|err| format!("a frame cannot be read again: {err}"))?,
        })
    }
}

fn more(wanted: &BTreeSet<usize>) -> Wish {
    if wanted.is_empty() {
        Wish::Enough
    } else {
        Wish::More
    }
}

fn full(folder: &Path, err: &std::io::Error) -> String {
    format!(
        "frames cannot be kept in {}: {err}; name another folder with --cache",
        folder.display()
    )
}

/// Cuts the stretches that are wanted out of sound that comes by.
#[derive(Default)]
struct Cutter {
    index: usize,
    /// Bytes of the stretch that is not whole yet.
    begun: Vec<u8>,
}

impl Cutter {
    fn hear(
        &mut self,
        spec: &Spec,
        mut bytes: &[u8],
        wanted: &mut BTreeSet<usize>,
        keep: impl Fn(usize, &[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        let whole = usize::try_from(spec.samples_in(STRETCH))
            .unwrap_or(usize::MAX)
            .max(1)
            * spec.width();
        while !bytes.is_empty() {
            let (own, rest) = bytes.split_at(bytes.len().min(whole - self.begun.len()));
            self.begun.extend(own);
            bytes = rest;
            if self.begun.len() == whole {
                if wanted.remove(&self.index) {
                    keep(self.index, &self.begun)?;
                }
                self.index += 1;
                self.begun.clear();
            }
        }
        Ok(())
    }
}
