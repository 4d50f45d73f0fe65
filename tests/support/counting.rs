// SPDX-License-Identifier: MPL-2.0

//! Counts what a thread allocates, by the allocator that the library brings.

/// Allocations of this thread so far.
pub fn allocations() -> u64 {
    gstavrec::runtime::allocations()
}
