// SPDX-License-Identifier: MPL-2.0

//! Families of models that listen, known by the shapes of their state, for which nothing else needs to be said.

use super::further_inputs;
use super::onnx::Graph;
use super::recurrent_state::Pair;
use crate::tensor::{Dim, ElementType};

/// What holds for all models of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SoundFamily {
    pub name: &'static str,
    /// Samples a second.
    pub rate: u32,
    /// Whether the rate is an input, so that half of it is heard too.
    pub takes_rate: bool,
    /// New samples a run at that rate; at half the rate half as many.
    pub window: usize,
    /// Whether its packages differ in that, so that it has to be told.
    pub is_window_free: bool,
    /// Samples of the run before that stand in front of the new ones, at that rate.
    pub context: usize,
}

/// silero-vad from version 5: its wrapper puts 64 old samples in front of 512 new ones (16 kHz).
const SILERO_5: SoundFamily = SoundFamily {
    name: "silero-vad",
    rate: 16_000,
    takes_rate: false,
    window: 512,
    is_window_free: false,
    context: 64,
};

/// silero-vad of versions 3 and 4, which takes windows of several lengths (480, 512 and 1536 samples are in use at
/// 16 kHz), and has no context.
const SILERO_4: SoundFamily = SoundFamily {
    context: 0,
    is_window_free: true,
    ..SILERO_5
};

/// Finds the family of a graph whose state was paired.
///
/// Version 5 and later: one state 2, batch, 128, or two (`h`, `c`) of 1, 1, 128 with rows of 576 samples. Versions 3 and 4:
/// two states (`h`, `c`) of 2, batch, 64.
pub(super) fn of(graph: &Graph, pairs: &[Pair]) -> Option<SoundFamily> {
    let main = graph.inputs.first()?;
    let is_row = main.dims.as_ref().is_some_and(|dims| dims.len() == 2);
    if !is_row || main.element_type != Ok(ElementType::F32) || pairs.len() + 1 != graph.outputs.len() {
        return None;
    }
    let states = pairs.iter().filter_map(|pair| graph.inputs.get(pair.input));
    let ends = |dims: &Vec<Dim>| match dims.as_slice() {
        [Dim::Fixed(first), _, Dim::Fixed(last)] => Some((*first, *last)),
        _ => None,
    };
    let shapes: Vec<_> = states.map(|it| it.dims.as_ref().and_then(ends)).collect();
    let is_576 = || main.dims.as_ref().and_then(|it| it.last()) == Some(&Dim::Fixed(576));
    let family = match shapes.as_slice() {
        [Some((2, 128))] => SILERO_5,
        [Some((1, 128)), Some((1, 128))] if is_576() => SILERO_5,
        [Some((2, 64)), Some((2, 64))] => SILERO_4,
        _ => return None,
    };
    Some(SoundFamily {
        takes_rate: graph.inputs.iter().any(further_inputs::is_rate),
        ..family
    })
}
