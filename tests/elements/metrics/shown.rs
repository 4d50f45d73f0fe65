// SPDX-License-Identifier: MPL-2.0

//! What is shown of a pipeline that plain `gst-launch-1.0` plays.

use std::collections::BTreeSet;

use gstavrec::metrics::Series;

use super::open_metrics::{Page, text};
use super::program::{ACCEPT, Program, exchange, get, scrape, scrape_text};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models");

/// A live stream through a switch with two candidates, of which one is a model, and a probe.
pub fn line() -> String {
    format!(
        "videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=48,framerate=50/1 \
         ! avrec-switch.( name=s late-policy=floor identity name=plain \
         avrec-infer name=model backend=rten model-file={MODELS}/small.onnx ) ! avrec-probe name=p ! fakesink name=out"
    )
}

/// Values of `avrec_active`, one for each candidate.
fn active(page: &Page) -> Vec<f64> {
    page.values("avrec_active", &[("pipeline", "pipeline0"), ("element", "s")])
}

#[test]
fn a_pipeline_of_a_program_that_knows_nothing_of_it_is_seen() {
    let mut program = Program::play(&line());
    let started = |page: &Page| {
        active(page).iter().sum::<f64>() == 1.0 && 20.0 < page.sum("avrec_frames_in_total", &[])
    };
    let page = program.page_where("a candidate answers", started);
    assert_eq!(active(&page).len(), 2);

    let of_switch = |name: &str| page.values(name, &[("pipeline", "pipeline0"), ("element", "s")]);
    assert_eq!(of_switch("avrec_budget_seconds"), [0.02]);
    let answered =
        page.sum("avrec_frames_total", &[]) - page.sum("avrec_frames_total", &[("answer", "dropped")]);
    assert_eq!(of_switch("avrec_latency_seconds_count"), [answered]);
    assert!(0.0 < of_switch("avrec_latency_seconds_sum")[0]);
    for candidate in ["plain", "model"] {
        let states = page.values("avrec_lane_state", &[("candidate", candidate)]);
        assert_eq!(
            (states.len(), states.iter().sum::<f64>()),
            (6, 1.0),
            "{candidate}"
        );
        let quality = page.sum("avrec_quality_ratio", &[("candidate", candidate)]);
        assert!(0.0 < quality && quality <= 1.0, "{candidate}: {quality}");
    }
    assert_eq!(
        page.values("avrec_model_loads_total", &[("element", "s/model")]),
        [1.0]
    );
    assert_eq!(
        page.values("avrec_model_info", &[("backend", "rten"), ("task", "image")]),
        [1.0]
    );
    assert_eq!(page.values("avrec_elements", &[]), [3.0]);
    let reasons: BTreeSet<_> = page
        .samples
        .iter()
        .filter_map(|it| it.labels.get("reason"))
        .collect();
    assert_eq!(
        reasons.len(),
        8,
        "each from the start, so that an increase is seen: {reasons:?}"
    );

    let later = program.page_where("frames go on", |later| {
        page.sum("avrec_probe_frames_total", &[]) < later.sum("avrec_probe_frames_total", &[])
    });
    for before in page.samples.iter().filter(|it| it.name.ends_with("_total")) {
        let labels: Vec<_> = before.labels.iter().map(|it| (&**it.0, &**it.1)).collect();
        assert!(
            before.value <= later.sum(&before.name, &labels),
            "a counter falls: {before:?}"
        );
    }
    assert!(program.is_running());
}

#[test]
fn each_series_is_one_that_is_told_and_no_label_names_a_file_or_a_frame() {
    let program = Program::play(&line());
    let page = program.page_where("a model runs", |it| 0.0 < it.sum("avrec_model_runs_total", &[]));
    let known: BTreeSet<&str> = Series::ALL.iter().map(|it| it.name()).collect();
    for sample in &page.samples {
        let of_histogram = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|it| sample.name.strip_suffix(it));
        assert!(known.contains(of_histogram.unwrap_or(&sample.name)), "{sample:?}");
        let told = [
            "pipeline",
            "element",
            "candidate",
            "answer",
            "reason",
            "state",
            "percentile",
            "group",
            "le",
        ];
        let told = [
            &told[..],
            &[
                "version",
                "gstreamer",
                "task",
                "backend",
                "figure",
                "side",
                "sides",
            ],
        ]
        .concat();
        assert!(
            sample.labels.keys().all(|it| told.contains(&it.as_str())),
            "{sample:?}"
        );
        assert!(
            sample
                .labels
                .values()
                .all(|it| !it.contains("onnx") && !it.starts_with('/')),
            "{sample:?}"
        );
    }
    // The older format has the same.
    let names = |page: &Page| {
        page.samples
            .iter()
            .map(|it| it.name.clone())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(names(&scrape_text(program.port)), names(&scrape(program.port)));
}

#[test]
fn only_what_there_is_is_answered_and_only_to_who_may_ask() {
    let program = Program::play("videotestsrc is-live=true ! avrec-probe ! fakesink");
    let status = |request: String| exchange(program.port, request.as_bytes());
    let (head, body) = get(program.port, "/", ACCEPT);
    assert!(
        head.starts_with("HTTP/1.1 200 ") && body.contains("/metrics"),
        "{head}\n{body}"
    );
    assert!(!head.to_lowercase().contains("access-control"), "{head}");
    assert!(
        get(program.port, "/metrics/..", ACCEPT)
            .0
            .starts_with("HTTP/1.1 404 ")
    );
    assert!(
        status("POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".into())
            .starts_with("HTTP/1.1 405 ")
    );
    let rebound = status("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n".into());
    assert!(
        rebound.starts_with("HTTP/1.1 403 ") && !rebound.contains("avrec_"),
        "{rebound}"
    );
    let plain = status("GET /metrics HTTP/1.0\r\n\r\n".into());
    assert!(text(plain.split_once("\r\n\r\n").unwrap().1).is_ok(), "{plain}");
}
