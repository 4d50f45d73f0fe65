// SPDX-License-Identifier: MPL-2.0

//! Nodes of a graph: `NodeProto` of ONNX, with what is not looked at kept as it stands.

use super::tensor::Constant;
use super::wire::{Broken, Field, Message};

/// Numbers of its fields.
const INPUT: u64 = 1;
const OUTPUT: u64 = 2;
const NAME: u64 = 3;
const OPERATOR: u64 = 4;
const ATTRIBUTE: u64 = 5;
const DOMAIN: u64 = 7;

/// Numbers of an attribute's fields, and of its kinds.
const ATTRIBUTE_NAME: u64 = 1;
const FLOAT: u64 = 2;
const INT: u64 = 3;
const TEXT: u64 = 4;
const TENSOR: u64 = 5;
const GRAPH: u64 = 6;
const INTS: u64 = 8;
const GRAPHS: u64 = 11;
const KIND: u64 = 20;
const KIND_INT: u64 = 2;

/// One operation.
#[derive(Debug, Clone)]
pub struct Node {
    pub operator: String,
    /// Empty, or `ai.onnx`, for ONNX's own.
    pub domain: String,
    pub name: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    message: Message,
}

impl Node {
    /// Reads a node.
    pub fn read(field: &Field) -> Result<Node, Broken> {
        let message = field.message()?;
        let texts = |number: u64| message.all(number).map(Field::text).collect();
        Ok(Node {
            operator: message.text(OPERATOR),
            domain: message.text(DOMAIN),
            name: message.text(NAME),
            inputs: texts(INPUT),
            outputs: texts(OUTPUT),
            message,
        })
    }

    /// A node of ONNX's own operators.
    pub fn new(operator: &str, inputs: &[&str], output: &str) -> Node {
        let mut node = Node {
            operator: operator.to_owned(),
            domain: String::new(),
            name: output.to_owned(),
            inputs: inputs.iter().map(|it| (*it).to_owned()).collect(),
            outputs: vec![output.to_owned()],
            message: Message::default(),
        };
        node.message.fields.push(Field::of_text(OPERATOR, operator));
        node.message.fields.push(Field::of_text(NAME, output));
        node
    }

    /// The same with an attribute that is a whole number.
    pub fn with_int(mut self, name: &str, value: i64) -> Node {
        let attribute = Message {
            fields: vec![
                Field::of_text(ATTRIBUTE_NAME, name),
                Field::of_number(INT, value.cast_unsigned()),
                Field::of_number(KIND, KIND_INT),
            ],
        };
        self.message.fields.push(Field::of_message(ATTRIBUTE, &attribute));
        self
    }

    /// As a field of the graph, with the inputs and outputs that it has now.
    pub fn field(&self, number: u64) -> Field {
        let texts = |number: u64, texts: &[String]| -> Vec<Field> {
            texts.iter().map(|it| Field::of_text(number, it)).collect()
        };
        let mut message = self.message.clone();
        message.remove(INPUT);
        message.remove(OUTPUT);
        let ports = [texts(INPUT, &self.inputs), texts(OUTPUT, &self.outputs)].concat();
        message.fields.splice(0..0, ports);
        Field::of_message(number, &message)
    }

    /// Whether it is this operator of ONNX's own.
    pub fn is(&self, operator: &str) -> bool {
        self.operator == operator && matches!(self.domain.as_str(), "" | "ai.onnx")
    }

    /// An input that is there; one that is left out has no name.
    pub fn input(&self, index: usize) -> Option<&str> {
        self.inputs
            .get(index)
            .map(String::as_str)
            .filter(|it| !it.is_empty())
    }

    fn attribute(&self, name: &str) -> Option<Message> {
        let mut attributes = self.message.all(ATTRIBUTE).filter_map(|it| it.message().ok());
        attributes.find(|it| it.text(ATTRIBUTE_NAME) == name)
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        // A number that is its type's default may be left out of the file.
        Some(self.attribute(name)?.last(INT).map_or(0, Field::signed))
    }

    pub fn ints(&self, name: &str) -> Option<Vec<i64>> {
        Some(self.attribute(name)?.all(INTS).flat_map(Field::numbers).collect())
    }

    pub fn float(&self, name: &str) -> Option<f32> {
        let attribute = self.attribute(name)?;
        Some(
            attribute
                .last(FLOAT)
                .map_or(0.0, |it| it.floats().first().copied().unwrap_or(0.0)),
        )
    }

    pub fn text(&self, name: &str) -> Option<String> {
        Some(self.attribute(name)?.text(TEXT))
    }

    /// The tensor of an attribute, as it stands.
    pub fn tensor(&self, name: &str) -> Option<Message> {
        self.attribute(name)?.last(TENSOR)?.message().ok()
    }

    /// The constant that this node stands for, if it is one of numbers.
    pub fn constant(&self) -> Option<Constant> {
        self.is("Constant")
            .then(|| self.tensor("value"))?
            .and_then(|it| Constant::read(&it))
    }

    /// Whether it has graphs of its own, which may use any name of this one.
    pub fn has_graphs(&self) -> bool {
        let mut attributes = self.message.all(ATTRIBUTE).filter_map(|it| it.message().ok());
        attributes.any(|it| it.last(GRAPH).is_some() || it.last(GRAPHS).is_some())
    }
}
