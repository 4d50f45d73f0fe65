// SPDX-License-Identifier: MPL-2.0

//! A frame's way where a candidate answers only every k-th frame: its last answer leaves again, and nobody waits for
//! the next one.

use std::sync::Arc;

use super::chain::{AnsweredBy, FrameContext, FrameOutcome};
use crate::elements::switch::lanes::status::Purpose;
use crate::elements::switch::shared::Shared;

impl Shared {
    /// Lets the held answer of `lane` leave, or the floor's while there is none yet; with `begins`, the lane takes the
    /// frame for later.
    pub fn hold(
        self: &Arc<Self>,
        journey: &mut FrameContext,
        lane: usize,
        begins: bool,
    ) -> Result<FrameOutcome, gst::FlowError> {
        if begins {
            self.start(lane, journey, Purpose::Stride);
        }
        self.announce(journey);
        let held = self.board.lock().held.clone();
        match held.filter(|it| it.0 == lane) {
            Some((_, answer)) => Ok(FrameOutcome::Push(AnsweredBy::Held(lane), answer)),
            None => self.floor(journey),
        }
    }
}
