// SPDX-License-Identifier: MPL-2.0

//! What models cost on sound, on one thread: the share of real time that `avrec-infer` takes for a second of it.
//!
//! Takes the denoisers in `models/`, else a small filter of the tests. Prints, for each model and rate of the
//! stream, the real-time factor (processor time of the thread over length of the sound, the best and the median of
//! several runs) and the part of it that is not the model, and the allocations per buffer that this project makes.
//! It is processor time, so that what else runs on the machine has little say in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gstavrec::audio::{self, ChannelUse, HopPlan, Hops};
use gstavrec::runtime::{Options, Runner, allocations};
use gstavrec::tensor::Data;

/// Length of the sound of one run.
const SECONDS: usize = 5;
const RUNS: usize = 7;

fn main() {
    gst::init().expect("GStreamer starts");
    for path in models() {
        let rate = Runner::load(&path, &Options::default()).expect("a model for sound");
        let rate = rate.model().input_spec.sound().expect("a model for sound").rate;
        let mut rates = vec![rate, 48_000];
        rates.dedup();
        rates.into_iter().for_each(|rate| measure(&path, rate));
    }
}

fn models() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(root.join("models"))
        .into_iter()
        .flatten()
        .flatten();
    let is_denoiser = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("denoise") && name.ends_with(".onnx")
    };
    let mut found: Vec<PathBuf> = entries.map(|it| it.path()).filter(is_denoiser).collect();
    found.sort();
    if found.is_empty() {
        found.push(root.join("tests/models/low_pass.onnx"));
    }
    found
}

/// Time that this thread has had a processor.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn measure(path: &Path, rate: u32) {
    let mut session = Runner::load(path, &Options::default()).expect("a model for sound");
    let spec = *session.model().input_spec.sound().expect("a model for sound");
    session
        .prepare(&[1, spec.channels, spec.hop])
        .expect("the model's own shape");
    let plan = HopPlan::new(rate, &spec).expect("common rates");
    let delay = plan.delay;
    let mut hops = Hops::new(plan, spec.channels, ChannelUse::Each).expect("as many channels as the model");
    session.set_voices(hops.voices()).expect("memory for the voices");
    // Noise with the loudness of speech: silence would flatter models that stop at zero.
    let buffer = rate as usize / 100;
    let mut seed = 1u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / 16_777_216.0 * 0.2 - 0.1
    };
    let sound: Vec<Vec<f32>> = (0..spec.channels)
        .map(|_| (0..buffer).map(|_| noise()).collect())
        .collect();
    let mut answers = vec![Vec::new(); spec.channels];
    let mut inside = Duration::ZERO;
    let mut second = |inside: &mut Duration| {
        for _ in 0..100 {
            hops.push(&sound, |voice, question, answer| {
                session.select_voice(voice).expect("a voice that was made");
                if let Data::F32(input) = &mut session.input().data {
                    input.copy_from_slice(question);
                }
                let start = processor_time();
                let outputs = session.run().expect("runs");
                *inside += processor_time() - start;
                if let Some(Data::F32(output)) = outputs.first().map(|it| &it.data) {
                    answer.copy_from_slice(output);
                }
                Ok::<_, audio::Error>(())
            })
            .expect("runs");
            answers.iter_mut().for_each(Vec::clear);
            hops.pull(buffer, &mut answers);
        }
    };
    second(&mut inside);
    let mut factors = Vec::new();
    let mut own = Vec::new();
    let before = allocations();
    for _ in 0..RUNS {
        inside = Duration::ZERO;
        let start = processor_time();
        (0..SECONDS).for_each(|_| second(&mut inside));
        let all = processor_time() - start;
        factors.push(all.as_secs_f64() / SECONDS as f64);
        own.push((all - inside).as_secs_f64() / SECONDS as f64);
    }
    // The lists above grow a few times.
    let allocations = allocations() - before;
    factors.sort_by(f64::total_cmp);
    own.sort_by(f64::total_cmp);
    println!(
        "{} at {rate} Hz: real-time factor {:.4} (median {:.4}), {:.5} around the model, delay {:.1} ms, {:.3} allocations a buffer",
        path.file_name().unwrap_or_default().to_string_lossy(),
        factors[0],
        factors[RUNS / 2],
        own[0],
        delay as f64 * 1000.0 / f64::from(rate),
        allocations as f64 / (RUNS * SECONDS * 100) as f64
    );
}
