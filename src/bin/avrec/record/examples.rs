// SPDX-License-Identifier: MPL-2.0

//! Messages as the elements send them, for tests.

use std::time::Duration;

use gstavrec::messages::{
    AnswerKind, Compared, Fidelity, Frame, Latencies, ProbeMessage, ReasonWord, Swap, Why,
};

pub fn frame(candidate: &str, answer: AnswerKind, latency_ms: u64) -> Frame {
    let budget = Duration::from_millis(40);
    let latency = Duration::from_millis(latency_ms);
    Frame {
        number: 0,
        pts: None,
        running_time: None,
        time: Duration::ZERO,
        latency,
        budget,
        candidate: candidate.to_string(),
        active: candidate.to_string(),
        answer,
        is_miss: budget < latency || answer == AnswerKind::Floor,
    }
}

pub fn swap(from: &str, to: &str, (reason, text): (ReasonWord, &str)) -> Swap {
    Swap {
        from: from.to_string(),
        to: to.to_string(),
        reason,
        reason_text: text.to_string(),
        frame: 3,
        pts: None,
        running_time: None,
        why: Why::default(),
        compared: Compared::default(),
    }
}

pub fn probe(pairs: u64, ssim: f64, psnr_db: f64) -> ProbeMessage {
    let ms = Duration::from_millis;
    let summary = gstavrec::messages::Summary {
        frames: 7,
        misses: 2,
        fps: 25.0,
        latencies: Some(Latencies {
            p50: ms(3),
            p95: ms(5),
            p99: ms(9),
            max: ms(9),
        }),
        ..Default::default()
    };
    let fidelity = Fidelity {
        pairs,
        means: Some((psnr_db, ssim)),
        ..Fidelity::default()
    };
    ProbeMessage {
        pts: None,
        running_time: None,
        is_final: false,
        summary,
        fidelity: Some(fidelity),
        total: None,
    }
}
