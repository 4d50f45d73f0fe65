// SPDX-License-Identifier: MPL-2.0

//! `avrec library`: models with what is known of them, from their files and cards into a TOML file, and out of it.

mod add;
mod args;
mod check;
mod examine;
mod found;
mod list;
mod look;
mod show;
pub mod source;

use gstavrec::runtime::catalog::Document;

pub use args::LibraryArgs;
use args::{LibraryCommand, RemoveArgs};

use crate::console::say;
use crate::failure::Failure;

/// Does what was asked for.
pub fn run(typed: LibraryArgs) -> Result<(), Failure> {
    match typed.command {
        LibraryCommand::Add(typed) => add::run(&typed),
        LibraryCommand::List(typed) => list::run(typed),
        LibraryCommand::Show(typed) => show::run(&typed),
        LibraryCommand::Remove(typed) => remove(&typed),
        LibraryCommand::Check(typed) => check::run(&typed),
        LibraryCommand::Examine(typed) => examine::run(&typed),
    }
}

fn remove(typed: &RemoveArgs) -> Result<(), Failure> {
    if !typed.library.is_file() {
        let text = format!("{}: there is no such library", typed.library.display());
        return Err(Failure::Usage(text));
    }
    let usage = |error| Failure::Usage(format!("{error}"));
    let mut document = Document::open(&typed.library).map_err(usage)?;
    let names = document.names();
    for name in &typed.names {
        if !document.remove(name) {
            let text = format!(
                "{}: it has no candidate '{name}' (it has {})",
                typed.library.display(),
                names.join(", ")
            );
            return Err(Failure::Usage(text));
        }
    }
    document
        .save()
        .map_err(|error| Failure::Output(error.to_string()))?;
    for name in &typed.names {
        say(&format!("{name}: removed; its file stays where it is"));
    }
    Ok(())
}
