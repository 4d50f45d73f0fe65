// SPDX-License-Identifier: MPL-2.0

//! One model in memory for all who run it: who shares, who does not, and what of it is everybody's own.

use std::sync::{Arc, Barrier};

use gstavrec::runtime::{BackendChoice, Options, Runner, TaskChoice};
use gstavrec::tensor::Data;

use crate::support::models::{backends, has_ort, load, model};

fn options(backend: BackendChoice) -> Options {
    Options {
        backend,
        ..Options::default()
    }
}

fn is_shared(one: &Runner, other: &Runner) -> bool {
    Arc::ptr_eq(one.loaded(), other.loaded())
}

/// Runs on a small frame of one value, and returns the answer.
fn answer(runner: &mut Runner, value: f32) -> Vec<f32> {
    runner.prepare(&[1, 1, 4, 6]).unwrap();
    let Data::F32(input) = &mut runner.input().data else {
        panic!("float32")
    };
    input.fill(value);
    match &runner.run().unwrap()[0].data {
        Data::F32(output) => output.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_model_is_in_memory_once_and_as_long_as_somebody_uses_it() {
    for backend in backends() {
        let one = load("twice_luma", backend, TaskChoice::Auto).unwrap();
        let mut other = load("twice_luma", backend, TaskChoice::Auto).unwrap();
        assert!(is_shared(&one, &other), "{backend:?}");
        let memory = Arc::downgrade(one.loaded());
        drop(one);
        assert_eq!(answer(&mut other, 0.25), [0.25; 4 * 24]);
        drop(other);
        assert!(memory.upgrade().is_none(), "{backend:?}");
    }
}

#[test]
fn sixteen_who_load_at_once_get_one_model_and_right_answers_at_the_same_time() {
    for backend in backends() {
        let together = Barrier::new(16);
        let stream = |number: u16| {
            together.wait();
            let mut runner = load("twice_luma", backend, TaskChoice::Auto).unwrap();
            for frame in 0..40u16 {
                let value = f32::from(number) / 16.0 + f32::from(frame) / 1000.0;
                assert_eq!(answer(&mut runner, value), [value; 4 * 24], "{backend:?}");
            }
            runner
        };
        let runners: Vec<Runner> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|it| scope.spawn(move || stream(it))).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(runners.iter().all(|it| is_shared(it, &runners[0])), "{backend:?}");
        assert_eq!(Arc::strong_count(runners[0].loaded()), 16);
    }
}

#[test]
fn other_options_and_other_backends_have_models_of_their_own() {
    let plain = load("means", BackendChoice::Rten, TaskChoice::Auto).unwrap();
    for other in [
        Options {
            memory_limit: 1 << 30,
            ..options(BackendChoice::Rten)
        },
        Options {
            task: TaskChoice::Task(gstavrec::runtime::Task::Tensor),
            ..options(BackendChoice::Rten)
        },
    ] {
        assert!(!is_shared(
            &plain,
            &Runner::load(&model("means"), &other).unwrap()
        ));
    }
    if has_ort() {
        let ort = load("means", BackendChoice::Ort, TaskChoice::Auto).unwrap();
        assert!(!is_shared(&plain, &ort));
        // What is chosen counts, not how.
        let auto = load("means", BackendChoice::Auto, TaskChoice::Auto).unwrap();
        assert!(is_shared(&auto, &ort));
        assert_ne!(auto.backend_note(), ort.backend_note());
    }
}

#[test]
fn a_copy_elsewhere_is_the_same_model_and_its_errors_name_the_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.onnx");
    std::fs::copy(model("twice_luma"), &path).unwrap();
    let options = options(BackendChoice::Rten);
    let one = Runner::load(&model("twice_luma"), &options).unwrap();
    let mut copy = Runner::load(&path, &options).unwrap();
    assert!(is_shared(&one, &copy));
    assert_eq!(copy.path(), path);
    let error = copy.run().unwrap_err().to_string();
    assert!(error.contains("copy.onnx"), "{error}");
}

#[test]
fn what_changed_on_disk_is_loaded_anew_and_who_runs_the_old_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    for backend in backends() {
        std::fs::copy(model("twice_luma"), &path).unwrap();
        let mut old = Runner::load(&path, &options(backend)).unwrap();
        std::fs::copy(model("thrice_luma"), &path).unwrap();
        let mut new = Runner::load(&path, &options(backend)).unwrap();
        assert!(!is_shared(&old, &new), "{backend:?}");
        assert_eq!(answer(&mut old, 0.5).len(), 4 * 24);
        assert_eq!(answer(&mut new, 0.5).len(), 9 * 24);
    }
}

#[test]
fn weights_and_a_description_beside_the_file_count_as_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("external.onnx");
    let weights = folder.path().join("external.data");
    std::fs::copy(model("external"), &path).unwrap();
    std::fs::copy(model("external.data"), &weights).unwrap();
    let load = || Runner::load(&path, &options(BackendChoice::Rten)).unwrap();
    let first = load();
    assert!(is_shared(&first, &load()));

    let mut bytes = std::fs::read(&weights).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let second = load();
    assert!(!is_shared(&first, &second));

    let lines = "[modelinfo]\nversion=1.0\ngroup-id=pictures\n";
    std::fs::write(folder.path().join("external.modelinfo"), lines).unwrap();
    let third = load();
    assert!(!is_shared(&second, &third));
    assert_eq!(third.model().group_id.as_deref(), Some("pictures"));
}

#[test]
fn two_who_run_one_recurrent_model_keep_their_states_apart() {
    let ask = |runner: &mut Runner, value: f32| {
        let Data::F32(input) = &mut runner.input().data else {
            panic!("float32")
        };
        input.fill(value);
        match &runner.run().unwrap()[0].data {
            Data::F32(output) => output.clone(),
            other => panic!("{other:?}"),
        }
    };
    for backend in backends() {
        let [mut one, mut other, mut alone] = [(); 3].map(|()| {
            let mut runner = load("low_pass", backend, TaskChoice::Auto).unwrap();
            runner.prepare(&[1, 1, 16]).unwrap();
            runner
        });
        assert!(is_shared(&one, &other));
        for turn in 0..10u16 {
            let value = f32::from(turn) / 10.0;
            let mixed = ask(&mut one, value);
            ask(&mut other, -1.0);
            assert_eq!(mixed, ask(&mut alone, value), "{backend:?}");
        }
        // One who begins anew does not reset the others.
        other.reset();
        assert_eq!(ask(&mut one, 1.0), ask(&mut alone, 1.0), "{backend:?}");
    }
}

#[test]
fn one_whose_runs_fail_does_not_disturb_another() {
    for backend in backends() {
        let load = || load("fails_when_wide", backend, TaskChoice::Auto).unwrap();
        let [mut good, mut bad] = [load(), load()];
        assert!(is_shared(&good, &bad));
        let height = 32;
        good.prepare(&[1, 1, height, 32]).unwrap();
        good.run().unwrap();
        bad.prepare(&[1, 1, height, 640]).unwrap();
        for _ in 0..3 {
            assert!(bad.run().is_err(), "{backend:?}");
            good.run().unwrap();
        }
    }
}
