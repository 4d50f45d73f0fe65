// SPDX-License-Identifier: MPL-2.0

//! What an answer of a server takes avrec, beside tritonclient.
//!
//! `scripts/remote.sh mlserver triton -- cargo bench --bench servers` asks a model that does next to nothing with
//! 1 x 3 x 224 x 224 float32, by gRPC, in turns of a few hundred requests, one at a time. It prints the medians over the
//! turns of p50 and p99, and their difference, which is positive where avrec takes longer.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use gstavrec::quantile::{median, percentile};
use gstavrec::runtime::{Options, Runner};

const MODEL: &str = "corner_224";
const TURNS: usize = 7;
const REQUESTS: usize = 300;
/// Requests of each turn before those that count, as in `oracle.py`.
const WARM_UP: usize = 20;

fn main() {
    let words = |name| std::env::var(name).unwrap_or_default();
    let (names, addresses) = (words("AVREC_REMOTE_SERVERS"), words("AVREC_REMOTE_GRPC"));
    if addresses.is_empty() {
        println!("skipped: AVREC_REMOTE_GRPC is not set; run it by scripts/remote.sh");
        return;
    }
    println!("server      avrec p50   p99 ms   tritonclient p50   p99 ms   difference p50   p99 ms");
    for (name, address) in names.split(' ').zip(addresses.split(' ')) {
        let source = format!("grpc://{address}/{MODEL}");
        let mut runner = Runner::load(Path::new(&source), &Options::default()).expect("the model");
        runner.prepare(&[1, 3, 224, 224]).expect("the shape");
        let (mut own, mut other) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            own.push(turn(&mut runner));
            other.push(tritonclient(address));
        }
        let [own_50, own_99] = medians(&own);
        let [other_50, other_99] = medians(&other);
        let (by_50, by_99) = (own_50 - other_50, own_99 - other_99);
        println!(
            "{name:<10} {own_50:10.2} {own_99:8.2} {other_50:18.2} {other_99:8.2} {by_50:16.2} {by_99:8.2}"
        );
    }
}

/// p50 and p99 of a turn's requests, in milliseconds.
fn turn(runner: &mut Runner) -> [f64; 2] {
    let times: Vec<f64> = (0..WARM_UP + REQUESTS)
        .map(|_| {
            let begin = Instant::now();
            runner.run().expect("an answer");
            1e3 * begin.elapsed().as_secs_f64()
        })
        .skip(WARM_UP)
        .collect();
    [0.5, 0.99].map(|it| percentile(times.iter().copied(), it).expect("requests"))
}

/// The same of tritonclient.
fn tritonclient(address: &str) -> [f64; 2] {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/remote/oracle.py");
    let python = std::env::var("AVREC_REMOTE_PYTHON").expect("scripts/remote.sh sets it");
    let output = Command::new(python)
        .args([script, "latency", address, MODEL, &REQUESTS.to_string()])
        .output()
        .expect("tritonclient");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = said.split_whitespace().collect();
    let ["p50", p50, "p99", p99] = words[..] else {
        panic!("{said}{}", String::from_utf8_lossy(&output.stderr));
    };
    [p50, p99].map(|it| it.parse().expect("a number"))
}

fn medians(turns: &[[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|which| median(turns.iter().map(|it| it[which])).expect("turns"))
}
