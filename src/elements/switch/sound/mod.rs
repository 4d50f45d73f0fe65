// SPDX-License-Identifier: MPL-2.0

//! Sound through the switch: every sample goes out once, in its place, whoever made it.
//!
//! A lane hears stretches of the stream without a gap; what it gives is kept by position (`hearing`). With each
//! buffer that comes in, the samples go out that lie the largest delay of all lanes before its end (`passage`),
//! from one lane, or on the way from one to the other, or from the input where no lane has them (`crate::seam`).
//! `ahead` decides who hears, `beside` lets lanes hear whom nobody waits for, `ending` gets the last samples out
//! of a lane, `delay` knows how far each lags.

mod ahead;
mod beside;
mod delay;
mod ending;
mod giving;
mod hearing;
mod output;
mod passage;
mod said;
mod stage;
mod stretch;

pub use delay::answers_for_lane;
pub use hearing::{Hearing, Sound, within_push};
pub use stage::Stage;
