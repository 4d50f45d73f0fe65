// SPDX-License-Identifier: MPL-2.0

//! The command line of `avrec library`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gstavrec::library::license::License;
use gstavrec::runtime::Task;
use gstavrec::runtime::catalog::Privacy;

use crate::conditions::ConditionArgs;

/// Keep models with what is known of them: licence, origin, memory, what was measured
///
/// A library is a TOML file in the format of the catalog, so avrec-switch takes it as it is; or a folder of ONNX files.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes:
  0    ok
  1    a model cannot be read or loaded, or something that the library says is wrong
  2    usage: an option, a file or the library is wrong; nothing was changed
  3    the library could not be written; it is as it was

Example:
  avrec library add models.toml ~/models --licence Apache-2.0
  avrec library list models.toml --licence 'MIT OR Apache-2.0' --max-memory 200M")]
pub struct LibraryArgs {
    #[command(subcommand)]
    pub command: LibraryCommand,
}

#[derive(Debug, Subcommand)]
pub enum LibraryCommand {
    Add(AddArgs),
    List(ListArgs),
    Show(ShowArgs),
    Remove(RemoveArgs),
    Check(CheckArgs),
    Examine(ExamineArgs),
}

/// Add ONNX files, or all of a folder and of those below it, to a library
///
/// What a model is, is read from the file, from the .modelinfo and from a model card (README.md, MODEL.md) beside it; what
/// nobody says is left out and told. A file that is there already is brought up to date.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The library, a TOML file; made where it is not there
    #[arg(value_name = "LIBRARY")]
    pub library: PathBuf,

    /// Models, or folders of models
    #[arg(required = true, value_name = "FILE_OR_FOLDER")]
    pub models: Vec<PathBuf>,

    /// Licence of these models, as an SPDX expression
    #[arg(long, alias = "license", value_name = "SPDX", value_parser = licence)]
    pub licence: Option<String>,

    /// Where they come from: an address, or words
    #[arg(long, value_name = "TEXT")]
    pub origin: Option<String>,

    /// What they were trained on
    #[arg(long, value_name = "TEXT")]
    pub trained_on: Option<String>,

    /// What their answers are, such as detect; else what they are taken for
    #[arg(long, value_name = "TASK", value_parser = task)]
    pub task: Option<String>,

    /// Who sees the frames: local, remote or uploads-frames
    #[arg(long, value_name = "WHO", value_parser = privacy)]
    pub privacy: Option<Privacy>,

    /// What they see that concerns people, such as faces (repeatable)
    #[arg(long, value_name = "WHAT")]
    pub sees: Vec<String>,

    /// What to call it, where there is one model; else it is called as its file
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// List the candidates of a library, or of a folder of ONNX files
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The library, a TOML file, or a folder
    #[arg(value_name = "LIBRARY")]
    pub library: PathBuf,

    /// List those of one task only
    #[arg(long, value_name = "TASK", value_parser = task)]
    pub task: Option<String>,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub conditions: ConditionArgs,
}

/// Print all that is known of one candidate
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The library, a TOML file, or a folder
    #[arg(value_name = "LIBRARY")]
    pub library: PathBuf,

    /// The candidate
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Remove candidates from a library; their files stay
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The library, a TOML file
    #[arg(value_name = "LIBRARY")]
    pub library: PathBuf,

    /// The candidates
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// Check that all files are there, are those that were meant, and load, and that what is said can be
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The library, a TOML file, or a folder
    #[arg(value_name = "LIBRARY")]
    pub library: PathBuf,
}

/// Load one model, run it, and tell what it is as JSON: what `add` does in a process of its own for each
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct ExamineArgs {
    pub model: PathBuf,

    #[arg(long = "set", value_name = "PROPERTY=VALUE")]
    pub settings: Vec<String>,
}

fn licence(text: &str) -> Result<String, String> {
    let license = License::parse(text).map_err(|error| error.to_string())?;
    Ok(license.to_string())
}

fn task(text: &str) -> Result<String, String> {
    let names = || Task::ALL.map(Task::name).join(", ");
    let task = Task::named(text).ok_or_else(|| format!("'{text}' is none; write one of {}", names()))?;
    Ok(task.name().to_owned())
}

fn privacy(text: &str) -> Result<Privacy, String> {
    Privacy::named(text).ok_or_else(|| format!("'{text}' is none; write local, remote or uploads-frames"))
}
