// SPDX-License-Identifier: MPL-2.0

//! Runs a model in rten, which is compiled in and needs nothing installed.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use rten::{LoadErrorKind, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView, ValueView};

use super::allowance::Allowance;
use super::backend::{Backend, Binding, Executable, Input, Opened, Weights};
use super::backend_names::{ORT, RTEN};
use super::failure::Failure;
use super::memory_returned::MemoryReturned;
use super::onnx::OtherType;
use super::turns::{AtOnce, Turns};
use super::worker::Worker;
use super::{Error, Model, OptimizationLevel, Options, Stop, buffer, onnx_file, thread_pool};
use crate::tensor::{Data, ElementType, Tensor, TensorInfo};

/// Operators one after another: it goes back through them by recursion, in stacks of 2 MB.
const MOST_DEPTH: usize = 4000;

/// The library that is compiled in.
pub(super) struct RtenBackend;

impl Backend for RtenBackend {
    fn name(&self) -> &'static str {
        RTEN
    }

    fn most_depth(&self) -> Option<usize> {
        Some(MOST_DEPTH)
    }

    fn threads(&self, options: &Options) -> Result<usize, Error> {
        match options.threads {
            1 => Ok(1),
            asked => Ok(asked.min(thread_pool::size()?)),
        }
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
        Weights::Inside(bytes) => loading.load(Arc::try_unwrap(bytes).unwrap_or_else(|it| (*it).clone())),
        Weights::Beside => loading.load_file(path),
    }));
    let model = match loaded {
        Ok(Ok(model)) => model,
        Ok(Err(error)) => {
            let of_cause = |cause| load_error(path, error.kind(), cause);
            return Err(Failure::Cause(error.to_string()).error(path, options, of_cause));
        }
        Err(panic) => {
            let of_cause = |cause| load_error(path, LoadErrorKind::ParseError, cause);
            return Err(Failure::panic(panic.as_ref()).error(path, options, of_cause));
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
        threads: RtenBackend.threads(options)?,
        _memory: MemoryReturned,
    }))
}

/// A loaded model.
struct RtenModel {
    model: rten::Model,
    inputs: Vec<NodeId>,
    outputs: Vec<NodeId>,
    threads: usize,
    // Last: fields are dropped in this order.
    _memory: MemoryReturned,
}

impl Executable for RtenModel {
    fn runs(&self) -> AtOnce {
        AtOnce::Any
    }

    fn bind(self: Arc<Self>, memory_limit: usize, stop: &Stop, turns: Turns) -> Box<dyn Binding> {
        // A bound of memory counts for a thread, and runs on one pool wait for each other: so each user has its own.
        let pool = Arc::new(ThreadPool::with_num_threads(self.threads));
        let allowance = Allowance::new(memory_limit);
        let (of_run, held) = (pool.clone(), allowance.clone());
        let of_runs = stop.clone();
        let run = move |inputs: &mut [Input], outputs: &mut [Tensor]| {
            let _turn = turns.take(&of_runs)?;
            self.run(&of_run, inputs, outputs)
        };
        let start = |work: Box<dyn FnOnce() + Send>| {
            pool.run(move || {
                // Each of its threads, of which one works from now on.
                rayon::broadcast(|_| held.hold());
                rayon::spawn(work);
            });
            Ok::<(), Infallible>(())
        };
        match Worker::new(allowance, stop, run, start) {
            Ok(worker) => Box::new(worker),
        }
    }
}

impl Binding for Worker {
    fn run(&mut self, inputs: &mut [Input], outputs: &mut [Tensor]) -> Result<(), Failure> {
        Worker::run(self, inputs, outputs)
    }
}

impl RtenModel {
    /// Runs once, on the thread that calls, if it is one of the pool.
    fn run(&self, pool: &Arc<ThreadPool>, inputs: &[Input], outputs: &mut [Tensor]) -> Result<(), Failure> {
        let mut views = Vec::with_capacity(inputs.len());
        for (node, input) in self.inputs.iter().zip(inputs) {
            let view = view(input)
                .ok_or_else(|| format!("an input of shape {:?} does not hold its data", input.shape))?;
            views.push((*node, view));
        }
        let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
        let run = || self.model.run(views, &self.outputs, Some(options));
        let values = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(values) => values.map_err(|error| error.to_string())?,
            Err(panic) => return Err(Failure::panic(panic.as_ref())),
        };
        let mut values = values.into_iter().zip(outputs);
        Ok(values.try_for_each(|(value, output)| take(value, output))?)
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
