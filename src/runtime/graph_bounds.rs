// SPDX-License-Identifier: MPL-2.0

//! How large a graph is, as far as it can be told without running it.

use std::collections::{HashMap, HashSet};

use super::onnx_proto as proto;

/// Values that operators on constants may make without a look: a library makes them when it loads the model.
const SMALL: u64 = 1 << 20;

/// How large a graph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Bytes of the largest constant, as its shape says it.
    pub largest_constant: u64,
    /// Operators one after another on the longest way.
    pub depth: usize,
    /// Whether values that no input changes may be larger than the constants that they are made of.
    pub grows_constants: bool,
}

impl Bounds {
    pub(super) fn and(self, other: Bounds) -> Bounds {
        Bounds {
            largest_constant: self.largest_constant.max(other.largest_constant),
            depth: self.depth.max(other.depth),
            grows_constants: self.grows_constants || other.grows_constants,
        }
    }
}

/// Operators whose result is not larger than their first input, whatever the others hold.
const KEEPERS: [&str; 44] = [
    "Identity",
    "Cast",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "Flatten",
    "Transpose",
    "Slice",
    "Shape",
    "Size",
    "Neg",
    "Abs",
    "Sqrt",
    "Exp",
    "Log",
    "Floor",
    "Ceil",
    "Round",
    "Not",
    "Sigmoid",
    "Tanh",
    "Relu",
    "Softmax",
    "Erf",
    "Clip",
    "Reciprocal",
    "Sin",
    "Cos",
    "Sign",
    "IsNaN",
    "IsInf",
    "ReduceSum",
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ArgMax",
    "ArgMin",
    "Split",
    "DequantizeLinear",
    "QuantizeLinear",
    "ScatterND",
    "ScatterElements",
    "CumSum",
];

/// Operators whose result is at most as large as the product of their inputs.
const PRODUCTS: [&str; 24] = [
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Mod",
    "Pow",
    "Min",
    "Max",
    "Mean",
    "Sum",
    "And",
    "Or",
    "Xor",
    "Equal",
    "Less",
    "LessOrEqual",
    "Greater",
    "GreaterOrEqual",
    "Where",
    "MatMul",
    "Gemm",
    "Gather",
    "GatherElements",
    "GatherND",
];

/// Measures a graph and all within it.
pub(super) fn bounds(graph: &proto::Graph) -> Bounds {
    let dense = graph.initializers.iter().map(tensor_bytes);
    let sparse = graph.sparse_initializers.iter().map(sparse_bytes);
    let own = Bounds {
        largest_constant: dense.chain(sparse).max().unwrap_or(0),
        depth: depth(graph),
        grows_constants: grows_constants(graph),
    };
    graph.nodes.iter().map(of_node).fold(own, Bounds::and)
}

/// Measures what stands in the attributes of an operator.
pub(super) fn of_node(node: &proto::Node) -> Bounds {
    let of_attribute = |it: &proto::Attribute| {
        let dense = it
            .tensor
            .as_deref()
            .into_iter()
            .chain(&it.tensors)
            .map(tensor_bytes);
        let sparse = it.sparse_tensor.as_deref().into_iter().chain(&it.sparse_tensors);
        let own = Bounds {
            largest_constant: dense.chain(sparse.map(sparse_bytes)).max().unwrap_or(0),
            ..Bounds::default()
        };
        let graphs = it.graph.as_deref().into_iter().chain(&it.graphs);
        graphs.map(bounds).fold(own, Bounds::and)
    };
    node.attributes
        .iter()
        .map(of_attribute)
        .fold(Bounds::default(), Bounds::and)
}

/// Number of values of a shape; sizes below zero are no sizes and count as all there is.
fn count(dims: &[i64]) -> u64 {
    let size = |dim: &i64| u64::try_from(*dim).unwrap_or(u64::MAX);
    dims.iter().map(size).fold(1, u64::saturating_mul)
}

fn tensor_bytes(tensor: &proto::Tensor) -> u64 {
    count(&tensor.dims).saturating_mul(type_bytes(tensor.data_type))
}

fn sparse_bytes(sparse: &proto::SparseTensor) -> u64 {
    let data_type = sparse.values.as_ref().map_or(1, |it| it.data_type);
    let parts = sparse.values.iter().chain(&sparse.indices).map(tensor_bytes);
    parts
        .max()
        .unwrap_or(0)
        .max(count(&sparse.dims).saturating_mul(type_bytes(data_type)))
}

/// Bytes of a value of `TensorProto.DataType`; texts count as their lengths' place.
fn type_bytes(number: i32) -> u64 {
    match number {
        2 | 3 | 9 | 17..=25 => 1,
        4 | 5 | 10 | 16 => 2,
        7 | 8 | 11 | 13 | 14 => 8,
        15 => 16,
        _ => 4,
    }
}

/// Operators on the longest way through a graph; those in a circle do not count.
fn depth(graph: &proto::Graph) -> usize {
    let makers: HashMap<&str, usize> = (graph.nodes.iter().enumerate())
        .flat_map(|(index, node)| node.outputs.iter().map(move |it| (it.as_str(), index)))
        .filter(|(name, _)| !name.is_empty())
        .collect();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); graph.nodes.len()];
    let mut open = vec![0usize; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        for &maker in node.inputs.iter().filter_map(|it| makers.get(it.as_str())) {
            users[maker].push(index);
            open[index] += 1;
        }
    }
    let mut depths = vec![1usize; graph.nodes.len()];
    let mut ready: Vec<usize> = (0..open.len()).filter(|&it| open[it] == 0).collect();
    let mut deepest = 0;
    while let Some(node) = ready.pop() {
        deepest = deepest.max(depths[node]);
        for &user in &users[node] {
            depths[user] = depths[user].max(depths[node] + 1);
            open[user] -= 1;
            if open[user] == 0 {
                ready.push(user);
            }
        }
    }
    deepest
}

