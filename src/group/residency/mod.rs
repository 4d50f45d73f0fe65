// SPDX-License-Identifier: MPL-2.0

//! Which models of a group stay in memory where not all fit.

mod memory;
mod model;
mod rule;
mod step;

pub use memory::Memory;
pub use model::{Account, Candidate, Place, Report, Wish};
pub use rule::Residency;
pub use step::{Cause, Refusal, Step, Urgency, User};
