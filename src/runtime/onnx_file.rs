// SPDX-License-Identifier: MPL-2.0

//! ONNX files as the inference libraries get them: read once, judged, described, and told apart by their content.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::backend::{Content, Executable, Opened, Weights};
use super::files_read::FilesRead;
use super::onnx::{self, ExternalData, Graph, ParseError};
use super::signature::{Beside, Signature};
use super::{Error, Model, Options, external_data, foreign_file, modelinfo, preprocessor, source};
use crate::bounded_file;

/// Bytes an ONNX file may have: the limit of protocol buffers.
const MAX_BYTES: u64 = (1 << 31) - 1;

/// Files of a folder that are named in an error.
const MOST_NAMED: usize = 5;

/// Loads a file that was judged into a library.
pub(super) type LoadFile = fn(&Path, &Model, Weights, &Options) -> Result<Arc<dyn Executable>, Error>;

/// Reads and judges a file and leaves it to `load` to load it into a library.
pub(super) fn open(path: &Path, options: &Options, load: LoadFile) -> Result<Opened, Error> {
    let mut files = FilesRead::default();
    files.note(path.to_owned());
    match &options.modelinfo_file {
        Some(named) => files.note(named.clone()),
        None => modelinfo::places(path).into_iter().for_each(|it| files.note(it)),
    }
    files.note(preprocessor::place(path));
    let bytes = read(path)?;
    let digest = Sha256::digest(&bytes).into();
    options.check_digest(path, &digest)?;
    let graph = parse(path, &bytes)?;
    external_data::check(path, &graph.external_data)?;
    let beside = external_files(path, &graph.external_data);
    beside.iter().for_each(|it| files.note(it.clone()));
    let companions = Beside {
        info: modelinfo::load_for(path, options)?,
        companion: preprocessor::load(path)?,
    };
    check_constants(path, &graph, options)?;
    let mut hash = hash(&digest, &beside, &companions)?;
    let written = hash.clone().finalize().into();
    let signature = Signature::of(path, graph, companions, options)?;
    hash.update(format!("{signature:?}"));
    let content = hash.finalize().into();
    let weights = match beside.is_empty() {
        true => Weights::Inside(Arc::new(bytes)),
        false => Weights::Beside,
    };
    let (path, model) = (path.to_owned(), signature.model.clone());
    let judged = files.clone();
    let load = move |weights: Weights, options: &Options| {
        let is_read_again = matches!(weights, Weights::Beside);
        let executable = load(&path, &model, weights, options)?;
        match is_read_again && !judged.look_the_same() {
            true => Err(Error::Changed { path: path.clone() }),
            false => Ok(executable),
        }
    };
    Ok(Opened {
        content,
        written,
        digest,
        files,
        signature,
        weights,
        load: Arc::new(load),
    })
}

/// Tells at once what can be told without reading: whether the file is there, is one, and may be read.
///
/// Of a model on a server nothing can be told at once.
pub fn check_readable(path: &Path) -> Result<(), Error> {
    if source::is_address(path) {
        return Ok(());
    }
    size(path).map(drop)
}

fn size(path: &Path) -> Result<u64, Error> {
    if path.is_dir() {
        return Err(Error::Folder {
            path: path.to_owned(),
            files: models_in(path),
        });
    }
    bounded_file::size(path).map_err(|source| unreadable(path, source))
}

/// Reads a model. One that cannot be any by its first bytes, such as a file of holes, is not read on.
fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let bytes = size(path)?;
    if MAX_BYTES < bytes {
        return Err(Error::FileTooLarge {
            path: path.to_owned(),
            bytes,
            limit: MAX_BYTES,
        });
    }
    let mut head = Vec::new();
    bounded_file::open(path)
        .and_then(|file| file.take(foreign_file::HEAD as u64).read_to_end(&mut head))
        .map_err(|source| unreadable(path, source))?;
    // A message of protocol buffers begins with the number of a field, in the upper bits, and none is zero.
    if head.first().is_none_or(|it| it >> 3 == 0) {
        parse(path, &head)?;
    }
    bounded_file::read(path, MAX_BYTES).map_err(|source| unreadable(path, source))
}

/// Reads what a file says about itself, without loading it.
pub fn describe(path: &Path) -> Result<Graph, Error> {
    parse(path, &read(path)?)
}

