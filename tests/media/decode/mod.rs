// SPDX-License-Identifier: MPL-2.0

//! Output tensors to answers: each family of models with values that can be derived by hand, what is recognized
//! and what is refused, that nothing is allocated per frame and that no content of a tensor does harm.

mod allocations;
mod classify;
mod detr;
mod families;
mod instances;
mod laws;
mod recognize;
mod reference;
mod reference_families;
mod segment;
mod ssd;
mod text;
mod yolo;
