// SPDX-License-Identifier: MPL-2.0

//! What was collected of one run, and the figures that sum it up. All times count from PLAYING.
//!
//! Its memory is bounded, however long a run is: counts are exact, and of what is drawn a part is kept.

#[cfg(test)]
pub mod examples;
mod frame;
mod latencies;
mod misses;
mod notes;
mod readiness;
mod run;
mod summary;
mod thinned;

pub use frame::{Answerer, Fate, FrameSample};
pub use misses::Miss;
pub use notes::Notes;
pub use readiness::Readiness;
pub use run::{Phase, Recent, Record, Timed, mean_quality};
pub use summary::{Summary, measures};
