// SPDX-License-Identifier: MPL-2.0

//! What is at which path.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gst::glib;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Body;
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio::time;

use super::access::{self, Token};
use super::answer::{self, Answer};
use super::connection::Connection;
use super::control::{Refusal, Wish};
use super::events::{MOST_READERS, Readers, event};
use super::explanation::explanation;
use super::format::Format;
use super::page;
use super::reader::{Reader, Stuck};
use super::reading::{MOST_ELEMENTS, Read, Reading};
use super::roster::Roster;
use super::stream::{self, Asked, MOST_STREAMS};

/// From one event with all streams to the next.
const PERIOD: Duration = Duration::from_secs(1);
/// Bytes of a wish.
const MOST_WISH: usize = 4096;

const ROOT_TEXT: &str = concat!(
    "avrec ",
    env!("CARGO_PKG_VERSION"),
    "\nWhat its elements do, for Prometheus: /metrics\n"
);
const CONTROL_IS_OFF: &str = "nothing can be changed from here; GST_TRACERS='avrec-metrics(control=true)' allows it to who has the token";
const STUCK: &str = "too many elements do not answer";

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What is offered besides the series.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    pub page: bool,
    /// Whoever has it may change something.
    pub control: Option<Token>,
}

/// Answers requests.
#[derive(Debug)]
pub struct Service {
    roster: Arc<Roster>,
    offer: Offer,
    reader: Reader,
    readers: Readers,
    /// Tells this program from others that had the port before.
    program: String,
}

impl Service {
    pub fn new(roster: Arc<Roster>, offer: Offer) -> Service {
        Service {
            roster,
            offer,
            reader: Reader::default(),
            readers: Readers::default(),
            program: format!("{}-{}", std::process::id(), glib::real_time()),
        }
    }

