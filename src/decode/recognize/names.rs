// SPDX-License-Identifier: MPL-2.0

//! Labels that nobody gave: from the metadata, under the names that exporters use, or from files beside the model.

use std::collections::BTreeMap;

use crate::decode::{Evidence, labels};

/// Labels, and where they were found.
pub(super) struct Labels {
    pub labels: Vec<String>,
    pub source: String,
}

impl Labels {
    /// The table of a recognizer of text, as PaddleOCR's exporters write it.
    pub fn of_characters(labels: Vec<String>) -> Labels {
        Labels {
            labels,
            source: "character".into(),
        }
    }
}

/// Keys of the metadata under which labels may stand, besides Ultralytics' `names`.
const SPELLINGS: [&str; 5] = ["id2label", "classes", "labels", "class_names", "character"];

/// The labels of the metadata's `names`, which are always those of the classes.
pub(super) fn of_metadata(metadata: &BTreeMap<String, String>, warnings: &mut Vec<String>) -> Option<Labels> {
    let text = metadata.get("names")?;
    match labels::from_names(text) {
        Ok(labels) => Some(Labels {
            labels,
            source: "names".into(),
        }),
        Err(error) => {
            warnings.push(error.to_string());
            None
        }
    }
}

/// Labels under other names, or beside the model: only where they are as many as classes, since they may be something
/// else.
pub(super) fn beside(
    metadata: &BTreeMap<String, String>,
    evidence: &Evidence,
    given: Option<usize>,
    classes: Option<usize>,
) -> Option<Labels> {
    let classes = classes.filter(|_| given.is_none())?;
    let spelled = SPELLINGS.iter().filter_map(|key| {
        let labels = labels::from_text(metadata.get(*key)?)?;
        Some(Labels {
            labels,
            source: (*key).into(),
        })
    });
    let companions = evidence.companions.iter().map(|(file, labels)| Labels {
        labels: labels.clone(),
        source: file.clone(),
    });
    spelled.chain(companions).find(|it| it.labels.len() == classes)
}
