// SPDX-License-Identifier: MPL-2.0

//! What the elements tell, as types: each survives the way into a structure and back, and what is no such structure is
//! told with the field that is wrong.

use std::fmt::Debug;
use std::time::Duration;

use gst::{ClockTime, glib};
use gstavrec::messages::*;
use gstavrec::policy;
use gstavrec::runtime::Task;
use gstavrec::score::{LatencyHistogram, Measure};
use gstavrec::tensor::{DimsOrder, ElementType};

use crate::page::objections;
use crate::support::init;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn at(ms: u64) -> Option<ClockTime> {
    Some(ClockTime::from_mseconds(ms))
}

/// Builds the structure of `told` and reads it back.
#[track_caller]
fn check<T>(told: T) -> gst::Structure
where
    T: Into<gst::Structure> + for<'a> TryFrom<&'a gst::StructureRef, Error = FieldError>,
    T: Clone + Debug + PartialEq,
{
    init();
    let structure: gst::Structure = told.clone().into();
    assert_eq!(T::try_from(structure.as_ref()), Ok(told), "{structure}");
    assert_eq!(objections(&structure), <[String; 0]>::default(), "{structure}");
    structure
}

/// The same for one that goes over the bus.
#[track_caller]
fn check_message<T>(told: T, message: fn(T) -> Message)
where
    T: Into<gst::Structure> + for<'a> TryFrom<&'a gst::StructureRef, Error = FieldError>,
    T: Clone + Debug + PartialEq,
{
    let structure = check(told.clone());
    assert_eq!(
        Message::try_from(structure.as_ref()),
        Ok(message(told)),
        "{structure}"
    );
}

fn why() -> Why {
    let candidate = ExplainedCandidate {
        name: "large".to_string(),
        is_usable: true,
        is_forbidden: false,
        is_loaded: true,
        load_time: None,
        is_held_back: false,
        is_feasible: true,
        device: "npu".to_string(),
        device_slowdown: 1.5,
        latency: Some(MS(31)),
        work: Some(MS(27)),
        upper: Some(MS(44)),
        latency_source: Basis::Shared,
        latency_age: Some(12),
        miss: 0.11,
        quality: 0.93,
        quality_sd: 0.02,
        quality_source: Basis::Confidence,
        evidence: Figures(vec![("f1".to_string(), 0.81), ("map".to_string(), 0.7)]),
        quality_age: Some(3),
        robustness: Some(0.6),
        term_quality: 0.07,
        term_miss: 0.2,
        term_latency: 0.03,
        term_cost: 0.01,
        cost: Some(0.31),
        regret: 0.4,
    };
    let unknown = ExplainedCandidate {
        name: "small".to_string(),
        is_usable: false,
        is_forbidden: true,
        is_loaded: false,
        load_time: Some(MS(800)),
        is_held_back: true,
        is_feasible: false,
        latency: None,
        upper: None,
        latency_source: Basis::Unknown,
        latency_age: None,
        quality_source: Basis::Operator,
        evidence: Figures::default(),
        quality_age: None,
        robustness: None,
        cost: None,
        ..candidate.clone()
    };
    Why {
        text: "large answers.".to_string(),
        active: "large".to_string(),
        since_frame: Some(7),
        budget: MS(39),
        period: MS(40),
        slowdown: 1.25,
        slowdown_sd: 0.1,
        waiting: Some(0.25),
        step_probability: Some(0.3),
        price_per_miss: 2.5,
        lambda_latency: 0.02,
        lambda_cost: 0.01,
        binding: Binding::Doubt,
        binding_candidate: Some("small".to_string()),
        runner_up: Some("small".to_string()),
        runner_up_gap: Some(-0.125),
        flips_at_budget: Some(MS(52)),
        flips_to: Some("small".to_string()),
        survives_slowdown: Some(1.75),
        candidates: vec![candidate, unknown],
    }
}

