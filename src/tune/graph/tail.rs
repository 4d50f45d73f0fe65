// SPDX-License-Identifier: MPL-2.0

//! What follows the last layer and has no weights: found by going back from an output, and undone, so that what should come
//! out of the model says what should come out of the layer.

use std::collections::BTreeMap;

use super::file::OnnxFile;
use super::layer::{Layer, Obstacle, is_linear};
use super::node::Node;

/// One operation after the layer, in the form that it is undone by.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Depth to space by blocks of so many pixels; whether columns of depth come before rows (`CRD`).
    DepthToSpace {
        block: usize,
        is_column_first: bool,
    },
    Transpose(Vec<usize>),
    /// Other dimensions for the same numbers.
    Reshape,
    /// Values at the ends stay there.
    Clamp,
    /// Numbers that are added (or taken away: factor -1) of a constant or of a tensor of the graph.
    Add {
        other: Operand,
        sign: f32,
    },
    Scale(Vec<f32>),
    Sigmoid,
    Tanh,
    /// Over so many classes; only differences of what goes in are told by what comes out.
    Softmax,
}

/// What is added.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    Constant(Vec<f32>),
    /// A tensor of the graph, which is to come out besides.
    Tensor(String),
}

/// The last layer and what follows it on the way to an output, in order.
#[derive(Debug, Clone)]
pub struct Tail {
    pub layer: Layer,
    pub steps: Vec<Step>,
}

/// Operations behind a layer that may follow each other.
const LONGEST: usize = 64;

impl Tail {
    /// Goes back from an output to the last layer.
    ///
    /// # Errors
    ///
    /// The node that has no inverse, or that has weights of another kind.
    pub fn find(file: &OnnxFile, nodes: &[Node], output: &str) -> Result<Tail, Obstacle> {
        let makers = makers(nodes);
        let (mut at, mut steps) = (output.to_owned(), Vec::new());
        for _ in 0..LONGEST {
            let Some(&index) = makers.get(at.as_str()) else {
                return Err(Obstacle {
                    operator: "tensor".into(),
                    output: at,
                    cause: "is reached from the output without a layer that has weights; there is nothing to refit",
                });
            };
            let node = &nodes[index];
            if is_linear(node, file, nodes) {
                return Tail::found(file, nodes, (index, None), steps);
            }
            if let Some(product) = product_below(node, file, nodes, &makers) {
                return Tail::found(file, nodes, (product, Some(node)), steps);
            }
            let (step, next) = undone(node, file, nodes, &makers)?;
            steps.extend(step);
            at = next;
        }
        Err(Obstacle {
            operator: "tensor".into(),
            output: at,
            cause: "has more operations behind it than are followed",
        })
    }

    fn found(
        file: &OnnxFile,
        nodes: &[Node],
        (index, adding): (usize, Option<&Node>),
        mut steps: Vec<Step>,
    ) -> Result<Tail, Obstacle> {
        let layer = Layer::of(file, nodes, index, adding)?;
        if layer.shared_with(nodes, &[index]) != 0 {
            return Err(Obstacle::new(
                &nodes[index],
                "has weights that other nodes use too",
            ));
        }
        steps.reverse();
        Ok(Tail { layer, steps })
    }

    /// Tensors of the graph that are needed to undo the steps.
    pub fn tensors(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Add {
                other: Operand::Tensor(name),
                ..
            } => Some(name.as_str()),
            _ => None,
        })
    }

    /// What should come out of the layer, whose output has the shape `dims`, so that `target` comes out of the model.
    /// `tensor` gives the numbers of a tensor of the graph. `None` where shapes do not agree.
    pub fn undo<'a>(
        &self,
        dims: &[usize],
        target: &[f32],
        tensor: impl Fn(&str) -> Option<&'a [f32]>,
    ) -> Option<Vec<f32>> {
        // Shapes before each step, going forward.
        let (mut shapes, mut shape) = (Vec::new(), dims.to_vec());
        for step in &self.steps {
            shapes.push(shape.clone());
            shape = match step {
                Step::DepthToSpace { block, .. } => match shape[..] {
                    [1, depth, height, width] if depth % (block * block) == 0 => {
                        vec![1, depth / (block * block), height * block, width * block]
                    }
                    _ => return None,
                },
                Step::Transpose(order) => order
                    .iter()
                    .map(|it| shape.get(*it).copied())
                    .collect::<Option<_>>()?,
                // Nothing that follows asks for the shape, or it could not be undone.
                Step::Reshape => vec![shape.iter().product()],
                _ => shape,
            };
        }
        let mut values = target.to_vec();
        if values.len() != dims.iter().product::<usize>() {
            return None;
        }
        for (step, shape) in self.steps.iter().zip(&shapes).rev() {
            match step {
                Step::DepthToSpace {
                    block,
                    is_column_first,
                } => {
                    values = space_to_depth(&values, shape, *block, *is_column_first);
                }
                Step::Transpose(order) => values = transposed_back(&values, shape, order)?,
                Step::Reshape | Step::Clamp => {}
                Step::Add { other, sign } => {
                    let other = match other {
                        Operand::Constant(numbers) => numbers.as_slice(),
                        Operand::Tensor(name) => tensor(name)?,
                    };
                    let spread = spread(other.len(), shape)?;
                    let pairs = values.iter_mut().enumerate();
                    pairs.for_each(|(index, value)| *value -= sign * other[spread.at(index)]);
                }
                Step::Scale(factors) => {
                    let spread = spread(factors.len(), shape)?;
                    let pairs = values.iter_mut().enumerate();
                    pairs.for_each(|(index, value)| *value /= factors[spread.at(index)]);
                }
                Step::Sigmoid => values.iter_mut().for_each(|it| {
                    let share = it.clamp(0.01, 0.99);
                    *it = (share / (1.0 - share)).ln();
                }),
                Step::Tanh => values
                    .iter_mut()
                    .for_each(|it| *it = it.clamp(-0.99, 0.99).atanh()),
                Step::Softmax => values.iter_mut().for_each(|it| *it = it.max(1e-4).ln()),
            }
        }
        Some(values)
    }
}

