// SPDX-License-Identifier: MPL-2.0

//! An ONNX file that is changed in few places: everything that is not named here keeps its bytes.

use std::collections::{BTreeMap, BTreeSet};

use super::node::Node;
use super::tensor::{self, Constant};
use super::wire::{Broken, Bytes, Field, Message};

/// Numbers of `ModelProto`'s fields.
const GRAPH: u64 = 7;
const OPERATORS: u64 = 8;
const METADATA: u64 = 14;

/// Numbers of `GraphProto`'s fields.
const NODE: u64 = 1;
const INITIALIZER: u64 = 5;
const INPUT: u64 = 11;
const OUTPUT: u64 = 12;

/// The name of a `TensorProto`.
const TENSOR_NAME: u64 = 8;

/// A model as its file has it.
#[derive(Debug, Clone)]
pub struct OnnxFile {
    /// All but the graph, which is written where it stood.
    fields: Vec<Field>,
    place: usize,
    graph: Message,
    /// The position of each initializer among the fields of the graph.
    initializers: BTreeMap<String, usize>,
}

impl OnnxFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`Broken`] where it is none of ONNX.
    pub fn read(bytes: Vec<u8>) -> Result<OnnxFile, Broken> {
        let mut fields = Message::of(Bytes::new(bytes))?.fields;
        let place = fields
            .iter()
            .rposition(|it| it.number == GRAPH)
            .ok_or(Broken(0))?;
        let graph = fields.remove(place).message()?;
        let mut file = OnnxFile {
            fields,
            place,
            graph,
            initializers: BTreeMap::new(),
        };
        file.index()?;
        Ok(file)
    }

    fn index(&mut self) -> Result<(), Broken> {
        self.initializers.clear();
        for (position, field) in self.graph.fields.iter().enumerate() {
            if field.number == INITIALIZER {
                self.initializers
                    .insert(field.message()?.text(TENSOR_NAME), position);
            }
        }
        Ok(())
    }

    /// The file with what was changed.
    pub fn write(&self) -> Vec<u8> {
        let mut fields = self.fields.clone();
        fields.insert(self.place, Field::of_message(GRAPH, &self.graph));
        Message { fields }.encode()
    }

    /// The nodes in their order.
    pub fn nodes(&self) -> Result<Vec<Node>, Broken> {
        self.graph.all(NODE).map(Node::read).collect()
    }

    /// Puts other nodes in the place of all.
    pub fn set_nodes(&mut self, nodes: &[Node]) -> Result<(), Broken> {
        let at = self
            .graph
            .fields
            .iter()
            .position(|it| it.number == NODE)
            .unwrap_or(0);
        self.graph.remove(NODE);
        let fields = nodes.iter().map(|it| it.field(NODE));
        self.graph.fields.splice(at..at, fields);
        self.index()
    }

    /// Names of what goes in and is no constant.
    pub fn inputs(&self) -> Vec<String> {
        let names = self.port_names(INPUT).into_iter();
        names.filter(|it| !self.initializers.contains_key(it)).collect()
    }

    /// Names of what comes out.
    pub fn outputs(&self) -> Vec<String> {
        self.port_names(OUTPUT)
    }

    fn port_names(&self, number: u64) -> Vec<String> {
        let ports = self.graph.all(number).filter_map(|it| it.message().ok());
        ports.map(|it| it.text(1)).collect()
    }

    /// Names of all initializers.
    pub fn initializers(&self) -> impl Iterator<Item = &str> {
        self.initializers.keys().map(String::as_str)
    }

    fn initializer(&self, name: &str) -> Option<Message> {
        let position = *self.initializers.get(name)?;
        self.graph.fields.get(position)?.message().ok()
    }

    /// A constant of the graph, whether it is an initializer or comes from a node; `None` also for what is of a type that is
    /// not read, or lies in another file.
    pub fn constant(&self, name: &str, nodes: &[Node]) -> Option<Constant> {
        match self.initializer(name) {
            Some(tensor) => Constant::read(&tensor),
            None => {
                let node = nodes.iter().find(|it| it.outputs.iter().any(|it| it == name))?;
                match node.is("Identity") {
                    true => self.constant(node.input(0)?, &[]),
                    false => node.constant(),
                }
            }
        }
    }

    /// Whether a name stands for a constant, also one that cannot be read.
    pub fn is_constant(&self, name: &str, nodes: &[Node]) -> bool {
        let is_made = |it: &Node| it.is("Constant") && it.outputs.iter().any(|it| it == name);
        self.initializers.contains_key(name) || nodes.iter().any(is_made)
    }

    /// Puts other numbers in the place of a constant's, and leaves its name and what else it says. One that a node makes
    /// becomes an initializer.
    pub fn set_constant(&mut self, name: &str, constant: &Constant) -> Result<(), Broken> {
        let Some(&position) = self.initializers.get(name) else {
            let is_other = |it: &Node| !it.is("Constant") || it.outputs.iter().all(|it| it != name);
            let nodes: Vec<Node> = self.nodes()?.into_iter().filter(is_other).collect();
            self.set_nodes(&nodes)?;
            self.add(name, constant);
            return Ok(());
        };
        let field = self.graph.fields.get_mut(position).ok_or(Broken(0))?;
        let mut message = field.message()?;
        tensor::replace(&mut message, constant);
        *field = Field::of_message(INITIALIZER, &message);
        Ok(())
    }

    /// Adds an initializer.
    pub fn add(&mut self, name: &str, constant: &Constant) {
        let field = Field::of_message(INITIALIZER, &constant.message(name));
        self.initializers.insert(name.to_owned(), self.graph.fields.len());
        self.graph.fields.push(field);
    }

    /// Takes out the initializers of which nothing is left that uses them.
    pub fn drop_unused(&mut self) -> Result<(), Broken> {
        let nodes = self.nodes()?;
        if nodes.iter().any(Node::has_graphs) {
            return Ok(());
        }
        let mut used: BTreeSet<String> = self.outputs().into_iter().collect();
        used.extend(nodes.into_iter().flat_map(|it| it.inputs));
        used.extend(self.port_names(INPUT));
        let dropped: BTreeSet<usize> = self
            .initializers
            .iter()
            .filter(|(name, _)| !used.contains(*name))
            .map(|(_, position)| *position)
            .collect();
        let mut position = 0;
        self.graph.fields.retain(|_| {
            position += 1;
            !dropped.contains(&(position - 1))
        });
        self.index()
    }

    /// Lets a tensor come out too, of single precision and of any shape.
    pub fn add_output(&mut self, name: &str) {
        if self.outputs().iter().any(|it| it == name) {
            return;
        }
        let of_type = |number: u64, message: &Message| Message {
            fields: vec![Field::of_message(number, message)],
        };
        let tensor = Message {
            fields: vec![Field::of_number(1, tensor::FLOAT.cast_unsigned())],
        };
        let mut port = Message {
            fields: vec![Field::of_text(1, name)],
        };
        port.fields.push(Field::of_message(2, &of_type(1, &tensor)));
        self.graph.fields.push(Field::of_message(OUTPUT, &port));
    }

    /// Says something of the model, in the place of what was said under this key.
    pub fn set_metadata(&mut self, key: &str, value: &str) {
        let is_same = |it: &Field| it.number == METADATA && it.message().is_ok_and(|it| it.text(1) == key);
        let before = self
            .fields
            .iter()
            .take(self.place)
            .filter(|it| is_same(it))
            .count();
        self.fields.retain(|it| !is_same(it));
        self.place -= before;
        let entry = Message {
            fields: vec![Field::of_text(1, key), Field::of_text(2, value)],
        };
        self.fields.push(Field::of_message(METADATA, &entry));
    }

    /// Version of ONNX's own operators.
    pub fn opset(&self) -> i64 {
        let sets = self.fields.iter().filter(|it| it.number == OPERATORS);
        let sets = sets.filter_map(|it| it.message().ok());
        let ours = sets.filter(|it| matches!(it.text(1).as_str(), "" | "ai.onnx"));
        ours.filter_map(|it| it.last(2).map(Field::signed))
            .max()
            .unwrap_or(1)
    }

    /// A name that nothing in the graph has.
    pub fn free_name(&self, wish: &str, nodes: &[Node]) -> String {
        let is_taken = |name: &str| {
            self.initializers.contains_key(name)
                || nodes
                    .iter()
                    .any(|it| it.outputs.iter().chain(&it.inputs).any(|it| it == name))
        };
        let mut name = wish.to_owned();
        while is_taken(&name) {
            name.push('_');
        }
        name
    }
}
