// SPDX-License-Identifier: MPL-2.0

//! The last convolutions of a detector: those from which its outputs are reached without another one between.

use std::collections::BTreeSet;

use super::file::OnnxFile;
use super::layer::{Layer, is_linear};
use super::node::Node;
use super::tail::makers;

/// A convolution on one grid of cells. Several of them may share their weights.
#[derive(Debug, Clone)]
pub struct Site {
    pub layer: Layer,
}

/// Finds them, in the order of the graph; those that cannot be refitted are left out.
pub fn find(file: &OnnxFile, nodes: &[Node], outputs: &[String]) -> Vec<Site> {
    let makers = makers(nodes);
    let mut open: Vec<&str> = outputs.iter().map(String::as_str).collect();
    let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
    while let Some(name) = open.pop() {
        let Some(&index) = makers.get(name) else { continue };
        if !seen.insert(index) {
            continue;
        }
        let node = &nodes[index];
        if is_linear(node, file, nodes) {
            found.insert(index);
        } else {
            open.extend(node.inputs.iter().map(String::as_str));
        }
    }
    let is_planes = |it: &usize| nodes[*it].is("Conv");
    let layers = found
        .into_iter()
        .filter(is_planes)
        .filter_map(|it| Layer::of(file, nodes, it, None).ok());
    layers.map(|layer| Site { layer }).collect()
}
