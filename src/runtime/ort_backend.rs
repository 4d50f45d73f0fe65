// SPDX-License-Identifier: MPL-2.0

//! Runs a model in ONNX Runtime, with input and output memory bound once and reused.

use std::ffi::{CString, c_char};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

use ort::AsPointer;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

use super::backend::{Backend, Input};
use super::ort_value::{MemoryInfo, OrtValue, type_number};
use super::{Error, OptimizationLevel, Options, buffer, in_flight, library};
use crate::tensor::{Tensor, TensorInfo};

pub(super) const NAME: &str = "ort";

/// Cause of an error that only threads which outlive the program can see.
const EXITING: &str = "the process is exiting";

/// Memory that a value views: if it moved or changed its length, the value is made anew.
type Memory = (*mut u8, usize);

struct Bound {
    memory: Memory,
    value: OrtValue,
}

/// Values kept for one input or output. State goes from outputs to inputs by changing places, so that the
/// same few pieces of memory come around.
#[derive(Default)]
struct Place {
    shape: Vec<usize>,
    values: Vec<Bound>,
}

/// Values that one place keeps: two for each of 16 channels that take turns with their states.
const MAX_VALUES: usize = 32;

impl Place {
    fn find(&self, memory: Memory) -> Option<*mut ort::sys::OrtValue> {
        let bound = self.values.iter().find(|bound| bound.memory == memory)?;
        Some(bound.value.as_ptr())
    }

    fn keep(&mut self, memory: Memory, value: OrtValue) {
        if MAX_VALUES <= self.values.len() {
            self.values.remove(0);
        }
        self.values.push(Bound { memory, value });
    }
}

/// The model, kept from being used or released while ONNX Runtime is torn down; see [`in_flight`].
pub(super) struct OrtBackend {
    inner: ManuallyDrop<Inner>,
}

struct Inner {
    path: PathBuf,
    // Values before the session: fields are dropped in this order.
    inputs: Vec<Place>,
    outputs: Vec<Place>,
    memory_info: MemoryInfo,
    session: Session,
    input_names: Names,
    output_names: Names,
    /// What the next run gets and makes: kept for its memory, filled for each run.
    input_values: Vec<*const ort::sys::OrtValue>,
    output_values: Vec<*mut ort::sys::OrtValue>,
    pinned: bool,
}

/// Names of places as the library wants them: the pointers lead into the strings, which never change.
struct Names {
    _strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Names {
    fn new(path: &Path, ports: &[&TensorInfo]) -> Result<Names, Error> {
        let name = |port: &&TensorInfo| {
            CString::new(port.name.as_str()).map_err(|error| load_error(path, &error.to_string()))
        };
        let strings = ports.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        let pointers = strings.iter().map(|name| name.as_ptr()).collect();
        Ok(Names {
            _strings: strings,
            pointers,
        })
    }
}

// SAFETY: the addresses in `Memory` are only compared, names lead to strings of the same object, values for a
// run are filled at its begin; values and session are `Send`.
unsafe impl Send for Inner {}

impl OrtBackend {
    /// Loads the model: from the bytes that were checked, or from the path where it has external data.
    pub(super) fn load(
        path: &Path,
        bytes: &[u8],
        has_external_data: bool,
        (inputs, outputs): (&[&TensorInfo], &[&TensorInfo]),
        options: &Options,
    ) -> Result<OrtBackend, Error> {
        let environment = &library::loaded()?.environment;
        let _call = in_flight::begin().ok_or_else(|| load_error(path, EXITING))?;
        let session = create(environment, path, bytes, has_external_data, options)
            .map_err(|error| load_error(path, error.message()))?;
        let memory_info = MemoryInfo::cpu().map_err(|error| load_error(path, error.message()))?;
        let places = |ports: &[&TensorInfo]| ports.iter().map(|_| Place::default()).collect();
        let inner = Inner {
            path: path.to_owned(),
            inputs: places(inputs),
            outputs: places(outputs),
            memory_info,
            session,
            input_names: Names::new(path, inputs)?,
            output_names: Names::new(path, outputs)?,
            input_values: Vec::with_capacity(inputs.len()),
            output_values: Vec::with_capacity(outputs.len()),
            pinned: false,
        };
        Ok(OrtBackend {
            inner: ManuallyDrop::new(inner),
        })
    }
}

impl Drop for OrtBackend {
    fn drop(&mut self) {
        // A process that exits gives the memory back by itself.
        if let Some(_call) = in_flight::begin() {
            // SAFETY: dropped here only, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.inner) }
        }
    }
}

impl Inner {
    fn failure(&self, error: &ort::Error) -> Error {
        Error::Run {
            path: self.path.clone(),
            backend: NAME,
            cause: error.message().trim().to_owned(),
        }
    }

    /// Makes values for inputs that have none yet.
    fn bind_inputs(&mut self, inputs: &mut [Input]) -> Result<(), ort::Error> {
        if inputs.len() != self.inputs.len() {
            return Err(ort::Error::new("the number of inputs is not the model's"));
        }
        self.input_values.clear();
        for (place, input) in self.inputs.iter_mut().zip(inputs) {
            if place.shape != input.shape {
                place.values.clear();
                place.shape.clone_from(&input.shape);
                // Other inputs may mean other outputs.
                self.outputs.iter_mut().for_each(|it| it.values.clear());
            }
            let memory = buffer::bytes_mut(&mut input.tensor.data);
            let value = match place.find(memory) {
                Some(value) => value,
                None => {
                    let element_type = buffer::element_type(&input.tensor.data);
                    // SAFETY: `run` looks for the memory of now before each use.
                    let value =
                        unsafe { OrtValue::view(&self.memory_info, memory, element_type, &input.shape) }?;
                    let pointer = value.as_ptr();
                    place.keep(memory, value);
                    pointer
                }
            };
            self.input_values.push(value);
        }
        Ok(())
    }

