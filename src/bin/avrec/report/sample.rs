// SPDX-License-Identifier: MPL-2.0

//! Runs as the demo makes them, for tests and to look at while the page is changed:
//! `AVREC_SAMPLE_REPORT=target/report.html cargo test --bin avrec the_page_is_whole`.

use std::time::Duration;

use gstavrec::messages::{
    AnswerKind, Basis, CandidateState, CandidateStats, Estimates, Figures, Percentiles, ReasonWord,
    SwitchStats,
};

use crate::record::tests::{frame, probe, swap};
use crate::record::{Phase, Record, Timed};

const BUDGET: Duration = Duration::from_millis(40);

/// Name, latency in milliseconds without load and under it, SSIM.
const CANDIDATES: [(&str, f64, f64, f64); 4] = [
    ("bilinear", 0.6, 1.1, 0.905),
    ("small", 5.0, 10.0, 0.928),
    ("medium", 13.0, 29.0, 0.941),
    ("<i>large</i>", 27.0, 62.0, 0.952),
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
        let reason = (ReasonWord::Start, "the first candidate is ready");
        add_swap(&mut record, 0.12, "", CANDIDATES[3].0, reason);
    }
    for number in 0..1000u64 {
        let t = number as f64 * 0.04;
        let is_due = |step: &&(f64, usize, usize, ReasonWord, &str)| {
            step.1 == active && (step.0..step.0 + 0.05).contains(&t)
        };
        if pinned.is_none()
            && let Some(&(_, from, to, reason, text)) = COURSE.iter().find(is_due)
        {
            add_swap(
                &mut record,
                t,
                CANDIDATES[from].0,
                CANDIDATES[to].0,
                (reason, text),
            );
            active = to;
        }
        let (candidate, idle, busy, ssim) = CANDIDATES[active];
        let tail = if noise(number * 7 + 3) > 0.96 { 1.35 } else { 1.0 };
        let usual = if (12.0..26.0).contains(&t) { busy } else { idle };
        let mut ms = usual * (1.0 + 0.07 * noise(number)) * tail;
        let (mut who, mut answer, mut worth) = (candidate, AnswerKind::Active, ssim);
        if pinned.is_none() && 40.0 < ms {
            (who, answer, worth) = (CANDIDATES[0].0, AnswerKind::Floor, CANDIDATES[0].3);
            ms = 38.6 + 1.1 * noise(number + 5) + if noise(number) > 0.3 { 2.0 } else { 0.0 };
        }
        let mut left = frame(who, answer, 0);
        left.latency = Duration::from_secs_f64(ms / 1000.0);
        left.is_miss = BUDGET < left.latency || answer == AnswerKind::Floor;
        record.add_frame(Duration::from_secs_f64(t + ms / 1000.0), left);
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
    record.stats = Some(stats());
    record
}

fn add_swap(record: &mut Record, t: f64, from: &str, to: &str, reason: (ReasonWord, &str)) {
    let at = Duration::from_secs_f64(t);
    let what = swap(from, to, reason);
    record.swaps.push(Timed { at, what });
}

fn add_probe(record: &mut Record, t: f64, ssim: f64) {
    let mut what = probe(5, ssim, 20.0 - 10.0 * (1.0 - ssim).log10());
    what.summary.latencies = None;
    let at = Duration::from_secs_f64(t);
    record.probes.push(Timed { at, what });
}

fn stats() -> SwitchStats {
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
            name: name.to_string(),
            state: CandidateState::Ready,
            cause: None,
            gives: Some("boxes".to_string()),
            runs: 1000,
            answers: 250,
            misses: 3,
            latency: Some(Percentiles {
                p50: ms(1.0),
                p95: ms(1.2),
                p99: ms(1.3),
            }),
            estimates: Some(estimates),
        }
    });
    SwitchStats {
        active: CANDIDATES[3].0.to_string(),
        slowdown: 1.0,
        candidates: candidates.collect(),
        ..SwitchStats::default()
    }
}
