// SPDX-License-Identifier: MPL-2.0

//! Programs that are not ours: whatever libraries they loaded, and in which order, an exception inside of ONNX Runtime
//! is an error message, and the program lives.

use std::path::{Path, PathBuf};
use std::process::Command;

use gstavrec::runtime::ExecutionProvider;

use crate::support::host::{gstreamer_flags, plugin_folder, python};
use crate::support::models::model;
use crate::support::providers::elsewhere;

/// libstdc++ before GStreamer, as Python with numpy, OpenCV or scipy has it: the libraries of two unwinders, in the order
/// in which one of them gets the throws and the other one the rest.
const CPP_FIRST: &[&str] = &["local:libstdc++.so.6", "global:libgstreamer-1.0.so.0"];

/// A program of this machine's, and where it finds the plugin.
struct Host {
    program: PathBuf,
    folder: tempfile::TempDir,
}

/// Models that are refused by an exception, and the width of frames at which: by the first at loading, by the second in
/// the trial run, by the third in a frame.
const REFUSED: [(&str, u32); 3] = [
    ("unknown_operator", 64),
    ("throws_in_trial", 64),
    ("throws_when_wide", 320),
];

impl Host {
    /// Compiles the program. `None` without a C compiler, which a machine that links Rust usually has.
    fn compile(libraries: &[&str]) -> Option<Host> {
        let folder = plugin_folder();
        let program = folder.path().join("host");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/infer/host.c");
        let compiler = Command::new("cc")
            .args(gstreamer_flags(&["--cflags"])?)
            .arg("-o")
            .args([&program, &source])
            .args(libraries)
            .arg("-ldl")
            .status();
        compiler
            .is_ok_and(|it| it.success())
            .then_some(Host { program, folder })
    }

    /// What the program says in which `model` looks at a frame: how it ended, and that it lives.
    fn play(&self, order: &[&str], (name, width): (&str, u32), place: Place) -> String {
        let infer = format!("avrec-infer name=bad model-file={}", model(name).display());
        let element = match place {
            Place::Alone => infer,
            Place::Candidate => format!("avrec-switch.( active-candidate=bad {infer} identity name=good )"),
        };
        let line = format!(
            "videotestsrc is-live=true ! video/x-raw,format=GRAY8,width={width},height=64 ! {element} ! fakesink"
        );
        self.run(Command::new(&self.program).arg(line).args(order))
    }

    fn run(&self, program: &mut Command) -> String {
        let output = program
            .env("GST_PLUGIN_PATH", self.folder.path())
            .output()
            .unwrap();
        let [text, errors] =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        format!("{text}{}{errors}", output.status)
    }
}

/// Where a model stands in a pipeline.
#[derive(Debug, Clone, Copy)]
enum Place {
    Alone,
    Candidate,
}

/// Checks that a model was refused in words and the program went on.
#[track_caller]
fn check(said: &str, name: &str, case: &str) {
    let is_told = said.starts_with("error: ") && said.contains(name);
    assert!(
        is_told && said.contains("\nalive\nexit status: 0"),
        "{case}: {said}"
    );
}

#[test]
fn a_program_with_libstdcxx_before_gstreamer_gets_errors_and_lives() {
    let Some(host) = Host::compile(&[]) else { return };
    for refused in REFUSED {
        for place in [Place::Alone, Place::Candidate] {
            let said = host.play(CPP_FIRST, refused, place);
            check(&said, refused.0, &format!("{refused:?} {place:?}"));
        }
    }
}

#[test]
fn libraries_of_a_provider_get_errors_too_or_are_refused_where_theirs_would_end_the_program() {
    if !elsewhere().contains(&ExecutionProvider::OpenVino) {
        return;
    }
    let Some(host) = Host::compile(&[]) else { return };
    let play = |order: &[&str], options: &str, preload: &str| {
        let model = model("invert_luma");
        let line = format!(
            "videotestsrc num-buffers=5 ! video/x-raw,format=GRAY8,width=64,height=64 \
             ! avrec-infer model-file={} execution-provider=openvino {options} ! fakesink",
            model.display()
        );
        let mut program = Command::new(&host.program);
        host.run(program.arg(line).args(order).env("LD_PRELOAD", preload))
    };
    let nonsense = "provider-options=options,nonsense=1";
    let said = play(CPP_FIRST, "", "");
    check(&said, "start it with LD_PRELOAD=libgcc_s.so.1", "C++ first");
    // What the error says helps.
    for (order, preload) in [(CPP_FIRST, "libgcc_s.so.1"), (&CPP_FIRST[1..], "")] {
        let said = play(order, "", preload);
        assert!(
            said.starts_with("eos\nalive\nexit status: 0"),
            "{order:?}: {said}"
        );
        let said = play(order, nonsense, preload);
        check(
            &said,
            "Invalid provider_option key: nonsense",
            &format!("{order:?}"),
        );
    }
}

