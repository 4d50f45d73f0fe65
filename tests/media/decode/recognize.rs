// SPDX-License-Identifier: MPL-2.0

//! What is recognized, what was assumed for it, and what is refused.

use gstavrec::decode::{Boxes, Family, Order, Places, Task, Units};
use gstavrec::letterbox::Placement;
use gstavrec::tensor::ElementType;

use crate::support::decode::*;

/// A word or two for a family.
#[track_caller]
fn family(model: &Model, task: Option<Task>) -> String {
    let recognition = model.recognize(task).unwrap_or_else(|error| panic!("{error}"));
    let boxes = |boxes: &Boxes| match boxes {
        Boxes::Yolo(it) => {
            let order = match it.order {
                Order::Planes => "planes",
                Order::Rows => "rows",
                Order::ObjectnessRows => "objectness",
            };
            let units = match it.units {
                Units::Pixels => "",
                Units::Fractions => " fractions",
                Units::Cells => " cells",
                Units::Unsaid => " unsaid",
            };
            format!("{order} {}{units}", it.classes)
        }
        Boxes::EndToEnd(_) => "finished".into(),
        Boxes::Ssd(_) => "ssd".into(),
        Boxes::Detr(_) => "detr".into(),
        Boxes::TextMap(_) => "text map".into(),
        Boxes::Levels(it) => format!("{:?} {} points {}", it.head, it.classes, it.key_points),
        Boxes::NanoDet(it) => format!("nanodet {}", it.classes),
        Boxes::Priors(it) => format!("priors {} points {}", it.classes, it.key_points),
        Boxes::CenterFace(it) => format!("center face {}", it.key_points),
        Boxes::Landmarks(it) => format!("landmarks {} of {}", it.points, it.each),
    };
    match &recognition.family {
        Family::Boxes(it) => boxes(it),
        Family::Instances(it, prototypes) => format!("{} masks {}", boxes(it), prototypes.count),
        Family::Map(it) => match it.places {
            Places::Classes => "map".into(),
            Places::Foreground(_) => "foreground".into(),
            Places::Planes { classes } => format!("score planes {classes}"),
            Places::Interleaved { classes } => format!("interleaved scores {classes}"),
        },
        Family::Classes(it) => format!("classes {:?}", it.classes),
        Family::Matte(_) => "matte".into(),
        Family::Score(_) => "score".into(),
        Family::Text(it) => format!("text {:?} {} {:?} {:?}", it.steps, it.classes, it.table, it.blank),
    }
}

fn one(dims: &[usize]) -> Model {
    Model::new(&[("output0", dims)])
}

#[test]
fn yolo_outputs_are_told_by_their_shape_and_the_input_s_grid() {
    let input = |model: Model| model.input(640, 640);
    for (model, expected) in [
        (one(&[1, 84, 8400]), "planes 80"),
        (one(&[1, 5, 8400]), "planes 1"),
        // More classes than cells: 21 cells of an input of 32×32.
        (one(&[1, 84, 21]).input(32, 32), "planes 80"),
        (one(&[1, 84, 0]), "planes 80"),
        (one(&[0, 84, 0]), "planes 80"),
        (one(&[1, 25200, 85]), "objectness 80 unsaid"),
        (input(one(&[1, 25200, 6])), "objectness 1 unsaid"),
        (input(one(&[1, 8400, 6])).labels(2), "rows 2"),
        (one(&[1, 8400, 84]), "rows 80"),
        (one(&[1, 8400, 85]), "objectness 80 unsaid"),
        (one(&[1, 300, 6]), "finished"),
        (input(one(&[1, 300, 6])), "finished"),
        (one(&[1, 0, 6]), "finished"),
        (one(&[1, 5000, 6]).metadata("end2end", "True"), "finished"),
        (
            one(&[1, 5000, 6]).metadata("args", "{'batch': 1, 'nms': True}"),
            "finished",
        ),
        (
            one(&[1, 300, 84]).metadata("description", "Ultralytics RTDETR-l model"),
            "rows 80 fractions",
        ),
        (
            Model::new(&[("yolo-v8-out-normalized", &[1, 84, 8400])]),
            "planes 80 fractions",
        ),
        (
            Model::new(&[("yolox-out", &[1, 3549, 85])]),
            "objectness 80 unsaid",
        ),
        (
            one(&[1, 84, 8400]).metadata("boxes", "fractions"),
            "planes 80 fractions",
        ),
        (
            one(&[1, 3549, 85]).metadata("boxes", "cells"),
            "objectness 80 cells",
        ),
    ] {
        assert_eq!(family(&model, Some(Task::Detect)), expected);
        assert_eq!(family(&model, None), expected, "guessed");
    }
}

