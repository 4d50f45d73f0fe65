// SPDX-License-Identifier: MPL-2.0

//! A loaded model together with the way from this stream's frames to its tensors and back.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gst_video::prelude::*;
use gst_video::{VideoFrameRef, VideoInfo};

use super::answer_settings::{AnswerSettings, DecodeOptions};
use super::audio_input::AudioInput;
use super::enums::Output;
use super::failure::Fault;
use super::interpretation::{Decoding, Interpretation, LabeledAnswer};
use super::stats::{Running, Timing, dims};
use super::{input_size, messages};
use crate::answer::Answer;
use crate::letterbox::{Letterbox, Size};
use crate::media::draw::Painter;
use crate::media::metas;
use crate::media::picture::{Fit, FrameToTensor, TensorToFrame};
use crate::messages::{Loaded, RunningModel};
use crate::runtime::{Error, Model, Options, Runner, Task};
use crate::tensor::{ImageSpec, Tensor};

/// Unmeasured runs after load: the first allocates, the second finds everything in place.
const WARM_UP_RUNS: usize = 2;

/// The frames that a model was made ready for.
struct Geometry {
    input: VideoInfo,
    output: VideoInfo,
    to_tensor: FrameToTensor,
    /// Draws answers.
    painter: Painter,
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
    pub(super) runner: Runner,
    /// For tasks whose answer is neither a picture nor sound nor raw.
    pub(super) decoding: Option<Decoding>,
    geometry: Option<Geometry>,
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

/// What a frame is looked at for.
pub struct LookRequest<'a> {
    pub live: &'a DecodeOptions,
    pub interval: u32,
    pub running_time: Option<gst::ClockTime>,
}

/// What became of a frame that was looked at.
#[derive(Default)]
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

impl Active {
    pub fn load(path: &Path, options: Options, answers: AnswerSettings) -> Result<Active, Fault> {
        let start = Instant::now();
        let runner = Runner::load(path, &options)?;
        let mut model = runner.model().clone();
        let meaning = Interpretation::of(&model, path, options.task, &answers)?;
        model.task = meaning.task;
        answers.check(meaning.task, &model)?;
        Ok(Active {
            model: Arc::new(model),
            options,
            answers,
            assumed: meaning.assumed,
            warnings: meaning.warnings,
            load_time: start.elapsed(),
            runner,
            decoding: meaning.decoding,
            geometry: None,
            fit: meaning.fit,
            audio: None,
            frames: 0,
        })
    }

    pub fn path(&self) -> &Path {
        self.runner.path()
    }

