// SPDX-License-Identifier: MPL-2.0

//! `avrec tune`: a new model file whose last layer is fitted to the user's material, if that is a gain on the half of it
//! that was held out.

mod classify;
mod detect;
mod grids;
mod items;
mod labels;
mod library;
mod material;
mod outcome;
mod restore;
mod tapped;
mod teacher;
mod variants;

use std::path::PathBuf;

use clap::Args;
use gstavrec::elements::infer::offline::Offline;
use gstavrec::runtime::Task;

use crate::console::say;
use crate::failure::Failure;
use crate::paths::check_folder;
use labels::Labels;
use library::Listed;
use tapped::Subject;
use teacher::Teacher;

/// Fit the last layer of a model to your material, and write a new file if that is a gain
///
/// Clips are halved: the layer is fitted on the first half, and what is gained is measured on the second one. A model that
/// restores learns from the material itself, made worse; others from a better model (--teacher) or labels.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:
  0    a new model was written
  1    the model cannot be loaded or run
  2    usage: an option, a file or the model is unsuitable; nothing was written
  3    a gain, but the new model could not be written
  4    no gain: nothing was written

Example:
  avrec tune models/medium.onnx --on clip.mp4")]
pub struct TuneArgs {
    /// The model, or a catalog with --candidate
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    /// The model is a catalog or library, and this candidate of it is meant; the new model gets an entry there
    #[arg(long, value_name = "NAME")]
    candidate: Option<String>,

    /// Clip, sound, picture or folder of these (repeatable)
    #[arg(long = "on", value_name = "PATH", num_args = 1.., required = true)]
    material: Vec<PathBuf>,

    /// Learn from the answers of this model
    #[arg(long, value_name = "MODEL")]
    teacher: Option<PathBuf>,

    /// What is right: COCO or YOLO boxes, folders a class, CSV; with --teacher they only measure
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,

    /// Where the new model goes; else MODEL-tuned.onnx beside the model
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Of a classifier fit one temperature only: confidences that mean what they say, and the same classes
    #[arg(long)]
    calibrate: bool,

    /// Measure the model in int8 and float16 too, and write the faster one if it is hardly worse
    #[arg(long)]
    variants: bool,

    /// Set a property of avrec-infer, such as input-range=0,255 (repeatable)
    #[arg(long = "set", value_name = "PROPERTY=VALUE")]
    settings: Vec<String>,

    /// Frames of each clip that are used, about
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    frames: u32,

    /// Seed of what is drawn
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Write the new model also where it is no gain, to look at it
    #[arg(long, hide = true)]
    anyway: bool,

    /// Learn from shuffled targets, which must be refused: a check of this command
    #[arg(long, hide = true)]
    shuffle: bool,
}

/// What all tasks need.
pub struct Job {
    pub typed: TuneArgs,
    pub output: PathBuf,
    pub listed: Option<Listed>,
}

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
