// SPDX-License-Identifier: MPL-2.0

//! A loaded model together with the way from this stream's frames to its tensors and back.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

use super::answer_settings::AnswerSettings;
use super::audio_model::AudioInput;
use super::failure::Fault;
use super::input_size;
use super::interpretation::{Decoding, Interpretation};
use crate::media::draw::Painter;
use crate::media::picture::{Fit, FrameToTensor, TensorToFrame};
use crate::runtime::{Error, Model, Options, Session, Task};
use crate::tensor::{ImageSpec, Tensor};

/// Unmeasured runs after load: the first allocates, the second finds everything in place.
const WARM_UP_RUNS: usize = 2;

/// The frames that a session was made ready for.
pub(super) struct Geometry {
    pub input: VideoInfo,
    output: VideoInfo,
    pub to_tensor: FrameToTensor,
    /// Draws answers.
    pub painter: Painter,
    /// `None` for tensors, whose frames are not written.
    to_frame: Option<TensorToFrame>,
}

pub struct Active {
    pub model: Arc<Model>,
    pub options: Options,
    pub answers: AnswerSettings,
    /// What was assumed of the model where nothing said it, a sentence each.
    pub assumed: Vec<String>,
    /// What the user should know though it works, a sentence each.
    pub warnings: Vec<String>,
    pub load_time: Duration,
    pub(super) session: Session,
    /// For tasks whose answer is neither a picture nor sound nor raw.
    pub(super) decoding: Option<Decoding>,
    pub(super) geometry: Option<Geometry>,
    fit: Fit,
    /// For audio.
    pub(super) audio: Option<AudioInput>,
    /// Frames since the model took over, for the stride.
    frames: u64,
}

/// What happens with the buffers that pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BufferMode {
    /// They stay as they are.
    Untouched,
    /// They are written to.
    InPlace,
    /// Others take their place.
    Replaced,
}

/// How long one frame took.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The run of the model alone.
    pub run: Duration,
    /// All of it: frame to tensor, run, tensor to frame.
    pub frame: Duration,
}

impl Active {
    pub fn load(path: &Path, options: Options, answers: AnswerSettings) -> Result<Active, Fault> {
        let start = Instant::now();
        let session = Session::load(path, &options)?;
        let mut model = session.model().clone();
        let meaning = Interpretation::of(&model, options.task, &answers)?;
        model.task = meaning.task;
        answers.check(meaning.task, &model)?;
        Ok(Active {
            model: Arc::new(model),
            options,
            answers,
            assumed: meaning.assumed,
            warnings: meaning.warnings,
            load_time: start.elapsed(),
            session,
            decoding: meaning.decoding,
            geometry: None,
            fit: meaning.fit,
            audio: None,
            frames: 0,
        })
    }

