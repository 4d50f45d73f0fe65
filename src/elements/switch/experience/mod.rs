// SPDX-License-Identifier: MPL-2.0

//! What was learned of candidates, kept in a file from one start to the next (`memory`): read on the way to READY, written
//! on a thread of its own while the stream plays and when it ends.

pub mod book;
mod entries;
mod file;
pub mod fingerprint;
pub mod keeper;
pub mod recollection;
pub mod work;
