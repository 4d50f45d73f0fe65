// SPDX-License-Identifier: MPL-2.0

//! Writes ONNX files of which no exporter would be the author: field by field, by the numbers of `onnx.proto3`.

/// A message as it is written.
#[derive(Clone, Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while 0x80 <= value {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub fn int(mut self, field: u64, value: i64) -> Message {
        self.varint(field << 3);
        self.varint(value.cast_unsigned());
        self
    }

    pub fn bytes(mut self, field: u64, value: &[u8]) -> Message {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    pub fn text(self, field: u64, value: &str) -> Message {
        self.bytes(field, value.as_bytes())
    }

    pub fn with(self, field: u64, value: Message) -> Message {
        self.bytes(field, &value.0)
    }

    pub fn all(self, field: u64, values: impl IntoIterator<Item = Message>) -> Message {
        values
            .into_iter()
            .fold(self, |message, it| message.with(field, it))
    }

    pub fn float(mut self, field: u64, value: f32) -> Message {
        self.varint(field << 3 | 5);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }
}

pub const FLOAT: i64 = 1;
pub const INT64: i64 = 7;
pub const STRING: i64 = 8;
pub const BOOL: i64 = 9;

/// An input or output: name, type, and sizes, where one below zero is left open.
pub fn port(name: &str, element_type: i64, dims: &[i64]) -> Message {
    let dim = |size: &i64| match size {
        -1 => Message::default().text(2, "any"),
        size => Message::default().int(1, *size),
    };
    let shape = Message::default().all(1, dims.iter().map(dim));
    let tensor = Message::default().int(1, element_type).with(2, shape);
    Message::default()
        .text(1, name)
        .with(2, Message::default().with(1, tensor))
}

fn shaped(name: &str, element_type: i64, dims: &[i64]) -> Message {
    let tensor = Message::default().text(8, name).int(2, element_type);
    dims.iter().fold(tensor, |message, &it| message.int(1, it))
}

/// A constant tensor whose data are these bytes, whatever its shape says.
pub fn tensor(name: &str, element_type: i64, dims: &[i64], data: &[u8]) -> Message {
    shaped(name, element_type, dims).bytes(9, data)
}

pub fn floats(name: &str, dims: &[i64], values: &[f32]) -> Message {
    let data: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    tensor(name, FLOAT, dims, &data)
}

pub fn ints(name: &str, values: &[i64]) -> Message {
    let data: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    tensor(name, INT64, &[values.len() as i64], &data)
}

pub fn scalar(name: &str, value: i64) -> Message {
    tensor(name, INT64, &[], &value.to_le_bytes())
}

/// A constant whose data lie elsewhere.
pub fn external(name: &str, dims: &[i64], entries: &[(&str, &str)]) -> Message {
    let entry = |(key, value): &(&str, &str)| Message::default().text(1, key).text(2, value);
    shaped(name, FLOAT, dims)
        .all(13, entries.iter().map(entry))
        .int(14, 1)
}

pub fn attribute_int(name: &str, value: i64) -> Message {
    Message::default().text(1, name).int(3, value).int(20, 2)
}

pub fn attribute_ints(name: &str, values: &[i64]) -> Message {
    let attribute = Message::default().text(1, name).int(20, 7);
    values.iter().fold(attribute, |message, &it| message.int(8, it))
}

pub fn attribute_text(name: &str, value: &str) -> Message {
    Message::default().text(1, name).text(4, value).int(20, 3)
}

pub fn attribute_float(name: &str, value: f32) -> Message {
    Message::default().text(1, name).float(2, value).int(20, 1)
}

pub fn attribute_tensor(name: &str, value: Message) -> Message {
    Message::default().text(1, name).with(5, value).int(20, 4)
}

pub fn attribute_graph(name: &str, value: Message) -> Message {
    Message::default().text(1, name).with(6, value).int(20, 5)
}

pub fn node(operator: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<Message>) -> Message {
    let node = inputs
        .iter()
        .fold(Message::default(), |node, it| node.text(1, it));
    let node = outputs.iter().fold(node, |node, it| node.text(2, it));
    node.text(4, operator).all(5, attributes)
}

/// The parts of a graph.
#[derive(Clone, Default)]
pub struct Graph {
    pub nodes: Vec<Message>,
    pub constants: Vec<Message>,
    pub inputs: Vec<Message>,
    pub outputs: Vec<Message>,
    pub sparse: Vec<Message>,
}

impl Graph {
    pub fn message(self) -> Message {
        Message::default()
            .all(1, self.nodes)
            .text(2, "g")
            .all(5, self.constants)
            .all(11, self.inputs)
            .all(12, self.outputs)
            .all(15, self.sparse)
    }

    pub fn file(self, opset: i64) -> Vec<u8> {
        file(self.message(), opset, Vec::new())
    }
}

pub fn file(graph: Message, opset: i64, functions: Vec<Message>) -> Vec<u8> {
    let set = |domain: &str, version| Message::default().text(1, domain).int(2, version);
    Message::default()
        .int(1, 8)
        .with(7, graph)
        .with(8, set("", opset))
        .with(8, set("own", 1))
        .all(25, functions)
        .0
}
