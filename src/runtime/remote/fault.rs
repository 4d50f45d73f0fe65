// SPDX-License-Identifier: MPL-2.0

//! Why there is no answer, with what to change: of a call's status, or of what stands in the way to the server.

use std::error::Error as _;
use std::time::Duration;

use tonic::{Code, Status};

use crate::runtime::failure::{Failure, shortened};

/// A sentence about a server without its beginning, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub cause: String,
    pub remedy: String,
}

impl From<Fault> for Failure {
    fn from(Fault { cause, remedy }: Fault) -> Failure {
        Failure::Server { cause, remedy }
    }
}

/// What tonic calls it that a call has no answer at its deadline.
const TIMEOUT_EXPIRED: &str = "Timeout expired";

/// What tonic puts before the status of HTTP where a proxy answers in place of the server, with a page that is no answer.
const HTTP_STATUS: &str = "while receiving response with status: ";

const START: &str = "start the server, or correct host and port";
const NAMES: &str = "compare the names and shapes with what the server says of the model";

impl Fault {
    pub(super) fn new(cause: impl Into<String>, remedy: impl Into<String>) -> Fault {
        Fault {
            cause: cause.into(),
            remedy: remedy.into(),
        }
    }

    /// There was no answer for so long.
    pub(super) fn late(timeout: Duration) -> Fault {
        let cause = format!("did not answer within {} ms", timeout.as_millis());
        Fault::new(cause, "raise timeout, or use a smaller model or a nearer server")
    }

    /// An answer that cannot be taken.
    pub(super) fn answer(cause: impl std::fmt::Display) -> Fault {
        let cause = format!("sent an answer that cannot be used: {cause}");
        Fault::new(cause, "load the model again, or check what the server runs")
    }

    /// What a transport says where there is no connection, or none any more.
    pub(super) fn unreachable(error: &(dyn std::error::Error + 'static)) -> Fault {
        let cause = innermost(error);
        let remedy = if cause.contains("certificate") {
            "set tls-ca to a PEM file with the certificate of the authority that signed the server's, and use the host's \
             name that stands in its certificate"
        } else if cause.contains("corrupt message") || cause.contains("InvalidContentType") {
            "the server does not encrypt: write grpc:// or http://, or let it encrypt"
        } else if cause.contains("lookup") || cause.contains("resolve") {
            "correct the host's name, or write its number"
        } else {
            START
        };
        Fault::new(format!("cannot be reached: {cause}"), remedy)
    }

    /// What a call over gRPC ended with, whose request had so many bytes.
    pub(super) fn of(status: &Status, bytes: usize, timeout: Duration) -> Fault {
        let text = shortened(status.message());
        let is_late = text == TIMEOUT_EXPIRED;
        let of_way = [Code::Unavailable, Code::Unknown, Code::Internal, Code::Cancelled];
        if let Some(source) = status
            .source()
            .filter(|_| !is_late && of_way.contains(&status.code()))
        {
            return Fault::unreachable(source);
        }
        if let Some((code, reason)) = http_status(status.message()) {
            return Fault::of_http(code, reason.as_bytes(), bytes);
        }
        match status.code() {
            Code::Unavailable => Fault::new(format!("is not available: {text}"), START),
            Code::DeadlineExceeded => Fault::late(timeout),
            Code::Cancelled if is_late => Fault::late(timeout),
            Code::Cancelled => Fault::new(format!("broke off: {text}"), START),
            Code::ResourceExhausted | Code::OutOfRange => Fault::size(bytes, &text),
            Code::Unauthenticated | Code::PermissionDenied => Fault::new(
                format!("refuses access: {text}"),
                "set token-file to a file with a token that it takes, or tls-certificate and tls-key",
            ),
            Code::Unimplemented => Fault::new(
                format!("does not speak the Open Inference Protocol there: {text}"),
                "correct the port: Triton, MLServer and KServe have one for gRPC and one for HTTP",
            ),
            Code::NotFound => Fault::new(
                format!("does not have it: {text}"),
                "correct the model's name or version",
            ),
            code => Fault::new(format!("refuses ({code:?}): {text}"), NAMES),
        }
    }

    /// A message was larger than one side takes.
    fn size(bytes: usize, text: &str) -> Fault {
        if text.contains("decoded message length too large") {
            return Fault::answer(format!(
                "it is larger than what the model's metadata promise ({text})"
            ));
        }
        Fault::new(
            format!("takes no request of {bytes} bytes: {text}"),
            "raise the server's limit (MLServer: grpc_max_message_length; a proxy has one, too), or send fewer: uint8 \
             instead of float32, a smaller input-size, or encoding=jpeg where the model decodes",
        )
    }

    /// What a server answers over HTTP in place of what was asked for.
    pub(super) fn of_http(code: u16, body: &[u8], bytes: usize) -> Fault {
        let text = shortened(String::from_utf8_lossy(&body[..body.len().min(4096)]).trim());
        let text = format!("HTTP {code}: {text}");
        match code {
            401 | 403 => Fault::new(
                format!("refuses access: {text}"),
                "set token-file to a file with a token that it takes, or tls-certificate and tls-key",
            ),
            404 => Fault::new(
                format!("does not have it: {text}"),
                "correct the model's name or version, and the port: gRPC has another one",
            ),
            413 => Fault::size(bytes, &text),
            502..=504 => Fault::new(format!("is not available: {text}"), START),
            _ => Fault::new(format!("refuses: {text}"), NAMES),
        }
    }
}

/// The status of HTTP in what tonic says, such as 401 and `Unauthorized`.
fn http_status(text: &str) -> Option<(u16, &str)> {
    let (_, status) = text.split_once(HTTP_STATUS)?;
    let (code, reason) = status.split_once(' ')?;
    Some((code.parse().ok()?, reason))
}

/// The cause of all causes, which says what happened; those around it say where.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    shortened(&inner.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: Code, text: &str) -> Fault {
        Fault::of(&Status::new(code, text), 4_915_200, Duration::from_millis(40))
    }

    #[test]
    fn what_a_server_says_comes_with_what_to_change() {
        let it = of(
            Code::ResourceExhausted,
            "Received message larger than max (4915263 vs. 4194304)",
        );
        assert!(it.cause.contains("4915200 bytes") && it.remedy.contains("grpc_max_message_length"));
        let it = of(
            Code::OutOfRange,
            "Error, decoded message length too large: found 900 bytes, the limit is: 800 bytes",
        );
        assert!(it.cause.contains("metadata promise"));
        assert!(of(Code::DeadlineExceeded, "").cause.contains("within 40 ms"));
        assert!(of(Code::Unauthenticated, "no").remedy.contains("token-file"));
        let page = "protocol error: received message with invalid compression flag: 60 (valid flags are 0 and 1) while \
                    receiving response with status: 413 Request Entity Too Large";
        let it = of(Code::Internal, page);
        assert!(it.cause.contains("HTTP 413: Request Entity Too Large"));
        assert!(it.remedy.contains("a proxy has one"));
        assert!(
            of(Code::InvalidArgument, "unexpected shape")
                .cause
                .contains("unexpected shape")
        );
        assert!(
            Fault::of_http(404, b"{\"error\":\"unknown model\"}", 0)
                .cause
                .contains("unknown model")
        );
    }
}
