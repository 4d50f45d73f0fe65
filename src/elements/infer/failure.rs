// SPDX-License-Identifier: MPL-2.0

//! Faults of the runtime and of frames as GStreamer's errors and warnings: the one place that maps them.

use std::path::PathBuf;

use gst::glib;
use gst::prelude::*;

use super::caps;
use crate::media::draw::FontError;
use crate::{decode, runtime};

/// Why a frame got no answer, or the element could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Model(#[from] runtime::Error),
    #[error(transparent)]
    Picture(#[from] crate::media::Error),
    #[error(transparent)]
    Sound(#[from] crate::audio::Error),
    /// The buffer cannot be mapped as the frame that its caps describe.
    #[error("a buffer of {size} bytes at {pts} is no {caps} frame; the element before this one is broken")]
    Frame { size: usize, pts: String, caps: String },
    /// Frames come in memory of a card.
    #[error(
        "frames in {memory} cannot be read; put {} before this element",
        caps::download(memory)
    )]
    Elsewhere { memory: String },
    /// The model is for sound, and frames come.
    #[error("the model is for sound; use it on sound, or set model-file to a model for frames")]
    NotForFrames,
    /// No decoder fits what the model says of its outputs.
    #[error("cannot use {}: {source}", path.display())]
    Unfit { path: PathBuf, source: decode::Unfit },
    /// The labels cannot be read.
    #[error("cannot read the labels of {}: {cause}", path.display())]
    Labels { path: PathBuf, cause: String },
    /// The outputs of a run cannot be decoded.
    #[error("cannot decode an answer: {0}")]
    Decode(#[from] decode::Fault),
    /// The answer would not lie over the frame.
    #[error("fit={fit} does not go with task={task}, whose answer is about the whole frame; set fit=auto")]
    Fit { fit: String, task: &'static str },
    /// The model was seen to take other sizes only.
    #[error(
        "the model takes sides that are multiples of {grid} only, not {}x{}; set input-size=auto, which extends the \
         frame and cuts the answer, or input-size to such a size",
        .size.0, .size.1
    )]
    Grid { size: (usize, usize), grid: usize },
    /// The model may not be what it is taken for.
    #[error("{0}")]
    Doubt(String),
    /// Answers of the task do not go that way.
    #[error("output={output} of task={task} needs {needs}")]
    Output {
        output: String,
        task: &'static str,
        needs: &'static str,
    },
    /// There is no place for a mask.
    #[error(
        "output=alpha cannot write to {0}, which has no alpha; put videoconvert and a filter for \
         video/x-raw,format=RGBA (or BGRA, ARGB, ABGR) before this element"
    )]
    NoAlpha(&'static str),
    /// An answer cannot be attached to its buffer.
    #[error("cannot attach an answer to its buffer: {0}")]
    Meta(#[from] glib::BoolError),
    /// The model is for frames, and sound comes.
    #[error("the model is for frames; use it on video, or set model-file to a model for sound")]
    NotForSound,
    /// The caps have no sound that can be read.
    #[error("sound of {0} cannot be read; put audioconvert before this element")]
    SoundCaps(String),
    /// The model gave another number of samples than it was made for.
    #[error("the model's answer has not {wanted} samples; export it with a fixed number of samples")]
    AnswerLength { wanted: usize },
    /// A buffer could not be had or written.
    #[error("cannot get a buffer of {0} bytes that can be written")]
    Memory(usize),
    /// Labels cannot be drawn in the font that was asked for.
    #[error(transparent)]
    Font(#[from] FontError),
    /// There is no model to run.
    #[error("no model to load; set model-file to an .onnx file")]
    NoModel,
    /// What follows this element cannot take what the new model makes.
    #[error(
        "the elements downstream do not take {caps}; put videoscale behind this element, or use a model of the same scale"
    )]
    Downstream { caps: String },
    /// Not asked for here, so it is said why this comes.
    #[error("another element reloaded the file, and this one goes on with what it runs: {0}")]
    Followed(Box<Fault>),
    /// The system has no thread for the loader.
    #[error("cannot start the loader thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// A code of one of GStreamer's domains of errors.
enum Code {
    Library(gst::LibraryError),
    Resource(gst::ResourceError),
    Stream(gst::StreamError),
}

impl Fault {
    /// Whether nobody waits for what failed, so that it is told to nobody.
    pub fn is_given_up(&self) -> bool {
        match self {
            Fault::Followed(fault) => fault.is_given_up(),
            fault => matches!(fault, Fault::Model(runtime::Error::GivenUp { .. })),
        }
    }

    fn code(&self) -> Code {
        use runtime::Error;
        match self {
            Fault::Followed(fault) => fault.code(),
            Fault::Model(Error::NotFound { .. }) => Code::Resource(gst::ResourceError::NotFound),
            Fault::NoModel
            | Fault::Font(_)
            | Fault::Fit { .. }
            | Fault::Grid { .. }
            | Fault::Output { .. }
            | Fault::Model(
                Error::OptionUnavailable { .. }
                | Error::Setting { .. }
                | Error::ProviderMissing { .. }
                | Error::Provider { .. },
            ) => Code::Resource(gst::ResourceError::Settings),
            Fault::Model(Error::LibraryMissing { .. } | Error::LibraryTooOld { .. }) => {
                Code::Library(gst::LibraryError::Init)
            }
            Fault::Decode(_)
            | Fault::Meta(_)
            | Fault::Doubt(_)
            | Fault::Model(Error::Run { .. } | Error::NotFinite { .. } | Error::NotPrepared { .. }) => {
                Code::Stream(gst::StreamError::Failed)
            }
            Fault::Unfit { .. }
            | Fault::NoAlpha(_)
            | Fault::Picture(_)
            | Fault::Sound(_)
            | Fault::NotForFrames
            | Fault::Elsewhere { .. }
            | Fault::NotForSound
            | Fault::SoundCaps(_)
            | Fault::AnswerLength { .. }
            | Fault::Frame { .. }
            | Fault::Downstream { .. }
            | Fault::Model(Error::Shape { .. } | Error::TensorTooLarge { .. }) => {
                Code::Stream(gst::StreamError::Format)
            }
            Fault::Thread(_)
            | Fault::Memory(_)
            | Fault::Model(Error::Memory { .. } | Error::LeftBehind { .. }) => {
                Code::Resource(gst::ResourceError::NoSpaceLeft)
            }
            Fault::Labels { .. } | Fault::Model(_) => Code::Resource(gst::ResourceError::Read),
        }
    }

    /// The form that `start` returns, which is posted by its caller.
    pub fn message(&self) -> gst::ErrorMessage {
        fn message<T: gst::MessageErrorDomain>(code: T, fault: &Fault) -> gst::ErrorMessage {
            let (text, debug) = (fault.to_string(), fault.debug());
            gst::ErrorMessage::new(&code, Some(&text), Some(&debug), file!(), module_path!(), line!())
        }
        match self.code() {
            Code::Library(code) => message(code, self),
            Code::Resource(code) => message(code, self),
            Code::Stream(code) => message(code, self),
        }
    }

    /// Posts an error: the element cannot go on.
    pub fn post_error(&self, element: &super::Infer) {
        element.post_error_message(self.message());
    }

    /// Posts a warning: the element goes on as before.
    pub fn post_warning(&self, element: &super::Infer) {
        let text = self.to_string();
        let error = match self.code() {
            Code::Library(code) => glib::Error::new(code, &text),
            Code::Resource(code) => glib::Error::new(code, &text),
            Code::Stream(code) => glib::Error::new(code, &text),
        };
        let message = gst::message::Warning::builder_from_error(error)
            .debug(&self.debug())
            .src(element)
            .build();
        // Fails only without a bus, that is outside of a pipeline.
        let _ = element.post_message(message);
    }

    fn debug(&self) -> String {
        format!("{self:?}")
    }
}
