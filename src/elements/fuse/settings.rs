// SPDX-License-Identifier: MPL-2.0

//! What the user asked of a fusion.

use std::sync::Arc;

use gst::glib;
use gst::prelude::*;

use crate::recommend::fusion::Holding;

#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Shared, so that a copy for each frame is cheap.
    pub fusion_file: Option<Arc<str>>,
    /// What each side is worth by the user's word, 0 to 1; picture first.
    pub trust: [f64; 2],
    pub stale_after: gst::ClockTime,
    pub latency: gst::ClockTime,
    /// Zero leaves the weights as they were fitted.
    pub quality_window: gst::ClockTime,
    pub post_messages: bool,
    pub info_messages: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            fusion_file: None,
            trust: [1.0; 2],
            stale_after: gst::ClockTime::SECOND,
            latency: gst::ClockTime::ZERO,
            // From 2 to 12 s the gain is the same within 0.3 points (see `recommend::fusion::Worth`).
            quality_window: gst::ClockTime::from_seconds(6),
            post_messages: false,
            info_messages: false,
        }
    }
}

impl Settings {
    /// The writable properties; `stats` is the element's.
    pub fn properties() -> Vec<glib::ParamSpec> {
        let default = Settings::default();
        let weight = |name: &'static str, nick: &'static str, blurb: &'static str| {
            glib::ParamSpecDouble::builder(name)
                .nick(nick)
                .blurb(blurb)
                .minimum(0.0)
                .maximum(1.0)
                .default_value(1.0)
                .mutable_playing()
                .build()
        };
        let time = |name: &'static str, nick: &'static str, blurb: &'static str, default: gst::ClockTime| {
            glib::ParamSpecUInt64::builder(name)
                .nick(nick)
                .blurb(blurb)
                .maximum(i64::MAX as u64)
                .default_value(default.nseconds())
                .mutable_playing()
                .build()
        };
        vec![
            glib::ParamSpecString::builder("fusion-file")
                .nick("Fusion file")
                .blurb("TOML file with temperatures and weights, as avrec rank --fuse writes it (unset = both sides count 0.75 as they are).")
                .mutable_ready()
                .build(),
            weight(
                "picture-weight",
                "Picture weight",
                "What answers about the picture are worth, 0 to 1, besides what was fitted (0 = nothing).",
            ),
            weight(
                "sound-weight",
                "Sound weight",
                "What answers about the sound are worth, 0 to 1, besides what was fitted (0 = nothing).",
            ),
            time(
                "stale-after",
                "Stale after",
                "Time between an answer and a frame from which on it does not count for the frame, in nanoseconds (0 = it counts at its own time only).",
                default.stale_after,
            ),
            time(
                "latency",
                "Latency",
                "How far sound is waited for beyond the time of a frame, so that answers after it count too, in nanoseconds (0 = up to the frame).",
                default.latency,
            ),
            time(
                "quality-window",
                "Quality window",
                "Time over which answers say what their side is worth, in nanoseconds (0 = weights stay as they were fitted).",
                default.quality_window,
            ),
            glib::ParamSpecBoolean::builder("post-messages")
                .nick("Post messages")
                .blurb("Whether to post an element message avrec/fused for each frame.")
                .default_value(default.post_messages)
                .mutable_playing()
                .build(),
            glib::ParamSpecBoolean::builder("info-messages")
                .nick("Info messages")
                .blurb("Whether to tell an answer a second as an INFO message, which gst-launch-1.0 prints.")
                .default_value(default.info_messages)
                .mutable_playing()
                .build(),
        ]
    }

    /// Takes in a property value; the type was checked against the specification by GObject.
    pub fn set(&mut self, value: &glib::Value, pspec: &glib::ParamSpec) {
        let time = |before: gst::ClockTime| value.get().map_or(before, gst::ClockTime::from_nseconds);
        match pspec.name() {
            "fusion-file" => {
                let file: Option<String> = value.get().unwrap_or_default();
                self.fusion_file = file.filter(|it| !it.is_empty()).map(Arc::from);
            }
            "picture-weight" => self.trust[0] = value.get().unwrap_or(self.trust[0]),
            "sound-weight" => self.trust[1] = value.get().unwrap_or(self.trust[1]),
            "stale-after" => self.stale_after = time(self.stale_after),
            "latency" => self.latency = time(self.latency),
            "quality-window" => self.quality_window = time(self.quality_window),
            "post-messages" => self.post_messages = value.get().unwrap_or(self.post_messages),
            "info-messages" => self.info_messages = value.get().unwrap_or(self.info_messages),
            _ => (),
        }
    }

    /// The value of a writable property.
    pub fn get(&self, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "fusion-file" => self.fusion_file.as_deref().to_value(),
            "picture-weight" => self.trust[0].to_value(),
            "sound-weight" => self.trust[1].to_value(),
            "stale-after" => self.stale_after.nseconds().to_value(),
            "latency" => self.latency.nseconds().to_value(),
            "quality-window" => self.quality_window.nseconds().to_value(),
            "post-messages" => self.post_messages.to_value(),
            "info-messages" => self.info_messages.to_value(),
            _ => pspec.default_value().clone(),
        }
    }

    /// How answers about sound are held.
    pub fn of_sound(&self) -> Holding {
        Holding {
            lookahead: self.latency.into(),
            stale_after: self.stale_after.into(),
        }
    }

    /// How answers about the picture are held: nothing comes after the frame.
    pub fn of_picture(&self) -> Holding {
        Holding {
            lookahead: std::time::Duration::ZERO,
            stale_after: self.stale_after.into(),
        }
    }
}
