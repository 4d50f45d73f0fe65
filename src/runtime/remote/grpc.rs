// SPDX-License-Identifier: MPL-2.0

//! Calls by gRPC.

use std::future::Future;
use std::time::Duration;

use http::uri::PathAndQuery;
use prost::Message;
use prost::bytes::Bytes;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use super::address::Address;
use super::fault::Fault;
use super::messages::{Empty, Metadata, Named, SERVICE, Statistics, Yes};
use super::request::{self, InferCodec};
use super::tls::{self, CONNECT_TIMEOUT, setting, token};
use crate::runtime::{Error, RemoteOptions};

/// Bytes that are let come in before somebody reads them: answers such as pictures go through without waiting for leave.
const WINDOW: u32 = 8 << 20;

/// Time between two looks whether the other side is there, while a request is out, at the least: servers close connections
/// that look more often than twice without a byte of data between.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// A server that is spoken to by gRPC; clones share one connection, which is made again where it was lost.
#[derive(Clone)]
pub(super) struct GrpcServer {
    channel: Channel,
    token: Option<MetadataValue<Ascii>>,
}

impl GrpcServer {
    /// Prepares a connection, which the first call makes. Within the runtime only.
    pub(super) fn new(address: &Address, options: &RemoteOptions) -> Result<GrpcServer, Error> {
        let connector = tls::connector(address, options)?;
        let endpoint = Endpoint::from_shared(address.origin())
            .map_err(|error| {
                setting(
                    "model-file",
                    &address.origin(),
                    error.to_string(),
                    "correct the address",
                )
            })?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .http2_keep_alive_interval(KEEP_ALIVE.max(options.timeout() / 2))
            .keep_alive_timeout(KEEP_ALIVE)
            .keep_alive_while_idle(false);
        Ok(GrpcServer {
            channel: endpoint.connect_with_connector_lazy(connector),
            // Each value that goes for HTTP goes here, too.
            token: token(options)?.and_then(|it| Some(sensitive(it.to_str().ok()?.parse().ok()?))),
        })
    }

    /// Makes a call of small messages.
    async fn call<A, B>(&self, name: &'static str, message: A, timeout: Duration) -> Result<B, Fault>
    where
        A: Message + 'static,
        B: Message + Default + 'static,
    {
        let mut grpc = Grpc::new(self.channel.clone());
        let path = path(name);
        let request = self.request(message, timeout);
        within(timeout, 0, async move {
            ready(&mut grpc).await?;
            let answer = grpc.unary(request, path, ProstCodec::<A, B>::default()).await?;
            Ok(answer.into_inner())
        })
        .await
    }

    pub(super) async fn is_live(&self, timeout: Duration) -> Result<bool, Fault> {
        let answer: Yes = self.call("ServerLive", Empty {}, timeout).await?;
        Ok(answer.yes)
    }

    pub(super) async fn is_ready(&self, model: Named, timeout: Duration) -> Result<bool, Fault> {
        let answer: Yes = self.call("ModelReady", model, timeout).await?;
        Ok(answer.yes)
    }

    pub(super) async fn metadata(&self, model: Named, timeout: Duration) -> Result<Metadata, Fault> {
        self.call("ModelMetadata", model, timeout).await
    }

    pub(super) async fn statistics(&self, model: Named, timeout: Duration) -> Result<Statistics, Fault> {
        self.call("ModelStatistics", model, timeout).await
    }

    /// Asks for an answer, which has at most `limit` bytes.
    pub(super) async fn infer(
        &self,
        message: request::Request,
        limit: usize,
        timeout: Duration,
    ) -> Result<Bytes, Fault> {
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(limit);
        let bytes = message.head.len() + message.load.lock().bytes();
        let request = self.request(message, timeout);
        let path = PathAndQuery::from_static("/inference.GRPCInferenceService/ModelInfer");
        within(timeout, bytes, async move {
            ready(&mut grpc).await?;
            Ok(grpc.unary(request, path, InferCodec).await?.into_inner())
        })
        .await
    }

    fn request<T>(&self, message: T, timeout: Duration) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(timeout);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        request
    }
}

/// Waits for a call, as long as `timeout` says.
async fn within<T>(
    timeout: Duration,
    bytes: usize,
    call: impl Future<Output = Result<T, Status>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(timeout, call).await {
        Ok(result) => result.map_err(|status| Fault::of(&status, bytes, timeout)),
        Err(_) => Err(Fault::late(timeout)),
    }
}

async fn ready(grpc: &mut Grpc<Channel>) -> Result<(), Status> {
    grpc.ready()
        .await
        .map_err(|error| Status::from_error(Box::new(error)))
}

fn path(name: &str) -> PathAndQuery {
    let path = format!("{SERVICE}{name}");
    path.parse().unwrap_or_else(|_| PathAndQuery::from_static("/"))
}

fn sensitive(mut value: MetadataValue<Ascii>) -> MetadataValue<Ascii> {
    value.set_sensitive(true);
    value
}
