// SPDX-License-Identifier: MPL-2.0

//! What is known of a model, in tables for a terminal.

use std::path::Path;

use gstavrec::messages::{Loaded, Tensors, sentence};
use gstavrec::runtime::describe;
use gstavrec::runtime::onnx::Port;
use gstavrec::tensor::{Dim, ElementType};

use super::answers;
use super::findings::Findings;
use crate::console::left_aligned;

/// Inputs and outputs as the file declares them; empty where it cannot be read as ONNX.
pub fn ports(model: &Path) -> String {
    let Ok(graph) = describe(model) else {
        return String::new();
    };
    let row = |role: &str, port: &Port| {
        let kind = match port.element_type {
            Ok(known) => known.name(),
            Err(other) => other.name(),
        };
        let dims = port.dims.as_ref().map_or("no shape".to_string(), |it| shape(it));
        [role.to_string(), port.name.clone(), kind.to_string(), dims]
    };
    let inputs = graph.inputs.iter().map(|port| row("input", port));
    let outputs = graph.outputs.iter().map(|port| row("output", port));
    left_aligned(&inputs.chain(outputs).collect::<Vec<_>>())
}

fn shape(dims: &[Dim]) -> String {
    let spell = |dim: &Dim| match dim {
        Dim::Fixed(size) => size.to_string(),
        Dim::Dynamic(name) if name.is_empty() || 12 < name.len() => "?".to_string(),
        Dim::Dynamic(name) => name.clone(),
    };
    format!("[{}]", dims.iter().map(spell).collect::<Vec<_>>().join(", "))
}

/// What the model is taken for, who said so, and which line says otherwise.
pub fn statements(loaded: &Loaded) -> String {
    let head = format!(
        "\ntask={}, run by {} ({}), loaded in {:.0} ms",
        loaded.task.name(),
        loaded.backend,
        loaded.backend_note,
        1e3 * loaded.load_time.as_secs_f64()
    );
    let mut rows = vec![["tensor", "what", "value", "said by", "to change it"].map(String::from)];
    rows.extend(loaded.statements.iter().map(|it| {
        [
            it.tensor.clone(),
            it.key.clone(),
            it.value.clone(),
            it.origin.clone(),
            it.line.clone(),
        ]
    }));
    match loaded.assumed.as_str() {
        "" => format!("{head}\n\n{}", left_aligned(&rows)),
        assumed => format!("{head}\n\n{}\n\nassumed: {assumed}", left_aligned(&rows)),
    }
}

/// What a run gave, and how long it took.
pub fn run(findings: &Findings) -> String {
    let mut lines = vec![format!("\non {}:", findings.material.described())];
    if let Some(latency) = findings.stats.as_ref().and_then(|it| it.run_latency.as_ref()) {
        let ms = |time: std::time::Duration| 1e3 * time.as_secs_f64();
        lines.push(format!(
            "a run takes {:.2} ms in the median, {:.2} ms at the 99th percentile",
            ms(latency.p50),
            ms(latency.p99)
        ));
    }
    let shown = &findings.shown;
    if let Some(best) = answers::best(&shown.answers) {
        lines.push(format!("answer: {}", sentence::told(&best.said)));
    }
    if let Some(first) = shown.tensors.first() {
        lines.push(left_aligned(&tensors(first)));
    }
    lines.join("\n")
}

/// Shape and spread of each output.
fn tensors(tensors: &Tensors) -> Vec<[String; 4]> {
    let row = |name: &str, dims: &[u64], values: &[f32]| {
        let sum: f64 = values.iter().map(|&it| f64::from(it)).sum();
        let low = values.iter().copied().fold(f32::INFINITY, f32::min);
        let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mean = sum / values.len().max(1) as f64;
        [
            "tensor".to_string(),
            name.to_string(),
            format!("{dims:?}"),
            match values.is_empty() {
                true => "empty".to_string(),
                false => format!("{low:.4} to {high:.4}, mean {mean:.4}"),
            },
        ]
    };
    let parts = tensors.tensors.iter();
    parts
        .map(|it| row(&it.name, &it.dims, &numbers(it.element_type, &it.data)))
        .collect()
}

/// Elements as single floats; of types that have none, the nearest ones.
fn numbers(element_type: ElementType, data: &[u8]) -> Vec<f32> {
    fn each<const N: usize>(data: &[u8], read: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        data.as_chunks::<N>().0.iter().map(|it| read(*it)).collect()
    }
    match element_type {
        ElementType::F32 => each(data, f32::from_ne_bytes),
        ElementType::F16 => each(data, |it| half::f16::from_ne_bytes(it).to_f32()),
        ElementType::U8 => each(data, |[it]| it.into()),
        ElementType::I32 => each(data, |it| i32::from_ne_bytes(it) as f32),
        ElementType::I64 => each(data, |it| i64::from_ne_bytes(it) as f32),
    }
}
