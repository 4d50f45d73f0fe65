// SPDX-License-Identifier: MPL-2.0

//! Text out of a recognizer's scores: for each step along the line one number for each character and for the blank,
//! as models are trained with connectionist temporal classification (A. Graves et al., ICML 2006).
//!
//! The best class of each step is taken, equal ones in a row are one, and blanks say nothing. The confidence is the
//! mean over the characters, each by the first of its steps, as PaddleOCR counts it.

use super::Fault;
use super::found::{output, shape};
use super::model::{Activation, Blank};
use super::{classify, scan};
use crate::answer::Text;
use crate::tensor::Tensor;

/// Which classes the table of characters leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// None.
    Whole,
    /// The blank.
    WithoutBlank,
    /// The blank, which is the first one, and a space, which is the last one: PaddleOCR's.
    WithoutBlankAndSpace,
}

/// How steps stand in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steps {
    /// `[1, T, C]`, `[T, 1, C]` or `[T, C]`: the classes of a step side by side.
    Rows,
    /// `[1, C, T]` or `[C, T]`.
    Planes,
}

/// Where the scores are, and which character each class is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ctc {
    /// Which output of the model it is.
    pub output: usize,
    /// The blank counts.
    pub classes: usize,
    pub steps: Steps,
    /// Whether the file has its table as PaddleOCR's exporters write it, or leaves out what theirs does.
    pub is_paddle: bool,
    pub table: Table,
    pub blank: Blank,
    /// `None` where nobody says: probabilities where each step sums to one, else logits.
    pub activation: Option<Activation>,
}

/// A table of characters as the decoder has it: one for each class, the blank empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Alphabet {
    characters: Vec<String>,
    blank: usize,
}

/// Words that tables have for the blank.
const CALLED_BLANK: &[&str] = &[
    "", "blank", "<blank>", "[blank]", "<pad>", "[pad]", "<blk>", "ε", "_", "-",
];

/// How far the sum of a step may be from one, where it is of probabilities: half floats round.
const SUM_TOLERANCE: f32 = 0.01;

impl Ctc {
    /// Gives each class its character out of the table of the model or the user.
    pub(super) fn alphabet(&self, table: &[String]) -> Alphabet {
        let called = |it: Option<&String>| it.is_some_and(|it| CALLED_BLANK.contains(&&*it.to_lowercase()));
        let is_last = match self.blank {
            Blank::First => false,
            Blank::Last => true,
            Blank::Called => self.table == Table::Whole && !called(table.first()) && called(table.last()),
        };
        let blank = if is_last { self.classes - 1 } else { 0 };
        let before = usize::from(self.table != Table::Whole && !is_last);
        let mut characters = vec![String::new(); before];
        characters.extend(table.iter().take(self.classes - before).cloned());
        if self.table == Table::WithoutBlankAndSpace {
            characters.resize(self.classes - 1, String::new());
            characters.push(" ".into());
        }
        characters.resize(self.classes, String::new());
        characters[blank].clear();
        Alphabet { characters, blank }
    }

    /// Reads the line into `text`; returns how many steps were left out because a score in them is no number.
    pub(super) fn read(
        &self,
        outputs: &[Tensor],
        alphabet: &Alphabet,
        scratch: &mut Vec<f32>,
        rows: &mut Vec<f32>,
        text: &mut Text,
    ) -> Result<u64, Fault> {
        let tensor = output(outputs, self.output)?;
        let steps = self.steps_of(tensor)?;
        let mut values = scan::floats(tensor, scratch);
        if self.steps == Steps::Planes {
            transpose(values, steps, rows);
            values = rows;
        }
        let activation = self.activation.unwrap_or_else(|| judge(values, self.classes));
        text.text.clear();
        let (mut dropped, mut sum, mut count) = (0, 0.0, 0u32);
        let mut before = alphabet.blank;
        for step in values.chunks_exact(self.classes) {
            let (class, score) = scan::best(step);
            if score.is_nan() {
                dropped += 1;
                before = alphabet.blank;
                continue;
            }
            let class = class as usize;
            if class != before && class != alphabet.blank {
                text.text.push_str(&alphabet.characters[class]);
                sum += confidence(activation, step, score);
                count += 1;
            }
            before = class;
        }
        text.confidence = if count == 0 { 0.0 } else { sum / count as f32 };
        Ok(dropped)
    }

    /// How many steps an output of the recognized kind has.
    fn steps_of(&self, tensor: &Tensor) -> Result<usize, Fault> {
        let steps = match (self.steps, tensor.dims.as_slice()) {
            (Steps::Rows, &[1, steps, classes] | &[steps, 1, classes] | &[steps, classes])
            | (Steps::Planes, &[1, classes, steps] | &[classes, steps])
                if classes == self.classes =>
            {
                Some(steps)
            }
            _ => None,
        };
        steps.ok_or_else(|| {
            let expected = match self.steps {
                Steps::Rows => format!("[1, T, {}]", self.classes),
                Steps::Planes => format!("[1, {}, T]", self.classes),
            };
            shape(self.output, tensor, expected)
        })
    }
}

/// The classes of each step side by side.
fn transpose(planes: &[f32], steps: usize, rows: &mut Vec<f32>) {
    rows.clear();
    for step in 0..steps {
        rows.extend(planes.iter().skip(step).step_by(steps));
    }
}

