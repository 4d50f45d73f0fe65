// SPDX-License-Identifier: MPL-2.0

use std::time::Duration;

use super::super::tests_support::{Folder, item};
use super::super::{Classes, Truth};
use super::*;

fn doubts(name: &str, text: &str, items: &[ItemKey], said: &[&str]) -> Vec<Doubt> {
    let folder = Folder::new();
    let truth = Truth::open(&folder.write(name, text), &mut Classes::new()).unwrap();
    let said: Vec<String> = said.iter().map(|it| (*it).to_owned()).collect();
    truth.check(items, &said)
}

fn pictures(names: &[&'static str]) -> Vec<ItemKey<'static>> {
    names.iter().map(|it| item(it, Some((100, 100)))).collect()
}

const CLASSES: &str = "file,class\n1.jpg,cat\n2.jpg,dog\n3.jpg,cat\n4.jpg,cat\n";

#[test]
fn labels_that_fit_raise_no_doubt() {
    let items = pictures(&["1.jpg", "2.jpg", "3.jpg", "4.jpg"]);
    assert_eq!(doubts("a.csv", CLASSES, &items, &["Cat", "dog", "cow"]), []);
}

#[test]
fn what_does_not_fit_is_told() {
    let told = |text, items: &[&'static str], said: &[&str]| doubts("a.csv", text, &pictures(items), said);
    for (found, fatal, words) in [
        (
            told(CLASSES, &["1.jpg", "2.jpg", "3.jpg"], &[]),
            false,
            "1 of 4 labelled files are not in the material, such as '4.jpg'",
        ),
        (
            told(CLASSES, &["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg"], &[]),
            false,
            "1 of 5 items have no label, such as '5.jpg'",
        ),
        (
            told(CLASSES, &["a.jpg", "b.jpg"], &[]),
            true,
            "none of the 2 items has a label",
        ),
        (
            told(CLASSES, &["1.jpg", "2.jpg"], &[]),
            true,
            "only two items have a label",
        ),
        (
            told(CLASSES, &["1.jpg", "3.jpg", "4.jpg"], &[]),
            true,
            "all labelled items have the same label (class 'cat')",
        ),
        (
            told(CLASSES, &["1.jpg", "2.jpg", "3.jpg"], &["cat"]),
            false,
            "never says 1 of the labels' 2 classes ('dog')",
        ),
        (
            told(CLASSES, &["1.jpg", "2.jpg", "3.jpg"], &["tabby"]),
            true,
            "none of the labels' classes ('cat', 'dog'); it says 'tabby'",
        ),
        (
            told(CLASSES, &["x/1.jpg", "y/1.jpg", "2.jpg"], &[]),
            false,
            "'x/1.jpg' and 'y/1.jpg' both have",
        ),
    ] {
        let doubt = found.iter().find(|it| it.text.contains(words));
        assert_eq!(doubt.map(|it| it.fatal), Some(fatal), "{words}: {found:?}");
    }
}

#[test]
fn boxes_outside_and_without_an_area_are_told() {
    let text =
        "file,class,left,top,width,height\n1.jpg,a,90,10,50,10\n2.jpg,b,10,10,50,10\n3.jpg,b,10,10,0,10\n";
    let found = doubts("a.csv", text, &pictures(&["1.jpg", "2.jpg", "3.jpg"]), &[]);
    assert!(
        found[0]
            .text
            .contains("1 of 3 boxes reach out of their picture, such as one of '1.jpg'"),
        "{found:?}"
    );
    assert!(found[1].text.contains("1 of 3 boxes have no area"), "{found:?}");
    let edges = text
        .replace("width,height\n", "right,bottom\n")
        .replace("50,10", "99,99")
        .replace("0,10\n", "20,99\n");
    assert_eq!(
        doubts("a.csv", &edges, &pictures(&["1.jpg", "2.jpg", "3.jpg"]), &[]),
        []
    );
    let swapped: String = text.replace("50,10", "500,10");
    let found = doubts("a.csv", &swapped, &pictures(&["1.jpg", "2.jpg", "3.jpg"]), &[]);
    assert!(found[0].fatal, "{found:?}");
}

#[test]
fn pictures_of_another_shape_are_told() {
    let json = r#"{"images": [{"id": 1, "file_name": "1.jpg", "width": 640, "height": 480}],
        "categories": [{"id": 1, "name": "cat"}], "annotations": []}"#;
    let found = doubts("a.json", json, &pictures(&["1.jpg"]), &[]);
    assert!(
        found
            .iter()
            .any(|it| it.text.contains("640×480, and '1.jpg' is 100×100")),
        "{found:?}"
    );
}

#[test]
fn frames_and_stretches_are_told_with_their_time() {
    let at = |seconds| ItemKey {
        frame: seconds * 25,
        time: Duration::from_secs(seconds),
        ..item("clip.mp4", Some((100, 100)))
    };
    let text = "0,ball,1,1,5,5\n25,ball,1,1,5,5\n50,ball,1,1,5,5\n";
    let found = doubts("a.csv", text, &[at(0), at(1), at(2), at(7)], &[]);
    assert_eq!(
        found[0].text,
        "1 of 4 items have no label, such as 'clip.mp4' at 7.00 s; they are left out"
    );
}
