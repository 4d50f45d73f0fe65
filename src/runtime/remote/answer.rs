// SPDX-License-Identifier: MPL-2.0

//! Reads answers of servers into tensors, which are hostile until they were read: nothing is allocated for what they only
//! say, and nothing is taken that does not fit what was asked for.

use std::ops::Range;

use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use super::datatype;
use crate::runtime::buffer;
use crate::tensor::{Data, Tensor, TensorInfo};

/// Tensors that an answer may have besides those that were asked for.
const MOST_FURTHER: usize = 64;

/// Dimensions that a tensor may have.
const MOST_DIMS: usize = 16;

/// What an answer says of one tensor.
#[derive(Debug, Default)]
struct Said {
    /// Which of the outputs it is; `None` where nobody asked for it.
    output: Option<usize>,
    dims: Vec<usize>,
    /// Where its typed values are in the message.
    contents: Option<Range<usize>>,
}

/// Reads answers; kept for its memory.
#[derive(Debug, Default)]
pub(super) struct Reader {
    said: Vec<Said>,
    count: usize,
    raw: Vec<Range<usize>>,
}

/// A message that is read, with where each piece of it began.
struct Message<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Message<'a> {
    fn of(whole: &'a [u8], range: Range<usize>) -> Message<'a> {
        // Ranges come out of the same message.
        let whole = whole.get(..range.end).unwrap_or_default();
        Message {
            whole,
            rest: whole.get(range.start..).unwrap_or_default(),
        }
    }

    fn position(&self) -> usize {
        self.whole.len() - self.rest.len()
    }

    /// The number and the type of the next field; `None` at the end.
    fn next(&mut self) -> Result<Option<(u32, WireType)>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        decode_key(&mut self.rest).map(Some).map_err(broken)
    }

    fn number(&mut self) -> Result<u64, String> {
        decode_varint(&mut self.rest).map_err(broken)
    }

    /// Where the bytes of a field are.
    fn bytes(&mut self) -> Result<Range<usize>, String> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if self.rest.len() < length {
            return Err("it is cut off".into());
        }
        let start = self.position();
        self.rest.advance(length);
        Ok(start..start + length)
    }

    fn skip(&mut self, tag: u32, wire_type: WireType) -> Result<(), String> {
        skip_field(wire_type, tag, &mut self.rest, DecodeContext::default()).map_err(broken)
    }
}

fn broken(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Reader {
    /// Reads a `ModelInferResponse` into `outputs`, which are called and typed as `infos` say, and take at most `limit`
    /// bytes each; or says what is wrong with it.
    ///
    /// Their memory is reused where it fits. Where an answer is refused, what they hold is not defined.
    pub(super) fn read(
        &mut self,
        message: &[u8],
        infos: &[TensorInfo],
        outputs: &mut [Tensor],
        limit: u64,
    ) -> Result<(), String> {
        self.count = 0;
        self.raw.clear();
        let mut fields = Message::of(message, 0..message.len());
        while let Some((tag, wire_type)) = fields.next()? {
            match (tag, wire_type) {
                (5, WireType::LengthDelimited) => {
                    let range = fields.bytes()?;
                    self.note(message, range, infos)?;
                }
                (6, WireType::LengthDelimited) => {
                    let range = fields.bytes()?;
                    if infos.len() + MOST_FURTHER < self.raw.len() {
                        return Err("it has too many tensors".into());
                    }
                    self.raw.push(range);
                }
                _ => fields.skip(tag, wire_type)?,
            }
        }
        let said = self.said.get(..self.count).unwrap_or_default();
        if !self.raw.is_empty() && self.raw.len() != said.len() {
            let (raw, count) = (self.raw.len(), said.len());
            return Err(format!("it has {raw} raw contents for {count} tensors"));
        }
        for (index, (info, output)) in infos.iter().zip(outputs).enumerate() {
            let found = said.iter().position(|it| it.output == Some(index));
            let Some(found) = found else {
                return Err(format!("it lacks the output '{}'", info.name));
            };
            let said = &said[found];
            let count = buffer::element_count(info.element_type, &said.dims, limit)
                .ok_or_else(|| format!("its output '{}' would have the shape {:?}", info.name, said.dims))?;
            let values = Values {
                message,
                raw: self.raw.get(found).cloned(),
                typed: said.contents.clone(),
            };
            values.write(count, &mut output.data).map_err(|cause| {
                format!("its output '{}' of the shape {:?} {cause}", info.name, said.dims)
            })?;
            output.dims.clone_from(&said.dims);
        }
        Ok(())
    }

    /// Notes what an `InferOutputTensor` says.
    fn note(&mut self, message: &[u8], range: Range<usize>, infos: &[TensorInfo]) -> Result<(), String> {
        if infos.len() + MOST_FURTHER < self.count {
            return Err("it has too many tensors".into());
        }
        if self.said.len() <= self.count {
            self.said.push(Said::default());
        }
        let said = &mut self.said[self.count];
        self.count += 1;
        (said.output, said.contents) = (None, None);
        said.dims.clear();
        let mut fields = Message::of(message, range);
        let mut datatype = 0..0;
        while let Some((tag, wire_type)) = fields.next()? {
            match (tag, wire_type) {
                (1, WireType::LengthDelimited) => {
                    let name = &message[fields.bytes()?];
                    said.output = infos.iter().position(|it| it.name.as_bytes() == name);
                }
                (2, WireType::LengthDelimited) => datatype = fields.bytes()?,
                (3, WireType::LengthDelimited) => {
                    let mut packed = Message::of(message, fields.bytes()?);
                    while !packed.rest.is_empty() {
                        push_dim(&mut said.dims, packed.number()?)?;
                    }
                }
                (3, WireType::Varint) => push_dim(&mut said.dims, fields.number()?)?,
                (5, WireType::LengthDelimited) => said.contents = Some(fields.bytes()?),
                _ => fields.skip(tag, wire_type)?,
            }
        }
        let Some(info) = said.output.and_then(|it| infos.get(it)) else {
            return Ok(());
        };
        let wanted = datatype::name(info.element_type, None);
        let told = message.get(datatype).unwrap_or_default();
        if told != wanted.as_bytes() {
            let told = String::from_utf8_lossy(&told[..told.len().min(32)]);
            return Err(format!(
                "its output '{}' is '{told}' where the model's metadata promise {wanted}",
                info.name
            ));
        }
        Ok(())
    }
}

fn push_dim(dims: &mut Vec<usize>, dim: u64) -> Result<(), String> {
    if MOST_DIMS <= dims.len() {
        return Err(format!("it has a tensor of more than {MOST_DIMS} dimensions"));
    }
    // Negative ones are large here, and larger than any limit of bytes.
    dims.push(usize::try_from(dim).unwrap_or(usize::MAX));
    Ok(())
}

/// Where the values of a tensor are in a message.
struct Values<'a> {
    message: &'a [u8],
    raw: Option<Range<usize>>,
    typed: Option<Range<usize>>,
}

