// SPDX-License-Identifier: MPL-2.0

//! How long the way to a model is that runs elsewhere.

use std::time::Duration;

/// What is known of the way to a server, and of what it does there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RemoteTimes {
    /// There and back with nothing to do, the median of the last nine; `None` before the first.
    pub round_trip: Option<Duration>,
    /// What an answer takes the server by its own statistics, waiting included: the mean over about the last second; `None`
    /// where it does not say so.
    pub serving: Option<Duration>,
    /// Bytes of tensors that were sent.
    pub sent_bytes: u64,
    /// Bytes of answers that came.
    pub received_bytes: u64,
}
