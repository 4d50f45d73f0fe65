// SPDX-License-Identifier: MPL-2.0

//! What makes confidences of a classifier's numbers, as far as it can be known when the model is loaded.

use crate::decode::classify::judge;
use crate::decode::evidence::{Bound, is_distribution};
use crate::decode::model::{Activation, Model};
use crate::decode::taken::{Source, Taken};
use crate::decode::{Unfit, scan};

/// What is known, and the sentence for what nobody says.
pub(super) struct Known {
    /// `None` where each answer's own values have to show it.
    pub activation: Option<Activation>,
    pub taken: Taken,
    pub assumed: Option<String>,
}

/// What makes confidences of an output: by the metadata, the operator that made it, a run at load, its name.
pub(super) fn of(model: &Model, output: usize, classes: Option<usize>) -> Result<Known, Unfit> {
    let name = &model.outputs[output].name;
    let known = |activation: Option<Activation>, source: Source, assumed: Option<String>| Known {
        activation,
        taken: Taken {
            tensor: name.clone(),
            key: "activation",
            value: activation.map_or("auto", Activation::name).into(),
            source,
            line: format!("[{name}] activation=softmax"),
        },
        assumed,
    };
    let in_file = |what: String| Source::File(what);
    if let Some(said) = model.activation()? {
        return Ok(known(Some(said), in_file("activation".into()), None));
    }
    let one = if classes == Some(1) {
        Activation::Sigmoid
    } else {
        Activation::Softmax
    };
    let sentence = |what: &str| {
        Some(format!(
            "{what}; the metadata activation=softmax, sigmoid or none, or that line in the section [{name}] of the \
             .modelinfo, says it for certain."
        ))
    };
    let maker = format!("made by {}", model.evidence.maker(output));
    match model.evidence.bound(output) {
        Some(Bound::Distribution | Bound::Confidences) => {
            return Ok(known(Some(Activation::None), in_file(maker), None));
        }
        Some(Bound::Sums) => {
            let what = format!(
                "{name} is a layer's sums and taken for logits of which one class wins ({})",
                one.name()
            );
            return Ok(known(Some(one), Source::Assumed, sentence(&what)));
        }
        None => {}
    }
    let mut scratch = Vec::new();
    let seen = model
        .evidence
        .tensor(output)
        .map(|it| scan::floats(it, &mut scratch));
    if let Some(values) = seen.filter(|it| it.iter().any(|it| it.is_finite())) {
        let activation = judge(values);
        let what = match activation {
            Activation::None if is_distribution(values) => "values that sum to one, taken for confidences",
            Activation::None => "values from 0 to 1, taken for confidences",
            _ => "numbers beyond 0 and 1, taken for logits of which one class wins",
        };
        let what = format!("A run at load gave {name} {what} ({})", activation.name());
        return Ok(known(Some(activation), Source::Assumed, sentence(&what)));
    }
    if model.calls(output, &["softmax", "prob"]) {
        return Ok(known(
            Some(Activation::None),
            in_file("the output's name".into()),
            None,
        ));
    }
    if model.calls(output, &["logit"]) && classes != Some(1) {
        return Ok(known(
            Some(Activation::Softmax),
            in_file("the output's name".into()),
            None,
        ));
    }
    let what =
        "Values from 0 to 1 are taken as confidences, others as logits of which one class wins (softmax)";
    Ok(known(None, Source::Assumed, sentence(what)))
}
