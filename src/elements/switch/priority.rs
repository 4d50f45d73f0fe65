// SPDX-License-Identifier: MPL-2.0

//! Work that must take no time from a model that answers live: threads at the lowest priorities, and the one that shows
//! frames to candidates.

use std::fmt;
use std::io;
use std::sync::mpsc;

use parking_lot::Mutex;

use super::CAT;
use super::lanes::timed_join::TimedJoin;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that gets the processor when nobody else wants it, and is there from the first job on.
///
/// Its priority is its own for good: an ordinary user may lower one and not raise it again, so no thread that has other
/// work may be lent to this.
#[derive(Default)]
pub struct IdleThread {
    /// Whoever gives a job, starts or stops it takes this, for no longer than that.
    thread: Mutex<Option<(mpsc::Sender<Job>, TimedJoin)>>,
}

impl fmt::Debug for IdleThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_there = self.thread.lock().is_some();
        f.debug_struct("IdleThread").field("is_there", &is_there).finish()
    }
}

impl IdleThread {
    /// Does a job after the earlier ones.
    ///
    /// # Errors
    ///
    /// When no thread can be started; then the job is not done.
    pub fn give(&self, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut thread = self.thread.lock();
        if thread.is_none() {
            let (jobs, inbox) = mpsc::channel::<Job>();
            let ending = TimedJoin::of("avrec lessons".into(), move || {
                run_when_idle();
                inbox.into_iter().for_each(|job| job());
            })?;
            *thread = Some((jobs, ending));
        }
        // The thread lives as long as this sender does.
        let sent = thread.as_ref().map(|it| it.0.send(Box::new(job)));
        debug_assert!(matches!(sent, Some(Ok(()))));
        Ok(())
    }

    /// Lets the thread end, if there is one, when it has done its jobs.
    pub fn stop(&self) -> Option<TimedJoin> {
        self.thread.lock().take().map(|it| it.1)
    }
}

/// From now on the calling thread runs only where nobody else wants to.
fn run_when_idle() {
    #[cfg(target_os = "linux")]
    // SAFETY: a plain structure of zeros is what this policy wants, zero stands for the calling thread, and lowering one's
    // own priority is always allowed.
    let is_idle = unsafe {
        let parameters: libc::sched_param = std::mem::zeroed();
        libc::sched_setscheduler(0, libc::SCHED_IDLE, &parameters) == 0
    };
    #[cfg(not(target_os = "linux"))]
    let is_idle = false;
    if !is_idle {
        gst::debug!(CAT, "No idle priority here: the lowest one instead");
        yield_to_all_others();
    }
}

/// From now on the calling thread has the lowest of the usual priorities.
pub fn yield_to_all_others() {
    #[cfg(target_os = "linux")]
    // SAFETY: both calls take plain numbers; lowering one's own priority is always allowed.
    unsafe {
        let thread = libc::syscall(libc::SYS_gettid) as libc::id_t;
        libc::setpriority(libc::PRIO_PROCESS, thread, 19);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn jobs_are_done_in_turn_at_idle_priority_and_end_with_the_thread() {
        let thread = IdleThread::default();
        assert!(thread.stop().is_none(), "nobody asked for it");
        let (told, heard) = mpsc::channel();
        for number in 0..3 {
            let told = told.clone();
            // SAFETY: zero stands for the calling thread.
            let policy = || unsafe { libc::sched_getscheduler(0) };
            thread
                .give(move || told.send((number, policy())).unwrap())
                .unwrap();
        }
        let ending = thread.stop().unwrap();
        assert!(ending.wait(Instant::now() + Duration::from_secs(20)));
        let done: Vec<_> = heard.try_iter().collect();
        assert_eq!(done, [0, 1, 2].map(|it| (it, libc::SCHED_IDLE)));
    }
}
