// SPDX-License-Identifier: MPL-2.0

//! Answers drawn into frames: which pixels change, to what, and which do not.

use gst_video::{VideoFormat, VideoRegionOfInterestMeta};
use gstavrec::answer::{Answer, ClassMap, ClassScore, Detection, Instance, Mask, Region, Text};
use gstavrec::media::draw::{Painter, Style};

use crate::support::frames::{FORMATS, Frame};
use crate::support::infer::Bench;

fn gray(plane: usize, _: usize, _: usize) -> u8 {
    if plane == 3 { 77 } else { 128 }
}

fn detection(left: f32, top: f32, width: f32, height: f32, class: u32) -> Detection {
    Detection {
        region: Region {
            left,
            top,
            width,
            height,
        },
        class,
        confidence: 0.87,
        ..Detection::default()
    }
}

fn drawn(frame: &mut Frame, answer: &Answer, labels: &[&str]) {
    let labels: Vec<String> = labels.iter().map(|it| (*it).to_owned()).collect();
    let mut painter = Painter::new(&frame.info).unwrap();
    painter
        .overlay(&mut frame.writable(), answer, &labels, Style::default())
        .unwrap();
}

/// The color of a pixel, whatever the format.
fn color(frame: &Frame, x: usize, y: usize) -> [f64; 3] {
    match frame.info.format() {
        VideoFormat::I420 | VideoFormat::Nv12 | VideoFormat::Gray8 => {
            frame.yuv_to_rgb(x, y, 0.2126, 0.0722, false)
        }
        _ => {
            let [red, green, blue, _] = frame.rgba(x, y);
            [red, green, blue]
        }
    }
}

fn is_near(one: [f64; 3], other: [f64; 3], tolerance: f64) -> bool {
    one.iter().zip(other).all(|(a, b)| (a - b).abs() <= tolerance)
}

#[test]
fn a_box_is_drawn_on_its_edge_in_the_same_color_in_each_format() {
    let answer = Answer::Detections(vec![detection(40.0, 60.0, 80.0, 50.0, 3)]);
    let mut expect = None;
    for format in FORMATS {
        let mut frame = Frame::new(format, 200, 160, "1:3:0:0", gray);
        let before = color(&frame, 0, 0);
        drawn(&mut frame, &answer, &["a", "b", "c", "bird"]);
        let edge = color(&frame, 40, 90);
        if format == VideoFormat::Gray8 {
            assert!((edge[0] - before[0]).abs() > 5.0);
        } else {
            let expect = *expect.get_or_insert(edge);
            assert!(
                is_near(edge, expect, 6.0),
                "{format}: {edge:?} instead of {expect:?}"
            );
        }
        for (x, y) in [(41, 70), (118, 108), (80, 61), (80, 108)] {
            assert!(is_near(color(&frame, x, y), edge, 3.0), "{format} at {x},{y}");
        }
        // Inside of the box and well outside of it nothing changes.
        for (x, y) in [(80, 85), (44, 64), (10, 140), (190, 10), (124, 90), (36, 90)] {
            assert!(is_near(color(&frame, x, y), before, 0.5), "{format} at {x},{y}");
        }
    }
}

#[test]
fn a_label_stands_above_its_box_in_letters_that_grow_with_the_frame() {
    for ((width, height), plate_height) in [((640, 360), 17), ((1280, 720), 34), ((3840, 2160), 105)] {
        let unit = height as f32 / 360.0;
        let answer = Answer::Detections(vec![detection(
            100.0 * unit,
            100.0 * unit,
            200.0 * unit,
            100.0 * unit,
            0,
        )]);
        let mut frame = Frame::new(VideoFormat::Gray8, width, height, "1:3:0:0", |_, _, _| 60);
        drawn(&mut frame, &answer, &["horse"]);
        // The plate is what changed above the box; the letters in it have another color than the plate.
        let left = (100.0 * unit) as usize;
        let top = (100.0 * unit) as usize;
        let plate = frame.sample(0, left, top - 2);
        let column = (0..top).filter(|&y| frame.sample(0, left, y) == plate).count();
        assert_eq!(column, plate_height, "{width}x{height}");
        // Five letters are wider than their line is high.
        let letters = 2 * column;
        let dark = (top - column..top)
            .flat_map(|y| (left..left + letters).map(move |x| (x, y)))
            .filter(|&(x, y)| (frame.sample(0, x, y) - plate).abs() > 80.0)
            .count();
        let share = dark as f64 / (column * letters) as f64;
        assert!(
            (0.08..0.4).contains(&share),
            "{width}x{height}: {share} of the plate are letters"
        );
    }
}

