// SPDX-License-Identifier: MPL-2.0

//! `model-file` written while frames flow.

use gst::prelude::*;

use crate::support::infer::Bench;
use crate::support::init;
use crate::support::models::model;

fn set_model(bench: &Bench, name: &str) {
    bench
        .element
        .set_property("model-file", model(name).to_str().unwrap());
}

fn model_file(bench: &Bench) -> String {
    bench.element.property("model-file")
}

/// Pushes frames until a message of this name comes; each must come out. Returns the message.
#[track_caller]
fn push_until(bench: &mut Bench, info: &gst_video::VideoInfo, name: &str) -> gst::Structure {
    for _ in 0..1_000_000 {
        bench.push(info).unwrap();
        bench.harness.pull().unwrap();
        while let Some(message) = bench.bus.pop() {
            if let Some(structure) = message.structure().filter(|it| it.name() == name) {
                return structure.to_owned();
            }
        }
    }
    panic!("no {name}");
}

fn out_width(bench: &Bench) -> i32 {
    let caps = bench.harness.sinkpad().unwrap().current_caps().unwrap();
    caps.structure(0).unwrap().get("width").unwrap()
}

#[test]
fn a_new_model_takes_over_between_two_frames_also_with_another_size() {
    let mut bench = Bench::new("twice_luma", "");
    let info = bench.caps("I420", 32, 16);
    bench.message("avrec/model-loaded");
    for (name, width) in [
        ("thrice_luma", 96),
        ("invert_luma", 32),
        ("half_luma", 16),
        ("twice_luma", 64),
    ] {
        set_model(&bench, name);
        let message = push_until(&mut bench, &info, "avrec/model-loaded");
        assert_eq!(
            message.get::<String>("model-file").unwrap(),
            model(name).to_str().unwrap()
        );
        assert_eq!(model_file(&bench), model(name).to_str().unwrap());
        assert_eq!(out_width(&bench), width);
        bench.push(&info).unwrap();
        assert_eq!(
            bench.harness.pull().unwrap().size(),
            (width * width / 2 * 3 / 2) as usize
        );
    }
}

#[test]
fn frames_keep_their_order_and_times_over_many_swaps() {
    let mut bench = Bench::new("twice_luma", "");
    let info = bench.caps("GRAY8", 16, 8);
    let names = ["thrice_luma", "invert_luma", "twice_luma", "half_luma"];
    let swaps = |bench: &Bench| {
        bench
            .element
            .property::<gst::Structure>("stats")
            .get::<u64>("swaps")
            .unwrap()
    };
    let mut frames = 0;
    while swaps(&bench) < 40 {
        if frames % 20 == 0 {
            set_model(&bench, names[frames as usize / 20 % 4]);
        }
        bench.push(&info).unwrap();
        let frame = bench.harness.pull().unwrap();
        assert_eq!(frame.pts(), Some(frames * 40 * gst::ClockTime::MSECOND));
        let caps = bench.harness.sinkpad().unwrap().current_caps().unwrap();
        let out = gst_video::VideoInfo::from_caps(&caps).unwrap();
        assert_eq!(frame.size(), out.size());
        frames += 1;
    }
}

#[test]
fn a_bad_file_leaves_the_old_model_running_and_warns() {
    let mut bench = Bench::new("twice_luma", "");
    let info = bench.caps("I420", 32, 16);
    for (name, words) in [
        ("text", "not an ONNX model"),
        ("does_not_exist", "does not exist"),
        ("unknown_operator", "Blur"),
        ("two_channels", "1 channel (luma)"),
    ] {
        set_model(&bench, name);
        let message = push_until(&mut bench, &info, "avrec/model-failed");
        assert!(message.get::<String>("cause").unwrap().contains(words));
        assert_eq!(model_file(&bench), model("twice_luma").to_str().unwrap());
        bench.push(&info).unwrap();
        assert_eq!(bench.harness.pull().unwrap().size(), 64 * 32 * 3 / 2);
    }
    bench.element.set_property("model-file", None::<&str>);
    let warning = bench.complaint(gst::MessageType::Warning);
    assert!(warning.contains("set model-file"), "{warning}");
    assert_eq!(model_file(&bench), model("twice_luma").to_str().unwrap());
}

