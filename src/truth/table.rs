// SPDX-License-Identifier: MPL-2.0

//! Lines of values below a line of names: where (`file`, `frame`, `time`, or `start` and `end`), and what (`class`, a box,
//! `score` or `text`). Values stand between commas, semicolons, tabs or bars; texts with such signs stand in quotes.

use std::path::Path;

use super::classes::Classes;
use super::columns::{Column, Columns, HEAD, first_line, is_box, separator};
use super::error::TruthError;
use super::label::{Kind, Object};
use super::store::{Content, Labels, MOST_BYTES, Span, Store, Unit};
use crate::answer::{Detection, Region};
use crate::bounded_file;

pub(super) fn read(path: &Path, classes: &mut Classes) -> Result<Store, TruthError> {
    let text = bounded_file::read_text(path, MOST_BYTES).map_err(TruthError::unreadable(path))?;
    let first = first_line(&text).ok_or_else(|| TruthError::unknown(path, "it has no lines"))?;
    let has_head = !is_box(first);
    let separator = separator(first);
    let columns = Columns::of(if has_head { first } else { HEAD }, separator);
    let number = text.lines().position(|it| it.trim() == first).unwrap_or_default() + 1;
    let kind = columns
        .kind()
        .ok_or_else(|| TruthError::line(path, number, wrong_head(first)))?;
    let mut table = Table {
        store: Store::new(kind, 0),
        columns: &columns,
        classes,
        picture_sizes: false,
        are_shares: true,
        are_numbers: true,
    };
    table.picture_sizes = table.columns.has_edges() && table.columns.all(&[Column::Width, Column::Height]);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| TruthError::at(path, "its lines", error.to_string()))?;
        if index == 0 && has_head {
            continue;
        }
        let line = record.position().map_or(index + 1, |it| it.line() as usize);
        table
            .row(&record)
            .map_err(|cause| TruthError::line(path, line, cause))?;
    }
    if table.store.by_file.len() == 0 && table.store.everywhere.is_none() {
        return Err(TruthError::unknown(
            path,
            "it has no line of values below the names",
        ));
    }
    Ok(table.finish())
}

fn wrong_head(line: &str) -> String {
    format!(
        "'{line}' does not name columns that say where (file, frame, time, or start and end) and what (class, \
         left,top,width,height with class, score, or text); begin with a line such as file,class or {HEAD}"
    )
}

struct Table<'a> {
    store: Store,
    columns: &'a Columns,
    classes: &'a mut Classes,
    /// Width and height are those of the picture.
    picture_sizes: bool,
    /// No box has reached beyond 1 so far.
    are_shares: bool,
    /// No class has had a name so far.
    are_numbers: bool,
}

