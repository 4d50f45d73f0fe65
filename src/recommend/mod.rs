// SPDX-License-Identifier: MPL-2.0

//! Which models belong in the set, and how sure that is: measured figures in, placings with reasons out.
//!
//! [`Order`] says which items to judge, and [`Resampling`] how sure a figure of them is. The module is pure: it reads no
//! clock, file or random source but its own seeded one, knows models by number and material by item, and cannot fail after
//! construction.

mod distribution;
pub mod fusion;
mod interval;
mod items;
mod latency;
mod resampling;
mod sampling;

pub use interval::{Estimate, FEWEST_CLUSTERS, FEWEST_ITEMS, Scale, TooLittle, rate};
pub use items::{Clusters, Grouping, Item};
pub use latency::{Percentile, needed_runs, percentile};
pub use resampling::{DRAWS, Resampled, Resampling};
pub use sampling::{BINS, Order, scenes};
