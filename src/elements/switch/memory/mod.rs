// SPDX-License-Identifier: MPL-2.0

//! Candidates that come into memory and leave it where not all fit (`memory-limit`): what the rule of [`crate::group::residency`] says
//! is done here, on a thread of its own; the streaming thread only reports what it uses and wants.

pub mod share;
pub mod usage;
pub mod work;
