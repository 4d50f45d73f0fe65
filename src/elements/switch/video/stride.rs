// SPDX-License-Identifier: MPL-2.0

//! A frame's way where a candidate answers only every k-th frame: its last answer leaves again, and nobody waits for
//! the next one.

use super::chain::{self, FrameOutcome};
use crate::elements::switch::frame::{AnsweredBy, FrameContext};
use crate::elements::switch::lanes::lane::Purpose;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::stream::{Control, VideoStream};

/// Lets the held answer of `lane` leave, or the floor's while there is none yet; where it `begins`, the lane takes the
/// frame for later.
pub fn hold(
    core: &Shared,
    control: &mut Control,
    video: &VideoStream,
    context: &mut FrameContext,
    (lane, begins): (usize, bool),
) -> Result<FrameOutcome, gst::FlowError> {
    if begins {
        chain::start(core, lane, context, Purpose::Stride);
    }
    context.announce(core, &control.adapter, &mut control.totals);
    let held = core.lanes.lock().held.clone();
    match held.filter(|it| it.0 == lane) {
        Some((_, answer)) => Ok(FrameOutcome::Push(AnsweredBy::Held(lane), answer)),
        None => chain::floor(core, control, video, context),
    }
}
