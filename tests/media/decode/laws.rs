// SPDX-License-Identifier: MPL-2.0

//! What holds whatever a tensor contains: no panic, boxes inside the frame, numbers that are numbers, order.

use std::collections::BTreeMap;

use gstavrec::answer::{Answer, Detection};
use gstavrec::decode::{Decoder, Recognition, Settings, Task};
use gstavrec::letterbox::{Letterbox, Size};
use gstavrec::tensor::{Data, Dim, ElementType, Tensor, TensorInfo};
use half::f16;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::support::decode::*;

/// Ordinary coordinates and confidences, and all that a float can be.
fn number() -> impl Strategy<Value = f32> {
    prop_oneof![
        3 => -20.0f32..120.0,
        3 => 0.0f32..1.0,
        1 => any::<u32>().prop_map(f32::from_bits),
        1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0, 3.0]),
    ]
}

fn placement() -> impl Strategy<Value = Letterbox> {
    let size = || (1usize..5000, 1usize..5000).prop_map(|(width, height)| Size { width, height });
    (size(), size(), 0..4).prop_map(|(frame, input, kind)| match kind {
        0 => Letterbox::centered(frame, input),
        1 => Letterbox::cornered(frame, input),
        2 => Letterbox::line(frame, input),
        _ => Letterbox::stretched(frame, input),
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    (number(), number(), number(), 0usize..50, 0usize..5, number()).prop_map(
        |(confidence, iou, mask_threshold, max_detections, top_k, half_life)| Settings {
            confidence,
            is_confidence_asked: true,
            iou,
            mask_threshold,
            max_detections,
            top_k,
            classes: None,
            half_life,
        },
    )
}

/// A task and the shapes of a model for it.
fn shapes() -> impl Strategy<Value = (Task, Vec<Vec<usize>>)> {
    let detect = |shapes: Vec<Vec<usize>>| (Task::Detect, shapes);
    prop_oneof![
        (1usize..4, 7usize..40).prop_map(move |(c, n)| detect(vec![vec![1, 4 + c, n + 4]])),
        (2usize..4, 20usize..40).prop_map(move |(c, n)| detect(vec![vec![1, n, 5 + c]])),
        (1usize..40).prop_map(move |n| detect(vec![vec![1, n, 6]])),
        (1usize..40, 2usize..9).prop_map(move |(n, c)| detect(vec![vec![1, n, 4], vec![1, n, c]])),
        (1usize..40).prop_map(move |n| detect(vec![vec![1, n, 4], vec![1, n]])),
        (8usize..40, 1usize..9, 1usize..9)
            .prop_map(|(n, h, w)| (Task::Segment, vec![vec![1, 7, n], vec![1, 2, h, w]])),
        (1usize..9, 1usize..9, 1usize..9).prop_map(|(c, h, w)| (Task::Segment, vec![vec![1, c, h, w]])),
        (2usize..9, 2usize..9).prop_map(|(h, w)| (Task::Matte, vec![vec![1, 1, h, w]])),
        (2usize..9).prop_map(move |n| detect(vec![vec![n, 6]])),
        (2usize..9).prop_map(move |n| detect(vec![vec![n, 7]])),
        (1usize..20).prop_map(|c| (Task::Classify, vec![vec![1, c]])),
        Just((Task::Score, vec![vec![1, 1]])),
        (2usize..40, 2usize..40).prop_map(move |(h, w)| detect(vec![vec![1, 1, h, w]])),
        (1usize..9, 3usize..6).prop_map(|(t, c)| (Task::Text, vec![vec![1, t, c]])),
    ]
}

/// Tensors of these shapes in one of the types of floats.
fn filled(shapes: Vec<Vec<usize>>) -> impl Strategy<Value = Vec<Tensor>> {
    let tensors: Vec<_> = shapes
        .into_iter()
        .map(|dims| {
            let count = dims.iter().product::<usize>();
            (prop::collection::vec(number(), count), any::<bool>()).prop_map(move |(values, half)| Tensor {
                dims: dims.clone(),
                data: if half {
                    Data::F16(values.into_iter().map(f16::from_f32).collect())
                } else {
                    Data::F32(values)
                },
            })
        })
        .collect();
    tensors
}

#[track_caller]
fn check_detections<'a>(detections: impl Iterator<Item = &'a Detection>, place: &Letterbox) {
    let (width, height) = (place.frame.width as f32, place.frame.height as f32);
    let mut before = 1.0;
    for Detection {
        region, confidence, ..
    } in detections
    {
        assert!(0.0 <= region.left && 0.0 <= region.top, "{region:?}");
        assert!(0.0 < region.width && 0.0 < region.height, "{region:?}");
        assert!(
            region.left + region.width <= width && region.top + region.height <= height,
            "{region:?}"
        );
        assert!((0.0..=1.0).contains(confidence) && *confidence <= before);
        before = *confidence;
    }
}

#[track_caller]
fn check(answer: &Answer, place: &Letterbox) {
    match answer {
        Answer::Detections(detections) => check_detections(detections.iter(), place),
        Answer::Instances(instances) => {
            check_detections(instances.iter().map(|it| &it.detection), place);
            for mask in instances.iter().map(|it| &it.mask) {
                assert!(!mask.coverage.is_empty());
                assert_eq!(mask.coverage.len(), mask.width * mask.height);
            }
        }
        Answer::ClassMap(map) => {
            assert!(!map.classes.is_empty());
            assert_eq!(map.classes.len(), map.width * map.height);
        }
        Answer::Matte(matte) => {
            assert!(!matte.coverage.is_empty());
            assert_eq!(matte.coverage.len(), matte.width * matte.height);
        }
        Answer::Classes(classes) => {
            assert!(
                classes.iter().all(|it| (0.0..=1.0).contains(&it.confidence)),
                "{classes:?}"
            );
            assert!(classes.is_sorted_by(|it, next| next.confidence <= it.confidence));
        }
        Answer::Score(score) => assert!(score.is_finite()),
        Answer::Text(text) => assert!((0.0..=1.0).contains(&text.confidence), "{text:?}"),
    }
}

/// A model as hostile as it can be declared.
fn declared() -> impl Strategy<Value = Vec<TensorInfo>> {
    let size = || {
        prop_oneof![
            Just(0usize),
            Just(1),
            Just(4),
            Just(6),
            1usize..9000,
            Just(usize::MAX)
        ]
    };
    let name = prop::sample::select(vec![
        "output0",
        "boxes",
        "scores",
        "labels",
        "logits",
        "count",
        "yolox-out",
    ]);
    let kind = prop::sample::select(vec![ElementType::F32, ElementType::I64, ElementType::U8]);
    let output = (name, prop::collection::vec(size(), 0..6), kind).prop_map(|(name, dims, element_type)| {
        let dim = |it: &usize| {
            if *it == 0 {
                Dim::Dynamic(String::new())
            } else {
                Dim::Fixed(*it)
            }
        };
        TensorInfo {
            name: name.into(),
            id: name.into(),
            element_type,
            dims: dims.iter().map(dim).collect(),
        }
    });
    prop::collection::vec(output, 0..5)
}

proptest! {
    // The seed is fixed, so that a run says something of the change at hand; for a hunt, raise the cases and
    // let it go.
    #![proptest_config(ProptestConfig {
        cases: 500,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_content_of_a_tensor_does_harm(
        (task, outputs) in shapes().prop_flat_map(|(task, shapes)| (Just(task), filled(shapes))),
        place in placement(),
        settings in settings(),
    ) {
        let names = ["boxes", "scores"];
        let declared: Vec<(&str, &[usize])> =
            outputs.iter().zip(names).map(|(it, name)| (name, it.dims.as_slice())).collect();
        // Shapes at random may fit nothing.
        let model = Model::new(&declared);
        let model = if task == Task::Text { model.labels(3) } else { model };
        if let Ok(recognition) = model.recognize(Some(task)) {
            let mut decoder = Decoder::new(&recognition);
            for _ in 0..2 {
                if let Ok(answer) = decoder.decode(&outputs, place, &settings) {
                    check(answer, &place);
                }
            }
        }
    }

    #[test]
    fn no_declaration_of_outputs_does_harm(
        outputs in declared(),
        task in prop::option::of(prop::sample::select(vec![Task::Detect, Task::Classify, Task::Segment, Task::Score, Task::Text])),
        labels in prop::option::of(0usize..100),
        given in prop::collection::vec(shapes().prop_flat_map(|(_, shapes)| filled(shapes)), 0..3),
    ) {
        let input = Some(Size { width: 640, height: 640 });
        if let Ok(recognition) = Recognition::new(task, &outputs, input, &BTreeMap::new(), labels) {
            let place = place();
            let outputs: Vec<Tensor> = given.concat();
            if let Ok(answer) = Decoder::new(&recognition).decode(&outputs, place, &Settings::default()) {
                check(answer, &place);
            }
        }
    }

    #[test]
    fn no_text_of_names_does_harm(text in r#"[{\[(]?([0-9]{1,3}: ?)?['"]?[a-z\\xu'",}\]):]{0,12}[}\])]?"#) {
        let _ = gstavrec::decode::labels::from_names(&text);
        let _ = gstavrec::decode::labels::from_file(&text);
        let _ = gstavrec::decode::labels::from_characters(&text);
    }
}
