// SPDX-License-Identifier: MPL-2.0

//! Runs of a model on a server.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use prost::bytes::Bytes;

use super::answer::Reader;
use super::fault::Fault;
use super::messages::Metadata;
use super::picture;
use super::request::{Head, Load, Request};
use super::rest::{self, RestAnswer};
use super::server::{Server, Transport};
use super::threads;
use crate::runtime::backend::{Binding, Executable, Input};
use crate::runtime::failure::Failure;
use crate::runtime::options::Encoding;
use crate::runtime::turns::{AtOnce, Turns};
use crate::runtime::{Model, Options, RemoteTimes, Stop};
use crate::tensor::{Dim, Tensor, TensorInfo};

/// Bytes of an answer besides its tensors: names, shapes and parameters.
const AROUND: u64 = 64 << 10;

/// A model on a server, with what a run needs to know of it.
pub(super) struct RemoteModel {
    server: Arc<Server>,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    /// The shape of an input for pictures as they are in files.
    encoded: Option<Vec<i64>>,
    /// Bytes that an answer may have: what the metadata promise, where they promise something.
    most_bytes: usize,
}

impl RemoteModel {
    pub(super) fn new(
        server: Arc<Server>,
        metadata: &Metadata,
        model: &Model,
        options: &Options,
    ) -> RemoteModel {
        let outputs: Vec<TensorInfo> = model.results().cloned().collect();
        let promised = outputs
            .iter()
            .try_fold(0u64, |sum, it| Some(sum.saturating_add(promised(it)?)));
        let most_bytes = promised.unwrap_or(options.memory_limit).saturating_add(AROUND);
        let is_encoded = options.remote.encoding == Encoding::Jpeg;
        RemoteModel {
            server,
            inputs: model.inputs().cloned().collect(),
            outputs,
            encoded: is_encoded.then(|| metadata.inputs[0].shape.clone()),
            most_bytes: usize::try_from(most_bytes).unwrap_or(usize::MAX),
        }
    }

    /// Looks at the way to the server as long as the model is used.
    pub(super) fn watch(&self) {
        if let Ok(runtime) = threads::runtime() {
            let _within = runtime.enter();
            self.server.watch();
        }
    }
}

/// The most bytes that a message needs for a tensor of the promised shape, with whole numbers one by one; `None` where its
/// shape is open.
fn promised(info: &TensorInfo) -> Option<u64> {
    if info.dims.is_empty() {
        return None;
    }
    info.dims.iter().try_fold(10u64, |bytes, dim| match dim {
        Dim::Fixed(size) => Some(bytes.saturating_mul(*size as u64)),
        Dim::Dynamic(_) => None,
    })
}

impl Executable for RemoteModel {
    fn runs(&self) -> AtOnce {
        AtOnce::Any
    }

    fn bind(self: Arc<Self>, memory_limit: usize, stop: &Stop, turns: Turns) -> Box<dyn Binding> {
        Box::new(RemoteBinding {
            model: self,
            stop: stop.clone(),
            turns,
            memory_limit: memory_limit as u64,
            load: Arc::default(),
            head: Head::default(),
            reader: Reader::default(),
        })
    }

    fn remote_times(&self) -> Option<RemoteTimes> {
        Some(self.server.times())
    }
}

/// The runs of one user.
struct RemoteBinding {
    model: Arc<RemoteModel>,
    stop: Stop,
    turns: Turns,
    memory_limit: u64,
    /// What is on its way; empty between runs.
    load: Arc<Mutex<Load>>,
    head: Head,
    reader: Reader,
}

/// What came back.
enum Answer {
    Grpc(Bytes),
    Rest(RestAnswer),
}

impl Binding for RemoteBinding {
    fn run(&mut self, inputs: &mut [Input], outputs: &mut [Tensor]) -> Result<(), Failure> {
        let turns = self.turns.clone();
        let _turn = turns.take(&self.stop)?;
        {
            let mut load = self.load.lock();
            load.inputs.clear();
            load.inputs.extend(inputs.iter_mut().map(std::mem::take));
        }
        let answer = self.ask();
        // Also where nobody got an answer: what is still on its way finds nothing to send.
        let back = std::mem::take(&mut self.load.lock().inputs);
        inputs.iter_mut().zip(back).for_each(|(place, it)| *place = it);
        let infos = &self.model.outputs;
        let read = match answer? {
            Answer::Grpc(bytes) => self.reader.read(&bytes, infos, outputs, self.memory_limit),
            Answer::Rest(answer) => rest::read(&answer, infos, outputs, self.memory_limit),
        };
        read.map_err(|cause| Fault::answer(cause).into())
    }
}

impl RemoteBinding {
    /// Sends what is loaded and waits for the answer.
    fn ask(&mut self) -> Result<Answer, Failure> {
        let server = self.model.server.clone();
        if let Some(shape) = &self.model.encoded {
            let mut load = self.load.lock();
            let Load { inputs, encoded } = &mut *load;
            if let Some(first) = inputs.first() {
                picture::encode(first, shape, encoded.get_or_insert_default())?;
            }
        }
        let sent = self.load.lock().bytes() as u64;
        server.calls.fetch_add(1, Ordering::Relaxed);
        server.sent.fetch_add(sent, Ordering::Relaxed);
        let (limit, timeout) = (self.model.most_bytes, server.timeout);
        let answer = match &server.transport {
            Transport::Grpc(grpc) => {
                let (grpc, load) = (grpc.clone(), self.load.clone());
                let named = (server.address.model.as_str(), server.address.version.as_str());
                let head = self
                    .head
                    .of(named, &load.lock(), self.model.inputs.iter(), &self.model.outputs);
                let request = Request { head, load };
                let call = async move { grpc.infer(request, limit, timeout).await };
                threads::wait(call, &self.stop)?.map(Answer::Grpc)
            }
            Transport::Rest(rest) => {
                let question = rest.question(&self.load.lock(), &self.model.inputs, &self.model.outputs);
                let (rest, named) = (rest.clone(), server.named());
                let call = async move { rest.infer(named, question, limit, timeout).await };
                threads::wait(call, &self.stop)?.map(Answer::Rest)
            }
        }?;
        let received = match &answer {
            Answer::Grpc(bytes) => bytes.len(),
            Answer::Rest(answer) => answer.bytes(),
        };
        server.received.fetch_add(received as u64, Ordering::Relaxed);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::ElementType;

    #[test]
    fn an_answer_may_be_as_large_as_what_is_promised_and_open_shapes_promise_nothing() {
        let info = |dims| TensorInfo {
            name: "y".into(),
            id: "y".into(),
            element_type: ElementType::F32,
            dims,
        };
        assert_eq!(promised(&info(vec![Dim::Fixed(2), Dim::Fixed(3)])), Some(60));
        assert_eq!(
            promised(&info(vec![Dim::Fixed(2), Dim::Dynamic(String::new())])),
            None
        );
        assert_eq!(promised(&info(Vec::new())), None);
        assert_eq!(promised(&info(vec![Dim::Fixed(usize::MAX); 3])), Some(u64::MAX));
    }
}
