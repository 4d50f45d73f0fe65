// SPDX-License-Identifier: MPL-2.0

//! What a user asks of the switch's decision, and what it says of it: preferences, explanations, feedback, presets.

use gst::prelude::*;

use crate::support::init;
use crate::support::switch::*;

/// A fast candidate whose answers are changed, and a slow one, the reference, whose answers are right.
const FAST_AND_SLOW: &str = r#"
reference = "slow"

[[candidate]]
name = "fast"
element = "identity sleep-time=2000 ! videobalance brightness=0.4"
quality = 0.5
latency-ms = 2
cost = 0.5

[[candidate]]
name = "slow"
element = "identity sleep-time=25000"
quality = 0.95
latency-ms = 25
cost = 3
"#;

/// A switch that plays a catalogue.
fn from_catalogue(name: &str, text: &str, properties: &str) -> Rig {
    let path = std::env::temp_dir().join(format!("avrec-{}-{name}.toml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let rig = Rig::new(&format!("catalog={} {properties}", path.display()), "");
    std::fs::remove_file(&path).unwrap();
    rig
}

fn explain(rig: &Rig) -> gst::Structure {
    rig.switch.emit_by_name("explain", &[])
}

fn candidates(explanation: &gst::StructureRef) -> Vec<gst::Structure> {
    let all = explanation.get::<gst::Array>("candidates").unwrap();
    all.iter().map(|it| it.get().unwrap()).collect()
}

#[track_caller]
fn candidate(explanation: &gst::StructureRef, name: &str) -> gst::Structure {
    let mut all = candidates(explanation).into_iter();
    all.find(|it| it.get::<&str>("name") == Ok(name))
        .unwrap_or_else(|| panic!("{name} is not in {explanation}"))
}

#[track_caller]
fn number(structure: &gst::StructureRef, field: &str) -> f64 {
    structure
        .get::<f64>(field)
        .unwrap_or_else(|error| panic!("{field} in {structure}: {error}"))
}

#[track_caller]
fn check_close(actual: f64, expected: f64, what: &str) {
    assert!(
        (actual - expected).abs() < 1e-9,
        "{what}: {actual}, expected {expected}"
    );
}

/// The fields of an explanation of a choice add up.
#[track_caller]
fn check_explanation(it: &gst::StructureRef) {
    let active: &str = it.get("active").unwrap();
    let text: &str = it.get("text").unwrap();
    assert!(text.starts_with(active), "{text}");
    for field in [
        "slowdown",
        "slowdown-sd",
        "price-per-miss",
        "lambda-latency",
        "lambda-cost",
    ] {
        assert!(0.0 <= number(it, field), "{field} in {it}");
    }
    assert!(
        it.get::<u64>("since-frame").unwrap() <= it.get::<u64>("frame").unwrap(),
        "{it}"
    );
    assert!(
        it.has_field("reason") && it.has_field("reason-text") && it.has_field("binding"),
        "{it}"
    );
    for one in candidates(it) {
        for field in ["usable", "forbidden", "feasible"] {
            assert!(one.get::<bool>(field).is_ok(), "{field} in {one}");
        }
        for field in ["latency-source", "quality-source"] {
            assert!(!one.get::<&str>(field).unwrap().is_empty(), "{field} in {one}");
        }
        for field in ["miss", "quality", "quality-sd", "regret"] {
            assert!((0.0..=1.0).contains(&number(&one, field)), "{field} in {one}");
        }
        let terms = ["term-quality", "term-miss", "term-latency", "term-cost"];
        let sum: f64 = terms.iter().map(|it| number(&one, it)).sum();
        if let Ok(cost) = one.get::<f64>("cost") {
            check_close(cost, sum, "the terms add up to the cost");
            let ns = |field| one.get::<u64>(field).unwrap();
            assert!(ns("latency-ns") <= ns("latency-upper-ns"), "{one}");
        }
    }
    let (gap, next) = (it.get::<f64>("runner-up-gap"), it.get::<&str>("runner-up"));
    if let (Ok(gap), Ok(next)) = (gap, next) {
        let cost = |name| number(&candidate(it, name), "cost");
        check_close(
            gap,
            cost(next) - cost(active),
            "the gap is the difference of the costs",
        );
    }
}

#[test]
fn an_explanation_can_be_had_before_the_first_frame_and_after_the_last() {
    let rig = Rig::unstarted("late-policy=wait", "identity name=a identity name=b");
    let before = explain(&rig);
    assert_eq!(before.name(), "avrec/explanation");
    assert_eq!(before.get::<&str>("active"), Ok(""));
    assert_eq!(
        before.get::<&str>("text"),
        Ok("Nobody answers: no candidate is ready.")
    );
    assert!(
        candidates(&before)
            .iter()
            .all(|it| it.get::<bool>("usable") == Ok(false))
            && !before.has_field("reason"),
        "{before}"
    );

    let mut rig = rig.start(SMALL);
    rig.warm_up(&["a", "b"]);
    (0..20).for_each(|_| drop(rig.pass()));
    check_explanation(&explain(&rig));

    rig.switch.set_state(gst::State::Null).unwrap();
    let after = explain(&rig);
    assert_eq!(candidates(&after).len(), 2, "{after}");
}

#[test]
fn an_explanation_waits_for_no_inference() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a");
    rig.warm_up(&["a"]);
    rig.pass();
    let gate = rig.gate("a");
    let (sink, frame) = (rig.switch.static_pad("sink").unwrap(), rig.frame());
    let newest = explain(&rig).get::<u64>("frame").unwrap();
    let pushing = std::thread::spawn(move || sink.chain(frame));
    eventually("the frame is on its way", || {
        newest < explain(&rig).get::<u64>("frame").unwrap() || pushing.is_finished()
    });
    let explanation = explain(&rig);
    assert!(!pushing.is_finished(), "the candidate still holds the frame");
    assert_eq!(explanation.get::<&str>("active"), Ok("a"));
    check_explanation(&explanation);
    gate.permit();
    assert!(pushing.join().unwrap().is_ok());
}

#[test]
fn a_budget_in_another_unit_is_told() {
    let rig = from_catalogue("unit", FAST_AND_SLOW, "latency-budget=40");
    let told = rig.texts(gst::MessageType::Warning);
    assert!(
        told.iter().any(|it| it.contains("40 is 40 nanoseconds")),
        "{told:?}"
    );
}

#[test]
fn the_choice_flips_at_the_budget_that_the_explanation_states() {
    let mut rig = from_catalogue("flip", FAST_AND_SLOW, "late-policy=wait latency-budget=12000000");
    rig.warm_up(&["fast", "slow"]);
    rig.pass_until("fast answers, and slow would at a larger budget", |rig| {
        let it = explain(rig);
        it.get::<&str>("active") == Ok("fast") && it.get::<&str>("flips-to") == Ok("slow")
    });
    let explanation = explain(&rig);
    check_explanation(&explanation);
    assert_eq!(explanation.get::<&str>("binding"), Ok("time"), "{explanation}");
    assert_eq!(explanation.get::<&str>("binding-candidate"), Ok("slow"));
    let budget = explanation.get::<u64>("flips-at-budget-ns").unwrap();
    assert!(25_000_000 < budget && budget < 60_000_000, "{budget}");
    let text: &str = explanation.get("text").unwrap();
    let stated = format!(
        "From a budget of {:.1} ms on it would be slow.",
        budget as f64 / 1e6
    );
    assert!(text.contains(&stated), "{text}");

    rig.switch.set_property("latency-budget", budget / 10 * 8);
    for _ in 0..100 {
        rig.pass();
        assert_eq!(rig.active(), "fast", "{}", explain(&rig));
    }
    // What the slow one did meanwhile may have moved the border.
    rig.pass_until("the choice flips", |rig| {
        if let Ok(budget) = explain(rig).get::<u64>("flips-at-budget-ns") {
            rig.switch.set_property("latency-budget", budget);
        }
        rig.active() == "slow"
    });
}

#[test]
fn each_switch_message_explains_itself() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a identity name=b");
    rig.warm_up(&["a", "b"]);
    for round in 0..6 {
        rig.pin(["a", "b"][round % 2]);
        rig.pass();
    }
    let told = rig.messages("avrec/switch");
    assert!(6 <= told.len(), "{} switches", told.len());
    for it in &told {
        check_explanation(it);
        assert_eq!(it.get::<&str>("active"), it.get::<&str>("to"), "{it}");
        assert_eq!(it.get::<u64>("since-frame"), it.get::<u64>("frame"), "{it}");
        let candidates = candidates(it);
        let names: Vec<&str> = candidates.iter().map(|it| it.get("name").unwrap()).collect();
        assert_eq!(names, ["a", "b"]);
    }
    assert_eq!(told.last().unwrap().get::<&str>("binding"), Ok("user"));
}

