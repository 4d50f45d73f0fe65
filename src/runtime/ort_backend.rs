// SPDX-License-Identifier: MPL-2.0

//! Runs a model in ONNX Runtime, with input and output memory bound once and reused.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use ort::AsPointer;
use ort::session::Session;
use parking_lot::Mutex;

use super::allowance::Allowance;
use super::backend::{Backend, Binding, Executable, Input, Opened, Weights};
use super::backend_names::{ORT, RTEN};
use super::exit_guard::{self, Guarded};
use super::failure::{self, Failure};
use super::memory_returned::MemoryReturned;
use super::onnx::OtherType;
use super::onnx_file;
use super::ort_run_options::RunOptions;
use super::ort_value::{MemoryInfo, OrtValue, type_number};
use super::stop::GiveUp;
use super::turns::{AtOnce, Turns};
use super::worker::Worker;
use super::{Error, ExecutionProvider, Model, Options, Stop, buffer, library, ort_provider, thread_pool};
use crate::tensor::{Tensor, TensorInfo};
use crate::thread_time;

/// Cause of an error that only threads which outlive the program can see.
const EXITING: &str = "the process is exiting";

/// ONNX Runtime, which is looked for when a model is loaded.
pub(super) struct OrtBackend;

/// Operators one after another, of which it takes some seconds to load as many.
const MOST_DEPTH: usize = 50_000;

impl Backend for OrtBackend {
    fn name(&self) -> &'static str {
        ORT
    }

    fn most_depth(&self) -> Option<usize> {
        Some(MOST_DEPTH)
    }

    fn threads(&self, options: &Options) -> Result<usize, Error> {
        match options.threads {
            1 => Ok(1),
            _ => thread_pool::size(),
        }
    }

    fn open(&self, source: &Path, options: &Options) -> Result<Opened, Error> {
        onnx_file::open(source, options, load)
    }
}

fn load(
    path: &Path,
    model: &Model,
    weights: Weights,
    options: &Options,
) -> Result<Arc<dyn Executable>, Error> {
    let loaded = library::loaded()?;
    let provider = options.provider.provider;
    ort_provider::check(loaded, &options.provider)?;
    // Of an earlier load.
    library::take_last_error();
    let fault = |error: ort::Error| {
        let of_cause = |cause: String| match provider {
            ExecutionProvider::Cpu => load_error(path, &cause),
            _ => {
                let logged = library::take_last_error().filter(|it| !cause.contains(it.as_str()));
                let parts = logged
                    .into_iter()
                    .fold(cause, |cause, it| format!("{cause}: {it}"));
                Error::provider(path, provider, &failure::shortened(&parts))
            }
        };
        Failure::Cause(error.message().to_owned()).error(path, options, of_cause)
    };
    let _call = exit_guard::begin().ok_or_else(|| load_error(path, EXITING))?;
    let session = ort_provider::session(&loaded.environment, path, weights, options).map_err(fault)?;
    Ok(Arc::new(Guarded::new(OrtModel {
        memory_info: MemoryInfo::cpu().map_err(fault)?,
        session,
        provider,
        inputs: Names::new(path, model.inputs())?,
        outputs: Names::new(path, model.results())?,
        _memory: MemoryReturned,
    })))
}

/// A loaded model.
struct OrtModel {
    session: Session,
    provider: ExecutionProvider,
    memory_info: MemoryInfo,
    inputs: Names,
    outputs: Names,
    // Last: fields are dropped in this order.
    _memory: MemoryReturned,
}

impl Executable for Guarded<OrtModel> {
    fn runs(&self) -> AtOnce {
        match self.provider {
            // `Run` is made for several threads at once there, and their sum is faster.
            ExecutionProvider::Cpu => AtOnce::Any,
            // Some are not made for it, and most do one run after the other in any case.
            _ => AtOnce::One,
        }
    }

    fn bind(self: Arc<Self>, memory_limit: usize, stop: &Stop, turns: Turns) -> Box<dyn Binding> {
        // Without options of its own a run cannot be given up, and is as good as ever.
        let run_options = RunOptions::new().ok().map(Arc::new);
        if let Some(options) = &run_options {
            let options: Arc<dyn GiveUp> = options.clone();
            stop.also(Arc::downgrade(&options));
        }
        let places = |names: &Names| names.pointers.iter().map(|_| Place::default()).collect();
        let places = Guarded::new(Places {
            inputs: places(&self.inputs),
            outputs: places(&self.outputs),
            input_values: Vec::with_capacity(self.inputs.pointers.len()),
            output_values: Vec::with_capacity(self.outputs.pointers.len()),
            pinned: false,
            memory_limit: memory_limit as u64,
            run_options,
        });
        Box::new(OrtBinding {
            runs: Arc::new(Mutex::new(Runs {
                places,
                stop: stop.clone(),
                turns,
                model: self,
            })),
            stop: stop.clone(),
            aside: None,
        })
    }
}

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

