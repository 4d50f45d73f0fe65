// SPDX-License-Identifier: MPL-2.0

//! What `avrec-switch` costs, and whether it keeps what it promises, on live streams.
//!
//! `cargo bench --bench switch [-- added swaps hang shadow scoring]` runs all parts or the named ones; they take
//! some five minutes together. Needs ONNX Runtime (`ORT_DYLIB_PATH`) and the models of `models/`; `scoring` needs
//! `stress-ng`.
//!
//! With `AVREC_OLD_PLUGIN=/path/libgstavrec.so` that plugin and the one of this build take turns, each in a process of its
//! own, and the ratio of new to old is printed. (`AVREC_NEW_PLUGIN` names another one to compare.)

mod added;
mod hang;
mod rig;
mod scoring;
mod shadow;
mod swaps;
mod versus;

use rig::{Figure, spread};

/// A part: how often it is repeated, and what one repetition measures with the plugin that is loaded.
struct Part {
    name: &'static str,
    repetitions: usize,
    measure: fn() -> Vec<Figure>,
}

const PARTS: [Part; 5] = [
    part("added", 7, added::measure),
    part("swaps", 5, swaps::measure),
    part("hang", 1, hang::measure),
    part("shadow", 5, shadow::measure),
    part("scoring", 5, scoring::measure),
];

const fn part(name: &'static str, repetitions: usize, measure: fn() -> Vec<Figure>) -> Part {
    Part {
        name,
        repetitions,
        measure,
    }
}

fn main() {
    gst::init().expect("GStreamer");
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with("--"))
        .collect();
    let parts = PARTS
        .iter()
        .filter(|part| asked.is_empty() || asked.iter().any(|it| it == part.name));
    if let Some(plugin) = versus::plugin_to_measure() {
        gst::Plugin::load_file(plugin).expect("the plugin");
        parts
            .flat_map(|part| (part.measure)())
            .for_each(|it| it.hand_over());
    } else if let Some(versus) = versus::Versus::asked_for() {
        parts.for_each(|part| versus.compare(part.name, part.repetitions));
    } else {
        gstavrec::plugin_register_static().expect("the plugin");
        for part in parts {
            let all: Vec<_> = (0..part.repetitions).flat_map(|_| (part.measure)()).collect();
            for (what, values) in rig::by_what(&all) {
                println!("{what}: {}", spread(&values));
            }
        }
    }
}
