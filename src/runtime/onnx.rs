// SPDX-License-Identifier: MPL-2.0

//! Reads what an ONNX file says about itself, before an inference library may see it.
//!
//! The cost is one pass over the file: the decoder skips weights without copying them.

use std::collections::{BTreeMap, HashSet};

use prost::Message;

use super::failure::shortened;
use super::graph_bounds::{self, Bounds};
use super::making::{Making, making};
use super::onnx_proto as proto;
use crate::tensor::{Dim, ElementType};

/// Type number of `TensorProto.DataType` that is not supported, with its name in `onnx.proto3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherType(pub i32);

impl OtherType {
    pub const BOOL: OtherType = OtherType(9);
    pub const FLOAT64: OtherType = OtherType(11);

    /// Returns the name that ONNX gives to the type.
    pub fn name(self) -> &'static str {
        match self.0 {
            3 => "int8",
            4 => "uint16",
            5 => "int16",
            8 => "string",
            9 => "bool",
            11 => "float64",
            12 => "uint32",
            13 => "uint64",
            16 => "bfloat16",
            _ => "another type",
        }
    }
}

/// An input or output of the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    pub name: String,
    /// `Err` holds a type that tensors of this project cannot have.
    pub element_type: Result<ElementType, OtherType>,
    /// `None` when the file does not say, or when the port is no tensor.
    pub dims: Option<Vec<Dim>>,
}

/// Weights that live in another file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExternalData {
    /// Path as the file gives it: relative to the model's folder, says ONNX.
    pub location: String,
    /// Bytes that the file must have at least.
    pub end: u64,
}

/// What an ONNX file says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Inputs that must be fed: those which no initializer fills.
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
    pub external_data: Vec<ExternalData>,
    pub metadata: BTreeMap<String, String>,
    /// What wrote the file, with its version; empty where it does not say.
    pub producer: String,
    /// Version of the default operator set.
    pub opset: i64,
    /// How the outputs come about.
    pub making: Making,
    /// How large it is, with all that is within it.
    pub bounds: Bounds,
}

/// Inputs and outputs that a graph may have: language models with hundreds of states have fewer.
const MOST_PORTS: usize = 4096;

/// Bytes that the name of an input or output may have, since names stand in messages.
const LONGEST_NAME: usize = 1024;

/// Why bytes are not a usable ONNX model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParseError {
    NotOnnx(String),
    Truncated(String),
    /// It is one, and no model for frames or sound is like that.
    Absurd {
        cause: String,
        remedy: &'static str,
    },
}

/// Reads the description of the graph.
///
/// Memory is bounded by the size of the file: lists grow with what was read, weights are skipped, and
/// nesting beyond 100 messages is refused by the decoder.
pub fn parse(bytes: &[u8]) -> Result<Graph, ParseError> {
    let broken = |cause: String| match begins_like_onnx(bytes) {
        true => ParseError::Truncated(cause),
        false => ParseError::NotOnnx(cause),
    };
    let model = proto::Model::decode(bytes).map_err(|error| match error.to_string() {
        text if text.contains("recursion limit") => ParseError::Absurd {
            cause: "it has graphs within graphs, deeper than 100 levels".into(),
            remedy: "export the model with fewer branches within branches",
        },
        text => broken(shortened(&text)),
    })?;
    let producer = model.written_by();
    let graph = model.graph.ok_or_else(|| broken("it has no graph".into()))?;
    if graph.outputs.is_empty() {
        return Err(ParseError::NotOnnx("its graph has no output".into()));
    }
    check_ports(&graph)?;
    if graph
        .nodes
        .iter()
        .chain(model.functions.iter().flat_map(|it| &it.nodes))
        .any(is_compiled)
    {
        return Err(ParseError::Absurd {
            cause: "it has an operator EPContext, which a vendor's compiler made and nobody can check".into(),
            remedy: "use the model that it was compiled from",
        });
    }
    let is_default = |set: &&proto::OperatorSet| set.domain.is_empty() || set.domain == "ai.onnx";
    let mut external_data = Vec::new();
    collect_external(&graph, &mut external_data);
    let nodes = model.functions.iter().flat_map(|it| &it.nodes);
    nodes.for_each(|node| collect_external_of_node(node, &mut external_data));
    external_data.sort();
    external_data.dedup();
    let of_functions = model.functions.iter().flat_map(|it| &it.nodes);
    let of_functions = of_functions.map(graph_bounds::of_node);
    let bounds = of_functions.fold(graph_bounds::bounds(&graph), Bounds::and);
    Ok(Graph {
        inputs: open_inputs(&graph),
        outputs: graph.outputs.iter().map(port).collect(),
        external_data,
        making: making(&graph),
        bounds,
        producer,
        metadata: model
            .metadata_props
            .into_iter()
            .map(|entry| (entry.key, entry.value))
            .collect(),
        opset: model
            .opset_import
            .iter()
            .find(is_default)
            .map_or(1, |set| set.version),
    })
}

