// SPDX-License-Identifier: MPL-2.0

//! Without ONNX Runtime. The test starts itself again in a process of its own, since a library that was found stays
//! for the rest of the process.

use gst::prelude::*;
use gstavrec::runtime::{BackendChoice, Error, TaskChoice};

use crate::support::alone;
use crate::support::infer::Bench;
use crate::support::models::load;

/// Set in the process without ONNX Runtime.
const CHILD: &str = "AVREC_TEST_NO_LIBRARY";

/// Makes a library that says to be ONNX Runtime of this version and can do nothing else. `None` without a
/// C compiler, which a machine that links Rust usually has.
fn library_of_version(version: &str) -> Option<std::path::PathBuf> {
    let folder = tempfile::tempdir().unwrap().keep();
    let (source, library) = (folder.join("old.c"), folder.join("libold.so"));
    let code = format!(
        "typedef struct {{ const void *(*api)(unsigned); const char *(*version)(void); }} Base;\n\
         static const void *api(unsigned v) {{ return 0; }}\n\
         static const char *version(void) {{ return \"{version}\"; }}\n\
         static const Base base = {{ api, version }};\n\
         const Base *OrtGetApiBase(void) {{ return &base; }}\n"
    );
    std::fs::write(&source, code).unwrap();
    let compiled = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source)
        .status();
    compiled.is_ok_and(|status| status.success()).then_some(library)
}

#[test]
fn without_onnx_runtime_auto_takes_rten_and_ort_says_what_to_install() {
    if std::env::var_os(CHILD).is_none() {
        let mut child =
            alone("no_library::without_onnx_runtime_auto_takes_rten_and_ort_says_what_to_install");
        child
            .env(CHILD, "")
            .env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so");
        let output = child.output().unwrap();
        let text = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        assert!(
            output.status.success() && text[0].contains("1 passed"),
            "{}",
            text.concat()
        );
        return;
    }
    let session = load("twice_luma", BackendChoice::Auto, TaskChoice::Auto).unwrap();
    assert_eq!(session.backend_name(), "rten");
    assert!(
        session.backend_note().contains("ORT_DYLIB_PATH"),
        "{}",
        session.backend_note()
    );

    let Err(error) = load("twice_luma", BackendChoice::Ort, TaskChoice::Auto) else {
        panic!("ort was found")
    };
    assert!(matches!(error, Error::LibraryMissing { .. }));
    let text = error.to_string();
    ["install", "1.17", "ORT_DYLIB_PATH", "backend=rten"]
        .iter()
        .for_each(|it| assert!(text.contains(it), "{text}"));

    let bench = Bench::new("twice_luma", "backend=ort");
    let error = bench.complaint(gst::MessageType::Error);
    assert!(error.contains("install"), "{error}");
    let mut bench = Bench::new("twice_luma", "");
    let info = bench.caps("I420", 16, 8);
    bench.push(&info).unwrap();
    bench.harness.pull().unwrap();
    // gst-launch-1.0 prints the details of an INFO message.
    let told = |bench: &Bench| {
        let messages = bench.bus.iter_timed(gst::ClockTime::from_seconds(60));
        let is_loaded =
            |it: &gst::Message| it.structure().is_some_and(|it| it.name() == "avrec/model-loaded");
        let before = messages.take_while(|it| !is_loaded(it));
        let details = before.filter_map(|it| match it.view() {
            gst::MessageView::Info(info) => info.debug().map(|it| it.to_string()),
            _ => None,
        });
        let news = details.filter(|it| it.contains("Models run on rten"));
        news.collect::<Vec<_>>()
    };
    let news = told(&bench);
    for word in [
        "2.8 to 5 times",
        "/nowhere/libonnxruntime.so",
        "pip install onnxruntime",
    ] {
        assert!(news.len() == 1 && news[0].contains(word), "{news:?}");
    }
    let second = Bench::new("invert_luma", "");
    assert_eq!(told(&second), [""; 0], "it is told once in a process");
    let stats = bench.element.property::<gst::Structure>("stats");
    assert_eq!(stats.get::<&str>("backend").unwrap(), "rten");
    assert!(
        stats
            .get::<&str>("backend-note")
            .unwrap()
            .contains("no ONNX Runtime library found")
    );

    if let Some(path) = library_of_version("1.16.3") {
        // SAFETY: no other thread reads the environment now.
        unsafe { std::env::set_var("ORT_DYLIB_PATH", &path) };
        let Err(error) = load("twice_luma", BackendChoice::Ort, TaskChoice::Auto) else {
            panic!("an old library was taken")
        };
        assert!(matches!(error, Error::LibraryTooOld { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("1.16.3") && text.contains("install 1.17 or later"),
            "{text}"
        );
        let session = load("twice_luma", BackendChoice::Auto, TaskChoice::Auto).unwrap();
        assert!(
            session.backend_note().contains("too old"),
            "{}",
            session.backend_note()
        );
    }

    // A file that is no library, and a library that is no ONNX Runtime.
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("libonnxruntime.so");
    std::fs::write(&text, "not a library").unwrap();
    for path in [text.to_str().unwrap(), "libc.so.6"] {
        // SAFETY: no other thread reads the environment now.
        unsafe { std::env::set_var("ORT_DYLIB_PATH", path) };
        let result = load("twice_luma", BackendChoice::Ort, TaskChoice::Auto);
        assert!(matches!(result, Err(Error::LibraryMissing { .. })), "{path}");
    }
}
