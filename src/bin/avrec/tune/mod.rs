// SPDX-License-Identifier: MPL-2.0

//! `avrec tune`: a new model file whose last layer is fitted to the user's material, if that is a gain on the half of it
//! that was held out.

mod args;
mod classify;
mod date;
mod detect;
mod grids;
mod items;
mod job;
mod labels;
mod library;
mod material;
mod measured;
mod outcome;
mod restore;
mod tapped;
mod teacher;
mod variants;

use std::path::PathBuf;

pub use args::TuneArgs;
use gstavrec::elements::infer::offline::Offline;
use gstavrec::runtime::Task;

use crate::console::say;
use crate::failure::Failure;
use crate::paths::check_folder;
use job::Job;
use labels::Labels;
use library::Listed;
use tapped::Subject;
use teacher::Teacher;

/// Tunes what was asked for.
pub fn run(typed: TuneArgs) -> Result<(), Failure> {
    gst::init().map_err(|err| Failure::Pipeline(format!("GStreamer does not start: {err}")))?;
    gstavrec::plugin_register_static()
        .map_err(|err| Failure::Pipeline(format!("avrec's elements cannot be registered: {err}")))?;
    let mut typed = typed;
    let listed = typed
        .candidate
        .as_ref()
        .map(|it| Listed::find(&typed.model, it))
        .transpose()?;
    let mut settings = listed.as_ref().map_or(Vec::new(), |it| it.properties.clone());
    settings.extend(crate::check::settings(&typed.settings)?);
    if let Some(listed) = &listed {
        typed.model.clone_from(&listed.model);
    }
    let output = output(&typed)?;
    let offline = Offline::load(&typed.model, &settings).map_err(Failure::Pipeline)?;
    let subject = Subject::new(&typed.model, offline)?;
    let teacher = typed.teacher.as_ref().map(|it| Teacher::load(it, &subject, &[]));
    let teacher = teacher.transpose()?;
    let labels = typed
        .labels
        .as_ref()
        .map(|it| Labels::open(it, subject.offline.labels()));
    let labels = labels.transpose()?;
    let job = Job {
        typed,
        output,
        listed,
    };
    let outcome = match subject.offline.model().task {
        Task::Image => restore::tune(&job, subject)?,
        Task::Classify => classify::tune(&job, subject, teacher, labels)?,
        Task::Detect => detect::tune(&job, subject, teacher, labels)?,
        task => {
            let text = format!(
                "{}: models of task={} are not tuned",
                job.typed.model.display(),
                task.name()
            );
            return Err(Failure::Usage(text));
        }
    };
    outcome.tell(&job).map(|text| say(&text))
}

/// Where the new model goes, which must not be there yet.
fn output(typed: &TuneArgs) -> Result<PathBuf, Failure> {
    let stem = typed.model.file_stem().unwrap_or_default().to_string_lossy();
    let beside = || typed.model.with_file_name(format!("{stem}-tuned.onnx"));
    let output = typed.output.clone().unwrap_or_else(beside);
    check_folder(&output).map_err(Failure::Usage)?;
    if output.exists() {
        let text = format!(
            "{} is there already; move it away, or name another file with --output",
            output.display()
        );
        return Err(Failure::Usage(text));
    }
    Ok(output)
}
