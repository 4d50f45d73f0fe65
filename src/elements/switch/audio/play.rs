// SPDX-License-Identifier: MPL-2.0

//! The samples that go out: from whom they come, and the buffer that carries them.

use gst::prelude::*;

use super::lane::WARM_AHEAD;
use super::stream::{AudioStream, Versions};
use crate::audio::Source;
use crate::elements::switch::frame::FrameContext;
use crate::elements::switch::settings::LatePolicy;
use crate::elements::switch::shared::Shared;
use crate::elements::switch::stream::Control;

/// Makes a buffer of the samples that are due; `None` when none are.
pub fn play_due(
    core: &Shared,
    stage: &mut AudioStream,
    journey: &FrameContext,
) -> Result<Option<gst::Buffer>, gst::FlowError> {
    let memory = match journey.policy {
        LatePolicy::Wait => stage.spec.samples_in(WARM_AHEAD),
        _ => 0,
    };
    let due = stage.due();
    let out = play_to(core, stage, due, journey.plan.named.floor, Some(journey.entered))?;
    stage.forget(&mut core.lanes.lock(), memory);
    Ok(out)
}

/// Makes a buffer of the samples up to a position; `None` when that is reached already.
pub fn play_to(
    core: &Shared,
    stage: &mut AudioStream,
    end: u64,
    floor: Option<usize>,
    entered: Option<gst::ClockTime>,
) -> Result<Option<gst::Buffer>, gst::FlowError> {
    let begin = stage.seam.position();
    let Some(samples) = end.checked_sub(begin).filter(|it| 0 < *it) else {
        return Ok(None);
    };
    let mut out = stage.stock.take(samples as usize * stage.spec.width())?;
    let buffer = out.get_mut().ok_or(gst::FlowError::Error)?;
    let said = {
        let mut map = buffer.map_writable().map_err(|_| gst::FlowError::Error)?;
        let state = core.lanes.lock();
        let wishes = stage.wishes(&state, floor);
        let versions = Versions {
            input: &stage.input,
            lanes: &state,
        };
        stage.seam.play(&wishes, &versions, &mut map);
        match stage.seam.target() {
            Some(Source::Candidate(lane)) => state.get(lane).map(|it| it.hearing.said.within(begin..end)),
            _ => None,
        }
    };
    stage.apply_metadata(buffer, begin, entered, &said.unwrap_or_default());
    Ok(Some(out))
}

/// Pushes a buffer of audio, after the events that go before it.
pub fn push_sound(
    core: &Shared,
    control: &mut Control,
    stage: &AudioStream,
    buffer: gst::Buffer,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let events = control.output.before(Some(&stage.caps));
    core.push_events(events);
    core.src.push(buffer)
}
