// SPDX-License-Identifier: MPL-2.0

//! A model is loaded and run in a process of its own, so that one that crashes, hangs or takes all memory takes nobody with
//! it, and so that what the process grows by is the model's.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use gstavrec::machine::memory;
use gstavrec::runtime::library;
use serde::{Deserialize, Serialize};

use super::args::ExamineArgs;
use crate::check::material::Material;
use crate::check::pass::{self, Request};
use crate::console::say;
use crate::failure::Failure;

/// How long a model may keep silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// Seconds after which the process is ended, whatever it does.
const LONGEST: u32 = 300;

/// Frames of material that a model is run on: the first runs take memory that stays.
const FRAMES: u32 = 3;

/// What came of loading and running a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Examined {
    /// What its answers are.
    pub task: String,
    /// The inference library that runs it.
    pub backend: String,
    /// Bytes by which the process grew, while it was loaded and after some runs; 0 where the system does not say.
    pub memory: u64,
    /// What it was taken for that nobody said.
    pub assumed: String,
    /// Why it does not run on what GStreamer makes; empty where it does.
    pub fault: String,
}

/// Examines a model in another process.
///
/// # Errors
///
/// When it cannot be loaded, with the cause as a sentence.
pub fn examine(model: &Path, settings: &[(String, String)]) -> Result<Examined, String> {
    let program = std::env::current_exe().map_err(|err| format!("avrec cannot start itself: {err}"))?;
    let mut command = Command::new(program);
    command.args(["library", "examine"]);
    for (name, value) in settings {
        command.arg("--set").arg(format!("{name}={value}"));
    }
    let output = command
        .arg("--")
        .arg(model)
        .stdin(Stdio::null())
        .output()
        .map_err(|err| format!("avrec cannot start itself: {err}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if let Some(examined) = said.lines().find_map(|it| serde_json::from_str(it).ok()) {
        return Ok(examined);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let complaint = complaint.lines().rev().find_map(|it| it.strip_prefix("avrec: "));
    Err(match (complaint, output.status.code()) {
        (Some(complaint), Some(_)) => complaint.to_owned(),
        (None, Some(code)) => format!("loading it ended with {code}"),
        (_, None) => format!("loading it ended its process ({})", output.status),
    })
}

/// What the other process does.
pub fn run(typed: &ExamineArgs) -> Result<(), Failure> {
    // SAFETY: it sets a timer of the process, whose signal ends it.
    unsafe {
        libc::alarm(LONGEST);
    }
    gst::init().map_err(|err| Failure::Pipeline(format!("GStreamer does not start: {err}")))?;
    gstavrec::plugin_register_static()
        .map_err(|err| Failure::Pipeline(format!("avrec's elements cannot be registered: {err}")))?;
    // What the library itself takes is not the model's.
    library::is_available();
    let before = memory::resident();
    let settings = typed.settings.iter().filter_map(|it| it.split_once('='));
    let request = Request {
        model: &typed.model,
        settings: settings.map(|(name, it)| (name.into(), it.into())).collect(),
    };
    let (loaded, kind, _) = pass::load(&request, PATIENCE)?;
    let material = Material::new(None, kind)?;
    let ran = pass::run(&request, &material, FRAMES, PATIENCE);
    let (resident, fault) = match ran {
        Ok(pass) => (pass.resident, String::new()),
        Err(failure) => (None, failure.to_string()),
    };
    let memory = resident
        .zip(before)
        .map(|(now, before)| now.saturating_sub(before));
    let examined = Examined {
        task: loaded.task.name().to_owned(),
        backend: loaded.backend,
        memory: memory.unwrap_or(0),
        assumed: loaded.assumed,
        fault,
    };
    let text = serde_json::to_string(&examined).map_err(|err| Failure::Pipeline(err.to_string()))?;
    say(&text);
    Ok(())
}
