// SPDX-License-Identifier: MPL-2.0

//! `avrec-infer`: the models that it loads, and what it does to video and audio.

mod answers;
mod audio;
mod audio_models;
mod catalog;
mod crafted;
mod drawing;
mod exit;
mod faults;
mod files;
mod further;
mod hosts;
mod inputs;
mod labels;
mod models;
mod no_library;
mod providers;
mod shared_models;
mod sharing_elements;
#[path = "../support/mod.rs"]
mod support;
mod swap;
mod telemetry;
mod telling;
mod text;
mod video;
