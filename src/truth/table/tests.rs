// SPDX-License-Identifier: MPL-2.0

use std::time::Duration;

use super::super::tests_support::{Folder, boxes, item};
use super::super::{Format, ItemKey, Label, Truth};
use super::*;
use crate::answer::Answer;

fn open(text: &str) -> (Truth, Classes) {
    let folder = Folder::new();
    let mut classes = Classes::new();
    let truth = Truth::open(&folder.write("labels.csv", text), &mut classes).unwrap();
    (truth, classes)
}

fn refused(text: &str) -> String {
    let folder = Folder::new();
    let path = folder.write("labels.csv", text);
    Truth::open(&path, &mut Classes::new()).unwrap_err().to_string()
}

fn frame(frame: u64) -> ItemKey<'static> {
    ItemKey {
        frame,
        ..item("clip.mp4", Some((100, 50)))
    }
}

fn stretch(from_ms: u64, to_ms: u64) -> ItemKey<'static> {
    ItemKey {
        time: Duration::from_millis(from_ms),
        duration: Duration::from_millis(to_ms - from_ms),
        ..item("sound.wav", None)
    }
}

fn classes_of(truth: &Truth, item: &ItemKey) -> Option<Vec<(u32, f32)>> {
    match truth.of(item).unwrap()?.answer()? {
        Answer::Classes(list) => Some(list.iter().map(|it| (it.class, it.confidence)).collect()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn boxes_by_frame_are_those_of_the_command() {
    for head in ["frame,class,left,top,width,height\n", "# a scene\n", ""] {
        let (truth, classes) = open(&format!(
            "{head}0,ball,10,20,30,4.5\n\n2,cup,0,0,9,9\n2,ball,5,5,2,2\n"
        ));
        assert_eq!(classes.names(), ["ball", "cup"]);
        let region = boxes(&truth, &frame(0))[0].detection.region;
        assert_eq!((region.left, region.top, region.height), (0.1, 0.4, 0.09));
        let found: Vec<u32> = boxes(&truth, &frame(2))
            .iter()
            .map(|it| it.detection.class)
            .collect();
        assert_eq!(found, [1, 0]);
        // Frames 0 and 2 were looked at, 1 may not have been.
        assert!(truth.of(&frame(1)).unwrap().is_none() && truth.of(&frame(3)).unwrap().is_none());
    }
}

#[test]
fn a_line_without_a_class_says_that_nothing_is_there() {
    let (truth, _) = open("frame,class,left,top,width,height\n0,ball,10,20,30,4\n1,,,,,\n");
    assert_eq!(boxes(&truth, &frame(1)), []);
}

#[test]
fn boxes_by_file_may_have_edges_and_the_size_of_the_picture() {
    let (truth, _) = open(
        "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,200,100,cat,20,10,40,20\nb.jpg,400,100,cat,20,10,40,20\n",
    );
    let left = |file| boxes(&truth, &item(file, None))[0].detection.region.left;
    assert_eq!((left("x/a.png"), left("b.jpg")), (0.1, 0.05));
    let (truth, _) = open("file,class,left,top,width,height,difficult\na.jpg,cat,0.5,0.5,0.25,0.5,1\n");
    let found = boxes(&truth, &item("a.jpg", None));
    assert_eq!((found[0].detection.region.left, found[0].difficult), (0.5, true));
    assert!(truth.notes()[0].contains("shares"));
    let error = open("file,class,left,top,width,height\na.jpg,cat,5,5,2,5\n")
        .0
        .of(&item("a.jpg", None));
    assert!(error.unwrap_err().to_string().contains("the size of 'a.jpg'"));
}

#[test]
fn classes_by_file_time_or_stretch() {
    let (truth, classes) = open("file,class\ncat/1.jpg,cat\n2.jpg,Dog\n2.jpg,cat\n");
    assert_eq!((truth.format(), truth.kind()), (Format::Table, Kind::Classes));
    assert_eq!(classes.names(), ["cat", "Dog"]);
    assert_eq!(
        classes_of(&truth, &item("x/2.jpg", None)).unwrap(),
        [(1, 1.0), (0, 1.0)]
    );
    assert_eq!(classes_of(&truth, &item("3.jpg", None)), None);

    let (truth, _) = open("time,class\n1,calm\n0:02,angry\n");
    assert_eq!(classes_of(&truth, &stretch(0, 900)), None);
    assert_eq!(classes_of(&truth, &stretch(1000, 2000)).unwrap(), [(0, 1.0)]);
    assert_eq!(
        classes_of(&truth, &stretch(1750, 2750)).unwrap(),
        [(1, 0.75), (0, 0.25)]
    );
    assert_eq!(classes_of(&truth, &stretch(60_000, 60_000)).unwrap(), [(1, 1.0)]);

    let (truth, _) = open("onset\toffset\tevent_label\n0\t1\tSpeech\n0.5\t1.5\tDog\n");
    assert_eq!(truth.kind(), Kind::Sounding);
    let Some(Label::Sounding { classes, any }) = truth.of(&stretch(1000, 2000)).unwrap() else {
        panic!("stretches")
    };
    assert_eq!((classes.len(), classes[0].class, any), (1, 1, 0.5));
}

#[test]
fn scores_and_texts() {
    let (truth, _) = open("file;score\na.wav;3.5\n");
    assert_eq!(
        truth.of(&item("a.wav", None)).unwrap().unwrap().score(),
        Some(3.5)
    );
    let (truth, _) = open("time,score\n0,1\n1,2\n");
    assert_eq!(truth.of(&stretch(900, 1300)).unwrap().unwrap().score(), Some(2.0));
    let (truth, _) = open("path|sentence\na.wav|Hello, \"you\"\n");
    let Some(Label::Said(Answer::Text(text))) = truth.of(&item("a.wav", None)).unwrap() else {
        panic!("a text")
    };
    assert_eq!(text.text, "Hello, \"you\"");
    let (truth, _) = open("file,text\na.wav,\"one, two\"\n");
    let Some(Label::Said(Answer::Text(text))) = truth.of(&item("a.wav", None)).unwrap() else {
        panic!("a text")
    };
    assert_eq!(text.text, "one, two");
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let boxes = "frame,class,left,top,width,height";
    for (text, words) in [
        (
            format!("{boxes}\n0,ball,1,2,3\n"),
            "line 2: '0,ball,1,2,3' has 5 values",
        ),
        (
            format!("{boxes}\nx,ball,1,2,3,4\n"),
            "line 2: 'x' is no number of a frame",
        ),
        (
            format!("{boxes}\n0,ball,1,2,3,inf\n"),
            "line 2: '0,ball,1,2,3,inf'",
        ),
        (format!("{boxes}\n0,ball,1,2,-3,4\n"), "below 0"),
        (
            "file,klass\na,b\n".to_owned(),
            "line 1: 'file,klass' does not name",
        ),
        ("class,score\na,1\n".to_owned(), "where (file"),
        ("file,score\na,1\na,2\n".to_owned(), "line 3: a second score"),
        ("start,end,class\n2,1,a\n".to_owned(), "before it starts"),
        ("file,class\n".to_owned(), "no line of values"),
        ("file,class\n,a\n".to_owned(), "names no file"),
    ] {
        let error = refused(&text);
        assert!(error.contains(words) && error.contains("labels.csv"), "{error}");
    }
}

#[test]
fn numbers_for_classes_are_known_as_such() {
    assert!(open("file,class\na,3\nb,0\n").0.classes_are_numbers());
    assert!(!open("file,class\na,3\nb,cat\n").0.classes_are_numbers());
}
