// SPDX-License-Identifier: MPL-2.0

//! The last layer whose weights are linear in what comes out: a convolution, `Gemm`, or `MatMul` with `Add`, and how rows of
//! features and targets stand in its tensors.

use super::file::OnnxFile;
use super::node::Node;
use super::tensor::Constant;

/// A layer: output = features × weights + bias, at each position.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// The position of the node among the nodes of the graph.
    pub node: usize,
    pub form: Form,
    /// The tensor that goes in.
    pub input: String,
    /// The tensor that comes out, the bias added.
    pub output: String,
    pub weight: String,
    /// `None` where there is no bias, and so none is learned.
    pub bias: Option<String>,
    /// Weights by output, then by feature: `outputs` × `features`.
    pub weights: Vec<f32>,
    pub biases: Vec<f32>,
    pub outputs: usize,
    pub features: usize,
}

/// How a layer's numbers stand.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// A convolution of one group over planes, or over a line, whose height is 1 then.
    Convolution(Window),
    /// Weights stand by output (`transB`), or by feature.
    Product { by_output: bool },
}

/// Where a convolution looks, rows before columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub size: [usize; 2],
    pub strides: [usize; 2],
    pub dilations: [usize; 2],
    /// Before the first row and column.
    pub pads: [usize; 2],
    pub channels: usize,
    /// Dimensions of a picture: 2, or 1 for a line.
    pub rank: usize,
}

/// Why a node is no layer that can be refitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{operator} '{output}' {cause}")]
pub struct Obstacle {
    pub operator: String,
    pub output: String,
    pub cause: &'static str,
}

impl Obstacle {
    pub fn new(node: &Node, cause: &'static str) -> Obstacle {
        Obstacle {
            operator: node.operator.clone(),
            output: node.outputs.first().cloned().unwrap_or_default(),
            cause,
        }
    }
}

/// Whether a node has weights that its output is linear in.
pub fn is_linear(node: &Node, file: &OnnxFile, nodes: &[Node]) -> bool {
    let is_constant = |index: usize| node.input(index).is_some_and(|it| file.is_constant(it, nodes));
    (node.is("Conv") || node.is("Gemm") || node.is("MatMul")) && is_constant(1) && !is_constant(0)
}

impl Layer {
    /// Reads a node as a layer; `adding` is the node that adds a constant to its product, if there is one.
    pub fn of(
        file: &OnnxFile,
        nodes: &[Node],
        index: usize,
        adding: Option<&Node>,
    ) -> Result<Layer, Obstacle> {
        let node = &nodes[index];
        let obstacle = |cause| Obstacle::new(node, cause);
        let missing = "has weights that are no plain numbers of the file: quantized, of another type, or in another file; \
                       export the model in one file of float32";
        let weight_name = node.input(1).ok_or_else(|| obstacle(missing))?;
        let weight = file
            .constant(weight_name, nodes)
            .ok_or_else(|| obstacle(missing))?;
        let numbers = weight.as_floats().ok_or_else(|| obstacle(missing))?;
        let (form, outputs, features) = form(node, &weight).map_err(obstacle)?;
        let weights = match form {
            Form::Product { by_output: false } => transposed(numbers, features, outputs),
            _ => numbers.to_vec(),
        };
        let (bias_name, output) = match (node.input(2), adding) {
            (Some(name), _) => (Some(name), node),
            (None, Some(adding)) => {
                let name = adding.inputs.iter().find(|it| file.is_constant(it, nodes));
                (name.map(String::as_str), adding)
            }
            (None, None) => (None, node),
        };
        let biases = match bias_name {
            Some(name) => {
                let constant = file.constant(name, nodes).ok_or_else(|| obstacle(missing))?;
                let biases = constant.as_floats().ok_or_else(|| obstacle(missing))?;
                match biases.len() {
                    count if count == outputs => biases.to_vec(),
                    _ => return Err(obstacle("has a bias of another size than its outputs")),
                }
            }
            None => vec![0.0; outputs],
        };
        Ok(Layer {
            node: index,
            form,
            input: node.input(0).unwrap_or_default().to_owned(),
            output: output.outputs.first().cloned().unwrap_or_default(),
            weight: weight_name.to_owned(),
            bias: bias_name.map(str::to_owned),
            weights,
            biases,
            outputs,
            features,
        })
    }

    /// Puts other weights and biases into the file.
    ///
    /// # Errors
    ///
    /// An obstacle where the file has them in a node and not as initializers.
    pub fn write(&self, file: &mut OnnxFile, weights: &[f32], biases: &[f32]) -> Result<(), Obstacle> {
        let nodes = file.nodes().unwrap_or_default();
        let weights = match self.form {
            Form::Product { by_output: false } => transposed(weights, self.outputs, self.features),
            _ => weights.to_vec(),
        };
        let named = [
            (Some(&self.weight), weights),
            (self.bias.as_ref(), biases.to_vec()),
        ];
        for (name, values) in named {
            let Some(name) = name else { continue };
            let old = file.constant(name, &nodes);
            let written = old.is_some_and(|old| {
                let numbers = super::tensor::Numbers::Float(values);
                file.set_constant(name, &Constant { numbers, ..old }).is_ok()
            });
            if !written {
                return Err(Obstacle {
                    operator: "constant".into(),
                    output: name.clone(),
                    cause: "cannot be replaced in the file",
                });
            }
        }
        Ok(())
    }

    /// How many other nodes use the weights besides those of the given positions.
    pub fn shared_with(&self, nodes: &[Node], ours: &[usize]) -> usize {
        let names = [Some(&self.weight), self.bias.as_ref()];
        let uses = |it: &Node| names.iter().flatten().any(|name| it.inputs.contains(name));
        let others = nodes
            .iter()
            .enumerate()
            .filter(|(index, _)| !ours.contains(index));
        let others = others.filter(|(_, it)| uses(it) && it.outputs.first() != Some(&self.output));
        others.count()
    }
}

