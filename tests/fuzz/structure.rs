// SPDX-License-Identifier: MPL-2.0

//! Structures with fields that are missing, of another type, or with a word that nobody knows, and what has to hold of each.

use gst::glib;
use gst::prelude::*;
use gstavrec::messages::{
    Explanation, FieldDoc, FieldError, FuseStats, InferStats, Inner, Message, ProbeStats, StructureDoc,
    SwitchStats, chapters, json,
};
use gstavrec::random::Random;

/// A structure as its declaration says; `odd` is how likely each field is anything else.
pub fn structure(told: &StructureDoc, random: &mut Random, odd: f64) -> gst::Structure {
    let mut made = gst::Structure::new_empty(told.name);
    for field in &told.fields {
        let is_missing = match field.is_optional {
            true => random.chance(0.4),
            false => random.chance(odd),
        };
        if !is_missing {
            made.set_value(&field.name, value(field, random, odd));
        }
    }
    if random.chance(odd) {
        made.set("odd", 3i32);
    }
    made
}

fn value(field: &FieldDoc, random: &mut Random, odd: f64) -> glib::SendValue {
    let one = |random: &mut Random| match &field.inner {
        // GStreamer's "no time" is for fields that may be absent.
        Inner::Value if field.is_time && !random.chance(odd) => (random.bits() >> 20).to_send_value(),
        Inner::Value => plain(field.type_name, random, odd),
        Inner::Values(kind) => plain(kind, random, odd),
        Inner::Words(words) if !random.chance(odd) => {
            words[random.whole(0, words.len() - 1)].0.to_send_value()
        }
        Inner::Words(_) => "unheard-of".to_send_value(),
        Inner::Part(part) => structure(part, random, odd).to_send_value(),
        Inner::Figures => {
            let figures = gst::Structure::builder(&field.name).field("psnr", random.unit());
            figures.build().to_send_value()
        }
    };
    if field.type_name != "GstValueArray" || random.chance(odd) {
        return one(random);
    }
    // All of an array are of one type, which may be another one.
    let kind = match &field.inner {
        Inner::Values(kind) if random.chance(odd) => {
            Some(if *kind == "gint" { "gchararray" } else { "gint" })
        }
        Inner::Values(kind) => Some(*kind),
        _ => None,
    };
    let values = (0..random.whole(0, 3)).map(|_| match kind {
        Some(kind) => plain(kind, random, 0.0),
        None => one(random),
    });
    gst::Array::from_values(values.collect::<Vec<_>>()).to_send_value()
}

/// A value of this type of GLib, or of any other.
fn plain(kind: &str, random: &mut Random, odd: f64) -> glib::SendValue {
    let kinds = [
        "gboolean",
        "gint",
        "guint",
        "guint64",
        "gdouble",
        "gchararray",
        "GBytes",
        "none",
    ];
    let kind = match random.chance(odd) {
        true => kinds[random.whole(0, kinds.len() - 1)],
        false => kind,
    };
    let number = [0, 1, 255, i32::MAX as u64, u64::MAX, random.bits()][random.whole(0, 5)];
    match kind {
        "gboolean" => random.chance(0.5).to_send_value(),
        "gint" => (number as i32).to_send_value(),
        "guint" => (number as u32).to_send_value(),
        "guint64" => number.to_send_value(),
        "gdouble" => [0.0, -1.0, 0.5, f64::INFINITY, f64::NAN, 1e308][random.whole(0, 5)].to_send_value(),
        "gchararray" => ["", "a", "large", "\u{202e}é\n"][random.whole(0, 3)].to_send_value(),
        "GBytes" => glib::Bytes::from_static(&[0, 255]).to_send_value(),
        _ => None::<String>.to_send_value(),
    }
}

/// Reads a structure as what its name says; if it is one, it is written as it was read.
pub fn read(structure: &gst::StructureRef) {
    fn again<T>(structure: &gst::StructureRef)
    where
        T: Into<gst::Structure> + for<'a> TryFrom<&'a gst::StructureRef, Error = FieldError>,
        T: std::fmt::Debug + Clone,
    {
        if let Ok(read) = T::try_from(structure) {
            let written: gst::Structure = read.clone().into();
            let again = T::try_from(written.as_ref());
            assert_eq!(format!("{again:?}"), format!("{:?}", Ok::<_, FieldError>(read)));
        }
    }
    match structure.name().as_str() {
        "avrec/explanation" => again::<Explanation>(structure),
        "avrec/switch-stats" => again::<SwitchStats>(structure),
        "avrec/probe-stats" => again::<ProbeStats>(structure),
        "avrec/infer-stats" => again::<InferStats>(structure),
        "avrec/fuse-stats" => again::<FuseStats>(structure),
        _ => {
            if let Err(error) = Message::try_from(structure) {
                assert!(!error.to_string().is_empty());
            }
        }
    }
    let form = json(structure).to_string();
    let read: serde_json::Value = serde_json::from_str(&form).unwrap();
    assert_eq!(read["structure"], structure.name().as_str());
}

/// All structures that the page of messages tells of.
pub fn told() -> Vec<StructureDoc> {
    gst::init().unwrap();
    chapters().into_iter().flat_map(|it| it.structures).collect()
}

/// One of them, by a seed.
pub fn any(told: &[StructureDoc], seed: u64) -> gst::Structure {
    let mut random = Random::new(seed);
    let told = &told[random.whole(0, told.len() - 1)];
    let odd = [0.0, 0.02, 0.3][random.whole(0, 2)];
    structure(told, &mut random, odd)
}
