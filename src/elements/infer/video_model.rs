// SPDX-License-Identifier: MPL-2.0

//! The way of this stream's frames through a model: to its tensors, and back with the answer.

use std::time::{Duration, Instant};

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

use super::enums::Output;
use super::failure::Fault;
use super::input_size;
use super::interpretation::{Interpretation, LabeledAnswer};
use super::text_input::{self, TextInput};
use crate::letterbox::{Letterbox, Size};
use crate::media::draw::Painter;
use crate::media::metas;
use crate::media::picture::{FrameToTensor, Shrinking, TensorToFrame};
use crate::runtime::{Model, Runner, Task};
use crate::tensor::{ImageSpec, Tensor};

/// The frames that a runner was made ready for.
pub struct VideoInput {
    input: VideoInfo,
    output: VideoInfo,
    to_tensor: FrameToTensor,
    /// Draws answers.
    painter: Painter,
    /// `None` for tensors, whose frames are not written.
    to_frame: Option<TensorToFrame>,
}

impl VideoInput {
    /// Makes a runner ready for frames of these kinds.
    pub fn new(
        runner: &mut Runner,
        model: &Model,
        meaning: &Interpretation,
        (input, output): (&VideoInfo, &VideoInfo),
    ) -> Result<VideoInput, Fault> {
        let spec = model.input_spec.image().ok_or(Fault::NotForFrames)?;
        let size = spec.size.or_else(|| free_size(model, meaning, input));
        let shrinking = meaning.text.map_or(Shrinking::default(), TextInput::shrinking);
        let to_tensor = FrameToTensor::fitted(input, &ImageSpec { size, ..spec.clone() }, meaning.fit)?;
        let to_tensor = to_tensor.shrinking(shrinking);
        runner.prepare(&to_tensor.dims())?;
        let spec = model.output_spec.as_ref();
        let to_frame = spec.map(|spec| TensorToFrame::new(input, output, spec));
        Ok(VideoInput {
            input: input.clone(),
            output: output.clone(),
            to_tensor,
            painter: Painter::new(output)?,
            to_frame: to_frame.transpose()?,
        })
    }

    /// Whether this is for frames of these kinds.
    pub fn fits(&self, input: &VideoInfo, output: &VideoInfo) -> bool {
        self.takes(input) && self.output == *output
    }

    /// Whether this is for what comes in, whatever size goes out.
    pub fn takes(&self, input: &VideoInfo) -> bool {
        self.input == *input
    }

    /// Shape of the input as the frames have it.
    pub fn dims(&self) -> [usize; 4] {
        self.to_tensor.dims()
    }

    /// Runs on a frame, and returns how long the run alone took.
    pub fn run<'a>(
        &mut self,
        runner: &'a mut Runner,
        frame: &gst::BufferRef,
    ) -> Result<(&'a [Tensor], Duration), Fault> {
        run(runner, &mut self.to_tensor, &map(frame, &self.input)?)
    }

    /// Runs on a frame and writes the picture that comes out; returns how long the run alone took.
    pub fn picture(
        &mut self,
        runner: &mut Runner,
        source: &gst::BufferRef,
        target: &mut gst::BufferRef,
    ) -> Result<Duration, Fault> {
        let source = map(source, &self.input)?;
        let (outputs, time) = run(runner, &mut self.to_tensor, &source)?;
        if let (Some(to_frame), Some(answer)) = (self.to_frame.as_mut(), outputs.first()) {
            let mut target = map_writable(target, &self.output)?;
            to_frame.write(answer, &source, &mut target)?;
        }
        Ok(time)
    }

    /// Where the frame lies in the tensor; anywhere, where answers tell no places.
    pub fn place(&self) -> Letterbox {
        let (width, height) = self.size();
        let frame = Size {
            width: width as usize,
            height: height as usize,
        };
        let letterbox = self.to_tensor.letterbox();
        letterbox.unwrap_or_else(|| Letterbox::stretched(frame, frame))
    }

    /// Width and height of the frames.
    pub fn size(&self) -> (u32, u32) {
        (self.input.width(), self.input.height())
    }

    /// Attaches an answer to its frame, and draws it there if it is to be seen.
    pub fn attach(
        &mut self,
        frame: &mut gst::BufferRef,
        LabeledAnswer { answer, labels }: LabeledAnswer<'_>,
        output: Output,
    ) -> Result<(), Fault> {
        metas::attach(frame, answer, labels, self.size())?;
        match output {
            Output::Meta => {}
            Output::Alpha => {
                let mut target = map_writable(frame, &self.input)?;
                self.painter.alpha(&mut target, answer, labels)?;
            }
            Output::Overlay => {
                let mut target = map_writable(frame, &self.input)?;
                self.painter.overlay(&mut target, answer, labels)?;
            }
        }
        Ok(())
    }
}

fn run<'a>(
    runner: &'a mut Runner,
    to_tensor: &mut FrameToTensor,
    frame: &VideoFrameRef<&gst::BufferRef>,
) -> Result<(&'a [Tensor], Duration), Fault> {
    to_tensor.fill(frame, runner.input())?;
    let start = Instant::now();
    let outputs = runner.run()?;
    Ok((outputs, start.elapsed()))
}

/// The size of the input for a model that takes any, if the frame's own may not do.
fn free_size(model: &Model, meaning: &Interpretation, input: &VideoInfo) -> Option<(usize, usize)> {
    let frame = (input.width() as usize, input.height() as usize);
    let fixed = model.fixed_sides();
    if let Some(text) = meaning.text {
        return Some(text.size(frame, fixed));
    }
    if fixed != (None, None) {
        return Some(text_input::in_proportion(frame, fixed));
    }
    let is_grid = matches!(model.task, Task::Detect | Task::Segment);
    is_grid.then(|| input_size::on_grid(frame, &model.metadata))
}

/// Returns what the element makes of frames of this kind with this model.
pub fn output_info(input: &VideoInfo, model: &Model) -> Option<VideoInfo> {
    if model.keeps_size() {
        return Some(input.clone());
    }
    let mut caps = input.to_caps().ok()?;
    let (width, height) = model.output_size(input.width() as usize, input.height() as usize);
    let caps_ref = caps.make_mut();
    caps_ref.set("width", i32::try_from(width).ok()?);
    caps_ref.set("height", i32::try_from(height).ok()?);
    VideoInfo::from_caps(&caps).ok()
}

fn map<'a>(buffer: &'a gst::BufferRef, info: &VideoInfo) -> Result<VideoFrameRef<&'a gst::BufferRef>, Fault> {
    // GStreamer maps a buffer that is too short and complains only in its log.
    if buffer.size() == 0 {
        return Err(frame_fault(buffer, info)());
    }
    VideoFrameRef::from_buffer_ref_readable(buffer, info).map_err(|_| frame_fault(buffer, info)())
}

fn map_writable<'a>(
    buffer: &'a mut gst::BufferRef,
    info: &VideoInfo,
) -> Result<VideoFrameRef<&'a mut gst::BufferRef>, Fault> {
    let fault = frame_fault(buffer, info);
    VideoFrameRef::from_buffer_ref_writable(buffer, info).map_err(|_| fault())
}

fn frame_fault(buffer: &gst::BufferRef, info: &VideoInfo) -> impl Fn() -> Fault + use<> {
    let (size, pts) = (buffer.size(), buffer.pts());
    let caps = format!("{} {}x{}", info.format(), info.width(), info.height());
    move || Fault::Frame {
        size,
        pts: pts.display().to_string(),
        caps: caps.clone(),
    }
}