fn form(node: &Node, weight: &Constant) -> Result<(Form, usize, usize), &'static str> {
    if node.is("Conv") {
        return convolution(node, weight);
    }
    let [rows, columns] = weight.dims[..] else {
        return Err("multiplies with a tensor that is no matrix");
    };
    if node.is("Gemm") {
        let is_plain = node.float("alpha").is_none_or(|it| it == 1.0)
            && node.float("beta").is_none_or(|it| it == 1.0)
            && node.int("transA").is_none_or(|it| it == 0);
        if !is_plain {
            return Err("is a Gemm with alpha, beta or transA, which is not refitted");
        }
    }
    match node.is("Gemm") && node.int("transB").is_some_and(|it| it != 0) {
        true => Ok((Form::Product { by_output: true }, rows, columns)),
        false => Ok((Form::Product { by_output: false }, columns, rows)),
    }
}

fn convolution(node: &Node, weight: &Constant) -> Result<(Form, usize, usize), &'static str> {
    if node.int("group").is_some_and(|it| it != 1) {
        return Err("is a convolution in groups, which is not refitted");
    }
    if node
        .text("auto_pad")
        .is_some_and(|it| !matches!(it.as_str(), "" | "NOTSET" | "VALID"))
    {
        return Err("is a convolution with auto_pad, which is not refitted; export the model with pads");
    }
    let (outputs, channels, size) = match weight.dims[..] {
        [outputs, channels, width] => (outputs, channels, [1, width]),
        [outputs, channels, height, width] => (outputs, channels, [height, width]),
        _ => return Err("is a convolution of more than two dimensions, which is not refitted"),
    };
    let rank = weight.dims.len() - 2;
    let pair = |name: &str, otherwise: usize| {
        let numbers = node.ints(name).filter(|it| rank <= it.len()).unwrap_or_default();
        let number = |index: usize| {
            numbers
                .get(index)
                .map_or(otherwise, |it| usize::try_from(*it).unwrap_or(0))
        };
        match rank {
            1 => [otherwise, number(0)],
            _ => [number(0), number(1)],
        }
    };
    let window = Window {
        size,
        strides: pair("strides", 1).map(|it| it.max(1)),
        dilations: pair("dilations", 1),
        pads: pair("pads", 0),
        channels,
        rank,
    };
    Ok((Form::Convolution(window), outputs, channels * size[0] * size[1]))
}

/// A matrix of `rows` × `columns` the other way round.
fn transposed(numbers: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let at = |index: usize| numbers[index % rows * columns + index / rows];
    (0..numbers.len()).map(at).collect()
}

/// The positions of a layer's output, and what stands at them.
#[derive(Debug, Clone)]
pub struct Rows<'a> {
    layer: &'a Layer,
    input: &'a [f32],
    /// Height and width of the input, or 1 and 1.
    planes: [usize; 2],
    /// Height and width of the output, or the number of rows and 1.
    positions: [usize; 2],
}

impl<'a> Rows<'a> {
    /// The rows of a layer for an input and an output of these shapes; `None` where they do not fit it.
    pub fn new(layer: &'a Layer, input: (&[usize], &'a [f32]), output: &[usize]) -> Option<Rows<'a>> {
        let (dims, values) = input;
        let (planes, positions) = match &layer.form {
            Form::Convolution(window) => {
                let sides = |dims: &[usize]| match *dims {
                    [1, _, width] if window.rank == 1 => Some([1, width]),
                    [1, _, height, width] if window.rank == 2 => Some([height, width]),
                    _ => None,
                };
                if dims.get(1) != Some(&window.channels) || output.get(1) != Some(&layer.outputs) {
                    return None;
                }
                (sides(dims)?, sides(output)?)
            }
            Form::Product { .. } => {
                let (Some(&last), Some(&out)) = (dims.last(), output.last()) else {
                    return None;
                };
                if last != layer.features || out != layer.outputs {
                    return None;
                }
                ([1, 1], [values.len() / layer.features.max(1), 1])
            }
        };
        (values.len() == dims.iter().product::<usize>()).then_some(Rows {
            layer,
            input: values,
            planes,
            positions,
        })
    }

    pub fn len(&self) -> usize {
        self.positions[0] * self.positions[1]
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where an output of a position stands among the output's numbers.
    pub fn place(&self, position: usize, output: usize) -> usize {
        match self.layer.form {
            Form::Convolution(_) => output * self.len() + position,
            Form::Product { .. } => position * self.layer.outputs + output,
        }
    }

    /// Puts the features of a position into `to`, which has as many places.
    pub fn features(&self, position: usize, to: &mut [f32]) {
        let Form::Convolution(window) = &self.layer.form else {
            let start = position * self.layer.features;
            to.copy_from_slice(&self.input[start..][..self.layer.features]);
            return;
        };
        let [height, width] = self.planes;
        let (row, column) = (position / self.positions[1], position % self.positions[1]);
        let [rows, columns] = window.size;
        let side = |at: usize, axis: usize, tap: usize, limit: usize| {
            let place = at * window.strides[axis] + tap * window.dilations[axis];
            place.checked_sub(window.pads[axis]).filter(|it| *it < limit)
        };
        for (index, to) in to.iter_mut().enumerate() {
            let (channel, tap) = (index / (rows * columns), index % (rows * columns));
            let y = side(row, 0, tap / columns, height);
            let x = side(column, 1, tap % columns, width);
            *to = match (y, x) {
                (Some(y), Some(x)) => self.input[(channel * height + y) * width + x],
                _ => 0.0,
            };
        }
    }
}
