// SPDX-License-Identifier: MPL-2.0

//! Runs a model in rten, which is compiled in and needs nothing installed.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use rten::{LoadErrorKind, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView, ValueView};

use super::backend::{Backend, Binding, Executable, Input, ORT, Opened, RTEN};
use super::onnx::OtherType;
use super::onnx_file::{self, Weights};
use super::{Error, Model, OptimizationLevel, Options, buffer};
use crate::tensor::{Data, ElementType, Tensor, TensorInfo};

/// The library that is compiled in.
pub(super) struct RtenBackend;

impl Backend for RtenBackend {
    fn name(&self) -> &'static str {
        RTEN
    }

    fn open(&self, source: &Path, options: &Options) -> Result<Opened, Error> {
        onnx_file::open(source, options, load)
    }
}

fn load(
    path: &Path,
    described: &Model,
    weights: Weights,
    options: &Options,
) -> Result<Arc<dyn Executable>, Error> {
    let mut tensors = described.inputs().chain(described.results());
    if let Some(half) = tensors.find(|it| it.element_type == ElementType::F16) {
        let cause = format!("'{}' is float16, which rten does not have", half.name);
        let remedy = "install ONNX Runtime or export the model as float32";
        return Err(Error::unsuitable(path, cause, remedy));
    }
    let mut loading = ModelOptions::with_all_ops();
    loading.enable_optimization(options.optimization_level != OptimizationLevel::DisableAll);
    loading.prepack_weights(true);
    // The file is hostile until proven otherwise, and a library bug should not end the process.
    let loaded = catch_unwind(AssertUnwindSafe(|| match weights {
        Weights::Inside(bytes) => loading.load(bytes),
        Weights::Beside => loading.load_file(path),
    }));
    let model = match loaded {
        Ok(Ok(model)) => model,
        Ok(Err(error)) => return Err(load_error(path, error.kind(), error.to_string())),
        Err(panic) => {
            let cause = panic_text(panic.as_ref());
            return Err(load_error(path, LoadErrorKind::ParseError, cause));
        }
    };
    let node = |port: &TensorInfo| {
        model
            .node_id(&port.name)
            .map_err(|error| load_error(path, LoadErrorKind::GraphError, error.to_string()))
    };
    let inputs = described.inputs().map(node).collect::<Result<_, _>>()?;
    let outputs = described.results().map(node).collect::<Result<_, _>>()?;
    Ok(Arc::new(RtenModel {
        model,
        inputs,
        outputs,
        threads: options.threads,
    }))
}

struct RtenModel {
    model: rten::Model,
    inputs: Vec<NodeId>,
    outputs: Vec<NodeId>,
    threads: usize,
}

impl Executable for RtenModel {
    fn bind(self: Arc<Self>) -> Box<dyn Binding> {
        // Runs on one pool wait for each other, so each user has its own.
        let pool = Arc::new(ThreadPool::with_num_threads(self.threads));
        Box::new(RtenBinding {
            options: RunOptions::default().with_thread_pool(Some(pool)),
            model: self,
        })
    }
}

struct RtenBinding {
    model: Arc<RtenModel>,
    options: RunOptions,
}

impl Binding for RtenBinding {
    fn run(&mut self, inputs: &mut [Input], outputs: &mut [Tensor]) -> Result<(), String> {
        let RtenModel {
            model,
            inputs: input_nodes,
            outputs: output_nodes,
            ..
        } = &*self.model;
        let mut views = Vec::with_capacity(inputs.len());
        for (node, input) in input_nodes.iter().zip(inputs.iter()) {
            let view = view(input)
                .ok_or_else(|| format!("an input of shape {:?} does not hold its data", input.shape))?;
            views.push((*node, view));
        }
        let run = || model.run(views, output_nodes, Some(self.options.clone()));
        let values = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(values) => values.map_err(|error| error.to_string())?,
            Err(panic) => return Err(panic_text(panic.as_ref())),
        };
        let mut values = values.into_iter().zip(outputs);
        values.try_for_each(|(value, output)| take(value, output))
    }
}

/// Borrows an input, but for int64, which rten has only as int32 and which is narrowed.
fn view(input: &Input) -> Option<ValueOrView<'_>> {
    let shape = input.shape.as_slice();
    // rten has bool as int32 and float64 as float32.
    match (&input.tensor.data, input.other_type) {
        (Data::U8(elements), Some(OtherType::BOOL)) => {
            let wide: Vec<i32> = elements.iter().map(|&it| i32::from(it)).collect();
            return Value::from_shape(shape, wide).ok().map(ValueOrView::Value);
        }
        (Data::I64(elements), Some(OtherType::FLOAT64)) => {
            let narrow = elements
                .iter()
                .map(|it| f64::from_bits(it.cast_unsigned()) as f32);
            return Value::from_shape(shape, narrow.collect::<Vec<f32>>())
                .ok()
                .map(ValueOrView::Value);
        }
        _ => {}
    }
    let view = match &input.tensor.data {
        Data::F32(elements) => ValueView::from_shape(shape, elements.as_slice()).ok(),
        Data::U8(elements) => ValueView::from_shape(shape, elements.as_slice()).ok(),
        Data::I32(elements) => ValueView::from_shape(shape, elements.as_slice()).ok(),
        Data::I64(elements) => {
            let narrow = elements.iter().map(|&it| i32::try_from(it));
            let narrow: Vec<i32> = narrow.collect::<Result<_, _>>().ok()?;
            return Value::from_shape(shape, narrow).ok().map(ValueOrView::Value);
        }
        Data::F16(_) => return None,
    };
    view.map(ValueOrView::View)
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
    Error::load(path, [RTEN, ORT], kind == LoadErrorKind::OperatorInvalid, cause)
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|it| (*it).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the library panicked: {}", text.unwrap_or_default())
}
