// SPDX-License-Identifier: MPL-2.0

//! What nobody said of a model, in sentences for people.

use crate::runtime::{Model, Origin, Statement};

fn assumed(model: &Model) -> impl Iterator<Item = &Statement> + Clone {
    model.statements.iter().filter(|it| it.origin == Origin::Assumed)
}

/// The other spelling of a range, with the numbers of most classifiers (those of ImageNet, in torchvision).
const NORMALIZED: &str = "or input-mean=0.485,0.456,0.406 input-std=0.229,0.224,0.225";

/// The lines that change what was assumed.
fn lines<'a>(assumed: impl Iterator<Item = &'a Statement>) -> String {
    let line = |it: &Statement| match (it.key, it.value.as_str(), it.line.as_str()) {
        ("input-range", "0,1", line) => format!("{line} ({NORMALIZED})"),
        (_, _, line) => line.to_owned(),
    };
    let lines: Vec<String> = assumed.map(line).filter(|it| !it.is_empty()).collect();
    lines.join(", ")
}

/// What was assumed of the input, in one sentence with what to write for another value; `None` where all was said.
pub fn of_input(model: &Model) -> Option<String> {
    let assumed = assumed(model).filter(|it| it.tensor == model.input.name);
    let values: Vec<String> = assumed
        .clone()
        .map(|it| format!("{}={}", it.key, it.value))
        .collect();
    let lines = lines(assumed);
    (!values.is_empty()).then(|| {
        format!(
            "Nobody says how a picture goes into '{}': {} is assumed; if answers are wrong, try {lines}.",
            model.input.name,
            values.join(" ")
        )
    })
}

/// All that was assumed, in one text for who reads a console; `None` where all was said.
///
/// It names the file without its folders, so that it says the same of the same model wherever it lies.
pub fn of_model(file: &str, model: &Model) -> Option<String> {
    let mut tensors: Vec<&str> = assumed(model).map(|it| it.tensor.as_str()).collect();
    tensors.dedup();
    let of_tensor = |tensor: &&str| {
        let own = assumed(model).filter(|it| it.tensor == *tensor);
        let values: Vec<String> = own.map(|it| format!("{}={}", it.key, it.value)).collect();
        match *tensor {
            "" => values.join(" "),
            tensor => format!("{} for '{tensor}'", values.join(" ")),
        }
    };
    let values: Vec<String> = tensors.iter().map(of_tensor).collect();
    let lines = lines(assumed(model));
    (!values.is_empty()).then(|| {
        format!(
            "{file} does not say everything, so avrec assumes {}. If answers are wrong, try {lines} (properties of \
             avrec-infer; docs/models.md tells more).",
            values.join(", ")
        )
    })
}
