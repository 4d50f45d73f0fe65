// SPDX-License-Identifier: MPL-2.0

//! Calls over HTTP: tensors as bytes behind a head of JSON where the server has the extension `binary_tensor_data`, else as
//! numbers in JSON, which takes many times as long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prost::bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::fault::Fault;
use super::messages::{Metadata, Named, Statistics, TensorMetadata};
use super::request::Load;
use super::tls::{self, token};
use crate::runtime::backend::Input;
use crate::runtime::buffer;
use crate::runtime::onnx::OtherType;
use crate::runtime::{Error, RemoteOptions};
use crate::tensor::{Data, Tensor, TensorInfo};

/// Bytes that answers without tensors may have.
const SMALL: usize = 4 << 20;

/// Bytes of JSON that one number may take, with its comma and white space.
const BYTES_OF_A_NUMBER: usize = 32;

/// Where the tensors begin, behind the JSON.
const HEAD_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// The name of the extension.
const BINARY: &str = "binary_tensor_data";

/// A server that is spoken to over HTTP.
#[derive(Clone)]
pub(super) struct RestServer {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    origin: Arc<str>,
    token: Option<HeaderValue>,
    /// Whether it takes and gives tensors as bytes.
    is_binary: Arc<AtomicBool>,
}

/// An answer as it came.
pub(super) struct RestAnswer {
    head: Head,
    /// What follows the JSON.
    binary: Bytes,
}

impl RestAnswer {
    /// Bytes of tensors that came as such.
    pub(super) fn bytes(&self) -> usize {
        self.binary.len()
    }
}

#[derive(Deserialize)]
struct ServerMetadata {
    #[serde(default)]
    extensions: Vec<String>,
}

#[derive(Serialize)]
struct Question {
    inputs: Vec<QuestionInput>,
    outputs: Vec<QuestionOutput>,
}

#[derive(Serialize)]
struct QuestionInput {
    name: String,
    datatype: String,
    shape: Vec<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<serde_json::Value>,
}

#[derive(Serialize)]
struct QuestionOutput {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Binary>,
}

#[derive(Serialize)]
struct Binary {
    binary_data: bool,
}

#[derive(Serialize, Deserialize, Clone, Copy, Default)]
#[serde(default)]
struct Size {
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_data_size: Option<usize>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    name: String,
    datatype: String,
    shape: Vec<u64>,
    #[serde(default)]
    parameters: Option<Size>,
    #[serde(default)]
    data: Option<Vec<Number>>,
}

/// A number, or numbers within numbers as some servers write them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    One(f64),
    Several(Vec<Number>),
}

impl RestServer {
    /// Prepares connections, which calls make. Within the runtime only.
    pub(super) fn new(address: &Address, options: &RemoteOptions) -> Result<RestServer, Error> {
        let connector = tls::connector(address, options)?;
        Ok(RestServer {
            client: Client::builder(TokioExecutor::new()).build(connector),
            origin: address.origin().into(),
            token: token(options)?,
            is_binary: Arc::default(),
        })
    }

