// SPDX-License-Identifier: MPL-2.0

//! Answers as GStreamer's own metas, and what stock elements make of them. Needs the feature `analytics` and
//! GStreamer 1.26; `make analytics` runs it where the machine has an older one.

#[path = "support/mod.rs"]
mod support;

use gst::prelude::*;
use gst_analytics::prelude::*;
use gst_analytics::{AnalyticsODMtd, AnalyticsRelationMeta, TensorDataType, TensorDimOrder, TensorMeta};
use gstavrec::answer::{Answer, ClassMap, ClassScore, Detection, Instance, Mask, Region, Text, TurnedBox};
use gstavrec::media::analytics::{self, tensor_caps, tensors};
use gstavrec::media::metas::{self, class_of};
use gstavrec::tensor::{Data, Dim, DimsOrder, ElementType, Tensor, TensorInfo};

use crate::support::init;
use crate::support::models::model;

/// Width and height of the frames.
const SIZE: (u32, u32) = (320, 180);

fn labels() -> Vec<String> {
    ["person", "bicycle", "car"].map(str::to_owned).to_vec()
}

fn detection(edges: [f32; 4], class: u32, confidence: f32) -> Detection {
    let [left, top, right, bottom] = edges;
    Detection {
        region: Region {
            left,
            top,
            width: right - left,
            height: bottom - top,
        },
        class,
        confidence,
        ..Detection::default()
    }
}

/// The detection as it reads back: the label's number in the place of the class.
fn named(detection: &Detection, label: &str) -> Detection {
    Detection {
        class: class_of(label),
        ..detection.clone()
    }
}

fn round_trip(answer: &Answer) -> Option<Answer> {
    init();
    let mut buffer = gst::Buffer::new();
    analytics::attach(buffer.make_mut(), answer, &labels(), SIZE).unwrap();
    // A copy is what elements downstream see.
    let copy = buffer.copy();
    drop(buffer);
    analytics::read(&copy)
}

#[test]
fn detections_read_back_with_their_labels() {
    let car = detection([10.0, 20.0, 110.0, 60.0], 2, 0.875);
    let person = detection([200.0, 5.0, 240.0, 175.0], 0, 0.5);
    let unknown = detection([0.0, 0.0, 320.0, 180.0], 7, 0.25);
    assert_eq!(
        round_trip(&Answer::Detections(vec![
            car.clone(),
            person.clone(),
            unknown.clone()
        ])),
        Some(Answer::Detections(vec![
            named(&car, "car"),
            named(&person, "person"),
            named(&unknown, "7")
        ]))
    );
}

#[test]
fn a_turned_box_reads_back_as_it_lies() {
    let turned = TurnedBox {
        x: 100.0,
        y: 80.0,
        width: 40.0,
        height: 20.0,
        angle: 0.5,
    };
    let [left, top, right, bottom] = turned.bounds();
    let plane = Detection {
        turned: Some(turned),
        ..detection([left, top, right, bottom], 2, 0.5)
    };
    let Some(Answer::Detections(found)) = round_trip(&Answer::Detections(vec![plane.clone()])) else {
        panic!()
    };
    let [one] = found.as_slice() else {
        panic!("{found:?}")
    };
    let own = one.turned.unwrap();
    assert_eq!((own.x, own.y, own.width, own.height), (100.0, 80.0, 40.0, 20.0));
    assert!((own.angle - 0.5).abs() < 1e-6, "{own:?}");
    assert!(0.999 < one.region.iou(&plane.region), "{found:?}");
    assert_eq!(one.class, class_of("car"));
}

