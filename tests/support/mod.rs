// SPDX-License-Identifier: MPL-2.0

//! What several test files need. Each area of tests includes all of it and uses its own part.

#![allow(dead_code, reason = "each area uses its own part")]

pub mod counting;
pub mod decode;
pub mod frames;
pub mod host;
pub mod infer;
pub mod infer_audio;
pub mod lag;
pub mod models;
pub mod providers;
pub mod sayer;
#[cfg(feature = "remote")]
pub mod server;
pub mod switch;
pub mod switch_audio;
pub mod world;

use std::process::Command;
use std::sync::Once;

/// Starts GStreamer and registers the elements, once.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gst::init().unwrap();
        gstavrec::plugin_register_static().unwrap();
    });
}

/// The command that runs one test of this program, named as the harness lists it, in a process of its own: for what
/// only a whole process shows, and for variables that must stand before its first thread.
pub fn alone(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--include-ignored", "--nocapture"]);
    command
}
