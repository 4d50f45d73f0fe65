// SPDX-License-Identifier: MPL-2.0

//! What many streams with one model cost, over one session of ONNX Runtime that as many threads use.
//!
//! `cargo bench --bench streams` makes a model of 45 MB and prints, side by side, the processor time and the peak of
//! resident memory of sixteen `avrec-infer`, of sixteen threads on one bare session, and of sixteen bare sessions; how
//! long sixteen take to start; and how many frames eight of them answer beside eight threads on one bare session. Each
//! is a process of its own. `cargo bench --bench streams -- come-and-go` tells what a thousand streams leave in memory.
//! Needs `ORT_DYLIB_PATH` or an installed library.

mod bare;
mod cost;
mod elements;
mod network;

use std::path::{Path, PathBuf};

use cost::Cost;

const STREAMS: usize = 16;
const FRAMES: usize = 3;
/// Processes of each kind; the median counts.
const REPETITIONS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [kind, model, streams, frames] => {
            let number = |text: &str| text.parse::<usize>().expect("a number");
            let (model, streams, frames) = (Path::new(model), number(streams), number(frames));
            match *kind {
                "elements" => println!("{}", elements::run(model, streams, frames)),
                "session" => println!("{}", bare::one_session(model, streams, frames)),
                "sessions" => println!("{}", bare::own_sessions(model, streams, frames)),
                other => panic!("no kind {other}"),
            }
        }
        ["come-and-go", ..] => come_and_go(),
        _ => compare(),
    }
}

/// Makes the model, which is there as long as the folder.
fn model() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("model.onnx");
    std::fs::write(&model, network::onnx()).expect("the model is written");
    let megabytes = std::fs::metadata(&model).expect("the model").len() as f64 / 1e6;
    println!("model of {megabytes:.1} MB, median of {REPETITIONS}");
    (folder, model)
}

/// Processes of each kind in turns, and the median of each.
fn measure<const N: usize>(model: &Path, kinds: [(&str, usize, usize); N]) -> [Cost; N] {
    let mut costs = kinds.map(|_| Vec::new());
    for _ in 0..REPETITIONS {
        for ((kind, streams, frames), costs) in kinds.iter().zip(&mut costs) {
            costs.push(Cost::of_child(kind, model, *streams, *frames));
        }
    }
    costs.map(|it| Cost::median(&it))
}

fn compare() {
    let (_folder, model) = model();
    let kinds = ["session", "elements", "sessions"].map(|kind| (kind, STREAMS, FRAMES));
    let [session, elements, sessions] = measure(&model, kinds);
    println!("{STREAMS} streams of {FRAMES} frames        peak memory   processor time");
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
    println!("avrec-infer over one bare session: reach 1.2 and 1.1");

    let [one, all, bare] = measure(
        &model,
        [
            ("elements", 1, 20),
            ("elements", STREAMS, 20),
            ("session", STREAMS, 20),
        ],
    );
    // What a frame takes where all run beside each other.
    let frame = all.run / (STREAMS * 19) as f64;
    let of_frames = (STREAMS - 1) as f64 * frame;
    println!(
        "start of 1 stream {:.3} s, {:.0} MiB; of {STREAMS} {:.3} s, {:.0} MiB, of which {of_frames:.3} s are what \
         their first frames take: {:.2} without those (reach 1.5); bare {:.3} s, {:.0} MiB",
        one.start,
        one.memory,
        all.start,
        all.memory,
        (all.start - of_frames) / one.start,
        bare.start,
        bare.memory
    );

    let [bare, ours] = measure(&model, [("session", 8, 40), ("elements", 8, 40)]);
    let frames = |cost: &Cost| (8 * 39) as f64 / cost.run;
    println!(
        "8 streams: {:.1} frames a second through one shared model, {:.1} through the bare session: {:.3} (reach 0.97)",
        frames(&ours),
        frames(&bare),
        frames(&ours) / frames(&bare)
    );
}

fn come_and_go() {
    let (_folder, model) = model();
    println!(
        "1,000 streams beside one that holds the model: MiB after 100, at the end, and without that one"
    );
    elements::come_and_go(&model, 1000, true);
    println!("100 streams that load the model and take it away: MiB after 50, and at the end");
    elements::come_and_go(&model, 100, false);
}