#[test]
fn the_order_of_libraries_does_not_matter() {
    let Some(host) = Host::compile(&[]) else { return };
    let library = std::env::var("ORT_DYLIB_PATH").unwrap_or("libonnxruntime.so.1".into());
    let runtime = format!("local:{library}");
    let gstreamer = "global:libgstreamer-1.0.so.0";
    for order in [
        &[gstreamer][..],
        // A plugin in C++ that GStreamer has loaded before this one.
        &[gstreamer, "local:libstdc++.so.6"],
        &["global:libstdc++.so.6", gstreamer],
        // Somebody else who runs models.
        &[&runtime, gstreamer],
        // Who has an unwinder of its own.
        &["local:libstdc++.so.6", "global:libunwind.so.8", gstreamer],
        &["global:libunwind.so.8", "local:libstdc++.so.6", gstreamer],
    ] {
        let said = host.play(order, ("throws_when_wide", 320), Place::Alone);
        // Not every machine has every library.
        if !said.contains("cannot open shared object") {
            check(&said, "throws_when_wide", &format!("{order:?}"));
        }
    }
}

#[test]
fn a_program_that_is_linked_to_libstdcxx_gets_an_error_and_lives() {
    let cpp = ["-Wl,--no-as-needed", "-l:libstdc++.so.6"];
    let gstreamer = ["-Wl,--no-as-needed", "-l:libgstreamer-1.0.so.0"];
    for (libraries, order) in [
        (cpp.to_vec(), &CPP_FIRST[1..]),
        ([gstreamer, cpp].concat(), &[]),
        ([cpp, gstreamer].concat(), &[]),
    ] {
        let Some(host) = Host::compile(&libraries) else {
            continue;
        };
        let said = host.play(order, ("throws_when_wide", 320), Place::Alone);
        check(&said, "throws_when_wide", &format!("{libraries:?}"));
    }
}

#[test]
fn exceptions_of_the_program_itself_are_caught_before_and_after() {
    let Some(host) = Host::compile(&[]) else { return };
    let [source, library] = ["own.cpp", "libown.so"].map(|it| host.folder.path().join(it));
    // The first and the last throw go to the unwinder by different ways.
    let code = "extern \"C\" void catch_own_exception() {\n\
                struct Leaves { ~Leaves() { __asm__ volatile(\"\"); } };\n\
                try { try { Leaves leaves; throw 1; } catch (...) { throw; } } catch (int) {} }\n";
    std::fs::write(&source, code).unwrap();
    let compiler = Command::new("c++")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status();
    if !compiler.is_ok_and(|it| it.success()) {
        return;
    }
    let own = format!("throw:{}", library.display());
    for order in [[&own, CPP_FIRST[1]], [CPP_FIRST[1], &own]] {
        let said = host.play(&order, ("throws_when_wide", 320), Place::Alone);
        check(&said, "throws_when_wide", &format!("{order:?}"));
    }
}

#[test]
fn python_with_numpy_first_gets_errors_and_lives() {
    let script = "\
import sys
try:
    import numpy
except ImportError:
    import ctypes
    ctypes.CDLL('libstdc++.so.6')
import gi
gi.require_version('Gst', '1.0')
from gi.repository import Gst
Gst.init(None)
pipeline = Gst.parse_launch(sys.argv[1])
pipeline.set_state(Gst.State.PLAYING)
message = pipeline.get_bus().timed_pop_filtered(60 * Gst.SECOND, Gst.MessageType.ERROR | Gst.MessageType.EOS)
print('error:', message.parse_error()[0].message)
pipeline.set_state(Gst.State.NULL)
print('alive')
";
    let Some(python) = python() else { return };
    let Some(host) = Host::compile(&[]) else { return };
    for (name, width) in REFUSED {
        let line = format!(
            "videotestsrc ! video/x-raw,format=GRAY8,width={width},height=64 ! avrec-infer model-file={} ! fakesink",
            model(name).display()
        );
        let said = host.run(Command::new(&python).args(["-c", script, &line]));
        check(&said, name, "python");
    }
}
