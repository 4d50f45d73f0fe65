// SPDX-License-Identifier: MPL-2.0

//! Models that listen, without an element: what is read of them, recurrent state, voices, and what a buffer costs.

use gstavrec::audio::{self, ChannelUse, HopPlan, Hops, Windows};
use gstavrec::runtime::{BackendChoice, Options, Runner, Task, TaskChoice};
use gstavrec::tensor::{Data, ElementType, SoundSpec};

use crate::support::counting::allocations;
use crate::support::models::{backends, has_ort, load, model};

fn ask(session: &mut Runner, question: &[f32]) -> Vec<f32> {
    let Data::F32(input) = &mut session.input().data else {
        panic!("float32")
    };
    input.copy_from_slice(question);
    match &session.run().unwrap()[0].data {
        Data::F32(output) => output.clone(),
        other => panic!("{other:?}"),
    }
}

fn low_pass(backend: BackendChoice) -> Runner {
    let mut session = load("low_pass", backend, TaskChoice::Auto).unwrap();
    session.prepare(&[1, 1, 16]).unwrap();
    session
}

#[test]
fn a_model_for_sound_says_its_rate_hop_and_delay() {
    for (name, channels, hop, rate, delay) in [
        ("late_16k", 1, 160, 16_000, 100),
        ("late_48k", 1, 480, 48_000, 720),
        ("swap_stereo", 2, 480, 48_000, 0),
        ("half_48k", 1, 480, 48_000, 0),
        // 10 ms where nobody says.
        ("any_length", 1, 160, 16_000, 0),
    ] {
        let session = load(name, BackendChoice::Rten, TaskChoice::Auto).unwrap();
        let model = session.model();
        let expected = SoundSpec {
            channels,
            element_type: ElementType::F32,
            hop,
            context: 0,
            step: model.input_spec.sound().unwrap().step,
            rate,
            delay,
        };
        assert_eq!(
            (model.input_spec.sound(), model.task),
            (Some(&expected), Task::Audio),
            "{name}"
        );
    }
}

#[test]
fn metadata_and_the_shapes_of_a_trial_are_there_for_those_who_decode() {
    let session = load("pitch", BackendChoice::Rten, TaskChoice::Auto).unwrap();
    let model = session.model();
    assert_eq!(model.task, Task::Classify);
    assert!(model.metadata["names"].contains("silence"));
    let trial = model.trial.as_ref().unwrap();
    assert_eq!(
        (trial.input.as_slice(), trial.outputs.as_slice()),
        (&[1, 1600][..], &[vec![1, 3]][..])
    );
}

