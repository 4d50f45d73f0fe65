// SPDX-License-Identifier: MPL-2.0

//! The section of a description about one tensor.

use std::collections::BTreeMap;
use std::path::Path;

use ini::Properties;

use super::places::Places;
use crate::runtime::Error;
use crate::runtime::input_text;
use crate::runtime::onnx::Port;
use crate::tensor::{Channels, Dim, DimsOrder, Fit, InputSize, Layout};

/// Whether a tensor goes into the model or comes out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Input,
    Output,
}

/// What a tensor is about, which decides which lines its section may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// The input for pictures.
    Picture,
    /// The input for sound.
    Sound,
    /// An input for what is neither frame nor sound.
    Further,
    /// What comes out.
    Output,
}

/// What the file says about one tensor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TensorSection {
    pub name: String,
    /// Where the section begins in the file, counted from 1.
    pub line: usize,
    pub id: Option<String>,
    /// Name of the type as GStreamer spells it.
    pub element_type: Option<String>,
    /// `None` inside stands for -1, any size.
    pub dims: Option<Vec<Option<usize>>>,
    pub direction: Option<Direction>,
    /// Values that stand for 0 and 255, one pair for all channels or one per channel.
    pub ranges: Option<Vec<(f32, f32)>>,
    pub dims_order: DimsOrder,
    pub picture: PictureLines,
    /// Those of the lines of sound that are there, as written.
    pub sound: BTreeMap<String, String>,
    /// What an input gets that is neither frame, sound nor state: one number, or several with spaces.
    pub value: Option<String>,
    /// Those of the lines `activation`, `boxes` and `blank` that are there, as written: they stand for the keys of the metadata.
    pub hints: BTreeMap<String, String>,
    /// The lines of the keys that only tensors of some content have.
    keys: BTreeMap<String, usize>,
}

/// What a section says of a picture that goes in. What says `auto` is unset.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PictureLines {
    /// `channel-order`
    pub order: Option<Channels>,
    /// `layout`
    pub layout: Option<Layout>,
    /// `mean` and `std` as the values of black and white.
    pub normalized: Option<Vec<(f32, f32)>>,
    /// `size`
    pub size: Option<InputSize>,
    /// `fit`
    pub fit: Option<Fit>,
    /// `padding`, a level of full range.
    pub padding: Option<u8>,
}

/// Keys of each section.
const COMMON_KEYS: [&str; 6] = ["id", "type", "dims", "dir", "ranges", "dims-order"];

/// Keys that say how a picture stands in an input.
const PICTURE_KEYS: [&str; 7] = ["channel-order", "layout", "mean", "std", "size", "fit", "padding"];

/// Keys that say how sound stands in an input.
const SOUND_KEYS: [&str; 5] = ["sample_rate", "delay", "hop", "window", "context"];

/// Keys that say what an input gets that is neither frame nor sound.
const FURTHER_KEYS: [&str; 1] = ["value"];

/// Keys that say of an output what the metadata may say too.
const OUTPUT_KEYS: [&str; 3] = ["activation", "boxes", "blank"];

impl Content {
    /// The keys that only sections of this content have.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Content::Picture => &PICTURE_KEYS,
            Content::Sound => &SOUND_KEYS,
            Content::Output => &OUTPUT_KEYS,
            Content::Further => &FURTHER_KEYS,
        }
    }

    /// What to do about a line that a section of this content does not have.
    pub(super) fn remedy(self) -> String {
        let keys = COMMON_KEYS
            .iter()
            .chain(self.keys())
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        format!("take it out or move it to the tensor that it is about; this one may have {keys}")
    }
}

/// One section while it is read.
struct Reader<'a> {
    path: &'a Path,
    places: &'a Places,
    name: &'a str,
    lines: &'a Properties,
}