#[test]
fn free_sizes_are_known_by_the_names_that_the_exporter_wrote() {
    let names = "{0: 'person', 1: 'bird', 2: 'boat'}";
    let model = one(&[0, 0, 0])
        .metadata("stride", "32")
        .metadata("task", "detect")
        .metadata("names", names);
    assert_eq!(family(&model, None), "planes 3");
    let recognition = model.recognize(None).unwrap();
    assert_eq!(recognition.names, ["person", "bird", "boat"]);
    assert_eq!((recognition.labels, recognition.classes), (Some(3), Some(3)));
    assert!(recognition.assumed.is_empty() && recognition.warnings.is_empty());
}

#[test]
fn labels_are_fewer_or_more_than_classes() {
    let model = one(&[1, 84, 8400]);
    let refusal = model.clone().labels(79).refusal(Some(Task::Detect));
    assert!(
        refusal.contains("80 classes") && refusal.contains("79 labels"),
        "{refusal}"
    );
    let refusal = model.clone().metadata("names", "['a', 'b']").refusal(None);
    assert!(refusal.contains("labels-file"), "{refusal}");
    let recognition = model.clone().labels(91).recognize(None).unwrap();
    assert!(recognition.warnings[0].contains("91 labels"));
    let recognition = model.metadata("names", "person").recognize(None).unwrap();
    assert!(
        recognition.warnings[0].contains("labels-file"),
        "names that cannot be read are no error"
    );
    assert_eq!(recognition.labels, None);
}

#[test]
fn the_user_s_labels_go_before_the_model_s() {
    let model = one(&[1, 6, 8400]).labels(2).metadata("names", "['a']");
    let recognition = model.recognize(None).unwrap();
    assert!(recognition.names.is_empty());
    assert_eq!(recognition.labels, Some(2));
}

#[test]
fn maps_are_told_from_pictures() {
    let int = |dims: &[usize]| one(dims).element_type(0, ElementType::I64);
    for (model, expected) in [
        (int(&[1, 512, 512]), "map"),
        (int(&[1, 1, 512, 512]), "map"),
        (one(&[1, 21, 512, 512]), "score planes 21"),
        (one(&[1, 512, 512, 21]), "interleaved scores 21"),
        (one(&[1, 19, 0, 0]), "score planes 19"),
        (one(&[1, 4, 2, 4]).labels(4), "score planes 4"),
        (one(&[1, 3, 512, 512]).labels(3), "score planes 3"),
    ] {
        assert_eq!(family(&model, Some(Task::Segment)), expected);
        assert_eq!(family(&model, None), expected, "guessed");
    }
    for picture in [&[1, 3, 512, 512], &[1, 1, 512, 512]] {
        let refusal = one(picture).refusal(None);
        assert!(
            refusal.contains("512") && refusal.contains("task=tensor"),
            "{refusal}"
        );
    }
    assert_eq!(family(&one(&[1, 1, 512, 512]), Some(Task::Segment)), "foreground");
}

#[test]
fn masks_of_instances_take_their_coefficients_off_the_classes() {
    let model = Model::new(&[("output0", &[1, 116, 8400]), ("output1", &[1, 32, 160, 160])]);
    assert_eq!(family(&model, None), "planes 80 masks 32");
    let model = Model::new(&[("output0", &[1, 300, 38]), ("output1", &[1, 32, 160, 160])]);
    assert_eq!(family(&model, None), "finished masks 32");
    let registry = Model::new(&[
        ("yolo-v8-segmentation-out-protos", &[1, 32, 160, 160]),
        ("yolo-v8-segmentation-out-detections", &[1, 116, 8400]),
    ]);
    assert_eq!(family(&registry, None), "planes 80 masks 32");
    assert!(registry.recognize(None).unwrap().assumed.is_empty());
}

#[test]
fn rows_of_numbers_are_classes_and_one_number_is_a_score() {
    for (model, expected) in [
        (one(&[1, 1000]), "classes Some(1000)"),
        (one(&[0, 1000]), "classes Some(1000)"),
        (one(&[1, 1000, 1, 1]), "classes Some(1000)"),
        (one(&[1, 0]).labels(3), "classes None"),
        (one(&[1, 1]), "score"),
        (one(&[1, 1]).labels(1), "classes Some(1)"),
        (one(&[1, 4]), "classes Some(4)"),
    ] {
        assert_eq!(family(&model, None), expected);
    }
}

