// SPDX-License-Identifier: MPL-2.0

//! Models into sessions: what is understood, what is refused, and what the answers are.

use gstavrec::runtime::{BackendChoice, Error, Options, Runner, Task, TaskChoice};
use gstavrec::tensor::{Channels, Data, Layout, Tensor};

use crate::support::models::{backends, has_ort, load, model};

/// A value for each pixel that is neither flat nor symmetric, in 0..=1.
fn texture(index: usize) -> f32 {
    ((index * 29) % 101) as f32 / 100.0
}

fn fill(tensor: &mut Tensor, white: f32) {
    match &mut tensor.data {
        Data::F32(it) => it
            .iter_mut()
            .enumerate()
            .for_each(|(i, it)| *it = texture(i) * white),
        Data::F16(it) => it
            .iter_mut()
            .enumerate()
            .for_each(|(i, it)| *it = half::f16::from_f32(texture(i) * white)),
        Data::U8(it) => it
            .iter_mut()
            .enumerate()
            .for_each(|(i, it)| *it = (texture(i) * white) as u8),
        _ => panic!("frames are not integers"),
    }
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    match &tensor.data {
        Data::F32(it) => it.clone(),
        Data::F16(it) => it.iter().map(|it| it.to_f32()).collect(),
        Data::U8(it) => it.iter().map(|&it| f32::from(it)).collect(),
        Data::I32(it) => it.iter().map(|&it| it as f32).collect(),
        Data::I64(it) => it.iter().map(|&it| it as f32).collect(),
    }
}

#[track_caller]
fn answer(session: &mut Runner, dims: [usize; 4], white: f32) -> (Vec<f32>, Vec<f32>, Vec<usize>) {
    session.prepare(&dims).unwrap();
    fill(session.input(), white);
    let input = floats(session.input());
    let outputs = session.run().unwrap();
    (input, floats(&outputs[0]), outputs[0].dims.clone())
}

#[test]
fn an_upscaler_of_any_size_is_an_image_model_of_factor_two() {
    for backend in backends() {
        let mut session = load("twice_luma", backend, TaskChoice::Auto).unwrap();
        assert_eq!(session.model().task, Task::Image);
        assert_eq!(session.model().output_size(321, 180), (642, 360));
        let spec = session.model().output_spec.clone().unwrap();
        assert_eq!(
            (spec.layout, spec.channels, spec.size),
            (Layout::Nchw, Channels::Luma, None)
        );
        let (input, output, dims) = answer(&mut session, [1, 1, 5, 7], 1.0);
        assert_eq!(dims, [1, 1, 10, 14]);
        for (index, value) in output.iter().enumerate() {
            assert_eq!(
                *value,
                input[index / 14 / 2 * 7 + index % 14 / 2],
                "{backend:?} {index}"
            );
        }
    }
}

#[test]
fn shapes_may_change_from_run_to_run_and_back() {
    for backend in backends() {
        let mut session = load("twice_rgb", backend, TaskChoice::Auto).unwrap();
        for (height, width) in [(4, 6), (4, 6), (9, 3), (4, 6), (1, 1)] {
            let (input, output, dims) = answer(&mut session, [1, 3, height, width], 1.0);
            assert_eq!(dims, [1, 3, 2 * height, 2 * width]);
            assert_eq!(output[0], input[0]);
            assert_eq!(output.last(), input.last());
        }
    }
}

