// SPDX-License-Identifier: MPL-2.0

//! What `avrec-switch` costs, and whether it keeps what it promises, on live streams.
//!
//! `cargo bench --bench switch [-- added swaps hang shadow]` runs all parts or the named ones; they take
//! some five minutes together. Needs ONNX Runtime (`ORT_DYLIB_PATH`) and the models of `models/`.

mod added;
mod hang;
mod rig;
mod shadow;
mod swaps;

fn main() {
    gst::init().expect("GStreamer");
    gstavrec::plugin_register_static().expect("the plugin");
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with("--"))
        .collect();
    let parts: [(&str, fn()); 4] = [
        ("added", added::run),
        ("swaps", swaps::run),
        ("hang", hang::run),
        ("shadow", shadow::run),
    ];
    for (name, run) in parts {
        if asked.is_empty() || asked.iter().any(|it| it == name) {
            run();
        }
    }
}