/// Which node makes a tensor.
pub fn makers(nodes: &[Node]) -> BTreeMap<&str, usize> {
    let all = nodes.iter().enumerate();
    all.flat_map(|(index, it)| it.outputs.iter().map(move |name| (name.as_str(), index)))
        .collect()
}

/// The product below a node that adds its bias.
fn product_below(
    node: &Node,
    file: &OnnxFile,
    nodes: &[Node],
    makers: &BTreeMap<&str, usize>,
) -> Option<usize> {
    if !node.is("Add")
        || node
            .inputs
            .iter()
            .filter(|it| file.is_constant(it, nodes))
            .count()
            != 1
    {
        return None;
    }
    let product = node.inputs.iter().find(|it| !file.is_constant(it, nodes))?;
    let index = *makers.get(product.as_str())?;
    let below = &nodes[index];
    let bias = node.inputs.iter().find_map(|it| file.constant(it, nodes))?;
    let outputs = Layer::of(file, nodes, index, None).ok()?.outputs;
    let is_alone = nodes.iter().filter(|it| it.inputs.contains(product)).count() == 1;
    let fits = below.is("MatMul")
        && bias.dims.last() == Some(&outputs)
        && bias.dims.iter().product::<usize>() == outputs;
    (is_linear(below, file, nodes) && fits && is_alone).then_some(index)
}

/// How a node is undone, and the tensor before it.
fn undone(
    node: &Node,
    file: &OnnxFile,
    nodes: &[Node],
    makers: &BTreeMap<&str, usize>,
) -> Result<(Option<Step>, String), Obstacle> {
    let forbidden = "stands between the last layer with weights and the output, and cannot be undone";
    let obstacle = || Obstacle::new(node, forbidden);
    let first = node.input(0).ok_or_else(obstacle)?.to_owned();
    let step = match node.operator.as_str() {
        _ if !matches!(node.domain.as_str(), "" | "ai.onnx") => return Err(obstacle()),
        "Identity" | "Cast" | "Dropout" => None,
        "Clip" | "Relu" => Some(Step::Clamp),
        "Sigmoid" => Some(Step::Sigmoid),
        "Softmax" => Some(Step::Softmax),
        "Tanh" => Some(Step::Tanh),
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => Some(Step::Reshape),
        "DepthToSpace" => Some(Step::DepthToSpace {
            block: node
                .int("blocksize")
                .and_then(|it| usize::try_from(it).ok())
                .filter(|it| 0 < *it)
                .ok_or_else(obstacle)?,
            is_column_first: node.text("mode").is_some_and(|it| it == "CRD"),
        }),
        "Transpose" => {
            let order = node.ints("perm").ok_or_else(obstacle)?;
            let order = order
                .into_iter()
                .map(|it| usize::try_from(it).map_err(|_| obstacle()));
            Some(Step::Transpose(order.collect::<Result<_, _>>()?))
        }
        "Add" | "Sub" | "Mul" | "Div" => return with_two(node, file, nodes, makers),
        _ => return Err(obstacle()),
    };
    Ok((step, first))
}