impl Reader<'_> {
    fn bad(&self, key: &str, value: &str, remedy: impl Into<String>) -> Error {
        let (name, line) = (self.name, self.places.line(self.name, key));
        let cause = format!("line {line}: [{name}] {key}={value} is not understood");
        fault(self.path, cause, remedy)
    }

    /// The value of a key, if it is there.
    fn value<T>(
        &self,
        key: &str,
        remedy: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let value = self.lines.get(key).map(str::trim);
        let read = |value| read(value).ok_or_else(|| self.bad(key, value, remedy));
        value.map(read).transpose()
    }

    /// The same of a key that may leave it to the model.
    fn wish<T>(&self, key: &str, remedy: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
        let read = |value: &str| match value {
            "auto" => Some(None),
            value => read(value).map(Some),
        };
        self.value(key, remedy, read).map(Option::flatten)
    }

    fn picture(&self) -> Result<PictureLines, Error> {
        let numbers = "write a number, or one for each channel with commas, such as 0.485,0.456,0.406";
        let mean = self.value("mean", numbers, input_text::numbers)?;
        let deviation = self.value("std", numbers, input_text::numbers)?;
        let normalized = match (&mean, &deviation) {
            (None, None) => None,
            (mean, deviation) => {
                let key = if mean.is_some() { "mean" } else { "std" };
                let given = self.lines.get(key).unwrap_or_default();
                if self.lines.get("ranges").is_some() {
                    let remedy = "ranges says the same; leave one of them out";
                    return Err(self.bad(key, given, remedy));
                }
                let made = input_text::normalized(mean.as_deref(), deviation.as_deref());
                Some(made.map_err(|remedy| self.bad(key, given, remedy))?)
            }
        };
        let padding = |it: &str| match it {
            "-1" => Some(None),
            level => level.parse::<u8>().ok().map(Some),
        };
        Ok(PictureLines {
            order: self.wish("channel-order", "write rgb, bgr or gray", Channels::named)?,
            layout: self.wish("layout", "write nchw or nhwc", Layout::named)?,
            normalized,
            size: self.wish(
                "size",
                "write WxH, frame or grid:N, such as size=640x480",
                input_text::size,
            )?,
            fit: self.wish(
                "fit",
                "write stretch, letterbox, corner, crop or line",
                Fit::named,
            )?,
            padding: self
                .value("padding", "write a level from 0 to 255", padding)?
                .flatten(),
        })
    }
}

impl TensorSection {
    /// Reads a section, or names the line that is not understood.
    pub(super) fn read(
        path: &Path,
        places: &Places,
        name: &str,
        lines: &Properties,
    ) -> Result<TensorSection, Error> {
        let reader = Reader {
            path,
            places,
            name,
            lines,
        };
        let all = || {
            let own = [
                Content::Picture,
                Content::Sound,
                Content::Output,
                Content::Further,
            ]
            .map(Content::keys);
            COMMON_KEYS.iter().chain(own.into_iter().flatten()).copied()
        };
        let is_known = |key: &str| all().any(|it| it == key);
        if let Some((key, _)) = lines.iter().find(|(key, _)| !is_known(key)) {
            let line = places.line(name, key);
            let keys = all().collect::<Vec<_>>().join(", ");
            let cause = format!("line {line}: [{name}] has the unknown key '{key}'");
            return Err(fault(path, cause, format!("write one of {keys}")));
        }
        // The generator of GStreamer leaves words that a person must replace.
        if let Some((key, value)) = lines.iter().find(|(_, value)| value.starts_with("PLACEHOLDER")) {
            return Err(reader.bad(key, value, "replace the placeholder by the real value"));
        }
        let direction = |it: &str| match it {
            "input" => Some(Direction::Input),
            "output" => Some(Direction::Output),
            _ => None,
        };
        let order = |it: &str| match it {
            "row-major" => Some(DimsOrder::RowMajor),
            "col-major" => Some(DimsOrder::ColumnMajor),
            _ => None,
        };
        let (of_dims, of_ranges, of_order) = (
            "write whole numbers with commas, -1 for any, such as dims=1,3,-1,-1",
            "write pairs min,max with semicolons, such as ranges=0.0,1.0",
            "write dims-order=row-major or dims-order=col-major",
        );
        let written = |keys: &[&str]| {
            let lines = keys
                .iter()
                .filter_map(|key| Some(((*key).to_owned(), lines.get(key)?.to_owned())));
            lines.collect::<BTreeMap<_, _>>()
        };
        let own = lines.iter().filter(|(key, _)| !COMMON_KEYS.contains(key));
        Ok(TensorSection {
            name: name.to_owned(),
            line: places.line(name, ""),
            id: lines.get("id").map(str::to_owned),
            element_type: lines.get("type").map(str::to_owned),
            dims: reader.value("dims", of_dims, dims)?,
            direction: reader.value("dir", "write dir=input or dir=output", direction)?,
            ranges: reader.value("ranges", of_ranges, input_text::ranges)?,
            dims_order: reader.value("dims-order", of_order, order)?.unwrap_or_default(),
            picture: reader.picture()?,
            sound: written(&SOUND_KEYS),
            value: lines.get("value").map(str::to_owned),
            hints: written(&OUTPUT_KEYS),
            keys: own
                .map(|(key, _)| (key.to_owned(), places.line(name, key)))
                .collect(),
        })
    }

