// SPDX-License-Identifier: MPL-2.0

//! What no author would write: texts, structures and requests that were changed at random, by a seed. Each is read or
//! refused with what is wrong, and what was read can be used. Models are in `tests/infer/models.rs`, with both backends.
//!
//! `AVREC_FUZZ=100000 cargo nextest run --test fuzz` takes so many rounds of each test.

mod changed;
mod labels;
mod read;
mod requests;
mod served;
mod structure;
mod structures;
mod texts;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Reads what `make` makes of each round's number, which is its seed; more rounds by hand. What breaks is shown.
fn each_round<T: AsRef<[u8]>>(usual: u64, make: impl Fn(u64) -> T, read: impl Fn(&T)) {
    let said = std::env::var("AVREC_FUZZ").ok();
    let rounds = said.map_or(usual, |it| it.parse().expect("AVREC_FUZZ is a number"));
    for round in 0..rounds {
        let made = make(round);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| read(&made))) {
            let shown = String::from_utf8_lossy(made.as_ref()).into_owned();
            eprintln!("round {round}:\n{shown}\n{shown:?}");
            resume_unwind(panic);
        }
    }
}
