// SPDX-License-Identifier: MPL-2.0

//! A server for the Open Inference Protocol that does what real ones do not do on demand: it delays, stalls, cuts, and
//! answers with what is wrong. By gRPC and over HTTP on one port, with TLS or without.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use parking_lot::Mutex;
use prost::Message;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// What the server does with requests for answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Manner {
    /// The values, each subtracted from one.
    #[default]
    Inverts,
    /// No answer, with the connection open.
    Stalls,
    /// The connection ends in the middle of an answer.
    Cuts,
    /// Bytes that are no answer.
    Garbage,
    /// An answer of half the height.
    WrongShape,
    /// An answer of another type.
    WrongType,
    /// An answer with more bytes than its shape has.
    TooLong,
    /// An answer of as many bytes, all zero.
    Huge(usize),
    /// An error.
    Fails(u32, &'static str),
    /// Whatever this returns for the request's bytes.
    Answers(Bytes),
}

/// What it says and does, which tests change at any time.
#[derive(Debug, Clone)]
pub struct Behavior {
    pub manner: Manner,
    /// Time until an answer, and until what is answered to calls that do nothing.
    pub delay: Duration,
    pub is_ready: bool,
    /// Datatype and shape of the input `frame` and of the output `picture`.
    pub input: (&'static str, Vec<i64>),
    pub output: (&'static str, Vec<i64>),
    /// Whether answers come as typed values.
    pub is_typed: bool,
    /// What `authorization` must hold.
    pub token: Option<String>,
    /// Whether tensors over HTTP may be bytes.
    pub is_binary: bool,
    /// Bytes that a request may have.
    pub most_bytes: usize,
}

impl Default for Behavior {
    fn default() -> Behavior {
        Behavior {
            manner: Manner::Inverts,
            delay: Duration::ZERO,
            is_ready: true,
            input: ("FP32", vec![1, 3, -1, -1]),
            output: ("FP32", vec![1, 3, -1, -1]),
            is_typed: false,
            token: None,
            is_binary: true,
            most_bytes: 4 << 20,
        }
    }
}

#[derive(Default)]
struct Counts {
    connections: AtomicU64,
    open: AtomicU64,
    answers: AtomicU64,
}

struct Shared {
    behavior: Mutex<Behavior>,
    counts: Counts,
    last_request: Mutex<Bytes>,
}

/// A server on the loopback; it ends, with all connections, when it is dropped.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    runtime: Option<Runtime>,
}

#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    datatype: String,
    #[prost(int64, repeated, tag = "3")]
    shape: Vec<i64>,
    #[prost(message, optional, tag = "5")]
    contents: Option<Contents>,
}

#[derive(Clone, PartialEq, Message)]
struct Contents {
    #[prost(float, repeated, tag = "6")]
    floats: Vec<f32>,
}

#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "3")]
    platform: String,
    #[prost(message, repeated, tag = "4")]
    inputs: Vec<Tensor>,
    #[prost(message, repeated, tag = "5")]
    outputs: Vec<Tensor>,
}

#[derive(Clone, PartialEq, Message)]
struct Ready {
    #[prost(bool, tag = "1")]
    ready: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct Infer {
    #[prost(string, tag = "1")]
    pub model_name: String,
    #[prost(message, repeated, tag = "5")]
    inputs: Vec<Tensor>,
    #[prost(bytes = "bytes", repeated, tag = "7")]
    pub raw: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(string, tag = "1")]
    model_name: String,
    #[prost(message, repeated, tag = "5")]
    outputs: Vec<Tensor>,
    #[prost(bytes = "bytes", repeated, tag = "6")]
    raw: Vec<Bytes>,
}

type Body = http_body_util::combinators::BoxBody<Bytes, std::io::Error>;

impl Server {
    pub fn start() -> Server {
        Server::with(None)
    }

