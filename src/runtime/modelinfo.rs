// SPDX-License-Identifier: MPL-2.0

//! Reads `.modelinfo` files as `GstAnalyticsModelInfo` of GStreamer 1.28 does (file version 1.0).
//!
//! An ini file beside the model with a section per tensor: `dims`, `dir` and `type` find the tensor,
//! `ranges` normalises an input, `id` and `dims-order` describe an output, and `[modelinfo]` holds
//! `version` and `group-id`. It goes further than GStreamer in five things: `dims` may fix what the
//! model leaves open, `ranges` is read for image outputs too, `sample_rate`, `delay` and `hop` describe an
//! input for sound, `blank` (first or last) the classes of a recognizer of text, and a line that cannot be
//! understood is an error instead of a line in a log.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ini::{Ini, ParseOption, Properties};

use super::Error;
use super::onnx::Port;
use crate::tensor::Dim;
pub use crate::tensor::DimsOrder;

/// Major version of the format that is understood; minor versions only add.
const VERSION_MAJOR: i64 = 1;

/// Bytes a description may have: a thousand times what real ones have.
const MAX_BYTES: u64 = 1 << 20;

/// Whether a tensor goes into the model or comes out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Input,
    Output,
}

/// What the file says about one tensor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TensorSection {
    pub name: String,
    pub id: Option<String>,
    /// Name of the type as GStreamer spells it.
    pub element_type: Option<String>,
    /// `None` inside stands for -1, any size.
    pub dims: Option<Vec<Option<usize>>>,
    pub direction: Option<Direction>,
    /// Values that stand for 0 and 255, one pair for all channels or one per channel.
    pub ranges: Option<Vec<(f32, f32)>>,
    pub dims_order: DimsOrder,
    /// Which class of a recognizer of text stands for no character, as written.
    pub blank: Option<String>,
    /// Those of the lines `sample_rate`, `delay` and `hop` that are there, as written.
    pub sound: BTreeMap<String, String>,
}

/// Lines of a section that say how sound stands in a tensor.
const SOUND_LINES: [&str; 3] = ["sample_rate", "delay", "hop"];

/// A `.modelinfo` file.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    pub path: PathBuf,
    pub group_id: Option<String>,
    pub tensors: Vec<TensorSection>,
}

/// Loads `<model>.modelinfo`, else the same with the model's extension replaced; `None` without either.
pub fn load(model: &Path) -> Result<Option<ModelInfo>, Error> {
    for path in places(model) {
        let unreadable = |source| Error::Unreadable {
            path: path.clone(),
            source,
        };
        let bytes = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(error)),
        };
        if MAX_BYTES < bytes {
            return Err(Error::FileTooLarge {
                path,
                bytes,
                limit: MAX_BYTES,
            });
        }
        let text = fs::read_to_string(&path).map_err(unreadable)?;
        return ModelInfo::parse(&path, &text).map(Some);
    }
    Ok(None)
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
        let ini = Ini::load_from_str_opt(text, option).map_err(|error| {
            let remedy = "write sections '[tensor]' with lines 'key=value'";
            fault(path, format!("line {}: {}", error.line, error.msg), remedy)
        })?;
        let Some(head) = ini.section(Some("modelinfo")) else {
            let remedy = "add the lines '[modelinfo]' and 'version=1.0' on top";
            return Err(fault(path, "it has no section [modelinfo]", remedy));
        };
        check_version(path, head.get("version"))?;
        let sections = ini
            .iter()
            .filter_map(|(name, lines)| name.filter(|it| *it != "modelinfo").map(|it| (it, lines)));
        let tensors = sections
            .map(|(name, lines)| section(path, name, lines))
            .collect::<Result<_, _>>()?;
        Ok(ModelInfo {
            path: path.to_owned(),
            group_id: head.get("group-id").map(str::to_owned),
            tensors,
        })
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

