// SPDX-License-Identifier: MPL-2.0

//! The catalogue: candidates with what is known of them, as a TOML file.
//!
//! It is read strictly ([`Catalog`]): what is not understood is an error with its line, because a mistyped key that is
//! skipped costs its author an evening. Which properties of the inference element may stand in a candidate is told by
//! the caller, so that nothing here knows an element. What is learned of a candidate is written back into the file as
//! its author left it ([`Document`]).

mod candidate;
mod document;
mod entry;
mod fault;
mod measured;
mod said;
#[cfg(test)]
mod tests;
mod values;
mod whole;

pub use candidate::{Candidate, Source};
pub use document::{Document, Head, write};
pub use fault::CatalogError;
pub use measured::Measured;
pub use said::Entry;
pub use values::Privacy;
pub use whole::{Catalog, TaskError};
