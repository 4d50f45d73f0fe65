// SPDX-License-Identifier: MPL-2.0

//! The same model in lower precision: eight-bit numbers around its products and convolutions, or weights of half precision.

use std::collections::BTreeMap;

use super::file::OnnxFile;
use super::layer::is_linear;
use super::node::Node;
use super::tensor::{Constant, FLOAT16, INT8, INT32, Numbers, UINT8};
use super::wire::Broken;

/// Opset from which on weights have a scale for each channel.
pub const FIRST_OPSET: i64 = 13;

/// The tensors whose range must be known for [`eight_bits`]: what goes into each product and convolution and what comes out
/// of it, behind a `Relu` where one follows.
pub fn ranged(file: &OnnxFile, nodes: &[Node]) -> Vec<String> {
    let linear = nodes.iter().filter(|it| is_linear(it, file, nodes));
    let mut names: Vec<String> = linear
        .flat_map(|it| {
            let output = it.outputs.first().cloned().unwrap_or_default();
            let end = relu_behind(&output, file, nodes).map_or(output, |it| nodes[it].outputs[0].clone());
            [it.input(0).unwrap_or_default().to_owned(), end]
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The only user of a tensor, if that is a `Relu`.
fn relu_behind(name: &str, file: &OnnxFile, nodes: &[Node]) -> Option<usize> {
    let mut users = nodes
        .iter()
        .enumerate()
        .filter(|it| it.1.inputs.iter().any(|it| it == name));
    let (index, user) = users.next()?;
    let is_alone = users.next().is_none() && file.outputs().iter().all(|it| it != name);
    (is_alone && user.is("Relu")).then_some(index)
}

/// How numbers of a range are written in eight bits without a sign.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    pub least: f32,
    pub most: f32,
}

impl Range {
    /// The step, and the number that stands for zero, which is always one of them.
    fn steps(self) -> (f32, i64) {
        let (least, most) = (self.least.min(0.0), self.most.max(0.0));
        let step = ((most - least) / 255.0).max(f32::MIN_POSITIVE * 1e6);
        (step, (-least / step).round() as i64)
    }
}

/// The model with pairs of `QuantizeLinear` and `DequantizeLinear` around its products and convolutions: activations by
/// the ranges that were seen, weights by channel.
///
/// # Errors
///
/// A sentence that says why it cannot be done.
pub fn eight_bits(file: &OnnxFile, ranges: &BTreeMap<String, Range>) -> Result<OnnxFile, String> {
    if file.opset() < FIRST_OPSET {
        return Err(format!(
            "the model is of opset {}, and eight bits by channel need {FIRST_OPSET}",
            file.opset()
        ));
    }
    let broken = |err: Broken| err.to_string();
    let old = file.nodes().map_err(broken)?;
    let mut made = Pairs {
        file: file.clone(),
        nodes: Vec::new(),
        inside: BTreeMap::new(),
        count: 0,
    };
    let mut dropped = Vec::new();
    for (index, node) in old.iter().enumerate() {
        if dropped.contains(&index) {
            continue;
        }
        if !is_linear(node, file, &old) {
            made.nodes.push(node.clone());
            continue;
        }
        let Some(node) = made.linear(node, &old, ranges) else {
            made.nodes.push(node.clone());
            continue;
        };
        let output = node.outputs.first().cloned().unwrap_or_default();
        let relu = relu_behind(&output, file, &old);
        let end = relu.map_or_else(|| output.clone(), |it| old[it].outputs[0].clone());
        dropped.extend(relu);
        made.nodes.push(node);
        made.output(&output, &end, ranges);
    }
    if made.count == 0 {
        return Err("it has no product or convolution of constant float32 weights".to_owned());
    }
    made.file.set_nodes(&made.nodes).map_err(broken)?;
    made.file.drop_unused().map_err(broken)?;
    Ok(made.file)
}

struct Pairs {
    file: OnnxFile,
    nodes: Vec<Node>,
    /// For a tensor, what stands for it once it went through eight bits.
    inside: BTreeMap<String, String>,
    count: usize,
}

impl Pairs {
    /// A product or convolution on eight-bit numbers; `None` where its weights or ranges are not known.
    fn linear(&mut self, node: &Node, old: &[Node], ranges: &BTreeMap<String, Range>) -> Option<Node> {
        let (input, weight) = (node.input(0)?.to_owned(), node.input(1)?.to_owned());
        let range = *ranges.get(&input)?;
        let constant = self.file.constant(&weight, old)?;
        let values = constant.as_floats()?.to_vec();
        let axis = match node.operator.as_str() {
            "Conv" => 0,
            "Gemm" if node.int("transB").is_some_and(|it| it != 0) => 0,
            _ => constant.dims.len().checked_sub(1)?,
        };
        let channels = *constant.dims.get(axis)?;
        let repeat: usize = constant.dims.iter().skip(axis + 1).product();
        let channel = |index: usize| index / repeat.max(1) % channels.max(1);
        let mut most = vec![0.0_f32; channels];
        values
            .iter()
            .enumerate()
            .for_each(|(index, it)| most[channel(index)] = most[channel(index)].max(it.abs()));
        let scales: Vec<f32> = most
            .iter()
            .map(|it| (it / 127.0).max(f32::MIN_POSITIVE * 1e6))
            .collect();
        let quantized = values.iter().enumerate();
        let quantized =
            quantized.map(|(index, it)| (it / scales[channel(index)]).round().clamp(-127.0, 127.0) as i64);
        let numbers = Numbers::Int(quantized.collect());
        let constant = Constant {
            dims: constant.dims.clone(),
            data_type: INT8,
            numbers,
        };
        let zeros = Constant {
            dims: vec![channels],
            data_type: INT8,
            numbers: Numbers::Int(vec![0; channels]),
        };
        let name = self.constant(&weight, constant, (&scales, zeros), axis);
        let (step, _) = range.steps();
        let mut made = node.clone();
        made.inputs[0] = self.through(&input, range);
        made.inputs[1] = name;
        if let Some(bias) = node.input(2).map(str::to_owned)
            && let Some(constant) = self.file.constant(&bias, old)
            && let Some(values) = constant.as_floats().filter(|it| it.len() == channels)
        {
            let steps: Vec<f32> = scales.iter().map(|it| it * step).collect();
            let numbers = values.iter().zip(&steps).map(|(it, step)| {
                f64::from(it / step)
                    .round()
                    .clamp(f64::from(i32::MIN), f64::from(i32::MAX)) as i64
            });
            let constant = Constant {
                dims: vec![channels],
                data_type: INT32,
                numbers: Numbers::Int(numbers.collect()),
            };
            let zeros = Constant {
                dims: vec![channels],
                data_type: INT32,
                numbers: Numbers::Int(vec![0; channels]),
            };
            made.inputs[2] = self.constant(&bias, constant, (&steps, zeros), 0);
        }
        self.count += 1;
        Some(made)
    }

    /// Adds a constant in eight or 32 bits and the node that makes numbers of it.
    fn constant(
        &mut self,
        name: &str,
        constant: Constant,
        (scales, zeros): (&[f32], Constant),
        axis: usize,
    ) -> String {
        let [quantized, scale, zero, output] =
            ["quantized", "scale", "zero", "dequantized"].map(|it| self.name(name, it));
        self.file.add(&quantized, &constant);
        self.file
            .add(&scale, &Constant::floats(&[scales.len()], scales.to_vec()));
        self.file.add(&zero, &zeros);
        let node = Node::new("DequantizeLinear", &[&quantized, &scale, &zero], &output);
        self.nodes.push(node.with_int("axis", axis as i64));
        output
    }

    /// What stands for a tensor once it went through eight bits.
    fn through(&mut self, name: &str, range: Range) -> String {
        if let Some(known) = self.inside.get(name) {
            return known.clone();
        }
        let [quantized, output] = ["eight_bits", "restored"].map(|it| self.name(name, it));
        self.pair(name, &quantized, &output, range);
        self.inside.insert(name.to_owned(), output.clone());
        output
    }

    /// Lets what comes out of a product go through eight bits, which also does what a `Relu` behind it did; `end` is the name
    /// that others know it by.
    fn output(&mut self, output: &str, end: &str, ranges: &BTreeMap<String, Range>) {
        let Some(range) = ranges.get(end).copied() else {
            if output != end {
                self.nodes.push(Node::new("Relu", &[output], end));
            }
            return;
        };
        let inner = self.name(end, "product");
        if let Some(last) = self.nodes.last_mut() {
            last.outputs[0].clone_from(&inner);
        }
        let range = match output == end {
            true => range,
            // What is below zero ends at zero, as with the Relu that goes.
            false => Range { least: 0.0, ..range },
        };
        let quantized = self.name(end, "eight_bits");
        self.pair(&inner, &quantized, end, range);
        self.inside.insert(end.to_owned(), end.to_owned());
    }

    fn pair(&mut self, from: &str, quantized: &str, to: &str, range: Range) {
        let (step, zero) = range.steps();
        let [scale, point] = ["scale", "zero"].map(|it| self.name(quantized, it));
        self.file.add(&scale, &Constant::floats(&[], vec![step]));
        let zero = Constant {
            dims: Vec::new(),
            data_type: UINT8,
            numbers: Numbers::Int(vec![zero]),
        };
        self.file.add(&point, &zero);
        self.nodes
            .push(Node::new("QuantizeLinear", &[from, &scale, &point], quantized));
        self.nodes
            .push(Node::new("DequantizeLinear", &[quantized, &scale, &point], to));
    }

    fn name(&self, of: &str, what: &str) -> String {
        self.file.free_name(&format!("{of}/{what}"), &self.nodes)
    }
}

/// The model with its larger weights in half precision, and a `Cast` before each use: half of the file.
pub fn half_weights(file: &OnnxFile) -> Result<OnnxFile, String> {
    let broken = |err: Broken| err.to_string();
    let mut made = file.clone();
    let mut nodes = file.nodes().map_err(broken)?;
    let (mut casts, mut renamed) = (Vec::new(), BTreeMap::<String, String>::new());
    let linear: Vec<String> = nodes
        .iter()
        .filter(|it| is_linear(it, file, &nodes))
        .filter_map(|it| it.input(1).map(str::to_owned))
        .collect();
    for name in linear {
        if renamed.contains_key(&name) {
            continue;
        }
        let Some(constant) = file.constant(&name, &nodes).filter(|it| it.as_floats().is_some()) else {
            continue;
        };
        let [stored, used] = ["half", "float"].map(|it| made.free_name(&format!("{name}/{it}"), &nodes));
        made.add(
            &stored,
            &Constant {
                data_type: FLOAT16,
                ..constant
            },
        );
        casts.push(Node::new("Cast", &[&stored], &used).with_int("to", super::tensor::FLOAT));
        renamed.insert(name, used);
    }
    if casts.is_empty() {
        return Err("it has no product or convolution of constant float32 weights".to_owned());
    }
    for input in nodes.iter_mut().flat_map(|it| &mut it.inputs) {
        if let Some(used) = renamed.get(input) {
            input.clone_from(used);
        }
    }
    nodes.splice(0..0, casts);
    made.set_nodes(&nodes).map_err(broken)?;
    made.drop_unused().map_err(broken)?;
    Ok(made)
}