fn frame(answer: AnswerKind) -> Frame {
    Frame {
        number: 12,
        pts: at(480),
        running_time: at(500),
        time: MS(123_456),
        latency: MS(21),
        budget: MS(40),
        candidate: "small".to_string(),
        active: "large".to_string(),
        answer,
        is_miss: true,
    }
}

#[test]
fn a_switch_tells_of_swaps_frames_and_candidates() {
    for reason in [
        policy::Reason::Start,
        policy::Reason::Infeasible {
            upper: MS(61),
            limit: policy::Limit::Budget(MS(40)),
        },
        policy::Reason::Infeasible {
            upper: MS(61),
            limit: policy::Limit::Period {
                period: MS(40),
                frames: 1,
            },
        },
        policy::Reason::Better {
            quality: 0.9,
            over: 0.8,
        },
        policy::Reason::Cheaper { cost: 0.1, over: 0.3 },
        policy::Reason::Busy { elapsed: MS(80) },
        policy::Reason::HeldBack,
        policy::Reason::Gone,
        policy::Reason::Pinned,
    ] {
        let swap = Swap {
            from: "large".to_string(),
            to: "small".to_string(),
            reason: reason.into(),
            reason_text: reason.to_string(),
            frame: 9,
            pts: at(360),
            running_time: None,
            why: why(),
            compared: reason.into(),
        };
        assert_eq!(swap.reason.word(), reason.nick(), "one word for one reason");
        check_message(swap, |it| Message::Swap(Box::new(it)));
    }
    for answer in AnswerKind::ALL {
        check_message(frame(*answer), Message::Frame);
    }
    let candidate = "large".to_string();
    check_message(
        CandidateReady {
            candidate: candidate.clone(),
        },
        Message::CandidateReady,
    );
    let failed = CandidateFailed {
        candidate,
        cause: "no file".to_string(),
        remedy: "name one".to_string(),
    };
    check_message(failed, Message::CandidateFailed);
    for state in DriftWord::ALL {
        let drift = Drift {
            candidate: "large".to_string(),
            state: *state,
            prior: 0.9,
            prior_low: 0.8,
            prior_high: 1.0,
            live: 0.6,
            live_low: 0.55,
            live_high: 0.65,
            since: 12,
            frame: 40,
        };
        check_message(drift, Message::Drift);
    }
    for reason in WantedWord::ALL {
        let wanted = ModelWanted {
            candidate: "large".to_string(),
            reason: *reason,
            bytes: 45_000_000,
        };
        check_message(wanted, Message::ModelWanted);
    }
    for reason in EvictedWord::ALL {
        let evicted = ModelEvicted {
            candidate: "small".to_string(),
            bytes: 45_000_000,
            reason: *reason,
            instead: (*reason == EvictedWord::Room).then(|| "large".to_string()),
        };
        check_message(evicted, Message::ModelEvicted);
    }
}

#[test]
fn a_switch_tells_of_evidence_and_surveys() {
    for measure in Measure::ALL {
        let comparison = CandidateScore {
            frame: 4,
            pts: at(160),
            candidate: "small".to_string(),
            reference: Some("large".to_string()),
            source: EvidenceWord::Agreement,
            agreement: Some(0.75),
            figure: Some(MeasuredFigure { measure, value: 12.5 }),
            score: None,
        };
        check_message(comparison, Message::CandidateScore);
    }
    for source in EvidenceWord::ALL {
        let alone = CandidateScore {
            frame: 4,
            pts: None,
            candidate: "small".to_string(),
            reference: None,
            source: *source,
            agreement: None,
            figure: None,
            score: Some(0.4),
        };
        check_message(alone, Message::CandidateScore);
    }
    let surveyed = |name: &str, latency, agreement| Surveyed {
        name: name.to_string(),
        prior: agreement,
        latency,
        agreement,
    };
    let survey = Survey {
        frame: 5,
        pts: at(200),
        running_time: at(210),
        budget: MS(40),
        reference: "large".to_string(),
        waiting: Some(0.5),
        candidates: vec![
            surveyed("large", Some(MS(30)), None),
            surveyed("small", None, Some(0.5)),
        ],
    };
    check_message(survey, Message::Survey);
    for place in PlaceWord::ALL {
        let group = GroupPlace {
            group: "default".to_string(),
            streams: 8,
            weight: 4.0,
            place: *place,
            share: (*place == PlaceWord::HeldBack).then_some(MS(9)),
        };
        check_message(group, Message::Group);
    }
}

