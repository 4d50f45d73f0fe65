// SPDX-License-Identifier: MPL-2.0

//! Changes of ONNX files that lose nothing: the last layer that can be refitted, tensors that come out besides, other
//! numbers, other precision.
//!
//! A file is read field by field ([`wire`]) and written with the bytes of all fields that were not changed, so that what
//! this version does not know survives. Whether a model is good to run is judged elsewhere, before and after.

pub mod file;
pub mod layer;
pub mod node;
pub mod precision;
pub mod sites;
pub mod tail;
pub mod tensor;
pub mod wire;