    pub fn backend_name(&self) -> &'static str {
        self.session.backend_name()
    }

    pub fn backend_note(&self) -> &str {
        self.session.backend_note()
    }

    /// Makes the model ready for frames of these kinds. Cheap when it is.
    pub fn adopt(&mut self, input: &VideoInfo, output: &VideoInfo) -> Result<(), Fault> {
        if self.fits(input, output) {
            return Ok(());
        }
        let Some(spec) = self.model.input_spec.image() else {
            return Err(Fault::NotForFrames);
        };
        self.answers.check_format(input)?;
        let size = spec.size.or_else(|| self.free_size(input));
        let to_tensor = FrameToTensor::fitted(input, &ImageSpec { size, ..spec.clone() }, self.fit)?;
        self.session.prepare(&to_tensor.dims())?;
        let to_frame = self
            .model
            .output_spec
            .as_ref()
            .map(|spec| TensorToFrame::new(input, output, spec));
        self.geometry = Some(Geometry {
            input: input.clone(),
            output: output.clone(),
            to_tensor,
            painter: Painter::new(output)?,
            to_frame: to_frame.transpose()?,
        });
        Ok(())
    }

    /// The size of the input for a model that takes any, if the frame's own may not do.
    fn free_size(&self, input: &VideoInfo) -> Option<(usize, usize)> {
        let frame = (input.width() as usize, input.height() as usize);
        let is_grid = matches!(self.model.task, Task::Detect | Task::Segment);
        is_grid.then(|| input_size::on_grid(frame, &self.model.metadata))
    }

    pub fn passage(&self) -> BufferMode {
        match self.model.task {
            task if task.replaces() => BufferMode::Replaced,
            // Where there is a meta for tensors they travel on the frame.
            Task::Tensor if cfg!(not(feature = "analytics")) => BufferMode::Untouched,
            _ => BufferMode::InPlace,
        }
    }

    /// Forgets earlier frames, as after a gap in the stream.
    pub fn reset(&mut self) {
        self.frames = 0;
        self.decoding.iter_mut().for_each(Decoding::reset);
    }

    /// Whether a frame is one that the model looks at, in a stride of `interval`. Counts it.
    pub(super) fn takes_turn(&mut self, interval: u32) -> bool {
        let turn = self.frames % u64::from(interval.max(1));
        self.frames += 1;
        turn == 0
    }

    /// Whether the model is ready for frames of these kinds.
    pub fn fits(&self, input: &VideoInfo, output: &VideoInfo) -> bool {
        self.geometry
            .as_ref()
            .is_some_and(|it| it.input == *input && it.output == *output)
    }

    /// Whether the model is ready for what comes in, whatever size goes out.
    pub fn takes(&self, input: &VideoInfo) -> bool {
        self.geometry.as_ref().is_some_and(|it| it.input == *input)
    }

    /// Runs on a made-up frame of the prepared size, so that the first real one finds memory and caches warm.
    pub fn warm_up(&mut self) -> Result<(), Fault> {
        for _ in 0..WARM_UP_RUNS {
            match self.session.warm_up() {
                // A made-up frame may lie outside of what the model was made for.
                Ok(()) | Err(Error::NotFinite { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Answers a frame with a picture.
    pub fn picture(&mut self, source: &gst::BufferRef, target: &mut gst::BufferRef) -> Result<Timing, Fault> {
        let start = Instant::now();
        let Some(geometry) = self.geometry.as_mut() else {
            return Err(Error::NotPrepared {
                path: self.model.path.clone(),
            }
            .into());
        };
        let source = map(source, &geometry.input)?;
        geometry.to_tensor.fill(&source, self.session.input())?;
        let before_run = Instant::now();
        let outputs = self.session.run()?;
        let run = before_run.elapsed();
        if let (Some(to_frame), Some(answer)) = (geometry.to_frame.as_mut(), outputs.first()) {
            let fault = frame_fault(target, &geometry.output);
            let mut target =
                VideoFrameRef::from_buffer_ref_writable(target, &geometry.output).map_err(|_| fault())?;
            to_frame.write(answer, &source, &mut target)?;
        }
        self.frames += 1;
        Ok(Timing {
            run,
            frame: start.elapsed(),
        })
    }

    /// Answers a frame with tensors, if it is this frame's turn in a stride of `interval`.
    pub fn tensors(
        &mut self,
        source: &gst::BufferRef,
        interval: u32,
    ) -> Result<Option<(&[Tensor], Timing)>, Fault> {
        let start = Instant::now();
        if !self.takes_turn(interval) {
            return Ok(None);
        }
        let Some(geometry) = self.geometry.as_mut() else {
            return Err(Error::NotPrepared {
                path: self.model.path.clone(),
            }
            .into());
        };
        geometry
            .to_tensor
            .fill(&map(source, &geometry.input)?, self.session.input())?;
        let before_run = Instant::now();
        let outputs = self.session.run()?;
        Ok(Some((
            outputs,
            Timing {
                run: before_run.elapsed(),
                frame: start.elapsed(),
            },
        )))
    }

    /// Returns the shape of the input as the frames have it, or the sound.
    pub fn input_dims(&self) -> Option<Vec<usize>> {
        let of_frames = self.geometry.as_ref().map(|it| it.to_tensor.dims().to_vec());
        let of_sound = || {
            let spec = self.model.input_spec.sound()?;
            Some(vec![1, spec.channels, spec.hop])
        };
        of_frames.or_else(of_sound)
    }
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

pub(super) fn map<'a>(
    buffer: &'a gst::BufferRef,
    info: &VideoInfo,
) -> Result<VideoFrameRef<&'a gst::BufferRef>, Fault> {
    // GStreamer maps a buffer that is too short and complains only in its log.
    if buffer.size() == 0 {
        return Err(frame_fault(buffer, info)());
    }
    VideoFrameRef::from_buffer_ref_readable(buffer, info).map_err(|_| frame_fault(buffer, info)())
}

pub(super) fn frame_fault(buffer: &gst::BufferRef, info: &VideoInfo) -> impl Fn() -> Fault + use<> {
    let (size, pts) = (buffer.size(), buffer.pts());
    let caps = format!("{} {}x{}", info.format(), info.width(), info.height());
    move || Fault::Frame {
        size,
        pts: pts.display().to_string(),
        caps: caps.clone(),
    }
}
