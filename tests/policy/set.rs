// SPDX-License-Identifier: MPL-2.0

//! The set that is recommended from a library serves the live switch as well as all models of it.

use gstavrec::policy::Config;
use gstavrec::recommend::set;
use gstavrec::replay::generate::Kind;
use gstavrec::replay::oracle::{clairvoyant, switch_aware};
use gstavrec::replay::{Figures, Matrix, PolicyName};

#[path = "../../benches/decision/library.rs"]
mod library;

use library::Library;

/// Of other seeds than those on which the set's tolerance was chosen; `cargo bench --bench decision -- set` plays more.
#[test]
fn the_recommended_set_costs_at_most_half_a_percent_of_regret() {
    let (mut more, mut memory, mut worlds) = (0.0, 0.0, 0.0);
    // Each library once, for under other contention it is no other.
    for (kind, seeds) in [
        ("step", 3000),
        ("ramp", 3008),
        ("bursty", 3016),
        ("unequal", 3024),
    ] {
        for seed in seeds..seeds + 8 {
            let library = Library::new(kind.parse::<Kind>().unwrap(), seed, 8);
            let set = set(&library.candidates, &library.preferences());
            let members: Vec<usize> = set.members.iter().map(|it| it.candidate).collect();
            let ideals = (clairvoyant(&library.matrix), switch_aware(&library.matrix));
            let regret = |matrix: &Matrix| {
                let outcome = PolicyName::Avrec.play(matrix, Config::default()).unwrap();
                Figures::new(matrix, &outcome, &ideals.0, &ideals.1).regret
            };
            more += regret(&library.with(&members)) - regret(&library.matrix);
            memory += library.memory(&members);
            worlds += 1.0;
        }
    }
    let (more, memory) = (more / worlds, memory / worlds);
    println!("regret {:+.2} %, memory {:.0} %", 100.0 * more, 100.0 * memory);
    assert!(more <= 0.005 && memory < 0.75, "{more} {memory}");
}
