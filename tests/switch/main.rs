// SPDX-License-Identifier: MPL-2.0

//! `avrec-switch` in a harness, on video and on audio.

mod abuse;
mod audio;
mod audio_faults;
mod decision;
mod experience;
mod faults;
mod feedback;
mod group;
mod kinds;
mod lessons;
mod memory;
#[path = "../infer/crafted/onnx.rs"]
#[allow(dead_code, reason = "it uses a part")]
mod onnx;
mod outputs;
mod profile;
mod providers;
mod quality;
mod random_machine;
mod removed;
mod start;
#[path = "../support/mod.rs"]
mod support;
mod told;
mod video;
