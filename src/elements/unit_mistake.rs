// SPDX-License-Identifier: MPL-2.0

//! Times that are so short that another unit was meant.

use std::time::Duration;

/// No model takes less.
pub const LEAST: Duration = Duration::from_millis(1);

/// What to say of a time in nanoseconds below a millisecond, as a doubt and what to write instead: who writes one mostly means
/// milliseconds. `zero` is what 0 stands for.
pub fn doubt(property: &str, time: gst::ClockTime, zero: &str) -> Option<(String, String)> {
    let value = time.nseconds();
    (!time.is_zero() && Duration::from(time) < LEAST).then(|| {
        (
            format!("`{property}` of {value} is {value} nanoseconds, which is less than a millisecond"),
            format!("{value} milliseconds are {property}={value}000000; 0 is {zero}"),
        )
    })
}
