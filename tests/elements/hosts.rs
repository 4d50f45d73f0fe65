// SPDX-License-Identifier: MPL-2.0

//! What applications ask of elements inside a bin: who made them, what they are called, what they can tell.

use std::collections::BTreeSet;

use gst::glib;
use gst::prelude::*;

use crate::support::init;

const PARTS: [&str; 3] = ["avrec-switch-entry", "avrec-switch-exit", "avrec-switch-watch"];

const VIDEO: &str = "videotestsrc num-buffers=20 ! video/x-raw,format=I420,width=64,height=48";
const SOUND: &str = "audiotestsrc num-buffers=20 ! audio/x-raw,format=F32LE,rate=48000,channels=1";

/// Plays a switch of these candidates to the end, and gives `look` all that is inside of the pipeline.
fn inside(source: &str, candidates: &str, mut look: impl FnMut(&gst::Pipeline, &[gst::Element])) {
    init();
    let line = format!("{source} ! avrec-switch.( name=s {candidates} ) ! avrec-probe ! fakesink");
    let pipeline: gst::Pipeline = gst::parse::launch(&line).unwrap().downcast().unwrap();
    let look_inside = |look: &mut dyn FnMut(&gst::Pipeline, &[gst::Element])| {
        let elements: Vec<_> = pipeline.iterate_recurse().into_iter().flatten().collect();
        look(&pipeline, &elements);
    };
    look_inside(&mut look);
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = bus
        .timed_pop_filtered(gst::ClockTime::from_seconds(60), &ends)
        .unwrap();
    assert_eq!(message.type_(), gst::MessageType::Eos, "{message:?}");
    look_inside(&mut look);
    pipeline.set_state(gst::State::Null).unwrap();
    look_inside(&mut look);
}

#[test]
fn each_element_inside_has_a_factory_that_says_what_it_is() {
    for (source, candidates) in [
        (VIDEO, "identity name=a videoscale ! identity identity name=b"),
        (SOUND, "identity name=a volume name=b"),
    ] {
        let mut seen = BTreeSet::new();
        inside(source, candidates, |_, elements| {
            for element in elements {
                let name = element.name();
                let factory = element
                    .factory()
                    .unwrap_or_else(|| panic!("{name} has no factory"));
                for key in ["long-name", "klass", "description", "author"] {
                    let told = factory.metadata(key).unwrap_or_default();
                    assert!(!told.is_empty(), "{name} has no {key}");
                }
                assert!(factory.plugin_name().is_some(), "{name} is of no plugin");
                // The parser links the outside with ghost pads of its own, until the switch adopts the links.
                for pad in element.pads().iter().filter(|it| !it.name().starts_with("ghost")) {
                    assert!(
                        pad.pad_template().is_some(),
                        "{name}:{} is of no template",
                        pad.name()
                    );
                }
                seen.insert(factory.name().to_string());
            }
        });
        assert!(PARTS.iter().all(|it| seen.contains(*it)), "{seen:?}");
    }
}

#[test]
fn elements_that_come_later_have_factories_too() {
    init();
    let line = format!("{VIDEO} ! avrec-switch.( identity name=a identity name=b ) ! fakesink");
    let pipeline: gst::Pipeline = gst::parse::launch(&line).unwrap().downcast().unwrap();
    let added = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = added.clone();
    pipeline.connect_deep_element_added(move |_, _, element| {
        let factory = element.factory().map(|it| it.name().to_string());
        told.lock().unwrap().push((element.name().to_string(), factory));
    });
    pipeline.set_state(gst::State::Ready).unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    let added = added.lock().unwrap();
    let names: Vec<_> = added.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(
        names,
        [
            "lane-0-a-queue",
            "lane-0-a-watch",
            "lane-1-b-queue",
            "lane-1-b-watch"
        ],
        "their names say the lane"
    );
    assert!(added.iter().all(|it| it.1.is_some()), "{added:?}");
}

#[test]
fn everything_inside_can_be_read_and_drawn() {
    for (source, candidates) in [
        (
            VIDEO,
            "identity name=entry identity name=exit identity name=watch-0",
        ),
        (SOUND, "identity name=queue volume name=b"),
    ] {
        inside(source, candidates, |pipeline, elements| {
            for element in elements {
                for pspec in element.list_properties().iter() {
                    if pspec.flags().contains(glib::ParamFlags::READABLE) {
                        element.property_value(pspec.name());
                    }
                }
            }
            let drawn = pipeline.debug_to_dot_data(gst::DebugGraphDetails::all());
            assert!(drawn.contains("GstAvrecSwitchEntry") && drawn.contains("GstAvrecSwitchExit"));
            // An order of all elements is found, so the bin has no loop.
            let switch: gst::Bin = pipeline.by_name("s").and_downcast().unwrap();
            let sorted = switch.iterate_sorted().into_iter().flatten().count();
            assert_eq!(sorted, switch.children().len());
        });
    }
}

#[test]
fn a_part_of_the_switch_by_itself_is_an_error_that_says_so() {
    init();
    for part in PARTS {
        for line in [
            part.to_string(),
            format!("videotestsrc ! {part} ! fakesink"),
            format!("{VIDEO} ! avrec-switch.( {part} name=bad identity ) ! fakesink"),
        ] {
            let pipeline: gst::Pipeline = match gst::parse::launch(&line).unwrap().downcast() {
                Ok(pipeline) => pipeline,
                Err(element) => {
                    let pipeline = gst::Pipeline::new();
                    pipeline
                        .add(&element.downcast::<gst::Element>().unwrap())
                        .unwrap();
                    pipeline
                }
            };
            let started = pipeline.set_state(gst::State::Playing);
            let kinds = [gst::MessageType::Error, gst::MessageType::Warning];
            let message = pipeline
                .bus()
                .unwrap()
                .timed_pop_filtered(gst::ClockTime::from_seconds(20), &kinds)
                .unwrap();
            let text = match message.view() {
                gst::MessageView::Error(it) => format!("{} {:?}", it.error(), it.debug()),
                gst::MessageView::Warning(it) => format!("{} {:?}", it.error(), it.debug()),
                _ => unreachable!(),
            };
            assert!(
                text.contains("part of avrec-switch") || text.contains("pads"),
                "{line}: {text}"
            );
            assert_eq!(started.is_err(), !line.contains("avrec-switch."), "{line}");
            pipeline.set_state(gst::State::Null).unwrap();
        }
    }
}

#[test]
fn the_plugin_has_four_elements_the_parts_of_one_and_a_tracer() {
    init();
    let found: BTreeSet<_> = gst::Registry::get()
        .features_by_plugin("avrec")
        .iter()
        .map(|it| it.name().to_string())
        .collect();
    let elements = ["avrec-infer", "avrec-probe", "avrec-switch", "avrec-fuse"];
    let tracer = cfg!(feature = "metrics").then_some("avrec-metrics");
    let all = elements.into_iter().chain(PARTS).chain(tracer);
    let all = all.map(str::to_string).collect();
    assert_eq!(found, all);
    for part in PARTS {
        let factory = gst::ElementFactory::find(part).unwrap();
        let name = factory.metadata("long-name").unwrap();
        assert!(name.contains("for use inside it only"), "{name}");
        assert_eq!(factory.rank(), gst::Rank::NONE);
    }
}