#[test]
fn boxes_are_rounded_and_kept_inside_the_frame() {
    let check = |edges, expected| {
        let found = round_trip(&Answer::Detections(vec![detection(edges, 0, 0.5)]));
        let expected = named(&detection(expected, 0, 0.5), "person");
        assert_eq!(found, Some(Answer::Detections(vec![expected])), "{edges:?}");
    };
    check([10.4, 20.6, 30.5, 40.4], [10.0, 21.0, 31.0, 40.0]);
    check([-5.0, -1.0, 400.0, 181.0], [0.0, 0.0, 320.0, 180.0]);
    check([50.1, 60.1, 50.2, 60.2], [50.0, 60.0, 51.0, 61.0]);
    check([500.0, 500.0, 600.0, 600.0], [319.0, 179.0, 320.0, 180.0]);
    check(
        [f32::NAN, f32::NEG_INFINITY, f32::NAN, f32::INFINITY],
        [0.0, 0.0, 1.0, 1.0],
    );
}

#[test]
fn no_detections_are_told_from_no_answer() {
    assert_eq!(
        round_trip(&Answer::Detections(Vec::new())),
        Some(Answer::Detections(Vec::new()))
    );
    assert_eq!(round_trip(&Answer::Score(0.5)), None);
}

#[test]
fn a_text_is_the_label_of_a_classification() {
    let text = |text: &str| {
        Answer::Text(Text {
            text: text.into(),
            confidence: 0.75,
        })
    };
    assert_eq!(
        round_trip(&text("EXIT 4")),
        Some(Answer::Classes(vec![ClassScore {
            class: class_of("EXIT 4"),
            confidence: 0.75,
        }]))
    );
    assert_eq!(round_trip(&text("")), Some(Answer::Detections(Vec::new())));
}

#[test]
fn classes_read_back_with_all_confidences() {
    let class = |class, confidence| ClassScore { class, confidence };
    assert_eq!(
        round_trip(&Answer::Classes(vec![
            class(1, 0.75),
            class(2, 0.125),
            class(0, 0.0625)
        ])),
        Some(Answer::Classes(vec![
            class(class_of("bicycle"), 0.75),
            class(class_of("car"), 0.125),
            class(class_of("person"), 0.0625)
        ]))
    );
}

#[test]
fn a_class_map_reads_back_cell_by_cell() {
    // An odd width, so that rows which are padded would show.
    let classes: Vec<u8> = (0..5 * 3).map(|it| [0, 2, 2, 1, 200][it % 5]).collect();
    let map = Answer::ClassMap(ClassMap {
        width: 5,
        height: 3,
        classes,
    });
    assert_eq!(round_trip(&map), Some(map));
}

#[test]
fn instances_read_back_with_masks_cut_at_half() {
    let mask = |coverage: &[u8]| Mask {
        width: 3,
        height: 2,
        coverage: coverage.to_vec(),
    };
    let (car, person) = (
        detection([10.0, 20.0, 110.0, 60.0], 2, 0.875),
        detection([200.0, 5.0, 240.0, 175.0], 0, 0.5),
    );
    let instance = |detection, coverage| Instance {
        detection,
        mask: mask(coverage),
    };
    assert_eq!(
        round_trip(&Answer::Instances(vec![
            instance(car.clone(), &[0, 127, 128, 255, 0, 64]),
            instance(person.clone(), &[255, 0, 0, 0, 200, 1]),
        ])),
        Some(Answer::Instances(vec![
            instance(named(&car, "car"), &[0, 0, 255, 255, 0, 0]),
            instance(named(&person, "person"), &[255, 0, 0, 0, 255, 0]),
        ]))
    );
}

#[test]
fn detections_leave_in_the_older_terms_besides() {
    init();
    let car = detection([10.0, 20.0, 110.0, 60.0], 2, 0.875);
    let mut buffer = gst::Buffer::new();
    metas::attach(
        buffer.make_mut(),
        &Answer::Detections(vec![car.clone()]),
        &labels(),
        SIZE,
    )
    .unwrap();
    let region = buffer.meta::<gst_video::VideoRegionOfInterestMeta>().unwrap();
    assert_eq!((region.roi_type(), region.rect()), ("car", (10, 20, 100, 40)));
    assert_eq!(metas::detections(&buffer), [named(&car, "car")]);
    assert_eq!(
        metas::read(&buffer),
        Some(Answer::Detections(vec![named(&car, "car")]))
    );
}

