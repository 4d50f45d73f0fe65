// SPDX-License-Identifier: MPL-2.0

//! Serves ONNX models of float32 tensors from furnace-server, a server written in Rust, run by rten, until it is ended.
//! The name of a model is that of its file.
//!
//! usage: furnace-onnx --address ADDRESS --grpc PORT --http PORT MODEL.onnx ...

use std::path::PathBuf;
use std::{env, error, process};

use furnace::{DataType, FurnaceError, HostTensor, IoSpec, Model, ModelError, Server, TensorModel, Values};
use rten::{Dimension, NodeId, Value, ValueOrView};
use rten_tensor::prelude::*;

/// A model of rten, and what it takes and gives.
struct Onnx {
    name: String,
    model: rten::Model,
    inputs: Vec<IoSpec>,
    outputs: Vec<IoSpec>,
}

impl Onnx {
    fn load(path: &PathBuf) -> Result<Self, Box<dyn error::Error>> {
        let model = rten::Model::load_file(path)?;
        let specs = |ids: &[NodeId]| ids.iter().map(|id| spec(&model, *id)).collect();
        Ok(Onnx {
            name: path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            inputs: specs(model.input_ids()),
            outputs: specs(model.output_ids()),
            model,
        })
    }
}

/// The server takes the first axis for the batch, and leaves it open.
fn spec(model: &rten::Model, id: NodeId) -> IoSpec {
    let node = model.node_info(id);
    let axes = node.as_ref().and_then(|it| it.shape()).unwrap_or_default();
    let sizes: Vec<Option<usize>> = axes
        .iter()
        .skip(1)
        .map(|it| match it {
            Dimension::Fixed(size) => Some(*size),
            Dimension::Symbolic(_) => None,
        })
        .collect();
    IoSpec::new(
        node.and_then(|it| it.name()).unwrap_or_default(),
        DataType::Fp32,
        &sizes,
    )
}

impl std::fmt::Debug for Onnx {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        to.write_str(&self.name)
    }
}

impl TensorModel for Onnx {
    fn name(&self) -> &str {
        &self.name
    }

    fn backend(&self) -> &str {
        "cpu"
    }

    fn inputs(&self) -> Vec<IoSpec> {
        self.inputs.clone()
    }

    fn outputs(&self) -> Vec<IoSpec> {
        self.outputs.clone()
    }

    fn fixed_batch(&self) -> Option<usize> {
        Some(1)
    }

    fn run(&self, inputs: Vec<HostTensor>) -> furnace::Result<Vec<HostTensor>> {
        let failed = |cause: String| FurnaceError::Model(ModelError::InferenceFailed(cause));
        let mut values: Vec<(NodeId, ValueOrView)> = Vec::new();
        for (id, input) in self.model.input_ids().iter().zip(inputs) {
            let Values::F32(elements) = input.values else {
                return Err(failed("not float32".into()));
            };
            let value =
                Value::from_shape(&input.shape, elements).map_err(|error| failed(format!("{error:?}")))?;
            values.push((*id, value.into()));
        }
        let answers = self.model.run(values, self.model.output_ids(), None);
        answers
            .map_err(|error| failed(error.to_string()))?
            .into_iter()
            .map(|answer| match answer {
                Value::FloatTensor(tensor) => Ok(HostTensor {
                    shape: tensor.shape().to_vec(),
                    values: Values::F32(tensor.into_data()),
                }),
                _ => Err(failed("the answer is not float32".into())),
            })
            .collect()
    }
}

/// What the command line says.
struct Given {
    address: String,
    grpc: u16,
    http: u16,
    models: Vec<PathBuf>,
}

fn given() -> Option<Given> {
    let mut given = Given {
        address: "127.0.0.1".into(),
        grpc: 0,
        http: 0,
        models: Vec::new(),
    };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--address" => given.address = arguments.next()?,
            "--grpc" => given.grpc = arguments.next()?.parse().ok()?,
            "--http" => given.http = arguments.next()?.parse().ok()?,
            // This server has neither: metrics are on the port of HTTP.
            "--metrics" | "--max-message" => drop(arguments.next()?),
            _ => given.models.push(argument.into()),
        }
    }
    Some(given)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn error::Error>> {
    let Some(given) = given() else {
        eprintln!("usage: furnace-onnx --address ADDRESS --grpc PORT --http PORT MODEL.onnx ...");
        process::exit(2);
    };
    let mut server = Server::new()
        .host(&given.address)
        .port(given.http)
        .configure(|it| it.grpc_port = Some(given.grpc));
    for path in &given.models {
        server = server.model(Model::custom(Onnx::load(path)?));
    }
    Ok(server.serve().await?)
}
