// SPDX-License-Identifier: MPL-2.0

//! A collector that takes OTLP over HTTP, or behaves as collectors should not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// What it does with what comes.
#[derive(Debug, Clone, Copy)]
pub enum Manner {
    Take,
    /// Answers by this status.
    Refuse(u16),
    /// Takes all but so many.
    Reject(i64),
    /// Never answers.
    Hang,
}

/// A request that came.
#[derive(Debug, Clone)]
pub struct Received {
    /// In small letters.
    pub head: String,
    pub body: ExportTraceServiceRequest,
}

pub struct Collector {
    pub port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Collector {
    pub fn start(manner: Manner) -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let heard = received.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let heard = heard.clone();
                std::thread::spawn(move || serve(stream, manner, &heard));
            }
        });
        Collector { port, received }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub fn spans(&self) -> Vec<Span> {
        let requests = self.received();
        let scopes = requests
            .into_iter()
            .flat_map(|it| it.body.resource_spans)
            .flat_map(|it| it.scope_spans);
        scopes.flat_map(|it| it.spans).collect()
    }
}

/// Answers the requests of a connection, one after the other, up to its end.
fn serve(stream: TcpStream, manner: Manner, heard: &Mutex<Vec<Received>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if !matches!(reader.read_line(&mut head), Ok(1..)) {
                return;
            }
        }
        let head = head.to_lowercase();
        let length = head.lines().find_map(|it| it.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let body = ExportTraceServiceRequest::decode(&*body).expect("what comes is a request of OTLP");
        heard.lock().unwrap().push(Received { head, body });
        let mut response = ExportTraceServiceResponse::default();
        let status = match manner {
            Manner::Take => "200 OK".to_owned(),
            Manner::Refuse(status) => format!("{status} No"),
            Manner::Reject(rejected_spans) => {
                response.partial_success = Some(ExportTracePartialSuccess {
                    rejected_spans,
                    error_message: "too old".to_owned(),
                });
                "200 OK".to_owned()
            }
            // Up to the end of the program.
            Manner::Hang => continue,
        };
        let body = response.encode_to_vec();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        if stream.write_all(head.as_bytes()).is_err() || stream.write_all(&body).is_err() {
            return;
        }
    }
}

/// What an attribute says; `None` where there is none of that name.
pub fn attribute(span: &Span, name: &str) -> Option<Value> {
    let found = span.attributes.iter().find(|it| it.key == name)?;
    found.value.clone()?.value
}

pub fn text(span: &Span, name: &str) -> String {
    match attribute(span, name) {
        Some(Value::StringValue(text)) => text,
        other => panic!("{name} is {other:?} in {span:?}"),
    }
}

pub fn number(span: &Span, name: &str) -> i64 {
    match attribute(span, name) {
        Some(Value::IntValue(number)) => number,
        other => panic!("{name} is {other:?} in {span:?}"),
    }
}
