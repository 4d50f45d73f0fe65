// SPDX-License-Identifier: MPL-2.0

//! Finds recurrent state among the inputs and outputs of a graph: tensors that one run hands to the next.

use std::path::Path;

use super::Error;
use super::onnx::Port;
use crate::tensor::Dim;

/// Words by which exporters tell the state that goes in from the one that comes out.
const MARKS: [&str; 14] = [
    "in", "out", "input", "output", "new", "old", "next", "prev", "previous", "past", "present", "cur",
    "current", "init",
];

/// Positions of a state among the inputs and among the outputs of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub input: usize,
    pub output: usize,
}

/// Pairs each input after the first with the output that feeds it.
///
/// By name, where the names differ only by a mark (`h` and `h_out`, `state_in` and `state_out`, `past_k`
/// and `present_k`, `state` and `stateN`); else by position (input `k` and output `k`). Element types and
/// dimensions must agree in both cases. At least one output is left as the answer. An input without a
/// partner is an error, because nobody would know what to feed it with.
pub(super) fn pair(path: &Path, inputs: &[Port], outputs: &[Port]) -> Result<Vec<Pair>, Error> {
    let mut pairs: Vec<Pair> = Vec::new();
    for (input, port) in inputs.iter().enumerate().skip(1) {
        let is_free = |output: &usize| pairs.iter().all(|pair| pair.output != *output);
        let fits = |output: &usize| outputs.get(*output).is_some_and(|it| is_same_kind(port, it));
        let is_named = |output: &usize| {
            outputs
                .get(*output)
                .is_some_and(|it| correspond(&port.name, &it.name))
        };
        let by_name = (0..outputs.len()).filter(is_free).filter(fits).find(is_named);
        let by_position = || Some(input).filter(is_free).filter(fits);
        if let Some(output) = by_name.or_else(by_position) {
            pairs.push(Pair { input, output });
        }
    }
    let is_whole = pairs.len() + 1 == inputs.len() && pairs.len() < outputs.len();
    if is_whole || inputs.len() < 2 {
        return Ok(pairs);
    }
    let names: Vec<_> = inputs.iter().map(|port| port.name.as_str()).collect();
    let cause = format!("it has {} inputs ('{}')", inputs.len(), names.join("', '"));
    Err(Error::unsuitable(
        path,
        cause,
        "export it with one input and make the others constants, or, where they are recurrent state, give each \
         an output of the same type and shape that is named alike, such as 'h' and 'h_out'",
    ))
}

/// Whether one could be fed with the other; what is not said is seen when the model runs.
fn is_same_kind(input: &Port, output: &Port) -> bool {
    let (Some(dims), Ok(_)) = (&input.dims, input.element_type) else {
        return false;
    };
    let agree = |(one, other): (&Dim, &Dim)| match (one, other) {
        (Dim::Fixed(one), Dim::Fixed(other)) => one == other,
        _ => true,
    };
    let is_same_shape = |output: &Vec<Dim>| dims.len() == output.len() && dims.iter().zip(output).all(agree);
    input.element_type == output.element_type && output.dims.as_ref().is_none_or(is_same_shape)
}

fn correspond(input: &str, output: &str) -> bool {
    let (input, output) = (stem(input), stem(output));
    // As in h0 and hn, or state and stateN.
    !input.is_empty() && (input == output || output.strip_suffix('n') == Some(input.trim_end_matches('0')))
}

/// A name without marks, in lower case.
fn stem(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|it: char| !it.is_alphanumeric());
    words
        .filter(|word| !MARKS.contains(word))
        .collect::<Vec<_>>()
        .join("_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::ElementType;

    fn ports(specs: &[(&str, &[usize])]) -> Vec<Port> {
        let port = |(name, dims): &(&str, &[usize])| Port {
            name: (*name).to_owned(),
            element_type: Ok(ElementType::F32),
            dims: Some(dims.iter().map(|&dim| Dim::Fixed(dim)).collect()),
        };
        specs.iter().map(port).collect()
    }

    #[track_caller]
    fn check(inputs: &[(&str, &[usize])], outputs: &[(&str, &[usize])], expect: Option<&[(usize, usize)]>) {
        let pairs = pair(Path::new("m.onnx"), &ports(inputs), &ports(outputs)).ok();
        let pairs = pairs.map(|it| it.iter().map(|it| (it.input, it.output)).collect::<Vec<_>>());
        assert_eq!(pairs.as_deref(), expect);
    }

    #[test]
    fn names_that_differ_by_a_mark_belong_together_in_any_order() {
        let state: &[usize] = &[1, 8];
        check(
            &[("x", &[1, 4]), ("h_in", state), ("c_in", state)],
            &[("c_out", state), ("y", &[1, 4]), ("h_out", state)],
            Some(&[(1, 2), (2, 0)]),
        );
        for (input, output) in [
            ("h", "h_out"),
            ("state", "stateN"),
            ("past.key", "present.key"),
            ("h0", "hn"),
        ] {
            check(
                &[("x", &[1, 4]), (input, state)],
                &[("y", &[1, 4]), (output, state)],
                Some(&[(1, 1)]),
            );
        }
    }

    #[test]
    fn other_names_go_by_position_if_type_and_shape_agree() {
        check(
            &[("x", &[1, 4]), ("a", &[2])],
            &[("y", &[1, 4]), ("b", &[2])],
            Some(&[(1, 1)]),
        );
        check(
            &[("x", &[1, 4]), ("a", &[2])],
            &[("y", &[1, 4]), ("b", &[3])],
            None,
        );
        check(&[("x", &[1, 4]), ("a", &[2])], &[("y", &[1, 4])], None);
    }

    #[test]
    fn one_output_is_left_as_the_answer() {
        check(&[("x", &[2]), ("h", &[2])], &[("h_out", &[2])], None);
    }
}
