// SPDX-License-Identifier: MPL-2.0

//! A frame's way where a candidate answers only every k-th frame: its last answer leaves again, and nobody waits for
//! the next one.

use std::sync::Arc;

use super::core::Core;
use super::dispatch::{Fate, Journey, Source};
use super::slot::Purpose;

impl Core {
    /// Lets the held answer of `lane` leave, or the floor's while there is none yet; with `begins`, the lane takes the
    /// frame for later.
    pub fn hold(
        self: &Arc<Self>,
        journey: &mut Journey,
        lane: usize,
        begins: bool,
    ) -> Result<Fate, gst::FlowError> {
        if begins {
            self.start(lane, journey, Purpose::Stride);
        }
        self.announce(journey);
        let held = self.board.lock().held.clone();
        match held.filter(|it| it.0 == lane) {
            Some((_, answer)) => Ok(Fate::Push(Source::Held(lane), answer)),
            None => self.floor(journey),
        }
    }
}