#[test]
fn feedback_moves_the_quality_of_the_candidate_that_it_is_for() {
    let mut rig = Rig::new("late-policy=wait reference=b", "identity name=a identity name=b");
    rig.warm_up(&["a", "b"]);
    rig.pin("a");
    rig.pass();
    let quality = |rig: &Rig, name: &str| number(&rig.candidate_stats(name).unwrap(), "quality");
    let of_b = quality(&rig, "b");
    for (candidate, score) in [(Some("a"), 0.1), (Some(""), 0.9), (None, 0.1)] {
        let before = quality(&rig, "a");
        assert!(rig.switch.emit_by_name::<bool>("feedback", &[&candidate, &score]));
        rig.pass();
        // A comparison with the reference may move it too, but by less.
        let after = quality(&rig, "a");
        assert!(
            (after - score).abs() < (before - score).abs(),
            "{candidate:?}: {before} {after}"
        );
    }
    assert_eq!(quality(&rig, "b"), of_b);
    rig.messages("");
    for (candidate, score, why) in [
        (Some("c"), 0.5, "no candidate c"),
        (Some("a"), 1.5, "1.5 is no score"),
        (Some("a"), f64::NAN, "NaN is no score"),
    ] {
        assert!(!rig.switch.emit_by_name::<bool>("feedback", &[&candidate, &score]));
        let warnings = rig.texts(gst::MessageType::Warning);
        assert!(warnings.iter().any(|it| it.contains(why)), "{why}: {warnings:?}");
    }
}

