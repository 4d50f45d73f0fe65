// SPDX-License-Identifier: MPL-2.0

//! A model as `avrec-infer` takes it, without a pipeline: for commands that look at what goes in and comes out.

use std::path::Path;

use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_video::VideoInfo;

use super::Infer;
use super::answer_settings::DecodeOptions;
use super::model::Active;
use super::video_model::output_info;
use crate::answer::Answer;
use crate::elements::property_text;
use crate::letterbox::Letterbox;
use crate::runtime::{Model, Options, Runner, Stop};
use crate::tensor::Tensor;

/// A loaded model with the way of frames into it and the meaning of what comes out.
pub struct Offline {
    active: Active,
    live: DecodeOptions,
}

impl Offline {
    /// Loads a model with properties of `avrec-infer` as text.
    ///
    /// # Errors
    ///
    /// What the element would say: of a property, or of the model.
    pub fn load(path: &Path, properties: &[(String, String)]) -> Result<Offline, String> {
        let element = gst::ElementFactory::make("avrec-infer").build();
        let element = element.map_err(|err| err.to_string())?;
        for (name, value) in properties {
            property_text::set(&element, name, value)?;
        }
        let infer = element
            .downcast_ref::<Infer>()
            .ok_or("avrec-infer is of another version")?;
        let settings = infer.imp().settings.lock().clone();
        let (live, _) = settings.of_frames();
        let active = Active::load(path, settings.options(), settings.answers, Stop::default());
        let active = active.map_err(|err| err.to_string())?;
        Ok(Offline { active, live })
    }

    pub fn model(&self) -> &Model {
        &self.active.model
    }

    /// How it was loaded.
    pub fn options(&self) -> &Options {
        &self.active.options
    }

    /// Names of the classes that answers tell.
    pub fn labels(&self) -> &[String] {
        self.active.labels()
    }

    /// What the user should know though it works.
    pub fn warnings(&self) -> &[String] {
        &self.active.meaning.warnings
    }

    /// Puts a frame of this kind into the input.
    ///
    /// # Errors
    ///
    /// What the element would say of the frame.
    pub fn fill(&mut self, frame: &gst::BufferRef, info: &VideoInfo) -> Result<&Tensor, String> {
        let output =
            output_info(info, self.model()).ok_or("the model's answer has a size that no frame has")?;
        let prepared = self.active.prepare_video(info, &output);
        prepared.map_err(|err| err.to_string())?;
        self.active.fill(frame).map_err(|err| err.to_string())
    }

    /// Where the frame lies in the input, after [`fill`](Offline::fill).
    pub fn place(&self) -> Option<Letterbox> {
        self.active.place()
    }

    /// Reads outputs of this model, or of one with the same outputs, as the answer to the frame that was filled last, with
    /// objects from this confidence on; `None` where they are the answer themselves.
    ///
    /// # Errors
    ///
    /// What the element would say of the outputs.
    pub fn read(&mut self, outputs: &[Tensor], confidence: f32) -> Result<Option<Answer>, String> {
        let live = DecodeOptions {
            confidence_threshold: confidence,
            is_confidence_asked: true,
            top_k: u32::MAX,
            ..self.live
        };
        self.active.read(outputs, &live).map_err(|err| err.to_string())
    }

    /// The confidence from which on the element would tell of objects.
    pub fn threshold(&self) -> f32 {
        self.live.confidence_threshold
    }

    /// Makes a runner for another file with the same input, whose outputs are taken as they are.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub fn runner(&self, path: &Path) -> Result<Runner, String> {
        let options = self.active.plain_options();
        Runner::load(path, &options).map_err(|err| err.to_string())
    }
}
