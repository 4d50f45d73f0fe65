// SPDX-License-Identifier: MPL-2.0

//! Programs that are not ours, with what they need of this machine: the plugin alone, a compiler's flags, and a Python.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with the plugin that was built with this test, and without what else is built beside it.
pub fn plugin_folder() -> tempfile::TempDir {
    let program = std::env::current_exe().unwrap();
    let folders = program.ancestors().skip(1).take(2);
    let mut files = folders
        .map(|it| it.join("libgstavrec.so"))
        .filter(|it| it.exists());
    let plugin = files.next().expect("the plugin is built: cargo build");
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(plugin, folder.path().join("libgstavrec.so")).unwrap();
    folder
}

/// What a compiler has to be told of GStreamer. `None` where pkg-config or GStreamer's headers are missing.
pub fn gstreamer_flags(what: &[&str]) -> Option<Vec<String>> {
    let flags = Command::new("pkg-config")
        .args(what)
        .arg("gstreamer-1.0")
        .output()
        .ok()?;
    let text = String::from_utf8(flags.stdout).unwrap();
    let words = text.split_whitespace().map(str::to_owned).collect();
    flags.status.success().then_some(words)
}

/// A Python with PyGObject.
pub fn python() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/python/bin/python3");
    let has_gi = |it: &PathBuf| {
        let found = Command::new(it).args(["-c", "import gi"]).output();
        found.is_ok_and(|it| it.status.success())
    };
    [own, PathBuf::from("/usr/bin/python3")].into_iter().find(has_gi)
}
