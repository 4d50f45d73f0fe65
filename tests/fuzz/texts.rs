// SPDX-License-Identifier: MPL-2.0

//! Descriptions of models, catalogues, and matrices of replays.

use std::path::Path;

use gstavrec::policy::Config;
use gstavrec::random::Random;
use gstavrec::replay::{self, Matrix, PolicyName};
use gstavrec::runtime::catalog::Catalog;
use gstavrec::runtime::modelinfo::ModelInfo;

use crate::changed::changed;
use crate::each_round;

const MODELINFO: [&str; 2] = [
    "[modelinfo]\nversion=1.0\ngroup-id=group\n\n[x]\nid=input-0\ntype=float32\ndims=1,3,-1,-1\ndir=input\n\
     ranges=0.0,255.0;-1.0,1.0;0.0,1.0\n\n[y]\nid=output-0\ntype=float32\ndims=1,3,-1,-1\ndir=output\n",
    "[modelinfo]\nversion=1.0\ntask=detect\nfamily=yolo\nactivation=sigmoid\nboxes=center\n[x]\ntype=uint8\n\
     mean=0.485,0.456,0.406\nstd=0.229,0.224,0.225\nchannel-order=bgr\nfit=letterbox\ndims=1,3,640,640\ndir=input\n\
     [ids]\ntype=int64\nvalue=3\ndims-order=row-major\n",
];

const CATALOGS: [&str; 2] = [
    "task = \"image\"\nreference = \"large\"\nfloor = \"plain\"\noutput-caps = \"video/x-raw,width=640\"\n\n\
     [[candidate]]\nname = \"plain\"\nelement = \"identity\"\nquality = 0.85\nlatency-ms = 1.2\nruns-on = \"cpu\"\ncost = 0.1\n\n\
     [[candidate]]\nname = \"large\"\nmodel = \"large.onnx\"\nquality = 0.92\nquality-interval = [0.9, 0.94]\nthreads = 1\n\
     license = \"CC0-1.0\"\nmemory-limit = 4294967296\ninput-range = \"0,1\"\n",
    "[[candidate]]\nname = \"a\"\nmodel = \"small.onnx\"\ntask = \"detect\"\nprivacy = \"local\"\nsees = [\"faces\"]\n\
     memory = 52428800\norigin = \"https://example.org\"\n\
     sha256 = \"8ef58498c0a41b4f8961fd35da2b27e7c348fc650d5beb7d83dc2add56dbf1f4\"\n\n\
     [[candidate.measured]]\nmeasure = \"map\"\nvalue = 0.41\ninterval = [0.39, 0.44]\nitems = 300\nmaterial = \"street.mp4\"\n\
     truth = \"labels\"\ndate = \"2026-11-28\"\nlatency-ms = 8.3\nlatency-p95-ms = 9\nmachine = \"m\"\nprovider = \"cpu\"\n",
];

const MATRICES: [&str; 2] = [
    "# budget_ms: 33\n# period_ms: 40\n# floor: 0.2\n# a.prior: 0.8\n# a.baseline_ms: 8\n# b.device: 1\n\
     t_ms,pressure,a.latency_ms,a.quality,b.latency_ms,b.quality\n\
     0,0.1,8.0,0.8,20.0,0.95\n40,,9.5,0.7,41.0,0.9\n80,0.5,8.1,0.85,22.0,0.93\n",
    "# budget_ms: 20\nt_ms,a.latency_ms,a.quality\n0,5,0.5\n25,6,0.25\n50,7,1\n",
];

#[test]
fn a_description_of_a_model_is_read_or_refused() {
    let path = Path::new("m.onnx.modelinfo");
    for seed in MODELINFO {
        let read = ModelInfo::parse(path, seed);
        assert!(read.is_ok() || seed == MODELINFO[1], "{read:?}");
    }
    let make = |round| changed(&mut Random::new(round), &MODELINFO);
    each_round(20_000, make, |text| {
        if let Err(error) = ModelInfo::parse(path, text) {
            assert!(error.to_string().contains("m.onnx.modelinfo"), "{error}");
        }
    });
}

#[test]
fn a_catalog_is_read_or_refused_with_a_line_of_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/fuzz.toml");
    let properties = ["threads", "memory-limit", "input-range"];
    for seed in CATALOGS {
        Catalog::parse(&path, seed, &properties).unwrap();
    }
    let make = |round| changed(&mut Random::new(round), &CATALOGS);
    each_round(20_000, make, |text| {
        match Catalog::parse(&path, text, &properties) {
            Ok(catalog) => {
                for name in [&catalog.reference, &catalog.floor].into_iter().flatten() {
                    assert!(catalog.candidate(name).is_some(), "{name} is a candidate");
                }
                for task in catalog.tasks() {
                    let (part, _) = catalog.clone().of_task(Some(task)).unwrap();
                    assert!(!part.candidates.is_empty());
                }
            }
            Err(error) => {
                let lines = text.split('\n').count();
                assert!(
                    (1..=lines).contains(&error.line),
                    "line {} of {lines}: {error}",
                    error.line
                );
                assert!(!error.cause.is_empty() && !error.remedy.is_empty(), "{error}");
            }
        }
    });
}

#[test]
fn a_matrix_is_refused_or_played_by_each_policy() {
    for seed in MATRICES {
        replay::read(seed.as_bytes()).unwrap();
    }
    let make = |round| changed(&mut Random::new(round), &MATRICES);
    each_round(5_000, make, |text| {
        let Ok(matrix) = replay::read(text.as_bytes()) else {
            return;
        };
        // Times are written to a microsecond, and then stay.
        let again = written_and_read(&matrix);
        assert_eq!(again.columns, matrix.columns);
        assert_eq!(format!("{:?}", written_and_read(&again)), format!("{again:?}"));
        for (policy, name) in PolicyName::ALL {
            // A policy may refuse what it cannot work with; it says so.
            if let Ok(outcome) = policy.play(&matrix, Config::default()) {
                assert_eq!(outcome.picks.len(), matrix.frames(), "{name}");
                assert!(
                    outcome.worth.iter().all(|it| it.is_finite()),
                    "{name}: {:?}",
                    outcome.worth
                );
            }
        }
    });
}

fn written_and_read(matrix: &Matrix) -> Matrix {
    let mut written = Vec::new();
    replay::write(matrix, &mut written).unwrap();
    let again = replay::read(&written[..]);
    again.unwrap_or_else(|error| panic!("what was written is refused: {error}"))
}
