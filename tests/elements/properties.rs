// SPDX-License-Identifier: MPL-2.0

//! Every number that a property takes, in every state: no panic and no critical (`G_DEBUG=fatal-criticals`), and what is
//! set stays within what the property says of itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use gst::glib;
use gst::prelude::*;

use crate::support::init;

/// Values between the least and the most.
const BETWEEN: u32 = 10;

/// The least, the most, and values between; none for what is no number.
fn values(pspec: &glib::ParamSpec) -> Vec<glib::Value> {
    fn spread(least: f64, most: f64) -> impl Iterator<Item = f64> {
        let step = move |it: u32| least + (most - least) * f64::from(it) / f64::from(BETWEEN + 1);
        (1..=BETWEEN).map(step)
    }
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecUInt64>() {
        let (least, most) = (it.minimum(), it.maximum());
        let between = spread(least as f64, most as f64).map(|it| (it as u64).clamp(least, most));
        return [least, most]
            .into_iter()
            .chain(between)
            .map(|it| it.to_value())
            .collect();
    }
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecUInt>() {
        let (least, most) = (it.minimum(), it.maximum());
        let between = spread(least.into(), most.into()).map(|it| it as u32);
        return [least, most]
            .into_iter()
            .chain(between)
            .map(|it| it.to_value())
            .collect();
    }
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecInt>() {
        let (least, most) = (it.minimum(), it.maximum());
        let between = spread(least.into(), most.into()).map(|it| it as i32);
        return [least, most]
            .into_iter()
            .chain(between)
            .map(|it| it.to_value())
            .collect();
    }
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecDouble>() {
        let (least, most) = (it.minimum(), it.maximum());
        return [least, most]
            .into_iter()
            .chain(spread(least, most))
            .map(|it| it.to_value())
            .collect();
    }
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecFloat>() {
        let (least, most) = (it.minimum(), it.maximum());
        let between = spread(least.into(), most.into()).map(|it| (it as f32).clamp(least, most));
        return [least, most]
            .into_iter()
            .chain(between)
            .map(|it| it.to_value())
            .collect();
    }
    if pspec.is::<glib::ParamSpecBoolean>() {
        return [true, false].map(|it| it.to_value()).to_vec();
    }
    if let Some(class) = pspec
        .downcast_ref::<glib::ParamSpecEnum>()
        .map(|it| it.enum_class())
    {
        let all = class.values().iter();
        return all.filter_map(|it| class.to_value(it.value())).collect();
    }
    Vec::new()
}

fn pipeline(element: &str) -> (gst::Pipeline, gst::Element) {
    let line = format!(
        "videotestsrc ! video/x-raw,format=RGB,width=32,height=32,framerate=1000/1 ! {element} ! fakesink sync=false"
    );
    let pipeline = gst::parse::launch(&line)
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
    let tried = pipeline.by_name("tried").unwrap();
    (pipeline, tried)
}

/// Waits until two more frames have left with what was set.
fn wait_for_frames(frames: &AtomicU32) {
    let (before, end) = (
        frames.load(Ordering::Relaxed),
        Instant::now() + Duration::from_secs(10),
    );
    while frames.load(Ordering::Relaxed) < before + 2 {
        assert!(Instant::now() < end, "no frame leaves any more");
        std::thread::yield_now();
    }
}

fn try_all(element: &str) {
    init();
    for state in [
        gst::State::Null,
        gst::State::Ready,
        gst::State::Paused,
        gst::State::Playing,
    ] {
        let (pipeline, tried) = pipeline(element);
        let frames = Arc::new(AtomicU32::new(0));
        let counted = frames.clone();
        let source = tried.static_pad("src").unwrap();
        source.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            gst::PadProbeReturn::Ok
        });
        pipeline.set_state(state).unwrap();
        let (done, _, _) = pipeline.state(gst::ClockTime::from_seconds(10));
        done.unwrap();
        for pspec in tried.list_properties().iter() {
            let is_own = pspec.owner_type() == tried.type_();
            if !is_own || !pspec.flags().contains(glib::ParamFlags::WRITABLE) {
                continue;
            }
            let before = tried.property_value(pspec.name());
            for value in values(pspec) {
                tried.set_property_from_value(pspec.name(), &value);
                let now = tried.property_value(pspec.name());
                assert_eq!(now.type_(), pspec.value_type());
                if state == gst::State::Playing {
                    wait_for_frames(&frames);
                }
            }
            tried.set_property_from_value(pspec.name(), &before);
        }
        pipeline.set_state(gst::State::Null).unwrap();
    }
}

#[test]
fn infer_takes_all_that_its_properties_say() {
    try_all("avrec-infer name=tried model-file=tests/models/invert_rgb.onnx");
}

#[test]
fn probe_takes_all_that_its_properties_say() {
    try_all("avrec-probe name=tried");
}

#[test]
fn fuse_takes_all_that_its_properties_say() {
    try_all("avrec-fuse name=tried");
}

#[test]
fn switch_takes_all_that_its_properties_say() {
    let models = "tests/models/invert_rgb.onnx,tests/models/invert_rgb_fixed.onnx";
    try_all(&format!("avrec-switch name=tried models={models}"));
}
