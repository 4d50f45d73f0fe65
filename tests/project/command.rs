// SPDX-License-Identifier: MPL-2.0

//! What tests of the command have in common.

use std::path::Path;
use std::process::Output;

/// All that a run printed.
pub fn told(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// A copy of a model in a folder of its own, since files are left beside it; where the copy is.
pub fn copied(name: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join(Path::new(name).file_name().unwrap());
    std::fs::copy(name, &to).unwrap();
    (folder, to.to_string_lossy().into_owned())
}
