// SPDX-License-Identifier: MPL-2.0

//! Where an element stands, in names.

#[cfg(feature = "metrics")]
use std::collections::HashSet;

use gst::prelude::*;

/// Names by which an element is found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// Of the pipeline; empty where there is none.
    pub pipeline: String,
    /// Of the element, with the bins around it.
    pub element: String,
}

pub fn place(element: &gst::Element) -> Place {
    let (mut names, mut top) = (Vec::new(), element.clone().upcast::<gst::Object>());
    while let Some(parent) = top.parent() {
        names.push(top.name().to_string());
        top = parent;
    }
    if names.is_empty() {
        return Place {
            pipeline: String::new(),
            element: top.name().to_string(),
        };
    }
    names.reverse();
    Place {
        pipeline: top.name().to_string(),
        element: names.join("/"),
    }
}

/// Pipelines of one name are told apart by a number, since two elements must not have the same names.
#[cfg(feature = "metrics")]
pub fn unique(place: Place, taken: &mut HashSet<Place>) -> Place {
    let mut candidates = (2..).map(|number| format!("{}#{number}", place.pipeline));
    let mut name = place.clone();
    while !taken.insert(name.clone()) {
        name.pipeline = candidates.next().unwrap_or_default();
    }
    name
}

#[cfg(all(test, feature = "metrics"))]
mod tests {
    use super::*;

    #[test]
    fn elements_of_one_name_are_told_apart() {
        let mut taken = HashSet::new();
        let place = Place {
            pipeline: "main".to_owned(),
            element: "s".to_owned(),
        };
        let names = [(); 3].map(|()| unique(place.clone(), &mut taken).pipeline);
        assert_eq!(names, ["main", "main#2", "main#3"]);
    }
}