    fn run(&mut self, inputs: &mut [Input], outputs: &mut [Tensor]) -> Result<(), Error> {
        self.bind_inputs(inputs).map_err(|error| self.failure(&error))?;
        match self.run_bound(outputs) {
            Ok(()) => Ok(()),
            // A model may declare shapes that it does not keep; then its outputs are not bound again.
            Err(error) if self.outputs.iter().any(|it| !it.values.is_empty()) => {
                self.pinned = false;
                self.outputs.iter_mut().for_each(|it| it.values.clear());
                self.run_bound(outputs).map_err(|_| self.failure(&error))
            }
            Err(error) => Err(self.failure(&error)),
        }
    }

    /// Runs with what is bound; unbound outputs are allocated by the library and copied.
    fn run_bound(&mut self, outputs: &mut [Tensor]) -> Result<(), ort::Error> {
        if outputs.len() != self.outputs.len() {
            return Err(ort::Error::new("the number of outputs is not the model's"));
        }
        self.output_values.clear();
        for (place, output) in self.outputs.iter().zip(outputs.iter_mut()) {
            let value = place.find(buffer::bytes_mut(&mut output.data));
            self.output_values.push(value.unwrap_or(ptr::null_mut()));
        }
        // SAFETY: names and values live in `self`; the memory that they view was looked up just now, and is
        // borrowed mutably through `outputs` and by the caller's `inputs` during the call; the counts are the
        // lengths.
        let status = unsafe {
            (ort::api().Run)(
                self.session.ptr().cast_mut(),
                ptr::null(),
                self.input_names.pointers.as_ptr(),
                self.input_values.as_ptr(),
                self.input_values.len(),
                self.output_names.pointers.as_ptr(),
                self.output_names.pointers.len(),
                self.output_values.as_mut_ptr(),
            )
        };
        // SAFETY: the status was just returned and is consumed once.
        unsafe { ort::Error::result_from_status(status) }?;
        self.take_unbound(outputs)
    }

    fn take_unbound(&mut self, outputs: &mut [Tensor]) -> Result<(), ort::Error> {
        for ((place, &value), output) in self.outputs.iter_mut().zip(&self.output_values).zip(outputs) {
            if place.find(buffer::bytes_mut(&mut output.data)) == Some(value) {
                continue;
            }
            let value = NonNull::new(value).ok_or_else(|| ort::Error::new("an output is missing"))?;
            // SAFETY: the place was null before the run, so the library made the value for us.
            let value = unsafe { OrtValue::from_run(value) };
            let (dims, element_type) = value.shape()?;
            if element_type != type_number(buffer::element_type(&output.data)) {
                return Err(ort::Error::new(
                    "an output has another type than the model declares",
                ));
            }
            let count =
                buffer::element_count(&dims).ok_or_else(|| ort::Error::new("an output is absurdly large"))?;
            // SAFETY: type and count were just asked from the value; only the CPU provider is used.
            unsafe { value.copy_into(&mut output.data, count) }?;
            output.dims = dims;
            if self.pinned {
                let memory = buffer::bytes_mut(&mut output.data);
                let element_type = buffer::element_type(&output.data);
                // SAFETY: as in `bind_inputs`.
                let value = unsafe { OrtValue::view(&self.memory_info, memory, element_type, &output.dims) }?;
                place.keep(memory, value);
            }
        }
        Ok(())
    }
}

impl Backend for OrtBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&mut self, inputs: &mut [Input], outputs: &mut [Tensor]) -> Result<(), Error> {
        match in_flight::begin() {
            Some(_call) => self.inner.run(inputs, outputs),
            None => Err(Error::Run {
                path: self.inner.path.clone(),
                backend: NAME,
                cause: EXITING.into(),
            }),
        }
    }

    fn pin_outputs(&mut self) {
        self.inner.pinned = true;
    }
}

fn create(
    environment: &ort::environment::Environment,
    path: &Path,
    bytes: &[u8],
    has_external_data: bool,
    options: &Options,
) -> Result<Session, ort::Error> {
    let level = match options.optimization_level {
        OptimizationLevel::DisableAll => GraphOptimizationLevel::Disable,
        OptimizationLevel::Basic => GraphOptimizationLevel::Level1,
        OptimizationLevel::Extended => GraphOptimizationLevel::Level2,
        OptimizationLevel::All => GraphOptimizationLevel::All,
    };
    let plain = |error: ort::Error<_>| ort::Error::new(error.message());
    let mut builder = Session::builder(environment)?
        .with_optimization_level(level)
        .map_err(plain)?
        .with_intra_threads(options.threads)
        .map_err(plain)?
        .with_inter_threads(1)
        .map_err(plain)?
        // Waiting workers that spin take a third more CPU and make no frame faster (two cores, 1.32).
        .with_intra_op_spinning(false)
        .map_err(plain)?
        .with_memory_pattern(true)
        .map_err(plain)?;
    match has_external_data {
        true => builder.commit_from_file(path),
        false => builder.commit_from_memory(bytes),
    }
}

fn load_error(path: &Path, message: &str) -> Error {
    // Wording of ONNX Runtime 1.17 to 1.32 for an operator that it does not know or has no kernel for.
    const OPERATOR: [&str; 4] = [
        "is not a registered function/op",
        "No Op registered for",
        "Could not find an implementation",
        "No opset import",
    ];
    let cause = message.trim().to_owned();
    let (path, backend, other) = (path.to_owned(), NAME, super::rten_backend::NAME);
    match OPERATOR.iter().any(|words| message.contains(words)) {
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
