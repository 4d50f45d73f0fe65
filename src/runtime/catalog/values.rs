// SPDX-License-Identifier: MPL-2.0

//! Values that keys of a catalogue can have, and what to say of others.

use std::time::Duration;

/// Who sees the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Privacy {
    /// Nobody: they stay on this machine.
    Local,
    /// Another machine, of the same owner.
    Remote,
    /// A service of somebody else.
    UploadsFrames,
}

impl Privacy {
    pub const ALL: [Privacy; 3] = [Privacy::Local, Privacy::Remote, Privacy::UploadsFrames];

    pub const fn name(self) -> &'static str {
        match self {
            Privacy::Local => "local",
            Privacy::Remote => "remote",
            Privacy::UploadsFrames => "uploads-frames",
        }
    }

    pub fn named(name: &str) -> Option<Privacy> {
        Privacy::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// Keys of the file.
pub(super) const HEAD_KEYS: [&str; 5] = ["task", "reference", "floor", "output-caps", "candidate"];

/// Keys of a candidate beside the properties.
pub(super) const CANDIDATE_KEYS: &str = "name, element, model, task, quality, quality-interval, cost, latency-ms, runs-on, license, \
     sha256, origin, trained-on, privacy, sees, memory, parent, measured";

/// Keys of a measurement.
pub(super) const MEASURED_KEYS: [&str; 12] = [
    "measure",
    "value",
    "interval",
    "items",
    "material",
    "truth",
    "date",
    "latency-ms",
    "latency-p95-ms",
    "latency-p99-ms",
    "machine",
    "provider",
];

/// What is wrong with a value that a key cannot have, and what to write.
pub(super) fn misfit(key: &str) -> (String, String) {
    let (cause, remedy) = match key {
        "candidate" => (
            "'candidate' is no list",
            "write each candidate as a section [[candidate]]",
        ),
        "measured" => (
            "'measured' is no list",
            "write each measurement as a section [[candidate.measured]] behind its candidate",
        ),
        "quality" => (
            "quality is no number from 0 to 1",
            "write a share, such as quality = 0.9",
        ),
        "quality-interval" => (
            "quality-interval is no two numbers from 0 to 1, the lower one first",
            "write such as quality-interval = [0.87, 0.92]",
        ),
        "interval" => (
            "interval is no two numbers, the lower one first",
            "write such as interval = [33.9, 34.6]",
        ),
        "value" => ("value is no finite number", "write such as value = 34.3"),
        "cost" => (
            "cost is no number from 0 on",
            "write memory, energy or money in a unit of your choice, such as cost = 1.5",
        ),
        "latency-ms" | "latency-p95-ms" | "latency-p99-ms" => {
            return (
                format!("{key} is no number above 0"),
                format!("write milliseconds, such as {key} = 8.3"),
            );
        }
        "memory" => (
            "memory is no whole number above 0",
            "write bytes, such as memory = 52428800",
        ),
        "items" => (
            "items is no whole number from 0 on",
            "write a number, such as items = 300",
        ),
        "sees" => (
            "sees is no list of strings",
            "write such as sees = [\"faces\", \"voices\"]",
        ),
        "privacy" => (
            "privacy is none of local, remote, uploads-frames",
            "write privacy = \"local\" where no frame leaves this machine",
        ),
        "date" => ("date is no day", "write such as date = \"2026-11-28\""),
        "sha256" | "parent" => {
            return (
                format!("{key} is not 64 hexadecimal digits"),
                "write what sha256sum prints".into(),
            );
        }
        "task" | "reference" | "floor" | "output-caps" | "name" | "element" | "model" | "license"
        | "runs-on" | "origin" | "trained-on" | "measure" | "material" | "truth" | "machine" | "provider" => {
            return (format!("'{key}' is no string"), format!("write {key} = \"…\""));
        }
        // Of the values of a property, serde takes all that it can hold.
        _ => return (format!("'{key}' is too large"), "write a smaller number".into()),
    };
    (cause.into(), remedy.into())
}

/// A latency in milliseconds; `None` where it is none.
pub(super) fn latency(milliseconds: f64) -> Option<Duration> {
    let time = Duration::try_from_secs_f64(milliseconds / 1e3).ok()?;
    (!time.is_zero()).then_some(time)
}

/// Whether two numbers are finite, and the lower one first.
pub(super) fn is_interval((low, high): (f64, f64)) -> bool {
    low.is_finite() && high.is_finite() && low <= high
}

/// Whether a text is a day, as `2026-11-28`.
pub(super) fn is_day(text: &str) -> bool {
    let date = text.parse::<toml::value::Datetime>();
    date.is_ok_and(|it| it.date.is_some() && it.time.is_none())
}
