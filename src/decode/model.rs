// SPDX-License-Identifier: MPL-2.0

//! What is known of a model before its first answer, and the questions that recognition asks of it.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Unfit;
use super::evidence::{Bound, Evidence};
use crate::letterbox::Size;
use crate::tensor::{Dim, ElementType, TensorInfo};

/// What coordinates of boxes are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Units {
    /// Pixels of the model's input.
    Pixels,
    /// Fractions of the model's input.
    Fractions,
    /// Cells of YOLOX's grids: offsets from the cell, sizes as logarithms, both times the stride.
    Cells,
    /// Nobody says; the values of each answer show it.
    Unsaid,
}

/// What makes confidences out of a model's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// One class of many: they sum to one.
    Softmax,
    /// Each class for itself.
    Sigmoid,
    /// They are confidences.
    None,
}

/// Which class stands for no character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blank {
    First,
    Last,
    /// The first or last one, whichever the table calls so; else the first one.
    Called,
}

/// The outputs of a model with what its metadata and the user's labels say about them.
pub(super) struct Model<'a> {
    pub outputs: &'a [TensorInfo],
    /// The size of the input; `None` where the model takes any.
    pub input: Option<Size>,
    pub metadata: &'a BTreeMap<String, String>,
    /// Labels of the user, else names in the metadata.
    pub labels: Option<usize>,
    pub evidence: &'a Evidence,
}

impl Activation {
    /// As the metadata spell it.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Softmax => "softmax",
            Activation::Sigmoid => "sigmoid",
            Activation::None => "none",
        }
    }
}

/// Names that a sentence can hold.
const MOST_NAMES: usize = 3;