/// Refuses what nobody would tell apart, and what would fill each message.
fn check_ports(graph: &proto::Graph) -> Result<(), ParseError> {
    let ports = || graph.inputs.iter().chain(&graph.outputs);
    let count = ports().count();
    if MOST_PORTS + graph.initializers.len() < count {
        let cause = format!("its graph has {count} inputs and outputs, more than {MOST_PORTS}");
        let remedy = "export the model with fewer of them";
        return Err(ParseError::Absurd { cause, remedy });
    }
    match ports().map(|it| it.name.len()).max() {
        Some(longest) if LONGEST_NAME < longest => {
            let cause =
                format!("the name of an input or output has {longest} bytes, more than {LONGEST_NAME}");
            let remedy = "export the model with shorter names";
            Err(ParseError::Absurd { cause, remedy })
        }
        _ => Ok(()),
    }
}

/// Whether an operator, or one within it, is what an execution provider compiled: code, or a path to it.
fn is_compiled(node: &proto::Node) -> bool {
    let attributes = node.attributes.iter();
    let mut graphs = attributes.flat_map(|it| it.graph.as_deref().into_iter().chain(&it.graphs));
    node.operator == "EPContext" || graphs.any(|it| it.nodes.iter().any(is_compiled))
}

/// Whether the first field is `ModelProto.ir_version` with a version that exists, or the producer's name.
///
/// Every known writer puts `ir_version` (field 1, varint) first.
fn begins_like_onnx(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=32, ..])
}

fn open_inputs(graph: &proto::Graph) -> Vec<Port> {
    let sparse = graph
        .sparse_initializers
        .iter()
        .filter_map(|it| it.values.as_ref());
    let filled: HashSet<&str> = (graph.initializers.iter().chain(sparse))
        .map(|it| it.name.as_str())
        .collect();
    let open = graph
        .inputs
        .iter()
        .filter(|it| !filled.contains(it.name.as_str()));
    open.map(port).collect()
}

fn port(value: &proto::ValueInfo) -> Port {
    let tensor = value.value_type.as_ref().and_then(|it| it.tensor_type.as_ref());
    let dims = tensor
        .and_then(|tensor| tensor.shape.as_ref())
        .map(|shape| shape.dims.iter().map(dim).collect());
    let element_type = tensor.map_or(0, |tensor| tensor.elem_type);
    Port {
        name: value.name.clone(),
        element_type: supported_type(element_type),
        dims,
    }
}

fn dim(dim: &proto::Dimension) -> Dim {
    // A size of zero or less stands for "any" in files of some exporters.
    match (dim.value, &dim.param) {
        (Some(value), _) if 0 < value => {
            usize::try_from(value).map_or(Dim::Dynamic(String::new()), Dim::Fixed)
        }
        (_, Some(param)) => Dim::Dynamic(param.clone()),
        _ => Dim::Dynamic(String::new()),
    }
}

fn supported_type(number: i32) -> Result<ElementType, OtherType> {
    match number {
        1 => Ok(ElementType::F32),
        2 => Ok(ElementType::U8),
        6 => Ok(ElementType::I32),
        7 => Ok(ElementType::I64),
        10 => Ok(ElementType::F16),
        other => Err(OtherType(other)),
    }
}

fn collect_external(graph: &proto::Graph, found: &mut Vec<ExternalData>) {
    let sparse = graph.sparse_initializers.iter().flat_map(sparse_tensors);
    found.extend(graph.initializers.iter().chain(sparse).filter_map(external_data));
    for node in &graph.nodes {
        collect_external_of_node(node, found);
    }
}

fn sparse_tensors(sparse: &proto::SparseTensor) -> impl Iterator<Item = &proto::Tensor> {
    sparse.values.iter().chain(&sparse.indices)
}

fn collect_external_of_node(node: &proto::Node, found: &mut Vec<ExternalData>) {
    for attribute in &node.attributes {
        let dense = attribute.tensor.as_deref().into_iter().chain(&attribute.tensors);
        let sparse = attribute.sparse_tensor.as_deref().into_iter();
        let sparse = sparse.chain(&attribute.sparse_tensors).flat_map(sparse_tensors);
        found.extend(dense.chain(sparse).filter_map(external_data));
        let graphs = attribute.graph.as_deref().into_iter().chain(&attribute.graphs);
        graphs.for_each(|graph| collect_external(graph, found));
    }
}

