// SPDX-License-Identifier: MPL-2.0

//! Finds ONNX Runtime and starts it, once a process.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use once_cell::sync::OnceCell;
use ort::environment::Environment;
use ort::session::builder::SessionBuilder;

use super::{Error, exit_guard, library_places, ort_session, telemetry, thread_pool, unwinder};
use crate::bounded_file;

/// How much a message of ONNX Runtime matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    Debug,
    Info,
    Warning,
    Error,
}

/// Receives ONNX Runtime's own log: level, place in its source, text. Called from any thread.
pub type LogHook = fn(LogLevel, &str, &str);

static HOOK: OnceCell<LogHook> = OnceCell::new();
static ENVIRONMENT: OnceCell<Loaded> = OnceCell::new();

pub(super) struct Loaded {
    pub environment: Environment,
    /// What was loaded, for the note to the user.
    pub path: PathBuf,
}

/// Sets where ONNX Runtime's log goes; the first caller wins. Without it the log is dropped.
pub fn set_log_hook(hook: LogHook) {
    // Refused only when it is set, and the first one stays.
    let _ = HOOK.set(hook);
}

/// Whether ONNX Runtime is installed and new enough; loads it on first use.
pub fn is_available() -> bool {
    loaded().is_ok()
}

/// Whether the user named the library's file.
pub(super) fn is_named() -> bool {
    library_places::wish().is_some()
}

/// Begins a session as one of a runner with `threads=1` is, for measurements that run ONNX Runtime beside one.
pub fn session() -> Result<SessionBuilder, Error> {
    let loaded = loaded()?;
    ort_session::on_one_thread(&loaded.environment).map_err(|error| Error::LibraryMissing {
        tried: error.to_string(),
    })
}

/// Returns ONNX Runtime's environment, loading the library on first use.
///
/// A failure is not remembered: a library that is installed later is found by the next load.
pub(super) fn loaded() -> Result<&'static Loaded, Error> {
    ENVIRONMENT.get_or_try_init(load)
}

fn load() -> Result<Loaded, Error> {
    let (mut too_old, mut tried) = (None, Vec::new());
    for place in library_places::in_order() {
        let mut unfit = Vec::new();
        for path in &place.files {
            match open(path) {
                Ok(builder) => return start(builder, path.clone()),
                Err(Unfit::TooOld(cause)) => too_old = Some(cause),
                Err(Unfit::Other(cause)) => unfit.push(cause),
            }
        }
        // Of the many names that the loader is asked for, one tells all.
        unfit.truncate(1);
        tried.push(match place.is_certain && !unfit.is_empty() {
            true => format!("{}: {}", place.what, unfit.concat()),
            false => place.what,
        });
    }
    match too_old {
        Some(cause) => Err(Error::LibraryTooOld { cause }),
        None => Err(Error::LibraryMissing {
            tried: tried.join("; "),
        }),
    }
}

/// Why a file is not the library that is looked for.
enum Unfit {
    TooOld(String),
    Other(String),
}

fn open(path: &Path) -> Result<ort::environment::EnvironmentBuilder, Unfit> {
    // The dynamic loader would wait for a FIFO.
    if 1 < path.components().count() {
        bounded_file::size(path)
            .map_err(|error| Unfit::Other(format!("cannot read {}: {error}", path.display())))?;
    }
    ort::init_from(path).map_err(|error| match error {
        ort::LoadDynamicError::BadVersion { .. } => Unfit::TooOld(error.to_string()),
        error => Unfit::Other(error.to_string()),
    })
}

fn start(builder: ort::environment::EnvironmentBuilder, path: PathBuf) -> Result<Loaded, Error> {
    let inside = std::ptr::from_ref(ort::api()).cast();
    if let Err(error) = telemetry::end(inside) {
        let told = "ONNX Runtime may collect what it runs, to send it to its maker; ORT_DISABLE_TELEMETRY=1 in the environment keeps it from that";
        log(
            ort::logging::LogLevel::Warning,
            "",
            &format!("{told} (its bindings cannot be changed: {error})"),
        );
    }
    // Before it throws for the first time.
    unwinder::unify(inside).map_err(|error| Error::LibraryMissing {
        tried: format!(
            "exceptions of {} would end this program and its bindings cannot be changed: {error}; start the program with LD_PRELOAD=libgcc_s.so.1",
            path.display()
        ),
    })?;
    let missing = |error: ort::Error| Error::LibraryMissing {
        tried: format!("{}: {error}", path.display()),
    };
    let pool = thread_pool::options().map_err(missing)?;
    let environment = builder
        .with_name("avrec")
        .with_telemetry(false)
        .with_global_thread_pool(pool)
        .with_logger(Arc::new(|level, _category, _id, place, message| {
            log(level, place, message)
        }))
        .build()
        .map_err(missing)?;
    // The library logs everything that the environment lets through, formatted, even if nobody listens.
    environment.set_log_level(ort::logging::LogLevel::Warning);
    use_once(&environment).map_err(|error| Error::LibraryMissing {
        tried: format!("{} cannot run a trivial model: {error}", path.display()),
    })?;
    exit_guard::guard_exit();
    Ok(Loaded { environment, path })
}

/// An ONNX model that hands one number through (IR version 8, operator set 13), made with `onnx.helper`.
const IDENTITY: &[u8] =
    b"\x08\x08\x12\x00:7\n\x10\n\x01x\x12\x01y\"\x08Identity\x12\x01gZ\x0f\n\x01x\x12\n\n\x08\x08\x01\
    \x12\x04\n\x02\x08\x01b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\r";

/// Loads and runs a trivial model, so that the library has set up all that it tears down at exit.
fn use_once(environment: &Environment) -> Result<(), ort::Error> {
    let mut session = ort_session::on_one_thread(environment)?.commit_from_memory(IDENTITY)?;
    let number = ort::value::TensorRef::from_array_view(([1usize], [1.0f32].as_slice()))?;
    session.run(ort::inputs![number]).map(drop)
}

thread_local! {
    /// What this thread was told last as an error.
    static LAST_ERROR: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Returns, once, what the library told this thread last as an error: some causes stand in its log only.
pub(super) fn take_last_error() -> Option<String> {
    LAST_ERROR.take()
}

fn log(level: ort::logging::LogLevel, place: &str, message: &str) {
    let level = match level {
        ort::logging::LogLevel::Verbose => LogLevel::Debug,
        ort::logging::LogLevel::Info => LogLevel::Info,
        ort::logging::LogLevel::Warning => LogLevel::Warning,
        ort::logging::LogLevel::Error | ort::logging::LogLevel::Fatal => LogLevel::Error,
    };
    if level == LogLevel::Error {
        LAST_ERROR.set(Some(message.trim().to_owned()));
    }
    if let Some(hook) = HOOK.get() {
        hook(level, place, message);
    }
}
