// SPDX-License-Identifier: MPL-2.0

//! How good the choice is: our policy and others over seeded worlds (`avrec replay --generate` makes the same).
//!
//! `cargo bench --bench decision [-- figures baselines wild calibration ablations cost group set]` runs all parts or the named
//! ones; they take half a minute together. The ablations need `--features ablation`. Nothing was tuned on these worlds: seeds 100 to 109 of the six kinds of
//! contention, 1000 to 1059 of the wild ones. All but the times is the same on each machine.

#[cfg(feature = "ablation")]
mod ablations;
mod baselines;
mod calibration;
mod cost;
#[path = "../../tests/support/counting.rs"]
mod counting;
mod figures;
mod group;
mod library;
mod random_worlds;
mod set;
mod text;
mod world;

use counting::allocations;

fn main() {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with("--"))
        .collect();
    let parts: &[(&str, fn())] = &[
        ("figures", figures::run),
        ("baselines", baselines::run),
        ("wild", random_worlds::run),
        ("calibration", calibration::run),
        #[cfg(feature = "ablation")]
        ("ablations", ablations::run),
        ("cost", cost::run),
        ("group", group::run),
        ("set", set::run),
    ];
    for (name, run) in parts {
        if asked.is_empty() || asked.iter().any(|it| it == *name) {
            run();
            println!();
        }
    }
}