/// How an operation on two tensors is undone, one of which has the layer before it.
fn with_two(
    node: &Node,
    file: &OnnxFile,
    nodes: &[Node],
    makers: &BTreeMap<&str, usize>,
) -> Result<(Option<Step>, String), Obstacle> {
    let obstacle = |cause| Obstacle::new(node, cause);
    let cause = "stands between the last layer with weights and the output, and cannot be undone";
    let (Some(first), Some(second)) = (node.input(0), node.input(1)) else {
        return Err(obstacle(cause));
    };
    let constants = [first, second].map(|it| file.constant(it, nodes));
    let (main, step) = match (node.operator.as_str(), constants) {
        (_, [Some(_), Some(_)]) => return Err(obstacle(cause)),
        ("Div", [None, Some(other)]) => (
            first,
            Step::Scale(nonzero(&other, |it| 1.0 / it).ok_or_else(|| obstacle(cause))?),
        ),
        ("Mul", [None, Some(other)]) => (
            first,
            Step::Scale(nonzero(&other, |it| it).ok_or_else(|| obstacle(cause))?),
        ),
        ("Mul", [Some(other), None]) => (
            second,
            Step::Scale(nonzero(&other, |it| it).ok_or_else(|| obstacle(cause))?),
        ),
        (operator @ ("Add" | "Sub"), [None, Some(other)]) => {
            let numbers = other.as_floats().ok_or_else(|| obstacle(cause))?.to_vec();
            let sign = if operator == "Add" { 1.0 } else { -1.0 };
            (
                first,
                Step::Add {
                    other: Operand::Constant(numbers),
                    sign,
                },
            )
        }
        ("Add", [Some(other), None]) => {
            let numbers = other.as_floats().ok_or_else(|| obstacle(cause))?.to_vec();
            (
                second,
                Step::Add {
                    other: Operand::Constant(numbers),
                    sign: 1.0,
                },
            )
        }
        (operator @ ("Add" | "Sub"), [None, None]) => {
            // The later of the two is the way of the last layer; the other is as it is.
            let made = |name: &str| makers.get(name).map_or(-1, |it| *it as i64);
            let is_swapped = made(first) < made(second) && operator == "Add";
            let (main, other) = if is_swapped {
                (second, first)
            } else {
                (first, second)
            };
            let sign = if operator == "Add" { 1.0 } else { -1.0 };
            (
                main,
                Step::Add {
                    other: Operand::Tensor(other.to_owned()),
                    sign,
                },
            )
        }
        _ => return Err(obstacle(cause)),
    };
    Ok((Some(step), main.to_owned()))
}

fn nonzero(constant: &super::tensor::Constant, of: impl Fn(f32) -> f32) -> Option<Vec<f32>> {
    let numbers: Vec<f32> = constant.as_floats()?.iter().map(|it| of(*it)).collect();
    numbers
        .iter()
        .all(|it| it.is_finite() && *it != 0.0)
        .then_some(numbers)
}

/// How few numbers stand for many: one for all, one for each channel, or one for each.
struct Spread {
    repeat: usize,
    count: usize,
}

impl Spread {
    fn at(&self, index: usize) -> usize {
        index / self.repeat % self.count
    }
}

fn spread(count: usize, shape: &[usize]) -> Option<Spread> {
    let size: usize = shape.iter().product();
    let of_channel: usize = shape.iter().skip(2).product();
    match count {
        1 => Some(Spread { repeat: 1, count: 1 }),
        _ if count == size => Some(Spread { repeat: 1, count }),
        _ if shape.get(1) == Some(&count) && 2 < shape.len() => Some(Spread {
            repeat: of_channel,
            count,
        }),
        _ if shape.last() == Some(&count) => Some(Spread { repeat: 1, count }),
        _ => None,
    }
}

/// From a picture of `depth / block²` channels to the shape before, `[1, depth, height, width]`.
fn space_to_depth(values: &[f32], shape: &[usize], block: usize, is_column_first: bool) -> Vec<f32> {
    let (depth, height, width) = (shape[1], shape[2], shape[3]);
    let channels = depth / (block * block);
    let mut made = Vec::with_capacity(values.len());
    for plane in 0..depth {
        let (channel, cell) = match is_column_first {
            true => (plane / (block * block), plane % (block * block)),
            false => (plane % channels, plane / channels),
        };
        let (down, right) = (cell / block, cell % block);
        for y in 0..height {
            let row = (channel * height * block + y * block + down) * width * block;
            made.extend((0..width).map(|x| values[row + x * block + right]));
        }
    }
    made
}

/// Undoes a transposition; `shape` is the one before it.
fn transposed_back(values: &[f32], shape: &[usize], order: &[usize]) -> Option<Vec<f32>> {
    if order.len() != shape.len() {
        return None;
    }
    let size = |axis: usize| shape.get(axis + 1..).map_or(1, |it| it.iter().product::<usize>());
    let after: Vec<usize> = order
        .iter()
        .map(|it| shape.get(*it).copied())
        .collect::<Option<_>>()?;
    let mut made = vec![0.0; values.len()];
    for (index, value) in values.iter().enumerate() {
        let (mut rest, mut to) = (index, 0);
        for (axis, length) in after.iter().enumerate().rev() {
            to += rest % length * size(order[axis]);
            rest /= length;
        }
        *made.get_mut(to)? = *value;
    }
    Some(made)
}
