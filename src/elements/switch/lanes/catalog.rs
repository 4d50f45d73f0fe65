// SPDX-License-Identifier: MPL-2.0

//! Candidates that are listed, in a catalogue or in the `models` property, rather than added as children.

use std::path::Path;
use std::str::FromStr;

use gst::prelude::*;

use crate::elements::switch::policy_adapter::CatalogNames;
use crate::elements::switch::profile::exclusion;
use crate::elements::switch::settings::Settings;
use crate::elements::{infer, property_text};
use crate::library::conditions::Subject;
use crate::policy::Prior;
use crate::profile::Profile;
use crate::runtime::catalog::{Candidate, Catalog, Privacy, Source};
use crate::runtime::source;

/// Standard deviations of a normal distribution between its mean and each end of the interval with 95 %.
const SIDES: f64 = 1.96;

/// The property that says which file a model must be.
const SUM: &str = "sha256";

/// A child made from a listing.
pub struct Listed {
    pub element: gst::Element,
    pub prior: Prior,
    /// Name of the device that it runs on, if that is told.
    pub device: Option<String>,
}

/// What a listing gave, and what in it failed: name, cause, remedy.
#[derive(Default)]
pub struct Listing {
    pub children: Vec<Listed>,
    pub failures: Vec<(String, String, String)>,
    pub names: CatalogNames,
    /// What every answer has to be.
    pub output_caps: Option<gst::Caps>,
    /// Names of the candidates that are left out, since they are of another task.
    pub left_out: Vec<String>,
    /// Those that the profile does not want, each with its reason.
    pub excluded: Vec<String>,
}

/// Makes children of what `catalog` and `models` list and the profile wants.
///
/// # Errors
///
/// When the catalogue cannot be read, as a sentence with file, line and remedy.
pub fn list(settings: &Settings, profile: &Profile) -> Result<Listing, String> {
    let mut listing = Listing::default();
    if let Some(path) = &settings.catalog {
        let properties = infer::catalogue_properties();
        let names: Vec<_> = properties.iter().map(String::as_str).collect();
        let catalogue = Catalog::load(Path::new(path), &names).map_err(|error| error.to_string())?;
        let (catalogue, left_out) = catalogue.of_task(None).map_err(|error| error.to_string())?;
        listing.left_out = left_out;
        listing.names = CatalogNames {
            reference: catalogue.reference,
            floor: catalogue.floor,
        };
        listing.output_caps = output_caps(path, catalogue.output_caps.as_deref())?;
        for candidate in catalogue.candidates {
            if listing.leaves_out(profile, Subject::from(&candidate)) {
                continue;
            }
            let made = from_candidate(&candidate);
            let prior = prior(&candidate);
            listing.take(candidate.name, made, prior, candidate.runs_on);
        }
    }
    let models = settings.models.as_deref().unwrap_or_default();
    let models: Vec<&str> = models
        .split(',')
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect();
    for (model, name) in models.iter().zip(names(&models)) {
        let subject = Subject {
            name: &name,
            license: None,
            privacy: (!source::is_address(Path::new(model))).then_some(Privacy::Local),
            memory: None,
            provider: "cpu",
        };
        if listing.leaves_out(profile, subject) {
            continue;
        }
        let made = avrec_infer(&name, model);
        listing.take(name, made, Prior::default(), None);
    }
    Ok(listing)
}

fn output_caps(path: &str, text: Option<&str>) -> Result<Option<gst::Caps>, String> {
    let Some(text) = text else { return Ok(None) };
    let caps = gst::Caps::from_str(text);
    caps.map(Some).map_err(|_| {
        format!(
            "{path}: output-caps = \"{text}\" is no caps; write such as \"video/x-raw,width=640,height=360\", or \"ANY\" to \
             hold to the first answer's"
        )
    })
}

impl Listing {
    /// Whether the profile does not want a candidate; notes why.
    fn leaves_out(&mut self, profile: &Profile, subject: Subject) -> bool {
        let Some(reason) = exclusion(profile, subject) else {
            return false;
        };
        for named in [&mut self.names.reference, &mut self.names.floor] {
            named.take_if(|it| it == subject.name);
        }
        self.excluded.push(reason);
        true
    }

    fn take(
        &mut self,
        name: String,
        made: Result<gst::Element, String>,
        prior: Prior,
        device: Option<String>,
    ) {
        match made {
            Ok(element) => self.children.push(Listed {
                element,
                prior,
                device,
            }),
            Err(cause) => self.failures.push((name, cause, "mend its entry".to_string())),
        }
    }
}

/// What models are called: their files without extension, with as many folders before it as tell them apart.
fn names(models: &[&str]) -> Vec<String> {
    let ending = |model: &str, parts: usize| {
        let path = Path::new(model).with_extension("");
        let parts: Vec<_> = path.iter().rev().take(parts).collect();
        let parts: Vec<_> = parts.iter().rev().map(|it| it.to_string_lossy()).collect();
        parts.join("/")
    };
    let name = |(index, model): (usize, &&str)| {
        let is_told = |parts: &usize| {
            let own = ending(model, *parts);
            let mut others = models.iter().enumerate().filter(|(other, _)| *other != index);
            others.all(|(_, it)| ending(it, *parts) != own)
        };
        let longest = Path::new(model).iter().count();
        ending(model, (1..=longest).find(is_told).unwrap_or(1))
    };
    models.iter().enumerate().map(name).collect()
}

/// What the catalogue knows of a candidate before it ran; who the reference is comes out later.
fn prior(candidate: &Candidate) -> Prior {
    Prior {
        quality: candidate.quality,
        quality_sd: candidate
            .quality_interval
            .map(|(low, high)| (high - low) / (2.0 * SIDES)),
        latency: candidate.latency,
        complexity: candidate.cost,
        is_reference: false,
        // Lanes know devices by name.
        ..Prior::default()
    }
}

fn from_candidate(candidate: &Candidate) -> Result<gst::Element, String> {
    match &candidate.source {
        Source::Element(fragment) => {
            let bin = gst::parse::bin_from_description_with_name(fragment, true, &candidate.name)
                .map_err(|error| format!("`{fragment}` is no launch fragment: {}", error.message()))?;
            Ok(bin.upcast())
        }
        Source::Model(model) => {
            let element = avrec_infer(&candidate.name, &model.to_string_lossy())?;
            let sum = candidate.sha256.iter().map(|it| (SUM, it));
            let properties = candidate.properties.iter().map(|(name, it)| (name.as_str(), it));
            for (name, value) in properties.chain(sum) {
                property_text::set(&element, name, value)?;
            }
            Ok(element)
        }
    }
}

fn avrec_infer(name: &str, model: &str) -> Result<gst::Element, String> {
    let element = gst::ElementFactory::make("avrec-infer")
        .name(name)
        .property("model-file", model)
        .build();
    element.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_called_by_what_tells_them_apart() {
        for (models, expected) in [
            (&["a/x.onnx", "b/y.onnx"][..], &["x", "y"][..]),
            (&["a/x.onnx", "b/x.onnx", "b/y.onnx"], &["a/x", "b/x", "y"]),
            (&["a/b/x.onnx", "c/b/x.onnx"], &["a/b/x", "c/b/x"]),
            (&["x.onnx", "b/x.onnx"], &["x", "b/x"]),
            (&["v1.2.onnx", "v1.3.onnx"], &["v1.2", "v1.3"]),
            (&["x.onnx", "x.onnx"], &["x", "x"]),
        ] {
            assert_eq!(names(models), expected);
        }
    }
}
