// SPDX-License-Identifier: MPL-2.0

//! Asks ONNX Runtime for its execution providers, and lets sessions use one.

use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::ptr;

use ort::AsPointer;
use ort::environment::Environment;
use ort::ep::{ArbitrarilyConfigurableExecutionProvider, CUDA, ExecutionProvider as _, TensorRT, VSINPU};
use ort::session::Session;
use ort::session::builder::SessionBuilder;

use super::backend::Weights;
use super::library::Loaded;
use super::provider::{self, ALL, ExecutionProvider};
use super::{Error, Options, ProviderChoice, ort_session, thread_pool, unwinder};

/// Returns the names of the providers that the library has built in, in its own words and order of preference.
pub(super) fn built_in() -> Result<Vec<String>, ort::Error> {
    let mut names: *mut *mut c_char = ptr::null_mut();
    let mut count = 0;
    // SAFETY: both outputs are locals; the status is consumed once.
    unsafe { ort::Error::result_from_status((ort::api().GetAvailableProviders)(&mut names, &mut count)) }?;
    let of = |index| {
        // SAFETY: the library returned so many C strings, which are valid until they are released below.
        let name = unsafe { CStr::from_ptr(*names.add(index)) };
        name.to_string_lossy().into_owned()
    };
    let found = (0..usize::try_from(count).unwrap_or(0)).map(of).collect();
    // SAFETY: both were just returned, and are released once.
    let status = unsafe { (ort::api().ReleaseAvailableProviders)(names, count) };
    // SAFETY: the status was just returned and is consumed once.
    unsafe { ort::Error::result_from_status(status) }?;
    Ok(found)
}

/// Returns those that [`ExecutionProvider::Auto`] tries here before the CPU.
pub(super) fn to_try() -> Vec<ExecutionProvider> {
    let built_in = built_in().unwrap_or_default();
    let here = ALL
        .iter()
        .filter(|it| it.provider.is_tried() && built_in.iter().any(|id| id == it.id));
    here.map(|it| it.provider).collect()
}

/// Refuses a provider that the library has not, with what it has.
pub(super) fn check(loaded: &Loaded, choice: &ProviderChoice) -> Result<(), Error> {
    let facts = choice.provider.facts();
    let built_in = built_in().map_err(|error| Error::LibraryMissing {
        tried: format!("{}: {error}", loaded.path.display()),
    })?;
    if !choice.library.is_empty() || built_in.iter().any(|id| id == facts.id) {
        return Ok(());
    }
    let has: Vec<&str> = built_in.iter().map(|id| provider::label(id)).collect();
    Err(Error::ProviderMissing {
        provider: facts.label,
        has: has.join(", "),
        library: loaded.path.clone(),
        remedy: facts.remedy(),
    })
}

/// A model of one Relu on one number (IR version 8, operator set 13).
const RELU: &[u8] =
    b"\x08\x08\x12\x00:3\n\x0c\n\x01x\x12\x01y\"\x04Relu\x12\x01gZ\x0f\n\x01x\x12\n\n\x08\x08\x01\
    \x12\x04\n\x02\x08\x01b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\r";

/// Refuses a device on which not even the simplest of models would run: OpenVINO takes any name for one, and leaves the
/// whole model to the CPU without a word where there is none of that name.
fn check_device(environment: &Environment, options: &Options) -> Result<(), ort::Error> {
    let choice = &options.provider;
    if choice.provider != ExecutionProvider::OpenVino || !choice.library.is_empty() {
        return Ok(());
    }
    let builder = ort_session::on_one_thread(environment)?;
    let mut builder = append(builder, environment, options)?
        .with_config_entry("session.disable_cpu_ep_fallback", "1")
        .map_err(ort_session::plain)?;
    builder.commit_from_memory(RELU).map(drop).map_err(|error| {
        let device = choice.device_name();
        ort::Error::new(format!(
            "there is no device {device} that runs a model of one Relu ({})",
            error.message().trim()
        ))
    })
}