#[test]
fn instances_keep_their_masks_where_regions_of_interest_have_none() {
    init();
    let instance = |detection| Instance {
        detection,
        mask: Mask {
            width: 2,
            height: 1,
            coverage: vec![255, 0],
        },
    };
    let car = detection([10.0, 20.0, 110.0, 60.0], 2, 0.875);
    let mut buffer = gst::Buffer::new();
    let answer = Answer::Instances(vec![instance(car.clone())]);
    metas::attach(buffer.make_mut(), &answer, &labels(), SIZE).unwrap();
    assert_eq!(
        metas::read(&buffer),
        Some(Answer::Instances(vec![instance(named(&car, "car"))]))
    );
    assert_eq!(metas::detections(&buffer), [named(&car, "car")]);
}

#[test]
fn what_others_said_in_the_older_terms_counts_where_we_found_nothing() {
    init();
    let mut buffer = gst::Buffer::new();
    metas::attach(
        buffer.make_mut(),
        &Answer::Detections(Vec::new()),
        &labels(),
        SIZE,
    )
    .unwrap();
    assert_eq!(metas::read(&buffer), Some(Answer::Detections(Vec::new())));
    gst_video::VideoRegionOfInterestMeta::add(buffer.make_mut(), "dog", (1, 2, 3, 4));
    let dog = named(&detection([1.0, 2.0, 4.0, 6.0], 0, 1.0), "dog");
    assert_eq!(metas::read(&buffer), Some(Answer::Detections(vec![dog])));
}

#[test]
fn the_names_of_a_class_map_are_no_classes_of_the_frame() {
    init();
    let map = ClassMap {
        width: 2,
        height: 1,
        classes: vec![0, 2],
    };
    let score = ClassScore {
        class: 1,
        confidence: 0.75,
    };
    let mut buffer = gst::Buffer::new();
    analytics::attach_classes(buffer.make_mut(), &[score], &labels()).unwrap();
    analytics::attach(buffer.make_mut(), &Answer::ClassMap(map.clone()), &labels(), SIZE).unwrap();
    let bicycle = ClassScore {
        class: class_of("bicycle"),
        ..score
    };
    assert_eq!(analytics::classes(&buffer), Some(vec![bicycle]));
    assert_eq!(analytics::class_map(&buffer), Some(map));
}

#[test]
fn classes_of_sound_leave_as_a_classification() {
    init();
    let mut buffer = gst::Buffer::new();
    let speech = ClassScore {
        class: 0,
        confidence: 0.5,
    };
    metas::attach_to_sound(buffer.make_mut(), &[speech], &["speech".to_owned()]).unwrap();
    let expected = ClassScore {
        class: class_of("speech"),
        ..speech
    };
    assert_eq!(analytics::classes(&buffer), Some(vec![expected]));
}

#[test]
fn a_mask_without_cells_is_refused() {
    init();
    let mut buffer = gst::Buffer::new();
    let map = Answer::ClassMap(ClassMap::default());
    let error = analytics::attach(buffer.make_mut(), &map, &labels(), SIZE).unwrap_err();
    assert!(error.to_string().contains("0x0"), "{error}");
}

#[test]
fn what_another_element_attached_is_read_most_confident_first() {
    init();
    let mut buffer = gst::Buffer::new();
    {
        let mut meta = AnalyticsRelationMeta::add(buffer.make_mut());
        meta.add_od_mtd(gst::glib::Quark::from_str("dog"), 1, 2, 3, 4, 0.25)
            .unwrap();
        meta.add_od_mtd(gst::glib::Quark::from_str("cat"), 5, 6, 7, 8, 0.5)
            .unwrap();
    }
    let Some(Answer::Detections(found)) = analytics::read(&buffer) else {
        panic!("no detections");
    };
    let confidences: Vec<f32> = found.iter().map(|it| it.confidence).collect();
    assert_eq!(confidences, [0.5, 0.25]);
    assert_eq!(
        [found[0].class, found[1].class],
        [class_of("cat"), class_of("dog")]
    );
}

