// SPDX-License-Identifier: MPL-2.0

//! Labels of each format that is a file, in it or in a file of it.

use gstavrec::random::Random;
use gstavrec::truth::Format;

use crate::changed::changed;
use crate::{each_round, read};

const COCO: &str = include_str!("seeds/labels/coco.json");
const TABLES: [&str; 7] = [
    include_str!("seeds/labels/frames.csv"),
    include_str!("seeds/labels/corners.csv"),
    include_str!("seeds/labels/classes.csv"),
    include_str!("seeds/labels/times.csv"),
    include_str!("seeds/labels/stretches.csv"),
    include_str!("seeds/labels/scores.csv"),
    include_str!("seeds/labels/texts.csv"),
];
const RTTM: &str = include_str!("seeds/labels/speakers.rttm");
const AUDACITY: &str = include_str!("seeds/labels/audacity.txt");
const TRANSCRIPTS: &str = include_str!("seeds/labels/librispeech.trans.txt");
const YOLO: &str = include_str!("seeds/labels/yolo.txt");

/// Writes changed texts as `name`, and reads them as this format and as whichever they look like.
#[track_caller]
fn check(seeds: &[&str], name: &str, format: Format) {
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str| read::labels(folder.path(), name, format, text.as_bytes());
    for seed in seeds {
        let count = read(seed);
        assert!(count.as_ref().is_ok_and(|it| 0 < *it), "{seed}: {count:?}");
    }
    let make = |round| changed(&mut Random::new(round), seeds);
    each_round(1_000, make, |text| _ = read(text));
}

#[test]
fn coco_is_read_or_refused() {
    check(&[COCO], "labels.json", Format::Coco);
}

#[test]
fn tables_are_read_or_refused() {
    check(&TABLES, "labels.csv", Format::Table);
}

#[test]
fn rttm_is_read_or_refused() {
    check(&[RTTM], "labels.rttm", Format::Rttm);
}

#[test]
fn audacity_is_read_or_refused() {
    check(&[AUDACITY], "street.txt", Format::Audacity);
}

#[test]
fn transcripts_are_read_or_refused() {
    check(&[TRANSCRIPTS], "street.trans.txt", Format::Transcripts);
}

#[test]
fn yolo_is_read_or_refused() {
    check(&[YOLO], "street.txt", Format::Yolo);
}