#[test]
fn the_warning_of_a_bad_file_names_cause_and_remedy() {
    let bench = Bench::new("twice_luma", "");
    bench.message("avrec/model-loaded");
    set_model(&bench, "rank_5");
    let warning = bench.complaint(gst::MessageType::Warning);
    assert!(
        warning.contains("5 dimension") && warning.contains("export the model"),
        "{warning}"
    );
}

#[test]
fn of_several_quick_changes_the_last_wins() {
    let mut bench = Bench::new("twice_luma", "");
    let info = bench.caps("I420", 32, 16);
    for _ in 0..20 {
        for name in ["thrice_luma", "text", "invert_luma", "half_luma"] {
            set_model(&bench, name);
        }
        set_model(&bench, "thrice_luma");
        while model_file(&bench) != model("thrice_luma").to_str().unwrap() {
            push_until(&mut bench, &info, "avrec/model-loaded");
        }
        set_model(&bench, "twice_luma");
        while model_file(&bench) != model("twice_luma").to_str().unwrap() {
            push_until(&mut bench, &info, "avrec/model-loaded");
        }
    }
}

#[test]
fn pictures_may_become_tensors_and_pictures_again() {
    let mut bench = Bench::new("twice_rgb", "");
    let info = bench.caps("RGB", 16, 8);
    bench.element.set_property_from_str("task", "tensor");
    set_model(&bench, "means");
    push_until(&mut bench, &info, "avrec/tensors");
    assert_eq!(out_width(&bench), 16);
    bench.element.set_property_from_str("task", "auto");
    set_model(&bench, "twice_rgb");
    push_until(&mut bench, &info, "avrec/model-loaded");
    assert_eq!(out_width(&bench), 32);
}

#[test]
fn a_size_that_downstream_refuses_leaves_the_old_model_running() {
    init();
    let line = format!(
        "videotestsrc ! video/x-raw,format=I420,width=32,height=16 ! avrec-infer name=infer model-file={} ! \
         video/x-raw,width=64,height=32 ! fakesink sync=false",
        model("twice_luma").display()
    );
    let pipeline = gst::parse::launch(&line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let (result, _, _) = pipeline.state(gst::ClockTime::from_seconds(60));
    assert_eq!(result, Ok(gst::StateChangeSuccess::Success));
    let infer = pipeline.by_name("infer").unwrap();
    infer.set_property("model-file", model("thrice_luma").to_str().unwrap());
    let kinds = [gst::MessageType::Warning, gst::MessageType::Error];
    let message = pipeline
        .bus()
        .unwrap()
        .timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds)
        .unwrap();
    let gst::MessageView::Warning(warning) = message.view() else {
        panic!("{message:?}")
    };
    assert!(
        warning.error().to_string().contains("do not take"),
        "{}",
        warning.error()
    );
    assert_eq!(
        infer.property::<String>("model-file"),
        model("twice_luma").to_str().unwrap()
    );
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn a_model_wanted_while_stopped_is_the_one_that_starts() {
    let bench = Bench::new("twice_luma", "");
    bench.message("avrec/model-loaded");
    bench.element.set_state(gst::State::Null).unwrap();
    set_model(&bench, "thrice_luma");
    assert_eq!(model_file(&bench), model("thrice_luma").to_str().unwrap());
    bench.element.set_state(gst::State::Playing).unwrap();
    let message = bench.message("avrec/model-loaded");
    assert_eq!(
        message.get::<String>("model-file").unwrap(),
        model("thrice_luma").to_str().unwrap()
    );
}

/// Memory of this process that is resident, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
#[ignore = "takes some seconds; run before release"]
fn a_thousand_reloads_do_not_grow_memory() {
    let mut bench = Bench::new("twice_luma", "");
    let info = bench.caps("I420", 64, 36);
    let mut after_fifty = 0;
    for round in 1..=1000 {
        set_model(&bench, ["thrice_luma", "twice_luma"][round % 2]);
        push_until(&mut bench, &info, "avrec/model-loaded");
        if round == 50 {
            after_fifty = resident();
        }
    }
    let ratio = resident() as f64 / after_fifty as f64;
    eprintln!("resident memory after 1,000 reloads over after 50: {ratio:.3}");
    assert!(ratio <= 1.05, "{ratio}");
}
