// SPDX-License-Identifier: MPL-2.0

//! Models on servers, by the Open Inference Protocol (KServe's version 2), which Triton, MLServer, KServe and OpenVINO Model
//! Server speak: by gRPC with tensors as they are in memory, or over HTTP.
//!
//! One request a user is out at a time, and its answer is waited for, also where it comes too late for its frame: a deadline
//! does not free a server, and how late answers come is what is to be known of it. What ends a wait is `timeout`, which is
//! for servers that do not answer at all.

mod address;
mod answer;
mod binding;
mod datatype;
mod fault;
mod grpc;
mod messages;
mod picture;
mod request;
mod rest;
mod server;
mod threads;
mod tls;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use sha2::{Digest, Sha256};

use self::address::Address;
use self::binding::RemoteModel;
use self::messages::{Metadata, TensorMetadata};
use self::server::Server;
use super::backend::{Backend, Executable, Opened, Weights};
use super::backend_names::REMOTE;
use super::failure::Failure;
use super::files_read::FilesRead;
use super::onnx::{Graph, Port};
use super::options::Encoding;
use super::signature::{Beside, Signature};
use super::{Error, Options, Stop, modelinfo};
use crate::tensor::{Dim, ElementType};

#[doc(hidden)]
pub use self::answer::read_anything;

/// Servers, reached by an address in place of a file.
pub(super) struct RemoteBackend;

/// How long a server may take to say what a model is: longer than for an answer, since it is a load.
const METADATA_TIMEOUT: Duration = Duration::from_secs(3);

impl Backend for RemoteBackend {
    fn name(&self) -> &'static str {
        REMOTE
    }

    fn threads(&self, _: &Options) -> Result<usize, Error> {
        Ok(1)
    }

    fn open(&self, source: &Path, options: &Options) -> Result<Opened, Error> {
        let address = Address::parse(source)?;
        if !options.sha256.is_empty() {
            return Err(Error::Setting {
                key: "sha256",
                value: options.sha256.clone(),
                cause: "is of a file, and no server tells it".into(),
                remedy: "unset it for a model on a server".into(),
            });
        }
        let remote = options.remote.clone();
        let work = async move {
            let server = Arc::new(Server::new(address, &remote)?);
            let metadata = server.metadata(METADATA_TIMEOUT.max(remote.timeout())).await;
            Ok::<_, Error>((server, metadata))
        };
        let of_cause = |cause| Error::server(source, cause, "free some of the process's threads");
        let (server, metadata) = threads::wait(work, &Stop::default())
            .map_err(|failure| failure.error(source, options, of_cause))??;
        let metadata = metadata.map_err(|fault| {
            Failure::from(fault).error(source, options, |it| Error::server(source, it, ""))
        })?;
        if options.remote.encoding == Encoding::Jpeg && !server.takes_bytes() {
            return Err(Error::Setting {
                key: "encoding",
                value: "jpeg".into(),
                cause: "needs bytes, and this server takes numbers in JSON only over HTTP".into(),
                remedy: "write its address for gRPC (grpc:// or grpcs://)".into(),
            });
        }
        let graph = graph(source, &metadata, options)?;
        let beside = Beside {
            info: modelinfo::load_for(source, options)?,
            companion: None,
        };
        let mut hash = Sha256::new();
        hash.update(source.as_os_str().as_encoded_bytes());
        hash.update(metadata.encode_to_vec());
        hash.update(format!("{:?} {:?}", beside.info, options.remote));
        let written = hash.clone().finalize().into();
        let signature = Signature::of(source, graph, beside, options)?;
        hash.update(format!("{signature:?}"));
        let model = Arc::new(RemoteModel::new(server, &metadata, &signature.model, options));
        Ok(Opened {
            content: hash.finalize().into(),
            written,
            digest: written,
            files: FilesRead::default(),
            signature,
            weights: Weights::Beside,
            load: Arc::new(move |_, _| {
                model.watch();
                Ok(model.clone() as Arc<dyn Executable>)
            }),
        })
    }
}

