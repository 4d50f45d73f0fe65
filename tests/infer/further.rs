// SPDX-License-Identifier: MPL-2.0

//! Inputs besides the one for frames: constants of each type, and state that begins with something or grows.

use gstavrec::runtime::{BackendChoice, Options, Origin, Runner};
use gstavrec::tensor::Data;

use crate::support::infer::Bench;
use crate::support::models::{backends, model};

fn load(name: &str, values: &str, backend: BackendChoice) -> Result<Runner, String> {
    let options = Options {
        backend,
        input_values: values.into(),
        ..Options::default()
    };
    Runner::load(&model(name), &options).map_err(|error| error.to_string())
}

/// The first number that comes out of a picture of one level.
fn answer(runner: &mut Runner, level: f32) -> f32 {
    let Data::F32(input) = &mut runner.input().data else {
        panic!("float32")
    };
    input.fill(level);
    match &runner.run().unwrap()[0].data {
        Data::F32(output) => output[0],
        other => panic!("{other:?}"),
    }
}

#[test]
fn constants_may_be_bool_and_float64_and_are_said_by_a_property() {
    for backend in backends() {
        for (values, expected) in [
            ("on=1,gain=0.25", 0.125),
            ("gain=0.25, on=false", 0.5),
            ("on=true,gain=-2", -1.0),
        ] {
            let mut runner = load("typed_inputs", values, backend).unwrap();
            runner.prepare(&[1, 3, 8, 8]).unwrap();
            assert_eq!(answer(&mut runner, 0.5), expected, "{backend:?} {values}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_value_is_told_with_what_to_write() {
    for (values, words) in [
        ("on", &["input-values=on", "sr=16000"][..]),
        ("on=1,gian=2", &["gian=2", "on, gain"]),
        ("x=1", &["x=1", "on, gain"]),
        ("on=yes,gain=1", &["'on'", "no number"]),
        ("on=1 0,gain=1", &["2 numbers for 1 elements"]),
        ("on=1", &["input 'gain'", "input-values=gain=0.5"]),
    ] {
        let error = load("typed_inputs", values, BackendChoice::Rten).err().unwrap();
        for word in words {
            assert!(error.replace("[on]", "'on'").contains(word), "{values}: {error}");
        }
    }
    let error = load("invert_rgb", "on=1", BackendChoice::Rten).err().unwrap();
    assert!(error.contains("leave it out"), "{error}");
}

#[test]
fn state_may_grow_in_the_first_run_and_shrinks_again_with_another_size_or_a_new_stream() {
    for backend in backends() {
        let mut runner = load("echo_rgb", "", backend).unwrap();
        runner.prepare(&[1, 3, 8, 8]).unwrap();
        for expected in [0.5, 0.75, 0.875] {
            assert_eq!(answer(&mut runner, 1.0), expected, "{backend:?}");
        }
        runner.prepare(&[1, 3, 16, 8]).unwrap();
        for expected in [0.5, 0.75] {
            assert_eq!(answer(&mut runner, 1.0), expected, "{backend:?}");
        }
        runner.reset();
        assert_eq!(answer(&mut runner, 1.0), 0.5, "{backend:?}");
        let mut runner = load("echo_rgb", "r1i=3", backend).unwrap();
        runner.prepare(&[1, 3, 8, 8]).unwrap();
        assert_eq!(answer(&mut runner, 1.0), 2.0, "{backend:?}");
        runner.reset();
        assert_eq!(answer(&mut runner, 1.0), 2.0, "{backend:?}");
    }
}

#[test]
fn state_that_is_known_by_its_place_only_is_told_and_can_be_made_a_constant() {
    for backend in backends() {
        let mut runner = load("unnamed_state", "", backend).unwrap();
        let statements = &runner.model().statements;
        let told = statements.iter().find(|it| it.key == "state").unwrap();
        assert_eq!(
            (told.value.as_str(), &told.origin, told.line.as_str()),
            ("b", &Origin::Assumed, "input-values=a=0")
        );
        runner.prepare(&[1, 3, 8, 8]).unwrap();
        assert_eq!([0.5; 3].map(|it| answer(&mut runner, it)), [0.5, 1.5, 2.5]);
        let mut runner = load("unnamed_state", "a=7", backend).unwrap();
        runner.prepare(&[1, 3, 8, 8]).unwrap();
        assert_eq!([0.5; 2].map(|it| answer(&mut runner, it)), [7.5, 7.5]);
    }
}

/// The first byte of an answer to a white frame.
fn level(bench: &mut Bench, discont: bool) -> u8 {
    let mut buffer = gst::Buffer::from_mut_slice(vec![255u8; 8 * 8 * 3]);
    if discont {
        buffer.get_mut().unwrap().set_flags(gst::BufferFlags::DISCONT);
    }
    let answer = bench.harness.push_and_pull(buffer).unwrap();
    answer.map_readable().unwrap()[0]
}

#[test]
fn recurrent_state_of_frames_begins_anew_at_a_gap_and_at_a_flush() {
    let mut bench = Bench::new("echo_rgb", "task=image");
    bench.caps("RGB", 8, 8);
    let levels = [false, false, true, false].map(|gap| level(&mut bench, gap));
    assert_eq!(levels, [128, 191, 128, 191]);
    bench.harness.push_event(gst::event::FlushStart::new());
    bench.harness.push_event(gst::event::FlushStop::new(true));
    bench.caps("RGB", 8, 8);
    assert_eq!(level(&mut bench, false), 128);
}
