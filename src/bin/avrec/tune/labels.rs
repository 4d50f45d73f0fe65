// SPDX-License-Identifier: MPL-2.0

//! What is right of the items, by labels of the user.

use std::path::Path;
use std::time::Duration;

use gstavrec::answer::{Answer, ClassScore, Detection};
use gstavrec::truth::{Classes, ItemKey, Truth};

use super::items::Items;
use crate::console::say;
use crate::failure::Failure;

/// Labels whose classes are those of a model.
pub struct Labels {
    truth: Truth,
    classes: Classes,
    /// Number of the model's classes, which come first.
    known: usize,
}

impl Labels {
    /// Reads labels for a model with these classes.
    pub fn open(path: &Path, names: &[String]) -> Result<Labels, Failure> {
        let mut classes = Classes::new();
        names.iter().for_each(|it| {
            classes.number(it);
        });
        let known = classes.len();
        let truth =
            Truth::open(path, &mut classes).map_err(|err| Failure::Usage(format!("--labels: {err}")))?;
        truth.notes().iter().for_each(|it| say(&format!("labels: {it}")));
        let is_known = |it: &&String| classes.find(it).is_some_and(|number| (number as usize) < known);
        if !names.is_empty() && !classes.is_empty() && classes.len() > known {
            let others: Vec<&String> = classes.names().iter().filter(|it| !is_known(it)).collect();
            let shown: Vec<&str> = others.iter().take(8).map(|it| it.as_str()).collect();
            say(&format!(
                "labels: the model has no class {}; it is left out",
                shown.join(", ")
            ));
        }
        Ok(Labels {
            truth,
            classes,
            known,
        })
    }

    /// What is right of an item, in the model's classes, boxes in shares of the frame; `None` where nothing is known.
    pub fn of(&self, items: &Items, item: usize) -> Result<Option<Answer>, Failure> {
        let frame = items.frame(item);
        let place = items.place(item);
        let key = ItemKey {
            file: &items.file(item).path,
            time: Duration::from_secs_f64(if place.is_picture { 0.0 } else { place.at.max(0.0) }),
            duration: items.duration(),
            frame: frame.map_or(0, |it| it.0),
            size: frame.map(|it| it.1),
        };
        let label = self
            .truth
            .of(&key)
            .map_err(|err| Failure::Usage(format!("--labels: {err}")))?;
        Ok(label.and_then(|it| it.answer()).map(|it| self.in_known(it)))
    }

    fn in_known(&self, answer: Answer) -> Answer {
        let is_known = |class: u32| (class as usize) < self.known;
        match answer {
            Answer::Detections(found) => Answer::Detections(
                found
                    .into_iter()
                    .filter(|it: &Detection| is_known(it.class))
                    .collect(),
            ),
            Answer::Classes(scores) => Answer::Classes(
                scores
                    .into_iter()
                    .filter(|it: &ClassScore| is_known(it.class))
                    .collect(),
            ),
            other => other,
        }
    }

    /// An error that says that none of the items has a label.
    pub fn misfit(&self) -> Failure {
        let names: Vec<&str> = self.classes.names().iter().take(12).map(String::as_str).collect();
        Failure::Usage(format!(
            "--labels {}: they are of none of the frames or sounds that were given with --on, or of other classes; classes: {}",
            self.truth.path().display(),
            names.join(", ")
        ))
    }
}
