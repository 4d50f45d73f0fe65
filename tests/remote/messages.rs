// SPDX-License-Identifier: MPL-2.0

//! Answers that nobody would send: whatever comes, nothing is done but to refuse it.

use gstavrec::random::Random;
use gstavrec::runtime::remote::read_anything;

/// An answer with outputs of several types, as the protocol has it.
fn whole() -> Vec<u8> {
    let mut message = vec![1 << 3 | 2, 1, b'm'];
    for (name, datatype, bytes) in [(b'a', "FP32", 16), (b'b', "FP16", 8), (b'c', "UINT8", 4)] {
        let mut tensor = vec![1 << 3 | 2, 1, name, 2 << 3 | 2, datatype.len() as u8];
        tensor.extend(datatype.as_bytes());
        tensor.extend([3 << 3 | 2, 2, 1, 4]);
        message.extend([5 << 3 | 2, tensor.len() as u8]);
        message.extend(tensor);
        message.extend([6 << 3 | 2, bytes]);
        message.extend((0..bytes).map(|it| it * 7));
    }
    message
}

/// Typed values in place of bytes.
fn typed() -> Vec<u8> {
    let mut message = Vec::new();
    for (name, datatype, field) in [(b'a', "FP32", 6u8), (b'd', "INT32", 2), (b'e', "INT64", 3)] {
        let mut tensor = vec![1 << 3 | 2, 1, name, 2 << 3 | 2, datatype.len() as u8];
        tensor.extend(datatype.as_bytes());
        tensor.extend([3 << 3 | 2, 2, 1, 4]);
        let values: &[u8] = if field == 6 { &[0; 16] } else { &[1, 2, 3, 4] };
        tensor.extend([
            5 << 3 | 2,
            values.len() as u8 + 2,
            field << 3 | 2,
            values.len() as u8,
        ]);
        tensor.extend(values);
        message.extend([5 << 3 | 2, tensor.len() as u8]);
        message.extend(tensor);
    }
    message
}

/// How many bytes are tried: more by hand.
fn rounds() -> u32 {
    let said = std::env::var("AVREC_FUZZ").ok();
    said.map_or(200_000, |it| it.parse().expect("AVREC_FUZZ is a number"))
}

#[test]
fn no_bytes_do_harm() {
    let mut random = Random::new(7);
    let seeds = [whole(), typed()];
    for round in 0..rounds() {
        let mut message = seeds[round as usize % 2].clone();
        for _ in 0..1 + random.whole(0, 5) {
            let at = random.whole(0, message.len().max(1) - 1);
            match random.whole(0, 4) {
                0 => message.truncate(at),
                1 if !message.is_empty() => message[at] = random.whole(0, 255) as u8,
                2 if !message.is_empty() => message[at] ^= 1 << random.whole(0, 7),
                3 => message.insert(at.min(message.len()), [0xff, 0x80, 0x7f, 0][random.whole(0, 3)]),
                _ => {
                    let tail = message.split_off(at.min(message.len()));
                    message.extend_from_slice(&tail);
                    message.extend_from_slice(&tail);
                }
            }
        }
        message.truncate(4096);
        read_anything(&message);
    }
}