/// The values of one user of a model.
struct Places {
    inputs: Vec<Place>,
    outputs: Vec<Place>,
    /// What the next run gets and makes: kept for its memory, filled for each run.
    input_values: Vec<*const ort::sys::OrtValue>,
    output_values: Vec<*mut ort::sys::OrtValue>,
    pinned: bool,
    /// Bytes that an output may have.
    memory_limit: u64,
    run_options: Option<Arc<RunOptions>>,
}

// SAFETY: the addresses in `Memory` are only compared, values for a run are filled at its begin, and values are `Send`.
unsafe impl Send for Places {}

/// What a user of a model runs, on whichever thread.
struct Runs {
    // Values before the session: fields are dropped in this order.
    places: Guarded<Places>,
    model: Arc<Guarded<OrtModel>>,
    turns: Turns,
    stop: Stop,
}

/// The runs of one user. Quick ones run where they are asked for, which costs nothing; a run that was slow once may be
/// slow again, and is given to a thread of its own, since it ends only between two operators when it is given up.
///
/// What is asked for at idle priority runs where it is asked for, too: a thread that starts there is as idle, and whoever
/// waits for it later would wait until nobody else wants the processor.
struct OrtBinding {
    /// Whoever runs takes it; a user runs once at a time.
    runs: Arc<Mutex<Runs>>,
    stop: Stop,
    aside: Option<Worker>,
}

/// Processor time of a run beside which handing it to another thread and back, some 20 to 100 µs, is nothing.
const SLOW: Duration = Duration::from_millis(50);

impl OrtBinding {
    /// Lets a thread of its own have the further runs, if there is one to have.
    fn go_aside(&mut self) {
        let start = |work: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name("avrec-run".into());
            thread.spawn(work).map(drop)
        };
        let runs = self.runs.clone();
        let run = move |inputs: &mut [Input], outputs: &mut [Tensor]| runs.lock().run(inputs, outputs);
        self.aside = Worker::new(Allowance::new(usize::MAX), &self.stop, run, start).ok();
    }

    fn run_here(&self, inputs: &mut [Input], outputs: &mut [Tensor]) -> Result<(), Failure> {
        // One that was left behind is still there.
        if self.stop.is_given_up() {
            return Err(Failure::GivenUp);
        }
        self.runs.lock().run(inputs, outputs)
    }
}

impl Binding for OrtBinding {
    fn run(&mut self, inputs: &mut [Input], outputs: &mut [Tensor]) -> Result<(), Failure> {
        if let Some(worker) = self.aside.as_mut().filter(|_| !is_idle_thread()) {
            return worker.run(inputs, outputs);
        }
        let before = thread_time::now();
        let result = self.run_here(inputs, outputs);
        // Not the time that passed: a run that others kept waiting is no longer one.
        let used = thread_time::now().zip(before).map(|(now, before)| now - before);
        if self.aside.is_none() && used.is_some_and(|it| SLOW < it) && !is_idle_thread() {
            self.go_aside();
        }
        result
    }

    fn pin_outputs(&mut self) {
        self.runs.lock().places.pinned = true;
    }
}

/// Whether the calling thread, and one that it starts, gets the processor only when nobody else wants it.
fn is_idle_thread() -> bool {
    // SAFETY: it takes a plain number; zero stands for the calling thread.
    #[cfg(target_os = "linux")]
    return unsafe { libc::sched_getscheduler(0) } == libc::SCHED_IDLE;
    #[cfg(not(target_os = "linux"))]
    false
}

impl Runs {
    fn run(&mut self, inputs: &mut [Input], outputs: &mut [Tensor]) -> Result<(), Failure> {
        let _turn = self.turns.take(&self.stop)?;
        let _call = exit_guard::begin().ok_or(EXITING)?;
        let result = self.places.run(&self.model, inputs, outputs);
        result.map_err(|error| match self.stop.is_given_up() {
            true => Failure::GivenUp,
            false => Failure::Cause(error.message().trim().to_owned()),
        })
    }
}

/// Names of places as the library wants them: the pointers lead into the strings, which never change.
struct Names {
    _strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

impl Names {
    fn new<'a>(path: &Path, ports: impl Iterator<Item = &'a TensorInfo>) -> Result<Names, Error> {
        let name = |port: &TensorInfo| {
            CString::new(port.name.as_str()).map_err(|error| load_error(path, &error.to_string()))
        };
        let strings = ports.map(name).collect::<Result<Vec<_>, _>>()?;
        let pointers = strings.iter().map(|name| name.as_ptr()).collect();
        Ok(Names {
            _strings: strings,
            pointers,
        })
    }
}

