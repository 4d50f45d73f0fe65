// SPDX-License-Identifier: MPL-2.0

//! Frames that pass with what a model says about them: run, decode, attach.

use std::time::Instant;

use gst_video::VideoFrameRef;

use super::answer_settings::DecodeOptions;
use super::enums::Output;
use super::failure::Fault;
use super::interpretation::Said;
use super::messages;
use super::model::{Active, Timing, frame_fault, map};
use crate::answer::Answer;
use crate::letterbox::{Letterbox, Size};
use crate::media::metas;

/// What became of a frame.
pub struct Look {
    /// `None` where the frame carries the answer of an earlier one.
    pub timing: Option<Timing>,
    /// The answer for the bus, if that is wanted.
    pub message: Option<gst::Structure>,
    /// The score that was found on this frame.
    pub score: Option<f32>,
    /// Values left out since the model was loaded.
    pub dropped: u64,
}

/// What a frame is looked at for.
pub struct Request<'a> {
    pub live: &'a DecodeOptions,
    pub interval: u32,
    pub running_time: Option<gst::ClockTime>,
}

impl Active {
    /// Looks at a frame, or takes the last answer again if it is not its turn, and attaches the answer to it.
    pub fn look(&mut self, frame: &mut gst::BufferRef, request: &Request) -> Result<Look, Fault> {
        let start = Instant::now();
        let is_fresh = self.takes_turn(request.interval);
        let (Some(geometry), Some(decoding)) = (self.geometry.as_mut(), self.decoding.as_mut()) else {
            return Err(self.runner.not_prepared().into());
        };
        let mut run = None;
        let said = if is_fresh {
            let source = map(frame, &geometry.input)?;
            geometry.to_tensor.fill(&source, self.runner.input())?;
            let before_run = Instant::now();
            let outputs = self.runner.run()?;
            run = Some(before_run.elapsed());
            let place = geometry
                .to_tensor
                .letterbox()
                .unwrap_or_else(|| whole(&geometry.input));
            Some(decoding.read(outputs, place, request.live, request.interval)?)
        } else {
            decoding.again()
        };
        let size = (geometry.input.width(), geometry.input.height());
        let mut message = None;
        let mut score = None;
        if let Some(Said { answer, labels }) = said {
            metas::attach(frame, answer, labels, size)?;
            if self.answers.output != Output::Meta {
                let info = &geometry.input;
                let fault = frame_fault(frame, info);
                let mut target = VideoFrameRef::from_buffer_ref_writable(frame, info).map_err(|_| fault())?;
                match self.answers.output {
                    Output::Alpha => geometry.painter.alpha(&mut target, answer, labels)?,
                    Output::Overlay | Output::Meta => {
                        geometry.painter.overlay(&mut target, answer, labels)?
                    }
                }
            }
            let is_told = is_fresh && request.live.post_messages;
            message =
                is_told.then(|| messages::answer(answer, labels, size, frame.pts(), request.running_time));
            score = match answer {
                Answer::Score(score) if is_fresh => Some(*score),
                _ => None,
            };
        }
        let frame = start.elapsed();
        Ok(Look {
            timing: run.map(|run| Timing { run, frame }),
            message,
            score,
            dropped: decoding.dropped(),
        })
    }
}

/// A place for answers that do not tell places.
fn whole(info: &gst_video::VideoInfo) -> Letterbox {
    let frame = Size {
        width: info.width() as usize,
        height: info.height() as usize,
    };
    Letterbox::stretched(frame, frame)
}
