// SPDX-License-Identifier: MPL-2.0

//! The server: HTTP/1.1 on a thread of its own, for whoever reads. It takes nothing but GET, and as much of it as is needed.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use http::header::{ACCEPT, ALLOW, CONTENT_TYPE, HOST, X_CONTENT_TYPE_OPTIONS};
use http::uri::Authority;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time;

/// Connections at the same time; for one more the oldest is closed.
const MOST_CONNECTIONS: usize = 64;
/// Bytes of a request before its body; there is no body.
const MOST_REQUEST: usize = 8 * 1024;
/// Time to send a request.
const REQUEST_TIME: Duration = Duration::from_secs(5);
/// Time from the start of a connection to the last byte of its answer.
const CONNECTION_TIME: Duration = Duration::from_secs(15);
/// Time until the next attempt where a connection could not be taken, since the process has no room for one more file.
const PAUSE: Duration = Duration::from_millis(100);

const ROOT_TEXT: &str = concat!(
    "avrec ",
    env!("CARGO_PKG_VERSION"),
    "\nWhat its elements do, for Prometheus: /metrics\n"
);

/// How the series are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format of Prometheus before that, 0.0.4.
    Text,
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// What the reader takes: OpenMetrics where he names it, else plain text.
    fn wanted(headers: &HeaderMap) -> Format {
        let accepted = headers.get_all(ACCEPT).iter().filter_map(|it| it.to_str().ok());
        let mut ranges = accepted.flat_map(|it| it.split(','));
        let is_open_metrics = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            let is_named = parts.next() == Some("application/openmetrics-text");
            let is_refused = |it: &str| it.strip_prefix("q=").is_some_and(|it| it.parse() == Ok(0.0));
            is_named && !parts.any(is_refused)
        };
        match ranges.any(is_open_metrics) {
            true => Format::OpenMetrics,
            false => Format::Text,
        }
    }
}

/// Gives the series in a format.
pub type Source = dyn Fn(Format) -> Result<String, std::fmt::Error> + Send + Sync;

/// A server, up to its drop.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    _stop: oneshot::Sender<Infallible>,
}

impl Server {
    /// Serves what `source` gives, on a thread of its own.
    ///
    /// # Errors
    ///
    /// When the address is taken or none of this machine, or there is no thread to be had.
    pub fn start(address: SocketAddr, source: Box<Source>) -> io::Result<Server> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let serve = move || {
            runtime.block_on(async move {
                // The rest ends with the runtime.
                tokio::spawn(serve(listener, address.ip(), source.into()));
                let _ = stopped.await;
            });
        };
        thread::Builder::new().name("avrec metrics".into()).spawn(serve)?;
        Ok(Server { address, _stop: stop })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(listener: TcpListener, bound: IpAddr, source: Arc<Source>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let mut connections = VecDeque::<JoinHandle<()>>::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            time::sleep(PAUSE).await;
            continue;
        };
        connections.retain(|it| !it.is_finished());
        if connections.len() == MOST_CONNECTIONS {
            // Who scrapes is through at once; the oldest one is slow.
            if let Some(oldest) = connections.pop_front() {
                oldest.abort();
            }
        }
        let source = source.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (method, path) = (request.method(), request.uri().path());
            let answer = answer(method, path, request.headers(), bound, &*source);
            async move { Ok::<_, Infallible>(answer) }
        });
        connections.push_back(tokio::spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(REQUEST_TIME)
                .max_buf_size(MOST_REQUEST)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // Who sends nonsense, or goes, concerns nobody else.
            let _ = time::timeout(CONNECTION_TIME, connection).await;
        }));
    }
}

fn answer(
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    bound: IpAddr,
    source: &Source,
) -> Response<Full<Bytes>> {
    let plain = |status, text: &str| response(status, Format::Text.content_type(), text.to_owned());
    if !is_ours(headers, bound) {
        return plain(
            StatusCode::FORBIDDEN,
            "the Host header must have an IP address or localhost\n",
        );
    }
    if method != Method::GET {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        refusal
            .headers_mut()
            .insert(ALLOW, http::HeaderValue::from_static("GET"));
        return refusal;
    }
    match path {
        "/metrics" => {
            let format = Format::wanted(headers);
            match source(format) {
                Ok(text) => response(StatusCode::OK, format.content_type(), text),
                Err(_) => plain(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the series could not be written\n",
                ),
            }
        }
        "/" => plain(StatusCode::OK, ROOT_TEXT),
        _ => plain(StatusCode::NOT_FOUND, "there is /metrics\n"),
    }
}

fn response(status: StatusCode, content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, http::HeaderValue::from_static("nosniff"));
    response
}

/// Whether no page of a stranger asks: on the loopback interface a browser comes by any name that a stranger lets lead here
/// (DNS rebinding), but an address cannot be led. Whoever listens elsewhere has names of his own.
fn is_ours(headers: &HeaderMap, bound: IpAddr) -> bool {
    let Some(host) = headers.get(HOST) else {
        return true;
    };
    let authority = host.to_str().ok().and_then(|it| it.parse::<Authority>().ok());
    let is_local = authority.is_some_and(|it| {
        let host = it.host().trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok()
    });
    is_local || !bound.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(http::HeaderName, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(http::HeaderName, &'static str)| {
            (name.clone(), http::HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    fn status(method: Method, path: &str, host: &'static str, bound: &str) -> u16 {
        let source = |_| Ok("avrec 1\n".to_owned());
        let bound = bound.parse().unwrap();
        answer(&method, path, &headers(&[(HOST, host)]), bound, &source)
            .status()
            .as_u16()
    }

    #[test]
    fn only_get_of_what_there_is_is_answered() {
        let at = |method, path| status(method, path, "127.0.0.1:9464", "127.0.0.1");
        assert_eq!([at(Method::GET, "/metrics"), at(Method::GET, "/")], [200, 200]);
        assert_eq!(
            [at(Method::GET, "/metrics/x"), at(Method::GET, "/../etc")],
            [404, 404]
        );
        assert_eq!([at(Method::POST, "/metrics"), at(Method::HEAD, "/")], [405, 405]);
    }

    #[test]
    fn a_name_that_a_stranger_lets_lead_here_is_refused_on_loopback_only() {
        let at = |host, bound| status(Method::GET, "/metrics", host, bound);
        for own in [
            "localhost:9464",
            "LOCALHOST",
            "127.0.0.1",
            "[::1]:9464",
            "10.0.0.7:80",
        ] {
            assert_eq!(at(own, "127.0.0.1"), 200, "{own}");
        }
        for foreign in [
            "evil.example",
            "evil.example:9464",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
            "a b",
        ] {
            assert_eq!(at(foreign, "127.0.0.1"), 403, "{foreign}");
            assert_eq!(at(foreign, "::1"), 403, "{foreign}");
        }
        assert_eq!(at("camera.example:9464", "0.0.0.0"), 200);
    }

    #[test]
    fn a_reader_gets_open_metrics_where_he_names_it() {
        let wanted = |accept| Format::wanted(&headers(&[(ACCEPT, accept)]));
        // As Prometheus 2.42 and 3 ask.
        let old = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let new = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;q=0.2,*/*;q=0.1";
        assert_eq!([wanted(old), wanted(new)], [Format::OpenMetrics; 2]);
        for other in [
            "*/*",
            "text/plain;version=0.0.4",
            "application/openmetrics-text;q=0,*/*",
            "",
        ] {
            assert_eq!(wanted(other), Format::Text, "{other}");
        }
        assert_eq!(Format::wanted(&HeaderMap::new()), Format::Text);
    }
}