// SAFETY: the pointers lead to strings of the same object, and both are only read.
unsafe impl Send for Names {}
// SAFETY: as above.
unsafe impl Sync for Names {}

impl Places {
    fn run(
        &mut self,
        model: &OrtModel,
        inputs: &mut [Input],
        outputs: &mut [Tensor],
    ) -> Result<(), ort::Error> {
        self.bind_inputs(model, inputs)?;
        match self.run_bound(model, outputs) {
            // A model may declare shapes that it does not keep; then its outputs are not bound again.
            Err(error) if self.outputs.iter().any(|it| !it.values.is_empty()) => {
                self.pinned = false;
                self.outputs.iter_mut().for_each(|it| it.values.clear());
                self.run_bound(model, outputs).map_err(|_| error)
            }
            result => result,
        }
    }

    /// Makes values for inputs that have none yet.
    fn bind_inputs(&mut self, model: &OrtModel, inputs: &mut [Input]) -> Result<(), ort::Error> {
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
                    let number = input_type(input);
                    // SAFETY: `run` looks for the memory of now before each use.
                    let value = unsafe { OrtValue::view(&model.memory_info, memory, number, &input.shape) }?;
                    let pointer = value.as_ptr();
                    place.keep(memory, value);
                    pointer
                }
            };
            self.input_values.push(value);
        }
        Ok(())
    }

    /// Runs with what is bound; unbound outputs are allocated by the library and copied.
    fn run_bound(&mut self, model: &OrtModel, outputs: &mut [Tensor]) -> Result<(), ort::Error> {
        if outputs.len() != self.outputs.len() {
            return Err(ort::Error::new("the number of outputs is not the model's"));
        }
        self.output_values.clear();
        for (place, output) in self.outputs.iter().zip(outputs.iter_mut()) {
            let value = place.find(buffer::bytes_mut(&mut output.data));
            self.output_values.push(value.unwrap_or(ptr::null_mut()));
        }
        // SAFETY: names live in `model`, values in `self`; the memory that they view was looked up just now, and is
        // borrowed mutably through `outputs` and by the caller's `inputs` during the call; the counts are the
        // lengths.
        let status = unsafe {
            (ort::api().Run)(
                model.session.ptr().cast_mut(),
                self.run_options.as_ref().map_or(ptr::null(), |it| it.as_ptr()),
                model.inputs.pointers.as_ptr(),
                self.input_values.as_ptr(),
                self.input_values.len(),
                model.outputs.pointers.as_ptr(),
                model.outputs.pointers.len(),
                self.output_values.as_mut_ptr(),
            )
        };
        // SAFETY: the status was just returned and is consumed once.
        unsafe { ort::Error::result_from_status(status) }?;
        self.take_unbound(model, outputs)
    }

    fn take_unbound(&mut self, model: &OrtModel, outputs: &mut [Tensor]) -> Result<(), ort::Error> {
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
            let own = buffer::element_type(&output.data);
            let count = buffer::element_count(own, &dims, self.memory_limit)
                .filter(|&count| buffer::reserve(&mut output.data, count));
            let no_memory =
                || ort::Error::new(format!("Failed to allocate memory for an output of {dims:?}"));
            let count = count.ok_or_else(no_memory)?;
            // SAFETY: type and count were just asked from the value; what `Run` makes lies in CPU memory, whichever the provider.
            unsafe { value.copy_into(&mut output.data, count) }?;
            output.dims = dims;
            if self.pinned {
                let memory = buffer::bytes_mut(&mut output.data);
                let element_type = type_number(buffer::element_type(&output.data));
                // SAFETY: as in `bind_inputs`.
                let value =
                    unsafe { OrtValue::view(&model.memory_info, memory, element_type, &output.dims) }?;
                place.keep(memory, value);
            }
        }
        Ok(())
    }
}

/// ONNX's number for the type of an input.
fn input_type(input: &Input) -> ort::sys::ONNXTensorElementDataType {
    use ort::sys::ONNXTensorElementDataType as Number;
    match input.other_type {
        Some(OtherType::BOOL) => Number::ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL,
        Some(OtherType::FLOAT64) => Number::ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE,
        _ => type_number(buffer::element_type(&input.tensor.data)),
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
    let is_operator = OPERATOR.iter().any(|words| message.contains(words));
    Error::load(path, [ORT, RTEN], is_operator, message.trim().to_owned())
}

#[cfg(test)]
mod tests;
