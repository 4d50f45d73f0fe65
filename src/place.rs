// SPDX-License-Identifier: MPL-2.0

//! Where an element stands, in names.

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
