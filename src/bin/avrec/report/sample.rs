// SPDX-License-Identifier: MPL-2.0

//! Runs as the demo makes them, for tests and to look at while the page is changed:
//! `AVREC_SAMPLE_REPORT=target/report.html cargo test --bin avrec the_page_is_whole`.

use std::time::Duration;

use gstavrec::messages::{
    AnswerKind, Basis, CandidateState, CandidateStats, Estimates, Figures, Loaded, Percentiles, ReasonWord,
    SwitchStats,
};
use gstavrec::runtime::Task;

use crate::environment::{Environment, ModelRun};
use crate::record::examples::{frame, probe, swap};
use crate::record::{Phase, Record};
use crate::tap::{Clip, Moment, Occasion, Picture, Shown, Sound};

const BUDGET: Duration = Duration::from_millis(40);

/// Name, latency in milliseconds without load and under it, SSIM.
const CANDIDATES: [(&str, f64, f64, f64); 4] = [
    ("bilinear", 0.6, 1.1, 0.905),
    ("small", 5.0, 10.0, 0.928),
    ("medium", 13.0, 29.0, 0.941),
    ("large", 27.0, 62.0, 0.952),
];

/// A plausible course: down under load, and back up after it. Time, from, to, and why.
const COURSE: [(f64, usize, usize, ReasonWord, &str); 4] = [
    (
        12.24,
        3,
        2,
        ReasonWord::Infeasible,
        "large may take 57.3 ms, the budget is 40.0 ms",
    ),
    (
        13.40,
        2,
        1,
        ReasonWord::Infeasible,
        "medium may take 41.8 ms, the budget is 40.0 ms",
    ),
    (
        16.80,
        1,
        2,
        ReasonWord::Better,
        "medium promises quality 0.941, small 0.928, and fits with 34.9 ms",
    ),
    (
        26.92,
        2,
        3,
        ReasonWord::Better,
        "large promises quality 0.952, medium 0.941, and fits with 33.0 ms",
    ),
];

/// avrec, small alone and large alone; the largest candidate is called `large`.
pub fn records(large: &str) -> Vec<Record> {
    let mut runs = vec![
        run("avrec", None, large),
        run("small alone", Some(1), large),
        run(&format!("{large} alone"), Some(3), large),
    ];
    runs[0].shown = shown(large);
    runs[0].models = vec![
        model("small", "ort", ""),
        model(large, "rten", "ONNX Runtime was not found"),
    ];
    runs
}

/// A run of several streams, which all go the same way and have names like the candidate's.
pub fn group(streams: usize, large: &str) -> Vec<Record> {
    let stream = |number| {
        let mut record = run("avrec", None, large);
        record.stream = Some(format!("{large} {number}"));
        record
    };
    (0..streams).map(stream).collect()
}

pub fn environment() -> Environment {
    Environment {
        command: "avrec run --loop videotestsrc ! 'avrec-switch.(' videoscale name='a<b>' ')' ! fakesink"
            .to_string(),
        processor: "Some CPU @ 2 GHz".to_string(),
        processors: 2,
        kernel: "Linux 6.1 x86_64".to_string(),
        gstreamer: "GStreamer 1.22.0".to_string(),
    }
}

fn model(name: &str, backend: &str, note: &str) -> ModelRun {
    let loaded = Loaded {
        file: format!("models/{name}.onnx"),
        task: Task::Image,
        backend: backend.to_string(),
        backend_note: note.to_string(),
        execution_provider: "cpu".to_string(),
        threads: 2,
        load_time: Duration::from_millis(80),
        assumed: String::new(),
        statements: Vec::new(),
    };
    ModelRun {
        name: name.to_string(),
        loaded,
    }
}

/// One frame of test bars, and a sound that swells.
fn shown(large: &str) -> Shown {
    gst::init().unwrap();
    let caps: gst::Caps = "video/x-raw,format=RGB,width=320,height=180,framerate=25/1"
        .parse()
        .unwrap();
    let level = |at: usize| [at / 3 % 320 * 255 / 320, at / 960, 128][at % 3] as u8;
    let mut buffer = gst::Buffer::from_slice((0..320 * 180 * 3).map(level).collect::<Vec<u8>>());
    let writable = buffer.get_mut().unwrap();
    gst_video::VideoRegionOfInterestMeta::add(writable, large, (40, 30, 120, 90));
    let occasion = Occasion::First {
        candidate: large.to_string(),
        answer: AnswerKind::Active,
    };
    let at = Duration::from_millis(500);
    let picture = Picture::of(&buffer, &caps, Moment { at, occasion });
    let sample = |at: u32| (f64::from(at) * 0.17).sin() * f64::from(at) / 24_000.0;
    let clip = Clip {
        what: format!("small gives way to {large}"),
        start: at,
        rate: 24_000,
        samples: (0..24_000).map(|at| (30_000.0 * sample(at)) as i16).collect(),
    };
    let column = |at: u32| (-(at as f32) / 900.0, at as f32 / 700.0);
    let sound = Sound {
        rate: 48_000,
        channels: 2,
        length: Duration::from_secs(40),
        wave: (0..600).map(column).collect(),
        clips: vec![clip],
    };
    Shown {
        pictures: picture.into_iter().collect(),
        sound: Some(sound),
    }
}

