// SPDX-License-Identifier: MPL-2.0

//! The worlds that all parts play over, with what was possible in each.

use std::ops::RangeInclusive;

use gstavrec::policy::Config;
use gstavrec::replay::avrec::Avrec;
use gstavrec::replay::generate::{Kind, Shape, generate};
use gstavrec::replay::oracle::{Ideal, clairvoyant, switch_aware};
use gstavrec::replay::{Figures, Matrix, Outcome, PolicyName, Selector, simulate};

/// Seeds on which nothing was tuned.
const SEEDS: RangeInclusive<u64> = 100..=109;
const WILD_SEEDS: RangeInclusive<u64> = 1000..=1059;

/// A matrix and what was possible in it.
pub struct World {
    pub kind: Kind,
    pub matrix: Matrix,
    clairvoyant: Ideal,
    switch_aware: Ideal,
}

impl World {
    fn new(kind: Kind, seed: u64) -> World {
        let matrix = generate(kind, seed);
        World {
            kind,
            clairvoyant: clairvoyant(&matrix),
            switch_aware: switch_aware(&matrix),
            matrix,
        }
    }

    pub fn figures(&self, outcome: &Outcome) -> Figures {
        Figures::new(&self.matrix, outcome, &self.clairvoyant, &self.switch_aware)
    }

    /// What a selector makes of it.
    pub fn play(&self, selector: &mut dyn Selector) -> Figures {
        self.figures(&simulate(&self.matrix, selector))
    }

    /// What a policy that is known by name makes of it, ours as it is by default.
    pub fn play_named(&self, policy: PolicyName) -> Figures {
        let outcome = policy.play(&self.matrix, Config::default());
        self.figures(&outcome.expect("a sound configuration"))
    }

    /// Our policy for this world.
    pub fn avrec(&self, config: Config) -> Avrec {
        Avrec::new(&self.matrix, config).expect("a sound configuration")
    }
}

/// The six kinds of contention, ten worlds each.
pub fn six(inverted: bool) -> Vec<World> {
    Kind::six(inverted)
        .flat_map(|kind| SEEDS.map(move |seed| World::new(kind, seed)))
        .collect()
}

/// Steps that candidates feel unequally.
pub fn unequal() -> Vec<World> {
    let kind = Kind {
        shape: Shape::Unequal,
        inverted: false,
    };
    SEEDS.map(|seed| World::new(kind, seed)).collect()
}

/// Worlds of other shapes.
pub fn random_worlds() -> Vec<World> {
    let kind = Kind {
        shape: Shape::Wild,
        inverted: false,
    };
    WILD_SEEDS.map(|seed| World::new(kind, seed)).collect()
}
