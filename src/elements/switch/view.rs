// SPDX-License-Identifier: MPL-2.0

//! What the streaming thread shows: what it knew when a frame was decided on or left, for `stats`, `explain` and whoever else asks.
//!
//! Readers take it without a lock, and ask the policy themselves: drawing up an explanation takes 70 µs with 3 candidates
//! and 300 µs with 16, and the streaming thread must not wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;

use super::lanes::lane::WINDOW;
use super::policy_adapter::PolicyAdapter;
use crate::messages::{Percentiles, SwitchStats};
use crate::score::LatencyWindow;

/// No lane has that number.
const NOBODY: usize = usize::MAX;

/// The counters of the switch as a whole, and the latencies of the last frames; they belong to the streaming thread.
#[derive(Debug)]
pub struct Totals {
    /// Only what is counted; the rest is filled in when somebody asks.
    pub counts: SwitchStats,
    pub window: LatencyWindow,
}

impl Default for Totals {
    fn default() -> Totals {
        Totals {
            counts: SwitchStats::default(),
            window: LatencyWindow::new(WINDOW),
        }
    }
}

/// All of it, at one moment.
#[derive(Debug, Clone)]
pub struct View {
    pub counts: SwitchStats,
    /// A copy, which may be asked what the policy knows.
    pub adapter: PolicyAdapter,
}

#[derive(Debug)]
pub struct Published {
    newest: ArcSwap<View>,
    /// Who answers now: known before the frame leaves that it answers.
    active: AtomicUsize,
}

impl Published {
    pub fn new(adapter: PolicyAdapter) -> Published {
        let view = View {
            counts: SwitchStats::default(),
            adapter,
        };
        Published {
            newest: ArcSwap::from_pointee(view),
            active: AtomicUsize::new(NOBODY),
        }
    }

    pub fn view(&self) -> Arc<View> {
        self.newest.load_full()
    }

    /// Shows what is known now, in the memory of `spare` if there is one, and returns the view before. Only the streaming
    /// thread does, twice a frame: a swap looks at the readers of all threads (a thousand instructions), so it is the only one.
    pub fn publish(&self, spare: Option<Arc<View>>, totals: &Totals, adapter: &PolicyAdapter) -> Arc<View> {
        let mut next = spare.unwrap_or_else(|| self.view());
        // Copies where somebody still looks at it.
        let view = Arc::make_mut(&mut next);
        view.counts.clone_from(&totals.counts);
        view.counts.latency = Percentiles::of(&totals.window);
        view.adapter.clone_from(adapter);
        self.newest.swap(next)
    }

    /// Who answers now; nobody before the first decision.
    pub fn active(&self) -> Option<usize> {
        Some(self.active.load(Ordering::Acquire)).filter(|it| *it != NOBODY)
    }

    pub fn set_active(&self, active: Option<usize>) {
        self.active.store(active.unwrap_or(NOBODY), Ordering::Release);
    }
}