impl Values<'_> {
    fn write(self, count: usize, data: &mut Data) -> Result<(), String> {
        match (self.raw, self.typed) {
            (Some(range), _) => write_raw(&self.message[range], count, data),
            (None, Some(range)) => write_typed(self.message, range, count, data),
            (None, None) if count == 0 => {
                buffer::resize(data, 0);
                Ok(())
            }
            (None, None) => Err("has no values".into()),
        }
    }
}

pub(super) fn write_raw(bytes: &[u8], count: usize, data: &mut Data) -> Result<(), String> {
    if Some(bytes.len()) != count.checked_mul(buffer::element_type(data).bytes()) {
        return Err(format!("comes with {} bytes", bytes.len()));
    }
    if !buffer::reserve(data, count) {
        return Err("is more than there is memory for".into());
    }
    buffer::resize(data, count);
    buffer::as_bytes_mut(data).copy_from_slice(bytes);
    Ok(())
}

/// Reads `InferTensorContents`, which has a field for each type.
fn write_typed(message: &[u8], range: Range<usize>, count: usize, data: &mut Data) -> Result<(), String> {
    // No value takes less than a byte.
    if range.len() < count {
        return Err(format!("comes with {} bytes of values", range.len()));
    }
    if !buffer::reserve(data, count) {
        return Err("is more than there is memory for".into());
    }
    buffer::resize(data, count);
    let filled = match data {
        Data::F32(values) => fill(message, range, values, 6, |it| {
            let bytes = it.rest.first_chunk().copied().ok_or("it is cut off")?;
            it.rest.advance(size_of::<f32>());
            Ok(f32::from_le_bytes(bytes))
        }),
        Data::I32(values) => fill(message, range, values, 2, |it| Ok(it.number()? as i32)),
        Data::I64(values) => fill(message, range, values, 3, |it| Ok(it.number()?.cast_signed())),
        Data::U8(values) => fill(message, range, values, 4, |it| {
            u8::try_from(it.number()?).map_err(|_| "has a value beyond 255".into())
        }),
        // The protocol has no field for it.
        Data::F16(_) => Err("has no raw values".into()),
    };
    match filled? {
        given if given == count => Ok(()),
        given => Err(format!("comes with {given} values")),
    }
}

/// Reads the values of the field `wanted`, packed or one by one, and returns how many there are.
fn fill<T>(
    message: &[u8],
    range: Range<usize>,
    values: &mut [T],
    wanted: u32,
    mut value: impl FnMut(&mut Message<'_>) -> Result<T, String>,
) -> Result<usize, String> {
    let (mut fields, mut places) = (Message::of(message, range), values.iter_mut());
    let mut given = 0;
    let mut put = |from: &mut Message<'_>| {
        let value = value(from)?;
        given += 1;
        match places.next() {
            Some(place) => *place = value,
            None => return Err("comes with more values".to_owned()),
        }
        Ok(())
    };
    while let Some((tag, wire_type)) = fields.next()? {
        match wire_type {
            WireType::LengthDelimited if tag == wanted => {
                let mut packed = Message::of(message, fields.bytes()?);
                while !packed.rest.is_empty() {
                    put(&mut packed)?;
                }
            }
            WireType::Varint | WireType::ThirtyTwoBit if tag == wanted => put(&mut fields)?,
            _ => fields.skip(tag, wire_type)?,
        }
    }
    Ok(given)
}

/// Reads bytes as an answer with outputs of every type: for tests that look for any that would do harm.
#[doc(hidden)]
pub fn read_anything(message: &[u8]) {
    use crate::tensor::{Dim, ElementType};
    let types = [
        ElementType::F32,
        ElementType::F16,
        ElementType::U8,
        ElementType::I32,
        ElementType::I64,
    ];
    let info = |(element_type, name): (ElementType, char)| TensorInfo {
        name: name.to_string(),
        id: String::new(),
        element_type,
        dims: vec![Dim::Dynamic(String::new())],
    };
    let mut reader = Reader::default();
    for it in types.into_iter().zip('a'..) {
        let mut output = [buffer::empty(it.0)];
        let limit = 1 << 20;
        if reader.read(message, &[info(it)], &mut output, limit).is_ok() {
            let count = output[0].dims.iter().product::<usize>();
            assert!(count == buffer::len(&output[0].data) && count as u64 <= limit);
        }
    }
}
