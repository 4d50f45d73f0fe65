// SPDX-License-Identifier: MPL-2.0

//! Answers, and the headers that all of them have.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderName, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Bytes;

use super::events::Events;
use super::format::{Format, names};

/// A text, or events that go on.
pub type Answer = Response<Either<Full<Bytes>, Events>>;

/// Scripts, styles and data come from here only, nothing becomes markup, and no other page frames this one.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Bytes below which making them fewer gains nothing.
const LEAST: usize = 1024;

pub fn text(status: StatusCode, content_type: &'static str, text: impl Into<Bytes>) -> Answer {
    answer(status, content_type, Either::Left(Full::new(text.into())))
}

pub fn plain(status: StatusCode, line: &'static str) -> Answer {
    text(status, Format::Text.content_type(), line)
}

pub fn json(status: StatusCode, value: &serde_json::Value) -> Answer {
    text(status, "application/json", value.to_string())
}

/// What went wrong, as JSON: `{"error": …}`.
pub fn error(status: StatusCode, what: &str) -> Answer {
    json(status, &serde_json::json!({ "error": what }))
}

/// Only that is answered.
pub fn not_allowed(method: &'static str, what: &'static str) -> Answer {
    let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, what);
    let headers = answer.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(method));
    answer
}

pub fn events(events: Events) -> Answer {
    let mut answer = answer(StatusCode::OK, "text/event-stream", Either::Right(events));
    // Or nginx keeps them until it has many.
    let headers = answer.headers_mut();
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    answer
}

fn answer(status: StatusCode, content_type: &'static str, body: Either<Full<Bytes>, Events>) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// Something larger, in fewer bytes where the reader takes gzip.
pub fn large(asked: &HeaderMap, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let body = body.into();
    let is_smaller = LEAST <= body.len() && names(asked, &ACCEPT_ENCODING, "gzip");
    let smaller = is_smaller.then(|| gzip(&body).ok()).flatten();
    let is_smaller = smaller.is_some();
    let mut answer = text(StatusCode::OK, content_type, smaller.map_or(body, Bytes::from));
    let headers = answer.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    if is_smaller {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer
}

/// At the fastest level: names repeat so much that a higher one gains little.
fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}