#[test]
fn an_answer_is_added_to_what_the_buffer_has() {
    init();
    let mut buffer = gst::Buffer::new();
    let first = detection([0.0, 0.0, 10.0, 10.0], 0, 0.25);
    let second = detection([20.0, 0.0, 30.0, 10.0], 1, 0.75);
    for it in [first.clone(), second.clone()] {
        analytics::attach(buffer.make_mut(), &Answer::Detections(vec![it]), &labels(), SIZE).unwrap();
    }
    assert_eq!(
        analytics::read(&buffer),
        Some(Answer::Detections(vec![
            named(&second, "bicycle"),
            named(&first, "person")
        ]))
    );
}

#[test]
fn the_meta_follows_a_frame_that_is_scaled() {
    init();
    let found = detection([10.0, 20.0, 110.0, 60.0], 2, 0.875);
    let frame = through(
        "videoscale ! capsfilter caps=video/x-raw,width=640,height=360",
        &Answer::Detections(vec![found]),
    );
    let expected = named(&detection([20.0, 40.0, 220.0, 120.0], 2, 0.875), "car");
    assert_eq!(analytics::read(&frame), Some(Answer::Detections(vec![expected])));
}

#[test]
fn the_stock_overlay_draws_the_box() {
    init();
    let found = detection([100.0, 40.0, 220.0, 140.0], 2, 0.875);
    let chain = "objectdetectionoverlay draw-labels=false object-detection-outline-color=0xffffffff";
    let plain = through(chain, &Answer::Detections(Vec::new()));
    let drawn = through(chain, &Answer::Detections(vec![found]));
    let changed = differing_pixels(&plain, &drawn);
    assert!(!changed.is_empty(), "nothing was drawn");
    // The outline is a line of two pixels or so, on both sides of the edge.
    let near = |at: i64, edge: i64| (at - edge).abs() <= 3;
    for (x, y) in &changed {
        let on_edge = near(*x, 100) || near(*x, 220) || near(*y, 40) || near(*y, 140);
        let inside = (97..=223).contains(x) && (37..=143).contains(y);
        assert!(on_edge && inside, "({x}, {y}) is not on the outline");
    }
    for edge in [(100, 90), (220, 90), (160, 40), (160, 140)] {
        let hit = changed.iter().any(|it| near(it.0, edge.0) && near(it.1, edge.1));
        assert!(hit, "no outline at {edge:?}");
    }
}

#[test]
fn the_stock_overlay_writes_the_label() {
    init();
    let found = Answer::Detections(vec![detection([100.0, 40.0, 220.0, 140.0], 2, 0.875)]);
    let box_only = through("objectdetectionoverlay draw-labels=false", &found);
    let labelled = through("objectdetectionoverlay draw-labels=true", &found);
    assert!(50 < differing_pixels(&box_only, &labelled).len(), "no label");
}

/// One black RGB frame with an answer, after a chain of elements.
fn through(chain: &str, answer: &Answer) -> gst::Buffer {
    let mut harness = rgb_harness(chain);
    let mut frame = gst::Buffer::from_mut_slice(vec![0u8; (SIZE.0 * SIZE.1 * 3) as usize]);
    analytics::attach(frame.make_mut(), answer, &labels(), SIZE).unwrap();
    harness.push_and_pull(frame).unwrap()
}

fn rgb_harness(chain: &str) -> gst_check::Harness {
    let mut harness = gst_check::Harness::new_parse(chain);
    let (width, height) = SIZE;
    harness.set_src_caps_str(&format!(
        "video/x-raw,format=RGB,width={width},height={height},framerate=25/1"
    ));
    harness
}