    /// With TLS, by a certificate and its key in DER.
    pub fn encrypted(certificate: Vec<u8>, key: Vec<u8>) -> Server {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], key.try_into().unwrap());
        let mut config = config.unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Server::with(Some(TlsAcceptor::from(Arc::new(config))))
    }

    fn with(tls: Option<TlsAcceptor>) -> Server {
        let mut server = Server {
            shared: Arc::new(Shared {
                behavior: Mutex::default(),
                counts: Counts::default(),
                last_request: Mutex::default(),
            }),
            address: ([127, 0, 0, 1], 0).into(),
            tls,
            runtime: None,
        };
        server.revive();
        server
    }

    /// Ends with all its connections, as a process that is killed.
    pub fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        self.shared.counts.open.store(0, Ordering::SeqCst);
    }

    /// Is there again at the same port.
    pub fn revive(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = loop {
            // The port of one that was killed is free when its last socket is.
            match std::net::TcpListener::bind(self.address) {
                Ok(listener) => break listener,
                Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        };
        listener.set_nonblocking(true).unwrap();
        self.address = listener.local_addr().unwrap();
        let (shared, tls) = (self.shared.clone(), self.tls.clone());
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                shared.counts.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(shared.clone(), tls.clone(), stream));
            }
        });
        self.runtime = Some(runtime);
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address of the model in a launch line.
    pub fn model(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}/invert", self.port())
    }

    pub fn set(&self, change: impl FnOnce(&mut Behavior)) {
        change(&mut self.shared.behavior.lock());
    }

    /// Connections that were ever made.
    pub fn connections(&self) -> u64 {
        self.shared.counts.connections.load(Ordering::SeqCst)
    }

    /// Connections that are there.
    pub fn open(&self) -> u64 {
        self.shared.counts.open.load(Ordering::SeqCst)
    }

    /// Answers that were sent whole.
    pub fn answers(&self) -> u64 {
        self.shared.counts.answers.load(Ordering::SeqCst)
    }

    /// The last request for an answer, as it came over gRPC.
    pub fn last_request(&self) -> Bytes {
        self.shared.last_request.lock().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn serve(shared: Arc<Shared>, tls: Option<TlsAcceptor>, stream: TcpStream) {
    shared.counts.open.fetch_add(1, Ordering::SeqCst);
    let within = shared.clone();
    let service = service_fn(move |request| respond(within.clone(), request));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let window = Some(4 << 20);
    builder
        .http2()
        .initial_stream_window_size(window)
        .initial_connection_window_size(window);
    // Ends with an error where the other side breaks off.
    let _ = match tls {
        None => builder.serve_connection(TokioIo::new(stream), service).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => builder.serve_connection(TokioIo::new(stream), service).await,
            Err(_) => Ok(()),
        },
    };
    shared.counts.open.fetch_sub(1, Ordering::SeqCst);
}

async fn respond(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let behavior = shared.behavior.lock().clone();
    let is_grpc = request
        .headers()
        .get("content-type")
        .is_some_and(|it| it.as_bytes().starts_with(b"application/grpc"));
    let path = request.uri().path().to_owned();
    let token = request.headers().get("authorization").cloned();
    let head = request.headers().get("inference-header-content-length").cloned();
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(status(13, "the request was cut")),
    };
    // A delay, and none that a test waits for by itself.
    let _ = tokio::time::timeout(behavior.delay, std::future::pending::<()>()).await;
    let wanted = behavior.token.as_ref().map(|it| format!("Bearer {it}"));
    if wanted.is_some() && token.as_ref().and_then(|it| it.to_str().ok()) != wanted.as_deref() {
        return Ok(match is_grpc {
            true => status(16, "no token that is known"),
            false => rest(401, b"no token that is known".to_vec()),
        });
    }
    Ok(match is_grpc {
        true => grpc(&shared, &behavior, &path, body).await,
        false => over_http(&shared, &behavior, &path, head, body),
    })
}

