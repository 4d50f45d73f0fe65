// SPDX-License-Identifier: MPL-2.0

//! Descriptions of models, catalogues, and matrices of replays.

use std::path::Path;

use gstavrec::random::Random;
use gstavrec::replay;
use gstavrec::runtime::catalog::Catalog;
use gstavrec::runtime::modelinfo::ModelInfo;

use crate::changed::changed;
use crate::{each_round, read};

const MODELINFO: [&str; 2] = [
    include_str!("seeds/modelinfo/gstreamer.modelinfo"),
    include_str!("seeds/modelinfo/keys.modelinfo"),
];

const CATALOGS: [&str; 2] = [
    include_str!("seeds/catalog/priors.toml"),
    include_str!("seeds/catalog/measured.toml"),
];

const MATRICES: [&str; 2] = [
    include_str!("seeds/matrix/two.csv"),
    include_str!("seeds/matrix/one.csv"),
];

#[test]
fn a_description_of_a_model_is_read_or_refused() {
    let seed = ModelInfo::parse(Path::new("m.onnx.modelinfo"), MODELINFO[0]);
    assert!(seed.is_ok(), "{seed:?}");
    let make = |round| changed(&mut Random::new(round), &MODELINFO);
    each_round(20_000, make, |text| read::model_info(text));
}

#[test]
fn a_catalog_is_read_or_refused_with_a_line_of_it() {
    for seed in CATALOGS {
        Catalog::parse(Path::new("models/fuzz.toml"), seed, &read::PROPERTIES).unwrap();
    }
    let make = |round| changed(&mut Random::new(round), &CATALOGS);
    each_round(20_000, make, |text| read::catalog(text));
}

#[test]
fn a_matrix_is_refused_or_played_by_each_policy() {
    for seed in MATRICES {
        replay::read(seed.as_bytes()).unwrap();
    }
    let make = |round| changed(&mut Random::new(round), &MATRICES);
    each_round(5_000, make, |text| read::matrix(text));
}
