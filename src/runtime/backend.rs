// SPDX-License-Identifier: MPL-2.0

//! What runs models, such as an inference library: it opens a source, and what it opened runs.

use std::path::Path;
use std::sync::Arc;

use super::failure::Failure;
use super::files_read::FilesRead;
use super::onnx::OtherType;
use super::signature::Signature;
use super::stop::Stop;
use super::turns::{AtOnce, Turns};
use super::{Error, Options, RemoteTimes};
use crate::tensor::Tensor;

/// A way to run models.
pub(super) trait Backend: Sync {
    /// Returns the nick of the `backend` property.
    fn name(&self) -> &'static str;

    /// Operators one after another that it can take; `None` where there is no such bound.
    fn most_depth(&self) -> Option<usize> {
        None
    }

    /// Returns how many threads a run uses with these options: what is asked for, as far as it can be had.
    fn threads(&self, options: &Options) -> Result<usize, Error> {
        Ok(options.threads)
    }

    /// Reads and judges the model at `source`: a file, or for a backend that reaches models elsewhere an address.
    fn open(&self, source: &Path, options: &Options) -> Result<Opened, Error>;
}

/// A model that was read and not yet loaded.
pub(super) struct Opened {
    /// The same for models that cannot be told apart.
    pub content: Content,
    /// The same where what was read is the same, whichever the options.
    pub written: Content,
    /// The SHA-256 of the model file itself.
    pub digest: Content,
    /// The files that the content came from; none where there are no files.
    pub files: FilesRead,
    pub signature: Signature,
    /// Where its weights are, for `load`.
    pub weights: Weights,
    /// Takes long, and is left out where the same content is loaded already.
    pub load: Load,
}

/// Where the weights of a model are.
#[derive(Clone)]
pub(super) enum Weights {
    /// All in the file, whose bytes these are.
    Inside(Arc<Vec<u8>>),
    /// In further files, so that the library reads all of them by the path.
    Beside,
}

/// A SHA-256 of all that makes a model what it is.
pub(super) type Content = [u8; 32];

/// Loads into a library, with options that may be others than those it was opened with.
pub(super) type Load = Arc<dyn Fn(Weights, &Options) -> Result<Arc<dyn Executable>, Error> + Send + Sync>;

/// A loaded model, which any number of threads use, each through a binding of its own.
pub(super) trait Executable: Send + Sync {
    /// Whether it may be run by several threads at the same time.
    fn runs(&self) -> AtOnce;

    /// Makes what one user needs, whose runs take at most `memory_limit` bytes and end when they are given up.
    ///
    /// Each run has a turn of `turns` from before it enters the library until it has left it, which may be later than
    /// [`Binding::run`] returns.
    fn bind(self: Arc<Self>, memory_limit: usize, stop: &Stop, turns: Turns) -> Box<dyn Binding>;

    /// What is known of the way to it; `None` for a model of this process.
    fn remote_times(&self) -> Option<RemoteTimes> {
        None
    }
}

/// What goes into a model at one place.
#[derive(Default)]
pub(super) struct Input {
    pub tensor: Tensor,
    /// Its shape as the model wants it, which may lack dimensions of size one that the tensor has.
    pub shape: Vec<usize>,
    /// The model's type where it is another than the tensor's: bool, whose bytes are 0 and 1, and float64, whose bits
    /// stand in int64.
    pub other_type: Option<OtherType>,
}

impl Input {
    /// An input of the tensor's own type.
    pub(super) fn new(tensor: Tensor, shape: Vec<usize>) -> Input {
        Input {
            tensor,
            shape,
            other_type: None,
        }
    }
}

/// What one user of a model needs for its runs.
pub(super) trait Binding: Send {
    /// Runs once, or says why not. `inputs` and `outputs` stand in the order of [`Model::inputs`](super::Model::inputs) and
    /// [`Model::results`](super::Model::results); the product of an input's shape is the length of its data. `outputs` get their shapes
    /// and data, and their memory is reused where it fits. Memory that was seen before, at whichever place, costs
    /// nothing again.
    fn run(&mut self, inputs: &mut [Input], outputs: &mut [Tensor]) -> Result<(), Failure>;

    /// Promises that the shape of every output follows from the inputs' shapes alone, so that their
    /// memory may be bound beforehand.
    fn pin_outputs(&mut self) {}
}
