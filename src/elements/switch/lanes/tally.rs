// SPDX-License-Identifier: MPL-2.0

//! What a lane shows of itself: written under the lock of the table, read without it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::kind::Kind;
use crate::messages::{CandidateState, Percentiles};
use crate::runtime::Task;

/// How far a lane has come, and why it failed, if it did.
pub type ShownState = (CandidateState, Option<String>);

#[derive(Debug)]
pub struct LaneTally {
    pub runs: Counter,
    pub answers: Counter,
    pub misses: Counter,
    /// Models that were loaded, each time.
    pub loads: Counter,
    /// Of its last runs.
    pub latency: SharedPercentiles,
    state: ArcSwap<ShownState>,
    is_hung: AtomicBool,
    /// The models of the candidate: the element's name, its task, and whether the answers stand on the frames.
    models: ArcSwap<Vec<Model>>,
    /// What its answers were seen to be.
    seen: ArcSwapOption<Kind>,
    /// What tells the candidate from others, and whether it has had several models.
    fingerprint: ArcSwapOption<(Arc<str>, bool)>,
    /// Caps of its answers, as seen since caps last changed before the switch.
    output: ArcSwapOption<gst::Caps>,
}

/// A model in a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub element: String,
    pub task: Task,
    /// Names of its classes; empty where they have only numbers.
    pub labels: Arc<[String]>,
    /// Whether its answers stand on the frames, where they can be compared.
    pub is_on_frames: bool,
}

impl Default for LaneTally {
    fn default() -> LaneTally {
        LaneTally {
            runs: Counter::default(),
            answers: Counter::default(),
            misses: Counter::default(),
            loads: Counter::default(),
            latency: SharedPercentiles::default(),
            state: ArcSwap::from_pointee((CandidateState::Loading, None)),
            is_hung: AtomicBool::default(),
            models: ArcSwap::default(),
            seen: ArcSwapOption::empty(),
            fingerprint: ArcSwapOption::empty(),
            output: ArcSwapOption::empty(),
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

    /// A model of the candidate was loaded.
    pub fn declare(&self, model: Model) {
        self.loads.add(1);
        self.models.rcu(|models| {
            let mut models = Vec::clone(models);
            models.retain(|it| it.element != model.element);
            models.push(model.clone());
            models
        });
    }

    /// What the candidate declares that its answers are: what all its models agree on.
    pub fn declared(&self) -> Option<Kind> {
        let models = self.models.load();
        let kind = Kind::of_task(models.first()?.task);
        models
            .iter()
            .all(|it| Kind::of_task(it.task) == kind)
            .then_some(kind)
    }

    /// Names of the classes that it tells apart; `None` where that is not known.
    pub fn labels(&self) -> Option<Arc<[String]>> {
        match &self.models.load()[..] {
            [model] => Some(model.labels.clone()),
            _ => None,
        }
    }

    /// Whether some class may have the same name in both.
    pub fn shares_labels(&self, other: &LaneTally) -> bool {
        let has_names = |kind| matches!(kind, Some(Kind::Boxes | Kind::Classes | Kind::Masks));
        if !has_names(self.declared()) || self.declared() != other.declared() {
            return true;
        }
        let (Some(own), Some(others)) = (self.labels(), other.labels()) else {
            return true;
        };
        // What has no name is named by its number.
        let is_number = |it: &String| it.parse::<u32>().is_ok();
        match (own.is_empty(), others.is_empty()) {
            (true, true) => true,
            (true, false) => others.iter().any(is_number),
            (false, true) => own.iter().any(is_number),
            (false, false) => own.iter().any(|it| others.contains(it)),
        }
    }

    /// It is known which candidate it is.
    pub fn identify(&self, fingerprint: &str) {
        let before = self.fingerprint.load_full();
        let is_other = before.is_some_and(|it| it.1 || *it.0 != *fingerprint);
        self.fingerprint
            .store(Some(Arc::new((fingerprint.into(), is_other))));
    }

    /// What tells the candidate from others, once that is known; `None` where it has had several models.
    pub fn fingerprint(&self) -> Option<Arc<str>> {
        let fingerprint = self.fingerprint.load_full()?;
        (!fingerprint.1).then(|| fingerprint.0.clone())
    }

    /// How many of its models have said what they are for.
    pub fn models(&self) -> usize {
        self.models.load().len()
    }

    /// Whether its answers can be read from its frames, as far as is known.
    pub fn is_on_frames(&self) -> bool {
        self.models.load().iter().all(|it| it.is_on_frames)
    }

    /// An answer of this kind was seen; `true` where that is new.
    pub fn saw(&self, kind: Kind) -> bool {
        let is_new = self.seen.load().as_deref() != Some(&kind);
        if is_new {
            self.seen.store(Some(Arc::new(kind)));
        }
        is_new
    }

    /// What its answers look like from now on; `None` where that has yet to be seen.
    pub fn show_output(&self, caps: Option<gst::Caps>) {
        self.output.store(caps.map(Arc::new));
    }

    /// What its answers look like, as far as one was seen.
    pub fn output(&self) -> Option<Arc<gst::Caps>> {
        self.output.load_full()
    }

    /// What its answers are: by what it declares, else by what was seen of them.
    pub fn kind(&self) -> Option<Kind> {
        self.declared().or_else(|| self.seen.load().as_deref().copied())
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

/// A counter that anybody may read at any time.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Percentiles that anybody may read at any time; one may be a sample newer than the next. Zero stands for none.
#[derive(Debug, Default)]
pub struct SharedPercentiles([AtomicU64; 3]);

impl SharedPercentiles {
    pub fn set(&self, percentiles: &Percentiles) {
        let Percentiles { p50, p95, p99 } = *percentiles;
        for (place, percentile) in self.0.iter().zip([p50, p95, p99]) {
            let percentile = u64::try_from(percentile.as_nanos()).unwrap_or(u64::MAX);
            place.store(percentile.max(1), Ordering::Relaxed);
        }
    }

    /// `None` without samples.
    pub fn get(&self) -> Option<Percentiles> {
        let times = self.0.each_ref().map(|it| it.load(Ordering::Relaxed));
        let [p50, p95, p99] = times.map(Duration::from_nanos);
        (!p50.is_zero()).then_some(Percentiles { p50, p95, p99 })
    }
}
