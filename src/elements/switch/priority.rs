// SPDX-License-Identifier: MPL-2.0

//! Work that must take no time from a model that answers live: threads at the lowest priorities, and the one that shows
//! frames to candidates.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use parking_lot::Mutex;

use super::CAT;
use crate::elements::timed_join::TimedJoin;

/// What is to be done at the lowest priority, and what after that at the ordinary one.
type Job = Box<dyn FnOnce() -> After + Send>;
type After = Box<dyn FnOnce() + Send>;

/// A thread that gets the processor when nobody else wants it, and is there from the first job on; beside it a second one of
/// ordinary priority, which gives it its jobs and does what is to be done after each.
///
/// Its priority is its own for good: an ordinary user may lower one and not raise it again, so no thread that has other
/// work may be lent to this. What others wait for, such as a lock, it must not take, since on a busy machine it may hold it
/// for seconds; so others meet the second one only. Jobs come from the streaming thread, which starts none: a lane's does.
#[derive(Default)]
pub struct IdleThread {
    /// Whoever gives a job, starts or stops it takes this, for no longer than that.
    thread: Mutex<Option<(mpsc::Sender<Job>, Thread)>>,
    /// There is a job and no thread.
    is_wanted: AtomicBool,
}

enum Thread {
    Wanted(mpsc::Receiver<Job>),
    Running(TimedJoin),
}

impl fmt::Debug for IdleThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_there = self.thread.lock().is_some();
        f.debug_struct("IdleThread").field("is_there", &is_there).finish()
    }
}

impl IdleThread {
    /// Does a job after the earlier ones, once there is a thread: first `job`, at the lowest priority, then what that
    /// returns, at the ordinary one.
    pub fn give<A: FnOnce() + Send + 'static>(&self, job: impl FnOnce() -> A + Send + 'static) {
        let mut thread = self.thread.lock();
        let (jobs, _) = thread.get_or_insert_with(|| {
            self.is_wanted.store(true, Ordering::Release);
            let (jobs, inbox) = mpsc::channel();
            (jobs, Thread::Wanted(inbox))
        });
        // The other end lives as long as this one does.
        let sent = jobs.send(Box::new(move || Box::new(job()) as After));
        debug_assert!(sent.is_ok());
    }

    /// Starts the thread, if one is wanted; where there is none to be had, the calling one does the work.
    pub fn start_if_wanted(&self) {
        if !self.is_wanted.load(Ordering::Relaxed) || !self.is_wanted.swap(false, Ordering::AcqRel) {
            return;
        }
        let mut thread = self.thread.lock();
        let Some((jobs, Thread::Wanted(inbox))) = thread.take() else {
            return;
        };
        // A thread that does not start lets go of what it was given.
        let inbox = Arc::new(Mutex::new(inbox));
        let work = inbox.clone();
        let started = TimedJoin::of("avrec-lesson-end".into(), move || serve(&work.lock()));
        match started {
            Ok(ending) => *thread = Some((jobs, Thread::Running(ending))),
            Err(error) => {
                drop(thread);
                gst::warning!(CAT, "A lesson at ordinary priority: no thread: {error}");
                inbox.lock().try_iter().for_each(|job| job()());
            }
        }
    }

    /// Lets the thread end, if there is one, when it has done its jobs.
    pub fn stop(&self) -> Option<TimedJoin> {
        match self.thread.lock().take()?.1 {
            Thread::Running(ending) => Some(ending),
            Thread::Wanted(_) => None,
        }
    }
}

/// Has each job done by an idle thread, and does itself what is to be done after it; without such a thread, all of it.
fn serve(inbox: &mpsc::Receiver<Job>) {
    let (jobs, todo) = mpsc::channel::<Job>();
    let (ended, done) = mpsc::channel();
    let idle = TimedJoin::of("avrec lessons".into(), move || {
        run_when_idle();
        // The other end waits for each of them.
        todo.iter()
            .map(|job| job())
            .all(|after| ended.send(after).is_ok());
    });
    if let Err(error) = &idle {
        gst::warning!(CAT, "Lessons at ordinary priority: no thread: {error}");
    }
    for job in inbox {
        // Without the thread it comes back; where a job panicked, with it, nothing is to be done after it.
        match jobs.send(job) {
            Ok(()) => _ = done.recv().map(|after| after()),
            Err(mpsc::SendError(job)) => job()(),
        }
    }
    drop(jobs);
    // It has nothing in hand, and ends as soon as it gets its turn.
    let _ = done.recv();
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
            thread.give(move || {
                let idle = policy();
                move || told.send((number, idle, policy())).unwrap()
            });
        }
        assert!(heard.try_recv().is_err(), "who gives a job starts no thread");
        thread.start_if_wanted();
        thread.start_if_wanted();
        let ending = thread.stop().unwrap();
        assert!(ending.wait(Instant::now() + Duration::from_secs(20)));
        let done: Vec<_> = heard.try_iter().collect();
        assert_eq!(
            done,
            [0, 1, 2].map(|it| (it, libc::SCHED_IDLE, libc::SCHED_OTHER))
        );
    }
}