#[test]
fn each_layout_and_type_is_understood_and_computed() {
    for (name, dims, white, needs_ort) in [
        ("invert_luma", [1, 1, 5, 7], 1.0, false),
        ("invert_rgb", [1, 3, 5, 7], 1.0, false),
        ("invert_rgb_fixed", [1, 3, 16, 24], 1.0, false),
        ("invert_nhwc", [1, 5, 7, 3], 1.0, false),
        ("invert_chw", [1, 3, 5, 7], 1.0, false),
        ("invert_hw", [1, 1, 5, 7], 1.0, false),
        ("invert_255", [1, 3, 5, 7], 255.0, false),
        ("invert_byte", [1, 5, 7, 3], 255.0, false),
        ("invert_half", [1, 3, 5, 7], 1.0, true),
        ("external", [1, 1, 5, 7], 1.0, false),
    ] {
        for backend in backends() {
            if needs_ort && backend == BackendChoice::Rten {
                continue;
            }
            let mut session = load(name, backend, TaskChoice::Auto).unwrap();
            assert_eq!(session.model().task, Task::Image, "{name}");
            assert_eq!(
                session.model().input_spec.image().unwrap().ranges[0],
                (0.0, white),
                "{name}"
            );
            for _ in 0..3 {
                let (input, output, out_dims) = answer(&mut session, dims, white);
                assert_eq!(out_dims, dims, "{name}");
                let error = input
                    .iter()
                    .zip(&output)
                    .map(|(a, b)| (white - a - b).abs())
                    .fold(0.0, f32::max);
                assert!(error < white * 1e-3, "{name} {backend:?} {error}");
            }
        }
    }
}

#[test]
fn a_fixed_size_and_a_smaller_answer_have_their_scale() {
    for backend in backends() {
        let fixed = load("twice_luma_fixed", backend, TaskChoice::Task(Task::Image)).unwrap();
        assert_eq!(fixed.model().input_spec.image().unwrap().size, Some((24, 16)));
        assert_eq!(fixed.model().output_spec.as_ref().unwrap().size, Some((48, 32)));
        assert_eq!(fixed.model().output_size(320, 180), (640, 360));
        let half = load("half_luma", backend, TaskChoice::Auto).unwrap();
        assert_eq!(half.model().output_size(320, 180), (160, 90));
    }
}

#[test]
fn tensors_come_out_with_name_type_and_shape() {
    for backend in backends() {
        let mut session = load("means_and_size", backend, TaskChoice::Auto).unwrap();
        assert_eq!(session.model().task, Task::Tensor);
        session.prepare(&[1, 3, 4, 6]).unwrap();
        fill(session.input(), 1.0);
        let input = floats(session.input());
        let outputs = session.run().unwrap();
        let mean: f32 = input[..24].iter().sum::<f32>() / 24.0;
        assert_eq!(outputs[0].dims, [1, 3]);
        assert!((floats(&outputs[0])[0] - mean).abs() < 1e-5);
        assert_eq!(outputs[1].data, Data::I64(vec![1, 3, 4, 6]));
    }
}

#[test]
fn an_answer_whose_shape_depends_on_the_values_is_right_each_time() {
    for backend in backends() {
        let mut session = load("bright_places", backend, TaskChoice::Task(Task::Tensor)).unwrap();
        session.prepare(&[1, 1, 2, 3]).unwrap();
        for count in [1, 4, 0, 6, 2] {
            let Data::F32(pixels) = &mut session.input().data else {
                panic!("not floats")
            };
            pixels
                .iter_mut()
                .enumerate()
                .for_each(|(index, it)| *it = if index < count { 0.9 } else { 0.1 });
            assert_eq!(session.run().unwrap()[0].dims, [4, count], "{backend:?}");
        }
    }
}

#[test]
fn outputs_keep_their_memory_while_shapes_repeat() {
    if !has_ort() {
        return;
    }
    let mut session = load("twice_luma", BackendChoice::Ort, TaskChoice::Auto).unwrap();
    let mut address = |white: f32| {
        let _ = answer(&mut session, [1, 1, 20, 30], white);
        let Data::F32(output) = &session.run().unwrap()[0].data else {
            panic!("not floats")
        };
        (output.as_ptr(), output[5])
    };
    let (first, second) = (address(1.0), address(0.5));
    assert_eq!(first.0, second.0);
    assert_eq!(first.1, 2.0 * second.1);
}

#[test]
fn an_input_that_was_replaced_is_still_read() {
    for backend in backends() {
        let mut session = load("invert_luma", backend, TaskChoice::Auto).unwrap();
        let _ = answer(&mut session, [1, 1, 5, 7], 1.0);
        session.input().data = Data::F32(vec![0.25; 35]);
        assert_eq!(session.run().unwrap()[0].data, Data::F32(vec![0.75; 35]));
        session.input().data = Data::F32(vec![0.25; 34]);
        assert!(matches!(session.run(), Err(Error::NotPrepared { .. })));
    }
}

