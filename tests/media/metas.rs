// SPDX-License-Identifier: MPL-2.0

//! Answers on buffers: what is written, what is read back, and what other elements wrote.

use gst_video::VideoRegionOfInterestMeta;
use gstavrec::answer::{Answer, ClassScore, Detection, Instance, Mask, Region, Text};
use gstavrec::media::metas::{self, class_of};

const SIZE: (u32, u32) = (640, 360);

fn labels() -> Vec<String> {
    gst::init().unwrap();
    ["person", "dog", "bird"].map(String::from).to_vec()
}

fn detection(left: f32, top: f32, width: f32, height: f32, class: u32, confidence: f32) -> Detection {
    Detection {
        region: Region {
            left,
            top,
            width,
            height,
        },
        class,
        confidence,
        ..Detection::default()
    }
}

fn attached(answer: &Answer) -> gst::Buffer {
    let labels = labels();
    let mut buffer = gst::Buffer::new();
    metas::attach(buffer.get_mut().unwrap(), answer, &labels, SIZE).unwrap();
    buffer
}

#[test]
fn detections_are_regions_with_the_fields_of_gvadetect() {
    let answer = Answer::Detections(vec![detection(64.25, 36.0, 128.0, 90.0, 1, 0.75)]);
    let buffer = attached(&answer);
    let meta = buffer.meta::<VideoRegionOfInterestMeta>().unwrap();
    assert_eq!(meta.roi_type(), "dog");
    assert_eq!(meta.rect(), (64, 36, 128, 90));
    let param = meta.param("detection").unwrap();
    assert_eq!(param.get::<f64>("confidence").unwrap(), 0.75);
    assert_eq!(param.get::<i32>("label_id").unwrap(), 1);
    assert_eq!(param.get::<&str>("label").unwrap(), "dog");
    for (field, expect) in [
        ("x_min", 64.25 / 640.0),
        ("x_max", 192.25 / 640.0),
        ("y_min", 0.1),
        ("y_max", 0.35),
    ] {
        assert!(
            (param.get::<f64>(field).unwrap() - expect).abs() < 1e-6,
            "{field}"
        );
    }
}

#[test]
fn detections_read_back_are_the_same_but_for_whole_pixels_and_the_number_of_the_label() {
    let found = vec![
        detection(10.4, 20.6, 30.0, 40.0, 0, 0.5),
        detection(100.0, 50.0, 20.0, 10.0, 2, 0.9),
        detection(0.0, 0.0, 640.0, 360.0, 7, 0.25),
    ];
    let read = metas::read(&attached(&Answer::Detections(found))).unwrap();
    let expect = vec![
        detection(100.0, 50.0, 20.0, 10.0, class_of("bird"), 0.9),
        detection(10.0, 21.0, 30.0, 40.0, class_of("person"), 0.5),
        detection(0.0, 0.0, 640.0, 360.0, class_of("7"), 0.25),
    ];
    assert_eq!(read, Answer::Detections(expect));
}

#[test]
fn a_box_of_less_than_a_pixel_or_at_the_edge_has_a_pixel() {
    let found = vec![
        detection(639.8, 359.9, 0.2, 0.1, 0, 0.9),
        detection(5.2, 5.2, 0.1, 0.1, 0, 0.8),
    ];
    let buffer = attached(&Answer::Detections(found));
    let rects: Vec<_> = buffer
        .iter_meta::<VideoRegionOfInterestMeta>()
        .map(|it| it.rect())
        .collect();
    assert_eq!(rects, [(639, 359, 1, 1), (5, 5, 1, 1)]);
}

#[test]
fn instances_leave_their_boxes() {
    let instance = Instance {
        detection: detection(10.0, 20.0, 30.0, 40.0, 1, 0.5),
        mask: Mask {
            width: 1,
            height: 1,
            coverage: vec![255],
        },
    };
    let read = metas::detections(&attached(&Answer::Instances(vec![instance])));
    assert_eq!(read, [detection(10.0, 20.0, 30.0, 40.0, class_of("dog"), 0.5)]);
}

