// SPDX-License-Identifier: MPL-2.0

//! The record of a frame, and what is told of it.

use std::time::Duration;

use super::bus::Miss;
use super::frame::{AnsweredBy, FrameContext, Left};
use super::messages;
use super::settings::LatePolicy;
use super::shared::Shared;
use super::stream::Control;

/// Tells of the switch that was decided for this frame, if there was one.
///
/// Called once the frame is with the candidate: drawing up why takes some 0.1 ms, in which it works already.
pub fn announce(core: &Shared, control: &mut Control, context: &mut FrameContext) {
    let Some(change) = context.plan.choice.switch.take() else {
        return;
    };
    control.totals.counts.swaps += u64::from(change.from.is_some());
    core.published.set_active(Some(change.to.0));
    core.bus
        .switched(messages::switch(core, &control.adapter, context, &change));
}

/// Keeps the record of what left, by whom, and tells whoever listens.
pub fn record(
    core: &Shared,
    control: &mut Control,
    context: &FrameContext,
    answer: Option<AnsweredBy>,
    left: Left,
    latency: Duration,
) {
    let lane = answer.and_then(AnsweredBy::lane);
    let is_miss = context.missed || lane.is_none() || context.plan.budget < latency;
    if let Some(tally) = lane.and_then(|it| core.lanes.tally(it)) {
        tally.answers.add(1);
        tally.misses.add(u64::from(is_miss && !context.missed));
    }
    let totals = &mut control.totals;
    let counts = &mut totals.counts;
    counts.frames_in += 1;
    counts.budget = context.plan.budget;
    counts.misses += u64::from(is_miss);
    counts.frames_out += u64::from(left == Left::Answer);
    counts.dropped += u64::from(left == Left::Nothing);
    if let Some(answer) = answer {
        counts.held_answers += u64::from(matches!(answer, AnsweredBy::Held(_)));
        let is_floor = matches!(answer, AnsweredBy::Floor(_) | AnsweredBy::Passthrough);
        counts.floor_answers += u64::from(is_floor);
        totals.window.push(latency);
    }
    if context.settings.frame_messages {
        let is_dropped = context.policy == LatePolicy::Drop && lane.is_none();
        let answer = answer.filter(|_| !is_dropped);
        core.bus
            .post(messages::frame(core, context, answer, latency, is_miss));
    }
    if is_miss {
        core.bus.missed(&Miss {
            frame: &context.frame,
            segment: core.segment(),
            is_live: !context.waits(),
            latency,
            budget: context.plan.budget,
            processed: totals.counts.frames_out,
            dropped: totals.counts.dropped,
        });
    }
}