#[test]
fn what_reaches_out_of_the_frame_is_cut() {
    for format in FORMATS {
        let found = vec![
            detection(-50.0, -50.0, 30.0, 30.0, 0),
            detection(-5.0, -5.0, 500.0, 500.0, 1),
            detection(60.0, 40.0, 500.0, 2.0, 2),
            detection(62.9, 46.9, 0.1, 0.1, 3),
            detection(f32::NAN, 0.0, f32::INFINITY, 3.0, 4),
        ];
        let mut frame = Frame::new(format, 63, 47, "1:3:0:0", gray);
        let long = "a label that is much longer than any frame of this size could ever be wide and more";
        drawn(&mut frame, &Answer::Detections(found), &[long; 5]);
        // Bytes between rows and planes stay.
        let whole = frame.buffer.map_readable().unwrap();
        assert!(whole.iter().filter(|it| **it == 0xa5).count() >= 20, "{format}");
    }
}

#[test]
fn classes_and_scores_stand_in_the_corner_a_line_each() {
    let class = |class, confidence| ClassScore { class, confidence };
    let mut frame = Frame::new(VideoFormat::I420, 320, 240, "1:3:0:0", gray);
    drawn(
        &mut frame,
        &Answer::Classes(vec![class(0, 0.75), class(1, 0.25)]),
        &["red", "green"],
    );
    let changed = |frame: &Frame, y: usize| (0..320).filter(|&x| frame.sample(0, x, y) != 128.0).count();
    let lines: Vec<usize> = (0..240).filter(|&y| 20 < changed(&frame, y)).collect();
    assert!((26..32).contains(&lines.len()), "{lines:?}");
    let mut frame = Frame::new(VideoFormat::I420, 320, 240, "1:3:0:0", gray);
    drawn(&mut frame, &Answer::Score(0.5), &[]);
    assert!(0 < changed(&frame, 8));
    assert_eq!(changed(&frame, 100), 0);
    let read = |text: &str| {
        Answer::Text(Text {
            text: text.into(),
            confidence: 0.5,
        })
    };
    let mut frame = Frame::new(VideoFormat::I420, 320, 240, "1:3:0:0", gray);
    drawn(&mut frame, &read(""), &[]);
    assert_eq!(changed(&frame, 8), 0);
    drawn(&mut frame, &read("EXIT 漢"), &[]);
    assert!(20 < changed(&frame, 8));
}

#[test]
fn a_class_map_is_blended_over_the_frame_but_for_what_is_nothing() {
    let map = ClassMap {
        width: 2,
        height: 2,
        classes: vec![0, 1, 2, 255],
    };
    for format in FORMATS {
        let mut frame = Frame::new(format, 64, 48, "1:3:0:0", gray);
        let before = color(&frame, 0, 0);
        drawn(
            &mut frame,
            &Answer::ClassMap(map.clone()),
            &["background", "cat", "dog"],
        );
        for (x, y) in [(5, 5), (31, 23), (40, 40), (63, 47)] {
            assert!(
                is_near(color(&frame, x, y), before, 0.5),
                "{format}: nothing at {x},{y}"
            );
        }
        for (x, y) in [(32, 0), (63, 23), (0, 24), (31, 47)] {
            assert!(
                !is_near(color(&frame, x, y), before, 4.0),
                "{format}: something at {x},{y}"
            );
        }
    }
    // A first class with a name of its own is shown.
    let mut frame = Frame::new(VideoFormat::Rgb, 64, 48, "sRGB", gray);
    drawn(&mut frame, &Answer::ClassMap(map), &["road", "cat", "dog"]);
    assert!(!is_near(color(&frame, 5, 5), [128.0; 3], 4.0));
}