#[test]
fn frames_are_placed_as_in_training() {
    for (model, expected) in [
        (one(&[1, 84, 8400]), Placement::Centered),
        (one(&[1, 25200, 85]), Placement::Centered),
        (one(&[1, 300, 6]), Placement::Centered),
        (Model::new(&[("yolox-out", &[1, 3549, 85])]), Placement::Cornered),
        (
            one(&[1, 3549, 85]).metadata("boxes", "cells"),
            Placement::Cornered,
        ),
        (
            Model::new(&[("logits", &[1, 100, 92]), ("pred_boxes", &[1, 100, 4])]),
            Placement::Stretched,
        ),
        (one(&[1, 21, 512, 512]), Placement::Stretched),
        (one(&[1, 1000]), Placement::Stretched),
    ] {
        assert_eq!(
            model.recognize(None).unwrap().placement,
            expected,
            "{:?}",
            model.outputs
        );
    }
}

#[test]
fn a_guess_says_what_it_assumed() {
    let recognition = one(&[1, 84, 8400]).recognize(None).unwrap();
    assert!(recognition.assumed[0].contains("task=detect") && recognition.assumed[0].contains("output0"));
    assert!(
        one(&[1, 84, 8400])
            .recognize(Some(Task::Detect))
            .unwrap()
            .assumed
            .is_empty()
    );
}

#[test]
fn outputs_that_fit_no_decoder_are_refused_with_what_to_change() {
    for (dims, task, understood) in [
        (&[1, 3, 80, 80, 85][..], Task::Detect, "[1, 4+C, N]"),
        (&[4, 84, 8400], Task::Detect, "[1, 4+C, N]"),
        (&[1, 4, 8400], Task::Detect, "[1, 4+C, N]"),
        (&[0, 0, 0], Task::Detect, "[1, 4+C, N]"),
        (&[], Task::Detect, "[1, 4+C, N]"),
        (&[1, 84, 8400], Task::Classify, "[1, C]"),
        (&[1, 1000], Task::Segment, "[1, C, H, W]"),
        (&[1, 1000], Task::Score, "one number"),
    ] {
        let refusal = one(dims).refusal(Some(task));
        assert!(refusal.contains(understood), "{refusal}");
        assert!(
            refusal.contains("task=tensor") && refusal.contains("output0 ["),
            "{refusal}"
        );
    }
    let refusal = one(&[1, 56, 8400]).metadata("task", "depth").refusal(None);
    assert!(
        refusal.contains("task=depth") && refusal.contains("task=tensor"),
        "{refusal}"
    );
    let refusal = one(&[1, 84, 8400]).metadata("boxes", "inches").refusal(None);
    assert!(
        refusal.contains("boxes=inches") && refusal.contains("fractions"),
        "{refusal}"
    );
    assert!(Model::new(&[]).recognize(None).is_err());
}

/// What a model that nobody says a task of is refused with, as a doubt.
#[track_caller]
fn doubt(model: &Model) -> String {
    let unfit = model.recognize(None).unwrap_err();
    assert!(unfit.is_doubt, "{unfit}");
    unfit.to_string()
}

#[test]
fn outputs_of_which_nothing_is_known_are_a_doubt() {
    let levels = Model::new(&[
        ("score_8", &[384, 1]),
        ("bbox_8", &[384, 4]),
        ("kps_8", &[384, 10]),
    ]);
    assert!(doubt(&levels).contains("kps_8"));
    assert!(levels.refusal(Some(Task::Detect)).contains("kps_8"));
    let digits = Model::new(&[("digit_0", &[1, 10]), ("digit_1", &[1, 10])]);
    assert!(doubt(&digits).contains("digit_1"));
    let asked = digits.recognize(Some(Task::Classify)).unwrap();
    assert!(
        asked.warnings[0].contains("digit_1 is not read"),
        "{:?}",
        asked.warnings
    );
    let label = Model::new(&[("label", &[1]), ("probabilities", &[1, 3])]).element_type(0, ElementType::I64);
    assert!(label.recognize(None).unwrap().warnings.is_empty());
}

