// SPDX-License-Identifier: MPL-2.0

//! The protocol's types of elements.

use crate::runtime::onnx::OtherType;
use crate::tensor::ElementType;

/// What the protocol calls a text or a picture as it is in a file.
pub(super) const BYTES: &str = "BYTES";

/// Returns the type that the protocol calls so; what has no tensors here as ONNX numbers it, 0 where ONNX has none.
pub(super) fn named(datatype: &str) -> Result<ElementType, OtherType> {
    match datatype {
        "FP32" => Ok(ElementType::F32),
        "FP16" => Ok(ElementType::F16),
        "UINT8" => Ok(ElementType::U8),
        "INT32" => Ok(ElementType::I32),
        "INT64" => Ok(ElementType::I64),
        "BOOL" => Err(OtherType::BOOL),
        "FP64" => Err(OtherType::FLOAT64),
        "INT8" => Err(OtherType(3)),
        "UINT16" => Err(OtherType(4)),
        "INT16" => Err(OtherType(5)),
        BYTES => Err(OtherType(8)),
        "UINT32" => Err(OtherType(12)),
        "UINT64" => Err(OtherType(13)),
        "BF16" => Err(OtherType(16)),
        _ => Err(OtherType(0)),
    }
}

/// Returns what the protocol calls the type of an input.
pub(super) fn name(element_type: ElementType, other: Option<OtherType>) -> &'static str {
    match (other, element_type) {
        (Some(OtherType::BOOL), _) => "BOOL",
        (Some(OtherType::FLOAT64), _) => "FP64",
        (_, ElementType::F32) => "FP32",
        (_, ElementType::F16) => "FP16",
        (_, ElementType::U8) => "UINT8",
        (_, ElementType::I32) => "INT32",
        (_, ElementType::I64) => "INT64",
    }
}