#[test]
fn a_switch_explains_itself_and_shows_figures() {
    let explained = Explanation {
        frame: 300,
        reason: Some(ReasonWord::Cheaper),
        reason_text: Some("it costs less".to_string()),
        why: why(),
    };
    check(explained);
    let fresh = Explanation {
        frame: 0,
        reason: None,
        reason_text: None,
        why: Why::default(),
    };
    check(fresh);

    let estimates = Estimates {
        latency: Some(MS(30)),
        upper: None,
        quality: 0.9,
        quality_sd: 0.1,
        quality_source: Basis::Restore,
        evidence: Figures(vec![("ssim".to_string(), 0.97)]),
        scores: 41,
        is_feasible: true,
        miss: 0.02,
        robustness: Some(0.8),
    };
    let latency = Some(Percentiles {
        p50: MS(20),
        p95: MS(30),
        p99: MS(35),
    });
    let candidates = CandidateState::ALL.iter().map(|state| CandidateStats {
        name: state.word().to_string(),
        state: *state,
        cause: (*state == CandidateState::Failed).then(|| "no file".to_string()),
        gives: (*state == CandidateState::Ready).then(|| "boxes".to_string()),
        runs: 50,
        answers: 40,
        misses: 2,
        memory: Some(45_000_000),
        load_time: (*state == CandidateState::Ready).then_some(MS(300)),
        latency,
        estimates: (*state == CandidateState::Ready).then(|| estimates.clone()),
    });
    let mut latency_histogram = LatencyHistogram::default();
    [4, 40, 9000]
        .into_iter()
        .for_each(|it| latency_histogram.push(MS(it)));
    let stats = SwitchStats {
        over_budget: 2,
        active_answers: 89,
        latency_histogram,
        frames_in: 101,
        frames_out: 100,
        dropped: 1,
        misses: 3,
        swaps: 4,
        floor_answers: 5,
        held_answers: 6,
        budget: MS(33),
        active: "ready".to_string(),
        slowdown: 1.5,
        sense: gstavrec::messages::SenseWord::Heard,
        waiting: Some(0.5),
        runnable: Some(3.5),
        pressure: Some(0.75),
        throttled: Some(0.0),
        thread_priority: "nice".into(),
        wake_up_margin: Some(Duration::from_millis(1)),
        group: Some("default".into()),
        streams: Some(8),
        weight: Some(4.0),
        share: Some(MS(9)),
        price_per_miss: Some(2.0),
        reference: Some("ready".to_string()),
        teaching: gstavrec::messages::TeachingWord::Idle,
        lessons: 7,
        cuts: 3,
        memory_limit: Some(150_000_000),
        memory: Some(140_000_000),
        candidates: candidates.collect(),
        latency,
    };
    check(stats);
    check(SwitchStats::default());
}