/// Whether values that follow from constants alone may be larger than a library should make when it loads the model.
fn grows_constants(graph: &proto::Graph) -> bool {
    let constants = graph
        .initializers
        .iter()
        .map(|it| (it.name.as_str(), count(&it.dims)));
    let mut known: HashMap<&str, u64> = constants.collect();
    let inputs: HashSet<&str> = graph.inputs.iter().map(|it| it.name.as_str()).collect();
    for node in &graph.nodes {
        let sizes = node.inputs.iter().filter(|it| !it.is_empty());
        let sizes: Option<Vec<u64>> = sizes.map(|it| known.get(it.as_str()).copied()).collect();
        // Without inputs, and not only constants: it makes values by itself, as random ones.
        let Some(sizes) = sizes else { continue };
        let Some(size) = made(node, &sizes) else {
            return true;
        };
        let limit = SMALL.max(sizes.iter().copied().max().unwrap_or(0));
        if limit < size {
            return true;
        }
        let outputs = node.outputs.iter().filter(|it| !inputs.contains(it.as_str()));
        known.extend(outputs.map(|it| (it.as_str(), size)));
    }
    false
}

/// The most values that an operator makes of constants with so many values; `None` where their values decide.
fn made(node: &proto::Node, sizes: &[u64]) -> Option<u64> {
    let product = || sizes.iter().copied().fold(1, u64::saturating_mul);
    match node.operator.as_str() {
        "Constant" => {
            let tensor = node.attributes.iter().find_map(|it| it.tensor.as_deref());
            let is_scalar = |it: &proto::Attribute| matches!(it.name.as_str(), "value_int" | "value_float");
            match tensor {
                Some(tensor) => Some(count(&tensor.dims)),
                None if node.attributes.iter().any(is_scalar) => Some(1),
                // A list, which stands in the file as it is.
                None => Some(SMALL),
            }
        }
        "Concat" => Some(sizes.iter().copied().fold(0, u64::saturating_add)),
        // A shape has at most as many sizes as ONNX tensors have dimensions.
        "Shape" => Some(64),
        operator if KEEPERS.contains(&operator) => Some(sizes.first().copied().unwrap_or(1)),
        operator if PRODUCTS.contains(&operator) => Some(product()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(operator: &str, from: &[&str], to: &str) -> proto::Node {
        proto::Node {
            inputs: from.iter().map(|it| (*it).into()).collect(),
            outputs: vec![to.into()],
            operator: operator.into(),
            ..Default::default()
        }
    }

    fn graph(nodes: Vec<proto::Node>, constants: &[(&str, &[i64])]) -> proto::Graph {
        let tensor = |(name, dims): &(&str, &[i64])| proto::Tensor {
            name: (*name).into(),
            dims: dims.to_vec(),
            data_type: 1,
            ..Default::default()
        };
        proto::Graph {
            nodes,
            initializers: constants.iter().map(tensor).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn constants_that_grow_are_seen_and_others_are_not() {
        let grows = |nodes, constants: &[(&str, &[i64])]| bounds(&graph(nodes, constants)).grows_constants;
        assert!(grows(vec![node("ConstantOfShape", &["n"], "y")], &[("n", &[4])]));
        assert!(grows(
            vec![node("Add", &["a", "b"], "y")],
            &[("a", &[1, 65536]), ("b", &[65536, 1])]
        ));
        assert!(grows(vec![node("RandomNormal", &[], "y")], &[]));
        assert!(!grows(vec![node("Add", &["a", "x"], "y")], &[("a", &[1, 65536])]));
        assert!(!grows(
            vec![node("Gather", &["a", "b"], "y")],
            &[("a", &[4]), ("b", &[])]
        ));
        let doubled = (0..40).map(|it| {
            let (from, to) = (format!("c{it}"), format!("c{}", it + 1));
            node("Concat", &[&from, &from], &to)
        });
        assert!(grows(doubled.collect(), &[("c0", &[1])]));
    }

    #[test]
    fn a_long_chain_is_measured_without_recursion_and_a_circle_ends() {
        let link = |it: usize| node("Relu", &[&format!("c{it}")], &format!("c{}", it + 1));
        assert_eq!(
            bounds(&graph((0..200_000).map(link).collect(), &[])).depth,
            200_000
        );
        let circle = vec![
            node("Relu", &["a"], "b"),
            node("Relu", &["b"], "a"),
            node("Relu", &["x"], "y"),
        ];
        assert_eq!(bounds(&graph(circle, &[])).depth, 1);
    }

    #[test]
    fn the_largest_constant_is_told_by_its_shape() {
        let absurd = graph(Vec::new(), &[("a", &[1 << 31, 1 << 31, 4]), ("b", &[2])]);
        assert_eq!(bounds(&absurd).largest_constant, u64::MAX);
        assert_eq!(bounds(&graph(Vec::new(), &[("b", &[3, 2])])).largest_constant, 24);
        assert_eq!(
            bounds(&graph(Vec::new(), &[("b", &[-1])])).largest_constant,
            u64::MAX
        );
    }
}
