// SPDX-License-Identifier: MPL-2.0

//! Reads `.modelinfo` files as `GstAnalyticsModelInfo` of GStreamer 1.28 does (file version 1.0).
//!
//! An ini file beside the model with a section per tensor: `dims`, `dir` and `type` find the tensor,
//! `ranges` normalises an input, `id` and `dims-order` describe an output, and `[modelinfo]` holds
//! `version` and `group-id`. It goes further than GStreamer: `dims` may fix what the model leaves open, `ranges` is
//! read for image outputs too, [`PictureLines`] describe an input for pictures, `sample_rate`, `delay`, `hop`, `window` and
//! `context` one for sound, `value` says what another input gets, `activation`, `boxes` and `blank` describe an output as the
//! metadata may, `task`, `family`, `priors`, `boxes` and `activation` in `[modelinfo]` all of them, and a line that is not understood,
//! or that nothing reads, is an error instead of a line in a log.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ini::{Ini, ParseOption};

use super::onnx::Port;
use super::{Error, Options, source};
use crate::bounded_file;
use places::Places;
use section::fault;

mod places;
mod section;
#[cfg(test)]
mod tests;

pub use crate::tensor::DimsOrder;
pub use section::{Content, Direction, PictureLines, TensorSection, dims_line, type_name};

/// Major version of the format that is understood; minor versions only add.
const VERSION_MAJOR: i64 = 1;

/// Keys of the section `[modelinfo]`.
const HEAD_KEYS: [&str; 7] = [
    "version",
    "group-id",
    "task",
    "family",
    "priors",
    "boxes",
    "activation",
];

/// Bytes a description may have: a thousand times what real ones have.
const MAX_BYTES: u64 = 1 << 20;

/// A `.modelinfo` file.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    pub path: PathBuf,
    pub group_id: Option<String>,
    /// What says how outputs are read, in the words of the decoders' hints: those of their lines that are there.
    pub hints: BTreeMap<String, String>,
    pub tensors: Vec<TensorSection>,
}

/// Lines of `[modelinfo]` that count as the model's own metadata, and before these.
const HINTS: [&str; 5] = ["task", "family", "priors", "boxes", "activation"];

/// Loads `<model>.modelinfo`, else the same with the model's extension replaced; `None` without either.
pub fn load(model: &Path) -> Result<Option<ModelInfo>, Error> {
    for path in places(model) {
        match bounded_file::read_text(&path, MAX_BYTES) {
            Ok(_) if bounded_file::leads_out_of(&path, model) => return Err(Error::LinkOutside { path }),
            Ok(text) => return ModelInfo::parse(&path, &text).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(Error::Companion { path, source }),
        }
    }
    Ok(None)
}

/// Loads the file that the options name, else what [`load`] finds beside a model that is a file.
pub(super) fn load_for(source: &Path, options: &Options) -> Result<Option<ModelInfo>, Error> {
    match &options.modelinfo_file {
        Some(path) => match bounded_file::read_text(path, MAX_BYTES) {
            Ok(text) => ModelInfo::parse(path, &text).map(Some),
            Err(source) => Err(Error::Companion {
                path: path.clone(),
                source,
            }),
        },
        None if source::is_address(source) => Ok(None),
        None => load(source),
    }
}

/// Where a line about a tensor may be written, in words.
pub(super) fn section_of(source: &Path, tensor: &str) -> String {
    match source::is_address(source) {
        true => format!("section [{tensor}] of a file that modelinfo-file names"),
        false => {
            let name = source.file_name().unwrap_or_default().to_string_lossy();
            format!("section [{tensor}] of {name}.modelinfo beside it")
        }
    }
}

/// Where the description of a model may be, in the order of preference.
pub(super) fn places(model: &Path) -> [PathBuf; 2] {
    let mut appended = model.as_os_str().to_owned();
    appended.push(".modelinfo");
    [PathBuf::from(appended), model.with_extension("modelinfo")]
}

