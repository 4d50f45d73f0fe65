// SPDX-License-Identifier: MPL-2.0

//! The outputs of a model as far as its declarations and a run at load tell them.

use crate::runtime::Model;
use crate::tensor::{Dim, TensorInfo};

/// The outputs as declared, with what a run at load showed of sizes that are not declared.
///
/// A size counts that follows neither from the input's size nor from the picture. How many rows an output has is free
/// where the model says so: a made-up picture does not tell it.
pub fn of(model: &Model) -> Vec<TensorInfo> {
    let Some(trial) = &model.trial else {
        return model.outputs.clone();
    };
    let seen = trial.outputs.iter().zip(&trial.steady);
    let mut outputs = model.outputs.clone();
    for (info, (dims, steady)) in outputs.iter_mut().zip(seen) {
        let is_declared = !info.dims.is_empty();
        if is_declared && info.dims.len() != dims.len() {
            // A file that declares another number of dimensions than there are is wrong in the others too.
            info.dims.clear();
        }
        let last = dims.len().saturating_sub(1);
        let known =
            |axis: usize| steady[axis] && (axis == last || (!model.counts && (axis != 0 || !is_declared)));
        let refined = (0..dims.len()).map(|axis| match info.dims.get(axis) {
            Some(Dim::Fixed(size)) => Dim::Fixed(*size),
            _ if known(axis) => Dim::Fixed(dims[axis]),
            Some(free) => free.clone(),
            None => Dim::Dynamic(String::new()),
        });
        info.dims = refined.collect();
    }
    outputs
}
