// SPDX-License-Identifier: MPL-2.0

//! A model that was loaded for one stream, together with the way of its frames or audio through it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gst_video::VideoInfo;

use super::answer_settings::{AnswerSettings, DecodeOptions};
use super::audio_model::{AudioInput, Heard, Sound, samples_time};
use super::enums::{self, Output};
use super::failure::Fault;
use super::input_doubt;
use super::input_plan::InputPlan;
use super::interpretation::{Decoding, Interpretation};
use super::messages;
use super::timing::Timing;
use super::video_model::VideoInput;
use crate::answer::Answer;
use crate::audio::Hops;
use crate::letterbox::{Letterbox, Size};
use crate::media::draw::Typeface;
use crate::messages::Place;
use crate::runtime::{
    Error, ExecutionProvider, LoadedModel, Model, Options, Runner, Scale, Stop, Task, TaskChoice,
};
use crate::tensor::{InputSpec, Tensor};

/// Unmeasured runs after load: the first allocates, the second finds everything in place.
const WARM_UP_RUNS: usize = 2;

pub struct Active {
    pub model: Arc<Model>,
    pub options: Options,
    pub answers: AnswerSettings,
    pub stop: Stop,
    pub meaning: Interpretation,
    plan: InputPlan,
    pub load_time: Duration,
    runner: Runner,
    /// Of labels that are drawn.
    typeface: Option<Arc<Typeface>>,
    video: Option<VideoInput>,
    audio: Option<AudioInput>,
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
    /// Whether the answer is to be told in words.
    pub in_words: bool,
}

/// What became of a frame that was looked at.
#[derive(Default)]
pub struct Look {
    /// `None` where the frame carries the answer of an earlier one.
    pub timing: Option<Timing>,
    /// The answer for the bus, if that is wanted.
    pub message: Option<gst::Structure>,
    /// A new answer in words, if that is wanted.
    pub words: Option<String>,
    /// The score that was found on this frame.
    pub score: Option<f32>,
    /// Values left out since the model was loaded.
    pub dropped: u64,
}

impl Active {
    /// Loads a model; `stop` gives up the load, and later its runs.
    pub fn load(path: &Path, options: Options, answers: AnswerSettings, stop: Stop) -> Result<Active, Fault> {
        let start = Instant::now();
        let mut runner = Runner::load_until(path, &options, &stop)?;
        let mut model = runner.model().clone();
        let mut meaning = Interpretation::of(&model, path, options.task, &answers, || {
            runner.look().ok().flatten()
        })?;
        model.task = meaning.task;
        meaning.warnings.extend(input_doubt::of(&model, meaning.task));
        model.statements.extend(meaning.statements.iter().cloned());
        // What the run at load gave has told what it can.
        if let Some(trial) = &mut model.trial {
            trial.values = Arc::default();
        }
        if meaning.text.is_some() {
            // A finder whose map looked like a picture answers no frames.
            (model.output_spec, model.scale) = (None, Scale::ONE);
        }
        answers.check(meaning.task, &model)?;
        let typeface = answers.typeface()?;
        let plan = InputPlan::settle(&mut model, &meaning, &answers);
        Ok(Active {
            model: Arc::new(model),
            options,
            answers,
            stop,
            meaning,
            plan,
            load_time: start.elapsed(),
            runner,
            typeface,
            video: None,
            audio: None,
            frames: 0,
        })
    }

    pub fn path(&self) -> &Path {
        self.runner.path()
    }

    /// Which inference library runs it, and why it is this one, in a phrase.
    pub fn backend(&self) -> (&'static str, &str) {
        (self.runner.backend_name(), self.runner.backend_note())
    }

    /// Which execution provider runs it.
    pub fn provider(&self) -> ExecutionProvider {
        self.runner.provider()
    }

    /// How many threads a run uses.
    pub fn threads(&self) -> usize {
        self.runner.threads()
    }

    /// What this runs, and perhaps others beside it.
    pub fn loaded(&self) -> &Arc<LoadedModel> {
        self.runner.loaded()
    }

    /// What a person should hear of that choice, in a sentence.
    pub fn backend_news(&self) -> Option<&str> {
        self.runner.backend_news()
    }

    /// Makes the model ready for frames of these kinds. Cheap when it is.
    pub fn prepare_video(&mut self, input: &VideoInfo, output: &VideoInfo) -> Result<(), Fault> {
        if self.fits(input, output) {
            return Ok(());
        }
        if self.model.input_spec.image().is_some() {
            self.answers.check_format(input)?;
        }
        let video = VideoInput::new(
            &mut self.runner,
            &self.model,
            self.plan,
            (input, output),
            self.typeface.clone(),
        )?;
        self.video = Some(video);
        Ok(())
    }

