// SPDX-License-Identifier: MPL-2.0

//! The way to the collector, and what it answers.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use rustls::{ClientConfig, RootCertStore};

use super::herald::{Fault, Herald};

#[derive(Debug)]
pub struct Collector {
    client: HyperClient<HttpsConnector<HttpConnector>>,
    herald: Arc<Herald>,
    is_failing: AtomicBool,
}

impl Collector {
    /// One that has `timeout` to answer. An encrypted one is trusted if an authority of the system vouches for it.
    ///
    /// # Errors
    ///
    /// When TLS cannot be set up.
    pub fn new(
        is_encrypted: bool,
        timeout: Duration,
        herald: Arc<Herald>,
    ) -> Result<Collector, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        if is_encrypted {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls);
        let connector = builder.https_or_http().enable_http1().build();
        Ok(Collector {
            client: HyperClient::new(connector, timeout, None),
            herald,
            is_failing: AtomicBool::new(false),
        })
    }

    /// Whether it did not take what was sent to it last.
    pub fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    fn hear(&self, url: &str, answer: &Result<Response<Bytes>, HttpError>) {
        let is_taken = answer.as_ref().is_ok_and(|it| it.status().is_success());
        self.is_failing.store(!is_taken, Ordering::Relaxed);
        match answer {
            Err(error) => self.herald.warn(
                Fault::Unreachable,
                &format!("no spans reach {url}: {}", causes(&**error)),
                "start a collector that takes OTLP over HTTP there, or name the one there is as in \
                 GST_TRACERS='avrec-spans(endpoint=http://127.0.0.1:4318)' or by OTEL_EXPORTER_OTLP_ENDPOINT; the pipeline \
                 runs without",
            ),
            Ok(answer) if !is_taken => self.herald.warn(
                Fault::Refused,
                &format!("{url} refuses spans: {}", answer.status()),
                "see that it takes OTLP over HTTP there (port 4318, not 4317, which is gRPC); what it wants in headers, such \
                 as a key, goes into OTEL_EXPORTER_OTLP_HEADERS; the pipeline runs without",
            ),
            Ok(answer) => {
                let response = ExportTraceServiceResponse::decode(answer.body().clone());
                let partly = response.ok().and_then(|it| it.partial_success);
                if let Some(partly) = partly.filter(|it| 0 < it.rejected_spans) {
                    self.herald.warn(
                        Fault::Rejected,
                        &format!("{url} rejects {} spans: {}", partly.rejected_spans, partly.error_message),
                        "see the collector's log and limits; the pipeline runs on",
                    );
                }
            }
        }
    }
}

/// An error with what it came from.
fn causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |it| (*it).source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let url = request.uri().to_string();
        let answer = self.client.send_bytes(request).await;
        self.hear(&url, &answer);
        answer
    }
}