impl TensorSection {
    /// Returns what in this section contradicts the model, and the line that would not.
    fn contradiction(&self, direction: Direction, port: &Port) -> Option<(String, String)> {
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

fn fault(path: &Path, cause: impl Into<String>, remedy: impl Into<String>) -> Error {
    Error::ModelInfo {
        path: path.to_owned(),
        cause: cause.into(),
        remedy: remedy.into(),
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

fn section(path: &Path, name: &str, lines: &Properties) -> Result<TensorSection, Error> {
    let bad = |key: &str, value: &str, remedy: &str| {
        fault(path, format!("[{name}] {key}={value} is not understood"), remedy)
    };
    // The generator of GStreamer leaves words that a person must replace.
    if let Some((key, value)) = lines.iter().find(|(_, value)| value.starts_with("PLACEHOLDER")) {
        return Err(bad(key, value, "replace the placeholder by the real value"));
    }
    let direction = match lines.get("dir") {
        None => None,
        Some("input") => Some(Direction::Input),
        Some("output") => Some(Direction::Output),
        Some(other) => return Err(bad("dir", other, "write dir=input or dir=output")),
    };
    let dims_order = match lines.get("dims-order") {
        None | Some("row-major") => DimsOrder::RowMajor,
        Some("col-major") => DimsOrder::ColumnMajor,
        Some(other) => {
            let remedy = "write dims-order=row-major or dims-order=col-major";
            return Err(bad("dims-order", other, remedy));
        }
    };
    let dims = lines.get("dims").map(|value| {
        let remedy = "write whole numbers with commas, -1 for any, such as dims=1,3,-1,-1";
        dims(value).ok_or_else(|| bad("dims", value, remedy))
    });
    let ranges = lines.get("ranges").map(|value| {
        let remedy = "write pairs min,max with semicolons, such as ranges=0.0,1.0";
        ranges(value).ok_or_else(|| bad("ranges", value, remedy))
    });
    Ok(TensorSection {
        name: name.to_owned(),
        id: lines.get("id").map(str::to_owned),
        element_type: lines.get("type").map(str::to_owned),
        dims: dims.transpose()?,
        direction,
        ranges: ranges.transpose()?,
        dims_order,
        blank: lines.get("blank").map(str::to_owned),
        sound: SOUND_LINES
            .iter()
            .filter_map(|key| lines.get(key).map(|value| ((*key).to_owned(), value.to_owned())))
            .collect(),
    })
}

fn dims(line: &str) -> Option<Vec<Option<usize>>> {
    let one = |word: &str| match word.trim().parse::<i64>().ok()? {
        negative if negative < 0 => Some(None),
        size => usize::try_from(size).ok().map(Some),
    };
    line.trim_end_matches(',').split(',').map(one).collect()
}

fn ranges(line: &str) -> Option<Vec<(f32, f32)>> {
    let one = |pair: &str| {
        let (min, max) = pair.split_once(',')?;
        let (min, max) = (min.trim().parse::<f32>().ok()?, max.trim().parse::<f32>().ok()?);
        (min.is_finite() && max.is_finite() && min != max).then_some((min, max))
    };
    line.trim_end_matches(';').split(';').map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::ElementType;

    /// A sample in the form that GStreamer's own tests use.
    const SAMPLE: &str = "[modelinfo]\nversion=1.0\ngroup-id=group\n\n[x]\nid=input-0\ntype=float32\ndims=1,3,-1,-1\n\
        dir=input\nranges=0.0,255.0;-1.0,1.0;0.0,1.0\n\n[y]\nid=output-0\ntype=float32\ndims=1,3,-1,-1\ndir=output\n";

    fn port(name: &str, dims: &[usize]) -> Port {
        let dims = dims.iter().map(|&dim| {
            if dim == 0 {
                Dim::Dynamic(String::new())
            } else {
                Dim::Fixed(dim)
            }
        });
        Port {
            name: name.into(),
            element_type: Ok(ElementType::F32),
            dims: Some(dims.collect()),
        }
    }

    fn parse(text: &str) -> Result<ModelInfo, Error> {
        ModelInfo::parse(Path::new("m.onnx.modelinfo"), text)
    }

    #[test]
    fn a_file_of_the_field_is_read_whole() {
        let info = parse(SAMPLE).unwrap();
        assert_eq!(info.group_id.as_deref(), Some("group"));
        let section = info
            .find(Direction::Input, 0, &port("x", &[1, 3, 0, 0]))
            .unwrap()
            .unwrap();
        assert_eq!(section.ranges, Some(vec![(0.0, 255.0), (-1.0, 1.0), (0.0, 1.0)]));
        assert_eq!(section.dims, Some(vec![Some(1), Some(3), None, None]));
    }

    #[test]
    fn a_tensor_of_another_name_is_found_by_position_and_shape() {
        let info = parse(SAMPLE).unwrap();
        let found = info
            .find(Direction::Output, 0, &port("renamed", &[1, 3, 8, 8]))
            .unwrap();
        assert_eq!(found.map(|it| it.name.as_str()), Some("y"));
        assert_eq!(
            info.find(Direction::Output, 0, &port("renamed", &[1, 10]))
                .unwrap(),
            None
        );
    }

    #[test]
    fn each_fault_names_the_line_to_write() {
        for (text, remedy) in [
            ("[x]\ntype=float32\n", "version=1.0"),
            ("[modelinfo]\n", "version=1.0"),
            ("[modelinfo]\nversion=2.0\n", "version=1.0"),
            ("[modelinfo]\nversion=1.0\n[x]\ndims=1,three\n", "dims=1,3,-1,-1"),
            ("[modelinfo]\nversion=1.0\n[x]\nranges=0.0\n", "ranges=0.0,1.0"),
            ("[modelinfo]\nversion=1.0\n[x]\ndir=sideways\n", "dir=input"),
            (
                "[modelinfo]\nversion=1.0\n[x]\nid=PLACEHOLDER\n",
                "replace the placeholder",
            ),
            ("[modelinfo\nversion=1.0\n", "key=value"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(
                error.contains(remedy) && error.contains("m.onnx.modelinfo"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_named_section_that_contradicts_the_model_is_an_error() {
        let info = parse(SAMPLE).unwrap();
        let error = info
            .find(Direction::Input, 0, &port("x", &[1, 1, 0, 0]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("write dims=1,1,-1,-1"), "{error}");
        let error = info
            .find(Direction::Output, 0, &port("x", &[1, 3, 0, 0]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("write dir=output"), "{error}");
    }
}