async fn grpc(shared: &Shared, behavior: &Behavior, path: &str, body: Bytes) -> Response<Body> {
    let message = body.slice(5.min(body.len())..);
    let method = path.rsplit('/').next().unwrap_or_default();
    match method {
        "ServerLive" => whole(Ready { ready: true }.encode_to_vec()),
        "ModelReady" => whole(
            Ready {
                ready: behavior.is_ready,
            }
            .encode_to_vec(),
        ),
        "ModelMetadata" => whole(metadata(behavior).encode_to_vec()),
        "ModelInfer" => infer(shared, behavior, message).await,
        _ => status(12, "Method not found!"),
    }
}

fn metadata(behavior: &Behavior) -> Metadata {
    let tensor = |name: &str, (datatype, shape): &(&str, Vec<i64>)| Tensor {
        name: name.into(),
        datatype: (*datatype).into(),
        shape: shape.clone(),
        contents: None,
    };
    Metadata {
        name: "invert".into(),
        platform: "test".into(),
        inputs: vec![tensor("frame", &behavior.input)],
        outputs: vec![tensor("picture", &behavior.output)],
    }
}

fn inverted(raw: &[u8]) -> Vec<f32> {
    let values = raw
        .chunks_exact(4)
        .map(|it| f32::from_le_bytes(it.try_into().unwrap()));
    values.map(|it| 1.0 - it).collect()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|it| it.to_le_bytes()).collect()
}

async fn infer(shared: &Shared, behavior: &Behavior, message: Bytes) -> Response<Body> {
    if behavior.most_bytes < message.len() {
        let text = format!(
            "SERVER: Received message larger than max ({} vs. {})",
            message.len(),
            behavior.most_bytes
        );
        return status(8, &text);
    }
    *shared.last_request.lock() = message.clone();
    let Ok(request) = Infer::decode(message) else {
        return status(3, "no request");
    };
    let shape = request
        .inputs
        .first()
        .map(|it| it.shape.clone())
        .unwrap_or_default();
    let values = request.raw.first().map(|it| inverted(it)).unwrap_or_default();
    let tensor = |datatype: &str, shape: Vec<i64>| Tensor {
        name: "picture".into(),
        datatype: datatype.into(),
        shape,
        contents: None,
    };
    let answer = |tensor: Tensor, raw: Vec<u8>| Answer {
        model_name: "invert".into(),
        outputs: vec![tensor],
        raw: vec![raw.into()],
    };
    let halved = || {
        let mut shape = shape.clone();
        if let Some(height) = shape.iter_mut().rev().nth(1) {
            *height /= 2;
        }
        shape
    };
    let answer = match &behavior.manner {
        Manner::Inverts if behavior.is_typed => Answer {
            outputs: vec![Tensor {
                contents: Some(Contents { floats: values }),
                ..tensor("FP32", shape)
            }],
            ..Answer::default()
        },
        Manner::Inverts => answer(tensor("FP32", shape), bytes(&values)),
        Manner::Stalls => {
            std::future::pending::<()>().await;
            unreachable!()
        }
        Manner::Cuts => return cut(bytes(&values)),
        Manner::Garbage => return whole((0..4096u32).map(|it| (it * 97 % 251) as u8).collect()),
        Manner::WrongShape => {
            let shape = halved();
            let count = shape.iter().product::<i64>() as usize;
            answer(tensor("FP32", shape), bytes(&values[..count]))
        }
        Manner::WrongType => answer(tensor("INT64", shape), bytes(&values)),
        Manner::TooLong => {
            let mut raw = bytes(&values);
            raw.extend([0; 8]);
            answer(tensor("FP32", shape), raw)
        }
        Manner::Huge(count) => answer(tensor("FP32", shape), vec![0; *count]),
        Manner::Fails(code, text) => return status(*code, text),
        Manner::Answers(bytes) => return whole(bytes.to_vec()),
    };
    shared.counts.answers.fetch_add(1, Ordering::SeqCst);
    whole(answer.encode_to_vec())
}

