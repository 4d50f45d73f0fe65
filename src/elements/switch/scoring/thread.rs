// SPDX-License-Identifier: MPL-2.0

//! Takes trials in, and lets each be judged on a thread at the lowest priority.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Instant;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;

use super::judge::{Judge, LaneFigures, Outlet};
use super::trial::{ModifiedFrame, Trial};
use crate::elements::switch::CAT;
use crate::elements::switch::bus::Bus;
use crate::elements::switch::complaints::Complaints;
use crate::elements::switch::fact::Fact;
use crate::elements::switch::mailbox::Mailbox;
use crate::elements::switch::priority::yield_to_all_others;
use crate::elements::timed_join::TimedJoin;
use crate::numbered::Numbered;

/// Trials that the thread may hold: one in hand, and one frame and the next that can be looked at together. More would
/// hold on to buffers that upstream may need, and age meanwhile.
const HELD: usize = 3;

/// Scoring, as the rest of the switch knows it.
#[derive(Debug)]
pub struct Scoring {
    /// What the thread works with. A survey takes it too, on the streaming thread, since a survey keeps no deadline; nothing
    /// else may.
    judge: Arc<Mutex<Judge>>,
    outlet: Arc<Outlet>,
    /// While trials are taken.
    inbox: ArcSwapOption<Inbox>,
    /// Only starting and stopping take it.
    thread: Mutex<Option<TimedJoin>>,
}

#[derive(Debug, Default)]
struct Inbox {
    trials: Mailbox<Arc<Trial>>,
    held: AtomicUsize,
    is_closed: AtomicBool,
    /// There is a trial and no thread.
    is_wanted: AtomicBool,
    /// Who is to be woken.
    thread: OnceLock<Thread>,
}

impl Scoring {
    /// Without a thread yet; the policy is told of what is found through `facts`.
    pub fn new(facts: Arc<Mailbox<Fact>>, bus: Arc<Bus>, complaints: Arc<Complaints>) -> Scoring {
        let outlet = Arc::new(Outlet {
            facts,
            bus,
            complaints,
            ..Outlet::default()
        });
        Scoring {
            judge: Arc::new(Mutex::new(Judge::new(outlet.clone()))),
            outlet,
            inbox: ArcSwapOption::empty(),
            thread: Mutex::default(),
        }
    }

    /// Takes trials from now on; the first one wants the thread.
    pub fn open(&self) {
        self.inbox.store(Some(Arc::default()));
    }

    /// Starts the thread, if one is wanted. Trials come from the streaming thread too, which starts none.
    pub fn start_if_wanted(&self) {
        let Some(inbox) = &*self.inbox.load() else { return };
        if !inbox.is_wanted.load(Ordering::Relaxed) || !inbox.is_wanted.swap(false, Ordering::AcqRel) {
            return;
        }
        let (judge, work) = (self.judge.clone(), inbox.clone());
        match TimedJoin::of("avrec scorer".into(), move || work.serve(&judge)) {
            Ok(thread) => {
                // It may have looked for trials before it could be woken, so it is.
                let _ = inbox.thread.set(thread.thread().clone());
                inbox.wake();
                *self.thread.lock() = Some(thread);
            }
            Err(error) => gst::warning!(CAT, "No live quality: no thread: {error}"),
        }
    }

    /// Lets the thread end, if there is one, when it has scored what it has in hand.
    pub fn stop(&self) -> Option<TimedJoin> {
        if let Some(inbox) = self.inbox.swap(None) {
            inbox.is_closed.store(true, Ordering::Release);
            inbox.wake();
        }
        self.thread.lock().take()
    }

    /// Hands a trial over; when the thread is behind, the trial is dropped: there will be others.
    pub fn score(&self, trial: Trial) {
        let Some(inbox) = &*self.inbox.load() else { return };
        if HELD <= inbox.held.load(Ordering::Acquire) {
            return gst::debug!(CAT, "The scorer is busy: frame {} is not scored", trial.number);
        }
        inbox.take(trial);
    }

    /// Weighs a trial at once, on the calling thread: see [`Judge::weigh`]. Finds nothing where the thread is still at work on
    /// a trial at the `deadline`: at its priority it may get no time at all.
    pub fn weigh(&self, trial: &Trial, deadline: Instant) -> Vec<(usize, f64)> {
        let judge = self.judge.try_lock_until(deadline);
        judge.map(|mut it| it.weigh(trial)).unwrap_or_default()
    }

