// SPDX-License-Identifier: MPL-2.0

//! `avrec check`: what a model is taken for, what it answers, and what about that cannot be right.

mod answers;
mod doubts;
mod draft;
mod findings;
pub mod material;
pub mod pass;
mod picture;
mod plot;
mod readings;
pub mod tables;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use gstavrec::bounded_file;
use gstavrec::messages::Loaded;
use gstavrec::runtime::{Task, source};

use crate::console::{say, warn};
use crate::failure::{Failure, cannot_write};
use crate::paths::check_writable;
use findings::Findings;
use material::Material;
use pass::Request;

/// Say what a model is taken for and why, run it, and draw its answer
///
/// It prints what goes in and out, what was assumed and which line says otherwise, runs the model on a picture, a clip
/// or a sound, and warns of answers that cannot be right.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:
  0    the model runs
  1    the model cannot be loaded or run
  2    usage: an option or a file is wrong; nothing was run
  3    the model runs, but the picture or the draft could not be written

Example:
  avrec check detector.onnx --on street.jpg --set input-range=0,255 --write")]
pub struct CheckArgs {
    /// The model
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    /// Picture, clip or sound to run it on; else a test picture or noise
    #[arg(long = "on", value_name = "FILE")]
    material: Option<PathBuf>,

    /// Set a property of avrec-infer, such as task=detect (repeatable)
    #[arg(long = "set", value_name = "PROPERTY=VALUE")]
    settings: Vec<String>,

    /// Draft MODEL.modelinfo with what was said, found and proposed
    #[arg(long)]
    write: bool,

    /// Where the drawn answer goes; else MODEL.png beside the model, of one on a server in the current folder
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

/// How long a pass may stand still: large models load for a minute.
const PATIENCE: Duration = Duration::from_secs(120);

/// Checks what was asked for.
pub fn run(typed: CheckArgs) -> Result<(), Failure> {
    gst::init().map_err(|err| Failure::Pipeline(format!("GStreamer does not start: {err}")))?;
    gstavrec::plugin_register_static()
        .map_err(|err| Failure::Pipeline(format!("avrec's elements cannot be registered: {err}")))?;
    let settings = settings(&typed.settings)?;
    let draft = draft::path(&typed.model);
    if typed.write && source::is_address(&typed.model) {
        let text = "--write: what a server says of a model is too little for a draft; check the model's file with --write, \
                    and name the result in modelinfo-file";
        return Err(Failure::Usage(text.into()));
    }
    if typed.write && draft.exists() {
        let text = format!(
            "--write: {} is there already; move it away first",
            draft.display()
        );
        return Err(Failure::Usage(text));
    }
    let request = Request {
        model: &typed.model,
        settings,
    };
    let (loaded, kind, notes) = pass::load(&request, PATIENCE)?;
    say(&tables::ports(&typed.model));
    say(&tables::statements(&loaded));
    tell(&notes, &[]);
    let material = Material::new(typed.material.as_deref(), kind)?;
    let findings = look(&request, loaded, material, &notes)?;
    say(&tables::run(&findings));
    let readings = readings::compare(&request, &findings, PATIENCE);
    if let Some(table) = readings.table() {
        say(&table);
    }
    let mut doubts = doubts::of(&request, &findings, PATIENCE);
    doubts.extend(readings.doubt());
    doubts.iter().for_each(|doubt| say(&format!("doubt: {doubt}")));
    let picture = typed.picture.unwrap_or_else(|| picture::path(&typed.model));
    let drawn = draw(&picture, &findings);
    let written = match typed.write {
        true => draft::write(&draft, &typed.model, &findings, &readings),
        false => Ok(()),
    };
    drawn.and(written)
}

/// Runs the model on the material, with its answer drawn where it can be.
fn look(request: &Request, loaded: Loaded, material: Material, told: &[String]) -> Result<Findings, Failure> {
    let drawn = match loaded.task {
        Task::Image | Task::Audio | Task::Tensor => None,
        _ if material.is_sound() => None,
        _ => Some(("output".to_string(), "overlay".to_string())),
    };
    let has_output = request.settings.iter().any(|(name, _)| name == "output");
    let more = drawn.filter(|_| !has_output).into_iter().collect::<Vec<_>>();
    let shown = pass::run(&request.with(&more), &material, material.frames(), PATIENCE)?;
    tell(&shown.notes, told);
    Ok(Findings {
        loaded,
        stats: shown.stats.clone(),
        shown,
        material,
    })
}

/// Says the notes that were not told yet.
fn tell(notes: &[String], told: &[String]) {
    let new = notes.iter().filter(|it| !told.contains(it));
    new.for_each(|note| say(&format!("note: {note}")));
}

/// Draws the answer, or the score over time, and says where it is.
fn draw(path: &std::path::Path, findings: &Findings) -> Result<(), Failure> {
    let made = match findings.material.is_sound() {
        true => plot::over_time(&findings.shown.answers),
        false => findings.shown.frame.clone(),
    };
    let Some(sample) = made else {
        return Ok(());
    };
    let unwritable = |err: &std::io::Error| Failure::Output(cannot_write("picture", path, err));
    check_writable(path).map_err(|err| unwritable(&err))?;
    let png = picture::png(&sample).map_err(|cause| {
        warn(&cause);
        Failure::Output(cause)
    })?;
    bounded_file::write(path, png).map_err(|err| unwritable(&err))?;
    say(&format!("drawn: {}", path.display()));
    Ok(())
}

/// Splits `PROPERTY=VALUE`.
pub fn settings(typed: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let split = |text: &String| {
        let (name, value) = text.split_once('=')?;
        Some((name.trim().to_string(), value.to_string()))
    };
    let wrong = |text: &String| Failure::Usage(format!("--set {text}: write PROPERTY=VALUE"));
    typed
        .iter()
        .map(|text| split(text).ok_or_else(|| wrong(text)))
        .collect()
}
