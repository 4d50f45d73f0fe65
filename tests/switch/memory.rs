// SPDX-License-Identifier: MPL-2.0

//! `memory-limit`: who is in memory, who comes and goes, and that no frame is lost by it.

use std::path::Path;

use gst::prelude::*;

use super::onnx::{FLOAT, Graph, floats, node, port};
use crate::support::switch::*;

const INNER: i64 = 1024;
const LAYERS: i64 = 5;

/// Bytes of the weights of a fat model, about.
const FAT: u64 = (4 * LAYERS * INNER * INNER) as u64;

/// Writes a classifier of mean colors that takes [`FAT`] bytes; `seed` makes it another one.
fn fat(folder: &Path, name: &str, seed: f32) {
    let weights = |from: i64, to: i64| -> Vec<f32> {
        let scale = 1.7 / (from as f32).sqrt();
        (0..from * to)
            .map(|it| (seed + it as f32 * 0.37).sin() * scale)
            .collect()
    };
    let mut nodes = vec![
        node("GlobalAveragePool", &["x"], &["mean"], Vec::new()),
        node("Flatten", &["mean"], &["colors"], Vec::new()),
        node("MatMul", &["colors", "first"], &["0"], Vec::new()),
    ];
    let mut constants = vec![
        floats("first", &[3, INNER], &weights(3, INNER)),
        floats("last", &[INNER, 4], &weights(INNER, 4)),
    ];
    for layer in 0..LAYERS {
        let name = format!("weights {layer}");
        constants.push(floats(&name, &[INNER, INNER], &weights(INNER, INNER)));
        nodes.push(node(
            "MatMul",
            &[&layer.to_string(), &name],
            &[&(layer + 1).to_string()],
            Vec::new(),
        ));
    }
    nodes.push(node("MatMul", &[&LAYERS.to_string(), "last"], &["y"], Vec::new()));
    let graph = Graph {
        nodes,
        constants,
        inputs: vec![port("x", FLOAT, &[1, 3, 32, 32])],
        outputs: vec![port("y", FLOAT, &[1, 4])],
        ..Graph::default()
    };
    std::fs::write(folder.join(name).with_extension("onnx"), graph.file(17)).unwrap();
}

/// A folder with the fat models a, b and c.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, seed) in [("a", 0.0), ("b", 1.0), ("c", 2.0)] {
        fat(folder.path(), name, seed);
    }
    folder
}

/// A child of the switch that runs one of them.
fn child(folder: &Path, name: &str) -> String {
    let file = folder.join(name).with_extension("onnx");
    format!(
        "avrec-infer name={name} backend=ort task=classify model-file={} ",
        file.display()
    )
}

fn children(folder: &Path) -> String {
    ["a", "b", "c"].map(|it| child(folder, it)).concat()
}

fn states(rig: &Rig) -> Vec<(String, String)> {
    ["a", "b", "c"]
        .map(|it| (it.to_string(), rig.state_of(it)))
        .to_vec()
}

fn count(rig: &Rig, state: &str) -> usize {
    states(rig).iter().filter(|it| it.1 == state).count()
}

fn memory(rig: &Rig) -> (u64, u64) {
    let stats = rig.stats();
    (stats.get("memory").unwrap(), stats.get("memory-limit").unwrap())
}

/// Frames that came, and what became of them.
fn check_frames(rig: &Rig) {
    let stats = rig.stats();
    let (came, left, dropped): (u64, u64, u64) = (
        stats.get("in").unwrap(),
        stats.get("out").unwrap(),
        stats.get("dropped").unwrap(),
    );
    assert_eq!((came, 0), (left, dropped), "each frame leaves once");
}

#[test]
fn the_limit_holds_and_a_pin_loads_one_and_evicts_another() {
    let folder = folder();
    let limit = 20 * FAT;
    let mut rig = Rig::new(
        &format!("memory-limit={limit} late-policy=floor"),
        &children(folder.path()),
    );
    rig.pass_until("two are there", |rig| {
        // What is posted stays in memory, too.
        while rig.bus.pop().is_some() {}
        count(rig, "ready") == 3
    });
    println!("{:?} {:?} {:#?}", states(&rig), memory(&rig), rig.stats());
    check_frames(&rig);
}
