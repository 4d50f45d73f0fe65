// SPDX-License-Identifier: MPL-2.0

//! Labels of each format that is a file, in it or in a file of it.

use std::path::Path;
use std::time::Duration;

use gstavrec::random::Random;
use gstavrec::truth::{Classes, Format, ItemKey, Truth};

use crate::changed::changed;
use crate::each_round;

const COCO: &str = r#"{"images": [{"id": 1, "file_name": "street.jpg", "width": 640, "height": 480}],
 "categories": [{"id": 7, "name": "car"}],
 "annotations": [{"image_id": 1, "category_id": 7, "bbox": [10, 20, 30, 40], "iscrowd": 0, "segmentation": [[1, 2, 3, 4]]}]}"#;
const TABLES: [&str; 7] = [
    "frame,class,left,top,width,height\n12,ball,100,50,20,20\n",
    "file,class,left,top,right,bottom\nstreet.jpg,car,10,20,40,60\n",
    "file;class\nstreet.jpg;cat\n",
    "time,class\n0,calm\n12.5,angry\n",
    "start\tend\tclass\n0.5\t1.5\tspeech\n",
    "file,score\nstreet.jpg,3.9\n",
    "file,text\nstreet.jpg,\"Good morning, everybody.\"\n",
];
const RTTM: &str = "SPEAKER street 1 0.50 1.00 <NA> <NA> anna <NA> <NA>\nSPEAKER street 1 1.20 0.30 <NA> <NA> bert <NA> <NA>\n";
const AUDACITY: &str = "0.500000\t1.500000\tspeech\n\\\t100.0\t2000.0\n2.0\t2.0\tclick\n";
const TRANSCRIPTS: &str = "street-0000 GOOD MORNING\nstreet-0001 EVERYBODY\n";
const YOLO: &str = "1 0.5 0.25 0.1 0.2\n0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2\n";

/// Items that a label may be asked for.
fn items() -> [ItemKey<'static>; 3] {
    let item = |seconds, duration, frame, size| ItemKey {
        file: Path::new("street.jpg"),
        time: Duration::from_secs(seconds),
        duration: Duration::from_secs(duration),
        frame,
        size,
    };
    [
        item(0, 0, 0, Some((640, 480))),
        item(0, 2, 12, None),
        item(u64::from(u32::MAX), 1, u64::MAX, Some((0, 0))),
    ]
}

fn use_all(truth: &Truth) {
    for item in items() {
        // A label that cannot be read is told where it is asked for.
        let label = truth.of(&item).ok().flatten();
        if let Some(label) = label {
            label.answer();
            label.ignored();
        }
    }
    truth.check(&items(), &["car".to_owned()]);
}

/// Writes changed texts as `name`, and reads them as this format and as whichever they look like.
#[track_caller]
fn check(seeds: &[&str], name: &str, format: Format) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    let read = |text: &[u8]| {
        std::fs::write(&file, text).unwrap();
        let path = match format {
            Format::Yolo => folder.path(),
            _ => &file,
        };
        let mut classes = Classes::new();
        let named = Truth::open_as(path, format, &mut classes);
        if let Ok(truth) = &named {
            use_all(truth);
        }
        if let Ok(truth) = Truth::open(path, &mut Classes::new()) {
            use_all(&truth);
        }
        named.map(|it| it.len())
    };
    for seed in seeds {
        let count = read(seed.as_bytes());
        assert!(count.as_ref().is_ok_and(|it| 0 < *it), "{seed}: {count:?}");
    }
    let make = |round| changed(&mut Random::new(round), seeds);
    each_round(1_000, make, |text| {
        if let Err(error) = read(text.as_bytes()) {
            assert!(!error.to_string().is_empty());
        }
    });
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
