// SPDX-License-Identifier: MPL-2.0

//! Which models belong in the set, and how sure that is: measured figures in, placings with reasons out.
//!
//! The module is pure: it reads no clock, file or random source but its own seeded one, knows models by number and
//! material by item, and cannot fail after construction.
