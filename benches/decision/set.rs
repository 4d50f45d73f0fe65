// SPDX-License-Identifier: MPL-2.0

//! The set that `recommend` chooses from a library, against all models of it, in the live switch under load.

use gstavrec::policy::Config;
use gstavrec::recommend::set;
use gstavrec::replay::generate::Kind;
use gstavrec::replay::oracle::{clairvoyant, switch_aware};
use gstavrec::replay::{Figures, Matrix, PolicyName, mean_of};

use crate::library::Library;
use crate::text::{interval, row, table};

/// Kinds of contention.
const KINDS: [&str; 9] = [
    "none", "step", "ramp", "periodic", "bursty", "tail", "unequal", "machine", "sensed",
];

/// The tolerance of the set was chosen on seeds 0 to 99.
const SEEDS: std::ops::Range<u64> = 3000..3020;

pub fn run() {
    println!("the recommended set against all models of a library, seeds 3000 to 3019; regret against the");
    println!("clairvoyant with all models, 95 % bootstrap intervals over the libraries");
    for models in [8, 20] {
        let mut rows = vec![row(&[
            "models",
            "regret, all %",
            "set %",
            "more %",
            "members",
            "memory %",
        ])];
        // Of each library, for its worlds are alike.
        let mut more_of_all = vec![0.0; SEEDS.count()];
        for name in KINDS {
            let kind: Kind = name.parse().expect("a kind");
            let played: Vec<Played> = SEEDS
                .map(|seed| Played::new(&Library::new(kind, seed, models)))
                .collect();
            let mean = |of: fn(&Played) -> f64| mean_of(&played.iter().map(of).collect::<Vec<_>>());
            let more = played.iter().map(|it| (it.few - it.all) / KINDS.len() as f64);
            more_of_all.iter_mut().zip(more).for_each(|it| *it.0 += it.1);
            rows.push(vec![
                format!("{models}, {name}"),
                interval(mean(|it| it.all)),
                interval(mean(|it| it.few)),
                interval(mean(|it| it.few - it.all)),
                format!("{:.1}", mean(|it| it.members).mean),
                format!("{:.0}", 100.0 * mean(|it| it.memory).mean),
            ]);
        }
        table(&rows);
        println!(
            "more in all: {} % (should be ≤ 0.5)\n",
            interval(mean_of(&more_of_all))
        );
    }
}

/// Regret with all models and with the set.
struct Played {
    all: f64,
    few: f64,
    members: f64,
    memory: f64,
}

impl Played {
    fn new(library: &Library) -> Played {
        let set = set(&library.candidates, &library.preferences());
        let mut members: Vec<usize> = set.members.iter().map(|it| it.candidate).collect();
        members.sort_unstable();
        let ideals = (clairvoyant(&library.matrix), switch_aware(&library.matrix));
        let regret = |matrix: &Matrix| {
            let outcome = PolicyName::Avrec
                .play(matrix, Config::default())
                .expect("a sound configuration");
            Figures::new(matrix, &outcome, &ideals.0, &ideals.1).regret
        };
        Played {
            all: regret(&library.matrix),
            few: regret(&library.with(&members)),
            members: members.len() as f64,
            memory: library.memory(&members),
        }
    }
}
