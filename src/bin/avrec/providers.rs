// SPDX-License-Identifier: MPL-2.0

//! `avrec providers`: which execution providers models can run on here, and what the others need.

use std::path::PathBuf;

use clap::Args;
use gstavrec::runtime::{ExecutionProvider, LibraryContents, PROVIDERS, ProviderFacts, look_into_library};

use crate::console;
use crate::failure::Failure;

/// Say which ONNX Runtime models run on, which execution providers it has, and what to install for the others.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:
  0    ok
  2    there is no ONNX Runtime, or --provider-library is not taken

Example:
  ORT_DYLIB_PATH=/opt/onnxruntime/lib/libonnxruntime.so avrec providers")]
pub struct ProvidersArgs {
    /// Register the library of a provider, and list its devices (needs the cargo feature plugin-ep)
    #[arg(long, value_name = "PATH")]
    provider_library: Option<PathBuf>,
}

pub fn run(typed: ProvidersArgs) -> Result<(), Failure> {
    let contents = look_into_library(typed.provider_library.as_deref());
    let contents = contents.map_err(|error| Failure::Usage(error.to_string()))?;
    console::say(&listing(&contents));
    Ok(())
}

fn listing(contents: &LibraryContents) -> String {
    let is_here = |facts: &&ProviderFacts| contents.providers.iter().any(|id| id == facts.id);
    // Neither is a provider.
    let is_one = |facts: &&ProviderFacts| {
        !matches!(
            facts.provider,
            ExecutionProvider::Auto | ExecutionProvider::Plugin
        )
    };
    let (here, others): (Vec<_>, Vec<_>) = PROVIDERS.iter().filter(is_one).partition(is_here);
    let here = here
        .iter()
        .map(|it| [format!("  {}", it.nick), it.label.to_owned()]);
    let others = others
        .iter()
        .map(|it| [format!("  {}", it.nick), format!("{}: {}", it.label, it.remedy())]);
    let unknown = contents.providers.iter();
    let unknown = unknown.filter(|id| !PROVIDERS.iter().any(|it| it.id == id.as_str()));
    let unknown = unknown.map(|id| ["  -".to_owned(), format!("{id}: not used by avrec")]);
    let mut lines = vec![
        format!("ONNX Runtime {} in {}", contents.version, contents.path.display()),
        "It has (execution-provider=):".to_owned(),
        console::left_aligned(&here.chain(unknown).collect::<Vec<_>>()),
        "It has not:".to_owned(),
        console::left_aligned(&others.collect::<Vec<_>>()),
    ];
    if !contents.devices.is_empty() {
        lines.push("Devices:".to_owned());
        lines.extend(contents.devices.iter().map(|it| format!("  {it}")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_here_stands_apart_from_what_has_to_be_installed() {
        let contents = LibraryContents {
            path: "/opt/libonnxruntime.so".into(),
            version: "1.24.1".into(),
            providers: [
                "OpenVINOExecutionProvider",
                "CPUExecutionProvider",
                "OtherExecutionProvider",
            ]
            .map(String::from)
            .to_vec(),
            devices: vec!["OpenVINO on CPU (Intel)".into()],
        };
        let text = listing(&contents);
        let (here, others) = text.split_once("It has not:").unwrap();
        assert!(
            here.starts_with("ONNX Runtime 1.24.1 in /opt/libonnxruntime.so"),
            "{text}"
        );
        assert!(
            here.contains("openvino") && here.contains("cpu") && !here.contains("cuda"),
            "{text}"
        );
        assert!(
            here.contains("OtherExecutionProvider: not used by avrec"),
            "{text}"
        );
        assert!(others.contains("install NVIDIA's driver, CUDA, cuDNN"), "{text}");
        assert!(
            !others.contains("openvino ") && others.ends_with("OpenVINO on CPU (Intel)"),
            "{text}"
        );
    }
}
