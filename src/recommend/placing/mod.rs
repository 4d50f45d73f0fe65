// SPDX-License-Identifier: MPL-2.0

//! Who is best by the preferences, how sure that is, and why.
//!
//! The loss is that of the live switch, -ln P + λS + C ([`crate::policy::Terms::cost`]), of figures measured beforehand. It is computed for each
//! resample of the material with all candidates on the same items, so that intervals of losses, of their differences and the
//! probability of being the best know what the candidates have in common.

mod candidate;
mod rank;
mod set;
mod versus;

pub use candidate::{Candidate, Latency, Preferences};
pub use rank::{Place, Ranking, rank};
pub use set::{LeftOut, Member, Role, Set, WhyNot, set};
pub use versus::{Term, Turn, Versus};

#[cfg(test)]
mod tests;
