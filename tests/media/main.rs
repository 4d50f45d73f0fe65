// SPDX-License-Identifier: MPL-2.0

//! Frames to tensors and back, and what is made of a model's outputs: no element and no thread takes part.

mod allocations;
mod decode;
mod fit;
mod metas;
mod perturb;
mod picture;
#[path = "../support/mod.rs"]
mod support;
