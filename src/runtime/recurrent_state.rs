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
/// and `present_k`, `state` and `stateN`, `r1i` and `r1o`); else by order, with the next output after the first that
/// is still free. Element types and dimensions must agree in both cases. At least one output is left as the answer.
/// Inputs for which `is_told` holds are no state, nor are numbers without dimensions; what is left without a partner
/// is not among the pairs.
pub(super) fn pair(
    path: &Path,
    inputs: &[Port],
    outputs: &[Port],
    is_told: impl Fn(&Port) -> bool,
) -> Result<Vec<Pair>, Error> {
    let has_dims = |port: &Port| port.dims.as_ref().is_some_and(|dims| !dims.is_empty());
    let further = || {
        let further = inputs.iter().enumerate().skip(1);
        further.filter(|(_, port)| has_dims(port) && !is_told(port))
    };
    let mut pairs: Vec<Pair> = Vec::new();
    for (input, port) in further() {
        let is_free = |output: &usize| pairs.iter().all(|pair| pair.output != *output);
        let is_partner = |output: &usize| outputs.get(*output).is_some_and(|it| are_partners(port, it));
        let by_name = (0..outputs.len()).filter(is_free).find(is_partner);
        pairs.extend(by_name.map(|output| Pair { input, output }));
    }
    if !pairs.is_empty() && pairs.len() == outputs.len() {
        let cause = "all of its outputs are recurrent state, and none is an answer";
        let remedy = "export it with an output besides the state";
        return Err(Error::unsuitable(path, cause, remedy));
    }
    for (input, port) in further() {
        if pairs.iter().any(|pair| pair.input == input) {
            continue;
        }
        let is_free = |output: &usize| pairs.iter().all(|pair| pair.output != *output);
        let fits = |output: &usize| outputs.get(*output).is_some_and(|it| is_same_kind(port, it));
        // The first output is the answer, where nothing says otherwise.
        let by_order = (1..outputs.len()).filter(is_free).find(fits);
        pairs.extend(by_order.map(|output| Pair { input, output }));
    }
    pairs.sort_by_key(|pair| pair.input);
    Ok(pairs)
}

/// Whether an input has an output of its name, type and shape.
pub(super) fn has_partner(input: &Port, outputs: &[Port]) -> bool {
    outputs.iter().any(|output| are_partners(input, output))
}

fn are_partners(input: &Port, output: &Port) -> bool {
    is_same_kind(input, output) && correspond(&input.name, &output.name)
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
    if input.is_empty() {
        return false;
    }
    // As in h0 and hn, or state and stateN; and as in r1i and r1o.
    let is_next = output.strip_suffix('n') == Some(input.trim_end_matches('0'));
    let without_mark = (input.strip_suffix('i'), output.strip_suffix('o'));
    let is_in_and_out = matches!(without_mark, (Some(one), Some(other)) if one == other && !one.is_empty());
    input == output || is_next || is_in_and_out
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
        let pairs = pair(Path::new("m.onnx"), &ports(inputs), &ports(outputs), |_| false).ok();
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
            ("r1i", "r1o"),
        ] {
            check(
                &[("x", &[1, 4]), (input, state)],
                &[("y", &[1, 4]), (output, state)],
                Some(&[(1, 1)]),
            );
        }
    }

    #[test]
    fn other_names_go_by_order_if_type_and_shape_agree() {
        check(
            &[("x", &[1, 4]), ("a", &[2])],
            &[("y", &[1, 4]), ("b", &[2])],
            Some(&[(1, 1)]),
        );
        check(
            &[("x", &[1, 4]), ("a", &[2])],
            &[("y", &[1, 4]), ("b", &[3])],
            Some(&[]),
        );
        check(&[("x", &[1, 4]), ("a", &[2])], &[("y", &[1, 4])], Some(&[]));
        // A number in between does not shift the order.
        check(
            &[("x", &[1, 4]), ("sr", &[]), ("a", &[2]), ("b", &[2])],
            &[("y", &[1, 4]), ("q", &[2]), ("r", &[2])],
            Some(&[(2, 1), (3, 2)]),
        );
    }

    #[test]
    fn one_output_is_left_as_the_answer() {
        check(&[("x", &[2]), ("h", &[2])], &[("h_out", &[2])], None);
    }
}
