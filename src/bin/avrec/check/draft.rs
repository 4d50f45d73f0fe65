// SPDX-License-Identifier: MPL-2.0

//! The draft of a `.modelinfo`: what the model says, what was assumed, and what is proposed instead.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use gstavrec::bounded_file;
use gstavrec::messages::StatementPart;
use gstavrec::runtime::describe;
use gstavrec::runtime::modelinfo::{dims_line, type_name};
use gstavrec::runtime::onnx::Port;

use super::findings::Findings;
use super::readings::Readings;
use crate::console::say;
use crate::failure::{Failure, cannot_write};

/// Where the description of a model is looked for first.
pub fn path(model: &Path) -> PathBuf {
    let mut name = model.as_os_str().to_owned();
    name.push(".modelinfo");
    PathBuf::from(name)
}

/// Writes the draft.
pub fn write(path: &Path, model: &Path, findings: &Findings, readings: &Readings) -> Result<(), Failure> {
    let graph = describe(model).map_err(|err| Failure::Pipeline(err.to_string()))?;
    let statements = &findings.loaded.statements;
    let mut text = draft(&graph.inputs, &graph.outputs, statements, readings.proposal());
    for lines in readings.candidates() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n# as properties, the model is more certain with: {lines}");
    }
    bounded_file::write(path, text).map_err(|err| Failure::Output(cannot_write("draft", path, &err)))?;
    say(&format!("drafted: {}", path.display()));
    Ok(())
}

/// The line of a `.modelinfo` for what a property is called.
fn line_of(key: &str) -> Option<&'static str> {
    Some(match key {
        "channel-order" => "channel-order",
        "input-range" | "output-range" => "ranges",
        "input-mean" => "mean",
        "input-std" => "std",
        "input-layout" => "layout",
        "input-size" => "size",
        "fit" => "fit",
        "padding" => "padding",
        "input-values" => "value",
        "sample-rate" => "sample_rate",
        "window" => "window",
        "hop" => "hop",
        "context" => "context",
        _ => return None,
    })
}

fn draft(
    inputs: &[Port],
    outputs: &[Port],
    statements: &[StatementPart],
    proposal: Option<&Vec<(String, String)>>,
) -> String {
    let mut text = "[modelinfo]\nversion=1.0\n".to_string();
    let directed = inputs.iter().map(|it| ("input", it));
    let directed = directed.chain(outputs.iter().map(|it| ("output", it)));
    let mut proposal = proposal.filter(|it| !it.is_empty());
    for (direction, port) in directed {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n[{}]\ndir={direction}\ntype={}\n",
            port.name,
            type_name(port)
        );
        // A single number has no dimensions, and a line without one says nothing.
        if let Some(dims) = port.dims.as_ref().filter(|it| !it.is_empty()) {
            let _ = writeln!(text, "dims={}", dims_line(dims));
        }
        let about = statements.iter().filter(|it| it.tensor == port.name);
        let about: Vec<&StatementPart> = about.collect();
        let is_fed = about
            .iter()
            .any(|it| it.key == "channel-order" || it.key == "input-range");
        let proposed = if is_fed { proposal.take() } else { None };
        let replaced = |key: &str| proposed.is_some_and(|it| replaces(it, key));
        for statement in about.iter().filter(|it| !replaced(&it.key)) {
            if let Some(line) = line_of(&statement.key) {
                let value = statement.value.replace('\n', " ");
                // What follows from each frame is told in words, which no line can say; what nobody said is no fact yet.
                let is_fact =
                    !statement.origin.contains("assumed") && (line != "value" || is_numbers(&value));
                let mark = if is_fact { "" } else { "# " };
                let _ = writeln!(text, "# {}\n{mark}{line}={value}", statement.origin);
            }
        }
        for (name, value) in proposed.into_iter().flatten() {
            if let Some(line) = line_of(name) {
                let _ = writeln!(
                    text,
                    "# proposed: the model is more certain with it\n{line}={value}"
                );
            }
        }
    }
    text
}

fn is_numbers(value: &str) -> bool {
    value.split_whitespace().all(|it| it.parse::<f64>().is_ok())
}

/// Whether a proposal says what a statement says: the range has two spellings.
fn replaces(proposal: &[(String, String)], key: &str) -> bool {
    let is_range = |it: &str| matches!(it, "input-range" | "input-mean" | "input-std");
    proposal
        .iter()
        .any(|(name, _)| name == key || (is_range(name) && is_range(key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gstavrec::tensor::{Dim, ElementType};

    fn port(name: &str) -> Port {
        Port {
            name: name.to_string(),
            element_type: Ok(ElementType::F32),
            dims: Some(vec![
                Dim::Fixed(1),
                Dim::Fixed(3),
                Dim::Dynamic("h".to_string()),
                Dim::Fixed(8),
            ]),
        }
    }

    fn statement(tensor: &str, key: &str, value: &str) -> StatementPart {
        StatementPart {
            tensor: tensor.to_string(),
            key: key.to_string(),
            value: value.to_string(),
            origin: "nobody; assumed".to_string(),
            line: String::new(),
        }
    }

    #[test]
    fn a_draft_holds_what_is_known_and_a_proposal_replaces_what_was_assumed() {
        let statements = [
            statement("x", "input-range", "0,1"),
            statement("x", "channel-order", "rgb"),
            statement("", "task", "detect"),
            statement("y", "input-values", "width height"),
        ];
        let lines = vec![("input-mean".to_string(), "0.5".to_string())];
        let text = draft(&[port("x")], &[port("y")], &statements, Some(&lines));
        assert_eq!(
            text,
            "[modelinfo]\nversion=1.0\n\n[x]\ndir=input\ntype=float32\ndims=1,3,-1,8\n# nobody; assumed\n\
             # channel-order=rgb\n# proposed: the model is more certain with it\nmean=0.5\n\n[y]\ndir=output\n\
             type=float32\ndims=1,3,-1,8\n# nobody; assumed\n# value=width height\n"
        );
    }
}
