// SPDX-License-Identifier: MPL-2.0

//! Execution providers: those that are not here are refused with what is, and those that are answer as the CPU does.

use std::path::PathBuf;
use std::sync::Arc;

use gst::prelude::*;
use gstavrec::runtime::{
    BackendChoice, ExecutionProvider, Options, ProviderChoice, Runner, look_into_library,
};
use gstavrec::tensor::{Data, Dim, InputSpec, Tensor};

use crate::support::infer::Bench;
use crate::support::init;
use crate::support::models::{has_ort, model};
use crate::support::providers::elsewhere;

fn options(provider: impl Into<ProviderChoice>) -> Options {
    Options {
        backend: BackendChoice::Ort,
        provider: provider.into(),
        ..Options::default()
    }
}

#[track_caller]
fn refusal(options: &Options) -> String {
    match Runner::load(&model("invert_luma"), options) {
        Ok(_) => panic!("{options:?} was taken"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn one_that_the_library_has_not_is_an_error_with_what_it_has_and_what_to_install() {
    if !has_ort() {
        return;
    }
    let here = elsewhere();
    for (provider, words) in [
        (
            ExecutionProvider::Cuda,
            [
                "no CUDA",
                "install NVIDIA's driver, CUDA, cuDNN and Python's package onnxruntime-gpu",
            ],
        ),
        (
            ExecutionProvider::TensorRt,
            ["no TensorRT", "TensorRT and Python's package onnxruntime-gpu"],
        ),
        (
            ExecutionProvider::OpenVino,
            [
                "no OpenVINO",
                "install Python's package onnxruntime-openvino and set ORT_DYLIB_PATH",
            ],
        ),
        (ExecutionProvider::Vsi, ["no VeriSilicon NPU", "--use_vsinpu"]),
        (ExecutionProvider::WebGpu, ["no WebGPU", "set provider-library"]),
    ] {
        if !here.contains(&provider) {
            let error = refusal(&options(provider));
            let words = words
                .into_iter()
                .chain(["it has: ", "CPU", "set execution-provider=cpu"]);
            words.for_each(|it| assert!(error.contains(it), "{it}: {error}"));
        }
    }
}

#[test]
fn rten_runs_on_the_cpu_only_and_says_so() {
    let rten = Options {
        backend: BackendChoice::Rten,
        ..options(ExecutionProvider::Cuda)
    };
    assert!(refusal(&rten).contains("set backend=ort"), "{}", refusal(&rten));
    let any = Options {
        provider: ExecutionProvider::Auto.into(),
        ..rten
    };
    let runner = Runner::load(&model("invert_luma"), &any).unwrap();
    assert_eq!(runner.provider(), ExecutionProvider::Cpu);
    let news = runner.backend_news().unwrap();
    assert!(
        news.contains("execution-provider=auto") && news.contains("rten"),
        "{news}"
    );
}

#[test]
fn any_provider_comes_down_to_one_that_runs_and_the_bus_hears_which() {
    if !has_ort() {
        return;
    }
    let mut bench = Bench::new("invert_luma", "execution-provider=auto");
    let told = bench
        .bus
        .timed_pop_filtered(gst::ClockTime::from_seconds(60), &[gst::MessageType::Info]);
    let told = told.map(|it| match it.view() {
        gst::MessageView::Info(it) => it.error().to_string(),
        _ => String::new(),
    });
    let told = told.unwrap_or_default();
    assert!(told.contains("execution-provider=auto runs models on"), "{told}");
    let loaded = bench.message("avrec/model-loaded");
    let nick: &str = loaded.get("execution-provider").unwrap();
    let runs_on = ExecutionProvider::named(nick).unwrap();
    assert_ne!(runs_on, ExecutionProvider::Auto);
    assert!(told.contains(runs_on.facts().label), "{told} {nick}");
    let info = bench.caps("GRAY8", 16, 8);
    bench.push(&info).unwrap();
    // Who names it has the same.
    let auto = Runner::load(&model("invert_luma"), &options(ExecutionProvider::Auto)).unwrap();
    let named = Runner::load(&model("invert_luma"), &options(runs_on)).unwrap();
    assert!(Arc::ptr_eq(auto.loaded(), named.loaded()));
}

#[test]
fn settings_that_no_provider_has_fail_at_once() {
    init();
    for (properties, words) in [
        ("device=1", "device=1 does not exist on the CPU"),
        ("execution-provider=cuda device=GPU", "write a number such as 0"),
        (
            "provider-options=\"options,num_of_threads=1\"",
            "provider-options=num_of_threads goes with no",
        ),
        ("execution-provider=plugin", "set provider-library"),
        #[cfg(not(feature = "plugin-ep"))]
        (
            "execution-provider=openvino provider-library=/opt/libprovider.so",
            "provider-library=/opt/libprovider.so is not available: this build takes the providers that",
        ),
    ] {
        let line = format!(
            "avrec-infer model-file={} {properties}",
            model("invert_luma").display()
        );
        let element = gst::parse::launch(&line).unwrap();
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        assert!(element.set_state(gst::State::Paused).is_err(), "{properties}");
        let message = bus.pop_filtered(&[gst::MessageType::Error]).unwrap();
        let gst::MessageView::Error(error) = message.view() else {
            unreachable!()
        };
        let error = error.error();
        assert!(error.message().contains(words), "{properties}: {error}");
        assert!(
            error.matches(gst::ResourceError::Settings),
            "{properties}: {error:?}"
        );
        element.set_state(gst::State::Null).unwrap();
    }
}

#[test]
fn options_go_in_as_a_launch_line_writes_them_and_come_back() {
    init();
    let line = "avrec-infer execution-provider=openvino provider-options=\"options,num_of_threads=2,cache_dir=compiled,x=true\"";
    let element = gst::parse::launch(line).unwrap();
    let options = element
        .property::<Option<gst::Structure>>("provider-options")
        .unwrap();
    assert_eq!(options.get::<i32>("num_of_threads"), Ok(2));
    assert_eq!(options.get::<&str>("cache_dir"), Ok("compiled"));
}

#[test]
#[cfg(feature = "plugin-ep")]
fn a_library_that_brings_no_provider_is_an_error_and_others_go_on() {
    if !has_ort() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("provider.so");
    std::fs::write(&text, "no library").unwrap();
    for (path, words) in [
        (text.as_path(), "Failed to load library"),
        (folder.path().join("absent.so").as_path(), "No such file"),
    ] {
        let choice = ProviderChoice {
            library: path.display().to_string(),
            ..ExecutionProvider::Plugin.into()
        };
        let error = refusal(&options(choice));
        assert!(
            error.contains(words) && error.contains("set execution-provider=cpu"),
            "{error}"
        );
    }
    Runner::load(&model("invert_luma"), &options(ExecutionProvider::Cpu)).unwrap();
}

/// Models of the repository: pictures, boxes, sound, and both kinds of classes.
fn models() -> Vec<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/models"));
    let names = [
        "small",
        "medium",
        "large",
        "detect-small",
        "detect-medium",
        "detect-large",
        "denoise-small",
        "denoise-medium",
        "denoise-large",
        "events-picture",
        "events-sound",
    ];
    names.map(|it| folder.join(it).with_extension("onnx")).to_vec()
}

/// Runs of a model on what it is for, three times, each on other values; states go from one to the next.
fn answers(runner: &mut Runner) -> Vec<f32> {
    let dims = match &runner.model().input_spec {
        InputSpec::Sound(spec) => vec![1, spec.channels, spec.hop],
        InputSpec::Image(_) => {
            let free = [1, 1, 72, 128];
            let dims = runner.model().input.dims.iter().zip(free);
            dims.map(|(dim, free)| match dim {
                Dim::Fixed(size) => *size,
                Dim::Dynamic(_) => free,
            })
            .collect()
        }
    };
    runner.prepare(&dims).unwrap();
    let floats = |it: &Tensor| match &it.data {
        Data::F32(it) => it.clone(),
        other => panic!("{other:?}"),
    };
    let mut all = Vec::new();
    for round in 1..=3 {
        let Data::F32(input) = &mut runner.input().data else {
            panic!("float32")
        };
        let values = input.iter_mut().enumerate();
        values.for_each(|(index, it)| *it = ((index * 29 * round) % 101) as f32 / 100.0);
        all.extend(runner.run().unwrap().iter().flat_map(floats));
    }
    all
}

/// The largest difference, in units of the largest value where that is beyond one.
fn difference(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    let largest = one.iter().fold(1.0f32, |most, it| most.max(it.abs()));
    let differences = one
        .iter()
        .zip(other)
        .map(|(one, other)| (one - other).abs() / largest);
    differences.fold(0.0, |most, it| if most < it || it.is_nan() { it } else { most })
}

#[test]
fn each_provider_here_answers_as_the_cpu_does() {
    for provider in elsewhere() {
        for path in models() {
            let load = |provider| Runner::load(&path, &options(provider)).unwrap();
            let (mut here, mut there) = (load(ExecutionProvider::Cpu), load(provider));
            assert_eq!(there.provider(), provider);
            let difference = difference(&answers(&mut here), &answers(&mut there));
            println!("{provider:?} {}: {difference:e}", path.display());
            assert!(
                difference <= 1e-4,
                "{provider:?} {}: {difference}",
                path.display()
            );
        }
    }
}

/// Processor time that the kernel counted, in its ticks.
fn ticks(whose: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{whose}/stat")).unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    // In user and system mode.
    fields.skip(11).take(2).map(|it| it.parse::<u64>().unwrap()).sum()
}

#[test]
fn with_one_thread_openvino_runs_on_the_thread_that_asks() {
    if !elsewhere().contains(&ExecutionProvider::OpenVino) {
        return;
    }
    let large = &models()[2];
    let mut runner = Runner::load(large, &options(ExecutionProvider::OpenVino)).unwrap();
    runner.prepare(&[1, 1, 180, 320]).unwrap();
    let (own, all) = (ticks("thread-self"), ticks("self"));
    while ticks("self") < all + 50 {
        runner.run().unwrap();
    }
    let (own, all) = (ticks("thread-self") - own, ticks("self") - all);
    assert!(all * 8 <= own * 10, "{own} of {all} ticks");
}

#[test]
fn a_provider_with_what_is_said_of_it_is_a_model_of_its_own() {
    for provider in elsewhere() {
        let load = |choice: ProviderChoice| Runner::load(&models()[0], &options(choice)).unwrap();
        let (cpu, one, same) = (
            load(ExecutionProvider::Cpu.into()),
            load(provider.into()),
            load(provider.into()),
        );
        assert!(Arc::ptr_eq(one.loaded(), same.loaded()), "{provider:?}");
        assert!(!Arc::ptr_eq(cpu.loaded(), one.loaded()), "{provider:?}");
        if provider == ExecutionProvider::OpenVino {
            let other = load(ProviderChoice {
                options: vec![("num_of_threads".into(), "2".into())],
                ..provider.into()
            });
            assert!(!Arc::ptr_eq(other.loaded(), one.loaded()));
            let named = load(ProviderChoice {
                device: "CPU".into(),
                ..provider.into()
            });
            assert!(!Arc::ptr_eq(named.loaded(), one.loaded()));
        }
    }
}

#[test]
fn what_a_provider_does_not_take_is_told_with_what_to_change() {
    if !elsewhere().contains(&ExecutionProvider::OpenVino) {
        return;
    }
    for choice in [
        ProviderChoice {
            device: "TPU".into(),
            ..ExecutionProvider::OpenVino.into()
        },
        ProviderChoice {
            options: vec![("num_of_threads".into(), "many".into())],
            ..ExecutionProvider::OpenVino.into()
        },
    ] {
        let error = refusal(&options(choice));
        for words in [
            "OpenVINO cannot load",
            "check device and provider-options",
            "set execution-provider=cpu",
        ] {
            assert!(error.contains(words), "{error}");
        }
    }
}

#[test]
fn the_library_says_what_it_is() {
    if !has_ort() {
        return;
    }
    let contents = look_into_library(None).unwrap();
    assert!(contents.path.is_file(), "{}", contents.path.display());
    assert!(contents.version.starts_with("1."), "{}", contents.version);
    assert!(contents.providers.iter().any(|it| it == "CPUExecutionProvider"));
}
