// SPDX-License-Identifier: MPL-2.0

//! Runs a model in ONNX Runtime, with input and output memory bound once and reused.

use std::ffi::{CString, c_char};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

use ort::AsPointer;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

use super::backend::Backend;
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

/// The model, kept from being used or released while ONNX Runtime is torn down; see [`in_flight`].
pub(super) struct OrtBackend {
    inner: ManuallyDrop<Inner>,
}

struct Inner {
    path: PathBuf,
    // Values before the session: fields are dropped in this order.
    input: Option<Bound>,
    outputs: Vec<Option<Bound>>,
    shape: Vec<usize>,
    memory_info: MemoryInfo,
    session: Session,
    input_name: CString,
    output_names: Vec<CString>,
    pinned: bool,
}

// SAFETY: the addresses in `Memory` are only compared; values and session are `Send`.
unsafe impl Send for Inner {}

impl OrtBackend {
    /// Loads the model: from the bytes that were checked, or from the path where it has external data.
    pub(super) fn load(
        path: &Path,
        bytes: &[u8],
        has_external_data: bool,
        (input, outputs): (&TensorInfo, &[TensorInfo]),
        options: &Options,
    ) -> Result<OrtBackend, Error> {
        let environment = &library::loaded()?.environment;
        let _call = in_flight::begin().ok_or_else(|| load_error(path, EXITING))?;
        let session = create(environment, path, bytes, has_external_data, options)
            .map_err(|error| load_error(path, error.message()))?;
        let memory_info = MemoryInfo::cpu().map_err(|error| load_error(path, error.message()))?;
        let name = |name: &str| CString::new(name).map_err(|error| load_error(path, &error.to_string()));
        let inner = Inner {
            path: path.to_owned(),
            input: None,
            outputs: outputs.iter().map(|_| None).collect(),
            shape: Vec::new(),
            memory_info,
            session,
            input_name: name(&input.name)?,
            output_names: outputs
                .iter()
                .map(|output| name(&output.name))
                .collect::<Result<_, _>>()?,
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

    fn bind_input(&mut self, input: &mut Tensor, shape: &[usize]) -> Result<(), ort::Error> {
        let memory = buffer::bytes_mut(&mut input.data);
        if self.shape == shape && self.input.as_ref().is_some_and(|bound| bound.memory == memory) {
            return Ok(());
        }
        let element_type = buffer::element_type(&input.data);
        // SAFETY: `run` compares the memory before each use, and the value is used nowhere else.
        let value = unsafe { OrtValue::view(&self.memory_info, memory, element_type, shape) }?;
        self.input = Some(Bound { memory, value });
        if self.shape != shape {
            self.outputs.iter_mut().for_each(|bound| *bound = None);
            self.shape = shape.to_vec();
        }
        Ok(())
    }

    fn run(&mut self, input: &mut Tensor, shape: &[usize], outputs: &mut [Tensor]) -> Result<(), Error> {
        self.bind_input(input, shape)
            .map_err(|error| self.failure(&error))?;
        match self.run_bound(outputs) {
            Ok(()) => Ok(()),
            // A model may declare shapes that it does not keep; then its outputs are not bound again.
            Err(error) if self.outputs.iter().any(Option::is_some) => {
                self.pinned = false;
                self.outputs.iter_mut().for_each(|bound| *bound = None);
                self.run_bound(outputs).map_err(|_| self.failure(&error))
            }
            Err(error) => Err(self.failure(&error)),
        }
    }

    /// Runs with what is bound; unbound outputs are allocated by the library and copied.
    fn run_bound(&mut self, outputs: &mut [Tensor]) -> Result<(), ort::Error> {
        let Some(input) = &self.input else {
            return Err(ort::Error::new("no input is bound"));
        };
        let is_same = |(bound, output): (&mut Option<Bound>, &mut Tensor)| {
            let memory = buffer::bytes_mut(&mut output.data);
            match bound {
                Some(it) if it.memory == memory => it.value.as_ptr(),
                _ => {
                    *bound = None;
                    ptr::null_mut()
                }
            }
        };
        let mut values: Vec<_> = self
            .outputs
            .iter_mut()
            .zip(outputs.iter_mut())
            .map(is_same)
            .collect();
        let names: Vec<*const c_char> = self.output_names.iter().map(|name| name.as_ptr()).collect();
        // SAFETY: names and values live in `self`; bound memory was compared just now and is borrowed
        // mutably through `outputs` and by the caller's `input` during the call; the counts are the lengths.
        let status = unsafe {
            (ort::api().Run)(
                self.session.ptr().cast_mut(),
                ptr::null(),
                &self.input_name.as_ptr(),
                &input.value.as_ptr().cast_const(),
                1,
                names.as_ptr(),
                names.len(),
                values.as_mut_ptr(),
            )
        };
        // SAFETY: the status was just returned and is consumed once.
        unsafe { ort::Error::result_from_status(status) }?;
        self.take_unbound(&values, outputs)
    }

    fn take_unbound(
        &mut self,
        values: &[*mut ort::sys::OrtValue],
        outputs: &mut [Tensor],
    ) -> Result<(), ort::Error> {
        for ((bound, &value), output) in self.outputs.iter_mut().zip(values).zip(outputs) {
            if bound.is_some() {
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
                // SAFETY: as in `bind_input`.
                let value = unsafe { OrtValue::view(&self.memory_info, memory, element_type, &output.dims) }?;
                *bound = Some(Bound { memory, value });
            }
        }
        Ok(())
    }
}

impl Backend for OrtBackend {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&mut self, input: &mut Tensor, shape: &[usize], outputs: &mut [Tensor]) -> Result<(), Error> {
        match in_flight::begin() {
            Some(_call) => self.inner.run(input, shape, outputs),
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
