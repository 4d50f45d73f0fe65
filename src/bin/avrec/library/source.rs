// SPDX-License-Identifier: MPL-2.0

//! A library as candidates, whether it is a TOML file or a folder of models.

use std::path::Path;

use gstavrec::elements::infer;
use gstavrec::runtime::catalog::{Catalog, Document};

use super::found;
use super::look::{Typed, look};
use crate::console::warn;
use crate::failure::Failure;

/// What a folder's candidates are called in, if they were written.
const UNWRITTEN: &str = "library.toml";

/// Starts GStreamer, and registers the elements of this program.
pub fn start() -> Result<(), Failure> {
    gst::init().map_err(|err| Failure::Pipeline(format!("GStreamer does not start: {err}")))?;
    gstavrec::plugin_register_static()
        .map_err(|err| Failure::Pipeline(format!("avrec's elements cannot be registered: {err}")))
}

/// Reads a library. Each model of a folder is loaded once in a process of its own; those that cannot be are warned of and
/// left out.
///
/// # Errors
///
/// When it cannot be read, with file, line, cause and remedy; when a folder has no model that loads.
pub fn read(path: &Path) -> Result<Catalog, Failure> {
    start()?;
    if path.extension().is_some_and(|it| it == "onnx") {
        let path = path.display();
        let text = format!(
            "{path}: it is a model; name a TOML file or a folder, or look at it by `avrec check {path}`"
        );
        return Err(Failure::Usage(text));
    }
    match path.is_dir() {
        true => of_folder(path),
        false => load(path),
    }
}

fn load(path: &Path) -> Result<Catalog, Failure> {
    let properties = infer::catalogue_properties();
    let names: Vec<_> = properties.iter().map(String::as_str).collect();
    Catalog::load(path, &names).map_err(|error| Failure::Usage(error.to_string()))
}

fn of_folder(folder: &Path) -> Result<Catalog, Failure> {
    let models = found::models(&[folder.to_owned()]).map_err(Failure::Usage)?;
    let mut document = Document::new(&folder.join(UNWRITTEN));
    for model in &models {
        match look(model, found::name(model, &models), &Typed::default()) {
            Ok(looked) => {
                let put = document.put(&looked.entry);
                put.unwrap_or_else(|error| warn(&error.to_string()));
            }
            Err(cause) => warn(&format!("{} is left out: {cause}", model.display())),
        }
    }
    if document.names().is_empty() {
        let text = format!("{}: none of its models can be loaded", folder.display());
        return Err(Failure::Pipeline(text));
    }
    let properties = infer::catalogue_properties();
    let names: Vec<_> = properties.iter().map(String::as_str).collect();
    Catalog::parse(&folder.join(UNWRITTEN), &document.text(), &names)
        .map_err(|error| Failure::Usage(error.to_string()))
}