    /// What is known of each lane's answers.
    pub fn figures(&self) -> Arc<Numbered<LaneFigures>> {
        self.outlet.figures.load_full()
    }

    /// Takes the changed frame that was prepared since the last call.
    pub fn take_modified(&self) -> Option<ModifiedFrame> {
        self.outlet.modified.swap(None).and_then(Arc::into_inner)
    }
}

impl Drop for Scoring {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Inbox {
    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Has a trial scored, and a thread started for the first one.
    fn take(&self, trial: Trial) {
        // Of trials at the same time, one is the first.
        let is_first = self.held.fetch_add(1, Ordering::AcqRel) == 0 && self.thread.get().is_none();
        self.trials.put(Arc::new(trial));
        if is_first {
            self.is_wanted.store(true, Ordering::Release);
        }
        self.wake();
    }

    fn serve(&self, judge: &Mutex<Judge>) {
        yield_to_all_others();
        loop {
            let trials = self.trials.take();
            if trials.is_empty() {
                if self.is_closed.load(Ordering::Acquire) {
                    return;
                }
                std::thread::park();
            }
            for trial in trials {
                judge.lock().judge(&trial);
                drop(trial);
                self.held.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::elements::switch::lanes::elements::LaneOutput;
    use crate::elements::switch::scoring::trial::{TrialContext, TrialKind};
    use crate::elements::switch::settings::Settings;
    use crate::policy::RunKind;

    fn trial(number: u64, epoch: u32) -> Trial {
        let context = TrialContext {
            settings: Arc::new(Settings::default()),
            list: Arc::default(),
            reference: Some(0),
            named_reference: None,
            epoch,
        };
        let caps = gst::Caps::new_empty_simple("video/x-raw");
        let frame = gst::Buffer::new();
        let aim = TrialKind::Quality { perturbed: false };
        let mut trial = Trial::new(
            (frame.clone(), Some(caps.clone()), number),
            (RunKind::Shadow, aim),
            context,
        );
        for lane in [0, 1] {
            let output = LaneOutput {
                buffer: frame.clone(),
                caps: Some(caps.clone()),
            };
            trial.answered(lane, output);
        }
        trial
    }

    #[test]
    fn nobody_waits_for_a_thread_that_gets_no_time() {
        gst::init().unwrap();
        let scoring = Scoring::new(Arc::default(), Arc::default(), Arc::default());
        scoring.open();
        scoring.score(trial(0, 0));
        assert!(scoring.thread.lock().is_none(), "who scores starts no thread");
        // As long as this is held, the thread stands still in the middle of its work: who waited for it would wait for ever.
        let stalled = scoring.judge.lock();
        scoring.start_if_wanted();
        for number in 0..100 {
            scoring.score(trial(number, 0));
            assert!(scoring.figures().len() == 0);
            assert!(scoring.take_modified().is_none());
            assert!(scoring.weigh(&trial(number, 0), Instant::now()).is_empty());
            assert!(scoring.outlet.facts.take().is_empty());
        }
        let inbox = scoring.inbox.load_full().unwrap();
        assert_eq!(
            inbox.held.load(Ordering::Acquire),
            HELD,
            "more would hold on to buffers"
        );
        let ending = scoring.stop().unwrap();
        drop(stalled);
        assert!(ending.wait(Instant::now() + Duration::from_secs(20)));
        assert_eq!(
            inbox.held.load(Ordering::Acquire),
            0,
            "what it had in hand is scored"
        );
    }

    #[test]
    fn the_thread_ends_with_its_owner() {
        gst::init().unwrap();
        let scoring = Scoring::new(Arc::default(), Arc::default(), Arc::default());
        scoring.open();
        scoring.start_if_wanted();
        assert!(scoring.thread.lock().is_none(), "there is nothing to score");
        scoring.score(trial(0, 0));
        scoring.start_if_wanted();
        let ending = scoring.thread.lock().take().unwrap();
        drop(scoring);
        assert!(ending.wait(Instant::now() + Duration::from_secs(20)));
    }
}
