// SPDX-License-Identifier: MPL-2.0

//! The model that is tuned: its file, its last layer, and runs in which more tensors come out than it says.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use gstavrec::bounded_file;
use gstavrec::elements::infer::offline::Offline;
use gstavrec::runtime::Runner;
use gstavrec::tensor::{Data, Tensor};
use gstavrec::tune::graph::file::OnnxFile;
use gstavrec::tune::graph::node::Node;

use crate::failure::Failure;

/// The largest model file that is tuned: what it is changed in stands in memory a few times.
const MOST_BYTES: u64 = 1 << 30;

/// Features of a layer that is still refitted: its matrix of squares has 200 MB then.
pub const MOST_FEATURES: usize = 5_000;

/// A model with its file as it is changed.
pub struct Subject {
    pub path: PathBuf,
    pub offline: Offline,
    pub file: OnnxFile,
    pub nodes: Vec<Node>,
    folder: Folder,
}

impl Subject {
    pub fn new(path: &Path, offline: Offline) -> Result<Subject, Failure> {
        let unusable = |cause: &dyn std::fmt::Display| Failure::Usage(format!("{}: {cause}", path.display()));
        let bytes = bounded_file::read(path, MOST_BYTES).map_err(|err| unusable(&err))?;
        let file = OnnxFile::read(bytes).map_err(|err| unusable(&err))?;
        let nodes = file.nodes().map_err(|err| unusable(&err))?;
        Ok(Subject {
            path: path.to_owned(),
            offline,
            file,
            nodes,
            folder: Folder::new()?,
        })
    }

    /// The same of a file that is to be loaded with these properties of `avrec-infer`.
    pub fn again(path: &Path, properties: &[(String, String)]) -> Result<Subject, Failure> {
        Subject::new(path, Offline::load(path, properties).map_err(Failure::Pipeline)?)
    }

    /// An error about the model that says why it is not tuned.
    pub fn unsuitable(&self, cause: &dyn std::fmt::Display) -> Failure {
        Failure::Usage(format!("{}: {cause}", self.path.display()))
    }

    /// A runner for the model with these tensors coming out besides.
    pub fn tapped(&self, names: &[&str]) -> Result<Tapped, Failure> {
        let mut file = self.file.clone();
        let inputs = file.inputs();
        for name in names.iter().filter(|it| inputs.iter().all(|input| input != *it)) {
            file.add_output(name);
        }
        self.runner(&file)
    }

    /// A runner for a changed file.
    pub fn runner(&self, file: &OnnxFile) -> Result<Tapped, Failure> {
        let path = self.folder.next();
        let cannot = |err| Failure::Output(format!("{}: {err}", path.display()));
        bounded_file::write(&path, file.write()).map_err(cannot)?;
        let runner = self.offline.runner(&path);
        let _ = std::fs::remove_file(&path);
        let runner = runner.map_err(|cause| self.unsuitable(&cause))?;
        Ok(Tapped { runner })
    }
}

/// A runner whose outputs are found by name.
pub struct Tapped {
    runner: Runner,
}

impl Tapped {
    /// Runs on what stands in an input of this shape.
    pub fn run(&mut self, input: &Tensor) -> Result<&[Tensor], Failure> {
        super::items::run(&mut self.runner, input)
    }

    /// Where a tensor stands among the outputs.
    pub fn place(&self, name: &str) -> Result<usize, Failure> {
        let outputs = &self.runner.model().outputs;
        let place = outputs.iter().position(|it| it.name == name);
        place.ok_or_else(|| {
            Failure::Pipeline(format!(
                "the tensor '{name}' does not come out of the changed model"
            ))
        })
    }
}

/// The numbers of a tensor in single precision; `None` for those of whole numbers.
pub fn floats(tensor: &Tensor) -> Option<std::borrow::Cow<'_, [f32]>> {
    match &tensor.data {
        Data::F32(values) => Some(values.into()),
        Data::F16(values) => Some(values.iter().map(|it| it.to_f32()).collect::<Vec<_>>().into()),
        Data::U8(values) => Some(values.iter().map(|it| f32::from(*it)).collect::<Vec<_>>().into()),
        Data::I32(_) | Data::I64(_) => None,
    }
}

/// A folder of this process alone, for files that go into an inference library.
struct Folder {
    path: PathBuf,
    next: AtomicU32,
}

impl Folder {
    fn new() -> Result<Folder, Failure> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("avrec-tune-{}-{number}", std::process::id()));
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|err| {
            Failure::Output(format!("{}: {err}; set TMPDIR to another folder", path.display()))
        })?;
        Ok(Folder {
            path,
            next: AtomicU32::new(0),
        })
    }

    fn next(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.path.join(format!("{number}.onnx"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
