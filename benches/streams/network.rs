// SPDX-License-Identifier: MPL-2.0

//! Writes an ONNX model of 45 MB: a residual network of eighteen layers with random weights, of the shape in which
//! classifiers of pictures are common.

use std::ffi::CStr;

/// Names of the input and the output.
pub const INPUT: &CStr = c"x";
pub const OUTPUT: &CStr = c"y";

/// Width and height of its frames.
pub const SIDE: usize = 224;

const CLASSES: usize = 1000;

/// Channels and stride of each pair of blocks.
const STAGES: [(usize, usize); 4] = [(64, 1), (128, 2), (256, 2), (512, 2)];

/// The file.
pub fn onnx() -> Vec<u8> {
    let mut network = Network::default();
    let mut at = network.convolution("x", (3, 64, 7, 2));
    at = network.node("Relu", &[&at], &[]);
    let pool: [(&str, &[i64]); 3] = [
        ("kernel_shape", &[3, 3]),
        ("strides", &[2, 2]),
        ("pads", &[1, 1, 1, 1]),
    ];
    at = network.node("MaxPool", &[&at], &pool);
    let mut channels = 64;
    for (wanted, stride) in STAGES {
        for stride in [stride, 1] {
            let mut side = at.clone();
            if (channels, 1) != (wanted, stride) {
                side = network.convolution(&at, (channels, wanted, 1, stride));
            }
            at = network.convolution(&at, (channels, wanted, 3, stride));
            at = network.node("Relu", &[&at], &[]);
            at = network.convolution(&at, (wanted, wanted, 3, 1));
            at = network.node("Add", &[&at, &side], &[]);
            at = network.node("Relu", &[&at], &[]);
            channels = wanted;
        }
    }
    at = network.node("GlobalAveragePool", &[&at], &[]);
    at = network.node("Flatten", &[&at], &[]);
    let weights = network.weights(&[channels, CLASSES]);
    network.write_node("MatMul", &[&at, &weights], "y", &[]);
    network.finish()
}

/// A graph in the making, as fields of `GraphProto` in `onnx.proto3`.
struct Network {
    fields: Message,
    names: usize,
    random: u64,
}

impl Default for Network {
    fn default() -> Network {
        Network {
            fields: Message::default(),
            names: 0,
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }
}

impl Network {
    fn name(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("{kind}{}", self.names)
    }

    /// Adds a node and returns the name of what comes out of it.
    fn node(&mut self, kind: &str, inputs: &[&str], attributes: &[(&str, &[i64])]) -> String {
        let output = self.name(kind);
        self.write_node(kind, inputs, &output, attributes);
        output
    }

    fn write_node(&mut self, kind: &str, inputs: &[&str], output: &str, attributes: &[(&str, &[i64])]) {
        let mut node = Message::default();
        for input in inputs {
            node.bytes(1, input.as_bytes());
        }
        node.bytes(2, output.as_bytes());
        node.bytes(4, kind.as_bytes());
        for (name, values) in attributes {
            let mut attribute = Message::default();
            attribute.bytes(1, name.as_bytes());
            values.iter().for_each(|&it| attribute.number(8, it as u64));
            // `AttributeProto.AttributeType.INTS`.
            attribute.number(20, 7);
            node.bytes(5, &attribute.0);
        }
        self.fields.bytes(1, &node.0);
    }

    /// Convolves with square kernels, whose sizes are `(channels in, channels out, side, stride)`.
    fn convolution(&mut self, input: &str, (from, to, side, stride): (usize, usize, usize, usize)) -> String {
        let weights = self.weights(&[to, from, side, side]);
        let (side, stride) = (side as i64, stride as i64);
        let attributes: [(&str, &[i64]); 3] = [
            ("kernel_shape", &[side, side]),
            ("strides", &[stride, stride]),
            ("pads", &[side / 2, side / 2, side / 2, side / 2]),
        ];
        self.node("Conv", &[input, &weights], &attributes)
    }

    /// Adds random weights that keep values about as large as they are, and returns their name.
    fn weights(&mut self, dims: &[usize]) -> String {
        let name = self.name("weights");
        let count: usize = dims.iter().product();
        let scale = (6.0 / (count / dims[0]) as f32).sqrt();
        let mut tensor = Message::default();
        dims.iter().for_each(|&dim| tensor.number(1, dim as u64));
        tensor.number(2, FLOAT);
        tensor.bytes(8, name.as_bytes());
        let mut raw = Vec::with_capacity(4 * count);
        for _ in 0..count {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            let uniform = (self.random >> 40) as f32 / (1u32 << 24) as f32;
            raw.extend(((2.0 * uniform - 1.0) * scale).to_le_bytes());
        }
        tensor.bytes(9, &raw);
        self.fields.bytes(5, &tensor.0);
        name
    }

    fn finish(mut self) -> Vec<u8> {
        self.fields.bytes(2, b"network");
        self.fields.bytes(11, &port("x", &[1, 3, SIDE, SIDE]));
        self.fields.bytes(12, &port("y", &[1, CLASSES]));
        let mut operators = Message::default();
        operators.number(2, 13);
        let mut model = Message::default();
        // IR version 8 goes with operator set 13.
        model.number(1, 8);
        model.bytes(7, &self.fields.0);
        model.bytes(8, &operators.0);
        model.0
    }
}

/// `TensorProto.DataType.FLOAT`.
const FLOAT: u64 = 1;

/// A `ValueInfoProto`.
fn port(name: &str, dims: &[usize]) -> Vec<u8> {
    let mut shape = Message::default();
    for &size in dims {
        let mut dim = Message::default();
        dim.number(1, size as u64);
        shape.bytes(1, &dim.0);
    }
    let mut tensor = Message::default();
    tensor.number(1, FLOAT);
    tensor.bytes(2, &shape.0);
    let mut kind = Message::default();
    kind.bytes(1, &tensor.0);
    let mut port = Message::default();
    port.bytes(1, name.as_bytes());
    port.bytes(2, &kind.0);
    port.0
}

/// A message of protocol buffers.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn varint(&mut self, mut value: u64) {
        while 0x7f < value {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}