/// What the scores are, by the first step that has numbers only.
fn judge(values: &[f32], classes: usize) -> Activation {
    let usable = |it: &&[f32]| it.iter().all(|it| it.is_finite());
    let step = values.chunks_exact(classes).find(usable).unwrap_or_default();
    let is_distribution =
        step.iter().all(|it| 0.0 <= *it) && (step.iter().sum::<f32>() - 1.0).abs() <= SUM_TOLERANCE;
    if is_distribution {
        Activation::None
    } else {
        Activation::Softmax
    }
}

/// The confidence of the best class of a step, 0 to 1. Logarithms of probabilities are logits too.
fn confidence(activation: Activation, step: &[f32], best: f32) -> f32 {
    match activation {
        Activation::None => best.clamp(0.0, 1.0),
        Activation::Sigmoid => classify::sigmoid(best),
        Activation::Softmax => 1.0 / step.iter().map(|it| (it - best).exp()).sum::<f32>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Data;

    fn ctc(classes: usize, table: Table, blank: Blank) -> Ctc {
        Ctc {
            output: 0,
            classes,
            steps: Steps::Rows,
            is_paddle: false,
            table,
            blank,
            activation: None,
        }
    }

    fn table(characters: &[&str]) -> Vec<String> {
        characters.iter().map(|it| (*it).to_owned()).collect()
    }

    /// Reads steps of one score for each class.
    fn read(ctc: Ctc, characters: &[&str], dims: &[usize], values: &[f32]) -> (String, f32, u64) {
        let tensor = Tensor {
            dims: dims.to_vec(),
            data: Data::F32(values.to_vec()),
        };
        let (mut text, alphabet) = (Text::default(), ctc.alphabet(&table(characters)));
        let outputs = [tensor];
        let dropped = ctc.read(&outputs, &alphabet, &mut Vec::new(), &mut Vec::new(), &mut text);
        (text.text, text.confidence, dropped.unwrap())
    }

    #[test]
    fn equal_steps_are_one_character_unless_a_blank_is_between() {
        // Blank, a, b; the steps a a - a b b.
        let values = [
            0.1, 0.8, 0.1, 0.2, 0.7, 0.1, 0.9, 0.05, 0.05, 0.3, 0.6, 0.1, 0.1, 0.2, 0.7, 0.0, 0.0, 1.0,
        ];
        let (text, confidence, dropped) = read(
            ctc(3, Table::WithoutBlank, Blank::Called),
            &["a", "b"],
            &[1, 6, 3],
            &values,
        );
        assert_eq!((text.as_str(), dropped), ("aab", 0));
        assert!(
            (confidence - (0.8 + 0.6 + 0.7) / 3.0).abs() < 1e-6,
            "{confidence}"
        );
    }

    #[test]
    fn each_table_gives_each_class_its_character() {
        // Five steps, each of another class.
        let mut values = [0.0; 25];
        (0..5).for_each(|it| values[6 * it] = 1.0);
        for (table, blank, characters, text) in [
            (Table::Whole, Blank::Called, &["", "a", "b", "c", "d"][..], "abcd"),
            (
                Table::Whole,
                Blank::Called,
                &["a", "b", "c", "d", "<blank>"],
                "abcd",
            ),
            (Table::Whole, Blank::Called, &["a", "b", "c", "d", "e"], "bcde"),
            (Table::WithoutBlank, Blank::Called, &["a", "b", "c", "d"], "abcd"),
            (Table::WithoutBlank, Blank::Last, &["a", "b", "c", "d"], "abcd"),
            (
                Table::WithoutBlankAndSpace,
                Blank::First,
                &["a", "b", "c"],
                "abc ",
            ),
        ] {
            let ctc = ctc(5, table, blank);
            assert_eq!(read(ctc, characters, &[1, 5, 5], &values).0, text, "{ctc:?}");
        }
        let last = ctc(5, Table::WithoutBlank, Blank::Last);
        assert_eq!(last.alphabet(&table(&["a", "b", "c", "d"])).blank, 4);
    }

    #[test]
    fn logits_become_probabilities_and_the_order_of_dimensions_is_known_by_the_classes() {
        // One step of the second class: 1 / (1 + e^-2 + e^-3).
        let expected = 1.0 / (1.0 + (-2.0f32).exp() + (-3.0f32).exp());
        let rows = ctc(3, Table::WithoutBlank, Blank::First);
        let (text, confidence, _) = read(rows, &["a", "b"], &[1, 1, 3], &[1.0, 3.0, 0.0]);
        assert_eq!(text, "a");
        assert!((confidence - expected).abs() < 1e-6);
        let planes = Ctc {
            steps: Steps::Planes,
            ..rows
        };
        let (text, ..) = read(planes, &["a", "b"], &[1, 3, 2], &[0.0, 0.0, 5.0, 0.0, 0.0, 5.0]);
        assert_eq!(text, "ab");
        let (text, ..) = read(rows, &["a", "b"], &[2, 1, 3], &[0.0, 5.0, 0.0, 0.0, 0.0, 5.0]);
        assert_eq!(text, "ab");
    }

    #[test]
    fn nothing_to_read_has_no_confidence_and_no_number_no_character() {
        let blanks = ctc(2, Table::WithoutBlank, Blank::First);
        assert_eq!(
            read(blanks, &["a"], &[1, 2, 2], &[1.0, 0.0, 1.0, 0.0]),
            (String::new(), 0.0, 0)
        );
        let (text, _, dropped) = read(blanks, &["a"], &[1, 2, 2], &[f32::NAN, 0.0, 0.0, 1.0]);
        assert_eq!((text.as_str(), dropped), ("a", 1));
    }
}
