// SPDX-License-Identifier: MPL-2.0

//! What is to be done so that the models of a group fit into memory, and why.

/// A candidate of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct User {
    pub stream: usize,
    pub lane: usize,
}

/// What a stream has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A load begins. How it ends is told by `Residency::loaded` or `Residency::failed`.
    Load {
        lane: usize,
        bytes: u64,
        urgency: Urgency,
    },
    /// It has to leave; when it has, that is told by `Residency::left`.
    Unload { lane: usize, bytes: u64, cause: Cause },
    /// It cannot be loaded.
    DoesNotFit { lane: usize, refusal: Refusal },
}

/// Why a candidate has to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// More is in memory than the limit allows.
    OverLimit,
    /// This one takes its place.
    Room { for_whom: User },
}

/// Why a candidate cannot be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Bytes that it takes.
    pub needed: u64,
    /// Bytes of what cannot leave for it.
    pub kept: u64,
    pub limit: u64,
    /// It is loaded all the same, since it is a floor.
    pub is_floor: bool,
}

/// Why somebody is to be loaded, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    Floor,
    Pinned,
    /// Its model is in memory.
    Shared,
    /// Its stream would gain by it.
    Gain,
    /// There is room.
    Room,
}
