// SPDX-License-Identifier: MPL-2.0

//! Messages of protocol buffers as they stand in a file: fields are taken out, put in and written again, and what nobody
//! touched keeps its bytes, also where this version knows nothing of its meaning.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// What is no message of protocol buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no ONNX file: what stands at byte {0} is no field of a message")]
pub struct Broken(pub usize);

/// Bytes that share the memory of the file.
#[derive(Debug, Clone)]
pub struct Bytes {
    whole: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl Bytes {
    pub fn new(bytes: Vec<u8>) -> Bytes {
        let range = 0..bytes.len();
        let whole = Arc::new(bytes);
        Bytes { whole, range }
    }

    fn part(&self, range: Range<usize>) -> Bytes {
        let (start, end) = (self.range.start + range.start, self.range.start + range.end);
        Bytes {
            whole: self.whole.clone(),
            range: start..end.min(self.range.end),
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.whole.get(self.range.clone()).unwrap_or_default()
    }
}

/// What a field holds.
#[derive(Debug, Clone)]
pub enum Value {
    Number(u64),
    Eight([u8; 8]),
    Four([u8; 4]),
    Bytes(Bytes),
}

/// One field with the bytes that it was read from.
#[derive(Debug, Clone)]
pub struct Field {
    pub number: u64,
    pub value: Value,
    raw: Bytes,
}

impl Field {
    pub fn of_bytes(number: u64, content: &[u8]) -> Field {
        let mut raw = varint(number << 3 | 2);
        raw.extend(varint(content.len() as u64));
        let start = raw.len();
        raw.extend_from_slice(content);
        let raw = Bytes::new(raw);
        Field {
            number,
            value: Value::Bytes(raw.part(start..raw.len())),
            raw,
        }
    }

    pub fn of_text(number: u64, text: &str) -> Field {
        Field::of_bytes(number, text.as_bytes())
    }

    pub fn of_message(number: u64, message: &Message) -> Field {
        Field::of_bytes(number, &message.encode())
    }

    pub fn of_number(number: u64, value: u64) -> Field {
        let mut raw = varint(number << 3);
        raw.extend(varint(value));
        Field {
            number,
            value: Value::Number(value),
            raw: Bytes::new(raw),
        }
    }

    pub fn of_float(number: u64, value: f32) -> Field {
        let mut raw = varint(number << 3 | 5);
        raw.extend(value.to_le_bytes());
        Field {
            number,
            value: Value::Four(value.to_le_bytes()),
            raw: Bytes::new(raw),
        }
    }

    /// The content of a field of bytes; empty for others.
    pub fn bytes(&self) -> &[u8] {
        match &self.value {
            Value::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// The number of a field of one; 0 for others.
    pub fn unsigned(&self) -> u64 {
        match self.value {
            Value::Number(number) => number,
            _ => 0,
        }
    }

    /// The same as a number with a sign, as `int64` has it.
    pub fn signed(&self) -> i64 {
        self.unsigned().cast_signed()
    }

    /// Reads the content as a message.
    pub fn message(&self) -> Result<Message, Broken> {
        match &self.value {
            Value::Bytes(bytes) => Message::of(bytes.clone()),
            _ => Err(Broken(self.raw.range.start)),
        }
    }

    /// Numbers of a repeated field, packed or one by one.
    pub fn numbers(&self) -> Vec<i64> {
        let Value::Bytes(bytes) = &self.value else {
            return vec![self.signed()];
        };
        let (mut at, mut numbers) = (0, Vec::new());
        while let Some(number) = read_varint(bytes, &mut at) {
            numbers.push(number.cast_signed());
        }
        numbers
    }

    /// Single-precision numbers of a repeated field, packed or one by one.
    pub fn floats(&self) -> Vec<f32> {
        match &self.value {
            Value::Four(bytes) => vec![f32::from_le_bytes(*bytes)],
            Value::Bytes(bytes) => {
                let fours = bytes.as_chunks::<4>().0;
                fours.iter().map(|it| f32::from_le_bytes(*it)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The fields of a message in their order.
#[derive(Debug, Clone, Default)]
pub struct Message {
    pub fields: Vec<Field>,
}

impl Message {
    /// Reads a message; what its fields of bytes hold is not looked at.
    ///
    /// # Errors
    ///
    /// [`Broken`] where the bytes end inside a field, or one is of a kind that there is not.
    pub fn of(bytes: Bytes) -> Result<Message, Broken> {
        let (mut at, mut fields) = (0, Vec::new());
        while at < bytes.len() {
            let start = at;
            let broken = Broken(bytes.range.start + start);
            let (number, value) = read_field(&bytes, &mut at).ok_or(broken)?;
            let raw = bytes.part(start..at);
            fields.push(Field { number, value, raw });
        }
        Ok(Message { fields })
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.fields.iter().map(|it| it.raw.len()).sum());
        self.fields.iter().for_each(|it| bytes.extend_from_slice(&it.raw));
        bytes
    }

    /// All fields of a number.
    pub fn all(&self, number: u64) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |it| it.number == number)
    }

    /// The last field of a number, which is the one that counts.
    pub fn last(&self, number: u64) -> Option<&Field> {
        self.fields.iter().rfind(|it| it.number == number)
    }

    pub fn text(&self, number: u64) -> String {
        self.last(number).map(Field::text).unwrap_or_default()
    }

    /// Takes out all fields of a number.
    pub fn remove(&mut self, number: u64) {
        self.fields.retain(|it| it.number != number);
    }

    /// Puts one field in the place of all of its number, at the end.
    pub fn set(&mut self, field: Field) {
        self.remove(field.number);
        self.fields.push(field);
    }
}

fn read_field(bytes: &Bytes, at: &mut usize) -> Option<(u64, Value)> {
    let tag = read_varint(bytes, at)?;
    let value = match tag & 7 {
        0 => Value::Number(read_varint(bytes, at)?),
        1 => Value::Eight(take(bytes, at)?),
        2 => {
            let length = usize::try_from(read_varint(bytes, at)?).ok()?;
            let end = at.checked_add(length).filter(|end| *end <= bytes.len())?;
            let content = bytes.part(*at..end);
            *at = end;
            Value::Bytes(content)
        }
        5 => Value::Four(take(bytes, at)?),
        _ => return None,
    };
    (0 < tag >> 3).then_some((tag >> 3, value))
}

fn take<const LENGTH: usize>(bytes: &[u8], at: &mut usize) -> Option<[u8; LENGTH]> {
    let taken = bytes.get(*at..)?.first_chunk::<LENGTH>()?;
    *at += LENGTH;
    Some(*taken)
}

fn read_varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while 0x80 <= number {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_keeps_its_bytes() {
        // A number written in more bytes than it needs, a field that no description has, and a name.
        let bytes = [
            &[0x08, 0x81, 0x00][..],
            &[0xfa, 0x7f, 0x01, 0x2a],
            &[0x12, 0x01, b'x'],
        ]
        .concat();
        let mut message = Message::of(Bytes::new(bytes.clone())).unwrap();
        assert_eq!(message.encode(), bytes);
        assert_eq!((message.fields[0].number, message.fields[0].unsigned()), (1, 1));
        assert_eq!(
            (message.fields[1].number, message.fields[1].bytes()),
            (2047, &[0x2a][..])
        );
        message.set(Field::of_text(2, "longer"));
        let expected = [&bytes[..7], &[0x12, 6], b"longer"].concat();
        assert_eq!(message.encode(), expected);
    }

    #[test]
    fn numbers_go_and_come_back() {
        for number in [0, 1, 127, 128, 300, u64::MAX] {
            let field = Field::of_number(9, number);
            let message = Message { fields: vec![field] };
            let again = Message::of(Bytes::new(message.encode())).unwrap();
            assert_eq!(again.fields[0].unsigned(), number);
        }
    }

    #[test]
    fn what_ends_too_soon_is_an_error() {
        for bytes in [
            &[0x0a, 5, 1][..],
            &[0x08],
            &[0x08, 0x80],
            &[0x0b, 0],
            &[0x0d, 1, 2],
            &[0x02, 0],
        ] {
            assert!(Message::of(Bytes::new(bytes.to_vec())).is_err(), "{bytes:?}");
        }
        let huge = [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(Message::of(Bytes::new(huge.to_vec())).unwrap_err(), Broken(0));
    }
}
