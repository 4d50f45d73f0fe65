// SPDX-License-Identifier: MPL-2.0

//! What the user says of sound that goes into a model, with the defaults, and the properties that expose it.

use gst::glib;
use gst::prelude::*;

use crate::runtime::SoundOptions;

/// Read when a model is loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundSettings {
    /// 0 for what the model says, as in the next two.
    pub rate: u32,
    pub window: u32,
    pub hop: u32,
    /// -1 for what the model says.
    pub context: i32,
}

/// Samples a second of the fastest sound there is.
const MAX_RATE: u32 = 768_000;

/// Samples that a window may have, 87 s at 48 kHz.
const MAX_SAMPLES: i32 = 1 << 22;

impl Default for SoundSettings {
    fn default() -> SoundSettings {
        SoundSettings {
            rate: 0,
            window: 0,
            hop: 0,
            context: -1,
        }
    }
}

impl SoundSettings {
    /// The same for the runtime.
    pub fn options(&self) -> SoundOptions {
        let said = |number: u32| (number != 0).then_some(number);
        SoundOptions {
            rate: said(self.rate),
            window: said(self.window),
            hop: said(self.hop),
            context: u32::try_from(self.context).ok(),
        }
    }
}

pub fn properties() -> Vec<glib::ParamSpec> {
    let default = SoundSettings::default();
    let samples = |name: &'static str, nick: &'static str, blurb: &'static str, default: u32| {
        glib::ParamSpecUInt::builder(name)
            .nick(nick)
            .blurb(blurb)
            .maximum(MAX_SAMPLES.unsigned_abs())
            .default_value(default)
            .mutable_playing()
            .build()
    };
    vec![
        glib::ParamSpecUInt::builder("sample-rate")
            .nick("Sample rate")
            .blurb(
                "Samples a second that a model for sound hears, in Hz (0 = what the model says). A stream of another \
                 rate is resampled. Takes effect when a model is loaded.",
            )
            .maximum(MAX_RATE)
            .default_value(default.rate)
            .mutable_playing()
            .build(),
        samples(
            "window",
            "Window",
            "New samples that a model for sound hears in a run, at its rate and per channel (0 = what the model says). \
             Takes effect when a model is loaded.",
            default.window,
        ),
        samples(
            "hop",
            "Hop",
            "Samples from one window to the next, at the rate of a model for sound (0 = what the model says). Takes \
             effect when a model is loaded.",
            default.hop,
        ),
        glib::ParamSpecInt::builder("context")
            .nick("Context")
            .blurb(
                "Samples before a window that stand in front of it, at the rate of a model for sound (-1 = what the \
                 model says). Takes effect when a model is loaded.",
            )
            .minimum(-1)
            .maximum(MAX_SAMPLES)
            .default_value(default.context)
            .mutable_playing()
            .build(),
    ]
}
