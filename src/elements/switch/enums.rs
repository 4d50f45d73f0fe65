// SPDX-License-Identifier: MPL-2.0

//! The enumerations among the switch's properties.

use gst::glib;

use crate::policy::Evidence;

/// What happens to a frame whose candidate does not answer in time.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[repr(u32)]
#[enum_type(name = "GstAvrecSwitchLatePolicy")]
pub enum LatePolicy {
    #[default]
    #[enum_value(name = "Auto: floor in a live pipeline, wait otherwise", nick = "auto")]
    Auto,
    #[enum_value(name = "Wait for the candidate, however long it takes", nick = "wait")]
    Wait,
    #[enum_value(name = "Floor: let what can answer at once answer in time", nick = "floor")]
    Floor,
    #[enum_value(name = "Drop the frame", nick = "drop")]
    Drop,
}

/// What may be kept of a stream, and whether its frames may leave the machine.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[repr(u32)]
#[enum_type(name = "GstAvrecSwitchPrivacy")]
pub enum Privacy {
    #[default]
    #[enum_value(
        name = "Open: what keep-hard-frames asks for is kept, and servers get frames",
        nick = "open"
    )]
    Open,
    #[enum_value(name = "Local: frames are kept, and none leaves this machine", nick = "local")]
    Local,
    #[enum_value(
        name = "No frames: none is kept, and none leaves this machine",
        nick = "no-frames"
    )]
    NoFrames,
}

/// What leaves before a candidate is ready.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[repr(u32)]
#[enum_type(name = "GstAvrecSwitchStart")]
pub enum StartMode {
    #[default]
    #[enum_value(name = "Pass: whatever can leave, as late-policy says", nick = "pass")]
    Pass,
    #[enum_value(name = "Wait: nothing; frames wait, and live ones are dropped", nick = "wait")]
    Wait,
}

/// The priority of the threads that a frame waits for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, glib::Enum)]
#[repr(u32)]
#[enum_type(name = "GstAvrecSwitchThreadPriority")]
pub enum ThreadPriority {
    #[default]
    #[enum_value(name = "None: as they are", nick = "none")]
    None,
    #[enum_value(name = "Nice: niceness -11", nick = "nice")]
    Nice,
    #[enum_value(name = "Realtime: SCHED_RR, else as nice", nick = "realtime")]
    Realtime,
}

/// How quality and robustness become one number.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[repr(u32)]
#[enum_type(name = "GstAvrecSwitchStrategy")]
pub enum Strategy {
    #[default]
    #[enum_value(name = "Weighted average of quality and robustness", nick = "weighted")]
    Weighted,
    #[enum_value(name = "Weighted average of their ranks among the candidates", nick = "rank")]
    Rank,
}

/// What the live quality of the candidates rests on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[repr(u32)]
#[enum_type(name = "GstAvrecSwitchQualitySource")]
pub enum QualitySource {
    #[default]
    #[enum_value(
        name = "Auto: agreement with the reference; without one, what the answers allow",
        nick = "auto"
    )]
    Auto,
    #[enum_value(name = "Agreement with the reference's answers", nick = "agreement")]
    Agreement,
    #[enum_value(name = "Restoring frames that were degraded in a known way", nick = "restore")]
    Restore,
    #[enum_value(
        name = "Confidence, calibrated by what was compared with the reference",
        nick = "confidence"
    )]
    Confidence,
    #[enum_value(name = "Stability of the answers from frame to frame", nick = "stability")]
    Stability,
    #[enum_value(name = "Prior: what the catalogue and operators say", nick = "prior")]
    Prior,
}

impl QualitySource {
    /// Whether answers are compared with the reference's.
    pub fn compares(self) -> bool {
        matches!(
            self,
            QualitySource::Auto | QualitySource::Agreement | QualitySource::Confidence
        )
    }

    /// Whether this kind of evidence counts; `alone` where there is no reference to compare with.
    pub fn wants(self, evidence: Evidence, alone: bool) -> bool {
        match (self, evidence) {
            (QualitySource::Auto, Evidence::Agreement) => true,
            (QualitySource::Auto, _) => alone,
            (QualitySource::Agreement, it) => it == Evidence::Agreement,
            (QualitySource::Restore, it) => it == Evidence::Restoration,
            (QualitySource::Confidence, it) => matches!(it, Evidence::Calibrated | Evidence::Claimed),
            (QualitySource::Stability, it) => it == Evidence::Stability,
            (QualitySource::Prior, _) => false,
        }
    }
}
