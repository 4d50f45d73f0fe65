// SPDX-License-Identifier: MPL-2.0

//! The line of names that a table begins with: what each column is, and what all of them say together.

use super::classes::folded;
use super::label::Kind;

/// The names of boxes by frame, which may also be left out.
pub(super) const HEAD: &str = "frame,class,left,top,width,height";

/// What a column can be, and what people call it; blanks, `_`, `-` and capitals do not matter.
const COLUMNS: [(Column, &[&str]); 17] = [
    (
        Column::File,
        &[
            "file",
            "filename",
            "file name",
            "image",
            "clip",
            "path",
            "audio",
            "sound",
            "wav",
            "id",
        ],
    ),
    (Column::Frame, &["frame", "frame number", "frame id"]),
    (Column::Time, &["time", "t", "seconds", "time s", "timestamp"]),
    (
        Column::Start,
        &[
            "start",
            "from",
            "begin",
            "onset",
            "start s",
            "start time",
            "start seconds",
        ],
    ),
    (
        Column::End,
        &["end", "to", "stop", "offset", "end s", "end time", "end seconds"],
    ),
    (Column::Duration, &["duration", "length"]),
    (
        Column::Class,
        &[
            "class",
            "label",
            "category",
            "class name",
            "event label",
            "event",
            "speaker",
        ],
    ),
    (Column::Left, &["left", "x", "xmin", "x min", "x1"]),
    (Column::Top, &["top", "y", "ymin", "y min", "y1"]),
    (Column::Right, &["right", "xmax", "x max", "x2"]),
    (Column::Bottom, &["bottom", "ymax", "y max", "y2"]),
    (Column::Width, &["width", "w"]),
    (Column::Height, &["height", "h"]),
    (Column::Score, &["score", "value", "mos", "rating"]),
    (Column::Text, &["text", "transcript", "transcription", "sentence"]),
    (Column::Crowd, &["crowd", "iscrowd"]),
    (Column::Difficult, &["difficult", "ignore"]),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    File,
    Frame,
    Time,
    Start,
    End,
    Duration,
    Class,
    Left,
    Top,
    Right,
    Bottom,
    Width,
    Height,
    Score,
    Text,
    Crowd,
    Difficult,
}

impl Column {
    /// What it is called first.
    pub fn name(self) -> &'static str {
        COLUMNS
            .iter()
            .find(|it| it.0 == self)
            .map_or("value", |it| it.1[0])
    }

    fn named(name: &str) -> Option<Column> {
        let name = folded(name);
        let found = COLUMNS.iter().find(|(_, names)| names.contains(&name.as_str()));
        found.map(|it| it.0)
    }
}

/// Whether a text begins with a line of names, or with a box by frame.
pub(super) fn is_head(text: &str) -> bool {
    let Some(first) = first_line(text) else {
        return false;
    };
    let columns = Columns::of(first, separator(first));
    columns.kind().is_some() || is_box(first)
}

pub(super) fn first_line(text: &str) -> Option<&str> {
    text.lines()
        .map(str::trim)
        .find(|it| !it.is_empty() && !it.starts_with('#'))
}

/// Whether a line has values as [`HEAD`] names them.
pub(super) fn is_box(line: &str) -> bool {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let is_number = |it: &&str| it.parse::<f32>().is_ok();
    fields.len() == 6 && fields[0].parse::<u64>().is_ok() && fields[2..].iter().all(is_number)
}

/// The sign between values: the one that occurs most of those that a value seldom has.
pub(super) fn separator(line: &str) -> u8 {
    let count = |sign: u8| line.bytes().filter(|it| *it == sign).count();
    // Of several that occur as often, the last one is taken.
    [b'|', b';', b'\t', b',']
        .into_iter()
        .max_by_key(|it| count(*it))
        .unwrap_or(b',')
}

pub(super) struct Columns(Vec<Option<Column>>);

impl Columns {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn position(&self, column: Column) -> Option<usize> {
        self.0.iter().position(|it| *it == Some(column))
    }

    pub fn of(head: &str, separator: u8) -> Columns {
        let names = head
            .split(char::from(separator))
            .map(|it| it.trim().trim_matches('"'));
        Columns(names.map(Column::named).collect())
    }

    pub fn has(&self, column: Column) -> bool {
        self.0.contains(&Some(column))
    }

    pub fn all(&self, columns: &[Column]) -> bool {
        columns.iter().all(|it| self.has(*it))
    }

    /// Whether boxes have their right and lower edges; width and height are those of the picture then.
    pub fn has_edges(&self) -> bool {
        self.all(&[Column::Right, Column::Bottom])
    }

    /// What the columns say; `None` where that is nothing, or not of what.
    pub fn kind(&self) -> Option<Kind> {
        let is_span = self.has(Column::Start) && (self.has(Column::End) || self.has(Column::Duration));
        let is_placed =
            is_span || self.has(Column::File) || self.has(Column::Frame) || self.has(Column::Time);
        let has_box = self.all(&[Column::Left, Column::Top])
            && (self.has_edges() || self.all(&[Column::Width, Column::Height]));
        if !is_placed {
            return None;
        }
        match () {
            () if has_box => {
                (self.has(Column::Class) && !is_span && !self.has(Column::Time)).then_some(Kind::Boxes)
            }
            () if self.has(Column::Class) && is_span => Some(Kind::Sounding),
            () if self.has(Column::Class) => Some(Kind::Classes),
            () if self.has(Column::Score) => Some(Kind::Score),
            () if self.has(Column::Text) => Some(Kind::Text),
            () => None,
        }
    }
}
