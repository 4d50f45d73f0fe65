// SPDX-License-Identifier: MPL-2.0

//! Whether a file can be written, found out before the run and not after it.

use std::path::Path;

use gstavrec::bounded_file;

/// A missing folder is told before the run, not after it.
pub fn check_folder(file: &Path) -> Result<(), String> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if file.is_dir() {
        Err(format!("'{}' is a folder; name a file in it", file.display()))
    } else if folder.is_dir() {
        Ok(())
    } else {
        Err(format!(
            "the folder '{}' does not exist; create it or choose another",
            folder.display()
        ))
    }
}

/// Opens the file for writing, and leaves the folder as it was.
pub fn check_writable(path: &Path) -> std::io::Result<()> {
    let is_new = !path.exists();
    bounded_file::append(path)?;
    if is_new {
        std::fs::remove_file(path)
    } else {
        Ok(())
    }
}