#[test]
fn a_forbidden_candidate_never_answers() {
    let mut rig = Rig::new(
        "late-policy=floor forbidden=c,a",
        "identity name=a identity name=b",
    );
    rig.warm_up(&["a", "b"]);
    let warnings = rig.texts(gst::MessageType::Warning);
    assert!(
        warnings
            .iter()
            .any(|it| it.contains("`forbidden` names no candidate: c") && it.contains("a, b")),
        "{warnings:?}"
    );
    rig.pin("a");
    (0..50).for_each(|_| drop(rig.pass()));
    let late = gst::ElementFactory::make("identity").name("c").build().unwrap();
    rig.switch.downcast_ref::<gst::Bin>().unwrap().add(&late).unwrap();
    rig.pin("c");
    rig.switch.set_property("floor", "c");
    rig.warm_up(&["c"]);
    (0..50).for_each(|_| drop(rig.pass()));
    let frames = rig.messages("avrec/frame");
    assert!(100 <= frames.len());
    for it in &frames {
        assert!(
            ["b", "passthrough"].contains(&it.get::<&str>("candidate").unwrap()),
            "{it}"
        );
    }
    let explanation = explain(&rig);
    for (name, is_forbidden) in [("a", true), ("b", false), ("c", true)] {
        let it = candidate(&explanation, name);
        assert_eq!(it.get::<bool>("forbidden"), Ok(is_forbidden), "{it}");
        assert_eq!(it.get::<bool>("usable"), Ok(!is_forbidden), "{it}");
    }
    rig.switch.set_property("forbidden", "");
    rig.pass();
    rig.pass();
    assert_eq!(rig.active(), "c", "the pin holds once nothing forbids it");
}

#[test]
fn with_all_candidates_forbidden_the_frames_pass_as_they_are() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a");
    rig.warm_up(&["a"]);
    rig.messages("");
    rig.switch.set_property("forbidden", "a");
    let before = number(&rig.stats(), "price-per-miss");
    (0..10).for_each(|_| drop(rig.pass()));
    let frames = rig.messages("avrec/frame");
    assert!(
        frames
            .iter()
            .all(|it| it.get::<&str>("candidate") == Ok("passthrough"))
    );
    assert!(
        before < number(&rig.stats(), "price-per-miss"),
        "each of these frames is a miss"
    );
}

#[test]
fn what_a_candidate_costs_counts_as_much_as_the_user_says() {
    let mut rig = from_catalogue("cost", FAST_AND_SLOW, "late-policy=wait latency-budget=200000000");
    rig.warm_up(&["fast", "slow"]);
    rig.pass_until("the better one answers", |rig| rig.active() == "slow");
    rig.switch.set_property("lambda-cost", 2.0);
    rig.pass_until("the cheaper one answers", |rig| rig.active() == "fast");
    let explanation = explain(&rig);
    for (name, cost) in [("fast", 0.5), ("slow", 3.0)] {
        check_close(
            number(&candidate(&explanation, name), "term-cost"),
            2.0 * cost,
            name,
        );
    }
    assert_eq!(
        explanation.get::<&str>("binding"),
        Ok("preference"),
        "{explanation}"
    );
    let budget = explanation.get::<u64>("budget-ns").unwrap();
    assert_eq!(budget, 194_000_000, "the budget less the margin");
}

#[test]
fn preferences_are_taken_over_while_frames_pass() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a identity name=b");
    rig.warm_up(&["a", "b"]);
    rig.switch.set_property("lambda-latency", 0.5);
    rig.switch.set_property_from_str("strategy", "rank");
    rig.switch.set_property("robustness-weight", 0.25);
    check_close(number(&explain(&rig), "lambda-latency"), 0.5, "at once");
    rig.pass();
    check_explanation(&explain(&rig));
    for it in candidates(&explain(&rig)) {
        let p = (-number(&it, "term-quality")).exp();
        assert!(
            [0.25, 0.5, 0.75].iter().any(|rank| (p - rank).abs() < 1e-9),
            "{it}"
        );
    }
}

