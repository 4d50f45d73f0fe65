// SPDX-License-Identifier: MPL-2.0

//! Programs with the tracer, and what they answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::open_metrics::{Page, open_metrics, text};

/// As long as a loaded machine may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How Prometheus 2.42 asks.
pub const ACCEPT: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// `gst-launch-1.0` with the tracer at a port, and a launch line.
pub fn launch(port: u16, line: &str) -> Command {
    let mut command = Command::new("gst-launch-1.0");
    command
        .args(line.split_whitespace())
        .env("GST_TRACERS", format!("avrec-metrics(port={port})"))
        .env("GST_DEBUG_NO_COLOR", "1");
    command
}

/// A program that runs until it is dropped.
pub struct Program {
    child: Child,
    pub port: u16,
    told: Receiver<String>,
}

impl Program {
    /// Plays a launch line, and waits for the server.
    pub fn play(line: &str) -> Program {
        Program::play_with("", line)
    }

    /// The same with further parameters of the tracer.
    pub fn play_with(parameters: &str, line: &str) -> Program {
        let mut command = launch(0, line);
        command
            .env("GST_TRACERS", format!("avrec-metrics(port=0{parameters})"))
            .env("GST_DEBUG", "avrec-metrics:4");
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (teller, told) = channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = teller.send(line);
            }
        });
        let mut program = Program { child, port: 0, told };
        let mut heard = Vec::new();
        while program.port == 0 {
            let line = program.told.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no server: {heard:?}"));
            let address = line.split("Serving http://127.0.0.1:").nth(1);
            program.port = address.map_or(0, |it| it.split('/').next().unwrap().parse().unwrap());
            heard.push(line);
        }
        program
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The first page that is as wanted.
    #[track_caller]
    pub fn page_where(&self, what: &str, is_wanted: impl Fn(&Page) -> bool) -> Page {
        let end = Instant::now() + PATIENCE;
        loop {
            let page = scrape(self.port);
            if is_wanted(&page) {
                return page;
            }
            assert!(Instant::now() < end, "{what}: {page:#?}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What comes back for these bytes, up to the end of the connection, however that ends.
pub fn exchange(port: u16, request: &[u8]) -> String {
    let mut stream = connect(port);
    // Who is refused in the middle of it cannot write the rest.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Head and body of what is at a path.
#[track_caller]
pub fn get(port: u16, path: &str, accept: &str) -> (String, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: {accept}\r\n\r\n");
    let answer = exchange(port, request.as_bytes());
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {answer:?}"));
    (head.to_owned(), body.to_owned())
}

/// The series as Prometheus sees them, which must be flawless.
#[track_caller]
pub fn scrape(port: u16) -> Page {
    let (head, body) = get(port, "/metrics", ACCEPT);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(
        head.to_lowercase()
            .contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "{head}"
    );
    open_metrics(&body).unwrap_or_else(|fault| panic!("{fault}\n{body}"))
}

/// The same in the older format.
#[track_caller]
pub fn scrape_text(port: u16) -> Page {
    let (head, body) = get(port, "/metrics", "*/*");
    assert!(
        head.to_lowercase()
            .contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{head}"
    );
    text(&body).unwrap_or_else(|fault| panic!("{fault}\n{body}"))
}

/// The events that somebody reads.
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// Head of the answer, and what comes then.
    #[track_caller]
    pub fn open(port: u16) -> (String, Events) {
        let mut stream = connect(port);
        let request = format!("GET /events HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut events = Events(BufReader::new(stream));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let count = events.0.read_line(&mut head).unwrap();
            assert!(count != 0, "{head}");
        }
        (head, events)
    }

    /// The next event of a name.
    #[track_caller]
    pub fn next(&mut self, name: &str) -> serde_json::Value {
        let wanted = format!("event: {name}\n");
        let mut is_next = false;
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() != 0, "the events end");
            match line.strip_prefix("data: ").filter(|_| is_next) {
                Some(data) => return serde_json::from_str(data).unwrap(),
                None => is_next = line == wanted || (is_next && line.trim().is_empty()),
            }
        }
    }
}
