// SPDX-License-Identifier: MPL-2.0

//! Lanes that hear a buffer while nobody waits for them: who is to sound soon, who is the floor, who gets warm,
//! and who is only looked at.

use std::sync::Arc;

use super::stream::AudioStream;
use crate::elements::switch::lanes::run::State;
use crate::elements::switch::lanes::status::LaneStatus;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::video::chain::{AnsweredBy, FrameContext};
use crate::policy::RunKind;

impl Shared {
    /// Lets lanes hear the newest buffer beside those that were waited for; who is not to hear it hears nothing more.
    pub(in crate::elements::switch) fn hear_beside(
        self: &Arc<Self>,
        stream: &mut AudioStream,
        context: &FrameContext,
        source: AnsweredBy,
    ) {
        for lane in [stream.wanted, stream.leaving, context.plan.floor]
            .into_iter()
            .flatten()
        {
            if let Some(heard) = stream.newest(RunKind::Overlapped) {
                self.hear(lane, heard, context);
            }
        }
        let warming = next_to_warm(&self.board.lock());
        if let Some((lane, heard)) = warming.zip(stream.newest(RunKind::WarmUp)) {
            self.hear(lane, heard, context);
        }
        if warming.is_none() {
            self.look_at_stretch(stream, context, source);
        }
        let end = stream.timeline.end();
        self.board.change(|state| {
            for slot in &mut state.slots {
                if slot.audio.hears_to().is_some_and(|it| it != end) {
                    slot.audio.end();
                }
            }
        });
    }
}

/// The lane that is getting warm, or the first that is loaded and cold.
fn next_to_warm(state: &State) -> Option<usize> {
    let mut slots = state.slots.iter();
    let is_at_it = |slot: &LaneStatus| slot.is_warming() && slot.hears();
    let hears = slots.position(is_at_it);
    hears.or_else(|| state.slots.iter().position(|it| it.is_warming() && it.is_idle()))
}