#[test]
fn the_mask_of_an_instance_is_blended_where_it_covers_its_box() {
    let instance = Instance {
        detection: detection(20.0, 20.0, 40.0, 20.0, 1),
        mask: Mask {
            width: 2,
            height: 1,
            coverage: vec![255, 0],
        },
    };
    let mut frame = Frame::new(VideoFormat::Nv12, 96, 64, "1:3:0:0", gray);
    let before = color(&frame, 0, 0);
    drawn(&mut frame, &Answer::Instances(vec![instance]), &["a", "b"]);
    assert!(!is_near(color(&frame, 28, 30), before, 4.0));
    assert!(is_near(color(&frame, 52, 30), before, 0.5));
}

#[test]
fn a_mask_becomes_the_alpha_of_the_frame() {
    for format in FORMATS {
        let mut frame = Frame::new(format, 64, 48, "1:3:0:0", gray);
        let before = frame.buffer.map_readable().unwrap().to_vec();
        let map = ClassMap {
            width: 2,
            height: 1,
            classes: vec![0, 1],
        };
        let mut painter = Painter::new(&frame.info).unwrap();
        painter
            .alpha(&mut frame.writable(), &Answer::ClassMap(map), &[])
            .unwrap();
        if !frame.info.format_info().has_alpha() {
            assert!(
                frame.buffer.map_readable().unwrap().to_vec() == before,
                "{format}"
            );
            continue;
        }
        assert_eq!(frame.rgba(2, 20), [128.0, 128.0, 128.0, 0.0], "{format}");
        assert_eq!(frame.rgba(61, 20), [128.0, 128.0, 128.0, 255.0], "{format}");
        let edge = frame.rgba(32, 20)[3];
        assert!(
            (64.0..192.0).contains(&edge),
            "{format}: the edge is smooth, {edge}"
        );
    }
}

#[test]
fn masks_of_instances_add_up_in_alpha() {
    let instance = |left, top, value| Instance {
        detection: detection(left, top, 20.0, 20.0, 1),
        mask: Mask {
            width: 1,
            height: 1,
            coverage: vec![value],
        },
    };
    let mut frame = Frame::new(VideoFormat::Rgba, 64, 48, "sRGB", gray);
    let answer = Answer::Instances(vec![instance(0.0, 0.0, 255), instance(10.0, 10.0, 100)]);
    Painter::new(&frame.info)
        .unwrap()
        .alpha(&mut frame.writable(), &answer, &[])
        .unwrap();
    let alpha = |x, y| frame.rgba(x, y)[3];
    assert_eq!(
        (alpha(5, 5), alpha(15, 15), alpha(25, 25), alpha(40, 40)),
        (255.0, 255.0, 100.0, 0.0)
    );
}

/// The bench's frames: dark on the left, bright on the right.
fn halves(plane: usize, x: usize, _: usize) -> u8 {
    match (plane, x) {
        (3, _) => 200,
        (_, 0..64) => 10,
        _ => 240,
    }
}

fn through(name: &str, properties: &str, frame: &Frame) -> gst::Buffer {
    let mut bench = Bench::new(name, properties);
    let mut caps = frame.info.to_caps().unwrap();
    caps.make_mut().set("framerate", gst::Fraction::new(25, 1));
    bench.harness.set_src_caps(caps);
    let shared = frame.buffer.clone();
    let before = shared.map_readable().unwrap().to_vec();
    let output = bench.harness.push_and_pull(shared.clone()).unwrap();
    assert!(
        shared.map_readable().unwrap().to_vec() == before,
        "a shared frame is not written to"
    );
    output
}

fn out(frame: &Frame, buffer: gst::Buffer) -> Frame {
    Frame {
        info: frame.info.clone(),
        buffer,
    }
}