#[test]
fn each_fault_of_a_file_says_what_to_change() {
    for (name, task, words) in [
        (
            "does_not_exist",
            TaskChoice::Auto,
            &["does not exist", "set model-file"][..],
        ),
        ("text", TaskChoice::Auto, &["not an ONNX model", "export"]),
        ("empty", TaskChoice::Auto, &["an empty file", "again"]),
        (
            "truncated",
            TaskChoice::Auto,
            &["truncated after 60 bytes", "again"],
        ),
        (
            "unknown_operator",
            TaskChoice::Auto,
            &["Blur", "operator", "backend="],
        ),
        (
            "external_missing",
            TaskChoice::Auto,
            &["absent.data", "put it there"],
        ),
        (
            "external_short",
            TaskChoice::Auto,
            &["short.data", "2 bytes where 4 are needed"],
        ),
        (
            "external_absolute",
            TaskChoice::Auto,
            &["/etc/hostname", "outside"],
        ),
        ("external_parent", TaskChoice::Auto, &["outside", "relative"]),
        (
            "rank_1",
            TaskChoice::Auto,
            &["looks like sound", "'sample_rate=16000' to section [x]"],
        ),
        (
            "rank_5",
            TaskChoice::Auto,
            &["'x' has 5 dimension", "4 dimensions"],
        ),
        (
            "two_channels",
            TaskChoice::Auto,
            &["neither 1 channel (luma) nor 3 (RGB)"],
        ),
        (
            "dynamic_channels",
            TaskChoice::Auto,
            &["dims=1,3,-1,-1", "dynamic_channels.onnx.modelinfo", "[x]"],
        ),
        ("no_shape", TaskChoice::Auto, &["no shape", "dims=1,3,-1,-1"]),
        ("batch_4", TaskChoice::Auto, &["batches of 4", "batch of 1"]),
        ("two_inputs", TaskChoice::Auto, &["its input 'x2'", "value=0.5"]),
        ("double_input", TaskChoice::Auto, &["float64", "Cast"]),
        (
            "means",
            TaskChoice::Task(Task::Image),
            &["'means' (1,3) is no picture", "task=tensor"],
        ),
        (
            "means_and_size",
            TaskChoice::Task(Task::Image),
            &["2 outputs", "task=tensor"],
        ),
        (
            "padded",
            TaskChoice::Task(Task::Image),
            &["does not follow", "task=tensor"],
        ),
    ] {
        for backend in backends() {
            let Err(error) = load(name, backend, task) else {
                panic!("{name} was taken by {backend:?}")
            };
            let text = error.to_string();
            words
                .iter()
                .for_each(|word| assert!(text.contains(word), "{name}: '{word}' is not in: {text}"));
        }
    }
}

#[test]
fn what_is_no_picture_is_a_tensor_when_nobody_says() {
    for backend in backends() {
        for name in ["means", "padded"] {
            let session = load(name, backend, TaskChoice::Auto).unwrap();
            assert_eq!(session.model().task, Task::Tensor, "{name}");
        }
    }
}

#[test]
fn a_picture_with_nan_is_an_error_that_names_the_place() {
    for backend in backends() {
        let mut session = load("nan_in_the_dark", backend, TaskChoice::Task(Task::Image)).unwrap();
        session.prepare(&[1, 1, 2, 2]).unwrap();
        session.input().data = Data::F32(vec![0.9, 0.6, 0.2, 0.7]);
        let error = session.run().unwrap_err();
        assert!(matches!(error, Error::NotFinite { index: 2, .. }), "{error}");
        session.input().data = Data::F32(vec![0.9, 0.6, 0.75, 0.7]);
        assert!(session.run().is_ok());
    }
}