    /// Sends a request and returns what comes back, of at most `limit` bytes, with the length of its head.
    async fn send(
        &self,
        (method, path): (Method, &str),
        head_length: Option<usize>,
        body: Bytes,
        limit: usize,
        timeout: Duration,
    ) -> Result<(Bytes, Option<usize>), Fault> {
        let sent = body.len();
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.origin));
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token.clone());
        }
        request = match head_length {
            Some(length) => request
                .header(HEAD_LENGTH, length)
                .header(CONTENT_TYPE, "application/octet-stream"),
            None => request.header(CONTENT_TYPE, "application/json"),
        };
        let request = request
            .body(Full::new(body))
            .map_err(|error| Fault::new(format!("cannot be asked: {error}"), "correct the address"))?;
        let exchange = async {
            let response = self.client.request(request).await;
            let response = response.map_err(|error| Fault::unreachable(&error))?;
            let status = response.status();
            let length = response.headers().get(&HEAD_LENGTH);
            let length = length
                .and_then(|it| it.to_str().ok())
                .and_then(|it| it.parse().ok());
            let body = Limited::new(response.into_body(), limit).collect().await;
            let body = body.map_err(|error| Fault::answer(format!("{error} ({limit} bytes)")))?;
            let body = body.to_bytes();
            match status.is_success() {
                true => Ok((body, length)),
                false => Err(Fault::of_http(status.as_u16(), &body, sent)),
            }
        };
        match tokio::time::timeout(timeout, exchange).await {
            Ok(result) => result,
            Err(_) => Err(Fault::late(timeout)),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, timeout: Duration) -> Result<T, Fault> {
        let (body, _) = self
            .send((Method::GET, path), None, Bytes::new(), SMALL, timeout)
            .await?;
        serde_json::from_slice(&body).map_err(Fault::answer)
    }

    async fn is_answered(&self, path: &str, timeout: Duration) -> Result<bool, Fault> {
        let answer = self
            .send((Method::GET, path), None, Bytes::new(), SMALL, timeout)
            .await;
        answer.map(|_| true)
    }

    pub(super) async fn is_live(&self, timeout: Duration) -> Result<bool, Fault> {
        self.is_answered("/v2/health/live", timeout).await
    }

    pub(super) async fn is_ready(&self, model: Named, timeout: Duration) -> Result<bool, Fault> {
        self.is_answered(&format!("{}/ready", path(&model)), timeout)
            .await
    }

    /// Asks what the model is, and whether the server takes bytes.
    pub(super) async fn metadata(&self, model: Named, timeout: Duration) -> Result<Metadata, Fault> {
        let server: ServerMetadata = self.get("/v2", timeout).await?;
        let is_binary = server.extensions.iter().any(|it| it == BINARY);
        self.is_binary.store(is_binary, Ordering::Relaxed);
        self.get(&path(&model), timeout).await
    }

    pub(super) async fn statistics(&self, model: Named, timeout: Duration) -> Result<Statistics, Fault> {
        self.get(&format!("{}/stats", path(&model)), timeout).await
    }

    /// Asks for an answer.
    pub(super) async fn infer(
        &self,
        model: Named,
        question: (Bytes, Option<usize>),
        limit: usize,
        timeout: Duration,
    ) -> Result<RestAnswer, Fault> {
        let (body, head_length) = question;
        let path = format!("{}/infer", path(&model));
        let limit = match self.is_binary() {
            true => limit,
            false => limit.saturating_mul(BYTES_OF_A_NUMBER),
        };
        let (body, length) = self
            .send((Method::POST, &path), head_length, body, limit, timeout)
            .await?;
        let length = length.unwrap_or(body.len());
        if body.len() < length {
            return Err(Fault::answer("its head is longer than the whole"));
        }
        let head = serde_json::from_slice(&body[..length]).map_err(Fault::answer)?;
        Ok(RestAnswer {
            head,
            binary: body.slice(length..),
        })
    }

    pub(super) fn is_binary(&self) -> bool {
        self.is_binary.load(Ordering::Relaxed)
    }

    /// Writes a question: the body, and where in it the tensors begin.
    pub(super) fn question(
        &self,
        load: &Load,
        inputs: &[TensorInfo],
        outputs: &[TensorInfo],
    ) -> (Bytes, Option<usize>) {
        let is_binary = self.is_binary();
        let told = load.told(inputs.iter()).zip(load.contents()).enumerate();
        let question = Question {
            inputs: told
                .map(
                    |(
                        index,
                        (
                            TensorMetadata {
                                name,
                                datatype,
                                shape,
                            },
                            contents,
                        ),
                    )| QuestionInput {
                        name,
                        datatype,
                        shape,
                        parameters: is_binary.then_some(Size {
                            binary_data_size: Some(contents.len()),
                        }),
                        data: (!is_binary).then(|| numbers(&load.inputs[index])),
                    },
                )
                .collect(),
            outputs: outputs
                .iter()
                .map(|it| QuestionOutput {
                    name: it.name.clone(),
                    parameters: is_binary.then_some(Binary { binary_data: true }),
                })
                .collect(),
        };
        // Text and numbers only, which always can be written.
        let mut body = serde_json::to_vec(&question).unwrap_or_default();
        if !is_binary {
            return (body.into(), None);
        }
        let length = body.len();
        body.reserve_exact(load.bytes());
        load.contents().for_each(|it| body.extend_from_slice(it));
        (body.into(), Some(length))
    }
}