impl ModelInfo {
    /// Parses the text of a file; `path` is for the errors.
    pub fn parse(path: &Path, text: &str) -> Result<ModelInfo, Error> {
        let option = ParseOption {
            enabled_quote: false,
            enabled_escape: false,
            ..ParseOption::default()
        };
        // Editors of Windows write it; it is no part of the first line.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let ini = Ini::load_from_str_opt(text, option).map_err(|error| {
            let remedy = "write sections '[tensor]' with lines 'key=value'";
            fault(path, format!("line {}: {}", error.line, error.msg), remedy)
        })?;
        let places = Places::of(text);
        if let Some((key, _)) = ini.general_section().iter().next() {
            let cause = format!("line {}: '{key}' stands in no section", places.line("", key));
            return Err(fault(
                path,
                cause,
                "move it below '[modelinfo]' or the section of a tensor",
            ));
        }
        let Some(head) = ini.section(Some("modelinfo")) else {
            let remedy = "add the lines '[modelinfo]' and 'version=1.0' on top";
            return Err(fault(path, "it has no section [modelinfo]", remedy));
        };
        check_version(path, head.get("version"))?;
        if let Some((key, _)) = head.iter().find(|(key, _)| !HEAD_KEYS.contains(key)) {
            let line = places.line("modelinfo", key);
            let cause = format!("line {line}: [modelinfo] has the unknown key '{key}'");
            return Err(fault(
                path,
                cause,
                format!("write one of {}", HEAD_KEYS.join(", ")),
            ));
        }
        let sections = ini
            .iter()
            .filter_map(|(name, lines)| name.filter(|it| *it != "modelinfo").map(|it| (it, lines)));
        let tensors = sections
            .map(|(name, lines)| TensorSection::read(path, &places, name, lines))
            .collect::<Result<_, _>>()?;
        Ok(ModelInfo {
            path: path.to_owned(),
            group_id: head.get("group-id").map(str::to_owned),
            hints: HINTS
                .iter()
                .filter_map(|&key| Some((key.to_owned(), head.get(key)?.to_owned())))
                .collect(),
            tensors,
        })
    }

    /// Refuses a section that fits no tensor of the model, and a line in one that says what its tensor does not have.
    /// `content` is what the first input is for.
    pub fn check_use(&self, inputs: &[Port], outputs: &[Port], content: Content) -> Result<(), Error> {
        let mut used: Vec<(&TensorSection, Content)> = Vec::new();
        for (index, port) in inputs.iter().enumerate() {
            let content = if index == 0 { content } else { Content::Further };
            used.extend(self.find(Direction::Input, index, port)?.map(|it| (it, content)));
        }
        for (index, port) in outputs.iter().enumerate() {
            let section = self.find(Direction::Output, index, port)?;
            used.extend(section.map(|it| (it, Content::Output)));
        }
        for section in &self.tensors {
            let Some((_, content)) = used.iter().find(|(it, _)| std::ptr::eq(*it, section)) else {
                let names = |ports: &[Port]| {
                    ports
                        .iter()
                        .map(|it| it.name.clone())
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                let cause = format!(
                    "line {}: [{}] fits no tensor of the model",
                    section.line, section.name
                );
                let remedy = format!(
                    "name it as an input ({}) or an output ({})",
                    names(inputs),
                    names(outputs)
                );
                return Err(fault(&self.path, cause, remedy));
            };
            if let Some((key, line)) = section.misplaced(*content) {
                let cause = format!("line {line}: '{key}' in [{}] is read by nobody", section.name);
                return Err(fault(&self.path, cause, content.remedy()));
            }
        }
        Ok(())
    }

    /// The section of a tensor that is called otherwise, which was found by its place or its shape.
    pub fn found_without_name(
        &self,
        direction: Direction,
        index: usize,
        port: &Port,
    ) -> Result<Option<&TensorSection>, Error> {
        let found = self.find(direction, index, port)?;
        Ok(found.filter(|it| it.name != port.name))
    }

    /// Finds the section of a tensor: by name, else by position in its direction, else by type and shape.
    ///
    /// A section of that name which contradicts the model is an error, because it was meant.
    pub fn find(
        &self,
        direction: Direction,
        index: usize,
        port: &Port,
    ) -> Result<Option<&TensorSection>, Error> {
        if let Some(named) = self.tensors.iter().find(|section| section.name == port.name) {
            return match named.contradiction(direction, port) {
                None => Ok(Some(named)),
                Some((cause, remedy)) => Err(fault(&self.path, format!("[{}] {cause}", named.name), remedy)),
            };
        }
        let fits = |section: &&TensorSection| section.contradiction(direction, port).is_none();
        let same_way = self
            .tensors
            .iter()
            .filter(|section| section.direction == Some(direction));
        if let Some(section) = same_way.clone().nth(index).filter(fits) {
            return Ok(Some(section));
        }
        Ok(same_way.filter(|section| section.dims.is_some()).find(fits))
    }
}

fn check_version(path: &Path, version: Option<&str>) -> Result<(), Error> {
    let Some(version) = version else {
        let remedy = "add the line 'version=1.0' to it";
        return Err(fault(path, "[modelinfo] has no version", remedy));
    };
    let parts = version
        .split_once('.')
        .map(|(major, minor)| (major.trim().parse(), minor.trim().parse::<u32>()));
    let (what, remedy) = match parts {
        Some((Ok(VERSION_MAJOR), Ok(_))) => return Ok(()),
        Some((Ok(_), Ok(_))) => ("not supported", "rewrite the file as version=1.0"),
        _ => ("no 'major.minor'", "write version=1.0"),
    };
    Err(fault(path, format!("version={version} is {what}"), remedy))
}