/// A number in -1..1 that looks random and is the same each time.
fn noise(seed: u64) -> f64 {
    let mut x = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(0x1234_5678_9abc_def1);
    x ^= x >> 31;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 29;
    (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

fn run(name: &str, pinned: Option<usize>, large: &str) -> Record {
    let name_of = |position: usize| {
        if position == 3 {
            large
        } else {
            CANDIDATES[position].0
        }
    };
    let mut record = Record::new(name);
    record.length = Duration::from_secs(40);
    let mut active = pinned.unwrap_or(3);
    let mut ssim_sum = 0.0;
    if pinned.is_none() {
        let reason = (ReasonWord::Start, "the first candidate is ready");
        add_swap(&mut record, 0.12, "", large, reason);
    }
    for number in 0..1000u64 {
        let t = number as f64 * 0.04;
        let is_due = |step: &&(f64, usize, usize, ReasonWord, &str)| {
            step.1 == active && (step.0..step.0 + 0.05).contains(&t)
        };
        if pinned.is_none()
            && let Some(&(_, from, to, reason, text)) = COURSE.iter().find(is_due)
        {
            add_swap(&mut record, t, name_of(from), name_of(to), (reason, text));
            active = to;
        }
        let (_, idle, busy, ssim) = CANDIDATES[active];
        let candidate = name_of(active);
        let tail = if noise(number * 7 + 3) > 0.96 { 1.35 } else { 1.0 };
        let usual = if (12.0..26.0).contains(&t) { busy } else { idle };
        let mut ms = usual * (1.0 + 0.07 * noise(number)) * tail;
        let (mut who, mut answer, mut worth) = (candidate, AnswerKind::Active, ssim);
        if pinned.is_none() && 40.0 < ms {
            (who, answer, worth) = (CANDIDATES[0].0, AnswerKind::Floor, CANDIDATES[0].3);
            ms = 38.6 + 1.1 * noise(number + 5) + if noise(number) > 0.3 { 2.0 } else { 0.0 };
        }
        let was_ready = pinned.is_some() || 3 <= number;
        if !was_ready {
            (who, answer, ms) = ("passthrough", AnswerKind::Passthrough, 0.4);
        }
        let mut left = frame(who, answer, 0);
        left.number = number;
        left.active = candidate.to_string();
        left.latency = Duration::from_secs_f64(ms / 1000.0);
        left.is_miss = BUDGET < left.latency || matches!(answer, AnswerKind::Floor | AnswerKind::Passthrough);
        record.add_frame(Duration::from_secs_f64(t + ms / 1000.0), left, was_ready);
        ssim_sum += worth + 0.018 * (t * 1.19).sin() + 0.01 * (t * 3.1).sin();
        if number % 5 == 4 {
            add_probe(&mut record, t, ssim_sum / 5.0);
            ssim_sum = 0.0;
        }
    }
    record.phases.push(Phase {
        command: "stress-ng --cpu 4".to_string(),
        start: Duration::from_secs(12),
        end: Some(Duration::from_secs(26)),
    });
    record.stats = Some(stats(large));
    record
}

fn add_swap(record: &mut Record, t: f64, from: &str, to: &str, reason: (ReasonWord, &str)) {
    let at = Duration::from_secs_f64(t);
    record.add_swap(at, swap(from, to, reason));
}

fn add_probe(record: &mut Record, t: f64, ssim: f64) {
    let mut what = probe(5, ssim, 20.0 - 10.0 * (1.0 - ssim).log10());
    what.summary.latencies = None;
    let at = Duration::from_secs_f64(t);
    record.add_probe(at, what);
}

fn stats(large: &str) -> SwitchStats {
    let candidates = CANDIDATES.iter().map(|(name, idle, _, quality)| {
        let ms = |of: f64| Duration::from_secs_f64(of * idle / 1000.0);
        let estimates = Estimates {
            latency: Some(ms(1.0)),
            upper: Some(ms(1.3)),
            quality: *quality,
            quality_sd: 0.01,
            quality_source: Basis::Agreement,
            evidence: Figures::default(),
            scores: 40,
            is_feasible: true,
            miss: 0.01,
            robustness: None,
        };
        CandidateStats {
            name: if *name == "large" { large } else { name }.to_string(),
            state: CandidateState::Ready,
            cause: None,
            gives: Some("boxes".to_string()),
            runs: 1000,
            answers: 250,
            misses: 3,
            memory: None,
            load_time: None,
            latency: Some(Percentiles {
                p50: ms(1.0),
                p95: ms(1.2),
                p99: ms(1.3),
            }),
            estimates: Some(estimates),
        }
    });
    SwitchStats {
        active: large.to_string(),
        slowdown: 1.0,
        candidates: candidates.collect(),
        ..SwitchStats::default()
    }
}