#[test]
fn classes_of_a_frame_are_a_region_over_all_of_it_and_no_detection() {
    let scores = vec![
        ClassScore {
            class: 2,
            confidence: 0.75,
        },
        ClassScore {
            class: 0,
            confidence: 0.25,
        },
    ];
    let buffer = attached(&Answer::Classes(scores));
    let meta = buffer.meta::<VideoRegionOfInterestMeta>().unwrap();
    assert_eq!((meta.roi_type(), meta.rect()), ("bird", (0, 0, 640, 360)));
    assert_eq!(
        meta.param("classification")
            .unwrap()
            .get::<&str>("label")
            .unwrap(),
        "bird"
    );
    assert!(metas::detections(&buffer).is_empty());
    assert_eq!(metas::read(&buffer), Some(Answer::Classes(bird_and_person())));
}

fn bird_and_person() -> Vec<ClassScore> {
    [("bird", 0.75), ("person", 0.25)]
        .map(|(label, confidence)| ClassScore {
            class: class_of(label),
            confidence,
        })
        .to_vec()
}

#[test]
fn classes_of_sound_and_scores_survive_a_copy_of_the_buffer() {
    let scores = [
        ClassScore {
            class: 2,
            confidence: 0.75,
        },
        ClassScore {
            class: 0,
            confidence: 0.25,
        },
    ];
    let labels = labels();
    let mut buffer = gst::Buffer::from_slice([1u8; 8]);
    metas::attach_to_sound(buffer.get_mut().unwrap(), &scores, &labels).unwrap();
    assert_eq!(
        metas::read(&buffer.copy()),
        Some(Answer::Classes(bird_and_person()))
    );

    let buffer = attached(&Answer::Score(0.625));
    assert_eq!(metas::read(&buffer.copy()), Some(Answer::Score(0.625)));
}

#[test]
fn what_was_read_stands_on_the_buffer_and_is_no_class() {
    for text in ["Gleis 9 ¾", ""] {
        let answer = Answer::Text(Text {
            text: text.into(),
            confidence: 0.75,
        });
        let buffer = attached(&answer).copy();
        assert_eq!(metas::read(&buffer), Some(answer));
        let regions: Vec<_> = buffer.iter_meta::<VideoRegionOfInterestMeta>().collect();
        assert_eq!(regions.len(), usize::from(!text.is_empty()));
        if let [region] = &regions[..] {
            let param = region.param("classification").unwrap();
            assert_eq!(region.roi_type(), "text");
            assert_eq!(param.get::<&str>("label").unwrap(), text);
            assert_eq!(param.get::<f64>("confidence").unwrap(), 0.75);
        }
        assert_eq!(metas::detections(&buffer), []);
        #[cfg(not(feature = "analytics"))]
        assert_eq!(metas::classes(&buffer), None);
    }
}

#[test]
fn regions_that_another_element_wrote_are_read_like_ours() {
    labels();
    let mut buffer = gst::Buffer::new();
    let buffer_ref = buffer.get_mut().unwrap();
    VideoRegionOfInterestMeta::add(buffer_ref, "face", (4, 5, 6, 7));
    let param = gst::Structure::builder("detection")
        .field("confidence", 0.5)
        .build();
    VideoRegionOfInterestMeta::add(buffer_ref, "dog", (1, 2, 3, 4)).add_param(param);
    let param = gst::Structure::builder("classification")
        .field("label", "bird")
        .field("confidence", 0.75)
        .build();
    VideoRegionOfInterestMeta::add(buffer_ref, "bird", (0, 0, 9, 9)).add_param(param);
    assert_eq!(
        metas::detections(&buffer),
        [
            detection(4.0, 5.0, 6.0, 7.0, class_of("face"), 1.0),
            detection(1.0, 2.0, 3.0, 4.0, class_of("dog"), 0.5)
        ]
    );
    assert_eq!(metas::classes(&buffer).unwrap(), bird_and_person()[..1]);
    assert_eq!(metas::score(&buffer), None);
}

#[test]
fn a_buffer_without_answers_has_none() {
    labels();
    let buffer = gst::Buffer::new();
    assert_eq!(metas::read(&buffer), None);
    assert_eq!(metas::classes(&buffer), None);
    assert_eq!(metas::read(&attached(&Answer::Detections(Vec::new()))), None);
}
