// SPDX-License-Identifier: MPL-2.0

//! What the user asked of a probe.

use gst::glib;
use gst::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Running time between messages; zero is after every frame.
    pub interval: gst::ClockTime,
    /// Frames that percentiles are taken over.
    pub window: u32,
    /// Zero is one frame duration.
    pub budget: gst::ClockTime,
    /// Whether the figures are told as INFO messages too.
    pub info_messages: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            interval: gst::ClockTime::SECOND,
            // 10 s at 30 frames a second, three of them beyond the 99th percentile.
            window: 300,
            budget: gst::ClockTime::ZERO,
            info_messages: false,
        }
    }
}

impl Settings {
    /// The writable properties; `stats` is the element's.
    pub fn properties() -> Vec<glib::ParamSpec> {
        let default = Settings::default();
        vec![
            glib::ParamSpecUInt64::builder("interval")
                .nick("Interval")
                .blurb("Running time between two messages avrec/probe, in nanoseconds (0 = one after every frame).")
                .default_value(default.interval.nseconds())
                .maximum(i64::MAX as u64)
                .mutable_playing()
                .build(),
            glib::ParamSpecUInt::builder("window")
                .nick("Window")
                .blurb("Number of frames that latency percentiles, frame rate and window-ssim are taken over.")
                .minimum(1)
                // The window is kept sorted; 100,000 samples of eight bytes move in some 5 µs.
                .maximum(100_000)
                .default_value(default.window)
                .mutable_ready()
                .build(),
            glib::ParamSpecUInt64::builder("budget")
                .nick("Budget")
                .blurb("Frame latency above which a frame counts as missed, in nanoseconds (0 = one frame duration).")
                .default_value(default.budget.nseconds())
                .maximum(i64::MAX as u64)
                .mutable_playing()
                .build(),
            glib::ParamSpecBoolean::builder("info-messages")
                .nick("Info messages")
                .blurb("Whether to tell the figures of each message avrec/probe as an INFO message too, which gst-launch-1.0 prints.")
                .default_value(default.info_messages)
                .mutable_playing()
                .build(),
        ]
    }

    /// Takes in a property value; the type was checked against the specification by GObject.
    pub fn set(&mut self, value: &glib::Value, pspec: &glib::ParamSpec) {
        let time = || value.get().map(gst::ClockTime::from_nseconds).ok();
        match pspec.name() {
            "interval" => self.interval = time().unwrap_or(self.interval),
            "window" => self.window = value.get().unwrap_or(self.window),
            "budget" => self.budget = time().unwrap_or(self.budget),
            "info-messages" => self.info_messages = value.get().unwrap_or(self.info_messages),
            _ => (),
        }
    }

    /// The value of a writable property.
    pub fn get(&self, pspec: &glib::ParamSpec) -> glib::Value {
        match pspec.name() {
            "interval" => self.interval.nseconds().to_value(),
            "window" => self.window.to_value(),
            "budget" => self.budget.nseconds().to_value(),
            "info-messages" => self.info_messages.to_value(),
            _ => pspec.default_value().clone(),
        }
    }
}
