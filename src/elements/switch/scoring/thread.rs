// SPDX-License-Identifier: MPL-2.0

//! Takes trials in on a thread of its own, at the lowest priority, and lets each be judged there.

use std::sync::{Weak, mpsc};

use super::trial::Trial;
use crate::elements::switch::CAT;
use crate::elements::switch::lanes::timed_join::TimedJoin;
use crate::elements::switch::shared::Shared;

/// Trials that may wait, so that one frame and the next can be looked at together; more would hold on to buffers that
/// upstream may need, and age meanwhile.
const WAITING: usize = 2;

/// Handle to the thread; it ends when the handle is dropped.
#[derive(Debug)]
pub struct Scorer {
    inbox: mpsc::SyncSender<Trial>,
    ending: TimedJoin,
}

impl Scorer {
    pub fn spawn(core: Weak<Shared>) -> std::io::Result<Scorer> {
        let (inbox, trials) = mpsc::sync_channel(WAITING);
        let ending = TimedJoin::of("avrec scorer".into(), move || {
            yield_to_all_others();
            let mut turns = 0;
            while let Ok(trial) = trials.recv() {
                let Some(core) = core.upgrade() else { return };
                core.judge(trial, &mut turns);
            }
        })?;
        Ok(Scorer { inbox, ending })
    }

    /// Lets the thread end when it has scored what it has in hand.
    pub fn end(self) -> TimedJoin {
        self.ending
    }

    /// Hands a trial over; when the scorer is behind, the trial is dropped: there will be others.
    pub fn score(&self, trial: Trial) {
        if let Err(mpsc::TrySendError::Full(trial)) = self.inbox.try_send(trial) {
            gst::debug!(CAT, "The scorer is busy: frame {} is not scored", trial.number);
        }
    }
}

/// Scoring must not take time from a model that answers live.
fn yield_to_all_others() {
    #[cfg(target_os = "linux")]
    // SAFETY: both calls take plain numbers; lowering one's own priority is always allowed.
    unsafe {
        let thread = libc::syscall(libc::SYS_gettid) as libc::id_t;
        libc::setpriority(libc::PRIO_PROCESS, thread, 19);
    }
}
