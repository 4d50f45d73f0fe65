// SPDX-License-Identifier: MPL-2.0

//! Labels by the file that they are of, which may lie in another folder and have another ending by now.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::folder::is_picture;

/// Things by the path of a file.
///
/// What is asked for is found by its name without the ending. Where several files are called so, the one is meant whose
/// path has the same ending, then the one that shares most folders, counted from the file: `images/a/1.jpg` finds
/// `labels/a/1.txt` before `labels/b/1.txt`. Two that share as many are not guessed between.
#[derive(Debug, Clone)]
pub(super) struct ByName<T> {
    entries: Vec<(PathBuf, T)>,
    by_stem: HashMap<String, Vec<usize>>,
    exact: HashMap<PathBuf, usize>,
    numbered: HashMap<String, Frames>,
    /// Folders that must agree, counted from the file.
    folders: usize,
}

/// Files that are frames of one clip, such as `clip_000012.png`, by number.
type Frames = HashMap<u64, usize>;

/// What frames are called that do not have their clip's name, such as `frame_000012.png`, or only a number.
const FRAME_NAMES: [&str; 4] = ["frame", "img", "image", ""];

impl<T> ByName<T> {
    /// `folders` is how many folders above the file must be called the same.
    pub fn new(folders: usize) -> ByName<T> {
        ByName {
            entries: Vec::new(),
            by_stem: HashMap::new(),
            exact: HashMap::new(),
            numbered: HashMap::new(),
            folders,
        }
    }

    /// What lies at this path, made where there is nothing yet.
    pub fn entry(&mut self, path: &Path, make: impl FnOnce() -> T) -> &mut T {
        let at = match self.exact.get(path) {
            Some(&at) => at,
            None => self.add(path, make()),
        };
        &mut self.entries[at].1
    }

    fn add(&mut self, path: &Path, thing: T) -> usize {
        let at = self.entries.len();
        let stem = stem(path);
        if let Some((prefix, number)) = frame_number(&stem) {
            self.numbered
                .entry(prefix.to_owned())
                .or_default()
                .insert(number, at);
        }
        self.by_stem.entry(stem).or_default().push(at);
        self.exact.insert(path.to_owned(), at);
        self.entries.push((path.to_owned(), thing));
        at
    }

    /// What belongs to a file, or to this frame of it.
    pub fn find(&self, file: &Path, frame: u64) -> Option<&(PathBuf, T)> {
        let stem = stem(file);
        match self.by_stem.get(&stem) {
            Some(named) => self.nearest(named, file),
            None if is_picture(file) => None,
            None => self.frame_of(&stem, frame),
        }
    }

    fn nearest(&self, named: &[usize], file: &Path) -> Option<&(PathBuf, T)> {
        let nearness = |at: &usize| {
            let path = &self.entries[*at].0;
            (path.extension() == file.extension(), folders_shared(path, file))
        };
        let near = named.iter().filter(|it| self.folders <= nearness(it).1);
        let best = near.clone().max_by_key(|it| nearness(it))?;
        let is_alone = near.filter(|it| nearness(it) == nearness(best)).count() == 1;
        is_alone.then(|| &self.entries[*best])
    }

    fn frame_of(&self, clip: &str, frame: u64) -> Option<&(PathBuf, T)> {
        let names = std::iter::once(clip).chain(FRAME_NAMES);
        let frames = names.filter_map(|it| self.numbered.get(it)).next()?;
        // Some tools count from 0 and some from 1.
        let first = u64::from(!frames.contains_key(&0) && frames.contains_key(&1));
        frames.get(&(frame + first)).map(|&at| &self.entries[at])
    }

    pub fn iter(&self) -> impl Iterator<Item = &(PathBuf, T)> {
        self.entries.iter()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().map(|it| &mut it.1)
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

/// The name without the last ending.
fn stem(path: &Path) -> String {
    path.file_stem()
        .map_or_else(String::new, |it| it.to_string_lossy().into_owned())
}

/// The number at the end of a name, and what stands before it.
fn frame_number(stem: &str) -> Option<(&str, u64)> {
    let prefix = stem.trim_end_matches(|it: char| it.is_ascii_digit());
    let number = stem[prefix.len()..].parse().ok()?;
    Some((prefix.trim_end_matches(['_', '-', '.', ' ']), number))
}

/// How many folders above both files are called the same, counted from the files.
fn folders_shared(one: &Path, other: &Path) -> usize {
    let folders = |path: &Path| -> Vec<String> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let names = folder.components().filter_map(|it| match it {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        });
        names.collect()
    };
    let (one, other) = (folders(one), folders(other));
    let pairs = one.iter().rev().zip(other.iter().rev());
    pairs.take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[&str], folders: usize) -> ByName<()> {
        let mut names = ByName::new(folders);
        paths
            .iter()
            .for_each(|it| *names.entry(Path::new(it), || ()) = ());
        names
    }

    fn found(names: &ByName<()>, file: &str, frame: u64) -> Option<String> {
        let found = names.find(Path::new(file), frame)?;
        Some(found.0.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_file_is_known_by_its_name_then_by_its_folders() {
        let labels = names(&["labels/a/1.txt", "labels/b/1.txt", "labels/b/2.txt"], 0);
        assert_eq!(found(&labels, "/x/images/b/1.jpg", 0).unwrap(), "labels/b/1.txt");
        assert_eq!(found(&labels, "/x/2.jpg", 0).unwrap(), "labels/b/2.txt");
        assert_eq!(found(&labels, "/x/1.jpg", 0), None, "either may be meant");
        assert_eq!(found(&labels, "3.jpg", 0), None);
        let classes = names(&["cat/1.jpg"], 1);
        assert_eq!(found(&classes, "/x/dog/1.jpg", 0), None);
        assert_eq!(found(&classes, "/x/cat/1.jpg", 0).unwrap(), "cat/1.jpg");
        let endings = names(&["1.jpg", "1.png"], 0);
        assert_eq!(found(&endings, "x/1.png", 0).unwrap(), "1.png");
    }

    #[test]
    fn frames_of_a_clip_are_known_by_their_number() {
        let from_one = names(&["clip_1.txt", "clip_2.txt", "other_1.txt"], 0);
        assert_eq!(found(&from_one, "/x/clip.mp4", 0).unwrap(), "clip_1.txt");
        assert_eq!(found(&from_one, "/x/clip.mp4", 1).unwrap(), "clip_2.txt");
        assert_eq!(found(&from_one, "/x/clip.mp4", 2), None);
        let from_zero = names(&["frame_000000.png", "frame_000001.png"], 0);
        assert_eq!(found(&from_zero, "any.mp4", 1).unwrap(), "frame_000001.png");
        assert_eq!(found(&names(&["0007.png"], 0), "any.mp4", 7).unwrap(), "0007.png");
    }
}
