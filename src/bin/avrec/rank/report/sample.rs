// SPDX-License-Identifier: MPL-2.0

//! Rankings to look at: what tests and the eye judge the page by.

mod items;

pub use items::examples;

use super::super::findings::*;

/// What answers are compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Labels,
    Restoration,
    Agreement,
}

/// So many models, of which the one at the end of the list has this name.
pub fn findings(kind: Kind, count: usize, last: &str) -> Findings {
    let mut models: Vec<ModelFindings> = (0..count).map(|it| model(kind, it, count, last)).collect();
    models.sort_by(|one, other| one.loss.value.total_cmp(&other.loss.value));
    for (position, it) in models.iter_mut().enumerate() {
        it.place = position + 1;
        it.best = if position == 0 { 0.91 } else { 0.09 / count as f64 };
    }
    if let [_, second, third, ..] = &mut models[..] {
        (second.is_tied, third.is_tied, third.place) = (true, true, second.place);
    }
    let names: Vec<String> = models.iter().map(|it| it.name.clone()).collect();
    let promised = models.first().map(|it| it.quality);
    Findings {
        version: VERSION,
        command: format!("avrec rank library.toml --on scene.webm --labels '{last}' --report rank.html"),
        date: "2026-11-28".into(),
        machine: Machine {
            processor: "Some CPU @ 2 GHz".into(),
            processors: 2,
            kernel: "Linux 6.1 x86_64".into(),
            gstreamer: "GStreamer 1.22.0".into(),
        },
        question: question(kind),
        material: material(last),
        settings: Settings {
            budget_ms: 40.0,
            lambda_latency: 0.1,
            lambda_cost: 0.1,
            strategy: "weighted".into(),
            weights: vec![(measures(kind)[0].name.clone(), 1.0)],
            seed: 1,
        },
        measures: measures(kind),
        set: set(&names),
        models,
        excluded: vec![
            Excluded {
                name: format!("{last} v2"),
                reason: "its licence is AGPL-3.0-only, and only MIT OR Apache-2.0 is allowed".into(),
            },
            Excluded {
                name: "leaks".into(),
                reason: "its process took more than 4096 MiB and was ended".into(),
            },
        ],
        notes: vec!["scene.webm has no scene with fewer than 8 frames.".into()],
        promised,
        unpromised: promised.map(|it| figure(it.value + 0.004, 0.01, 240)),
        effort: Effort {
            runs: 1_120,
            runs_of_all: 1_920,
            cached: 240,
            share_of_time: 0.34,
            seconds: 48.0,
            stopped: count / 3,
        },
    }
}

fn question(kind: Kind) -> QuestionTold {
    let (kind, told, reference) = match kind {
        Kind::Labels => (
            "labels",
            "Answers are compared with the labels of scene.csv.",
            None,
        ),
        Kind::Restoration => (
            "restoration",
            "Frames are scaled down by 2, and answers are compared with the frames.",
            None,
        ),
        Kind::Agreement => (
            "agreement",
            "Answers are compared with those of a reference: agreement is not accuracy.",
            Some("large"),
        ),
    };
    QuestionTold {
        kind: kind.into(),
        told: told.into(),
        reference: reference.map(String::from),
    }
}

fn measures(kind: Kind) -> Vec<MeasureTold> {
    let measure = |name: &str, unit: &str| MeasureTold {
        name: name.into(),
        unit: unit.into(),
        higher_is_better: true,
    };
    match kind {
        Kind::Restoration => vec![measure("ssim", ""), measure("psnr-db", "dB")],
        _ => vec![measure("map", ""), measure("f1", "")],
    }
}

fn material(name: &str) -> Vec<MaterialTold> {
    let one = |path: String, seconds: f64| MaterialTold {
        path,
        form: "clip".into(),
        sha256: "3f5a".repeat(16),
        items: (25.0 * seconds) as usize,
        drawn: 120,
        scenes: 6,
        seconds,
    };
    vec![
        one("media/scene.webm".into(), 60.0),
        one(format!("media/{name}.mkv"), 12.5),
    ]
}

/// A number in 0..1 that looks random and is the same each time.
pub fn noise(seed: usize) -> f64 {
    let mut x = (seed as u64 + 11).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 29;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 32;
    (x >> 11) as f64 / (1u64 << 53) as f64
}

fn figure(value: f64, half: f64, items: usize) -> Figure {
    Figure {
        value,
        interval: Some((value - half, value + half)),
        items,
    }
}

