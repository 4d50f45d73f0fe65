// SPDX-License-Identifier: MPL-2.0

//! Who runs a loaded model next, where it runs once at a time.
//!
//! This is also where runs could be put together: who waits here has all that goes in, so that whoever has the turn could
//! take a batch of what waits, and never wait for more. It is not done, since no provider of this build gains by it: on the
//! CPU an item of a batch takes as long as a run by itself (docs/figures.md). A provider that is measured to gain would do
//! it between [`take`](Turns::take) and its run, for inputs of one shape, and would leave out those whose deadline a larger
//! batch does not keep.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::failure::Failure;
use super::stop::Stop;

/// How many runs of one loaded model may go on at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtOnce {
    Any,
    /// Those of other users wait meanwhile: a provider that is not made for several threads, as DirectML, or that lets one
    /// wait for the other in any case, as TensorRT.
    One,
}

/// The turns of one loaded model, the same for all clones.
#[derive(Clone)]
pub(super) struct Turns(Option<Arc<Mutex<()>>>);

/// A turn, until it is dropped: with the run, also where that goes on after nobody waits for it any more.
pub(super) struct Turn<'a> {
    _held: Option<MutexGuard<'a, ()>>,
}

/// How often who waits looks whether anybody still waits for it.
const LOOK: Duration = Duration::from_millis(20);

impl Turns {
    pub(super) fn new(runs: AtOnce) -> Turns {
        Turns(match runs {
            AtOnce::Any => None,
            AtOnce::One => Some(Arc::default()),
        })
    }

    /// Waits for a turn, about as long as others have waited, or until it is given up. Costs nothing where any number runs.
    pub(super) fn take(&self, stop: &Stop) -> Result<Turn<'_>, Failure> {
        let Some(turn) = &self.0 else {
            return Ok(Turn { _held: None });
        };
        loop {
            if stop.is_given_up() {
                return Err(Failure::GivenUp);
            }
            if let Some(held) = turn.try_lock_for(LOOK) {
                return Ok(Turn { _held: Some(held) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::sync::{Arc, Barrier};

    use super::*;
    use crate::runtime::LoadedModel;
    use crate::runtime::test_backend::TestBackend;

    /// Runs a model once for a user of its own.
    fn run(model: &LoadedModel, stop: &Stop) -> Result<(), Failure> {
        let mut outputs = [Default::default()];
        model
            .bind(&Default::default(), stop)
            .run(&mut [Default::default()], &mut outputs)
    }

    #[test]
    fn where_a_model_runs_once_at_a_time_no_two_are_inside() {
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = most.clone();
        let model = TestBackend::that_runs(AtOnce::One, move || {
            most.fetch_max(1 + inside.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
            std::thread::yield_now();
            inside.fetch_sub(1, Ordering::SeqCst);
        });
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..50).for_each(|_| run(&model, &Stop::default()).unwrap()));
            }
        });
        assert_eq!(seen.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn where_any_number_runs_all_are_inside_together() {
        let together = Barrier::new(8);
        let model = TestBackend::that_runs(AtOnce::Any, move || {
            together.wait();
        });
        std::thread::scope(|scope| {
            (0..8).for_each(|_| drop(scope.spawn(|| run(&model, &Stop::default()).unwrap())));
        });
    }

    /// A model whose first run says that it has begun, and ends when it is let go.
    fn held(runs: AtOnce) -> (Arc<LoadedModel>, mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (begins, has_begun) = mpsc::channel();
        let (go, gate) = mpsc::channel();
        let (gate, begun) = (Mutex::new(gate), AtomicUsize::new(0));
        let model = TestBackend::that_runs(runs, move || {
            if begun.fetch_add(1, Ordering::SeqCst) == 0 {
                begins.send(()).unwrap();
                gate.lock().recv().unwrap();
            }
        });
        (model, has_begun, go)
    }

    #[test]
    fn who_waits_behind_a_run_that_hangs_can_give_up_and_has_its_turn_when_that_ends() {
        let (model, has_begun, go) = held(AtOnce::One);
        let stop = Stop::default();
        std::thread::scope(|scope| {
            let hangs = scope.spawn(|| run(&model, &Stop::default()));
            has_begun.recv().unwrap();
            let waits = scope.spawn(|| run(&model, &stop));
            stop.give_up();
            assert!(matches!(waits.join().unwrap(), Err(Failure::GivenUp)));
            go.send(()).unwrap();
            hangs.join().unwrap().unwrap();
            run(&model, &Stop::default()).unwrap();
        });
    }

    #[test]
    fn one_that_hangs_holds_up_nobody_where_any_number_runs() {
        let (model, has_begun, go) = held(AtOnce::Any);
        std::thread::scope(|scope| {
            let hangs = scope.spawn(|| run(&model, &Stop::default()));
            has_begun.recv().unwrap();
            (0..10).for_each(|_| run(&model, &Stop::default()).unwrap());
            go.send(()).unwrap();
            hangs.join().unwrap().unwrap();
        });
    }
}
