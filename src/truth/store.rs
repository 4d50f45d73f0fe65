// SPDX-License-Identifier: MPL-2.0

//! What every format comes to: labels by file, and in it by frame or time.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::by_name::ByName;
use super::label::{Kind, Object};

/// Bytes that a file of labels may have: COCO's training set has 470 million.
pub(super) const MOST_BYTES: u64 = 1 << 30;

/// The formats that are read; docs/labels.md has an example of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Boxes in a JSON file, as in the COCO data set.
    Coco,
    /// A folder with a text a picture, a box a line.
    Yolo,
    /// Pictures or sounds in folders that are called as their class.
    Folders,
    /// Lines of values below a line of names.
    Table,
    /// A folder of PNG whose values are classes.
    Masks,
    /// Pictures, clips or sounds as they should be.
    References,
    /// Who speaks when, as in speaker diarization.
    Rttm,
    /// Stretches of sound with their class, as Audacity exports them.
    Audacity,
    /// A text for each sound or picture.
    Transcripts,
}

impl Format {
    pub const ALL: [Format; 9] = [
        Format::Coco,
        Format::Yolo,
        Format::Folders,
        Format::Table,
        Format::Masks,
        Format::References,
        Format::Rttm,
        Format::Audacity,
        Format::Transcripts,
    ];

    /// What a user calls it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Coco => "coco",
            Format::Yolo => "yolo",
            Format::Folders => "folders",
            Format::Table => "csv",
            Format::Masks => "masks",
            Format::References => "references",
            Format::Rttm => "rttm",
            Format::Audacity => "audacity",
            Format::Transcripts => "transcripts",
        }
    }

    /// The format of a [`name`](Format::name).
    pub fn named(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// What was read.
#[derive(Debug, Clone)]
pub(super) struct Store {
    pub kind: Kind,
    pub by_file: ByName<Labels>,
    /// Labels that name no file, and so hold for any.
    pub everywhere: Option<Labels>,
    /// What of the labels was left out or assumed, in whole sentences.
    pub notes: Vec<String>,
    /// Classes have no names but their numbers.
    pub unnamed: bool,
    /// The class of each value of a mask; `None` for values that have none.
    pub values: Vec<Option<u8>>,
}

impl Store {
    /// Nothing yet; `folders` as in [`ByName::new`].
    pub fn new(kind: Kind, folders: usize) -> Store {
        Store {
            kind,
            by_file: ByName::new(folders),
            everywhere: None,
            notes: Vec::new(),
            unnamed: false,
            values: Vec::new(),
        }
    }
}

/// The labels of one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Labels {
    pub whole: Option<Content>,
    pub frames: BTreeMap<u64, Content>,
    /// Sorted by their start once all are there.
    pub spans: Vec<Span>,
    /// The step in which frames were labelled: each 1st, each 25th.
    step: u64,
}

/// What holds from one second to another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub from: f64,
    pub to: f64,
    pub content: Content,
}

/// What is said of a file, a frame or a stretch.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Objects(Vec<Object>, Unit),
    Classes(Vec<u32>),
    Score(f32),
    Text(String),
    Mask(PathBuf),
    Reference(PathBuf),
}

/// What regions are counted in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Unit {
    Shares,
    /// Pixels of the frame.
    Pixels,
    /// Pixels of a picture of this width and height.
    PixelsOf(f32, f32),
}

impl Content {
    /// Adds what another line says of the same place; `false` where the two do not go together.
    pub fn add(&mut self, other: Content) -> bool {
        match (self, other) {
            (Content::Objects(list, unit), Content::Objects(more, other)) if *unit == other => {
                list.extend(more)
            }
            (Content::Classes(list), Content::Classes(more)) => {
                more.into_iter().for_each(|it| {
                    if !list.contains(&it) {
                        list.push(it);
                    }
                });
            }
            _ => return false,
        }
        true
    }

    /// The classes that it names.
    pub fn classes(&self) -> Vec<u32> {
        match self {
            Content::Objects(list, _) => list.iter().map(|it| it.detection.class).collect(),
            Content::Classes(list) => list.clone(),
            _ => Vec::new(),
        }
    }
}

impl Labels {
    /// What is said of the whole file.
    pub fn whole(content: Content) -> Labels {
        Labels {
            whole: Some(content),
            ..Labels::default()
        }
    }

    pub fn contents(&self) -> impl Iterator<Item = &Content> {
        let spans = self.spans.iter().map(|it| &it.content);
        self.whole.iter().chain(self.frames.values()).chain(spans)
    }

    /// Once all are there: brings spans into their order, and sees in which steps frames were labelled.
    pub fn finish(&mut self) {
        self.spans.sort_by(|one, other| one.from.total_cmp(&other.from));
        let first = self.frames.keys().next().copied().unwrap_or_default();
        self.step = self.frames.keys().fold(0, |step, it| gcd(step, it - first));
    }

    /// Whether they say what holds when; a silent sound has none of such either.
    pub fn is_in_time(&self) -> bool {
        self.whole.is_none() && self.frames.is_empty()
    }

    /// What is said of the file, or of a frame of it.
    pub fn content(&self, frame: u64) -> Option<Content> {
        self.whole.clone().or_else(|| self.at_frame(frame))
    }

    /// What is said of a frame. Of boxes, a frame without a line that lies between the first and the last one with a line
    /// has nothing in it, if frames were labelled in such steps: lines for 0, 50 and 75 are of each 25th frame.
    fn at_frame(&self, frame: u64) -> Option<Content> {
        if let Some(content) = self.frames.get(&frame) {
            return Some(content.clone());
        }
        let (&first, Content::Objects(_, unit)) = self.frames.first_key_value()? else {
            return None;
        };
        let last = *self.frames.last_key_value()?.0;
        let step = self.frames.keys().fold(0, |step, it| gcd(step, it - first));
        let is_looked_at =
            (first..=last).contains(&frame) && 0 < step && (frame - first).is_multiple_of(step);
        is_looked_at.then(|| Content::Objects(Vec::new(), *unit))
    }
}

fn gcd(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { gcd(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_without_a_line_are_empty_where_frames_were_looked_at() {
        let mut labels = Labels::default();
        for frame in [10, 60, 85] {
            labels
                .frames
                .insert(frame, Content::Objects(vec![Object::default()], Unit::Pixels));
        }
        labels.finish();
        let objects = |frame| match labels.at_frame(frame) {
            Some(Content::Objects(list, _)) => Some(list.len()),
            _ => None,
        };
        assert_eq!((objects(10), objects(35), objects(36)), (Some(1), Some(0), None));
        assert_eq!((objects(9), objects(110)), (None, None));
    }

    #[test]
    fn a_format_has_a_name() {
        for format in Format::ALL {
            assert_eq!(Format::named(format.name()), Some(format));
        }
        assert_eq!(Format::named("voc"), None);
    }
}