#[test]
fn the_element_draws_boxes_and_leaves_the_metas_too() {
    let frame = Frame::new(VideoFormat::Nv12, 128, 128, "1:3:0:0", |plane, x, y| {
        match (plane, x, y) {
            (0, 64..80, 64..80) => 250,
            (0, ..) => 20,
            _ => 128,
        }
    });
    let output = through("detect_bright", "output=overlay", &frame);
    let meta = output.meta::<VideoRegionOfInterestMeta>().unwrap();
    assert_eq!(meta.rect(), (64, 64, 16, 16));
    let output = out(&frame, output.copy_deep().unwrap());
    assert_ne!(output.sample(0, 64, 70), frame.sample(0, 64, 70));
    assert_eq!(output.sample(0, 72, 72), frame.sample(0, 72, 72));
    assert_eq!(output.sample(0, 100, 100), frame.sample(0, 100, 100));
}

#[test]
fn the_element_writes_a_segmentation_over_the_frame_or_into_its_alpha() {
    for format in [VideoFormat::Rgba, VideoFormat::Abgr] {
        let frame = Frame::new(format, 128, 128, "sRGB", halves);
        let output = out(
            &frame,
            through("segment_bright", "output=alpha", &frame)
                .copy_deep()
                .unwrap(),
        );
        assert_eq!(output.rgba(10, 60), [10.0, 10.0, 10.0, 0.0]);
        assert_eq!(output.rgba(120, 60), [240.0, 240.0, 240.0, 255.0]);
        let output = out(
            &frame,
            through("segment_bright", "output=overlay", &frame)
                .copy_deep()
                .unwrap(),
        );
        assert_eq!(output.rgba(10, 60), [10.0, 10.0, 10.0, 200.0]);
        assert_ne!(output.rgba(120, 60), [240.0, 240.0, 240.0, 200.0]);
    }
}

#[test]
fn a_matte_stays_soft_in_the_alpha_and_over_the_frame() {
    let frame = Frame::new(VideoFormat::Rgba, 128, 128, "sRGB", halves);
    let through = |properties| {
        out(
            &frame,
            through("matte_bright", properties, &frame).copy_deep().unwrap(),
        )
    };
    // Nobody says the task: a plane of 0 to 1 over a picture in colors, and the same again, is a matte.
    let output = through("output=alpha");
    assert_eq!(output.rgba(10, 60), [10.0, 10.0, 10.0, 10.0]);
    assert_eq!(output.rgba(120, 60), [240.0, 240.0, 240.0, 240.0]);
    let output = through("output=alpha task=segment mask-threshold=0.95");
    assert_eq!(output.rgba(120, 60)[3], 0.0, "a mask is cut at its threshold");
    let (dark, bright) = (
        through("output=overlay").rgba(10, 60),
        through("output=overlay").rgba(120, 60),
    );
    let change = |from: f64, to: [f64; 4]| to[..3].iter().map(|it| (it - from).abs()).fold(0.0, f64::max);
    assert!(
        change(10.0, dark) < 8.0 && 20.0 < change(240.0, bright),
        "{dark:?} {bright:?}"
    );
}

#[test]
fn a_matte_tells_how_much_of_the_frame_it_covers() {
    let frame = Frame::new(VideoFormat::Rgba, 128, 128, "sRGB", halves);
    let mut bench = Bench::new("matte_bright", "post-messages=true");
    bench.harness.set_src_caps(frame.info.to_caps().unwrap());
    bench.harness.push_and_pull(frame.buffer.clone()).unwrap();
    let told = bench.message("avrec/matte");
    let coverage = told.get::<f64>("coverage").unwrap();
    assert!((coverage - 125.0 / 255.0).abs() < 0.01, "{coverage}");
}

#[test]
fn alpha_needs_a_format_that_has_it() {
    let frame = Frame::new(VideoFormat::Rgb, 128, 128, "sRGB", halves);
    let mut bench = Bench::new("segment_bright", "output=alpha");
    bench.harness.set_src_caps(frame.info.to_caps().unwrap());
    assert!(bench.harness.push(frame.buffer.clone()).is_err());
    let text = bench.complaint(gst::MessageType::Error);
    assert!(text.contains("RGB") && text.contains("format=RGBA"), "{text}");
}

#[cfg(not(feature = "analytics"))]
#[test]
fn a_segmentation_as_meta_needs_a_newer_gstreamer() {
    let bench = Bench::new("segment_bright", "");
    let text = bench.complaint(gst::MessageType::Error);
    assert!(
        text.contains("analytics") && text.contains("output=overlay"),
        "{text}"
    );
}
