// SPDX-License-Identifier: MPL-2.0

//! `avrec replay --generate group`: ways to choose for several streams on one machine, and what each made of it.

mod args;
mod json;
mod table;
mod worlds;

pub use args::{GroupArgs, GroupPlan, Others, all_or};

use worlds::play;

use crate::console::say;
use crate::failure::Failure;

/// Replays what was asked for.
pub fn run(plan: &GroupPlan) -> Result<(), Failure> {
    let mut objects = Vec::new();
    for arrival in &plan.arrivals {
        for load in &plan.loads {
            let worlds = play(plan, *arrival, *load).map_err(|err| Failure::Usage(err.to_string()))?;
            if plan.others.json {
                objects.push(worlds);
            } else {
                say(&table::worlds(plan, &worlds));
                say("");
            }
        }
    }
    if plan.others.json {
        say(&json::object(plan, &objects).to_string());
    } else {
        say(&table::legend(plan));
    }
    Ok(())
}