/// Makes a session on the provider that is asked for.
pub(super) fn session(
    environment: &Environment,
    path: &Path,
    weights: Weights,
    options: &Options,
) -> Result<Session, ort::Error> {
    if options.provider.provider == ExecutionProvider::Cpu {
        return ort_session::create(environment, path, weights, options, Ok);
    }
    if !unwinder::is_that_of_later(ptr::from_ref(ort::api()).cast()) {
        return Err(ort::Error::new(
            "exceptions of its libraries would end this program, which loaded C++ before GStreamer: start it with \
             LD_PRELOAD=libgcc_s.so.1",
        ));
    }
    check_device(environment, options)?;
    let on_provider = |builder| append(builder, environment, options);
    ort_session::create(environment, path, weights, options, on_provider)
}

/// Lets a session that is being made use the provider; what it does not take runs on the CPU.
///
/// # Errors
///
/// Where the provider does not start: options that it does not know, or no such device.
fn append(
    mut builder: SessionBuilder,
    environment: &Environment,
    options: &Options,
) -> Result<SessionBuilder, ort::Error> {
    let choice = &options.provider;
    let threads = match options.threads {
        1 => 1,
        // Told by the load where it cannot be had.
        _ => thread_pool::size().unwrap_or(1),
    };
    let pairs = choice.pairs(threads, options.memory_limit);
    if !choice.library.is_empty() {
        return append_plugin(builder, environment, choice, &pairs);
    }
    let facts = choice.provider.facts();
    match choice.provider {
        ExecutionProvider::Auto | ExecutionProvider::Cpu => {}
        ExecutionProvider::Cuda => with(CUDA::default(), &pairs)?.register(&mut builder)?,
        ExecutionProvider::TensorRt => {
            with(TensorRT::default(), &pairs)?.register(&mut builder)?;
            // What TensorRT does not take stays on the card.
            let device: Vec<_> = pairs.into_iter().filter(|(key, _)| key == "device_id").collect();
            with(CUDA::default(), &device)?.register(&mut builder)?;
        }
        ExecutionProvider::Vsi => VSINPU.register(&mut builder)?,
        _ => append_named(&mut builder, facts.short, &pairs)?,
    }
    Ok(builder)
}

fn with<P: ArbitrarilyConfigurableExecutionProvider>(
    provider: P,
    pairs: &[(String, String)],
) -> Result<P, ort::Error> {
    // `ort` would panic.
    c_strings(pairs.iter().flat_map(|(key, value)| [key, value]))?;
    let pairs = pairs.iter();
    Ok(pairs.fold(provider, |it, (key, value)| it.with_arbitrary_config(key, value)))
}

fn append_named(
    builder: &mut SessionBuilder,
    name: &str,
    pairs: &[(String, String)],
) -> Result<(), ort::Error> {
    let name = CString::new(name).map_err(|error| ort::Error::new(error.to_string()))?;
    let keys = c_strings(pairs.iter().map(|(key, _)| key))?;
    let values = c_strings(pairs.iter().map(|(_, value)| value))?;
    let pointers = |strings: &[CString]| strings.iter().map(|it| it.as_ptr()).collect::<Vec<_>>();
    let (key_pointers, value_pointers) = (pointers(&keys), pointers(&values));
    // SAFETY: the strings live until the end of this function and are copied by the callee; the count is that of both.
    let status = unsafe {
        (ort::api().SessionOptionsAppendExecutionProvider)(
            builder.ptr_mut(),
            name.as_ptr(),
            key_pointers.as_ptr(),
            value_pointers.as_ptr(),
            pairs.len(),
        )
    };
    // SAFETY: the status was just returned and is consumed once.
    unsafe { ort::Error::result_from_status(status) }
}

fn c_strings<'a>(texts: impl Iterator<Item = &'a String>) -> Result<Vec<CString>, ort::Error> {
    let texts = texts.map(|it| CString::new(it.as_str()));
    texts
        .collect::<Result<_, _>>()
        .map_err(|error| ort::Error::new(format!("an option of the provider is no text: {error}")))
}

#[cfg(feature = "plugin-ep")]
use super::ort_plugin::append as append_plugin;

/// Refused before, by [`ProviderChoice::check`].
#[cfg(not(feature = "plugin-ep"))]
fn append_plugin(
    _builder: SessionBuilder,
    _environment: &Environment,
    choice: &ProviderChoice,
    _pairs: &[(String, String)],
) -> Result<SessionBuilder, ort::Error> {
    Err(ort::Error::new(format!(
        "{} is not taken by this build",
        choice.library
    )))
}