#[test]
fn a_run_that_fails_leaves_the_session_usable() {
    for backend in backends() {
        let mut session = load("fails_when_wide", backend, TaskChoice::Task(Task::Image)).unwrap();
        session.prepare(&[1, 1, 2, 300]).unwrap();
        assert!(matches!(session.run(), Err(Error::Run { .. })));
        let (input, output, _) = answer(&mut session, [1, 1, 2, 30], 1.0);
        assert_eq!(input, output);
    }
}

#[test]
fn an_input_of_the_wrong_or_an_absurd_shape_is_refused() {
    for backend in backends() {
        let mut session = load("invert_rgb_fixed", backend, TaskChoice::Auto).unwrap();
        assert!(matches!(session.run(), Err(Error::NotPrepared { .. })));
        for dims in [&[1, 3, 16, 25][..], &[1, 1, 16, 24], &[3, 16, 24], &[]] {
            assert!(
                matches!(session.prepare(dims), Err(Error::Shape { .. })),
                "{dims:?}"
            );
        }
        let mut session = load("invert_luma", backend, TaskChoice::Auto).unwrap();
        assert!(matches!(
            session.prepare(&[1, 1, 1 << 20, 1 << 20]),
            Err(Error::TensorTooLarge { .. })
        ));
        assert!(matches!(session.prepare(&[1, 1, 0, 4]), Err(Error::Shape { .. })));
    }
}

#[test]
fn a_folder_is_no_model() {
    let folder = tempfile::tempdir().unwrap();
    let Err(error) = Runner::load(folder.path(), &Options::default()) else {
        panic!("a folder was taken")
    };
    assert!(error.to_string().contains("is a folder"), "{error}");
}

#[test]
fn half_floats_without_onnx_runtime_say_what_to_install() {
    let Err(error) = load("invert_half", BackendChoice::Rten, TaskChoice::Auto) else {
        panic!("float16 was taken")
    };
    assert!(error.to_string().contains("install ONNX Runtime"), "{error}");
}

#[test]
fn a_description_beside_the_model_gives_ranges_and_ids() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::copy(model("dynamic_channels"), &path).unwrap();
    let lines = "[modelinfo]\nversion=1.0\ngroup-id=pictures\n[x]\ndims=1,3,-1,-1\ntype=float32\ndir=input\n\
        ranges=-1.0,1.0\n[y]\nid=answer\ndims=1,3,-1,-1\ntype=float32\ndir=output\nranges=0.0,1.0;0.0,2.0;0.0,3.0\n";
    for name in ["m.onnx.modelinfo", "m.modelinfo"] {
        std::fs::write(folder.path().join(name), lines).unwrap();
        let session = Runner::load(&path, &Options::default()).unwrap();
        let model = session.model();
        assert_eq!(model.input_spec.image().unwrap().ranges, [(-1.0, 1.0); 3]);
        assert_eq!(
            model.output_spec.as_ref().unwrap().ranges,
            [(0.0, 1.0), (0.0, 2.0), (0.0, 3.0)]
        );
        assert_eq!(
            (model.outputs[0].id.as_str(), model.group_id.as_deref()),
            ("answer", Some("pictures"))
        );
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    std::fs::write(
        folder.path().join("m.modelinfo"),
        lines.replace("float32", "uint8"),
    )
    .unwrap();
    let Err(error) = Runner::load(&path, &Options::default()) else {
        panic!("a contradiction was taken")
    };
    assert!(error.to_string().contains("write type=float32"), "{error}");
}

#[test]
fn bytes_changed_at_random_never_end_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.onnx");
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for name in ["twice_luma", "means_and_size", "external", "slow"] {
        let whole = std::fs::read(model(name)).unwrap();
        for round in 0..60 {
            let mut bytes = whole.clone();
            for _ in 0..=round % 4 {
                let place = random() % bytes.len();
                bytes[place] = random() as u8;
            }
            std::fs::write(&path, &bytes).unwrap();
            // Any verdict is right as long as there is one. Running is left out: a changed count may loop for long.
            for backend in backends() {
                let options = Options {
                    backend,
                    task: TaskChoice::Task(Task::Tensor),
                    ..Options::default()
                };
                drop(Runner::load(&path, &options));
            }
        }
    }
}
