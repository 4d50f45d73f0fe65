// SPDX-License-Identifier: MPL-2.0

//! How good the choice is: our policy and others over seeded worlds (`avrec replay --generate` makes the same).
//!
//! `cargo bench --bench decision [-- figures baselines wild calibration ablations cost]` runs all parts or the named
//! ones; they take half a minute together. Nothing was tuned on these worlds: seeds 100 to 109 of the six kinds of
//! contention, 1000 to 1059 of the wild ones. All but the times is the same on each machine.

mod ablations;
mod baselines;
mod calibration;
mod cost;
mod figures;
mod text;
mod wild;
mod world;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts the allocations of each thread for itself; everything else is the system's.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: both methods pass their arguments on unchanged; the counter is thread-local and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Fails only while the thread ends, when nobody counts any more.
        let _ = ALLOCATIONS.try_with(|it| it.set(it.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of this thread so far.
fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

fn main() {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with("--"))
        .collect();
    let parts: [(&str, fn()); 6] = [
        ("figures", figures::run),
        ("baselines", baselines::run),
        ("wild", wild::run),
        ("calibration", calibration::run),
        ("ablations", ablations::run),
        ("cost", cost::run),
    ];
    for (name, run) in parts {
        if asked.is_empty() || asked.iter().any(|it| it == name) {
            run();
            println!();
        }
    }
}