fn external_data(tensor: &proto::Tensor) -> Option<ExternalData> {
    // A location counts even where `data_location` says that it is not used: a reader may differ.
    let value = |key: &str| {
        tensor
            .external_data
            .iter()
            .find(|entry| entry.key == key)
            .map(|it| it.value.as_str())
    };
    let location = match value("location") {
        Some(location) => location.to_owned(),
        None if tensor.data_location == proto::EXTERNAL => String::new(),
        None => return None,
    };
    let number = |key: &str| value(key).and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
    Some(ExternalData {
        location,
        end: number("offset").saturating_add(number("length")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> proto::Model {
        let external = proto::Tensor {
            name: "w".into(),
            external_data: [("location", "w.bin"), ("offset", "16"), ("length", "48")]
                .map(|(key, value)| proto::Entry {
                    key: key.into(),
                    value: value.into(),
                })
                .to_vec(),
            data_location: proto::EXTERNAL,
            ..Default::default()
        };
        let constant = proto::Attribute {
            tensor: Some(Box::new(external)),
            ..Default::default()
        };
        let inner = proto::Graph {
            nodes: vec![proto::Node {
                attributes: vec![constant],
                ..Default::default()
            }],
            ..Default::default()
        };
        let branch = proto::Attribute {
            graph: Some(Box::new(inner)),
            ..Default::default()
        };
        let shape = proto::Shape {
            dims: vec![
                proto::Dimension {
                    value: Some(1),
                    param: None,
                },
                proto::Dimension {
                    value: None,
                    param: Some("height".into()),
                },
            ],
        };
        let value = |name: &str| proto::ValueInfo {
            name: name.into(),
            value_type: Some(proto::Type {
                tensor_type: Some(proto::TensorType {
                    elem_type: 10,
                    shape: Some(shape.clone()),
                }),
            }),
        };
        proto::Model {
            producer: b"py\xfftorch\n".to_vec(),
            producer_version: b"2.1".to_vec(),
            graph: Some(proto::Graph {
                nodes: vec![proto::Node {
                    attributes: vec![branch],
                    ..Default::default()
                }],
                initializers: vec![proto::Tensor {
                    name: "bias".into(),
                    ..Default::default()
                }],
                inputs: vec![value("x"), value("bias")],
                outputs: vec![value("y")],
                ..Default::default()
            }),
            opset_import: vec![proto::OperatorSet {
                domain: String::new(),
                version: 17,
            }],
            metadata_props: vec![proto::Entry {
                key: "author".into(),
                value: "someone".into(),
            }],
            ..Default::default()
        }
    }

    #[test]
    fn inputs_that_an_initializer_fills_are_not_asked_for() {
        let graph = parse(&sample().encode_to_vec()).unwrap();
        assert_eq!(
            graph.inputs.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
            ["x"]
        );
        assert_eq!(graph.inputs[0].element_type, Ok(ElementType::F16));
        assert_eq!(
            graph.inputs[0].dims,
            Some(vec![Dim::Fixed(1), Dim::Dynamic("height".into())])
        );
        assert_eq!((graph.opset, graph.metadata["author"].as_str()), (17, "someone"));
        assert_eq!(graph.producer, "py\u{fffd}torch 2.1");
    }

    #[test]
    fn external_data_inside_a_constant_of_a_branch_is_found() {
        let graph = parse(&sample().encode_to_vec()).unwrap();
        assert_eq!(
            graph.external_data,
            [ExternalData {
                location: "w.bin".into(),
                end: 64
            }]
        );
    }

    #[test]
    fn what_a_vendor_compiled_is_refused_also_within_a_branch() {
        let mut model = sample();
        let branch = model.graph.as_mut().unwrap().nodes[0].attributes[0]
            .graph
            .as_mut();
        branch.unwrap().nodes[0].operator = "EPContext".into();
        let Err(ParseError::Absurd { cause, .. }) = parse(&model.encode_to_vec()) else {
            panic!("it was taken")
        };
        assert!(cause.contains("EPContext"), "{cause}");
    }

    #[test]
    fn text_is_not_onnx_and_half_a_file_is_truncated() {
        assert!(matches!(
            parse(b"just a text file\n"),
            Err(ParseError::NotOnnx(_))
        ));
        assert!(matches!(parse(b""), Err(ParseError::NotOnnx(_))));
        let mut whole = vec![0x08, 9];
        whole.extend(sample().encode_to_vec());
        assert!(parse(&whole).is_ok());
        assert!(matches!(
            parse(&whole[..whole.len() / 2]),
            Err(ParseError::Truncated(_))
        ));
        assert!(matches!(parse(&whole[..2]), Err(ParseError::Truncated(_))));
    }

    #[test]
    fn endless_nesting_is_refused() {
        let mut graph = proto::Graph::default();
        for _ in 0..200 {
            let attribute = proto::Attribute {
                graph: Some(Box::new(graph)),
                ..Default::default()
            };
            graph = proto::Graph {
                nodes: vec![proto::Node {
                    attributes: vec![attribute],
                    ..Default::default()
                }],
                ..Default::default()
            };
        }
        let bytes = proto::Model {
            graph: Some(graph),
            ..Default::default()
        }
        .encode_to_vec();
        assert!(parse(&bytes).is_err());
    }
}