impl Table<'_> {
    fn row(&mut self, record: &csv::StringRecord) -> Result<(), String> {
        if record.len() != self.columns.len() {
            return Err(format!(
                "'{}' has {} values, and there are {} names",
                record.iter().collect::<Vec<_>>().join(","),
                record.len(),
                self.columns.len()
            ));
        }
        let row = Row {
            columns: self.columns,
            record,
        };
        let content = match self.store.kind {
            Kind::Boxes => self.object(&row)?,
            Kind::Score => Content::Score(row.number(Column::Score)? as f32),
            Kind::Text => Content::Text(row.text(Column::Text).to_owned()),
            _ => Content::Classes(
                class(row.text(Column::Class), self.classes, &mut self.are_numbers)
                    .into_iter()
                    .collect(),
            ),
        };
        let file = row.text(Column::File);
        if self.columns.has(Column::File) && file.is_empty() {
            return Err("it names no file".to_owned());
        }
        let labels = if file.is_empty() {
            self.store.everywhere.get_or_insert_default()
        } else {
            self.store
                .by_file
                .entry(Path::new(&file.replace('\\', "/")), Labels::default)
        };
        let placed = if self.columns.has(Column::Start) {
            let from = row.number(Column::Start)?;
            let to = match self.columns.has(Column::End) {
                true => row.number(Column::End)?,
                false => from + row.number(Column::Duration)?,
            };
            if to < from {
                return Err(format!("it ends at {to}, before it starts at {from}"));
            }
            labels.spans.push(Span { from, to, content });
            return Ok(());
        } else if self.columns.has(Column::Time) {
            let from = row.number(Column::Time)?;
            // The end is the next line's time.
            let to = f64::INFINITY;
            labels.spans.push(Span { from, to, content });
            return Ok(());
        } else if self.columns.has(Column::Frame) {
            let frame = row.text(Column::Frame);
            let frame = frame
                .parse()
                .map_err(|_| format!("'{frame}' is no number of a frame, counted from 0"))?;
            put(labels.frames.entry(frame), content)
        } else {
            put_whole(&mut labels.whole, content)
        };
        match placed {
            true => Ok(()),
            false => Err(format!(
                "a second {} for the same place; leave one of them out",
                self.store.kind.word().trim_end_matches('s')
            )),
        }
    }

    /// The box of a line; none where its class is empty, which says that nothing is there.
    fn object(&mut self, row: &Row) -> Result<Content, String> {
        let size = match self.picture_sizes {
            true => Unit::PixelsOf(
                row.number(Column::Width)? as f32,
                row.number(Column::Height)? as f32,
            ),
            false => Unit::Pixels,
        };
        let Some(class) = class(row.text(Column::Class), self.classes, &mut self.are_numbers) else {
            return Ok(Content::Objects(Vec::new(), size));
        };
        let (left, top) = (row.number(Column::Left)? as f32, row.number(Column::Top)? as f32);
        let (width, height) = match self.columns.has_edges() {
            true => (
                row.number(Column::Right)? as f32 - left,
                row.number(Column::Bottom)? as f32 - top,
            ),
            false => (
                row.number(Column::Width)? as f32,
                row.number(Column::Height)? as f32,
            ),
        };
        if width < 0.0 || height < 0.0 {
            return Err(format!(
                "its box is {width} wide and {height} high; neither can be below 0"
            ));
        }
        self.are_shares &= left.max(top) <= 1.0 && (left + width).max(top + height) <= 1.001;
        let flag = |column| matches!(row.text(column).to_lowercase().as_str(), "1" | "true" | "yes");
        let object = Object {
            detection: Detection {
                region: Region {
                    left,
                    top,
                    width,
                    height,
                },
                class,
                confidence: 1.0,
                ..Detection::default()
            },
            area: None,
            crowd: flag(Column::Crowd),
            difficult: flag(Column::Difficult),
        };
        Ok(Content::Objects(vec![object], size))
    }

    fn finish(mut self) -> Store {
        let holds = self.columns.has(Column::Time);
        let in_shares = self.store.kind == Kind::Boxes && self.are_shares;
        let everywhere = self.store.everywhere.iter_mut();
        for labels in everywhere.chain(self.store.by_file.iter_mut()) {
            labels.finish();
            if holds {
                end_where_the_next_starts(&mut labels.spans);
            }
            if in_shares {
                labels
                    .whole
                    .iter_mut()
                    .chain(labels.frames.values_mut())
                    .for_each(|it| {
                        if let Content::Objects(_, unit) = it {
                            *unit = Unit::Shares;
                        }
                    });
            }
        }
        let classes = matches!(self.store.kind, Kind::Boxes | Kind::Classes | Kind::Sounding);
        let notes = [
            (
                in_shares,
                "No box reaches beyond 1, so they are taken for shares of the picture and not for pixels.",
            ),
            (
                classes && self.columns.has(Column::Score),
                "The column of scores is left out; labels have none.",
            ),
        ];
        let notes = notes.into_iter().filter(|it| it.0);
        self.store.notes.extend(notes.map(|it| it.1.to_owned()));
        self.store.unnamed = classes && self.are_numbers;
        self.store
    }
}

/// The number of a class; `None` of an empty name.
fn class(name: &str, classes: &mut Classes, are_numbers: &mut bool) -> Option<u32> {
    if name.is_empty() {
        return None;
    }
    *are_numbers &= name.parse::<u32>().is_ok();
    Some(classes.number(name))
}

fn put(place: std::collections::btree_map::Entry<u64, Content>, content: Content) -> bool {
    match place {
        std::collections::btree_map::Entry::Vacant(place) => {
            place.insert(content);
            true
        }
        std::collections::btree_map::Entry::Occupied(mut there) => there.get_mut().add(content),
    }
}

fn put_whole(place: &mut Option<Content>, content: Content) -> bool {
    match place {
        None => {
            *place = Some(content);
            true
        }
        Some(there) => there.add(content),
    }
}

/// A line that has one time holds until the next one.
fn end_where_the_next_starts(spans: &mut [Span]) {
    let mut next = f64::INFINITY;
    let mut later = f64::INFINITY;
    for span in spans.iter_mut().rev() {
        if span.from < next {
            later = next;
            next = span.from;
        }
        span.to = later;
    }
}

struct Row<'a> {
    columns: &'a Columns,
    record: &'a csv::StringRecord,
}

impl Row<'_> {
    /// The value of a column; empty where there is none.
    fn text(&self, column: Column) -> &str {
        let at = self.columns.position(column);
        at.and_then(|it| self.record.get(it)).unwrap_or_default()
    }

    fn number(&self, column: Column) -> Result<f64, String> {
        let text = self.text(column);
        let number = text.parse::<f64>().ok().filter(|it| it.is_finite());
        number.or_else(|| clock(text)).ok_or_else(|| {
            let name = column.name();
            let line: Vec<&str> = self.record.iter().collect();
            format!("'{}': '{text}' is no number for {name}", line.join(","))
        })
    }
}

/// Seconds of a time in minutes or hours: `1:02.5`, `1:00:02`.
fn clock(text: &str) -> Option<f64> {
    let parts: Option<Vec<f64>> = text.split(':').map(|it| it.parse().ok()).collect();
    let parts =
        parts.filter(|it| (2..=3).contains(&it.len()) && it.iter().all(|it| (0.0..1e6).contains(it)))?;
    Some(parts.iter().fold(0.0, |sum, it| 60.0 * sum + it))
}

#[cfg(test)]
mod tests;
