// SPDX-License-Identifier: MPL-2.0

//! Runs as the demo makes them, for tests and to look at while the page is changed:
//! `AVREC_SAMPLE_REPORT=target/report.html cargo test --bin avrec the_page_is_whole`.

use std::time::Duration;

use crate::measure::tests::quality;
use crate::message::{Answer, CandidateStats, Frame, Probe, Swap, SwitchStats};
use crate::record::{Phase, Record, Timed};

const BUDGET: Duration = Duration::from_millis(40);

/// Name, latency in milliseconds without load and under it, SSIM.
const CANDIDATES: [(&str, f64, f64, f64); 4] = [
    ("bilinear", 0.6, 1.1, 0.905),
    ("small", 5.0, 10.0, 0.928),
    ("medium", 13.0, 29.0, 0.941),
    ("<i>large</i>", 27.0, 62.0, 0.952),
];

/// avrec, small alone and large alone.
pub fn records() -> Vec<Record> {
    vec![
        run("avrec", None),
        run("small alone", Some(1)),
        run("<i>large</i> alone", Some(3)),
    ]
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

fn run(name: &str, pinned: Option<usize>) -> Record {
    let mut record = Record::new(name);
    record.length = Duration::from_secs(40);
    let mut active = pinned.unwrap_or(3);
    let mut ssim_sum = 0.0;
    if pinned.is_none() {
        swap(
            &mut record,
            0.12,
            "",
            CANDIDATES[3].0,
            "start",
            "the first candidate is ready",
        );
    }
    for number in 0..1000u64 {
        let t = number as f64 * 0.04;
        let loaded = (12.0..26.0).contains(&t);
        if pinned.is_none() {
            active = follow(&mut record, t, active);
        }
        let (candidate, idle, busy, ssim) = CANDIDATES[active];
        let tail = if noise(number * 7 + 3) > 0.96 { 1.35 } else { 1.0 };
        let mut ms = if loaded { busy } else { idle } * (1.0 + 0.07 * noise(number)) * tail;
        let mut answer = Answer::Active;
        let mut who = candidate;
        if pinned.is_none() && 40.0 < ms {
            (answer, who) = (Answer::Floor, CANDIDATES[0].0);
            ms = 38.6 + 1.1 * noise(number + 5) + if noise(number) > 0.3 { 2.0 } else { 0.0 };
        }
        let latency = Duration::from_secs_f64(ms / 1000.0);
        let frame = Frame {
            number,
            time: Duration::ZERO,
            latency,
            budget: BUDGET,
            candidate: who.to_string(),
            active: candidate.to_string(),
            answer,
            missed: BUDGET < latency || answer == Answer::Floor,
        };
        record.add_frame(Duration::from_secs_f64(t + ms / 1000.0), frame);
        let scene = 0.018 * (t * 1.19).sin() + 0.01 * (t * 3.1).sin();
        ssim_sum += if answer == Answer::Floor {
            CANDIDATES[0].3
        } else {
            ssim
        } + scene;
        if number % 5 == 4 {
            add_probe(&mut record, t, ssim_sum / 5.0);
            ssim_sum = 0.0;
        }
    }
    let (start, end) = (Duration::from_secs(12), Some(Duration::from_secs(26)));
    record.phases.push(Phase {
        command: "stress-ng --cpu 4".to_string(),
        start,
        end,
    });
    record.stats = Some(stats());
    record
}

/// A plausible course: down under load, back up after it, and one probe of the large one in between.
fn follow(record: &mut Record, t: f64, active: usize) -> usize {
    let plan = [
        (
            12.24,
            3,
            2,
            "infeasible",
            "large may take 57.3 ms, the budget is 40.0 ms",
        ),
        (
            13.40,
            2,
            1,
            "infeasible",
            "medium may take 41.8 ms, the budget is 40.0 ms",
        ),
        (
            16.80,
            1,
            2,
            "better",
            "medium promises quality 0.941, small 0.928, and fits with 34.9 ms",
        ),
        (
            26.92,
            2,
            3,
            "better",
            "large promises quality 0.952, medium 0.941, and fits with 33.0 ms",
        ),
    ];
    for (at, from, to, reason, text) in plan {
        if from == active && at <= t && t < at + 0.05 {
            swap(record, t, CANDIDATES[from].0, CANDIDATES[to].0, reason, text);
            return to;
        }
    }
    active
}

fn swap(record: &mut Record, t: f64, from: &str, to: &str, reason: &str, text: &str) {
    let what = Swap {
        from: from.to_string(),
        to: to.to_string(),
        reason: reason.to_string(),
        reason_text: text.to_string(),
        frame: (t * 25.0) as u64,
    };
    record.swaps.push(Timed {
        at: Duration::from_secs_f64(t),
        what,
    });
}

fn add_probe(record: &mut Record, t: f64, ssim: f64) {
    let what = Probe {
        frames: record.frames.len() as u64,
        misses: 0,
        fps: 25.0,
        latency_p50: None,
        latency_p99: None,
        budget: None,
        quality: Some(quality(5, ssim, 20.0 - 10.0 * (1.0 - ssim).log10())),
    };
    record.probes.push(Timed {
        at: Duration::from_secs_f64(t),
        what,
    });
}

fn stats() -> SwitchStats {
    let candidates = CANDIDATES.iter().map(|(name, idle, _, quality)| CandidateStats {
        name: name.to_string(),
        state: "ready".to_string(),
        runs: 1000,
        answers: 250,
        misses: 3,
        latency_p50: Some(Duration::from_secs_f64(idle / 1000.0)),
        latency_p99: Some(Duration::from_secs_f64(1.3 * idle / 1000.0)),
        quality: Some(*quality),
        scores: 40,
    });
    SwitchStats {
        active: CANDIDATES[3].0.to_string(),
        slowdown: Some(1.0),
        candidates: candidates.collect(),
    }
}
