// SPDX-License-Identifier: MPL-2.0

//! What elements say to people, without where in whose source they say it.

use gst::glib;
use gst::prelude::*;

use crate::launch::factory_name;

/// `filesrc0: Resource not found. (No such file "/x")`
pub fn describe(message: &gst::Message, error: &glib::Error, debug: Option<&str>) -> String {
    let source = message
        .src()
        .map_or("the pipeline".to_string(), |source| source.name().to_string());
    let text = error.message();
    match without_places(debug.unwrap_or_default()) {
        none if none.is_empty() || none == text => format!("{source}: {text}"),
        // What GStreamer says to the most frequent mistake in a launch description.
        debug if debug.contains("reason not-linked") => {
            format!("{source}: {text} ({debug}; does every branch of the pipeline end in a sink?)")
        }
        debug => format!("{source}: {text} ({debug})"),
    }
}

/// The whole of what one of our elements says of itself; `None` of those of others.
pub fn information(message: &gst::Message, error: &glib::Error, debug: Option<&str>) -> Option<String> {
    let source = message.src()?.downcast_ref::<gst::Element>()?;
    factory_name(source).filter(|it| it.starts_with("avrec-"))?;
    let text = error.message();
    Some(match without_places(debug.unwrap_or_default()) {
        none if none.is_empty() => text.to_string(),
        // It is written so that gst-launch-1.0, which prints no more than this, tells all.
        whole if whole.starts_with(text) => whole,
        debug => format!("{text} ({debug})"),
    })
}

/// The debug text of a message in one line. GStreamer puts a line `file.c(12): function (): /path/of/element:` before what
/// the element has to say, and an element that passes a message on adds its own.
fn without_places(debug: &str) -> String {
    let is_place = |line: &str| {
        line.rsplit_once(" (): /")
            .is_some_and(|(_, path)| !path.contains(' '))
    };
    let lines = debug
        .lines()
        .map(str::trim)
        .map(|line| match line.find(" (): /") {
            // What stands before a place that was put into a sentence belongs to that sentence.
            Some(_) if is_place(line) => line.rsplit_once("; ").map_or("", |(before, _)| before),
            _ => line,
        });
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_sources_are_left_out() {
        let debug = "../plugins/elements/gstfilesrc.c(553): gst_file_src_start (): /GstPipeline:pipeline0/GstFileSrc:filesrc0:\n\
                     No such file \"/x\"";
        assert_eq!(without_places(debug), "No such file \"/x\"");
        let passed_on = "a.rs(87): f (): /GstPipeline:p/S:s:\nb.rs(144): g (): /GstPipeline:p/S:s/I:a:\nNotFound; others go on";
        assert_eq!(without_places(passed_on), "NotFound; others go on");
        let within = "set model-file; b.rs(144): g (): /GstPipeline:p/I:a:\nNotFound";
        assert_eq!(without_places(within), "set model-file NotFound");
        assert_eq!(without_places("two\nlines"), "two lines");
        assert_eq!(
            without_places("c.rs(51): f::{{closure}} (): /GstPipeline:p/S:s"),
            ""
        );
    }

    #[test]
    fn what_our_elements_have_to_say_is_told_whole_and_others_are_left_alone() {
        gst::init().unwrap();
        gstavrec::plugin_register_static().unwrap();
        let told = |factory: &str, debug: Option<&str>| {
            let element = gst::ElementFactory::make(factory).build().unwrap();
            let error = glib::Error::new(gst::LibraryError::Settings, "models run on rten");
            let message = gst::message::Info::builder(gst::LibraryError::Settings, "")
                .src(&element)
                .build();
            information(&message, &error, debug)
        };
        let place = "a.rs(1): f (): /AvrecProbe:p:\n";
        let whole = format!("{place}models run on rten; it is slower");
        assert_eq!(
            told("avrec-probe", Some(&whole)).as_deref(),
            Some("models run on rten; it is slower")
        );
        assert_eq!(
            told("avrec-probe", Some(&format!("{place}slow"))).as_deref(),
            Some("models run on rten (slow)")
        );
        assert_eq!(told("avrec-probe", None).as_deref(), Some("models run on rten"));
        assert_eq!(told("identity", Some(&whole)), None);
    }
}
