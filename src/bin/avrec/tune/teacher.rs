// SPDX-License-Identifier: MPL-2.0

//! A better model whose answers are learned from.

use std::path::{Path, PathBuf};

use gstavrec::answer::Answer;
use gstavrec::elements::infer::offline::Offline;
use gstavrec::runtime::Runner;
use gstavrec::tensor::Tensor;

use super::items::{Items, run};
use super::tapped::Subject;
use crate::failure::Failure;

pub struct Teacher {
    pub path: PathBuf,
    pub properties: Vec<(String, String)>,
    pub offline: Offline,
    runner: Runner,
    /// For each class of the teacher that of the student.
    pub classes: Vec<Option<usize>>,
}

impl Teacher {
    /// Loads a teacher of the same task and, in part at least, the same classes.
    pub fn load(path: &Path, subject: &Subject, properties: &[(String, String)]) -> Result<Teacher, Failure> {
        let offline = Offline::load(path, properties).map_err(Failure::Pipeline)?;
        let unsuitable = |cause: String| Failure::Usage(format!("--teacher {}: {cause}", path.display()));
        let (task, ours) = (offline.model().task, subject.offline.model().task);
        if task != ours {
            let text = format!(
                "it is a model of task={}, and the other one of task={}",
                task.name(),
                ours.name()
            );
            return Err(unsuitable(text));
        }
        let names = subject.offline.labels();
        let classes = offline.labels().iter().map(|it| class(names, it));
        let classes: Vec<_> = classes.collect();
        if classes.iter().all(Option::is_none) && !(classes.is_empty() && names.is_empty()) {
            let text = "none of its classes is one of the other model; say both models' classes in a description \
                        (docs/models.md)";
            return Err(unsuitable(text.to_owned()));
        }
        let runner = offline.runner(path).map_err(Failure::Pipeline)?;
        Ok(Teacher {
            path: path.to_owned(),
            properties: properties.to_vec(),
            offline,
            runner,
            classes,
        })
    }

    /// What the teacher's outputs are for an item.
    pub fn outputs(&mut self, items: &Items, item: usize) -> Result<Vec<Tensor>, Failure> {
        let input = items.input(&mut self.offline, item)?;
        Ok(run(&mut self.runner, &input)?.to_vec())
    }

    /// What the teacher answers, with objects from this confidence on.
    pub fn answer(&mut self, items: &Items, item: usize, confidence: f32) -> Result<Option<Answer>, Failure> {
        let outputs = self.outputs(items, item)?;
        self.offline.read(&outputs, confidence).map_err(Failure::Pipeline)
    }
}

/// The position of a class, written with large or small letters.
pub fn class(names: &[String], name: &str) -> Option<usize> {
    let same = |it: &String| it.trim().eq_ignore_ascii_case(name.trim());
    names.iter().position(same)
}
