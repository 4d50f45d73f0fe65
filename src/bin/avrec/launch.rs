// SPDX-License-Identifier: MPL-2.0

//! From a launch description to a pipeline that is ready to be watched.

use std::path::Path;

use gst::glib;
use gst::prelude::*;
use gstavrec::elements::property_text;

/// A pipeline and the avrec elements in it, in the order of the launch description.
pub struct Launched {
    pub pipeline: gst::Pipeline,
    pub switches: Vec<gst::Element>,
    pub probes: Vec<gst::Element>,
    /// Those that are no candidates.
    pub models: Vec<gst::Element>,
}

impl Launched {
    /// Parses `words` as gst-launch-1.0 does its arguments; a single word is taken as a whole description.
    pub fn new(words: &[String]) -> Result<Launched, String> {
        let mut context = gst::ParseContext::new();
        let flags = gst::ParseFlags::FATAL_ERRORS;
        let parsed = match words {
            [description] => gst::parse::launch_full(description, Some(&mut context), flags),
            _ => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                gst::parse::launchv_full(&words, Some(&mut context), flags)
            }
        };
        let element = parsed.map_err(|err| describe(&err, &context))?;
        let pipeline = match element.downcast::<gst::Pipeline>() {
            Ok(pipeline) => pipeline,
            Err(element) => {
                let pipeline = gst::Pipeline::new();
                pipeline.add(&element).map_err(|err| err.to_string())?;
                pipeline
            }
        };
        let switches = outermost(&pipeline, "avrec-switch");
        let probes = outermost(&pipeline, "avrec-probe");
        let models = outermost(&pipeline, "avrec-infer");
        Ok(Launched {
            pipeline,
            switches,
            probes,
            models,
        })
    }

    /// The probe whose figures stand for the run: the first with a reference, else the first.
    pub fn main_probe(&self) -> Option<&gst::Element> {
        let referenced = self.probes.iter().find(|it| has_reference(it));
        referenced.or(self.probes.first())
    }

    /// Asks every switch for its messages about each frame.
    pub fn ask_for_frames(&self) -> Result<(), String> {
        self.switches
            .iter()
            .try_for_each(|switch| property_text::set(switch, "frame-messages", "true"))
    }

    /// Lets every switch that names no profile take this one.
    pub fn take_profile(&self, profile: &Path) -> Result<(), String> {
        if self.switches.is_empty() {
            return Err("--profile: no avrec-switch in the launch description, so nobody takes it".into());
        }
        for switch in &self.switches {
            let own = switch.property::<Option<String>>("profile");
            if own.is_none() {
                property_text::set(switch, "profile", &profile.to_string_lossy())?;
            }
        }
        Ok(())
    }

    /// Asks every probe whose `interval` was left alone for a message each `interval`.
    pub fn ask_for_probes(&self, interval: gst::ClockTime) -> Result<(), String> {
        for probe in &self.probes {
            let untouched = probe.find_property("interval").is_none_or(|pspec| {
                let now = probe.property_value("interval");
                now.get::<u64>().ok() == pspec.default_value().get::<u64>().ok()
            });
            if untouched {
                property_text::set(probe, "interval", &interval.nseconds().to_string())?;
            }
        }
        Ok(())
    }

    /// Lets the first switch run every candidate on every frame, and tell what each made of it.
    pub fn ask_for_surveys(&self) -> Result<(), String> {
        let switch = self
            .switches
            .first()
            .ok_or("--record: no avrec-switch in the launch description, so there is nothing to record")?;
        property_text::set(switch, "exhaustive", "true")
    }

    /// Lets the first switch always answer with `candidate`, however late.
    pub fn pin(&self, candidate: &str) -> Result<(), String> {
        let switch = self
            .switches
            .first()
            .ok_or("no avrec-switch in the launch description, so nothing to pin")?;
        property_text::set(switch, "late-policy", "wait")?;
        property_text::set(switch, "active-candidate", candidate)
    }
}

/// Whether a probe compares what it sees with something.
pub fn has_reference(probe: &gst::Element) -> bool {
    probe.static_pad("reference").is_some()
}

/// Elements made by `factory`, except those inside a switch: what they measure is the switch's own matter.
fn outermost(pipeline: &gst::Pipeline, factory: &str) -> Vec<gst::Element> {
    // Bins keep their latest child first.
    let mut found: Vec<gst::Element> = pipeline
        .iterate_recurse()
        .into_iter()
        .filter_map(Result::ok)
        .filter(|element| is_made_by(element, factory) && !is_inside_switch(element.upcast_ref()))
        .collect();
    found.reverse();
    found
}

/// The name by which the element was made; `None` for one that no factory makes.
pub fn factory_name(element: &gst::Element) -> Option<glib::GString> {
    element.factory().map(|it| it.name())
}

fn is_made_by(element: &gst::Element, factory: &str) -> bool {
    factory_name(element).is_some_and(|it| it == factory)
}

/// Whether a switch is among the ancestors of `object`.
pub fn is_inside_switch(object: &gst::Object) -> bool {
    std::iter::successors(object.parent(), |ancestor| ancestor.parent()).any(|ancestor| {
        ancestor
            .downcast_ref()
            .is_some_and(|element| is_made_by(element, "avrec-switch"))
    })
}

fn describe(error: &glib::Error, context: &gst::ParseContext) -> String {
    let names = context.missing_elements();
    // Elements are named here whose properties are wrong, too.
    let hint = match (names.as_slice(), error.kind::<gst::ParseError>()) {
        ([], _) => String::new(),
        (names, Some(gst::ParseError::NoSuchElement)) => format!(
            " (missing: {}; see gst-inspect-1.0, GST_PLUGIN_PATH)",
            names.join(", ")
        ),
        ([name, ..], _) => format!(" (see gst-inspect-1.0 {name})"),
    };
    format!("the launch description does not parse: {}{hint}", error.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(words: &[&str]) -> Result<Launched, String> {
        gst::init().unwrap();
        Launched::new(&words.iter().map(|word| word.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn words_and_a_single_text_make_the_same_pipeline() {
        for words in [
            &["fakesrc", "!", "fakesink", "name=end"] as &[_],
            &["fakesrc ! fakesink name=end"],
        ] {
            assert!(
                launch(words).unwrap().pipeline.by_name("end").is_some(),
                "{words:?}"
            );
        }
    }

    #[test]
    fn a_lone_element_gets_a_pipeline() {
        assert!(launch(&["fakesrc"]).unwrap().pipeline.children().len() == 1);
    }

    #[test]
    fn what_does_not_parse_is_named() {
        let error = launch(&["fakesrc", "!", "no-such-element"]).err().unwrap();
        assert!(
            error.contains("no-such-element") && error.contains("missing"),
            "{error}"
        );
        let error = launch(&["fakesrc", "no-such-property=1"]).err().unwrap();
        assert!(
            error.contains("no-such-property") && !error.contains("missing"),
            "{error}"
        );
    }
}