#[test]
fn a_probe_tells_what_it_measured() {
    let summary = Summary {
        frames: 25,
        unstamped: 2,
        misses: 3,
        fps: 24.75,
        latencies: Some(Latencies {
            p50: MS(8),
            p95: MS(9),
            p99: MS(12),
            max: MS(15),
        }),
        budget: at(10),
    };
    let fidelity = Fidelity {
        pairs: 20,
        unmatched: 5,
        means: Some((33.5, 0.91)),
        figures: FIGURES.map(|it| (it == "f1").then_some(0.5)),
    };
    let full = ProbeMessage {
        pts: at(40),
        running_time: at(1040),
        is_final: false,
        summary,
        fidelity: Some(fidelity),
        total: None,
    };
    let empty = ProbeMessage {
        pts: None,
        running_time: None,
        is_final: true,
        summary: Summary::default(),
        fidelity: None,
        total: Some(Nested(ProbeStats {
            summary,
            fidelity: Some(fidelity),
            window_psnr_db: None,
            window_ssim: None,
        })),
    };
    for message in [full, empty] {
        check_message(message, |it| Message::Probe(Box::new(it)));
    }
    let figures = ["psnr-db", "ssim", "f1", "map", "odd"].map(|it| fidelity.figure(it));
    assert_eq!(figures, [Some(33.5), Some(0.91), Some(0.5), None, None]);
    check(ProbeStats {
        summary,
        fidelity: Some(fidelity),
        window_psnr_db: Some(31.0),
        window_ssim: Some(0.9),
    });
}

#[test]
fn a_fusion_tells_both_answers_both_weights_and_what_they_come_to() {
    init();
    let class = Class {
        label: "bell".to_string(),
        label_id: 1,
        confidence: 0.5,
    };
    let side = FusedSide {
        classes: Some(vec![class.clone()]),
        score: None,
        age: Duration::from_millis(40),
        worth: 0.9,
    };
    let number = FusedSide {
        classes: None,
        score: Some(0.7),
        ..side.clone()
    };
    let full = Fused {
        pts: at(40),
        running_time: at(1040),
        picture: Some(Nested(side)),
        sound: Some(Nested(number)),
        picture_weight: 0.75,
        sound_weight: 0.5,
        combined: Combined {
            classes: Some(vec![class]),
            score: None,
        },
    };
    let empty = Fused {
        pts: None,
        running_time: None,
        picture: None,
        sound: None,
        combined: Combined {
            classes: None,
            score: None,
        },
        ..full.clone()
    };
    for message in [full, empty] {
        check_message(message, |it| Message::Fused(Box::new(it)));
    }
    check(FuseStats {
        frames: 7,
        both: 4,
        sound_weight: 0.75,
        ..FuseStats::default()
    });
}

