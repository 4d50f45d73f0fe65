// SPDX-License-Identifier: MPL-2.0

//! Who the elements are by.

/// Author in the metadata of each element.
pub const AUTHOR: &str = concat!("The avrec authors <", env!("CARGO_PKG_REPOSITORY"), ">");
