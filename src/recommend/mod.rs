// SPDX-License-Identifier: MPL-2.0

//! Which models belong in the set, and how sure that is: measured figures in, placings with reasons out.
//!
//! [`Order`] says which items to judge, [`Resampling`] how sure a figure of them is, [`rank`] who is best by the preferences and
//! why, [`set`] whom to deploy, and [`Folds`] what the chosen one will score. A [`Race`] runs nobody longer than its place is
//! unclear; [`adversary`] searches for pictures that a model answers worst. The module is pure: it reads no clock, file or
//! random source but its own seeded one, knows models by number and material by item, and cannot fail after construction.

pub mod adversary;
mod distribution;
mod folds;
pub mod fusion;
mod interval;
mod items;
mod latency;
mod placing;
mod race;
mod resampling;
mod sampling;

pub use folds::{Folds, Promise};
pub use interval::{Estimate, FEWEST_CLUSTERS, FEWEST_ITEMS, Scale, TooLittle, rate};
pub use items::{Clusters, Grouping, Item};
pub use latency::{Percentile, needed_runs, percentile};
pub use placing::{
    Candidate, Latency, LeftOut, Member, Place, Preferences, Ranking, Role, Set, Term, Turn, Versus, WhyNot,
    rank, set,
};
pub use race::{Entrant, Goal, Race, Round, Rules, Spent, Standing};
pub use resampling::{DRAWS, Resampled, Resampling};
pub use sampling::{BINS, Order, scenes};
