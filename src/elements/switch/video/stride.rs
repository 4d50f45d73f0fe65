// SPDX-License-Identifier: MPL-2.0

//! A frame's way where a candidate answers only every k-th frame: its last answer leaves again, and nobody waits for
//! the next one.

use super::floor::{Answer, floor};
use super::pass::Pass;
use crate::elements::switch::frame::AnsweredBy;
use crate::elements::switch::lanes::lane::Purpose;

/// Lets the held answer of `lane` leave, or the floor's while there is none yet; where it `begins`, the lane takes the
/// frame for later.
pub fn hold(pass: &mut Pass, lane: usize, begins: bool) -> Result<Answer, gst::FlowError> {
    if begins {
        pass.start(lane, Purpose::Stride);
    }
    pass.announce();
    let held = pass.core.lanes.lock().held.clone();
    match held.filter(|it| it.0 == lane) {
        Some((_, answer)) => Ok(Some((AnsweredBy::Held(lane), answer))),
        None => floor(pass),
    }
}