/// The places where two RGB frames differ.
fn differing_pixels(one: &gst::Buffer, other: &gst::Buffer) -> Vec<(i64, i64)> {
    let (one, other) = (one.map_readable().unwrap(), other.map_readable().unwrap());
    assert_eq!(one.len(), other.len());
    let pixels = one.chunks_exact(3).zip(other.chunks_exact(3));
    let width = i64::from(SIZE.0);
    (0..)
        .zip(pixels)
        .filter(|(_, (one, other))| one != other)
        .map(|(at, _): (i64, _)| (at % width, at / width))
        .collect()
}

fn floats(dims: &[usize], elements: &[f32]) -> Tensor {
    Tensor {
        dims: dims.to_vec(),
        data: Data::F32(elements.to_vec()),
    }
}

#[test]
fn tensors_carry_id_type_dims_and_order() {
    init();
    let boxes = floats(&[1, 2, 4], &[0.5, 1.5, 2.5, 3.5, -4.0, 5.0, 6.0, 7.25]);
    let counts = Tensor {
        dims: vec![3],
        data: Data::I64(vec![7, -8, 9]),
    };
    let number = Tensor {
        dims: Vec::new(),
        data: Data::U8(vec![250]),
    };
    let mut buffer = gst::Buffer::new();
    let outputs = [
        ("boxes", DimsOrder::RowMajor, &boxes),
        ("counts", DimsOrder::ColumnMajor, &counts),
        ("number", DimsOrder::RowMajor, &number),
    ];
    tensors::attach(buffer.make_mut(), outputs).unwrap();
    let meta = buffer.meta::<TensorMeta>().unwrap();
    let [first, second, third] = meta.as_slice() else {
        panic!("not three tensors");
    };
    assert_eq!(first.id().as_str(), "boxes");
    assert_eq!(
        (first.dims(), first.data_type()),
        (&[1usize, 2, 4][..], TensorDataType::Float32)
    );
    assert_eq!(first.dims_order(), TensorDimOrder::RowMajor);
    let bytes = first.data().map_readable().unwrap();
    let elements: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|it| f32::from_ne_bytes(it.try_into().unwrap()))
        .collect();
    assert_eq!(elements, [0.5, 1.5, 2.5, 3.5, -4.0, 5.0, 6.0, 7.25]);
    assert_eq!(second.dims_order(), TensorDimOrder::ColMajor);
    assert_eq!(
        (second.data_type(), second.data().size()),
        (TensorDataType::Int64, 24)
    );
    assert_eq!(
        (third.dims(), third.data_type()),
        (&[1usize][..], TensorDataType::Uint8)
    );
}

#[test]
fn a_tensor_of_another_size_than_its_dims_is_refused() {
    init();
    let broken = floats(&[2, 3], &[1.0; 5]);
    let mut buffer = gst::Buffer::new();
    let error = tensors::attach(buffer.make_mut(), [("broken", DimsOrder::RowMajor, &broken)]).unwrap_err();
    assert!(error.to_string().contains("'broken' has 5 elements"), "{error}");
    assert!(buffer.meta::<TensorMeta>().is_none());
}

/// The stock decoder of SSD models, and the ids by which it knows boxes, scores, classes and count: they changed with
/// GStreamer 1.28.
fn ssd_decoder() -> (&'static str, [String; 4]) {
    match gst::version() {
        (1, 26, ..) => (
            "ssdobjectdetector",
            ["Boxes", "Scores", "Classes", "NumDetections"]
                .map(|it| format!("Gst.Model.ObjectDetector.{it}")),
        ),
        _ => (
            "ssdtensordec",
            [
                "ssd-mobilenet-v1-variant-1-out-boxes",
                "ssd-mobilenet-v1-variant-1-out-scores",
                "ssd-mobilenet-v1-variant-1-out-classes",
                "generic-variant-1-out-count",
            ]
            .map(str::to_owned),
        ),
    }
}

