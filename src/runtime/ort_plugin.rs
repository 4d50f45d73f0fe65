// SPDX-License-Identifier: MPL-2.0

//! Providers that come in a library of their own, which ONNX Runtime takes since 1.22.

use std::collections::BTreeMap;
use std::path::Path;

use ort::device::Device;
use ort::environment::Environment;
use ort::memory::DeviceType;
use ort::session::builder::SessionBuilder;
use parking_lot::Mutex;

use super::provider::{self, ExecutionProvider};
use super::{ProviderChoice, ort_session};
use crate::bounded_file;

/// The libraries that were registered, which is once a process, each with the names of the providers whose devices came.
static REGISTERED: Mutex<BTreeMap<String, Vec<String>>> = Mutex::new(BTreeMap::new());

/// Lets a session that is being made use a device of the provider that the choice's library brings.
pub(super) fn append(
    builder: SessionBuilder,
    environment: &Environment,
    choice: &ProviderChoice,
    pairs: &[(String, String)],
) -> Result<SessionBuilder, ort::Error> {
    let came = register(environment, &choice.library)?;
    let id = match choice.provider {
        ExecutionProvider::Plugin => came.first().map(String::as_str),
        provider => Some(provider.facts().id),
    };
    let of_provider = |it: &Device<'_>| it.ep().ok().filter(|ep| id == Some(*ep)).is_some();
    let devices: Vec<_> = environment.devices().filter(of_provider).collect();
    let (Some(id), false) = (id, devices.is_empty()) else {
        let of = match choice.provider {
            ExecutionProvider::Plugin => String::new(),
            provider => format!(" of {}", provider.facts().label),
        };
        return Err(ort::Error::new(format!(
            "{} offers no device{of} on this machine; it may want hardware or a driver of its vendor's",
            choice.library
        )));
    };
    let kinds: Vec<&str> = devices.iter().map(kind).collect();
    let place = choose(&choice.device, &kinds).ok_or_else(|| {
        let (device, has) = (&choice.device, kinds.join(", "));
        ort::Error::new(format!("there is no device {device}; it has: {has}"))
    })?;
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(key, value)| (format!("{id}.{key}"), value.clone()))
        .collect();
    let device = devices.into_iter().nth(place);
    builder
        .with_devices(device, Some(&pairs))
        .map_err(ort_session::plain)
}

/// Registers a library, unless it was, and returns the names of the providers whose devices came with it.
pub(super) fn register(environment: &Environment, library: &str) -> Result<Vec<String>, ort::Error> {
    let mut registered = REGISTERED.lock();
    if let Some(came) = registered.get(library) {
        return Ok(came.clone());
    }
    // The dynamic loader would wait for a FIFO.
    bounded_file::size(Path::new(library))
        .map_err(|error| ort::Error::new(format!("cannot read provider-library={library}: {error}")))?;
    let names = || {
        environment
            .devices()
            .filter_map(|it| it.ep().ok().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let before = names();
    environment.register_ep_library(library, library)?;
    let mut came = names();
    came.retain(|it| !before.contains(it));
    registered.insert(library.to_owned(), came.clone());
    Ok(came)
}

/// Returns the devices of all providers, each as a line: provider, kind, vendor.
pub(super) fn devices(environment: &Environment) -> Vec<String> {
    let line = |it: Device<'_>| {
        let (provider, hardware) = (it.ep().unwrap_or_default(), it.hardware_device());
        let vendor = hardware.vendor().unwrap_or_default();
        format!("{} on {} ({vendor})", provider::label(provider), kind(&it))
    };
    environment.devices().map(line).collect()
}

fn kind(device: &Device<'_>) -> &'static str {
    match device.hardware_device().ty() {
        DeviceType::CPU => "CPU",
        DeviceType::GPU => "GPU",
        DeviceType::FPGA => "FPGA",
        DeviceType::NPU => "NPU",
    }
}

/// Returns the place of the device that is asked for by its place or kind, or of the first.
fn choose(wish: &str, kinds: &[&str]) -> Option<usize> {
    match wish.parse::<usize>() {
        _ if wish.is_empty() => Some(0),
        Ok(place) => (place < kinds.len()).then_some(place),
        Err(_) => kinds.iter().position(|it| it.eq_ignore_ascii_case(wish)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_asked_for_by_place_or_kind() {
        let kinds = ["CPU", "GPU", "GPU"];
        for (wish, place) in [
            ("", Some(0)),
            ("2", Some(2)),
            ("3", None),
            ("gpu", Some(1)),
            ("NPU", None),
        ] {
            assert_eq!(choose(wish, &kinds), place, "{wish}");
        }
    }
}