#[test]
fn presets_come_with_the_element() {
    init();
    let switch = gst::ElementFactory::make("avrec-switch").build().unwrap();
    let presets = switch.dynamic_cast_ref::<gst::Preset>().unwrap();
    let names = presets.preset_names();
    assert_eq!(names, ["balanced", "quality", "strict"]);
    for (name, expected) in [
        ("strict", (0.01, 0.05, 0.0)),
        ("quality", (0.05, 0.0, 0.0)),
        ("balanced", (0.03, 0.002, 0.0)),
    ] {
        presets.load_preset(name).unwrap();
        let actual = (
            switch.property::<f64>("miss-rate"),
            switch.property::<f64>("lambda-latency"),
            switch.property::<f64>("lambda-cost"),
        );
        assert_eq!(actual, expected, "{name}");
        assert!(
            presets.meta(name, "comment").is_some(),
            "{name} says what it is for"
        );
    }
    assert!(presets.load_preset("none such").is_err());
    assert_eq!(presets.meta("none such", "comment"), None);
    assert_eq!(presets.meta("strict", "author"), None);
}

#[test]
fn how_steady_the_answers_are_is_measured_beside_the_stream() {
    init();
    let line = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=64,height=36,framerate=100/1 \
        ! avrec-switch.( name=s frame-messages=true sense-machine=false robustness-weight=0.5 reference=live identity name=live \
        identity name=steady videobalance name=dim contrast=0.1 ) ! fakesink";
    let pipeline = gst::parse::launch(line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let switch = pipeline.by_name("s").unwrap();
    switch.set_property("active-candidate", "live");
    pipeline.set_state(gst::State::Playing).unwrap();
    let robustness = |name: &str| {
        let stats: gst::Structure = switch.property("stats");
        candidate(&stats, name).get::<f64>("robustness").ok()
    };
    let bus = pipeline.bus().unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    // Every frame posts a message.
    while robustness("steady").is_none() || robustness("dim").is_none() {
        assert!(
            std::time::Instant::now() < end,
            "nothing measured: {}",
            switch.property::<gst::Structure>("stats")
        );
        bus.timed_pop(gst::ClockTime::from_seconds(10))
            .expect("frames come");
    }
    assert_eq!(robustness("live"), None, "it is never a rival");
    for name in ["steady", "dim"] {
        let measured = robustness(name).unwrap();
        assert!(0.2 < measured && measured < 1.0, "{name}: {measured}");
    }
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn a_candidate_too_slow_for_each_frame_answers_now_and_then_and_is_held_in_between() {
    const TOO_SLOW: &str = r#"
floor = "fast"

[[candidate]]
name = "fast"
element = "identity sleep-time=4000"
quality = 0.3
latency-ms = 4

[[candidate]]
name = "slow"
element = "identity sleep-time=70000"
quality = 0.95
latency-ms = 70
"#;
    let held = |max_stride: u32| {
        let properties = format!("max-stride={max_stride} late-policy=floor");
        let mut rig = from_catalogue(&format!("stride-{max_stride}"), TOO_SLOW, &properties);
        let is_ready = |rig: &Rig, name: &str| {
            let stats = rig.candidate_stats(name);
            stats.is_some_and(|it| it.get::<&str>("state") == Ok("ready"))
        };
        let mut before = 0;
        while !(is_ready(&rig, "fast") && is_ready(&rig, "slow")) {
            rig.pass();
            before += 1;
        }
        for number in before..before + 300 {
            let got = rig.pass();
            assert_eq!(
                got.pts(),
                Some(gst::ClockTime::from_mseconds(40 * number)),
                "a held answer leaves with the time of its frame"
            );
        }
        let stats = rig.stats();
        assert_eq!(stats.get::<u64>("in"), stats.get::<u64>("out"));
        stats.get::<u64>("held-answers").unwrap()
    };
    let strided = held(3);
    assert!(0 < strided, "nothing was held");
    assert_eq!(held(1), 0, "not without being asked");
}

#[test]
fn an_explanation_tells_the_device_of_each_candidate() {
    init();
    let text = FAST_AND_SLOW.replace("cost = 3", "cost = 3\nruns-on = \"npu\"");
    let mut rig = from_catalogue("device", &text, "late-policy=wait");
    rig.pass_until("an answer", |rig| 3 <= rig.stats().get::<u64>("out").unwrap());
    let explanation = explain(&rig);
    for (name, device) in [("fast", "cpu"), ("slow", "npu")] {
        let it = candidate(&explanation, name);
        assert_eq!(it.get::<&str>("device"), Ok(device), "{it}");
        assert!(0.0 < number(&it, "device-slowdown"), "{it}");
    }
}
