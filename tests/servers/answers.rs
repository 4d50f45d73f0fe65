// SPDX-License-Identifier: MPL-2.0

//! Models on servers are understood and answer as the same files do here, and as others hear them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, iter};

use gstavrec::runtime::{BackendChoice, Model, Options, Runner, TaskChoice};
use gstavrec::tensor::{Data, Tensor};
use sha2::{Digest, Sha256};

use crate::running::{oracle, served, servers};
use crate::support::models::has_ort;

/// Models with the shapes of a frame.
const MODELS: [(&str, &[usize]); 5] = [
    ("small", &[1, 1, 90, 160]),
    ("detect-small", &[1, 3, 160, 160]),
    ("corner_224", &[1, 3, 224, 224]),
    ("invert_byte", &[1, 36, 64, 3]),
    ("invert_half", &[1, 3, 36, 64]),
];

fn load(source: &str, info: Option<&Path>, task: TaskChoice) -> Runner {
    let options = Options {
        threads: 1,
        task,
        backend: if source.contains("://") {
            BackendChoice::Auto
        } else {
            BackendChoice::Ort
        },
        modelinfo_file: info.map(Into::into),
        ..Options::default()
    };
    Runner::load(Path::new(source), &options).unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// A value for each element that is neither flat nor symmetric, in 0..=1.
fn texture(index: usize) -> f32 {
    ((index * 29 + index / 7) % 101) as f32 / 100.0
}

fn fill(tensor: &mut Tensor) {
    match &mut tensor.data {
        Data::F32(it) => it.iter_mut().enumerate().for_each(|(i, it)| *it = texture(i)),
        Data::F16(it) => it
            .iter_mut()
            .enumerate()
            .for_each(|(i, it)| *it = half::f16::from_f32(texture(i))),
        Data::U8(it) => it
            .iter_mut()
            .enumerate()
            .for_each(|(i, it)| *it = (255.0 * texture(i)) as u8),
        other => panic!("{other:?} is no frame"),
    }
}

/// The elements as they lie in memory, with what numpy calls their type.
fn bytes(tensor: &Tensor) -> (Vec<u8>, &'static str) {
    match &tensor.data {
        Data::F32(it) => (it.iter().flat_map(|it| it.to_le_bytes()).collect(), "<f4"),
        Data::F16(it) => (it.iter().flat_map(|it| it.to_le_bytes()).collect(), "<f2"),
        Data::U8(it) => (it.clone(), "|u1"),
        Data::I32(it) => (it.iter().flat_map(|it| it.to_le_bytes()).collect(), "<i4"),
        Data::I64(it) => (it.iter().flat_map(|it| it.to_le_bytes()).collect(), "<i8"),
    }
}

/// Writes a tensor as numpy does: a head of 128 bytes, and the elements.
fn save(tensor: &Tensor, path: &Path) {
    let (elements, kind) = bytes(tensor);
    let dims = tensor.dims.iter().fold(String::new(), |mut text, it| {
        write!(text, "{it}, ").unwrap();
        text
    });
    let head = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({dims}), }}");
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend(format!("{head:<117}\n").into_bytes());
    file.extend(elements);
    fs::write(path, file).unwrap();
}

fn sum(tensor: &Tensor) -> String {
    let sum = Sha256::digest(bytes(tensor).0);
    sum.iter().map(|it| format!("{it:02x}")).collect()
}

/// The outputs of a model for the texture, by their names, with the input.
fn answers(runner: &mut Runner, dims: &[usize]) -> (Tensor, Vec<(String, Tensor)>) {
    runner.prepare(dims).unwrap();
    fill(runner.input());
    let input = runner.input().clone();
    let outputs = runner.run().unwrap().to_vec();
    let names = runner.model().outputs.iter().map(|it| it.name.clone());
    (input, iter::zip(names, outputs).collect())
}

#[test]
fn a_model_on_a_server_is_what_its_file_is() {
    for server in servers() {
        for (name, file) in MODELS.iter().filter_map(|it| Some((it.0, served(it.0)?))) {
            let here = load(&file.to_string_lossy(), None, TaskChoice::Auto);
            for address in server.addresses(name) {
                // A file may say what it is for; a server does not.
                let task = TaskChoice::Task(here.model().task);
                let there = load(&address, here_info(&file).as_deref(), task);
                let (here, there) = (here.model(), there.model());
                let names = |model: &Model| -> Vec<String> {
                    model.outputs.iter().map(|it| it.name.clone()).collect()
                };
                assert_eq!(names(there), names(here), "{address}");
                assert_eq!(there.input_spec, here.input_spec, "{address}");
                assert_eq!(there.output_spec, here.output_spec, "{address}");
            }
        }
    }
}

/// What describes a model beside its file.
fn here_info(file: &Path) -> Option<PathBuf> {
    let info = Path::new(&format!("{}.modelinfo", file.display())).to_owned();
    info.exists().then_some(info)
}

#[test]
fn answers_are_those_of_the_file_here_and_those_that_tritonclient_gets() {
    if !has_ort() {
        return;
    }
    for server in servers() {
        for (name, dims) in MODELS {
            let Some(file) = served(name) else { continue };
            let info = here_info(&file);
            let (input, here) = answers(
                &mut load(&file.to_string_lossy(), info.as_deref(), TaskChoice::Auto),
                dims,
            );
            let folder = tempfile::tempdir().unwrap();
            let mut heard = None;
            for address in server.addresses(name) {
                let mut runner = load(&address, info.as_deref(), TaskChoice::Auto);
                let input_name = runner.model().input.name.clone();
                save(&input, &folder.path().join(format!("{input_name}.npy")));
                let heard = heard.get_or_insert_with(|| oracle(&server.grpc, &file, folder.path()));
                let (sent, there) = answers(&mut runner, dims);
                assert_eq!(bytes(&sent), bytes(&input), "{address}");
                assert_eq!(there.len(), here.len(), "{address}");
                for ((here_name, here), (name, there)) in iter::zip(&here, &there) {
                    assert_eq!((name, &there.dims), (here_name, &here.dims), "{address}");
                    assert!(
                        farthest(here, there) <= 1e-5,
                        "{address} {name}: {}",
                        farthest(here, there)
                    );
                    let others = heard.iter().find(|it| it.0 == *name).unwrap();
                    assert_eq!(sum(there), others.1, "{address} {name}");
                }
            }
        }
    }
}

/// The largest difference between two elements.
fn farthest(a: &Tensor, b: &Tensor) -> f32 {
    let values = |it: &Tensor| -> Vec<f32> {
        match &it.data {
            Data::F32(it) => it.clone(),
            Data::F16(it) => it.iter().map(|it| it.to_f32()).collect(),
            Data::U8(it) => it.iter().map(|&it| f32::from(it)).collect(),
            other => panic!("{other:?} is no picture"),
        }
    };
    let pairs = iter::zip(values(a), values(b));
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}