    /// The answer to a request that came at an address of this machine.
    pub async fn answer<B>(&self, request: Request<B>, bound: IpAddr, connection: &Arc<Connection>) -> Answer
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        if let Err(refusal) = access::check(request.headers(), bound) {
            return match request.method() {
                &Method::GET => answer::text(
                    StatusCode::FORBIDDEN,
                    Format::Text.content_type(),
                    format!("{refusal}\n"),
                ),
                _ => answer::error(StatusCode::FORBIDDEN, refusal),
            };
        }
        let path = request.uri().path();
        if self.offer.page && path == "/control" {
            return match *request.method() {
                Method::POST => self.control(request).await,
                _ => answer::not_allowed("POST", "only POST\n"),
            };
        }
        if request.method() != Method::GET {
            return answer::not_allowed("GET", "only GET\n");
        }
        match path {
            "/metrics" => self.metrics(request.headers()).await,
            "/" if !self.offer.page => answer::plain(StatusCode::OK, ROOT_TEXT),
            _ if !self.offer.page => answer::plain(StatusCode::NOT_FOUND, "there is /metrics\n"),
            "/streams" => match self.streams().await {
                Ok(streams) => answer::large(request.headers(), "application/json", streams.to_string()),
                Err(Stuck) => answer::error(StatusCode::SERVICE_UNAVAILABLE, STUCK),
            },
            "/events" => self.events(connection).await,
            "/explain" => self.explain(request.uri().query()).await,
            _ => match page::file(path) {
                Some((content_type, text)) => answer::large(request.headers(), content_type, text),
                None => answer::plain(StatusCode::NOT_FOUND, "there is /, and /metrics\n"),
            },
        }
    }

    async fn metrics(&self, headers: &http::HeaderMap) -> Answer {
        let format = Format::wanted(headers);
        let Ok(reading) = self.reading().await else {
            return answer::text(
                StatusCode::SERVICE_UNAVAILABLE,
                Format::Text.content_type(),
                format!("{STUCK}\n"),
            );
        };
        let (mut registry, mut page) = (Registry::default(), String::new());
        registry.register_collector(Box::new(reading));
        let written = match format {
            Format::OpenMetrics => text::encode(&mut page, &registry),
            Format::Text => prometheus_text::encode(&mut page, &registry),
        };
        match written {
            Ok(()) => answer::large(headers, format.content_type(), page),
            Err(_) => answer::plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the series could not be written\n",
            ),
        }
    }

    async fn reading(&self) -> Result<Reading, Stuck> {
        let mut members = self.roster.members();
        let left_out = members.len().saturating_sub(MOST_ELEMENTS);
        members.truncate(MOST_ELEMENTS);
        let read = self.reader.ask(members.clone(), Read::of).await?;
        let silent = members.iter().filter(|it| it.is_silent()).count();
        Ok(Reading {
            read,
            left_out,
            silent,
        })
    }

    /// All streams as they are now.
    async fn streams(&self) -> Result<Value, Stuck> {
        let members = self.roster.members();
        let asked = self.reader.ask(members.clone(), Asked::of).await?;
        let mut streams = stream::streams(asked);
        let left_out = streams.len().saturating_sub(MOST_STREAMS);
        streams.truncate(MOST_STREAMS);
        Ok(json!({
            "program": self.program,
            "version": env!("CARGO_PKG_VERSION"),
            "time": glib::real_time() / 1000,
            "control": self.offer.control.is_some(),
            "left-out": left_out,
            "silent": members.iter().filter(|it| it.is_silent()).map(|it| it.id).collect::<Vec<_>>(),
            "streams": streams,
        }))
    }

    async fn events(&self, connection: &Arc<Connection>) -> Answer {
        let Ok(streams) = self.streams().await else {
            return answer::error(StatusCode::SERVICE_UNAVAILABLE, STUCK);
        };
        // Who is cut off comes again after a second.
        let first = [&b"retry: 1000\n"[..], &event("streams", &streams)].concat();
        match self.readers.enter(connection, first.into()) {
            Some(events) => {
                self.roster.news.set_wanted(true);
                answer::events(events)
            }
            None => {
                let told = format!("{MOST_READERS} pages are open already, which is the most");
                answer::error(StatusCode::SERVICE_UNAVAILABLE, &told)
            }
        }
    }

    fn send(&self, event: &hyper::body::Bytes) {
        let is_read = self.readers.send(event);
        self.roster.news.set_wanted(is_read);
    }

    /// Tells all streams once a period while somebody reads, for ever.
    pub async fn tell_streams(&self) {
        loop {
            self.readers.come().await;
            time::sleep(PERIOD).await;
            if let Ok(streams) = self.streams().await {
                self.send(&event("streams", &streams));
            }
        }
    }

    /// Tells what happens, as soon as it does, for ever.
    pub async fn tell_news(&self) {
        let Some(mut news) = self.roster.news.take() else {
            return;
        };
        while let Some((id, message)) = news.recv().await {
            if let Some((name, mut told)) = message.structure().and_then(|it| stream::event(id, it)) {
                told["time"] = (glib::real_time() / 1000).into();
                self.send(&event(name, &told));
            }
        }
    }

    /// Asks one element; says why there is no answer.
    async fn ask_one<T, Q>(&self, id: u64, question: Q) -> Result<T, Answer>
    where
        T: Send + 'static,
        Q: Fn(&gst::Element) -> T + Send + Sync + 'static,
    {
        let Some(member) = self.roster.member(id) else {
            return Err(answer::error(
                StatusCode::NOT_FOUND,
                "there is no element of that number any more",
            ));
        };
        let said = self
            .reader
            .ask(vec![member], move |_, element| question(element))
            .await;
        let said = said.ok().and_then(|it| it.into_iter().next());
        said.ok_or_else(|| answer::error(StatusCode::SERVICE_UNAVAILABLE, "the element does not answer"))
    }

    async fn explain(&self, query: Option<&str>) -> Answer {
        let id = query.and_then(|it| it.strip_prefix("id=")?.parse().ok());
        let Some(id) = id else {
            return answer::error(
                StatusCode::BAD_REQUEST,
                "say which: /explain?id=0, by the number in /streams",
            );
        };
        match self.ask_one(id, explanation).await {
            Ok(Some(explanation)) => answer::json(StatusCode::OK, &explanation),
            Ok(None) => answer::error(StatusCode::NOT_FOUND, "this element has nothing to explain"),
            Err(refusal) => refusal,
        }
    }

    async fn control<B>(&self, request: Request<B>) -> Answer
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        let Some(token) = &self.offer.control else {
            return answer::error(StatusCode::FORBIDDEN, CONTROL_IS_OFF);
        };
        if !token.is_given(request.headers()) {
            let told = "the token is missing or wrong; send it as Authorization: Bearer …";
            return answer::error(StatusCode::UNAUTHORIZED, told);
        }
        let content_type = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|it| it.to_str().ok());
        // A form of another page can send other types without being asked first.
        if content_type.and_then(|it| it.split(';').next()).map(str::trim) != Some("application/json") {
            return answer::error(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send Content-Type: application/json",
            );
        }
        let Ok(body) = Limited::new(request.into_body(), MOST_WISH).collect().await else {
            return answer::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is larger than 4 kB, or did not come",
            );
        };
        let wish = match Wish::read(&body.to_bytes()) {
            Ok(wish) => wish,
            Err(Refusal(status, told)) => return answer::error(status, &told),
        };
        match self.ask_one(wish.id, move |element| wish.grant(element)).await {
            Ok(Ok(told)) => answer::json(StatusCode::OK, &json!({ "done": told })),
            Ok(Err(Refusal(status, told))) => answer::error(status, &told),
            Err(refusal) => refusal,
        }
    }
}