#[test]
fn numbers_that_cannot_be_what_they_would_be_are_a_doubt() {
    let planes = |values: [f32; 6]| {
        let columns: Vec<&[f32]> = vec![&values; 21];
        one(&[1, 6, 21]).input(32, 32).seen(&[transposed(&columns)])
    };
    let fine = planes([16.0, 16.0, 8.0, 8.0, 0.1, 0.2]);
    assert_eq!(family(&fine, None), "planes 2");
    assert!(doubt(&planes([16.0, 16.0, 8.0, 8.0, 0.1, 17.0])).contains("17.0"));
    assert!(doubt(&planes([16.0, 16.0, 8.0, 8.0, -9.0, -8.0])).contains("-9.0"));
    let fractions = planes([0.5, 0.5, 0.2, 0.2, 0.1, 0.2]);
    assert!(doubt(&fractions).contains("boxes=fractions"));
    let said = fractions.metadata("boxes", "fractions");
    assert_eq!(family(&said, None), "planes 2 fractions");
    let letters: Vec<f32> = vec![0.1; 10];
    let text: Vec<&[f32]> = vec![&letters; 30];
    assert!(doubt(&one(&[1, 30, 10]).seen(&[rows(&text)])).contains("reads text"));
    let asked = planes([16.0, 16.0, 8.0, 8.0, 0.1, 17.0])
        .recognize(Some(Task::Detect))
        .unwrap();
    assert!(asked.warnings[0].contains("17.0"));
}

#[test]
fn rows_are_finished_detections_however_many_were_seen() {
    for count in [0, 1, 12] {
        let rows = [[8.0, 8.0, 24.0, 24.0, 0.8, 1.0]; 12];
        let seen = tensor(&[count, 6], &rows.concat()[..6 * count]);
        let mut model = one(&[0, 6]).input(128, 96).seen(&[seen]);
        model.evidence.counts = true;
        assert_eq!(family(&model, None), "finished", "{count} rows");
    }
    // A batch of any size has a row for each picture.
    let mut classes = one(&[0, 6]).seen(&[tensor(&[1, 6], &[0.1, 0.2, 0.3, 0.1, 0.2, 0.1])]);
    classes.evidence.is_batch_free = true;
    assert_eq!(family(&classes, None), "classes Some(6)");
    assert_eq!(family(&one(&[0, 7]), None), "finished");
    let dets = Model::new(&[("dets", &[1, 0, 5]), ("labels", &[1, 0])]).element_type(1, ElementType::I64);
    assert_eq!(family(&dets, None), "finished");
    // PaddleDetection says how many rows there are of each picture of the batch.
    let counted = Model::new(&[
        ("multiclass_nms3_0.tmp_0", &[0, 6]),
        ("multiclass_nms3_0.tmp_2", &[1]),
    ]);
    let counted = counted
        .element_type(1, ElementType::I32)
        .seen(&[tensor(&[0, 6], &[])]);
    assert_eq!(family(&counted, None), "finished");
}

#[test]
fn a_plane_over_the_picture_is_a_matte_if_it_goes_from_0_to_1() {
    let plane = |values: &[f32]| {
        let model = Model::new(&[("d0", &[1, 1, 2, 2])]).input(8, 8);
        model.seen(&[tensor(&[1, 1, 2, 2], values)])
    };
    assert_eq!(family(&plane(&[0.0, 0.5, 1.0, 0.2]), None), "matte");
    assert!(doubt(&plane(&[3.0, 90.0, 7.0, 1.0])).contains("depth"));
    let side = Model::new(&[("d0", &[1, 1, 0, 0]), ("d1", &[1, 1, 0, 0])]).made_by(&["Sigmoid", "Sigmoid"]);
    assert_eq!(side.recognize(None).unwrap().family.outputs_read(), [0, 1]);
    let video = Model::new(&[("fgr", &[1, 3, 0, 0]), ("pha", &[1, 1, 0, 0])]);
    assert_eq!(
        video.recognize(Some(Task::Matte)).unwrap().family.outputs_read(),
        [1, 0]
    );
}

#[test]
fn labels_are_found_under_the_names_that_exporters_use() {
    for (key, text) in [
        ("character", "0\n90\n180"),
        ("classes", "a,b,c"),
        ("id2label", r#"{"0": "a", "1": "b", "2": "c"}"#),
        ("labels", "['a', 'b', 'c']"),
    ] {
        let names = one(&[1, 3]).metadata(key, text).recognize(None).unwrap().names;
        assert_eq!(names.len(), 3, "{key}");
        let others = one(&[1, 4]).metadata(key, text).recognize(None).unwrap();
        assert!(
            others.names.is_empty() && !matches!(others.family, Family::Text(_)),
            "{key}: as many as classes, or none of them"
        );
    }
    let mut model = one(&[1, 2]);
    model.evidence.companions = vec![("labels.txt".into(), vec!["no".into(), "yes".into()])];
    assert_eq!(model.recognize(None).unwrap().names, ["no", "yes"]);
}
