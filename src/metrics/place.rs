// SPDX-License-Identifier: MPL-2.0

//! Where an element is: the names under which it is shown.

use std::collections::HashSet;

use gst::prelude::*;

/// Names of the pipeline and, from there on, of the element with the bins around it.
pub type Place = (String, String);

pub fn place(element: &gst::Element) -> Place {
    let (mut names, mut top) = (Vec::new(), element.clone().upcast::<gst::Object>());
    while let Some(parent) = top.parent() {
        names.push(top.name().to_string());
        top = parent;
    }
    if names.is_empty() {
        return (String::new(), top.name().to_string());
    }
    names.reverse();
    (top.name().to_string(), names.join("/"))
}

/// Pipelines of one name are told apart by a number, since two elements must not have the same names.
pub fn unique((pipeline, element): Place, taken: &mut HashSet<Place>) -> Place {
    let mut candidates = (2..).map(|number| format!("{pipeline}#{number}"));
    let mut name = (pipeline.clone(), element);
    while !taken.insert(name.clone()) {
        name.0 = candidates.next().unwrap_or_default();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_one_name_are_told_apart() {
        let mut taken = HashSet::new();
        let name = || ("main".to_owned(), "s".to_owned());
        let names = [(); 3].map(|()| unique(name(), &mut taken).0);
        assert_eq!(names, ["main", "main#2", "main#3"]);
    }
}
