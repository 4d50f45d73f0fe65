// SPDX-License-Identifier: MPL-2.0

//! What can go wrong with a model, each with its cause and what to change.

use std::path::{Path, PathBuf};

use super::ExecutionProvider;
use super::backend_names::{ORT, RTEN};

/// A model could not be loaded or run; the text names the thing and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not there. Remedy: another path.
    #[error("model file {} does not exist; set model-file to an existing .onnx file{meant}", .path.display())]
    NotFound {
        path: PathBuf,
        /// What may have been meant, in brackets.
        meant: String,
    },

    /// The file is there and cannot be read. Remedy: permissions, or another path.
    #[error("cannot read {}: {source}; make it a regular file that this user may read", .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },

    /// What lies beside a model and describes it cannot be read. Remedy: permissions, a text, or no such file.
    #[error("cannot read {}: {source}; make it a text that this user may read, or take it away", .path.display())]
    Companion { path: PathBuf, source: std::io::Error },

    /// What lies beside a model is a link that leads elsewhere. Remedy: a copy.
    #[error("{} is a link that leads out of the model's folder, which is refused; put a copy in its place, or take it away", .path.display())]
    LinkOutside { path: PathBuf },

    /// The file is not the one that was asked for. Remedy: the right file, or another sum.
    #[error("{} has the sha256 {actual}, not {wanted}; fetch the right file, or set sha256 to {actual} if you trust this one", .path.display())]
    Digest {
        path: PathBuf,
        wanted: String,
        actual: String,
    },

    /// The files changed between being judged and being loaded by a library that reads them itself. Remedy: again.
    #[error("{} or its external data changed while it was loaded; load it again when it is written completely", .path.display())]
    Changed { path: PathBuf },

    /// The file is larger than what an ONNX file can be. Remedy: external data.
    #[error("{} has {bytes} bytes, more than the {limit} an ONNX file may have; save its weights as external data", .path.display())]
    FileTooLarge { path: PathBuf, bytes: u64, limit: u64 },

    /// The content is something else. Remedy: the right file.
    #[error("{} is not an ONNX model ({cause}); export the model to ONNX and set model-file to that file", .path.display())]
    NotOnnx { path: PathBuf, cause: String },

    /// The content is of another known kind. Remedy: what to make of that kind.
    #[error("{} is no ONNX model but {what}; {remedy}", .path.display())]
    Foreign {
        path: PathBuf,
        what: &'static str,
        remedy: &'static str,
    },

    /// It is a folder. Remedy: a file in it.
    #[error("{} is a folder; set model-file to the .onnx file{}", .path.display(), inside(.files))]
    Folder { path: PathBuf, files: Vec<String> },

    /// The content begins like ONNX and ends too early. Remedy: copy it again.
    #[error("{} is truncated after {bytes} bytes ({cause}); copy or download the file again", .path.display())]
    Truncated {
        path: PathBuf,
        bytes: usize,
        cause: String,
    },

    /// Weights that live in another file are not there. Remedy: put the file beside the model.
    #[error("{} needs the external data file '{location}', which is not in {}; put it there", .path.display(), .folder.display())]
    ExternalDataMissing {
        path: PathBuf,
        location: String,
        folder: PathBuf,
    },

    /// Weights would come from outside of the model's folder. Remedy: move them, save the model again.
    #[error("{} refers to external data '{location}' outside of its own folder, which is refused; move the data beside the model and save the model with a relative location", .path.display())]
    ExternalDataOutside { path: PathBuf, location: String },

    /// The external data file is shorter than the model says. Remedy: copy it again.
    #[error("external data '{location}' of {} has {bytes} bytes where {needed} are needed; copy or download the file again", .path.display())]
    ExternalDataShort {
        path: PathBuf,
        location: String,
        bytes: u64,
        needed: u64,
    },

    /// A file of weights is larger than any model that this could run. Remedy: another model.
    #[error("external data {} has {bytes} bytes, more than the {limit} that are read; use a smaller model", .path.display())]
    ExternalDataLong { path: PathBuf, bytes: u64, limit: u64 },

    /// The `.modelinfo` file cannot be used. Remedy: the line to change.
    #[error("{}: {cause}; {remedy}", .path.display())]
    ModelInfo {
        path: PathBuf,
        cause: String,
        remedy: String,
    },

    /// The model is valid and cannot be used for frames, or not for this task.
    #[error("{} cannot be used: {cause}; {remedy}", .path.display())]
    Unsuitable {
        path: PathBuf,
        cause: String,
        remedy: String,
    },

    /// No ONNX Runtime was found. Remedy: install it, set the variable, or use rten.
    #[error(
        "no ONNX Runtime library found ({tried}); install 1.17 or later (pip install onnxruntime, or a package such as Debian 13's libonnxruntime1.21), set ORT_DYLIB_PATH to its libonnxruntime.so, or set backend=rten"
    )]
    LibraryMissing { tried: String },

    /// The ONNX Runtime that was found is older than what is supported.
    #[error(
        "the ONNX Runtime library is too old ({cause}); install 1.17 or later, set ORT_DYLIB_PATH to a newer libonnxruntime.so, or set backend=rten"
    )]
    LibraryTooOld { cause: String },

    /// The backend lacks an operator. Remedy: another backend, another opset.
    #[error("{} needs an operator that {backend} lacks: {cause}; export the model with another opset or set backend={other}", .path.display())]
    Operator {
        path: PathBuf,
        backend: &'static str,
        other: &'static str,
        cause: String,
    },

    /// The backend refused the model for another reason.
    #[error("{backend} cannot load {}: {cause}; check the model with onnx.checker or set backend={other}", .path.display())]
    Load {
        path: PathBuf,
        backend: &'static str,
        other: &'static str,
        cause: String,
    },

    /// The library has not the execution provider that is asked for. Remedy: one that has it.
    #[error(
        "this libonnxruntime has no {provider} ({}); it has: {has}; {remedy}, or set execution-provider=cpu",
        .library.display()
    )]
    ProviderMissing {
        provider: &'static str,
        /// Those that it has, with commas.
        has: String,
        library: PathBuf,
        remedy: String,
    },

    /// The execution provider is there and does not start, or takes not the model. Remedy: its settings, or the CPU.
    #[error(
        "{provider} cannot load {}: {cause}; check device and provider-options and the driver, or set execution-provider=cpu", .path.display()
    )]
    Provider {
        path: PathBuf,
        provider: &'static str,
        cause: String,
    },

    /// An option that this build cannot honour.
    #[error("{option}={value} is not available: {remedy}")]
    OptionUnavailable {
        option: &'static str,
        value: String,
        remedy: &'static str,
    },

    /// A setting that is not understood, or goes against another. Remedy: what to write.
    #[error("{key}={value} {cause}; {remedy}")]
    Setting {
        key: &'static str,
        value: String,
        cause: String,
        remedy: String,
    },

    /// The input of a run does not fit the model.
    #[error("input of shape {dims:?} does not fit {}, which takes {expected}; scale the frames or use another model", .path.display())]
    Shape {
        path: PathBuf,
        dims: Vec<usize>,
        expected: String,
    },

    /// A tensor would be larger than what the model may take.
    #[error("{} would need a tensor of shape {dims:?}, which is more than memory-limit={limit} bytes or more than the system has; use a smaller model or smaller frames, or raise memory-limit", .path.display())]
    TensorTooLarge {
        path: PathBuf,
        dims: Vec<usize>,
        limit: u64,
    },

    /// Loading or running it takes more memory than it may take, or than there is.
    #[error("{} takes more memory than memory-limit={limit} bytes allow, or than the system has ({asked}); use a smaller model or smaller frames, or raise memory-limit", .path.display())]
    Memory {
        path: PathBuf,
        asked: String,
        limit: u64,
    },

    /// Nobody waits for the load or the run any more. Never told to a user.
    #[error("{} was given up", .path.display())]
    GivenUp { path: PathBuf },

    /// Too much that was given up has not ended, and may never.
    #[error("{} is not loaded: {count} loads or runs of other models were given up before and have not ended; restart the program, and leave those models out", .path.display())]
    LeftBehind { path: PathBuf, count: usize },

    /// A run failed inside the backend.
    #[error("{backend} failed to run {}: {cause}; try frames of another size, check the model with onnx.checker, or set backend={}", .path.display(), other(.backend))]
    Run {
        path: PathBuf,
        backend: &'static str,
        cause: String,
    },

    /// A server did not do what it was asked for. Remedy: depends on what it says.
    #[error("{} {cause}; {remedy}", .address.display())]
    Server {
        address: PathBuf,
        cause: String,
        remedy: String,
    },

    /// A picture with NaN or infinity in it.
    #[error("output '{output}' of {} holds {value} at element {index}; the model is broken for this input: try optimization-level=disable-all, a float32 export, or check its input ranges", .path.display())]
    NotFinite {
        path: PathBuf,
        output: String,
        index: usize,
        value: f32,
    },

    /// `run` or `input` before `prepare`.
    #[error("session of {} was not prepared for a frame size", .path.display())]
    NotPrepared { path: PathBuf },
}