/// An answer of a call that succeeded.
fn whole(message: Vec<u8>) -> Response<Body> {
    let mut framed = vec![0];
    framed.extend((message.len() as u32).to_be_bytes());
    framed.extend(message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    response(vec![
        Ok(Frame::data(framed.into())),
        Ok(Frame::trailers(trailers)),
    ])
}

/// An answer that breaks off.
fn cut(message: Vec<u8>) -> Response<Body> {
    let mut framed = vec![0];
    framed.extend((message.len() as u32).to_be_bytes());
    framed.extend(&message[..message.len() / 2]);
    let broken = std::io::Error::other("cut");
    response(vec![Ok(Frame::data(framed.into())), Err(broken)])
}

fn status(code: u32, text: &str) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.into());
    trailers.insert("grpc-message", HeaderValue::from_str(text).unwrap());
    response(vec![Ok(Frame::trailers(trailers))])
}

fn response(frames: Vec<Result<Frame<Bytes>, std::io::Error>>) -> Response<Body> {
    let body = StreamBody::new(futures_iter(frames));
    let response = Response::builder().header("content-type", "application/grpc");
    response.body(BodyExt::boxed(body)).unwrap()
}

/// A stream of what is there.
fn futures_iter<T: Unpin>(items: Vec<T>) -> impl futures_core::Stream<Item = T> + Send + Sync
where
    T: Send + Sync,
{
    struct Iter<T>(std::vec::IntoIter<T>);
    impl<T: Unpin> futures_core::Stream for Iter<T> {
        type Item = T;
        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<T>> {
            std::task::Poll::Ready(self.0.next())
        }
    }
    Iter(items.into_iter())
}

fn rest(code: u16, body: Vec<u8>) -> Response<Body> {
    let body = StreamBody::new(futures_iter(vec![Ok(Frame::data(body.into()))]));
    Response::builder()
        .status(code)
        .body(BodyExt::boxed(body))
        .unwrap()
}

fn over_http(
    shared: &Shared,
    behavior: &Behavior,
    path: &str,
    head: Option<HeaderValue>,
    body: Bytes,
) -> Response<Body> {
    let json = |value: serde_json::Value| rest(200, value.to_string().into_bytes());
    let tensor = |name: &str, it: &(&str, Vec<i64>)| serde_json::json!([{"name": name, "datatype": it.0, "shape": it.1}]);
    match path {
        "/v2" => {
            let extensions: &[&str] = if behavior.is_binary {
                &["binary_tensor_data"]
            } else {
                &[]
            };
            json(serde_json::json!({"name": "test", "version": "1", "extensions": extensions}))
        }
        "/v2/health/live" => json(serde_json::json!({})),
        "/v2/models/invert/ready" => match behavior.is_ready {
            true => json(serde_json::json!({})),
            false => rest(400, b"not ready".to_vec()),
        },
        "/v2/models/invert" => json(serde_json::json!({
            "name": "invert", "platform": "test",
            "inputs": tensor("frame", &behavior.input), "outputs": tensor("picture", &behavior.output),
        })),
        "/v2/models/invert/infer" => {
            let length = head
                .and_then(|it| it.to_str().ok()?.parse().ok())
                .unwrap_or(body.len());
            let asked: serde_json::Value = serde_json::from_slice(&body[..length]).unwrap();
            let input = &asked["inputs"][0];
            shared.counts.answers.fetch_add(1, Ordering::SeqCst);
            if behavior.is_binary {
                let raw = bytes(&inverted(&body[length..]));
                let said = serde_json::json!({"outputs": [{
                    "name": "picture", "datatype": "FP32", "shape": input["shape"],
                    "parameters": {"binary_data_size": raw.len()},
                }]});
                let mut whole = said.to_string().into_bytes();
                let length = whole.len();
                whole.extend(raw);
                let mut response = rest(200, whole);
                response
                    .headers_mut()
                    .insert("inference-header-content-length", length.into());
                return response;
            }
            let data = input["data"].as_array().unwrap();
            let data: Vec<f64> = data.iter().map(|it| 1.0 - it.as_f64().unwrap()).collect();
            json(serde_json::json!({"outputs": [{
                "name": "picture", "datatype": "FP32", "shape": input["shape"], "data": data,
            }]}))
        }
        _ => rest(404, b"{\"error\":\"unknown\"}".to_vec()),
    }
}
