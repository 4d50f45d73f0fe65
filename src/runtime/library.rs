// SPDX-License-Identifier: MPL-2.0

//! Finds ONNX Runtime and starts it, once a process.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use once_cell::sync::OnceCell;
use ort::environment::Environment;

use super::{Error, exit_guard, unwinder};

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

/// Oldest and newest minor version whose library file is asked for by its versioned name.
///
/// Distributions ship `libonnxruntime.so.1.21` without the plain name, which is in a package for
/// developers. The upper end leaves room for some years of releases.
const MINOR_VERSIONS: std::ops::RangeInclusive<u32> = 17..=60;

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

/// Returns the environment of this process, for measurements that run ONNX Runtime beside a runner.
pub fn environment() -> Result<&'static Environment, Error> {
    loaded().map(|loaded| &loaded.environment)
}

/// Returns ONNX Runtime's environment, loading the library on first use.
///
/// A failure is not remembered: a library that is installed later is found by the next load.
pub(super) fn loaded() -> Result<&'static Loaded, Error> {
    ENVIRONMENT.get_or_try_init(load)
}

fn load() -> Result<Loaded, Error> {
    let mut too_old = None;
    let mut tried = Vec::new();
    for path in candidates() {
        match ort::init_from(&path) {
            Ok(builder) => return start(builder, path),
            Err(error @ ort::LoadDynamicError::BadVersion { .. }) => too_old = Some(error.to_string()),
            Err(error) => tried.push(error.to_string()),
        }
    }
    match too_old {
        Some(cause) => Err(Error::LibraryTooOld { cause }),
        None => {
            tried.truncate(3);
            Err(Error::LibraryMissing {
                tried: tried.join("; "),
            })
        }
    }
}

fn start(builder: ort::environment::EnvironmentBuilder, path: PathBuf) -> Result<Loaded, Error> {
    // Before it throws for the first time.
    unwinder::unify(std::ptr::from_ref(ort::api()).cast()).map_err(|error| Error::LibraryMissing {
        tried: format!(
            "exceptions of {} would end this program and its bindings cannot be changed: {error}; start the program with LD_PRELOAD=libgcc_s.so.1",
            path.display()
        ),
    })?;
    let environment = builder
        .with_name("avrec")
        .with_telemetry(false)
        .with_logger(Arc::new(|level, _category, _id, place, message| {
            log(level, place, message)
        }))
        .build()
        .map_err(|error| Error::LibraryMissing {
            tried: format!("{}: {error}", path.display()),
        })?;
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
    let mut session = ort::session::Session::builder(environment)?
        .with_intra_threads(1)?
        .commit_from_memory(IDENTITY)?;
    let number = ort::value::TensorRef::from_array_view(([1usize], [1.0f32].as_slice()))?;
    session.run(ort::inputs![number]).map(drop)
}

fn log(level: ort::logging::LogLevel, place: &str, message: &str) {
    let level = match level {
        ort::logging::LogLevel::Verbose => LogLevel::Debug,
        ort::logging::LogLevel::Info => LogLevel::Info,
        ort::logging::LogLevel::Warning => LogLevel::Warning,
        ort::logging::LogLevel::Error | ort::logging::LogLevel::Fatal => LogLevel::Error,
    };
    if let Some(hook) = HOOK.get() {
        hook(level, place, message);
    }
}

/// Lists where the library may be, in the order of preference. An explicit wish is the only candidate.
fn candidates() -> Vec<PathBuf> {
    if let Some(wish) = std::env::var_os("ORT_DYLIB_PATH").filter(|wish| !wish.is_empty()) {
        return vec![absolute(Path::new(&wish))];
    }
    let names: Vec<String> = ["libonnxruntime.so".to_owned(), "libonnxruntime.so.1".to_owned()]
        .into_iter()
        .chain(
            MINOR_VERSIONS
                .rev()
                .map(|minor| format!("libonnxruntime.so.1.{minor}")),
        )
        .collect();
    let beside = own_folder()
        .into_iter()
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    // Bare names are searched for by the dynamic loader.
    beside
        .filter(|path| path.exists())
        .chain(names.iter().map(PathBuf::from))
        .collect()
}

/// Makes a path with folders absolute, since `ort` would take it as relative to the executable.
fn absolute(path: &Path) -> PathBuf {
    match path.components().count() {
        0 | 1 => path.to_owned(),
        _ => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}

/// Returns the folder of the file that holds this code: the plugin, or the program that links it.
fn own_folder() -> Option<PathBuf> {
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    let address = own_folder as *const () as *const libc::c_void;
    // SAFETY: `info` is valid for writes and `address` is only looked up. On success `dli_fname` is a
    // C string that lives as long as the library is loaded, which is while this code runs.
    let file = unsafe {
        if libc::dladdr(address, &mut info) == 0 || info.dli_fname.is_null() {
            return None;
        }
        CStr::from_ptr(info.dli_fname)
    };
    let file = Path::new(OsStr::from_bytes(file.to_bytes()))
        .canonicalize()
        .ok()?;
    file.parent().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_this_code_exists() {
        assert!(own_folder().is_some_and(|folder| folder.is_dir()));
    }
}