/// What may have been meant by a path that leads nowhere.
fn meant(path: &Path) -> String {
    let spelled = path.to_string_lossy();
    if spelled.starts_with('~') {
        return " (the shell left ~ as it is: write $HOME instead)".into();
    }
    if spelled.contains("://") {
        return " (addresses of models on servers begin with grpc, grpcs, http or https)".into();
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let real = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    match (models_in(folder).as_slice(), folder.is_dir()) {
        (_, false) => format!(" (there is no folder {})", real.display()),
        ([], true) => format!(" ({} has none)", real.display()),
        (files, true) => format!(" ({} has {})", real.display(), files.join(", ")),
    }
}

/// Names of the first models in a folder, sorted.
fn models_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|it| it.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|it| it.ends_with(".onnx")).collect();
    names.sort();
    names.truncate(MOST_NAMED);
    names
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::NotFound => Error::NotFound {
            meant: meant(&path),
            path,
        },
        _ => Error::Unreadable { path, source },
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Graph, Error> {
    onnx::parse(bytes).map_err(|error| {
        let head = &bytes[..bytes.len().min(foreign_file::HEAD)];
        let by_bytes = match error {
            ParseError::NotOnnx(_) => foreign_file::recognize(head),
            ParseError::Truncated(_) | ParseError::Absurd { .. } => None,
        };
        let path = path.to_owned();
        match (by_bytes.or(foreign_file::recognize_name(&path)), error) {
            (_, ParseError::Absurd { cause, remedy }) => Error::unsuitable(&path, cause, remedy),
            (Some((what, remedy)), _) => Error::Foreign { path, what, remedy },
            (None, ParseError::NotOnnx(cause)) => Error::NotOnnx { path, cause },
            (None, ParseError::Truncated(cause)) => Error::Truncated {
                path,
                bytes: bytes.len(),
                cause,
            },
        }
    })
}

/// Refuses constants that are too large, whether the file has their values or only a shape.
fn check_constants(path: &Path, graph: &Graph, options: &Options) -> Result<(), Error> {
    let (bytes, limit) = (graph.bounds.largest_constant, options.memory_limit);
    if bytes <= limit {
        return Ok(());
    }
    if bytes == u64::MAX {
        let cause = "it has a constant of a negative or absurdly large size";
        return Err(Error::unsuitable(
            path,
            cause,
            "check the model with onnx.checker",
        ));
    }
    Err(Error::Memory {
        path: path.to_owned(),
        asked: format!("it has a constant of {bytes} bytes"),
        limit,
    })
}

/// The files beside the model that hold weights, each once.
fn external_files(model: &Path, external: &[ExternalData]) -> Vec<PathBuf> {
    let folder = model.parent().unwrap_or(Path::new(""));
    let mut files: Vec<PathBuf> = external.iter().map(|it| folder.join(&it.location)).collect();
    files.dedup();
    files
}

/// Counts what is in the files: a model, its weights `beside` it, and what is said of it there.
fn hash(digest: &Content, beside: &[PathBuf], said: &Beside) -> Result<Sha256, Error> {
    let mut hash = Sha256::new();
    hash.update(digest);
    for path in beside {
        let mut add = || {
            let mut file = bounded_file::open(path)?;
            hash.update(file.metadata()?.len().to_le_bytes());
            io::copy(&mut file, &mut hash).map(drop)
        };
        add().map_err(|source| unreadable(path, source))?;
    }
    let info = said
        .info
        .as_ref()
        .map(|it| (&it.group_id, &it.hints, &it.tensors));
    hash.update(format!("{info:?} {:?}", said.companion));
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Stop;
    use crate::runtime::backend::Binding;
    use crate::runtime::turns::{AtOnce, Turns};

    struct Nothing;

    impl Executable for Nothing {
        fn runs(&self) -> AtOnce {
            AtOnce::Any
        }

        fn bind(self: Arc<Self>, _: usize, _: &Stop, _: Turns) -> Box<dyn Binding> {
            unreachable!()
        }
    }

    #[test]
    fn weights_that_change_while_a_library_reads_them_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models");
        for file in ["external.onnx", "external.data"] {
            fs::copy(models.join(file), folder.path().join(file)).unwrap();
        }
        let path = folder.path().join("external.onnx");
        let calm: LoadFile = |_, _, _, _| Ok(Arc::new(Nothing));
        let hurried: LoadFile = |path, _, _, _| {
            fs::write(path.with_extension("data"), [0; 4096]).unwrap();
            Ok(Arc::new(Nothing))
        };
        let options = Options::default();
        let load = |load| {
            let opened = open(&path, &options, load).unwrap();
            (opened.load)(opened.weights, &options).map(drop)
        };
        assert!(load(calm).is_ok());
        assert!(matches!(load(hurried), Err(Error::Changed { .. })));
    }
}
