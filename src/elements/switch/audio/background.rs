// SPDX-License-Identifier: MPL-2.0

//! Lanes that hear a buffer while nobody waits for them: who is to sound soon, who is the floor, who gets warm,
//! and who is only looked at.

use super::feed::hear;
use super::shadow::look_at_stretch;
use super::stream::AudioStream;
use crate::elements::switch::frame::{AnsweredBy, FrameContext};
use crate::elements::switch::lanes::lane::Lane;
use crate::elements::switch::lanes::state::Lanes;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::stream::Control;
use crate::policy::RunKind;

/// Lets lanes hear the newest buffer beside those that were waited for; who is not to hear it hears nothing more.
pub fn hear_beside(
    core: &Shared,
    control: &mut Control,
    stage: &mut AudioStream,
    journey: &FrameContext,
    source: AnsweredBy,
) {
    for lane in [stage.wanted, stage.leaving, journey.plan.named.floor]
        .into_iter()
        .flatten()
    {
        if let Some(heard) = stage.newest(RunKind::Overlapped) {
            hear(core, lane, heard, journey);
        }
    }
    let warming = next_to_warm(&core.lanes.lock());
    if let Some((lane, heard)) = warming.zip(stage.newest(RunKind::WarmUp)) {
        hear(core, lane, heard, journey);
    }
    if warming.is_none() {
        look_at_stretch(core, &mut control.adapter, stage, journey, source);
    }
    let end = stage.timeline.end();
    core.lanes.change(|state| {
        for slot in state.iter_mut() {
            if slot.hearing.hears_to().is_some_and(|it| it != end) {
                slot.hearing.end();
            }
        }
    });
}

/// The lane that is getting warm, or the first that is loaded and cold.
fn next_to_warm(state: &Lanes) -> Option<usize> {
    let mut slots = state.iter();
    let is_at_it = |slot: &Lane| slot.is_warming() && slot.hears();
    let hears = slots.position(is_at_it);
    hears.or_else(|| state.iter().position(|it| it.is_warming() && it.is_idle()))
}
