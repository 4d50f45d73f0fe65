// SPDX-License-Identifier: MPL-2.0

//! Constants of a graph: `TensorProto` of ONNX, read as numbers and written again.

use half::f16;

use super::wire::{Field, Message};

/// Types of elements by their numbers in `TensorProto.DataType`.
pub const FLOAT: i64 = 1;
pub const UINT8: i64 = 2;
pub const INT8: i64 = 3;
pub const INT32: i64 = 6;
pub const INT64: i64 = 7;
pub const FLOAT16: i64 = 10;

/// Numbers of its fields.
const DIMS: u64 = 1;
const DATA_TYPE: u64 = 2;
const FLOATS: u64 = 4;
const INTS: u64 = 5;
const LONGS: u64 = 7;
const NAME: u64 = 8;
const RAW: u64 = 9;
const PLACE: u64 = 14;

/// Numbers of a constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// Of single precision, or of half, which fits in there.
    Float(Vec<f32>),
    Int(Vec<i64>),
}

/// A constant with its shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    pub dims: Vec<usize>,
    pub data_type: i64,
    pub numbers: Numbers,
}

impl Constant {
    pub fn floats(dims: &[usize], values: Vec<f32>) -> Constant {
        Constant {
            dims: dims.to_vec(),
            data_type: FLOAT,
            numbers: Numbers::Float(values),
        }
    }

    /// Reads a tensor; `None` where its numbers are of another type, lie in another file, or are not as many as its shape
    /// says.
    pub fn read(tensor: &Message) -> Option<Constant> {
        if tensor.last(PLACE).is_some_and(|it| it.unsigned() != 0) {
            return None;
        }
        let dims = dims(tensor)?;
        let data_type = tensor.last(DATA_TYPE)?.signed();
        let raw = tensor.last(RAW).map(Field::bytes);
        let all = |number: u64| tensor.all(number).flat_map(Field::numbers);
        let numbers = match (data_type, raw) {
            (FLOAT, Some(raw)) => Numbers::Float(
                raw.as_chunks::<4>()
                    .0
                    .iter()
                    .map(|it| f32::from_le_bytes(*it))
                    .collect(),
            ),
            (FLOAT, None) => Numbers::Float(tensor.all(FLOATS).flat_map(Field::floats).collect()),
            (FLOAT16, Some(raw)) => {
                let halves = raw.as_chunks::<2>().0.iter();
                Numbers::Float(halves.map(|it| f16::from_le_bytes(*it).to_f32()).collect())
            }
            (FLOAT16, None) => {
                Numbers::Float(all(INTS).map(|it| f16::from_bits(it as u16).to_f32()).collect())
            }
            (INT64, Some(raw)) => Numbers::Int(
                raw.as_chunks::<8>()
                    .0
                    .iter()
                    .map(|it| i64::from_le_bytes(*it))
                    .collect(),
            ),
            (INT64, None) => Numbers::Int(all(LONGS).collect()),
            (INT32, Some(raw)) => Numbers::Int(
                raw.as_chunks::<4>()
                    .0
                    .iter()
                    .map(|it| i32::from_le_bytes(*it).into())
                    .collect(),
            ),
            (INT32, None) => Numbers::Int(all(INTS).collect()),
            _ => return None,
        };
        let count = match &numbers {
            Numbers::Float(it) => it.len(),
            Numbers::Int(it) => it.len(),
        };
        let size = dims
            .iter()
            .try_fold(1_usize, |size, dim| size.checked_mul(*dim))?;
        (count == size).then_some(Constant {
            dims,
            data_type,
            numbers,
        })
    }

    pub fn as_floats(&self) -> Option<&[f32]> {
        match &self.numbers {
            Numbers::Float(values) => Some(values),
            Numbers::Int(_) => None,
        }
    }

    pub fn as_ints(&self) -> Option<&[i64]> {
        match &self.numbers {
            Numbers::Int(values) => Some(values),
            Numbers::Float(_) => None,
        }
    }

    /// The tensor with a name, its numbers as raw bytes.
    pub fn message(&self, name: &str) -> Message {
        let mut message = Message::default();
        let dims = self.dims.iter().map(|it| Field::of_number(DIMS, *it as u64));
        message.fields.extend(dims);
        message
            .fields
            .push(Field::of_number(DATA_TYPE, self.data_type.cast_unsigned()));
        message.fields.push(Field::of_text(NAME, name));
        message.fields.push(Field::of_bytes(RAW, &self.raw()));
        message
    }

    fn raw(&self) -> Vec<u8> {
        match (&self.numbers, self.data_type) {
            (Numbers::Float(values), FLOAT16) => values
                .iter()
                .flat_map(|it| f16::from_f32(*it).to_le_bytes())
                .collect(),
            (Numbers::Float(values), _) => values.iter().flat_map(|it| it.to_le_bytes()).collect(),
            (Numbers::Int(values), INT32) => {
                values.iter().flat_map(|it| (*it as i32).to_le_bytes()).collect()
            }
            (Numbers::Int(values), UINT8 | INT8) => values.iter().map(|it| *it as u8).collect(),
            (Numbers::Int(values), _) => values.iter().flat_map(|it| it.to_le_bytes()).collect(),
        }
    }
}

/// The shape; `None` where a size is negative.
pub fn dims(tensor: &Message) -> Option<Vec<usize>> {
    let sizes = tensor.all(DIMS).flat_map(Field::numbers);
    sizes.map(|it| usize::try_from(it).ok()).collect()
}

/// Puts other numbers into a tensor and leaves all else: its name, its comment, what is not known.
pub fn replace(tensor: &mut Message, constant: &Constant) {
    let written = constant.message("");
    for number in [DIMS, DATA_TYPE, RAW] {
        let at = tensor.fields.iter().position(|it| it.number == number);
        let at = at.unwrap_or(tensor.fields.len());
        tensor.remove(number);
        let at = at.min(tensor.fields.len());
        tensor.fields.splice(at..at, written.all(number).cloned());
    }
    for number in [FLOATS, INTS, LONGS] {
        tensor.remove(number);
    }
}