    pub fn backend_name(&self) -> &'static str {
        self.runner.backend_name()
    }

    /// What is told of the model while it runs.
    pub fn running(&self) -> Running {
        let model = self.model.clone();
        let loaded = Loaded {
            file: self.path().to_string_lossy().into_owned(),
            task: model.task,
            backend: self.backend_name().to_owned(),
            backend_note: self.runner.backend_note().to_owned(),
            threads: u32::try_from(self.options.threads).unwrap_or(u32::MAX),
            load_time: self.load_time,
            assumed: self.assumed.join(" "),
        };
        let told = RunningModel {
            loaded,
            scale_width: model.scale.width.value(),
            scale_height: model.scale.height.value(),
            input_dims: self.input_dims().as_deref().map(dims),
            algorithmic_delay: self.audio.as_ref().and_then(AudioInput::delay),
        };
        Running {
            path: self.path().to_owned(),
            model,
            told,
            assumed: self.assumed.clone(),
            warnings: self.warnings.clone(),
        }
    }

    /// Makes the model ready for frames of these kinds. Cheap when it is.
    pub fn prepare_video(&mut self, input: &VideoInfo, output: &VideoInfo) -> Result<(), Fault> {
        if self.fits(input, output) {
            return Ok(());
        }
        let Some(spec) = self.model.input_spec.image() else {
            return Err(Fault::NotForFrames);
        };
        self.answers.check_format(input)?;
        let size = spec.size.or_else(|| self.free_size(input));
        let to_tensor = FrameToTensor::fitted(input, &ImageSpec { size, ..spec.clone() }, self.fit)?;
        self.runner.prepare(&to_tensor.dims())?;
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
    fn takes_turn(&mut self, interval: u32) -> bool {
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
            match self.runner.warm_up() {
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
            return Err(self.runner.not_prepared().into());
        };
        let source = map(source, &geometry.input)?;
        let (outputs, run) = run(&mut self.runner, &mut geometry.to_tensor, &source)?;
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
            return Err(self.runner.not_prepared().into());
        };
        let source = map(source, &geometry.input)?;
        let (outputs, run) = run(&mut self.runner, &mut geometry.to_tensor, &source)?;
        let frame = start.elapsed();
        Ok(Some((outputs, Timing { run, frame })))
    }

    /// Looks at a frame, or takes the last answer again if it is not its turn, and attaches the answer to it.
    pub fn look(&mut self, frame: &mut gst::BufferRef, request: &LookRequest) -> Result<Look, Fault> {
        let start = Instant::now();
        let is_fresh = self.takes_turn(request.interval);
        let (Some(geometry), Some(decoding)) = (self.geometry.as_mut(), self.decoding.as_mut()) else {
            return Err(self.runner.not_prepared().into());
        };
        let mut run_time = None;
        let said = if is_fresh {
            let source = map(frame, &geometry.input)?;
            let (outputs, time) = run(&mut self.runner, &mut geometry.to_tensor, &source)?;
            run_time = Some(time);
            Some(decoding.read(outputs, geometry.place(), request.live, request.interval)?)
        } else {
            decoding.again()
        };
        let mut look = Look::default();
        if let Some(LabeledAnswer { answer, labels }) = said {
            let size = (geometry.input.width(), geometry.input.height());
            metas::attach(frame, answer, labels, size)?;
            geometry.draw(frame, self.answers.output, answer, labels)?;
            if is_fresh && request.live.post_messages {
                let message = messages::answer(answer, labels, size, frame.pts(), request.running_time);
                look.message = Some(message);
            }
            look.score = match answer {
                Answer::Score(score) if is_fresh => Some(*score),
                _ => None,
            };
        }
        let frame = start.elapsed();
        look.timing = run_time.map(|run| Timing { run, frame });
        look.dropped = decoding.dropped();
        Ok(look)
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

impl Geometry {
    /// Where the frame lies in the tensor; anywhere, where answers tell no places.
    fn place(&self) -> Letterbox {
        let frame = Size {
            width: self.input.width() as usize,
            height: self.input.height() as usize,
        };
        let letterbox = self.to_tensor.letterbox();
        letterbox.unwrap_or_else(|| Letterbox::stretched(frame, frame))
    }

    /// Draws an answer into its frame, if it goes there.
    fn draw(
        &mut self,
        frame: &mut gst::BufferRef,
        output: Output,
        answer: &Answer,
        labels: &[String],
    ) -> Result<(), Fault> {
        if output == Output::Meta {
            return Ok(());
        }
        let fault = frame_fault(frame, &self.input);
        let mut target = VideoFrameRef::from_buffer_ref_writable(frame, &self.input).map_err(|_| fault())?;
        match output {
            Output::Alpha => self.painter.alpha(&mut target, answer, labels)?,
            Output::Overlay | Output::Meta => self.painter.overlay(&mut target, answer, labels)?,
        }
        Ok(())
    }
}

/// Runs a model on a frame, and returns how long the run alone took.
fn run<'a>(
    runner: &'a mut Runner,
    to_tensor: &mut FrameToTensor,
    source: &VideoFrameRef<&gst::BufferRef>,
) -> Result<(&'a [Tensor], Duration), Fault> {
    to_tensor.fill(source, runner.input())?;
    let start = Instant::now();
    let outputs = runner.run()?;
    Ok((outputs, start.elapsed()))
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

fn frame_fault(buffer: &gst::BufferRef, info: &VideoInfo) -> impl Fn() -> Fault + use<> {
    let (size, pts) = (buffer.size(), buffer.pts());
    let caps = format!("{} {}x{}", info.format(), info.width(), info.height());
    move || Fault::Frame {
        size,
        pts: pts.display().to_string(),
        caps: caps.clone(),
    }
}
