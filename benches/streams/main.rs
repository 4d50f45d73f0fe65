// SPDX-License-Identifier: MPL-2.0

//! What many streams with one model cost, over one session of ONNX Runtime that as many threads use.
//!
//! `cargo bench --bench streams` makes a model of 45 MB and prints, side by side, the processor time and the peak of
//! resident memory of sixteen `avrec-infer`, of sixteen threads on one bare session, and of sixteen bare sessions.
//! Each is a process of its own that loads the model and runs it on three frames a stream. Needs `ORT_DYLIB_PATH`
//! or an installed library.

mod bare;
mod network;

use std::path::Path;
use std::process::Command;

use gst::prelude::*;
use gstavrec::quantile;

const STREAMS: usize = 16;
const FRAMES: usize = 3;
/// Processes of each kind; the median counts.
const REPETITIONS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [kind, model] if Path::new(model).exists() => {
            match kind.as_str() {
                "elements" => elements(model),
                "session" => bare::one_session(model.as_ref(), STREAMS, FRAMES),
                "sessions" => bare::own_sessions(model.as_ref(), STREAMS, FRAMES),
                other => panic!("no kind {other}"),
            }
            let cost = Cost::of_this_process();
            println!("{} {}", cost.memory, cost.time);
        }
        _ => compare(),
    }
}

fn compare() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("model.onnx");
    std::fs::write(&model, network::onnx()).expect("the model is written");
    let megabytes = std::fs::metadata(&model).expect("the model").len() as f64 / 1e6;
    println!("{STREAMS} streams of {FRAMES} frames, model of {megabytes:.1} MB, median of {REPETITIONS}");

    let kinds = ["session", "elements", "sessions"];
    let mut costs = kinds.map(|_| Vec::new());
    for _ in 0..REPETITIONS {
        for (kind, costs) in kinds.iter().zip(&mut costs) {
            costs.push(Cost::of_child(kind, &model));
        }
    }
    let [session, elements, sessions] = costs.map(Cost::median);
    println!("                            peak memory   processor time");
    for (name, cost) in [
        ("one bare session", &session),
        ("avrec-infer", &elements),
        ("a bare session a stream", &sessions),
    ] {
        println!(
            "{name:25} {:7.0} MiB {:4.2} {:9.2} s {:4.2}",
            cost.memory,
            cost.memory / session.memory,
            cost.time,
            cost.time / session.time
        );
    }
    println!("avrec-infer over one bare session: reach 1.25 in both");
}

/// Runs the elements, each on frames of its own, until all have answered.
fn elements(model: &str) {
    gst::init().expect("GStreamer");
    gstavrec::plugin_register_static().expect("the plugin");
    let branch = format!(
        "videotestsrc num-buffers={FRAMES} ! video/x-raw,format=RGB,width={0},height={0} \
         ! avrec-infer backend=ort task=tensor model-file={model} ! fakesink async=false ",
        network::SIDE
    );
    let pipeline = gst::parse::launch(&branch.repeat(STREAMS)).expect("the pipeline");
    pipeline.set_state(gst::State::Playing).expect("it starts");
    let bus = pipeline.bus().expect("a bus");
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let last = bus.timed_pop_filtered(gst::ClockTime::NONE, &kinds);
    assert!(last.is_some_and(|it| it.type_() == gst::MessageType::Eos));
    pipeline.set_state(gst::State::Null).expect("it stops");
}

/// What a process took.
struct Cost {
    /// Peak of resident memory in MiB.
    memory: f64,
    /// Processor time in seconds.
    time: f64,
}

impl Cost {
    fn of_child(kind: &str, model: &Path) -> Cost {
        let this = std::env::current_exe().expect("this program");
        let output = Command::new(this).arg(kind).arg(model).output().expect("a child");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{kind}: {said}");
        let line = String::from_utf8_lossy(&output.stdout);
        let mut numbers = line.split_whitespace().map(|it| it.parse().expect("a number"));
        Cost {
            memory: numbers.next().expect("memory"),
            time: numbers.next().expect("time"),
        }
    }

    fn of_this_process() -> Cost {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find(|it| it.starts_with("VmHWM")).expect("VmHWM");
        let kibibytes: f64 = line
            .split_whitespace()
            .nth(1)
            .and_then(|it| it.parse().ok())
            .expect("a number");
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Cost {
            memory: kibibytes / 1024.0,
            time: time.tv_sec as f64 + time.tv_nsec as f64 / 1e9,
        }
    }

    fn median(costs: Vec<Cost>) -> Cost {
        let middle = |of: fn(&Cost) -> f64| quantile::median(costs.iter().map(of)).expect("a cost");
        Cost {
            memory: middle(|it| it.memory),
            time: middle(|it| it.time),
        }
    }
}
