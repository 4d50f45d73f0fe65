// SPDX-License-Identifier: MPL-2.0

//! Requests for answers, whose tensors are written from where they are into what is sent, once.

use std::sync::Arc;

use parking_lot::Mutex;
use prost::Message;
use prost::bytes::{BufMut, Bytes};
use prost::encoding::{WireType, encode_key, encode_varint};
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use super::datatype;
use super::messages::{InferHead, OutputName, TensorMetadata};
use crate::runtime::backend::Input;
use crate::runtime::buffer;
use crate::tensor::TensorInfo;

/// Field of `ModelInferRequest` with the bytes of its tensors.
const RAW_INPUT_CONTENTS: u32 = 7;

/// A picture as it is in a file, in place of a tensor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Encoded {
    /// A text of the protocol: its length in four bytes, little end first, and its bytes.
    pub bytes: Vec<u8>,
    /// Its shape, as the metadata want it.
    pub shape: Vec<i64>,
}

/// What goes into a model, while it is on its way.
#[derive(Default)]
pub(super) struct Load {
    pub inputs: Vec<Input>,
    /// Stands for the first input.
    pub encoded: Option<Encoded>,
}

impl Load {
    /// What is sent, in the order of the inputs.
    pub(super) fn contents(&self) -> impl Iterator<Item = &[u8]> {
        let encoded = self.encoded.as_ref();
        let first = encoded.map(|it| it.bytes.as_slice());
        let tensors = self.inputs.iter().skip(usize::from(encoded.is_some()));
        first
            .into_iter()
            .chain(tensors.map(|it| buffer::as_bytes(&it.tensor.data)))
    }

    pub(super) fn bytes(&self) -> usize {
        self.contents().map(<[u8]>::len).sum()
    }

    /// Names, types and shapes of what is sent.
    pub(super) fn told<'a>(
        &'a self,
        names: impl Iterator<Item = &'a TensorInfo> + 'a,
    ) -> impl Iterator<Item = TensorMetadata> + 'a {
        self.inputs
            .iter()
            .zip(names)
            .enumerate()
            .map(|(index, (input, info))| {
                let encoded = self.encoded.as_ref().filter(|_| index == 0);
                let own = datatype::name(buffer::element_type(&input.tensor.data), input.other_type);
                TensorMetadata {
                    name: info.name.clone(),
                    datatype: encoded.map_or(own, |_| datatype::BYTES).to_owned(),
                    shape: match encoded {
                        Some(encoded) => encoded.shape.clone(),
                        None => input.shape.iter().map(|&it| it as i64).collect(),
                    },
                }
            })
    }
}

/// The beginning of requests, which stays as long as the shapes do.
#[derive(Debug, Default)]
pub(super) struct Head {
    shapes: Vec<Vec<usize>>,
    encoded: Bytes,
}

impl Head {
    /// Returns the bytes of all but the contents.
    pub(super) fn of<'a>(
        &mut self,
        (model, version): (&str, &str),
        load: &Load,
        inputs: impl Iterator<Item = &'a TensorInfo>,
        outputs: &[TensorInfo],
    ) -> Bytes {
        let shapes = load.inputs.iter().map(|it| &it.shape);
        let is_same = self.shapes.iter().eq(shapes.clone());
        if is_same && !self.encoded.is_empty() {
            return self.encoded.clone();
        }
        self.shapes = shapes.cloned().collect();
        let infos: Vec<&TensorInfo> = inputs.collect();
        let head = InferHead {
            model_name: model.to_owned(),
            model_version: version.to_owned(),
            inputs: load.told(infos.into_iter()).collect(),
            outputs: outputs
                .iter()
                .map(|it| OutputName {
                    name: it.name.clone(),
                })
                .collect(),
        };
        self.encoded = head.encode_to_vec().into();
        self.encoded.clone()
    }
}

/// A request on its way: who sent it takes its tensors back when the call is over.
#[derive(Clone)]
pub(super) struct Request {
    pub head: Bytes,
    pub load: Arc<Mutex<Load>>,
}

/// Writes requests, and hands answers on as they come.
pub(super) struct InferCodec;

impl Codec for InferCodec {
    type Encode = Request;
    type Decode = Bytes;
    type Encoder = InferCodec;
    type Decoder = InferCodec;

    fn encoder(&mut self) -> InferCodec {
        InferCodec
    }

    fn decoder(&mut self) -> InferCodec {
        InferCodec
    }
}

impl Encoder for InferCodec {
    type Item = Request;
    type Error = Status;

    fn encode(&mut self, request: Request, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let load = request.load.lock();
        if load.inputs.is_empty() {
            return Err(Status::cancelled("nobody waits for the answer any more"));
        }
        // Key and length of each tensor take at most 11 bytes.
        to.reserve(request.head.len() + load.bytes() + 11 * load.inputs.len());
        to.put_slice(&request.head);
        for contents in load.contents() {
            encode_key(RAW_INPUT_CONTENTS, WireType::LengthDelimited, to);
            encode_varint(contents.len() as u64, to);
            to.put_slice(contents);
        }
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        // The encoder makes room for the whole of a request by itself.
        BufferSettings::new(16, usize::MAX)
    }
}

impl Decoder for InferCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        use prost::bytes::Buf;
        let length = from.remaining();
        Ok(Some(from.copy_to_bytes(length)))
    }
}