fn model(kind: Kind, at: usize, count: usize, last: &str) -> ModelFindings {
    const NAMES: [&str; 6] = [
        "bilinear",
        "small",
        "medium",
        "medium-int8",
        "large",
        "huge-distilled",
    ];
    let is_last = at + 1 == count;
    let name = match NAMES.get(at) {
        _ if is_last => last.to_string(),
        Some(name) => name.to_string(),
        None => format!("{}-v{}", NAMES[at % NAMES.len()], 1 + at / NAMES.len()),
    };
    let p50 = 0.8 * 1.9f64.powi((at % 7) as i32) * (0.8 + 0.6 * noise(at));
    let base = if kind == Kind::Restoration { 0.86 } else { 0.45 };
    let quality = base + 0.11 * (1.0 - (-p50 / 9.0).exp()) + 0.02 * (noise(at + 40) - 0.5);
    let half = 0.004 + 0.01 * noise(at + 7);
    let loss = -quality.ln() + 0.1 * p50 / 40.0;
    let second = if kind == Kind::Restoration {
        28.0 + 40.0 * (quality - base)
    } else {
        quality - 0.05
    };
    ModelFindings {
        source: format!("models/{name}.onnx"),
        sha256: Some("90ab".repeat(16)),
        license: (at % 3 != 2).then(|| "MIT OR Apache-2.0".into()),
        loss: figure(loss, half, 240),
        quality: figure(quality, half, 240),
        figures: vec![Some(figure(quality, half, 240)), Some(figure(second, 0.3, 240))],
        classes: if kind == Kind::Restoration {
            Vec::new()
        } else {
            classes(at, quality)
        },
        latency: LatencyFindings {
            runs: 240,
            p50: figure(p50, 0.05 * p50, 240),
            p95: Some(figure(1.3 * p50, 0.1 * p50, 240)),
            p99: (at % 5 != 4).then(|| figure(1.7 * p50, 0.2 * p50, 240)),
            within: if p50 < 30.0 { 1.0 } else { 0.87 },
            rate: 1000.0 / p50,
        },
        processor_ms: 1.8 * p50,
        memory: ((4 + 9 * at) as u64) << 20,
        energy: None,
        unanswered: usize::from(at == 1),
        robustness: Some(robustness(at)),
        adversarial: (at < 3).then_some(Adversarial {
            bound: 4,
            runs: 200,
            items: 12,
            before: quality,
            after: 0.6 * quality,
        }),
        is_on_front: at != 3,
        reasons: vec![
            format!("{name} wins by 0.012 of quality over the next, which is 3.2 ms faster."),
            "A budget below 11 ms would change that.".into(),
        ],
        worst: (0..4)
            .map(|it| WorstItem {
                path: "media/scene.webm".into(),
                index: 100 * it + 7,
                seconds: 4.0 * it as f64 + 0.28,
                agreement: 0.2 + 0.05 * it as f64,
            })
            .collect(),
        name,
        ..ModelFindings::default()
    }
}

fn classes(at: usize, quality: f64) -> Vec<ClassFindings> {
    let names = [
        "person",
        "car",
        "traffic light",
        "dog",
        "bicycle",
        "boat",
        "sheep",
        "umbrella",
        "clock",
        "kite",
        "bus",
        "truck",
        "cat",
        "bench",
        "horse",
    ];
    let class = |(number, name): (usize, &&str)| ClassFindings {
        name: name.to_string(),
        support: (800.0 / (1.0 + number as f64).powf(1.6)).floor(),
        measure: "ap50".into(),
        figure: (number < 11).then(|| {
            figure(
                quality - 0.02 * number as f64 + 0.05 * noise(at * 31 + number),
                0.02 + 0.01 * number as f64,
                60,
            )
        }),
    };
    names.iter().enumerate().map(class).collect()
}

fn robustness(at: usize) -> Robustness {
    let names = [
        ("gaussian-noise", "noise"),
        ("shot-noise", "noise"),
        ("defocus-blur", "blur"),
        ("motion-blur", "blur"),
        ("fog", "weather"),
        ("contrast", "digital"),
        ("jpeg-compression", "digital"),
    ];
    let each: Vec<Corrupted> = names
        .iter()
        .enumerate()
        .flat_map(|(number, (name, group))| {
            (1..=5u8).map(move |strength| {
                let drop = 0.02 * f64::from(strength) * (0.4 + 2.0 * noise(at + 17 * number)) - 0.01;
                Corrupted {
                    name: name.to_string(),
                    group: group.to_string(),
                    strength,
                    quality: 0.9 * (1.0 - drop),
                    drop,
                }
            })
        })
        .collect();
    let worst = each
        .iter()
        .max_by(|one, other| one.drop.total_cmp(&other.drop))
        .cloned()
        .unwrap_or_default();
    Robustness {
        mean_drop: each.iter().map(|it| it.drop).sum::<f64>() / each.len() as f64,
        worst_drop: worst.drop,
        worst: worst.name,
        each,
    }
}

fn set(names: &[String]) -> Vec<Member> {
    let member = |name: &String, roles: &[&str], slowdown| Member {
        name: name.clone(),
        roles: roles.iter().map(|it| it.to_string()).collect(),
        slowdown,
        reason: "it is the best of all while the machine is that busy".into(),
    };
    match names {
        [first, _, third, fourth, ..] => vec![
            member(fourth, &["floor"], None),
            member(third, &[], Some((3.4, f64::INFINITY))),
            member(first, &["reference"], Some((1.0, 3.4))),
        ],
        [first, ..] => vec![member(first, &["floor", "reference"], Some((1.0, f64::INFINITY)))],
        [] => Vec::new(),
    }
}
