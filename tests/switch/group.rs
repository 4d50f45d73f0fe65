// SPDX-License-Identifier: MPL-2.0

//! Switches that share the machine: who is held back, who is not, and what is told of it.

use gst::prelude::*;

use crate::support::init;

/// More streams than processors, each with a candidate of 1 ms and one of 30 ms; each element is named by its number.
fn crowd(source: &str, group: &str, properties: impl Fn(usize) -> String) -> gst::Pipeline {
    init();
    let count = 2 * std::thread::available_parallelism().map_or(2, usize::from) + 1;
    let stream = |number: usize| {
        format!(
            "crowd. ! queue ! avrec-switch.( name=s{number} group={group} sense-machine=false quality-source=prior {} \
             identity name=a{number} sleep-time=1000 identity name=b{number} sleep-time=30000 ) ! fakesink",
            properties(number)
        )
    };
    let streams: Vec<String> = (0..count).map(stream).collect();
    let caps = "video/x-raw,format=GRAY8,width=16,height=16,framerate=25/1";
    let line = format!(
        "videotestsrc {source} ! {caps} ! tee name=crowd {}",
        streams.join(" ")
    );
    gst::parse::launch(&line).unwrap().downcast().unwrap()
}

fn stats(pipeline: &gst::Pipeline, number: usize) -> gst::Structure {
    let switch = pipeline.by_name(&format!("s{number}")).unwrap();
    switch.property("stats")
}

/// Plays until the first message that `is_last`, or the end; returns who told of the group, and what.
fn play(
    pipeline: &gst::Pipeline,
    is_last: impl Fn(&str, &gst::StructureRef) -> bool,
) -> Vec<(String, gst::Structure)> {
    let bus = pipeline.bus().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut told = Vec::new();
    for message in bus.iter_timed(gst::ClockTime::from_seconds(60)) {
        match message.view() {
            gst::MessageView::Eos(_) => break,
            gst::MessageView::Error(error) => panic!("{error:?}"),
            gst::MessageView::Element(element) => {
                let structure = element.structure().unwrap();
                let name = message.src().unwrap().name().to_string();
                if structure.name() == "avrec/group" {
                    told.push((name.clone(), structure.to_owned()));
                }
                if is_last(&name, structure) {
                    break;
                }
            }
            _ => {}
        }
    }
    told
}

#[test]
fn who_does_not_fit_is_held_back_but_for_the_pinned_one() {
    let pinned = |number| match number {
        0 => "active-candidate=b0".to_string(),
        _ => String::new(),
    };
    let pipeline = crowd("is-live=true num-buffers=100", "held-back", pinned);
    let told = play(&pipeline, |_, _| false);
    assert!(
        told.iter().any(|it| it.1.get("place") == Ok("held-back")),
        "{told:?}"
    );
    assert!(!told.iter().any(|it| it.0 == "s0"), "{told:?}");
    let (first, second) = (stats(&pipeline, 0), stats(&pipeline, 1));
    assert_eq!(first.get::<&str>("active-candidate"), Ok("b0"));
    for stats in [&first, &second] {
        assert_eq!(stats.get::<&str>("group"), Ok("held-back"));
        assert!(2 < stats.get::<u64>("streams").unwrap());
        assert_eq!(stats.get::<f64>("weight"), Ok(1.0));
    }
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn streams_without_deadlines_are_not_held_back() {
    let pipeline = crowd("num-buffers=30", "patient", |_| String::new());
    let told = play(&pipeline, |_, _| false);
    assert!(told.is_empty(), "{told:?}");
    assert!(!stats(&pipeline, 1).has_field("share-ns"));
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn who_is_alone_is_in_no_group() {
    let pipeline = crowd("is-live=true num-buffers=30", "\"\"", |_| String::new());
    let told = play(&pipeline, |_, _| false);
    assert!(told.is_empty(), "{told:?}");
    let stats = stats(&pipeline, 0);
    assert!(!stats.has_field("group") && !stats.has_field("streams") && !stats.has_field("share-ns"));
    pipeline.set_state(gst::State::Null).unwrap();
}