/// The backend that one may try instead.
fn other(backend: &str) -> &'static str {
    if backend == RTEN { ORT } else { RTEN }
}

/// The files that may have been meant.
fn inside(files: &[String]) -> String {
    match files {
        [] => String::new(),
        files => format!(" in it ({})", files.join(", ")),
    }
}

impl Error {
    pub(super) fn unsuitable(path: &Path, cause: impl Into<String>, remedy: impl Into<String>) -> Error {
        Error::Unsuitable {
            path: path.to_owned(),
            cause: cause.into(),
            remedy: remedy.into(),
        }
    }

    pub(super) fn server(address: &Path, cause: impl Into<String>, remedy: impl Into<String>) -> Error {
        Error::Server {
            address: address.to_owned(),
            cause: cause.into(),
            remedy: remedy.into(),
        }
    }

    /// A provider that is there did not take the model, or did not start.
    pub(super) fn provider(path: &Path, provider: ExecutionProvider, cause: &str) -> Error {
        Error::Provider {
            path: path.to_owned(),
            provider: provider.facts().label,
            cause: cause.trim().to_owned(),
        }
    }

    /// A backend refused the model, perhaps for an operator that it lacks.
    pub(super) fn load(
        path: &Path,
        [backend, other]: [&'static str; 2],
        is_operator: bool,
        cause: String,
    ) -> Error {
        let path = path.to_owned();
        match is_operator {
            true => Error::Operator {
                path,
                backend,
                other,
                cause,
            },
            false => Error::Load {
                path,
                backend,
                other,
                cause,
            },
        }
    }
}
