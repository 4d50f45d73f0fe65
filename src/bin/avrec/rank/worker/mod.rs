// SPDX-License-Identifier: MPL-2.0

//! A candidate in a process of its own, so that one that crashes, hangs or takes all memory ends nothing but itself.

mod host;
mod pool;
mod process;
pub mod wire;

use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gstavrec::bounded_file;
use parking_lot::Mutex;

pub use pool::{Job, Pool};
pub use process::run as serve;
use wire::{Item, Outcome, Reply, Request, Source, receive, send};

/// What a worker may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: u64,
    /// Time to start, and for each item.
    pub time: Duration,
}

/// How often a worker that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Bytes that are kept of what a worker says last on stderr.
const LAST_WORDS: usize = 2_000;

/// A running worker.
pub struct Worker {
    child: Child,
    stream: UnixStream,
    limits: Limits,
    listens: bool,
    last_words: Arc<Mutex<Vec<u8>>>,
    listener: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts a process and the candidate in it.
    ///
    /// # Errors
    ///
    /// A sentence on why the candidate does not start.
    pub fn start(source: &Source, limits: Limits) -> Result<Worker, String> {
        let failed = |err: io::Error| format!("no process can be started for it: {err}");
        let (stream, other) = UnixStream::pair().map_err(failed)?;
        stream.set_read_timeout(Some(LOOK)).map_err(failed)?;
        let program = std::env::current_exe().map_err(failed)?;
        let mut child = Command::new(program)
            .arg("worker")
            .stdin(Stdio::from(OwnedFd::from(other)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let last_words = Arc::new(Mutex::new(Vec::new()));
        let listener = child.stderr.take().map(|it| listen(it, last_words.clone()));
        let mut worker = Worker {
            child,
            stream,
            limits,
            listens: false,
            last_words,
            listener,
        };
        match worker.ask(&Request::Open(source.clone()), &[])? {
            (Reply::Opened { listens }, _) => {
                worker.listens = listens;
                Ok(worker)
            }
            (Reply::Failed(cause), _) => Err(cause),
            (Reply::Answered(_), _) => Err("it answered what was not asked".into()),
        }
    }

    /// Whether the candidate takes sound.
    pub fn listens(&self) -> bool {
        self.listens
    }

    /// Runs on one item; the samples of a picture or of sound stand beside.
    ///
    /// # Errors
    ///
    /// A sentence on how it ended; then nothing more comes of it.
    pub fn run(&mut self, item: &Item, bytes: &[u8]) -> Result<(Outcome, Vec<u8>), String> {
        match self.ask(&Request::Run(item.clone()), bytes)? {
            (Reply::Answered(outcome), bytes) => Ok((outcome, bytes)),
            (Reply::Failed(cause), _) => Err(cause),
            (Reply::Opened { .. }, _) => Err("it answered what was not asked".into()),
        }
    }

    fn ask(&mut self, request: &Request, bytes: &[u8]) -> Result<(Reply, Vec<u8>), String> {
        if send(&mut self.stream, request, &[bytes]).is_err() {
            return Err(self.ended());
        }
        let mut patient = Patient {
            stream: &self.stream,
            process: self.child.id(),
            limits: self.limits,
            deadline: Instant::now() + self.limits.time,
            exceeded: None,
        };
        match receive(&mut patient) {
            Ok(Some(reply)) => Ok(reply),
            _ => match patient.exceeded {
                Some(cause) => {
                    let _ = self.child.kill();
                    Err(cause)
                }
                None => Err(self.ended()),
            },
        }
    }

    /// How the process ended, and what it said last.
    fn ended(&mut self) -> String {
        let status = self.child.kill().and_then(|()| self.child.wait());
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        let words = String::from_utf8_lossy(&self.last_words.lock()).into_owned();
        let words = words.lines().rev().find(|it| !it.trim().is_empty());
        let words = words.map_or(String::new(), |it| format!(": {}", it.trim()));
        match status.map(|it| (it.signal(), it.code())) {
            Ok((Some(signal), _)) => format!("its process was ended by signal {signal}{words}"),
            Ok((None, Some(code))) => format!("its process ended with code {code}{words}"),
            _ => format!("its process is out of reach{words}"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps the last bytes that come.
fn listen(mut from: impl Read + Send + 'static, into: Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut part = [0; 512];
        while let Ok(count @ 1..) = from.read(&mut part) {
            let mut kept = into.lock();
            kept.extend(&part[..count]);
            let excess = kept.len().saturating_sub(LAST_WORDS);
            kept.drain(..excess);
        }
    })
}

/// Reads while a worker keeps to its limits.
struct Patient<'a> {
    stream: &'a UnixStream,
    process: u32,
    limits: Limits,
    deadline: Instant,
    /// Which limit it did not keep to.
    exceeded: Option<String>,
}

impl Read for Patient<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read(into) {
                Err(err) if matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                done => return done,
            }
            let memory = resident_of(self.process);
            if self.limits.memory < memory {
                let megabytes = |it: u64| it >> 20;
                self.exceeded = Some(format!(
                    "it took {} MiB, more than the {} MiB that --worker-memory allows",
                    megabytes(memory),
                    megabytes(self.limits.memory)
                ));
            } else if self.deadline <= Instant::now() {
                let seconds = self.limits.time.as_secs();
                self.exceeded = Some(format!("it gave no answer within {seconds} s"));
            }
            if self.exceeded.is_some() {
                return Err(ErrorKind::TimedOut.into());
            }
        }
    }
}

/// Bytes of memory of another process; 0 where the system does not say it.
fn resident_of(process: u32) -> u64 {
    const LONGEST: u64 = 1 << 16;
    let path = PathBuf::from(format!("/proc/{process}/status"));
    let text = bounded_file::read_text(&path, LONGEST).unwrap_or_default();
    let line = text.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|it| it.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.map_or(0, |it| it << 10)
}