/// Reads an answer into `outputs`, which are called and typed as `infos` say, and take at most `limit` bytes each.
pub(super) fn read(
    answer: &RestAnswer,
    infos: &[TensorInfo],
    outputs: &mut [Tensor],
    limit: u64,
) -> Result<(), String> {
    let mut rest = &answer.binary[..];
    for told in &answer.head.outputs {
        let size = told.parameters.and_then(|it| it.binary_data_size);
        let bytes = match size {
            Some(size) => Some(rest.split_off(..size).ok_or("it is cut off")?),
            None => None,
        };
        let Some(index) = infos.iter().position(|it| it.name == told.name) else {
            continue;
        };
        let (info, output) = (&infos[index], &mut outputs[index]);
        let fault =
            |cause: String| format!("its output '{}' of the shape {:?} {cause}", info.name, told.shape);
        let wanted = super::datatype::name(info.element_type, None);
        if told.datatype != wanted {
            let datatype: String = told.datatype.chars().take(32).collect();
            return Err(fault(format!(
                "is '{datatype}' where the model's metadata promise {wanted}"
            )));
        }
        let dims: Vec<usize> = told
            .shape
            .iter()
            .map(|&it| usize::try_from(it).unwrap_or(usize::MAX))
            .collect();
        let count = buffer::element_count(info.element_type, &dims, limit)
            .ok_or_else(|| fault("is larger than what the model may take".into()))?;
        match (bytes, &told.data) {
            (Some(bytes), _) => super::answer::write_raw(bytes, count, &mut output.data).map_err(fault)?,
            (None, Some(numbers)) => {
                let mut flat = Vec::new();
                flatten(numbers, &mut flat);
                if flat.len() != count {
                    return Err(fault(format!("comes with {} values", flat.len())));
                }
                if !buffer::reserve(&mut output.data, count) {
                    return Err(fault("is more than there is memory for".into()));
                }
                buffer::resize(&mut output.data, count);
                match flat.as_slice() {
                    // One number would stand for all.
                    [] => {}
                    flat => buffer::fill_with_numbers(&mut output.data, flat),
                }
            }
            (None, None) => return Err(fault("has no values".into())),
        }
        output.dims = dims;
    }
    let lacks = infos
        .iter()
        .find(|info| !answer.head.outputs.iter().any(|it| it.name == info.name));
    lacks.map_or(Ok(()), |info| Err(format!("it lacks the output '{}'", info.name)))
}

fn flatten(numbers: &[Number], to: &mut Vec<f64>) {
    for number in numbers {
        match number {
            Number::One(value) => to.push(*value),
            Number::Several(within) => flatten(within, to),
        }
    }
}

/// The elements of an input as JSON has them.
fn numbers(input: &Input) -> serde_json::Value {
    match (&input.tensor.data, input.other_type) {
        (Data::U8(values), Some(OtherType::BOOL)) => values.iter().map(|it| *it != 0).collect(),
        (Data::I64(values), Some(OtherType::FLOAT64)) => values
            .iter()
            .map(|it| f64::from_bits(it.cast_unsigned()))
            .collect(),
        (Data::F32(values), _) => values.as_slice().into(),
        (Data::F16(values), _) => values.iter().map(|it| it.to_f32()).collect(),
        (Data::U8(values), _) => values.as_slice().into(),
        (Data::I32(values), _) => values.as_slice().into(),
        (Data::I64(values), _) => values.as_slice().into(),
    }
}

fn path(model: &Named) -> String {
    match model.version.as_str() {
        "" => format!("/v2/models/{}", model.name),
        version => format!("/v2/models/{}/versions/{version}", model.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;

    #[test]
    fn types_that_tensors_do_not_have_go_as_what_they_are() {
        let input = |data, other_type| Input {
            tensor: Tensor { dims: vec![2], data },
            shape: vec![2],
            other_type,
        };
        let truths = input(Data::U8(vec![0, 1]), Some(OtherType::BOOL));
        assert_eq!(numbers(&truths), serde_json::json!([false, true]));
        let bits = [0.5f64, -2.0].map(|it| it.to_bits().cast_signed());
        let wide = input(Data::I64(bits.to_vec()), Some(OtherType::FLOAT64));
        assert_eq!(numbers(&wide), serde_json::json!([0.5, -2.0]));
        assert_eq!(
            numbers(&input(Data::U8(vec![0, 1]), None)),
            serde_json::json!([0, 1])
        );
    }
}