/// Outputs of an SSD model: corners (top, left, bottom, right) over the frame's size, scores, classes, count.
fn ssd_outputs() -> [Tensor; 4] {
    [
        floats(
            &[1, 3, 4],
            &[0.25, 0.125, 0.75, 0.5, 0.5, 0.5, 1.0, 0.75, 0.0, 0.0, 0.25, 0.25],
        ),
        floats(&[1, 3], &[0.875, 0.5, 0.125]),
        floats(&[1, 3], &[3.0, 1.0, 1.0]),
        floats(&[1], &[3.0]),
    ]
}

#[test]
fn a_stock_decoder_finds_the_boxes_in_our_tensors() {
    init();
    let [boxes, scores, classes, count] = ssd_outputs();
    let (decoder, ids) = ssd_decoder();
    let file = tempfile::NamedTempFile::new().unwrap();
    // Later decoders count classes from 1; of these lines each class has the same label either way.
    std::fs::write(file.path(), "person\nperson\ncar\ncar\n").unwrap();
    let chain = format!(
        "{decoder} score-threshold=0.3 label-file={}",
        file.path().display()
    );
    let mut harness = gst_check::Harness::new_parse(&chain);
    let infos: Vec<TensorInfo> = [&boxes, &scores, &classes, &count]
        .into_iter()
        .zip(&ids)
        .map(|(tensor, id)| info(id, tensor))
        .collect();
    let mut caps: gst::Caps = "video/x-raw,format=RGB,width=320,height=180,framerate=25/1"
        .parse()
        .unwrap();
    let described = infos.iter().map(|it| (it, DimsOrder::RowMajor));
    if let Some(tensors) = tensor_caps::describe("ssd-mobilenet-v1-variant-1-out", described) {
        tensor_caps::set(caps.make_mut(), &tensors);
    }
    harness.set_src_caps(caps);
    let mut frame = gst::Buffer::from_mut_slice(vec![0u8; (SIZE.0 * SIZE.1 * 3) as usize]);
    let outputs = [&boxes, &scores, &classes, &count];
    let outputs = ids
        .iter()
        .zip(outputs)
        .map(|(id, it)| (id.as_str(), DimsOrder::RowMajor, it));
    tensors::attach(frame.make_mut(), outputs).unwrap();
    let decoded = harness.push_and_pull(frame).unwrap();
    let car = named(&detection([40.0, 45.0, 160.0, 135.0], 2, 0.875), "car");
    let person = named(&detection([160.0, 90.0, 240.0, 180.0], 0, 0.5), "person");
    assert_eq!(
        analytics::read(&decoded),
        Some(Answer::Detections(vec![car, person]))
    );
    let meta = decoded.meta::<AnalyticsRelationMeta>().unwrap();
    assert_eq!(meta.iter::<AnalyticsODMtd>().count(), 2);
}

/// Declares an output as SSD models do: how many boxes there are is open.
fn info(id: &str, tensor: &Tensor) -> TensorInfo {
    let mut dims: Vec<Dim> = tensor.dims.iter().map(|&it| Dim::Fixed(it)).collect();
    if let Some(boxes) = dims.get_mut(1) {
        *boxes = Dim::Dynamic("boxes".to_owned());
    }
    TensorInfo {
        name: id.to_owned(),
        id: id.to_owned(),
        element_type: ElementType::F32,
        dims,
    }
}

/// A square frame that is dark but for some of its 4x4 cells.
fn cells(side: usize, bright: &[(usize, usize)]) -> gst::Buffer {
    let mut pixels = vec![10u8; side * side * 3];
    for &(column, row) in bright {
        let size = side / 4;
        for y in row * size..(row + 1) * size {
            pixels[(y * side + column * size) * 3..][..size * 3].fill(230);
        }
    }
    gst::Buffer::from_mut_slice(pixels)
}

fn push_through(chain: &str, side: usize, frame: gst::Buffer) -> gst::Buffer {
    let mut harness = gst_check::Harness::new_parse(chain);
    harness.set_src_caps_str(&format!(
        "video/x-raw,format=RGB,width={side},height={side},framerate=25/1"
    ));
    harness.push_and_pull(frame).unwrap()
}