    /// Makes the model ready for audio of this kind. Cheap when it is.
    pub fn prepare_audio(&mut self, sound: &Sound) -> Result<(), Fault> {
        if self.is_prepared_for(sound) {
            return Ok(());
        }
        let is_for_audio = self.model.input_spec.sound().is_some();
        if is_for_audio && self.answers.output != Output::Meta {
            return Err(Fault::Output {
                output: enums::nick(self.answers.output),
                task: self.model.task.name(),
                needs: "frames to draw on; set output=meta on sound",
            });
        }
        self.audio = Some(AudioInput::new(&mut self.runner, &self.model, sound)?);
        Ok(())
    }

    /// Where the frame lies in the input.
    pub fn place(&self) -> Option<Letterbox> {
        self.video.as_ref().map(VideoInput::place)
    }

    /// How another file with the same input is loaded, whose outputs are left as tensors: all that was found out of the
    /// input is said.
    pub fn plain_options(&self) -> Options {
        let mut options = Options {
            task: TaskChoice::Task(Task::Tensor),
            output_range: None,
            sha256: String::new(),
            ..self.options.clone()
        };
        match &self.model.input_spec {
            InputSpec::Image(spec) => {
                let pairs = spec
                    .ranges
                    .iter()
                    .map(|(black, white)| format!("{black},{white}"));
                options.image.order = Some(spec.channels);
                options.image.layout = Some(spec.layout);
                options.image.range = pairs.collect::<Vec<_>>().join(";");
                (options.image.mean, options.image.deviation) = (String::new(), String::new());
            }
            InputSpec::Sound(spec) => {
                let number = |it: usize| u32::try_from(it).ok();
                options.sound.rate = Some(spec.rate);
                options.sound.window = number(spec.hop - spec.context);
                options.sound.context = number(spec.context);
            }
        }
        options
    }

    /// Names of the classes that answers tell.
    pub fn labels(&self) -> &[String] {
        self.meaning.decoding.as_ref().map_or(&[], |it| &it.labels)
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
        self.runner.reset();
        self.meaning.decoding.iter_mut().for_each(Decoding::reset);
    }

    /// Forgets earlier frames where this one is marked as the first after a gap.
    fn mind_gap(&mut self, frame: &gst::BufferRef) {
        if frame.flags().contains(gst::BufferFlags::DISCONT) {
            self.reset();
        }
    }

    /// Whether a frame is one that the model looks at, in a stride of `interval`. Counts it.
    fn takes_turn(&mut self, interval: u32) -> bool {
        let turn = self.frames % u64::from(interval.max(1));
        self.frames += 1;
        turn == 0
    }

    /// Whether the model is ready for frames of these kinds.
    pub fn fits(&self, input: &VideoInfo, output: &VideoInfo) -> bool {
        self.video.as_ref().is_some_and(|it| it.fits(input, output))
    }

    /// Whether the model is ready for what comes in, whatever size goes out.
    pub fn takes(&self, input: &VideoInfo) -> bool {
        self.video.as_ref().is_some_and(|it| it.takes(input))
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
        self.mind_gap(source);
        let Some(video) = self.video.as_mut() else {
            return Err(self.runner.not_prepared().into());
        };
        let run = video.picture(&mut self.runner, source, target)?;
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
        self.mind_gap(source);
        if !self.takes_turn(interval) {
            return Ok(None);
        }
        let Some(video) = self.video.as_mut() else {
            return Err(self.runner.not_prepared().into());
        };
        let (outputs, run) = video.run(&mut self.runner, source)?;
        let frame = start.elapsed();
        Ok(Some((outputs, Timing { run, frame })))
    }

    /// Puts a frame into the model's input, and runs nothing.
    pub fn fill(&mut self, frame: &gst::BufferRef) -> Result<&Tensor, Fault> {
        match self.video.as_mut() {
            Some(video) => video.fill(&mut self.runner, frame)?,
            None => return Err(self.runner.not_prepared().into()),
        }
        Ok(self.runner.input())
    }