    /// A key that tensors of this content do not have, with its line.
    pub(super) fn misplaced(&self, content: Content) -> Option<(&str, usize)> {
        let misplaced = self
            .keys
            .iter()
            .find(|(key, _)| !content.keys().contains(&key.as_str()));
        misplaced.map(|(key, line)| (key.as_str(), *line))
    }

    /// Returns what in this section contradicts the model, and the line that would not.
    pub(super) fn contradiction(&self, direction: Direction, port: &Port) -> Option<(String, String)> {
        if self.direction.is_some_and(|it| it != direction) {
            let word = match direction {
                Direction::Input => "input",
                Direction::Output => "output",
            };
            return Some((
                format!("has another dir than the model, where it is an {word}"),
                format!("write dir={word}"),
            ));
        }
        let model_type = type_name(port);
        if let Some(stated) = self.element_type.as_deref().filter(|it| *it != model_type) {
            return Some((
                format!("has type={stated} where the model has {model_type}"),
                format!("write type={model_type}"),
            ));
        }
        let (Some(stated), Some(model)) = (&self.dims, &port.dims) else {
            return None;
        };
        let agrees = |(stated, model): (&Option<usize>, &Dim)| match (stated, model) {
            (Some(stated), Dim::Fixed(model)) => stated == model,
            _ => true,
        };
        if stated.len() == model.len() && stated.iter().zip(model).all(agrees) {
            return None;
        }
        let line = dims_line(model);
        Some((
            format!("has dims that differ from the model's {line}"),
            format!("write dims={line}"),
        ))
    }
}

/// Spells dimensions as a `dims` line does.
pub fn dims_line(dims: &[Dim]) -> String {
    let spell = |dim: &Dim| match dim {
        Dim::Fixed(size) => size.to_string(),
        Dim::Dynamic(_) => "-1".to_owned(),
    };
    dims.iter().map(spell).collect::<Vec<_>>().join(",")
}

/// Names the type of a tensor as GStreamer does.
pub fn type_name(port: &Port) -> &'static str {
    match port.element_type {
        Ok(known) => known.name(),
        Err(other) => other.name(),
    }
}

pub(super) fn fault(path: &Path, cause: impl Into<String>, remedy: impl Into<String>) -> Error {
    Error::ModelInfo {
        path: path.to_owned(),
        cause: cause.into(),
        remedy: remedy.into(),
    }
}

fn dims(line: &str) -> Option<Vec<Option<usize>>> {
    let one = |word: &str| match word.trim().parse::<i64>().ok()? {
        negative if negative < 0 => Some(None),
        size => usize::try_from(size).ok().map(Some),
    };
    line.trim_end_matches(',').split(',').map(one).collect()
}
