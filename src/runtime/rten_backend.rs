// SPDX-License-Identifier: MPL-2.0

//! Runs a model in rten, which is compiled in and needs nothing installed.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rten::{LoadErrorKind, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView, ValueView};

use super::backend::Backend;
use super::{Error, OptimizationLevel, Options, buffer};
use crate::tensor::{Data, ElementType, Tensor, TensorInfo};

pub(super) const NAME: &str = "rten";

pub(super) struct RtenBackend {
    path: PathBuf,
    model: rten::Model,
    input: NodeId,
    outputs: Vec<NodeId>,
    options: RunOptions,
}

impl RtenBackend {
    /// Loads the model; see [`super::ort_backend::OrtBackend::load`].
    pub(super) fn load(
        path: &Path,
        bytes: &[u8],
        has_external_data: bool,
        (input, outputs): (&TensorInfo, &[TensorInfo]),
        options: &Options,
    ) -> Result<RtenBackend, Error> {
        let tensors = std::iter::once(input).chain(outputs);
        if let Some(half) = tensors.clone().find(|it| it.element_type == ElementType::F16) {
            let cause = format!("'{}' is float16, which rten does not have", half.name);
            return Err(Error::unsuitable(
                path,
                cause,
                "install ONNX Runtime or export the model as float32",
            ));
        }
        let mut loading = ModelOptions::with_all_ops();
        loading.enable_optimization(options.optimization_level != OptimizationLevel::DisableAll);
        loading.prepack_weights(true);
        // The file is hostile until proven otherwise, and a library bug should not end the process.
        let loaded = catch_unwind(AssertUnwindSafe(|| match has_external_data {
            true => loading.load_file(path),
            false => loading.load(bytes.to_vec()),
        }));
        let model = match loaded {
            Ok(Ok(model)) => model,
            Ok(Err(error)) => return Err(load_error(path, error.kind(), error.to_string())),
            Err(panic) => {
                return Err(load_error(
                    path,
                    LoadErrorKind::ParseError,
                    panic_text(panic.as_ref()),
                ));
            }
        };
        let node = |name: &str| {
            model
                .node_id(name)
                .map_err(|error| load_error(path, LoadErrorKind::GraphError, error.to_string()))
        };
        Ok(RtenBackend {
            path: path.to_owned(),
            input: node(&input.name)?,
            outputs: outputs
                .iter()
                .map(|output| node(&output.name))
                .collect::<Result<_, _>>()?,
            options: RunOptions::default()
                .with_thread_pool(Some(Arc::new(ThreadPool::with_num_threads(options.threads)))),
            model,
        })
    }

    fn failure(&self, cause: String) -> Error {
        Error::Run {
            path: self.path.clone(),
            backend: NAME,
            cause,
        }
    }
}

impl Backend for RtenBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&mut self, input: &mut Tensor, shape: &[usize], outputs: &mut [Tensor]) -> Result<(), Error> {
        let view = match &input.data {
            Data::F32(elements) => ValueView::from_shape(shape, elements.as_slice()).ok(),
            Data::U8(elements) => ValueView::from_shape(shape, elements.as_slice()).ok(),
            Data::I32(elements) => ValueView::from_shape(shape, elements.as_slice()).ok(),
            Data::F16(_) | Data::I64(_) => None,
        };
        let view =
            view.ok_or_else(|| self.failure(format!("an input of shape {shape:?} does not hold its data")))?;
        let inputs = vec![(self.input, ValueOrView::View(view))];
        let run = || self.model.run(inputs, &self.outputs, Some(self.options.clone()));
        let values = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(values)) => values,
            Ok(Err(error)) => return Err(self.failure(error.to_string())),
            Err(panic) => return Err(self.failure(panic_text(panic.as_ref()))),
        };
        for (value, output) in values.into_iter().zip(outputs) {
            take(value, output).map_err(|cause| self.failure(cause))?;
        }
        Ok(())
    }
}

/// Moves an answer into the output. rten has int64 only as int32, so those are widened again.
fn take(value: Value, output: &mut Tensor) -> Result<(), String> {
    let wanted = buffer::element_type(&output.data);
    (output.dims, output.data) = match (value, wanted) {
        (Value::FloatTensor(tensor), ElementType::F32) => (shape(&tensor), Data::F32(tensor.into_data())),
        (Value::UInt8Tensor(tensor), ElementType::U8) => (shape(&tensor), Data::U8(tensor.into_data())),
        (Value::Int32Tensor(tensor), ElementType::I32) => (shape(&tensor), Data::I32(tensor.into_data())),
        (Value::Int32Tensor(tensor), ElementType::I64) => {
            let dims = shape(&tensor);
            (
                dims,
                Data::I64(tensor.into_data().into_iter().map(i64::from).collect()),
            )
        }
        (value, wanted) => {
            return Err(format!(
                "an output is {:?} where the model declares {wanted:?}",
                value.dtype()
            ));
        }
    };
    Ok(())
}

fn shape<T>(tensor: &rten_tensor::Tensor<T>) -> Vec<usize> {
    use rten_tensor::Layout;
    tensor.shape().to_vec()
}

fn load_error(path: &Path, kind: LoadErrorKind, cause: String) -> Error {
    let (path, backend, other) = (path.to_owned(), NAME, super::ort_backend::NAME);
    match kind {
        LoadErrorKind::OperatorInvalid => Error::Operator {
            path,
            backend,
            other,
            cause,
        },
        _ => Error::Load {
            path,
            backend,
            other,
            cause,
        },
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|it| (*it).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the library panicked: {}", text.unwrap_or_default())
}
