// SPDX-License-Identifier: MPL-2.0

//! Output tensors to answers: each family of models with values that can be derived by hand, what is recognized
//! and what is refused, and that no content of a tensor does harm.

mod classify;
mod support;
mod yolo;
