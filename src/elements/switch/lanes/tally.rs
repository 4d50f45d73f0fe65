// SPDX-License-Identifier: MPL-2.0

//! What a lane shows of itself: written under the lock of the table, read without it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use crate::elements::switch::totals::{Counter, SharedPercentiles};
use crate::messages::CandidateState;

/// How far a lane has come, and why it failed, if it did.
pub type ShownState = (CandidateState, Option<String>);

#[derive(Debug)]
pub struct LaneTally {
    pub runs: Counter,
    pub answers: Counter,
    pub misses: Counter,
    /// Of its last runs.
    pub latency: SharedPercentiles,
    state: ArcSwap<ShownState>,
    is_hung: AtomicBool,
}

impl Default for LaneTally {
    fn default() -> LaneTally {
        LaneTally {
            runs: Counter::default(),
            answers: Counter::default(),
            misses: Counter::default(),
            latency: SharedPercentiles::default(),
            state: ArcSwap::from_pointee((CandidateState::Loading, None)),
            is_hung: AtomicBool::default(),
        }
    }
}

impl LaneTally {
    pub fn show(&self, state: ShownState) {
        self.state.store(Arc::new(state));
    }

    /// Whether it has said nothing for so long that the user was told.
    pub fn show_hung(&self, is_hung: bool) {
        self.is_hung.store(is_hung, Ordering::Relaxed);
    }

    /// What it shows now.
    pub fn state(&self) -> ShownState {
        let (state, cause) = ShownState::clone(&self.state.load());
        match self.is_hung.load(Ordering::Relaxed) {
            true => (CandidateState::Hung, cause),
            false => (state, cause),
        }
    }
}