    /// Reads outputs as the answer to a frame of the kind that the model was made ready for; `None` where they are the
    /// answer themselves.
    pub fn read(&mut self, outputs: &[Tensor], live: &DecodeOptions) -> Result<Option<Answer>, Fault> {
        let nowhere = Size { width: 1, height: 1 };
        let place = self.video.as_ref().map(VideoInput::place);
        let place = place.unwrap_or_else(|| Letterbox::stretched(nowhere, nowhere));
        let decoding = self.meaning.decoding.as_mut();
        let said = decoding.map(|it| it.read(outputs, place, live, 1)).transpose()?;
        Ok(said.map(|it| it.answer.clone()))
    }

    /// What an answer said against the reading of the outputs, once each.
    pub fn doubt(&mut self) -> Option<String> {
        self.meaning.decoding.as_mut().and_then(Decoding::doubt)
    }

    /// Looks at a frame, or takes the last answer again if it is not its turn, and attaches the answer to it.
    pub fn look(&mut self, frame: &mut gst::BufferRef, request: &LookRequest) -> Result<Look, Fault> {
        let start = Instant::now();
        self.mind_gap(frame);
        let is_fresh = self.takes_turn(request.interval);
        let (Some(video), Some(decoding)) = (self.video.as_mut(), self.meaning.decoding.as_mut()) else {
            return Err(self.runner.not_prepared().into());
        };
        let mut run_time = None;
        let said = if is_fresh {
            let (outputs, time) = video.run(&mut self.runner, frame)?;
            run_time = Some(time);
            Some(decoding.read(outputs, video.place(), request.live, request.interval)?)
        } else {
            decoding.again()
        };
        let mut look = Look::default();
        if let Some(said) = said {
            video.attach(frame, said, (self.answers.output, request.live.style))?;
            if is_fresh && request.live.post_messages {
                let (width, height) = video.size();
                let place = Place::Frame { width, height };
                look.message = Some(messages::answer(&said, place, frame.pts(), request.running_time));
            }
            look.words = (is_fresh && request.in_words).then(|| messages::in_words(&said));
            look.score = match said.answer {
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
        let of_frames = self.video.as_ref().map(|it| it.dims().to_vec());
        let of_sound = || {
            let spec = self.model.input_spec.sound()?;
            Some(vec![1, spec.channels, spec.hop])
        };
        of_frames.or_else(of_sound)
    }

    /// Whether the model is ready for audio of this kind.
    pub fn is_prepared_for(&self, sound: &Sound) -> bool {
        self.audio.as_ref().is_some_and(|it| it.is_for(sound))
    }

    /// The way of audio through a model whose answers replace it.
    pub fn hops(&self) -> Option<&Hops> {
        self.audio.as_ref()?.hops()
    }

    /// By how much answers lag behind the audio, without what it takes to gather hops.
    pub fn algorithmic_delay(&self) -> Option<gst::ClockTime> {
        let plan = self.hops()?.plan();
        samples_time(plan.delay, plan.rate)
    }

    /// Takes one buffer of audio, and returns how long the runs took, if there were any.
    pub fn push_sound(&mut self, sound: &[Vec<f32>]) -> Result<Option<Duration>, Fault> {
        match &mut self.audio {
            Some(audio) => audio.push(&mut self.runner, sound),
            None => Err(self.runner.not_prepared().into()),
        }
    }

    /// Asks for the answers to all audio that came.
    pub fn finish_sound(&mut self) -> Result<(), Fault> {
        match &mut self.audio {
            Some(audio) => audio.finish(&mut self.runner),
            None => Err(self.runner.not_prepared().into()),
        }
    }

    /// Appends the next answers, up to `count`, and returns how many there were.
    pub fn pull_sound(&mut self, count: usize, sound: &mut [Vec<f32>]) -> usize {
        self.audio.as_mut().map_or(0, |it| it.pull(count, sound))
    }

    /// Forgets the frames or the audio that came, as if the stream began anew.
    pub fn forget_stream(&mut self) {
        self.audio.iter_mut().for_each(AudioInput::reset);
        self.reset();
    }

    /// Takes audio that passes, or nothing where it has ended, and tells of each window that is whole and whose turn it is
    /// in a stride of `interval`.
    pub fn listen(
        &mut self,
        sound: Option<&[Vec<f32>]>,
        request: (&DecodeOptions, u32),
        mut tell: impl FnMut(&Model, Heard<'_>),
    ) -> Result<(), Fault> {
        let audio = self.audio.as_mut().ok_or(Fault::NotForSound)?;
        let (runner, decoding) = (&mut self.runner, &mut self.meaning.decoding);
        audio.listen(runner, decoding.as_mut(), sound, request, |heard| {
            tell(&self.model, heard)
        })
    }
}