impl Model<'_> {
    /// The sizes of an output, `None` for free ones.
    pub fn sizes(&self, output: usize) -> Vec<Option<usize>> {
        let size = |dim: &Dim| match dim {
            Dim::Fixed(size) => Some(*size),
            Dim::Dynamic(_) => None,
        };
        self.outputs
            .get(output)
            .map_or(Vec::new(), |it| it.dims.iter().map(size).collect())
    }

    /// The sizes of an output without its first one, if that is a batch of one (or free).
    pub fn unbatched(&self, output: usize) -> Option<Vec<Option<usize>>> {
        let sizes = self.sizes(output);
        let (batch, rest) = sizes.split_first()?;
        matches!(batch, None | Some(1)).then(|| rest.to_vec())
    }

    /// Whether an output of two dimensions has a row for each of many things. A free number of rows of a model that
    /// takes any number of pictures at once is that of pictures, unless it was seen to be another.
    pub fn has_rows(&self, output: usize) -> bool {
        let rows = match self.sizes(output).as_slice() {
            [rows, _] => *rows,
            _ => return false,
        };
        let seen = self.evidence.tensor(output).and_then(|it| it.dims.first());
        let is_row_of_layer = matches!(
            self.evidence.bound(output),
            Some(Bound::Distribution | Bound::Confidences | Bound::Sums)
        );
        match rows {
            Some(rows) => 1 < rows,
            None if self.evidence.counts => true,
            None if seen.is_some_and(|it| *it != 1) => true,
            None => !self.evidence.is_batch_free && !is_row_of_layer,
        }
    }

    /// The first output whose unbatched sizes have this count, and these sizes.
    pub fn first_of_rank(&self, rank: usize) -> Option<(usize, Vec<Option<usize>>)> {
        (0..self.outputs.len())
            .filter(|&it| self.is_float(it))
            .find_map(|it| Some((it, self.unbatched(it).filter(|sizes| sizes.len() == rank)?)))
    }

    pub fn is_float(&self, output: usize) -> bool {
        matches!(
            self.outputs.get(output).map(|it| it.element_type),
            Some(ElementType::F32 | ElementType::F16)
        )
    }

    /// Whether the identifier of an output is this one of the public tensor-id registry.
    pub fn has_id(&self, id: &str) -> bool {
        self.outputs.iter().any(|it| it.id == id)
    }

    /// Whether an identifier of an output starts like this.
    pub fn id_starts(&self, start: &str) -> bool {
        self.outputs.iter().any(|it| it.id.starts_with(start))
    }

    /// Whether the name or identifier of an output contains one of the words.
    pub fn calls(&self, output: usize, words: &[&str]) -> bool {
        let Some(info) = self.outputs.get(output) else {
            return false;
        };
        let (name, id) = (info.name.to_lowercase(), info.id.to_lowercase());
        words.iter().any(|it| name.contains(it) || id.contains(it))
    }

    /// Whether a name of an output or a value of the metadata contains the word, whatever its case and hyphens.
    pub fn mentions(&self, word: &str) -> bool {
        let plain = |text: &str| text.to_lowercase().replace(['-', '_'], "");
        let names = self.outputs.iter().flat_map(|it| [&it.name, &it.id]);
        let values = self
            .metadata
            .iter()
            .filter(|(key, _)| *key != "names")
            .map(|(_, value)| value);
        names.chain(values).any(|it| plain(it).contains(word))
    }

    /// Whether the file has a table of characters, as recognizers of text do.
    pub fn has_characters(&self) -> bool {
        self.metadata.contains_key("character")
    }

    /// Whether PaddlePaddle's exporter wrote the model, by the names that it gives to outputs.
    pub fn is_of_paddle(&self) -> bool {
        let words = [
            "fetch_name_",
            "save_infer_model/",
            "sigmoid_0.tmp",
            "softmax_0.tmp",
        ];
        (0..self.outputs.len()).any(|it| self.calls(it, &words))
    }

    /// Names of outputs in a line, the first ones of many.
    pub fn names(&self, outputs: &[usize]) -> String {
        let names = outputs.iter().filter_map(|&it| self.outputs.get(it));
        let line = names.take(MOST_NAMES).map(|it| it.name.as_str());
        let line = line.collect::<Vec<_>>().join(", ");
        match outputs.len().saturating_sub(MOST_NAMES) {
            0 => line,
            more => format!("{line} and {more} more"),
        }
    }

    /// Whether Ultralytics' exporter wrote the model: it leaves the strides and the task.
    pub fn is_ultralytics(&self) -> bool {
        self.metadata.contains_key("stride") && self.metadata.contains_key("task")
    }

    /// Whether the metadata say that suppression is a part of the model.
    pub fn is_end_to_end(&self) -> bool {
        let says = |key: &str| self.metadata.get(key).map(|it| it.to_lowercase());
        says("end2end").as_deref() == Some("true")
            || says("args").is_some_and(|it| it.replace(' ', "").contains("'nms':true"))
    }

    /// The metadata's `activation`.
    pub fn activation(&self) -> Result<Option<Activation>, Unfit> {
        match self.metadata.get("activation").map(|it| it.trim()) {
            None => Ok(None),
            Some("softmax") => Ok(Some(Activation::Softmax)),
            Some("sigmoid") => Ok(Some(Activation::Sigmoid)),
            Some("none") => Ok(Some(Activation::None)),
            Some(other) => Err(Unfit::new(
                format!("activation={other} is not understood"),
                "write softmax, sigmoid or none",
            )),
        }
    }

    /// The metadata's `blank`: which class of a recognizer of text stands for no character.
    pub fn blank(&self) -> Result<Option<Blank>, Unfit> {
        match self.metadata.get("blank").map(|it| it.trim()) {
            None => Ok(None),
            Some("first") => Ok(Some(Blank::First)),
            Some("last") => Ok(Some(Blank::Last)),
            Some(other) => Err(Unfit::new(
                format!("blank={other} is not understood"),
                "write first or last",
            )),
        }
    }

    /// The metadata's `boxes`: what the coordinates are counted in.
    pub fn units(&self) -> Result<Option<Units>, Unfit> {
        match self.metadata.get("boxes").map(|it| it.trim()) {
            None => Ok(None),
            Some("pixels") => Ok(Some(Units::Pixels)),
            Some("fractions") => Ok(Some(Units::Fractions)),
            Some("cells") => Ok(Some(Units::Cells)),
            Some(other) => Err(Unfit::new(
                format!("boxes={other} is not understood"),
                "write pixels, fractions or cells",
            )),
        }
    }

    /// The decoder that is asked for by the metadata's `family`; `None` where it is left to recognition.
    pub fn family(&self) -> Option<&str> {
        let said = self.metadata.get("family").map(|it| it.trim());
        said.filter(|it| !it.is_empty() && *it != "auto")
    }

    /// Whether the numbers of each class for itself are logits, as the metadata's `activation` says it.
    pub fn are_logits(&self) -> Result<bool, Unfit> {
        Ok(self.activation()? == Some(Activation::Sigmoid))
    }

    /// The outputs in one line, such as `output0 [1, 84, 8400], output1 [1, 32, ?, ?]`.
    pub fn listed(&self) -> String {
        let mut line = String::new();
        for (index, info) in self.outputs.iter().enumerate() {
            let sizes = self.sizes(index);
            let spell = |it: &Option<usize>| it.map_or("?".to_owned(), |it| it.to_string());
            let sizes: Vec<String> = sizes.iter().map(spell).collect();
            let comma = if index == 0 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(line, "{comma}{} [{}]", info.name, sizes.join(", "));
        }
        line
    }
}
