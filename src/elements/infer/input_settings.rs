// SPDX-License-Identifier: MPL-2.0

//! What the user says of a picture and of numbers that go into a model, with the defaults, and the properties that expose it.

use gst::glib;
use gst::prelude::*;

use super::enums::{ChannelOrder, InputLayout};
use crate::runtime::ImageOptions;

/// Read when a model is loaded; what is unset is left to the model.
#[derive(Debug, Clone, PartialEq)]
pub struct InputSettings {
    pub channel_order: ChannelOrder,
    pub range: Option<String>,
    pub mean: Option<String>,
    pub deviation: Option<String>,
    pub layout: InputLayout,
    pub size: Option<String>,
    /// What further inputs get, each by its name.
    pub values: Option<String>,
}

/// The size that follows from the model.
const AUTO: &str = "auto";

impl Default for InputSettings {
    fn default() -> InputSettings {
        InputSettings {
            channel_order: ChannelOrder::default(),
            range: None,
            mean: None,
            deviation: None,
            layout: InputLayout::default(),
            size: Some(AUTO.into()),
            values: None,
        }
    }
}

impl InputSettings {
    /// The same for the runtime.
    pub fn options(&self) -> ImageOptions {
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        ImageOptions {
            order: self.channel_order.into(),
            layout: self.layout.into(),
            range: text(&self.range),
            mean: text(&self.mean),
            deviation: text(&self.deviation),
            // Models are shared by those who ask for the same, however they spell it.
            size: text(&self.size.clone().filter(|it| it != AUTO)),
        }
    }
}

pub fn properties() -> Vec<glib::ParamSpec> {
    let default = InputSettings::default();
    vec![
        glib::ParamSpecEnum::builder_with_default("channel-order", default.channel_order)
            .nick("Channel order")
            .blurb("In which order a model for pictures has its colors. Takes effect when a model is loaded.")
            .mutable_playing()
            .build(),
        glib::ParamSpecString::builder("input-range")
            .nick("Input range")
            .blurb(
                "Values that a model for pictures has for black and white, such as 0,255 or -1,1; one pair, or one \
                 for each channel with semicolons (unset = what the model says, else 0,1). Takes effect when a \
                 model is loaded.",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecString::builder("input-mean")
            .nick("Input mean")
            .blurb(
                "What is taken from a level before it goes into a model for pictures, such as 0.485,0.456,0.406; \
                 one number, or one for each channel (unset = what the model says, else nothing). Levels are 0 to 1, or \
                 0 to 255 where a number of mean or deviation is beyond 1. Takes effect when a model is loaded.",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecString::builder("input-std")
            .nick("Input deviation")
            .blurb(
                "What the rest is divided by after the mean was taken, such as 0.229,0.224,0.225, in the same \
                 levels (unset = what the model says, else 1). Takes effect when a model is loaded.",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecEnum::builder_with_default("input-layout", default.layout)
            .nick("Input layout")
            .blurb(
                "Where a model for pictures has its channels, if its shape leaves that open. Takes effect when a \
                 model is loaded.",
            )
            .mutable_playing()
            .build(),
        glib::ParamSpecString::builder("input-size")
            .nick("Input size")
            .blurb(
                "Size in pixels that a model is given which takes any: WxH (with -1 for a side that follows in \
                 proportion), frame, or grid:N for the frame's, up to multiples of N (auto or unset = what suits the \
                 model). Takes effect when a model \
                 is loaded.",
            )
            .default_value(default.size.as_deref())
            .mutable_playing()
            .build(),
        glib::ParamSpecString::builder("input-values")
            .nick("Input values")
            .blurb(
                "What inputs get that are neither frame nor sound, each by its name, such as sr=16000,threshold=0.5; one \
                 number for all elements, or as many as there are, with spaces (unset = what the model and known names \
                 say). Of recurrent state it is what the stream \
                 begins with. Takes effect when a model is loaded.",
            )
            .mutable_playing()
            .build(),
    ]
}
