// SPDX-License-Identifier: MPL-2.0

//! What the elements say of themselves is in one style, and true: sentences that end alike, units, ranges, and what
//! a value means that is not what it seems.

use gst::glib;
use gst::prelude::*;

use crate::page;
use crate::plugins_cache::{changeable, own_properties, signal_names};
use crate::support::init;

const FACTORIES: [&str; 4] = ["avrec-infer", "avrec-probe", "avrec-switch", "avrec-fuse"];

/// Names that stand in a blurb as they are, and at its beginning.
const NAMES: [&str; 2] = ["TOML", "ONNX"];

fn each(check: impl Fn(&str, &glib::ParamSpec, &str)) {
    init();
    let mut count = 0;
    for factory in FACTORIES {
        let element = gst::ElementFactory::make(factory).build().unwrap();
        for pspec in own_properties(element.type_()) {
            let place = format!("{factory}: {}", pspec.name());
            check(&place, &pspec, pspec.blurb().unwrap_or_default());
            count += 1;
        }
    }
    assert!(60 <= count, "only {count} properties");
}

/// Sentences: a capital first, a full stop last, one space between words.
fn is_in_style(blurb: &str) -> bool {
    let begins = blurb.starts_with(|it: char| it.is_ascii_uppercase());
    let first = blurb.split([' ', ',']).next().unwrap_or_default();
    let shouts = 1 < first.len() && first.chars().all(|it| it.is_ascii_uppercase());
    begins
        && (!shouts || NAMES.contains(&first))
        && blurb.ends_with('.')
        && !blurb.ends_with("..")
        && !blurb.contains("  ")
        && !blurb.contains(". (")
        && blurb.matches('(').count() == blurb.matches(')').count()
}

/// The least and the most of a number.
fn range(pspec: &glib::ParamSpec) -> Option<(f64, f64)> {
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecUInt>() {
        return Some((it.minimum().into(), it.maximum().into()));
    }
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecInt>() {
        return Some((it.minimum().into(), it.maximum().into()));
    }
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecUInt64>() {
        return Some((it.minimum() as f64, it.maximum() as f64));
    }
    if let Some(it) = pspec.downcast_ref::<glib::ParamSpecFloat>() {
        return Some((it.minimum().into(), it.maximum().into()));
    }
    let it = pspec.downcast_ref::<glib::ParamSpecDouble>()?;
    Some((it.minimum(), it.maximum()))
}

/// Numbers that a blurb explains: what stands before `=` in its parentheses.
fn explained(blurb: &str) -> Vec<f64> {
    let parentheses = blurb.split('(').skip(1).filter_map(|it| it.split(')').next());
    let meanings = parentheses.flat_map(|it| it.split(", "));
    meanings
        .filter_map(|it| it.split_once(" = ")?.0.parse().ok())
        .collect()
}

/// Ranges that a blurb states: the numbers around `to`.
fn stated(blurb: &str) -> Vec<(f64, f64)> {
    let number = |it: &str| it.trim_matches(['(', ')', ',', '.', ';']).parse().ok();
    let words: Vec<&str> = blurb
        .split(' ')
        .filter(|it| !it.starts_with('(') || number(it).is_some())
        .collect();
    words
        .windows(3)
        .filter(|it| it[1] == "to")
        .filter_map(|it| Some((number(it[0])?, number(it[2])?)))
        .collect()
}

#[test]
fn each_property_is_told_of_in_sentences_that_end_alike() {
    each(|place, pspec, blurb| {
        assert!(is_in_style(blurb), "{place}: {blurb:?}");
        let is_writable = pspec.flags().contains(glib::ParamFlags::WRITABLE);
        assert!(
            !is_writable || changeable(pspec).is_some(),
            "{place} does not say when it may change"
        );
        let nick = pspec.nick();
        assert!(
            nick.starts_with(|it: char| it.is_uppercase() || nick.starts_with("IoU")) && !nick.ends_with('.'),
            "{place}: {nick:?}"
        );
        if let Some(class) = glib::EnumClass::with_type(pspec.value_type()) {
            for value in class.values() {
                let name = value.name();
                let is_phrase = name.starts_with(|it: char| it.is_uppercase()) || name.starts_with("rten");
                assert!(is_phrase && !name.ends_with('.'), "{place}: {name:?}");
            }
        }
    });
    for odd in [
        "no capital.",
        "No stop",
        "Two  spaces.",
        "READS like a shout.",
        "A stop. (0 = none).",
    ] {
        assert!(!is_in_style(odd), "{odd}");
    }
}

#[test]
fn numbers_say_their_unit_and_the_range_that_they_have() {
    each(|place, pspec, blurb| {
        let Some((least, most)) = range(pspec) else {
            return;
        };
        if pspec.value_type() == u64::static_type() {
            let has_unit = ["nanoseconds", "in bytes"].iter().any(|it| blurb.contains(it));
            assert!(has_unit, "{place} does not say its unit");
        }
        for number in explained(blurb) {
            assert!(
                (least..=most).contains(&number),
                "{place} explains {number}: {blurb}"
            );
        }
        // A number that is not what it seems is explained: the least of those that may be zero or below.
        let is_share = (least, most) == (0.0, 1.0);
        if least <= 0.0 && !is_share && pspec.name() != "key-frame-threshold" {
            assert!(
                explained(blurb).contains(&least),
                "{place} does not say what {least} is: {blurb}"
            );
        }
        if is_share {
            assert!(
                stated(blurb).contains(&(0.0, 1.0)),
                "{place} does not say its range: {blurb}"
            );
        }
        for (from, to) in stated(blurb) {
            let is_its_own = (from, to) == (least, most) || explained(blurb).contains(&least) && to == most;
            assert!(
                is_its_own,
                "{place} is from {least} to {most}, not from {from} to {to}"
            );
        }
    });
    assert_eq!(
        stated("Level, 0 (black) to 255, of what lies (-1 = none)."),
        [(0.0, 255.0)]
    );
    assert_eq!(
        explained("A rate (0 = none, -1 = any), in Hz (auto = 3)."),
        [0.0, -1.0]
    );
}

#[test]
fn texts_say_what_it_means_that_they_are_unset() {
    each(|place, pspec, blurb| {
        let is_writable = pspec.flags().contains(glib::ParamFlags::WRITABLE);
        if pspec.value_type() == String::static_type() && is_writable {
            let says = blurb.contains("unset = ") || blurb.contains("empty = ");
            assert!(says, "{place}: {blurb}");
        }
    });
}

#[test]
fn each_element_names_video_and_audio() {
    init();
    for factory in FACTORIES {
        let factory = gst::ElementFactory::find(factory).unwrap();
        let class: Vec<&str> = factory.metadata("klass").unwrap().split('/').collect();
        assert!(class.contains(&"Video") && class.contains(&"Audio"), "{class:?}");
        let description = factory.metadata("description").unwrap();
        assert!(
            description.contains("video") && description.contains("audio") && !description.ends_with('.'),
            "{description}"
        );
    }
}

#[test]
fn each_signal_stands_on_the_page_of_messages() {
    init();
    for factory in FACTORIES {
        let element = gst::ElementFactory::make(factory).build().unwrap();
        for name in signal_names(element.type_()) {
            let row = page::FOOT
                .lines()
                .find(|it| it.starts_with(&format!("| `{name}(")));
            let told = row.unwrap_or_else(|| panic!("{factory}: {name}"));
            assert!(told.ends_with(". |"), "{told}");
        }
    }
}
