// SPDX-License-Identifier: MPL-2.0

//! Takes trials in on a thread of its own, at the lowest priority, and lets each be judged there.

use std::sync::{Weak, mpsc};

use super::CAT;
use super::core::Core;
use super::ending::Ending;
use super::trial::{Stretch, Trial};

/// Trials that may wait, so that one frame and the next can be looked at together; more would hold on to buffers that
/// upstream may need, and age meanwhile.
const WAITING: usize = 2;

/// What there is to judge.
#[derive(Debug)]
enum Work {
    Trial(Trial),
    Stretch(Stretch),
}

/// Handle to the thread; it ends when the handle is dropped.
#[derive(Debug)]
pub struct Scorer {
    inbox: mpsc::SyncSender<Work>,
    ending: Ending,
}

impl Scorer {
    pub fn spawn(core: Weak<Core>) -> std::io::Result<Scorer> {
        let (inbox, work) = mpsc::sync_channel(WAITING);
        let ending = Ending::of("avrec scorer".into(), move || {
            yield_to_all_others();
            let mut turns = 0;
            while let Ok(work) = work.recv() {
                let Some(core) = core.upgrade() else { return };
                match work {
                    Work::Trial(trial) => core.judge(trial, &mut turns),
                    Work::Stretch(stretch) => core.judge_stretch(stretch),
                }
            }
        })?;
        Ok(Scorer { inbox, ending })
    }

    /// Lets the thread end when it has scored what it has in hand.
    pub fn end(self) -> Ending {
        self.ending
    }

    /// Hands a trial over; when the scorer is behind, the trial is dropped: there will be others.
    pub fn score(&self, trial: Trial) {
        self.hand_over(trial.number, Work::Trial(trial));
    }

    /// The same for sound.
    pub fn score_stretch(&self, stretch: Stretch) {
        self.hand_over(stretch.number, Work::Stretch(stretch));
    }

    fn hand_over(&self, number: u64, work: Work) {
        if let Err(mpsc::TrySendError::Full(_)) = self.inbox.try_send(work) {
            gst::debug!(CAT, "The scorer is busy: frame {number} is not scored");
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
