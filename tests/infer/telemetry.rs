// SPDX-License-Identifier: MPL-2.0

//! ONNX Runtime reports nothing to its maker: it leaves nothing in the user's folder, where it keeps what it would send.

use std::process::Command;

use crate::support::host::plugin_folder;
use crate::support::models::model;

#[test]
fn a_model_leaves_nothing_in_the_folder_of_the_user() {
    let (plugin, home) = (plugin_folder(), tempfile::tempdir().unwrap());
    let line = format!(
        "videotestsrc num-buffers=3 ! video/x-raw,format=GRAY8,width=64,height=64 ! avrec-infer backend=ort model-file={} \
         ! fakesink",
        model("half_luma").display()
    );
    let run = Command::new("gst-launch-1.0")
        .args(line.split_whitespace())
        .env("GST_PLUGIN_PATH", plugin.path())
        .env("GST_REGISTRY", plugin.path().join("registry.bin"))
        .env("HOME", home.path())
        // It is quiet by itself where it takes a machine for one that only tests.
        .env_remove("CI")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("ORT_DISABLE_TELEMETRY")
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