#[test]
fn a_model_tells_what_it_is_and_what_it_says() {
    for task in Task::ALL {
        let loaded = Loaded {
            file: "/m/small.onnx".to_string(),
            task,
            backend: "rten".to_string(),
            backend_note: "no library".to_string(),
            execution_provider: "cpu".to_owned(),
            threads: 2,
            load_time: MS(81),
            assumed: "One thing. Another.".to_string(),
            statements: vec![StatementPart {
                tensor: "images".to_string(),
                key: "input-range".to_string(),
                value: "0,1".to_string(),
                origin: "nobody; assumed".to_string(),
                line: "input-range=0,255".to_string(),
            }],
        };
        let model = loaded.clone();
        check_message(ModelLoaded { model }, Message::ModelLoaded);
        let latency = Some(Percentiles {
            p50: MS(4),
            p95: MS(5),
            p99: MS(6),
        });
        check(InferStats {
            loading: Some(Duration::from_millis(1500)),
            frames_in: 10,
            frames_out: 9,
            runs: 8,
            swaps: 1,
            dropped_values: 3,
            model: Some(RunningModel {
                loaded,
                users: 16,
                scale_width: 2.0,
                scale_height: 1.5,
                input_dims: Some(vec![1, 3, 640, 480]),
                algorithmic_delay: at(7),
            }),
            latency,
            run_latency: None,
            remote: Some(RemoteStats {
                round_trip: Some(Duration::from_millis(2)),
                serving: None,
                sent_bytes: 602_112,
                received_bytes: 4000,
            }),
        });
    }
    let failed = ModelFailed {
        file: "/m/x.onnx".to_string(),
        cause: "not a model".to_string(),
    };
    check_message(failed, Message::ModelFailed);
    let key_frame = KeyFrame {
        pts: ClockTime::from_mseconds(80),
        running_time: ClockTime::from_mseconds(90),
        stream_time: at(85),
        score: 0.7,
    };
    check_message(key_frame, Message::KeyFrame);
    let tensor = |element_type, dims_order| TensorPart {
        id: "out".to_string(),
        name: "o".to_string(),
        element_type,
        dims: vec![1, 2],
        dims_order,
        data: glib::Bytes::from_owned(vec![1u8, 2, 3, 4, 5, 6, 7, 8]),
    };
    let tensors = Tensors {
        tensors: vec![
            tensor(ElementType::F32, DimsOrder::RowMajor),
            tensor(ElementType::I64, DimsOrder::ColumnMajor),
        ],
        pts: at(40),
        running_time: None,
        group_id: Some("g".to_string()),
    };
    check_message(tensors, Message::Tensors);

    let object = |label: &str| Object {
        label: label.to_string(),
        label_id: 3,
        confidence: 0.75,
        x: 1.5,
        y: 2.5,
        width: 30.0,
        height: 40.0,
        angle: (label == "cup").then_some(0.5),
        corners: (label == "cup").then(|| vec![Corner { x: 1.0, y: 2.0 }]),
        landmarks: (label == "ball").then(|| {
            vec![Point {
                x: 1.0,
                y: 2.0,
                confidence: 0.25,
            }]
        }),
    };
    let (label, label_id) = ("cat".to_string(), 5);
    let class = Class {
        label: label.clone(),
        label_id,
        confidence: 0.5,
    };
    let share = Share {
        label,
        label_id,
        share: 0.25,
    };
    for said in [
        Said::Detections(vec![object("ball"), object("cup")]),
        Said::Instances(vec![object("ball")]),
        Said::Classes(vec![class]),
        Said::Shares(vec![share]),
        Said::Score(0.125),
        Said::Text {
            text: "EXIT, 2 m".to_string(),
            confidence: 0.5,
        },
    ] {
        let frame = Place::Frame {
            width: 64,
            height: 48,
        };
        let duration = ClockTime::from_mseconds(500);
        for place in [frame, Place::Span { duration }] {
            let answer = ModelAnswer {
                place,
                pts: at(40),
                running_time: at(50),
                said: said.clone(),
            };
            check_message(answer, Message::Answer);
        }
    }
}

#[test]
fn what_is_no_such_structure_is_told_with_its_field() {
    init();
    let told = |structure: &gst::StructureRef| Message::try_from(structure).unwrap_err().to_string();
    let with = |field: &str, value: &str| {
        let mut structure = gst::Structure::from(frame(AnswerKind::Active));
        structure.set(field, value);
        told(&structure)
    };
    assert_eq!(
        with("answer", "guessed"),
        "avrec/frame: the field answer has the unknown word 'guessed'"
    );
    assert!(with("latency-ns", "21").starts_with("avrec/frame: the field latency-ns has another type"));

    let mut structure = gst::Structure::from(frame(AnswerKind::Held));
    structure.remove_field("latency-ns");
    assert_eq!(told(&structure), "avrec/frame: the field latency-ns is missing");
    assert_eq!(
        told(&gst::Structure::new_empty("avrec/odd")),
        "unknown message avrec/odd"
    );
    let other = gst::Structure::new_empty("other");
    assert_eq!(
        ProbeMessage::try_from(other.as_ref()),
        Err(FieldError::Name("other".to_string()))
    );
    let empty = gst::Structure::new_empty("avrec/probe");
    assert!(told(&empty).contains("is missing"));
}

#[test]
fn a_wrong_word_inside_an_array_is_told_too() {
    init();
    let mut swap: gst::Structure = Explanation {
        frame: 1,
        reason: None,
        reason_text: None,
        why: why(),
    }
    .into();
    let mut part: gst::Structure = why().candidates.remove(0).into();
    part.set("quality-source", "rumour");
    swap.set("candidates", gst::Array::new([part]));
    assert_eq!(
        Explanation::try_from(swap.as_ref()).unwrap_err().to_string(),
        "candidate-explanation: the field quality-source has the unknown word 'rumour'"
    );
}
