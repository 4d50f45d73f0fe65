// SPDX-License-Identifier: MPL-2.0

//! What there is to know of a model before it runs: its licence, its card, and whether the user's conditions let it in.
//!
//! Text in, values out; nothing here opens a file.

pub mod card;
pub mod conditions;
pub mod license;
