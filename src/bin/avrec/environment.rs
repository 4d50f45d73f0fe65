// SPDX-License-Identifier: MPL-2.0

//! What a run ran on: the figures of a report mean nothing without it.

use gst::prelude::*;
use gstavrec::machine::processor;
use gstavrec::messages::{InferStats, Loaded};

use crate::launch::{factory_name, is_inside_switch};

/// The command, the machine and the programs.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// As it was typed, quoted for a shell.
    pub command: String,
    pub processor: String,
    /// Processors that this process may use.
    pub processors: usize,
    pub kernel: String,
    pub gstreamer: String,
}

impl Environment {
    /// That of this process. GStreamer must be initialized.
    pub fn of_this_process() -> Environment {
        let uname = rustix::system::uname();
        let parts = [uname.sysname(), uname.release(), uname.machine()];
        let words: Vec<String> = std::env::args().map(|it| quoted(&it)).collect();
        Environment {
            command: words.join(" "),
            processor: processor::name(),
            processors: processor::count(),
            kernel: parts.map(|it| it.to_string_lossy().into_owned()).join(" "),
            gstreamer: gst::version_string().to_string(),
        }
    }
}

/// The word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |it: char| it.is_alphanumeric() || "-_./:=,+@%".contains(it);
    match word {
        "!" => word.to_string(),
        _ if !word.is_empty() && word.chars().all(is_plain) => word.to_string(),
        _ => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// A model that ran.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRun {
    /// The candidate that it belongs to, else its element.
    pub name: String,
    pub loaded: Loaded,
}

impl ModelRun {
    /// All models of the pipeline, in no certain order.
    pub fn all(pipeline: &gst::Pipeline) -> Vec<ModelRun> {
        let elements = pipeline.iterate_recurse().into_iter().filter_map(Result::ok);
        let models = elements.filter(|it| factory_name(it).as_deref() == Some("avrec-infer"));
        let mut models: Vec<ModelRun> = models.filter_map(|it| ModelRun::of(&it)).collect();
        models.sort_by(|one, other| one.name.cmp(&other.name));
        models
    }

    fn of(element: &gst::Element) -> Option<ModelRun> {
        let stats = element.property_value("stats").get::<gst::Structure>().ok()?;
        let stats = InferStats::try_from(stats.as_ref()).ok()?;
        let element = element.upcast_ref::<gst::Object>();
        let ancestors = std::iter::successors(Some(element.clone()), |it| it.parent());
        let candidate = ancestors.filter(is_inside_switch).last();
        Some(ModelRun {
            name: candidate.as_ref().unwrap_or(element).name().to_string(),
            loaded: stats.model?.loaded,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_a_shell_needs_it() {
        let words = ["!", "a=b", "", "two words", "it's", "s.(", "$HOME", "größe"];
        let told = words.map(quoted);
        let expected = [
            "!",
            "a=b",
            "''",
            "'two words'",
            r"'it'\''s'",
            "'s.('",
            "'$HOME'",
            "größe",
        ];
        assert_eq!(told, expected);
    }
}
