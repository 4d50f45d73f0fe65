// SPDX-License-Identifier: MPL-2.0

//! The way of this stream's frames through a model: to its tensors, and back with the answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

use super::enums::Output;
use super::failure::Fault;
use super::input_plan::InputPlan;
use super::input_size;
use super::interpretation::LabeledAnswer;
use crate::letterbox::{Letterbox, Size};
use crate::media::draw::{Painter, Style, Typeface};
use crate::media::metas;
use crate::media::picture::{FrameToTensor, TensorToFrame, crop};
use crate::runtime::{Model, Runner};
use crate::tensor::{Data, ImageSpec, InputSize, Layout, Tensor};

/// The frames that a runner was made ready for.
pub struct VideoInput {
    input: VideoInfo,
    output: VideoInfo,
    to_tensor: FrameToTensor,
    /// Draws answers.
    painter: Painter,
    /// Which output is the picture.
    picture: usize,
    /// `None` for tensors, whose frames are not written.
    to_frame: Option<TensorToFrame>,
    /// Which part of a picture that comes out belongs to the frame, where the frame was extended.
    cut: Option<Cut>,
    /// That part of the last answer.
    cropped: Tensor,
}

/// The top left part of a picture, in pixels.
#[derive(Debug, Clone, Copy)]
struct Cut {
    layout: Layout,
    size: (usize, usize),
}

impl VideoInput {
    /// Makes a runner ready for frames of these kinds.
    pub fn new(
        runner: &mut Runner,
        model: &Model,
        plan: InputPlan,
        (input, output): (&VideoInfo, &VideoInfo),
        typeface: Option<Arc<Typeface>>,
    ) -> Result<VideoInput, Fault> {
        let to_tensor = way_in(model, plan, input)?;
        runner.prepare(&to_tensor.dims())?;
        let spec = model.output_spec.as_ref();
        let to_frame = spec.map(|spec| TensorToFrame::new(input, output, spec));
        Ok(VideoInput {
            input: input.clone(),
            output: output.clone(),
            painter: match typeface {
                Some(typeface) => Painter::new(output)?.with_typeface(typeface),
                None => Painter::new(output)?,
            },
            picture: model.picture,
            to_frame: to_frame.transpose()?,
            cut: cut(model, plan, input, &to_tensor),
            cropped: Tensor {
                dims: Vec::new(),
                data: Data::U8(Vec::new()),
            },
            to_tensor,
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

    /// Puts a frame into the input, and runs nothing.
    pub fn fill(&mut self, runner: &mut Runner, frame: &gst::BufferRef) -> Result<(), Fault> {
        Ok(self.to_tensor.fill(&map(frame, &self.input)?, runner.input())?)
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
        if let (Some(to_frame), Some(answer)) = (self.to_frame.as_mut(), outputs.get(self.picture)) {
            let mut target = map_writable(target, &self.output)?;
            let is_cut = |cut: Cut| crop(answer, cut.layout, cut.size, &mut self.cropped);
            let answer = match self.cut.is_some_and(is_cut) {
                true => &self.cropped,
                false => answer,
            };
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
        (output, style): (Output, Style),
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
                self.painter.overlay(&mut target, answer, labels, style)?;
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

/// The way of frames of this kind into the input.
fn way_in(model: &Model, plan: InputPlan, input: &VideoInfo) -> Result<FrameToTensor, Fault> {
    let spec = model.input_spec.image().ok_or(Fault::NotForFrames)?;
    let frame = (input.width() as usize, input.height() as usize);
    let free = || match (plan.text, plan.size) {
        (Some(text), InputSize::Sides(width, height)) => text.size(frame, (width, height)),
        _ => input_size::of_frame(plan.size, frame, plan.made_for),
    };
    let size = spec.size.unwrap_or_else(free);
    if let Some(grid) = model
        .laying
        .grid
        .filter(|it| size.0 % it != 0 || size.1 % it != 0)
    {
        return Err(Fault::Grid { size, grid });
    }
    let sized = ImageSpec {
        size: Some(size),
        ..spec.clone()
    };
    let to_tensor = match spec.size {
        None if plan.extends && matches!(plan.size, InputSize::Grid(_)) => {
            FrameToTensor::extended(input, &sized)?
        }
        _ => FrameToTensor::fitted(input, &sized, plan.fit)?,
    };
    let to_tensor = match plan.text {
        Some(text) => to_tensor.shrinking(text.shrinking()),
        None => to_tensor,
    };
    Ok(match plan.padding {
        Some(level) => to_tensor.padded_with(level),
        None => to_tensor,
    })
}

/// What of a picture that comes out belongs to a frame that was extended.
fn cut(model: &Model, plan: InputPlan, input: &VideoInfo, to_tensor: &FrameToTensor) -> Option<Cut> {
    let spec = model.output_spec.as_ref()?;
    let place = to_tensor.letterbox()?;
    let is_extended = plan.extends && place.picture == place.frame && place.picture != place.input;
    let size = model.output_size(input.width() as usize, input.height() as usize);
    is_extended.then_some(Cut {
        layout: spec.layout,
        size,
    })
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
