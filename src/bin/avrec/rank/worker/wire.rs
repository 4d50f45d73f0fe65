// SPDX-License-Identifier: MPL-2.0

//! What the command and a worker say to each other: a head in JSON and bytes behind it, each with its length.

use std::io::{self, ErrorKind, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Bytes that one part may have: a frame of 8K in 16 bits a channel.
const MOST: u32 = 1 << 30;

/// What to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// A launch fragment.
    Element(String),
    /// A model for `avrec-infer`, with properties as text.
    Model {
        path: std::path::PathBuf,
        properties: Vec<(String, String)>,
    },
}

/// What the command asks for.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// Start this; answered by [`Reply::Opened`].
    Open(Source),
    /// Run on one item, whose bytes stand behind the head; answered by [`Reply::Answered`].
    Run(Item),
}

/// One item: a frame, or the buffers of a stretch of sound.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Item {
    pub caps: String,
    pub buffers: Vec<Piece>,
}

/// One buffer of an item.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Piece {
    pub pts_ns: u64,
    pub duration_ns: u64,
    pub bytes: usize,
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// It runs, and listens instead of looking where `listens`.
    Opened {
        listens: bool,
    },
    Answered(Outcome),
    /// Nothing more comes of this worker.
    Failed(String),
}

/// What came of one item; samples of pictures and of sound stand behind the head.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How long each buffer took to come out, in nanoseconds.
    pub latencies_ns: Vec<u64>,
    /// Time of the worker's processors, in nanoseconds.
    pub processor_ns: u64,
    /// Bytes of memory that the worker has beyond what it had before the model was loaded.
    pub memory: u64,
    /// `None` where nothing came out.
    pub answer: Option<Heard>,
    /// What was assumed of the model, and warnings, that were not told yet.
    pub notes: Vec<String>,
    /// The task, where the model is one of `avrec-infer`.
    pub task: Option<String>,
}

/// What an answer carries; classes are names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Heard {
    Boxes(Vec<NamedBox>),
    /// Names and confidences.
    Classes(Vec<(String, f32)>),
    /// A class for each cell, behind the head.
    ClassMap {
        width: usize,
        height: usize,
    },
    /// Coverage of each cell, behind the head.
    Matte {
        width: usize,
        height: usize,
    },
    Instances(Vec<NamedMask>),
    Score(f32),
    Text {
        text: String,
        confidence: f32,
    },
    /// Luma, and alpha where there is one, behind the head.
    Picture {
        width: usize,
        height: usize,
        has_alpha: bool,
    },
    /// 32-bit floats, one channel after the other, behind the head.
    Sound {
        rate: u32,
        channels: usize,
        pts_ns: Option<u64>,
    },
}

/// A box in shares of the frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedBox {
    pub name: String,
    pub confidence: f32,
    /// Left, top, width, height.
    pub region: [f32; 4],
}

/// A box with its mask: coverage of each cell, as hexadecimal digits would be too long, as numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedMask {
    pub found: NamedBox,
    pub width: usize,
    pub height: usize,
    pub coverage: Vec<u8>,
}

/// Sends a head and the parts behind it.
pub fn send(to: &mut impl Write, head: &impl Serialize, parts: &[&[u8]]) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    let bytes = parts.iter().map(|it| it.len()).sum();
    for length in [head.len(), bytes] {
        let length = u32::try_from(length).ok().filter(|it| *it <= MOST);
        let length = length.ok_or_else(|| io::Error::from(ErrorKind::FileTooLarge))?;
        to.write_all(&length.to_le_bytes())?;
    }
    to.write_all(&head)?;
    parts.iter().try_for_each(|it| to.write_all(it))?;
    to.flush()
}

/// Receives a head and the bytes behind it; `None` where the other side has gone.
pub fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<(T, Vec<u8>)>> {
    let mut lengths = [0; 8];
    match from.read_exact(&mut lengths) {
        Err(err) if err.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        done => done?,
    }
    let length = |at: usize| {
        let bytes = [0, 1, 2, 3].map(|it| lengths[at + it]);
        Some(u32::from_le_bytes(bytes)).filter(|it| *it <= MOST)
    };
    let (Some(head), Some(bytes)) = (length(0), length(4)) else {
        return Err(ErrorKind::FileTooLarge.into());
    };
    let read = |from: &mut dyn Read, length: u32| {
        let mut part = vec![0; length as usize];
        from.read_exact(&mut part).map(|()| part)
    };
    let head = read(from, head)?;
    let part = read(from, bytes)?;
    Ok(Some((serde_json::from_slice(&head)?, part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_received() {
        let mut sent = Vec::new();
        send(&mut sent, &Reply::Failed("no model".into()), &[&[1, 2], &[3]]).unwrap();
        let mut from = &sent[..];
        let (reply, bytes) = receive::<Reply>(&mut from).unwrap().unwrap();
        assert!(matches!(reply, Reply::Failed(cause) if cause == "no model"));
        assert_eq!(bytes, [1, 2, 3]);
        assert!(
            receive::<Reply>(&mut from).unwrap().is_none(),
            "the other side has gone"
        );
    }

    #[test]
    fn a_length_beyond_all_measure_is_refused() {
        let mut from = &[0xff; 8][..];
        assert!(receive::<Reply>(&mut from).is_err());
    }
}