/// What a chain wants of the frames that go into it by way of tensors.
fn asked_of_upstream(chain: &str) -> Option<String> {
    let harness = gst_check::Harness::new_parse(chain);
    let sink = harness.element().unwrap().static_pad("sink").unwrap();
    let caps = sink.query_caps(None);
    let fields: Vec<_> = caps
        .iter()
        .filter_map(|it| it.value(tensor_caps::FIELD).ok())
        .collect();
    fields.first().map(|it| format!("{it:?}"))
}

fn in_reading_order(buffer: &gst::Buffer) -> Vec<Detection> {
    let mut found = analytics::detections(buffer);
    found.sort_by(|a, b| {
        let place = |it: &Detection| (it.region.top as i64, it.region.left as i64);
        place(a).cmp(&place(b))
    });
    found
}

/// A folder with a copy of a model, its description and labels.
fn described_model(name: &str, description: &str, labels: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(model(name), folder.path().join("model.onnx")).unwrap();
    std::fs::write(folder.path().join("model.modelinfo"), description).unwrap();
    std::fs::write(folder.path().join("labels.txt"), labels).unwrap();
    folder
}

#[test]
fn a_stock_decoder_behind_the_element_finds_what_the_element_finds_itself() {
    init();
    let (decoder, [boxes, scores, classes, count]) = ssd_decoder();
    let output = |name: &str, id: &str, dims: &str| {
        format!("[{name}]\nid={id}\ntype=float32\ndims={dims}\ndir=output\ndims-order=row-major\n\n")
    };
    let description = [
        "[modelinfo]\nversion=1.0\ngroup-id=ssd-mobilenet-v1-variant-1-out\n\n".to_owned(),
        output("detection_boxes", &boxes, "1,-1,4"),
        output("detection_classes", &classes, "1,-1"),
        output("detection_scores", &scores, "1,-1"),
        output("num_detections", &count, "1"),
    ]
    .concat();
    // Later decoders count classes from 1; of these lines each class has the same label either way.
    let folder = described_model("ssd_bright", &description, "bright\nbright\n");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (model, labels) = (at("model.onnx"), at("labels.txt"));
    // Twice the size of the model's input, so that boxes are scaled.
    let (side, bright) = (128, [(0, 0), (2, 1), (3, 3)]);
    // Their size threshold looks at the lower right corner, not at the size.
    let theirs = push_through(
        &format!(
            "avrec-infer task=tensor model-file={model} ! {decoder} score-threshold=0.5 size-threshold=1 label-file={labels}"
        ),
        side,
        cells(side, &bright),
    );
    let ours = push_through(
        &format!("avrec-infer task=detect confidence-threshold=0.5 model-file={model} labels-file={labels}"),
        side,
        cells(side, &bright),
    );
    let (theirs_found, ours_found) = (in_reading_order(&theirs), in_reading_order(&ours));
    assert_eq!(theirs_found, ours_found);
    let places: Vec<_> = ours_found.iter().map(|it| (it.region, it.class)).collect();
    let expected = bright.map(|(column, row)| {
        let (left, top) = (column as f32 * 32.0 + 2.0, row as f32 * 32.0 + 2.0);
        let found = named(&detection([left, top, left + 28.0, top + 28.0], 0, 1.0), "bright");
        (found.region, found.class)
    });
    assert_eq!(places, expected);
    assert!(theirs.meta::<TensorMeta>().is_some());
    assert!(ours.meta::<TensorMeta>().is_none());
}