#[test]
fn lines_beside_the_model_count_more_than_its_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("any_length.onnx");
    std::fs::copy(model("any_length"), &path).unwrap();
    let write = |lines: &str| {
        let text = format!("[modelinfo]\nversion=1.0\n[x]\ndir=input\n{lines}\n");
        std::fs::write(folder.path().join("any_length.onnx.modelinfo"), text).unwrap();
    };
    write("sample_rate=8000\ndelay=12\nhop=64");
    let session = Runner::load(&path, &Options::default()).unwrap();
    let spec = session.model().input_spec.sound().unwrap();
    assert_eq!((spec.rate, spec.delay, spec.hop), (8000, 12, 64));
    for (lines, words) in [
        ("sample_rate=fast", "sample_rate=fast is no whole number"),
        ("sample_rate=10", "not from 1000 to 768000"),
        ("hop=0", "0 samples"),
        ("delay=99999999", "a delay of 99999999"),
    ] {
        write(lines);
        let error = Runner::load(&path, &Options::default())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn state_is_handed_on_and_forgotten_by_a_reset() {
    for backend in backends() {
        let mut session = low_pass(backend);
        assert_eq!(session.model().states.len(), 1);
        assert_eq!(session.model().outputs.len(), 1);
        let mut last = 0.0f64;
        for _ in 0..5 {
            let answer = ask(&mut session, &[1.0; 16]);
            for value in answer {
                last = 0.9 * last + 0.1;
                assert!((f64::from(value) - last).abs() < 1e-5, "{backend:?}");
            }
        }
        session.reset();
        assert!((ask(&mut session, &[1.0; 16])[0] - 0.1).abs() < 1e-6);
    }
}

#[test]
fn voices_take_turns_without_hearing_each_other() {
    for backend in backends() {
        let mut session = low_pass(backend);
        session.set_voices(3).unwrap();
        let mut alone: Vec<Runner> = (0..3).map(|_| low_pass(backend)).collect();
        for hop in 0..20u16 {
            // In another order each time.
            for turn in 0..3 {
                let voice = usize::from((turn + hop) % 3);
                let question = [f32::from(hop) * 0.01 + voice as f32; 16];
                session.select_voice(voice).unwrap();
                assert_eq!(
                    ask(&mut session, &question),
                    ask(&mut alone[voice], &question),
                    "{backend:?}"
                );
            }
        }
        assert!(session.select_voice(3).is_err());
    }
}

#[test]
fn a_buffer_of_sound_costs_no_allocation_once_all_is_warm() {
    if !has_ort() {
        return;
    }
    for (name, rate, channels) in [("low_pass", 16_000, 2), ("late_16k", 48_000, 1)] {
        let mut session = load(name, BackendChoice::Ort, TaskChoice::Auto).unwrap();
        let spec = *session.model().input_spec.sound().unwrap();
        session.prepare(&[1, spec.channels, spec.hop]).unwrap();
        let mut hops = Hops::new(HopPlan::new(rate, &spec).unwrap(), channels, ChannelUse::Each).unwrap();
        session.set_voices(hops.voices()).unwrap();
        let sound = vec![vec![0.25; 441]; channels];
        let mut answers = vec![Vec::new(); channels];
        let mut once = || {
            hops.push(&sound, |voice, question, answer| {
                session.select_voice(voice).unwrap();
                if let Data::F32(input) = &mut session.input().data {
                    input.copy_from_slice(question);
                }
                if let Data::F32(output) = &session.run().unwrap()[0].data {
                    answer.copy_from_slice(output);
                }
                Ok::<_, audio::Error>(())
            })
            .unwrap();
            answers.iter_mut().for_each(Vec::clear);
            hops.pull(441, &mut answers);
        };
        (0..50).for_each(|_| once());
        let before = allocations();
        (0..50).for_each(|_| once());
        assert_eq!(allocations() - before, 0, "{name}");
    }
}

/// Numbers of the last run's first answer.
fn first_answer(session: &mut Runner) -> Vec<f32> {
    match &session.run().unwrap()[0].data {
        Data::F32(output) => output.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_voice_activity_model_needs_no_word_and_gets_its_rate_and_state() {
    for backend in backends() {
        let mut session = load("voice_form", backend, TaskChoice::Auto).unwrap();
        let model = session.model();
        let spec = *model.input_spec.sound().unwrap();
        assert_eq!((spec.rate, spec.hop, spec.context), (16_000, 576, 64));
        assert_eq!(
            (model.task, model.states.len(), model.further.len()),
            (Task::Score, 1, 1)
        );
        let told = |key| {
            model
                .statements
                .iter()
                .find(|it| it.key == key)
                .map(|it| it.value.clone())
        };
        assert_eq!(
            (told("context"), told("input-values")),
            (Some("64".into()), Some("16000".into()))
        );
        session.prepare(&[1, 1, 576]).unwrap();
        for expected in [16_000.0, 17_000.0, 18_000.0] {
            assert_eq!(first_answer(&mut session), [expected], "{backend:?}");
        }
        session.reset();
        assert_eq!(first_answer(&mut session), [16_000.0], "{backend:?}");
    }
}

#[test]
fn windows_carry_their_context_over() {
    let session = load("voice_form", BackendChoice::Rten, TaskChoice::Auto).unwrap();
    let spec = *session.model().input_spec.sound().unwrap();
    let mut windows = Windows::new(HopPlan::new(16_000, &spec).unwrap(), 1, 512).unwrap();
    let sound: Vec<f32> = (1..=1100u16).map(f32::from).collect();
    for part in sound.chunks(70) {
        windows.push(&[part.to_vec()]).unwrap();
    }
    let (first, window) = windows.pull().unwrap();
    assert_eq!(
        (first, &window[..64], window[64], window[575]),
        (0, &[0.0; 64][..], 1.0, 512.0)
    );
    let (first, window) = windows.pull().unwrap();
    assert_eq!(
        (first, window[0], window[64], window[575]),
        (512, 449.0, 513.0, 1024.0)
    );
    assert!(windows.pull().is_none());
    assert_eq!(windows.length(), 512);
}

#[test]
fn windows_hear_the_same_sound_at_the_same_time_from_each_rate() {
    let session = load("voice_form", BackendChoice::Rten, TaskChoice::Auto).unwrap();
    let spec = *session.model().input_spec.sound().unwrap();
    // Two tones with a beginning and an end that no resampler has to invent.
    let sample = |time: f64| {
        let tones =
            (time * 440.0 * std::f64::consts::TAU).sin() + (time * 3100.0 * std::f64::consts::TAU).sin();
        (0.2 * tones * (time * std::f64::consts::PI).sin()) as f32
    };
    let windows = |rate: u32| {
        let mut windows = Windows::new(HopPlan::listening(rate, &spec).unwrap(), 1, spec.step).unwrap();
        let sound: Vec<f32> = (0..rate)
            .map(|it| sample(f64::from(it) / f64::from(rate)))
            .collect();
        windows.push(&[sound]).unwrap();
        let mut heard = Vec::new();
        let mut pull = |windows: &mut Windows| {
            while let Some((_, window)) = windows.pull() {
                heard.extend_from_slice(&window[spec.context..]);
            }
        };
        pull(&mut windows);
        windows.finish().unwrap();
        pull(&mut windows);
        heard
    };
    let exact = windows(16_000);
    assert_eq!(exact.len(), 31 * 512);
    for rate in [8000, 22_050, 44_100, 48_000] {
        let heard = windows(rate);
        assert_eq!(heard.len(), exact.len(), "{rate}");
        let farthest = exact.iter().zip(&heard).map(|(one, other)| (one - other).abs());
        let farthest = farthest.fold(0.0, f32::max);
        assert!(farthest < 2e-3, "{rate}: {farthest}");
    }
}

#[test]
fn inputs_without_a_partner_are_constants_or_describe_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("constants.onnx");
    std::fs::copy(model("constants"), &path).unwrap();
    let load = |sections: &str, backend| {
        let text = format!("[modelinfo]\nversion=1.0\n{sections}\n");
        std::fs::write(folder.path().join("constants.onnx.modelinfo"), text).unwrap();
        Runner::load(
            &path,
            &Options {
                backend,
                ..Options::default()
            },
        )
    };
    let fault = |sections| load(sections, BackendChoice::Rten).err().unwrap().to_string();
    let missing = fault("[gain]\nvalue=2");
    assert!(
        missing.contains("section [offset]") && missing.contains("value=0.5"),
        "{missing}"
    );
    assert!(fault("[gain]\nvalue=much\n[offset]\nvalue=1").contains("is no number"));
    assert!(fault("[gain]\nvalue=2\n[offset]\nvalue=1 2").contains("2 numbers for 3 elements"));
    for backend in backends() {
        let mut session = load("[gain]\nvalue=2\n[offset]\nvalue=1 2 3", backend).unwrap();
        session.prepare(&[1, 3, 20, 30]).unwrap();
        let Data::F32(input) = &mut session.input().data else {
            panic!("float32")
        };
        input.fill(0.25);
        let answer = first_answer(&mut session);
        for (channel, expected) in answer.chunks(600).zip([2.0, 3.0, 4.0]) {
            assert!(
                channel.iter().all(|it| (it - expected).abs() < 1e-6),
                "{backend:?} {}",
                channel[0]
            );
        }
    }
}
