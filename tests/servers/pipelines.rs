// SPDX-License-Identifier: MPL-2.0

//! Real frames through `avrec-infer` with a model on a server: pictures and objects are those of the file here.

use gst::prelude::*;

use crate::running::{served, servers};
use crate::support::init;

/// Frames of each clip.
const FRAMES: usize = 12;

/// What a pipeline gave: the bytes of each frame, and the objects of each.
struct Given {
    frames: Vec<Vec<u8>>,
    objects: Vec<Vec<Object>>,
    /// Bytes of tensors that went to a server.
    sent: Option<u64>,
}

#[derive(Debug, Clone, PartialEq)]
struct Object {
    label: u32,
    confidence: f64,
    /// Left, top, width, height.
    place: [f64; 4],
}

impl Object {
    fn of(structure: &gst::Structure) -> Object {
        let number = |name| structure.get::<f64>(name).unwrap();
        Object {
            label: structure.get("label-id").unwrap(),
            confidence: number("confidence"),
            place: ["x", "y", "width", "height"].map(number),
        }
    }

    /// The shared area over that of both.
    fn overlap(&self, other: &Object) -> f64 {
        let [(ax, ay, aw, ah), (bx, by, bw, bh)] = [self, other].map(|it| it.place.into());
        let shared = |a: f64, aw: f64, b: f64, bw: f64| ((a + aw).min(b + bw) - a.max(b)).max(0.0);
        let both = shared(ax, aw, bx, bw) * shared(ay, ah, by, bh);
        both / (aw * ah + bw * bh - both)
    }
}

/// Sends the first frames of the clip with drawn objects through an `avrec-infer` with these properties.
fn play(caps: &str, properties: &str) -> Given {
    init();
    let scene = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/media/scene.webm");
    let line = format!(
        "filesrc location={scene} ! decodebin ! videoconvert ! videoscale ! video/x-raw,{caps} \
         ! avrec-infer name=infer post-messages=true threads=1 {properties} ! appsink name=sink sync=false max-buffers=1"
    );
    let pipeline = gst::parse::launch(&line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let sink = pipeline
        .by_name("sink")
        .unwrap()
        .downcast::<gst_app::AppSink>()
        .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut frames = Vec::new();
    while frames.len() < FRAMES
        && let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_seconds(60))
    {
        let map = sample.buffer().unwrap().map_readable().unwrap();
        frames.push(map.to_vec());
    }
    let mut objects = Vec::new();
    for message in pipeline.bus().unwrap().iter() {
        match message.view() {
            gst::MessageView::Error(it) => panic!("{properties}: {} ({:?})", it.error(), it.debug()),
            gst::MessageView::Element(it) => {
                let structure = it.structure().filter(|it| it.name() == "avrec/detections");
                let found = structure.map(|it| it.get::<gst::Array>("objects").unwrap());
                objects.extend(found.map(|it| it.iter().map(|it| Object::of(&it.get().unwrap())).collect()));
            }
            _ => {}
        }
    }
    let stats: gst::Structure = pipeline.by_name("infer").unwrap().property("stats");
    pipeline.set_state(gst::State::Null).unwrap();
    assert_eq!(frames.len(), FRAMES, "{properties}");
    objects.truncate(FRAMES);
    Given {
        frames,
        objects,
        sent: stats.get("remote-sent-bytes").ok(),
    }
}

#[test]
fn an_upscaler_on_a_server_draws_the_frames_that_it_draws_here() {
    let Some(file) = served("small") else { return };
    let caps = "format=I420,width=320,height=180";
    let info = format!("modelinfo-file={}.modelinfo", file.display());
    let here = play(caps, &format!("model-file={}", file.display()));
    for server in servers() {
        for address in server.addresses("small") {
            let there = play(caps, &format!("model-file={address} {info}"));
            for (number, (here, there)) in here.frames.iter().zip(&there.frames).enumerate() {
                assert_eq!(here.len(), 640 * 360 * 3 / 2);
                let pairs = here.iter().zip(there);
                let farthest = pairs.map(|(a, b)| a.abs_diff(*b)).max();
                // 1e-5 of an answer may be another way to round it.
                assert!(farthest <= Some(1), "{address} frame {number}: {farthest:?}");
            }
        }
    }
}

#[test]
fn a_detector_on_a_server_finds_the_objects_that_it_finds_here() {
    let Some(file) = served("detect-small") else {
        return;
    };
    let caps = "format=RGB,width=640,height=360";
    let here = play(caps, &format!("model-file={}", file.display()));
    assert!(
        here.objects.iter().filter(|it| !it.is_empty()).count() > 6,
        "{:?}",
        here.objects
    );
    for server in servers() {
        for address in server.addresses("detect-small") {
            let there = play(caps, &format!("model-file={address} task=detect"));
            assert_same(&address, &here.objects, &there.objects, 1e-3, 0.999);
        }
    }
}

#[test]
fn a_detector_that_decodes_on_the_server_finds_nearly_the_same_in_a_tenth_of_the_bytes() {
    let Some(file) = served("detect-small") else {
        return;
    };
    let caps = "format=RGB,width=640,height=360";
    let here = play(caps, &format!("model-file={}", file.display()));
    for server in servers() {
        let address = server.by_grpc("detect-small-jpeg");
        let there = play(
            caps,
            &format!("model-file={address} task=detect encoding=jpeg input-size=160x160"),
        );
        assert_same(&address, &here.objects, &there.objects, 0.25, 0.7);
        // The frame that comes next may be under way.
        let sent = there.sent.unwrap() / (FRAMES as u64 + 1);
        eprintln!(
            "{address}: {sent} bytes a frame in place of {}",
            160 * 160 * 3 * 4
        );
        assert!(sent < 160 * 160 * 3 * 4 / 10);
    }
}

/// Both have the objects that one is sure of, with confidences as near and places as alike as given.
#[track_caller]
fn assert_same(what: &str, a: &[Vec<Object>], b: &[Vec<Object>], confidence: f64, overlap: f64) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (a, b) in a.iter().zip(b) {
        for one in a.iter().filter(|it| 0.4 < it.confidence) {
            let is_same = |it: &&Object| {
                it.label == one.label
                    && (it.confidence - one.confidence).abs() < confidence
                    && overlap < it.overlap(one)
            };
            assert!(b.iter().any(|it| is_same(&it)), "{what}: {one:?} is not in {b:?}");
        }
    }
}
