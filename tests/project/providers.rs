// SPDX-License-Identifier: MPL-2.0

//! The real `avrec providers`, and its page.

use std::process::Command;

use gstavrec::runtime::{PROVIDERS, library};

fn providers(arguments: &[&str], library: Option<&str>) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avrec"));
    command.arg("providers").args(arguments);
    if let Some(library) = library {
        command.env("ORT_DYLIB_PATH", library);
    }
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_command_lists_what_is_here_and_what_is_not() {
    if !library::is_available() {
        return;
    }
    let (code, text) = providers(&[], None);
    assert_eq!(code, Some(0), "{text}");
    let (here, others) = text.split_once("It has not:").unwrap();
    assert!(
        here.starts_with("ONNX Runtime 1.") && here.contains("\n  cpu"),
        "{text}"
    );
    // No library has both NVIDIA's and Apple's.
    assert!(
        others.contains("\n  cuda") || others.contains("\n  coreml"),
        "{text}"
    );
    #[cfg(not(feature = "plugin-ep"))]
    {
        let (code, text) = providers(&["--provider-library", "/opt/provider.so"], None);
        assert_eq!(code, Some(2), "{text}");
        assert!(
            text.contains("build avrec with the cargo feature plugin-ep"),
            "{text}"
        );
    }
}

#[test]
fn without_a_library_it_says_what_to_install() {
    let (code, text) = providers(&[], Some("/nowhere/libonnxruntime.so"));
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("no ONNX Runtime library found"), "{text}");
}

#[test]
fn the_page_names_each_provider() {
    let page = include_str!("../../docs/providers.md");
    let missing = PROVIDERS
        .iter()
        .filter(|it| !page.contains(&format!("`{}`", it.nick)));
    let missing: Vec<_> = missing.map(|it| it.nick).filter(|it| *it != "auto").collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(page.contains("`execution-provider=auto`"));
}