#[test]
fn the_stock_overlay_draws_what_the_element_finds() {
    init();
    let model = model("detect_bright").display().to_string();
    let drawn = |bright: &[(usize, usize)]| {
        let chain =
            format!("avrec-infer task=detect model-file={model} ! objectdetectionoverlay draw-labels=false");
        push_through(&chain, 64, cells(64, bright))
    };
    // A cell of the frame holds four of the model's: their outlines leave its upper left corner as bright as it was
    // nowhere.
    let (dark, found) = (drawn(&[]), drawn(&[(1, 2)]));
    let at = |buffer: &gst::Buffer, x: usize, y: usize| buffer.map_readable().unwrap()[(y * 64 + x) * 3];
    assert_eq!((at(&dark, 16, 32), at(&dark, 60, 60)), (10, 10));
    assert!(230 < at(&found, 17, 32), "no outline: {}", at(&found, 17, 32));
    assert_eq!(at(&found, 60, 60), 10);
}

#[test]
fn the_stock_decoder_of_yolo_finds_what_the_element_finds_itself() {
    init();
    if gst::ElementFactory::find("yolov8tensordec").is_none() {
        eprintln!(
            "yolov8tensordec comes with GStreamer 1.28; this is {}",
            gst::version_string()
        );
        return;
    }
    let description = "[modelinfo]\nversion=1.0\ngroup-id=yolo-v8-out\n\n[output0]\nid=yolo-v8-out\ntype=float32\n\
        dims=1,6,-1\ndir=output\ndims-order=col-major\n";
    let folder = described_model("detect_bright", description, "bright\nred\n");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (model, labels) = (at("model.onnx"), at("labels.txt"));
    let bright = [(0, 0), (2, 1), (3, 3)];
    let raw = format!("avrec-infer task=tensor model-file={model}");
    let decoder = format!("yolov8tensordec class-confidence-threshold=0.5 label-file={labels}");
    let theirs = push_through(&format!("{raw} ! {decoder}"), 64, cells(64, &bright));
    let plugged = push_through(&format!("{raw} ! tensordecodebin"), 64, cells(64, &bright));
    let ours = push_through(
        &format!("avrec-infer task=detect confidence-threshold=0.5 model-file={model} labels-file={labels}"),
        64,
        cells(64, &bright),
    );
    assert_eq!(asked_of_upstream(&format!("{raw} ! {decoder}")), None);
    let ours = in_reading_order(&ours);
    assert_eq!(ours.len(), 4 * bright.len(), "{ours:?}");
    assert_eq!(in_reading_order(&theirs), ours);
    let regions = |found: Vec<Detection>| found.iter().map(|it| it.region).collect::<Vec<_>>();
    assert_eq!(regions(in_reading_order(&plugged)), regions(ours));
}

#[test]
fn tensor_caps_are_those_that_gstreamer_1_28_knows_and_none_before() {
    init();
    let output = TensorInfo {
        name: "output0".to_owned(),
        id: "yolo-v8-out".to_owned(),
        element_type: ElementType::F32,
        dims: [1, 84, 8400].map(Dim::Fixed).to_vec(),
    };
    let described = tensor_caps::describe("yolo-v8-out", [(&output, DimsOrder::ColumnMajor)]);
    if gst::version() < (1, 28, 0, 0) {
        assert_eq!(described, None);
        return;
    }
    let described = described.expect("a description");
    let mut caps: gst::Caps = "video/x-raw,format=RGB,width=320,height=180,framerate=25/1"
        .parse()
        .unwrap();
    tensor_caps::set(caps.make_mut(), &described);
    assert!(caps.is_fixed(), "{caps}");
    let decoder = gst::ElementFactory::find("yolov8tensordec").expect("the decoder");
    assert!(decoder.can_sink_all_caps(&caps), "the decoder refuses {caps}");
    let other = tensor_caps::describe("yolo-v8-out", [(&output, DimsOrder::RowMajor)]).unwrap();
    tensor_caps::set(caps.make_mut(), &other);
    assert!(
        !decoder.can_sink_all_caps(&caps),
        "the decoder takes another order"
    );
    tensor_caps::remove(caps.make_mut());
    assert!(!caps.to_string().contains("tensors"), "{caps}");
}
