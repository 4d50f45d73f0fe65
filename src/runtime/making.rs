// SPDX-License-Identifier: MPL-2.0

//! How the outputs of a graph come about, as far as its operators tell.

use std::collections::{BTreeMap, HashMap};

use super::onnx_proto as proto;

/// How the outputs of a graph come about, as far as its operators tell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Making {
    /// The operator that made the values of an output, by its name; those that only move values are looked through.
    pub makers: BTreeMap<String, String>,
    /// Whether some operator gives more or fewer values as the picture has it.
    pub counts: bool,
}

/// Operators that put values elsewhere, or between others, and do not change what kind of numbers they are.
const MOVERS: [&str; 14] = [
    "Identity",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Cast",
    "Slice",
    "Resize",
    "Upsample",
    "Dropout",
    "DequantizeLinear",
    "QuantizeLinear",
    "Expand",
];

/// Operators whose number of results depends on values.
const COUNTERS: [&str; 4] = ["NonMaxSuppression", "NonZero", "Unique", "Compress"];

/// Operators that are looked through for all outputs together, besides those that the graph has.
const MOST_STEPS: usize = 1 << 20;

/// Reads how the outputs of a graph come about.
pub(super) fn making(graph: &proto::Graph) -> Making {
    let made = graph.nodes.iter().flat_map(|node| {
        let outputs = node.outputs.iter().filter(|it| !it.is_empty());
        outputs.map(move |output| (output.as_str(), node))
    });
    let made: HashMap<&str, &proto::Node> = made.collect();
    // A graph has no circles; a file may, and as many outputs as it likes behind one chain.
    let mut steps = graph.nodes.len() + MOST_STEPS;
    let maker = |output: &proto::ValueInfo| {
        let mut node = made.get(output.name.as_str())?;
        while 0 < steps {
            steps -= 1;
            if !MOVERS.contains(&node.operator.as_str()) {
                return Some((output.name.clone(), node.operator.clone()));
            }
            node = made.get(node.inputs.first()?.as_str())?;
        }
        None
    };
    Making {
        makers: graph.outputs.iter().filter_map(maker).collect(),
        counts: graph
            .nodes
            .iter()
            .any(|it| COUNTERS.contains(&it.operator.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_made_by_the_last_operator_that_changes_values() {
        let node = |operator: &str, from: &str, to: &str| proto::Node {
            inputs: vec![from.into()],
            outputs: vec![to.into()],
            operator: operator.into(),
            ..Default::default()
        };
        let output = |name: &str| proto::ValueInfo {
            name: name.into(),
            value_type: None,
        };
        let mut graph = proto::Graph {
            nodes: vec![
                node("Sigmoid", "a", "b"),
                node("Resize", "b", "c"),
                node("Identity", "d", "d"),
            ],
            outputs: vec![output("c"), output("d"), output("x")],
            ..Default::default()
        };
        let found = making(&graph);
        assert_eq!(
            found.makers,
            BTreeMap::from([("c".to_owned(), "Sigmoid".to_owned())])
        );
        assert!(!found.counts);
        graph.nodes.push(node("NonZero", "a", "e"));
        assert!(making(&graph).counts);
    }
}
