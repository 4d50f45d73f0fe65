// SPDX-License-Identifier: MPL-2.0

//! Whether a stream has started, and how long it may take to.

use std::time::{Duration, Instant};

use super::enums::StartMode;
use super::settings::Settings;

/// How far the start has come. Belongs to the streaming thread.
#[derive(Debug, Default)]
pub struct Start {
    /// When the first frame came.
    since: Option<Instant>,
    is_over: bool,
}

impl Start {
    /// When the wait ends, in the end; `None` where there is no limit.
    pub fn limit(&mut self, settings: &Settings) -> Option<Instant> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let limit = Duration::from(settings.start_timeout);
        (!limit.is_zero()).then(|| since.checked_add(limit)).flatten()
    }

    pub fn is_over(&mut self, settings: &Settings) -> bool {
        self.is_over |= settings.start == StartMode::Pass;
        self.is_over
    }

    /// The stream has started.
    pub fn end(&mut self) {
        self.is_over = true;
    }
}
