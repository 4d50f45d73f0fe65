// SPDX-License-Identifier: MPL-2.0

//! What tells a candidate from others, whatever it is called and wherever its files lie: the elements, how they are set, and
//! the bytes of their models.

use std::fmt::Write;

use gst::glib;
use gst::prelude::*;
use sha2::{Digest, Sha256};

use crate::elements::infer;

/// Properties that say where a thing is or what it is called, and not what it does.
const PLACES: [&str; 4] = ["name", "parent", "model-file", "sha256"];

/// The fingerprint of a candidate's elements, the parts of bins instead of these; `None` while one of its models is not loaded.
pub fn of(parts: &[gst::Element]) -> Option<String> {
    let mut text = String::new();
    for element in parts {
        let content = match infer::is_one(element) {
            true => Some(infer::content_of(element)?),
            false => None,
        };
        let factory = element.factory().map(|it| it.name());
        // Writing to a string does not fail.
        let _ = write!(text, "{}", factory.unwrap_or_default());
        for (name, value) in settings(element) {
            let _ = write!(text, " {name}={value}");
        }
        for byte in content.into_iter().flatten() {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    let digest = Sha256::digest(&text);
    Some(digest.iter().map(|it| format!("{it:02x}")).collect())
}

/// The properties that are not as they are by default, by name.
fn settings(element: &gst::Element) -> Vec<(String, String)> {
    let wanted = glib::ParamFlags::READABLE | glib::ParamFlags::WRITABLE;
    let properties = element.list_properties();
    let set = properties.iter().filter(|it| {
        let is_setting = it.flags().contains(wanted) && !PLACES.contains(&it.name());
        is_setting && !it.value_type().is_a(glib::Object::static_type())
    });
    let mut set: Vec<_> = set
        .filter_map(|it| {
            let value = in_words(&element.property_value(it.name()))?;
            let usual = in_words(it.default_value());
            (usual.as_ref() != Some(&value)).then(|| (it.name().to_string(), value))
        })
        .collect();
    set.sort();
    set
}

/// A value as text; `None` where it has none, or is a structure that says nothing.
fn in_words(value: &glib::Value) -> Option<String> {
    if value.type_().is_a(gst::Structure::static_type()) {
        let structure = value.get::<Option<gst::Structure>>().ok().flatten()?;
        return structure.fields().next().map(|_| structure.to_string());
    }
    value.serialize().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(line: &str) -> Option<String> {
        let bin = gst::parse::bin_from_description(line, false).unwrap();
        let parts: Vec<_> = bin.iterate_recurse().into_iter().flatten().collect();
        of(&parts)
    }

    #[test]
    fn it_is_of_what_a_candidate_does_and_not_of_what_it_is_called() {
        gst::init().unwrap();
        crate::plugin_register_static().unwrap();
        let one = print("videoscale name=a method=bilinear ! capsfilter caps=video/x-raw,width=64").unwrap();
        assert_eq!(one.len(), 64);
        let same = "videoscale name=b ! capsfilter name=c caps=video/x-raw,width=64";
        assert_eq!(print(same).as_ref(), Some(&one), "bilinear is the default");
        let element = gst::ElementFactory::make("avrec-infer").build().unwrap();
        assert_eq!(settings(&element), []);
        let options = gst::Structure::builder("options")
            .field("num_of_threads", 2)
            .build();
        element.set_property("provider-options", &options);
        let text = "options, num_of_threads=(int)2;";
        assert_eq!(
            settings(&element),
            [("provider-options".to_string(), text.to_string())]
        );
        for other in [
            "videoscale method=lanczos ! capsfilter caps=video/x-raw,width=64",
            "videoscale ! capsfilter caps=video/x-raw,width=65",
            "videoscale",
        ] {
            assert_ne!(print(other).as_ref(), Some(&one), "{other}");
        }
        assert_eq!(
            print("avrec-infer model-file=absent.onnx"),
            None,
            "nobody knows what it runs"
        );
    }
}