/// What the server says of the model, as a file would.
fn graph(source: &Path, metadata: &Metadata, options: &Options) -> Result<Graph, Error> {
    if metadata.inputs.is_empty() || metadata.outputs.is_empty() {
        let cause = format!(
            "does not say what goes into the model '{}' and comes out",
            metadata.name
        );
        let remedy = "declare its inputs and outputs there (MLServer: inputs and outputs in model-settings.json; Triton: \
                      config.pbtxt)";
        return Err(Error::server(source, cause, remedy));
    }
    let mut inputs: Vec<Port> = metadata
        .inputs
        .iter()
        .map(|it| port(it, Some(Vec::new())))
        .collect();
    let takes_encoded = metadata.inputs[0].datatype == datatype::BYTES;
    match (options.remote.encoding, takes_encoded) {
        (Encoding::Jpeg, true) => {
            let dynamic = || Dim::Dynamic(String::new());
            inputs[0].element_type = Ok(ElementType::U8);
            inputs[0].dims = Some(vec![Dim::Fixed(1), dynamic(), dynamic(), Dim::Fixed(3)]);
        }
        (Encoding::Jpeg, false) => {
            return Err(Error::Setting {
                key: "encoding",
                value: "jpeg".into(),
                cause: format!(
                    "is for models that decode, and this one takes {}",
                    metadata.inputs[0].datatype
                ),
                remedy: "set encoding=raw, or put a decoder before the model on the server".into(),
            });
        }
        (Encoding::Raw, true) => {
            let cause = "has a model that takes pictures as they are in files (BYTES)";
            return Err(Error::server(source, cause, "set encoding=jpeg"));
        }
        (Encoding::Raw, false) => {}
    }
    Ok(Graph {
        inputs,
        outputs: metadata.outputs.iter().map(|it| port(it, None)).collect(),
        external_data: Vec::new(),
        metadata: Default::default(),
        producer: metadata.platform.clone(),
        opset: 0,
        making: Default::default(),
        bounds: Default::default(),
    })
}

/// Servers say of a scalar that it has no dimensions, and of a shape that they do not know the same: of an input it is a
/// scalar, such as the sample rate of a voice-activity model, and what an output has is seen in the run at load.
fn port(tensor: &TensorMetadata, without_dims: Option<Vec<Dim>>) -> Port {
    let dim = |&size: &i64| usize::try_from(size).map_or(Dim::Dynamic(String::new()), Dim::Fixed);
    Port {
        name: tensor.name.clone(),
        element_type: datatype::named(&tensor.datatype),
        dims: match tensor.shape.as_slice() {
            [] => without_dims,
            shape => Some(shape.iter().map(dim).collect()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, datatype: &str, shape: &[i64]) -> TensorMetadata {
        TensorMetadata {
            name: name.into(),
            datatype: datatype.into(),
            shape: shape.to_vec(),
        }
    }

    fn signature(inputs: Vec<TensorMetadata>, outputs: Vec<TensorMetadata>) -> Result<Signature, Error> {
        let metadata = Metadata {
            name: "model".into(),
            inputs,
            outputs,
            ..Metadata::default()
        };
        let (source, options) = (Path::new("grpc://host:1/model"), Options::default());
        let graph = graph(source, &metadata, &options)?;
        Signature::of(source, graph, Beside::default(), &options)
    }

    #[test]
    fn a_scalar_among_the_inputs_is_one() {
        // As MLServer describes silero-vad.
        let inputs = vec![
            tensor("input", "FP32", &[-1, -1]),
            tensor("state", "FP32", &[2, -1, 128]),
            tensor("sr", "INT64", &[]),
        ];
        let outputs = vec![tensor("output", "FP32", &[-1, 1]), tensor("stateN", "FP32", &[])];
        let model = signature(inputs, outputs).unwrap().model;
        assert!(model.hears_voice && model.states.len() == 1 && model.further.len() == 1);
    }

    #[test]
    fn what_to_write_goes_where_a_server_has_no_file() {
        let inputs = vec![tensor("x", "FP32", &[1, 7, 8, 9]), tensor("odd", "FP32", &[1])];
        let error = signature(inputs, vec![tensor("y", "FP32", &[1, 4])])
            .unwrap_err()
            .to_string();
        assert!(!error.contains("beside it"), "{error}");
        let inputs = vec![tensor("x", "FP32", &[1, 3, 8, 8]), tensor("odd", "FP32", &[1])];
        let error = signature(inputs, vec![tensor("y", "FP32", &[1, 4])])
            .unwrap_err()
            .to_string();
        assert!(error.contains("of a file that modelinfo-file names"), "{error}");
    }
}
