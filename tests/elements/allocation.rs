// SPDX-License-Identifier: MPL-2.0

//! What peers may agree on across an element that reads frames: strides and pools, but not that somebody downstream
//! crops, turns or draws.

use std::sync::mpsc;

use gst::prelude::*;
use gst_video::{VideoAffineTransformationMeta, VideoCropMeta, VideoMeta, VideoOverlayCompositionMeta};
use gstavrec::media::metas;

use crate::support::init;
use crate::support::models::model;

/// Has what is behind the element promise all that a sink may.
fn promise_all(harness: &gst_check::Harness) {
    let pad = harness.sinkpad().unwrap();
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, |_, info| {
        let Some(gst::QueryViewMut::Allocation(query)) = info.query_mut().map(|it| it.view_mut()) else {
            return gst::PadProbeReturn::Ok;
        };
        query.add_allocation_meta::<VideoCropMeta>(None);
        query.add_allocation_meta::<VideoMeta>(None);
        query.add_allocation_meta::<VideoOverlayCompositionMeta>(None);
        query.add_allocation_meta::<VideoAffineTransformationMeta>(None);
        gst::PadProbeReturn::Handled
    });
}

/// Names of the metas that `line` lets through to a downstream that promises all of them.
fn offered(line: &str, caps: &str) -> Vec<String> {
    init();
    let element = gst::parse::launch(line).unwrap();
    let mut harness = gst_check::Harness::with_element(&element, Some("sink"), Some("src"));
    promise_all(&harness);
    harness.set_src_caps_str(caps);
    let mut query = gst::query::Allocation::new(Some(&caps.parse().unwrap()), true);
    assert!(element.static_pad("sink").unwrap().query(&mut query), "{line}");
    query
        .allocation_metas()
        .map(|(api, _)| api.name().to_owned())
        .collect()
}

#[test]
fn an_element_that_reads_frames_offers_strides_and_no_promise_of_others() {
    let caps = "video/x-raw,format=RGB,width=64,height=64,framerate=25/1";
    // Frames with metas, frames untouched, and other frames.
    for (name, task) in [
        ("detect_bright", "auto"),
        ("means", "tensor"),
        ("twice_rgb", "auto"),
    ] {
        let line = format!("avrec-infer task={task} model-file={}", model(name).display());
        assert_eq!(offered(&line, caps), ["GstVideoMetaAPI"], "{line}");
    }
    assert_eq!(
        offered("avrec-probe", caps).len(),
        4,
        "nothing reads these frames"
    );
}

#[test]
fn a_cropped_frame_is_cropped_before_it_is_read_and_found_on() {
    init();
    let line = format!(
        "appsrc name=in format=time caps=video/x-raw,format=RGB,width=84,height=80,framerate=25/1 \
         ! videocrop left=20 top=16 ! avrec-infer model-file={} ! fakevideosink name=out sync=false",
        model("detect_bright").display()
    );
    let pipeline = gst::parse::launch(&line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let (sender, seen) = mpsc::channel();
    let sink = pipeline
        .by_name("out")
        .unwrap()
        .downcast::<gst::Bin>()
        .unwrap()
        .static_pad("sink")
        .unwrap();
    sink.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let buffer = info.buffer().unwrap();
        let regions: Vec<_> = metas::detections(buffer).iter().map(|it| it.region).collect();
        sender
            .send((buffer.meta::<VideoCropMeta>().is_some(), regions))
            .unwrap();
        gst::PadProbeReturn::Ok
    });
    pipeline.set_state(gst::State::Playing).unwrap();

    // Cell (2, 5) of the cropped frame is white.
    let mut pixels = vec![0u8; 84 * 3 * 80];
    (16 + 40..16 + 48).for_each(|y| pixels[y * 84 * 3 + 3 * (20 + 16)..][..3 * 8].fill(255));
    let source = pipeline
        .by_name("in")
        .unwrap()
        .downcast::<gst_app::AppSrc>()
        .unwrap();
    source.push_buffer(gst::Buffer::from_slice(pixels)).unwrap();
    source.end_of_stream().unwrap();
    let end = pipeline
        .bus()
        .unwrap()
        .timed_pop_filtered(None, &[gst::MessageType::Error, gst::MessageType::Eos]);
    assert_eq!(end.unwrap().type_(), gst::MessageType::Eos);
    pipeline.set_state(gst::State::Null).unwrap();
    let (has_crop, regions) = seen.recv().unwrap();
    assert!(!has_crop);
    let place = |it: &gstavrec::answer::Region| (it.left, it.top, it.width, it.height);
    assert_eq!(
        regions.iter().map(place).collect::<Vec<_>>(),
        [(16.0, 40.0, 8.0, 8.0)]
    );
}

#[test]
fn a_probe_stops_promises_while_it_compares_frames_and_has_upstream_ask_again() {
    init();
    let probe = gst::ElementFactory::make("avrec-probe").build().unwrap();
    let mut harness = gst_check::Harness::with_element(&probe, Some("sink"), Some("src"));
    promise_all(&harness);
    let caps = "video/x-raw,format=GRAY8,width=64,height=48,framerate=25/1";
    harness.set_src_caps_str(caps);
    let promises = || {
        let mut query = gst::query::Allocation::new(Some(&caps.parse().unwrap()), true);
        assert!(probe.static_pad("sink").unwrap().query(&mut query));
        query.allocation_metas().count()
    };
    let mut asked_again = || {
        let events = std::iter::from_fn(|| harness.try_pull_upstream_event());
        events
            .filter(|it| it.type_() == gst::EventType::Reconfigure)
            .count()
    };
    asked_again();
    assert_eq!(promises(), 4);
    let reference = probe.request_pad_simple("reference").unwrap();
    assert_eq!((promises(), asked_again()), (1, 1));
    probe.release_request_pad(&reference);
    assert_eq!((promises(), asked_again()), (4, 1));
}
