// SPDX-License-Identifier: MPL-2.0

//! Faults of the runtime and of frames as GStreamer's errors and warnings: the one place that maps them.

use gst::glib;
use gst::prelude::*;

use crate::runtime;

/// Why a frame got no answer, or the element could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Model(#[from] runtime::Error),
    #[error(transparent)]
    Picture(#[from] crate::media::Error),
    /// The buffer cannot be mapped as the frame that its caps describe.
    #[error("a buffer of {size} bytes at {pts} is no {caps} frame; the element before this one is broken")]
    Frame { size: usize, pts: String, caps: String },
    /// The model is for sound, and frames come.
    #[error("the model is for sound; use it on sound, or set model-file to a model for frames")]
    NotForFrames,
    /// There is no model to run.
    #[error("no model to load; set model-file to an .onnx file")]
    NoModel,
    /// The CPU was asked for by a number that it does not have.
    #[error("device={0} does not exist on the CPU; leave device unset")]
    Device(String),
    /// What follows this element cannot take what the new model makes.
    #[error(
        "the elements downstream do not take {caps}; put videoscale behind this element, or use a model of the same scale"
    )]
    Downstream { caps: String },
    /// The system has no thread for the loader.
    #[error("cannot start the loader thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// Evaluates an expression with the fitting error code, whose type differs from arm to arm.
macro_rules! with_code {
    ($fault:expr, $code:ident => $then:expr) => {{
        use runtime::Error;
        match $fault {
            Fault::Model(Error::NotFound { .. }) => {
                let $code = gst::ResourceError::NotFound;
                $then
            }
            Fault::NoModel | Fault::Device(_) | Fault::Model(Error::OptionUnavailable { .. }) => {
                let $code = gst::ResourceError::Settings;
                $then
            }
            Fault::Model(Error::LibraryMissing { .. } | Error::LibraryTooOld { .. }) => {
                let $code = gst::LibraryError::Init;
                $then
            }
            Fault::Model(Error::Run { .. } | Error::NotFinite { .. } | Error::NotPrepared { .. }) => {
                let $code = gst::StreamError::Failed;
                $then
            }
            Fault::Picture(_) | Fault::NotForFrames | Fault::Frame { .. } | Fault::Downstream { .. } => {
                let $code = gst::StreamError::Format;
                $then
            }
            Fault::Model(Error::Shape { .. } | Error::TensorTooLarge { .. }) => {
                let $code = gst::StreamError::Format;
                $then
            }
            Fault::Thread(_) => {
                let $code = gst::ResourceError::NoSpaceLeft;
                $then
            }
            Fault::Model(_) => {
                let $code = gst::ResourceError::Read;
                $then
            }
        }
    }};
}

impl Fault {
    /// The form that `start` returns, which is posted by its caller.
    pub fn message(&self) -> gst::ErrorMessage {
        let text = self.to_string();
        with_code!(self, code => gst::ErrorMessage::new(&code, Some(&text), Some(&self.debug()), file!(), module_path!(), line!()))
    }

    /// Posts an error: the element cannot go on.
    pub fn post_error(&self, element: &super::Infer) {
        element.post_error_message(self.message());
    }

    /// Posts a warning: the element goes on as before.
    pub fn post_warning(&self, element: &super::Infer) {
        let text = self.to_string();
        let error = with_code!(self, code => glib::Error::new(code, &text));
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
