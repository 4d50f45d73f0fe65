// SPDX-License-Identifier: MPL-2.0

//! A thread that is there while it has work: the first job starts it, and after the last one it ends.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use super::timed_join::TimedJoin;

/// What a thread does after a job, if there is no other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    End,
    /// It waits, since the next job is sure to come, from a thread that must not start one.
    Wait,
}

/// The jobs of one thread. The thread does those that it was given when this is dropped, and ends.
pub struct OnDemand<J>(Arc<Inbox<J>>);

type Work<J> = dyn FnMut(J, &Inbox<J>) -> Next + Send;

/// Jobs in the order in which they came.
pub struct Inbox<J> {
    name: String,
    /// Only the thread takes it.
    work: Mutex<Box<Work<J>>>,
    /// Held for as long as it takes to put a job in or to take one out, or to start the thread.
    state: Mutex<State<J>>,
    changed: Condvar,
}

struct State<J> {
    jobs: VecDeque<J>,
    /// A thread will look at the jobs once more.
    is_served: bool,
    is_closed: bool,
    /// The last thread that was started.
    ending: Option<TimedJoin>,
}

impl<J: Send + 'static> OnDemand<J> {
    /// Without a thread yet; `work` does a job on it, and may take out what else there is to do.
    pub fn new(name: String, work: impl FnMut(J, &Inbox<J>) -> Next + Send + 'static) -> OnDemand<J> {
        OnDemand(Arc::new(Inbox {
            name,
            work: Mutex::new(Box::new(work)),
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                is_served: false,
                is_closed: false,
                ending: None,
            }),
            changed: Condvar::new(),
        }))
    }

    /// Has a job done after the earlier ones.
    ///
    /// # Errors
    ///
    /// When no thread can be started; then the job is not done.
    pub fn give(&self, job: J) -> io::Result<()> {
        let mut state = self.0.state.lock();
        if !state.is_served {
            let inbox = self.0.clone();
            state.ending = Some(TimedJoin::of(self.0.name.clone(), move || inbox.serve())?);
            state.is_served = true;
        }
        state.jobs.push_back(job);
        self.0.changed.notify_one();
        Ok(())
    }

    /// The thread, if there is one that has not ended.
    pub fn ending(&self) -> Option<TimedJoin> {
        let ending = self.0.state.lock().ending.take();
        ending.filter(|it| !it.wait(Instant::now()))
    }
}

impl<J> Inbox<J> {
    /// Takes out all jobs that nobody has begun.
    pub fn take_all(&self) -> VecDeque<J> {
        std::mem::take(&mut self.state.lock().jobs)
    }

    fn serve(&self) {
        let _unserved = OnPanic(self);
        // The thread before this one, if it has not quite ended, has nothing more to do with it.
        let mut work = self.work.lock();
        let mut next = Next::End;
        while let Some(job) = self.next(next) {
            next = work(job, self);
        }
    }

    /// The next job, or `None` at the end of the thread.
    fn next(&self, otherwise: Next) -> Option<J> {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.is_closed || otherwise == Next::End {
                state.is_served = false;
                return None;
            }
            self.changed.wait(&mut state);
        }
    }
}

/// Lets a panic of the work end its thread only: the next job has another one.
struct OnPanic<'a, J>(&'a Inbox<J>);

impl<J> Drop for OnPanic<'_, J> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.state.lock().is_served = false;
        }
    }
}

impl<J> Drop for OnDemand<J> {
    fn drop(&mut self) {
        self.0.state.lock().is_closed = true;
        self.0.changed.notify_one();
    }
}

impl<J> Deref for OnDemand<J> {
    type Target = Inbox<J>;

    fn deref(&self) -> &Inbox<J> {
        &self.0
    }
}

impl<J> fmt::Debug for OnDemand<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_served = self.0.state.lock().is_served;
        f.debug_struct("OnDemand")
            .field("is_served", &is_served)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn a_thread_is_there_while_it_has_work_and_keeps_what_it_knows() {
        let (told, heard) = mpsc::channel();
        let mut done = 0;
        let thread = OnDemand::new("on demand".into(), move |job: u32, _: &_| {
            done += job;
            told.send(done).unwrap();
            Next::End
        });
        assert!(thread.ending().is_none(), "nobody asked for it");
        for sum in [1, 2, 3] {
            thread.give(1).unwrap();
            assert_eq!(heard.recv(), Ok(sum));
            assert!(thread.ending().is_none_or(|it| it.wait(soon())));
        }
    }

    #[test]
    fn one_that_waits_ends_with_its_owner_after_the_jobs_it_has() {
        let (told, heard) = mpsc::channel();
        let thread = OnDemand::new("on demand".into(), move |job: u32, _: &_| {
            told.send((job, std::thread::current().id())).unwrap();
            Next::Wait
        });
        (0..3).for_each(|it| thread.give(it).unwrap());
        let ending = thread.ending().expect("it waits");
        drop(thread);
        assert!(ending.wait(soon()));
        let (jobs, threads): (Vec<_>, Vec<_>) = heard.try_iter().unzip();
        assert_eq!(jobs, [0, 1, 2]);
        assert!(
            threads.windows(2).all(|it| it[0] == it[1]),
            "one thread: {threads:?}"
        );
    }

    #[test]
    fn a_panic_ends_the_thread_and_not_the_work() {
        let (told, heard) = mpsc::channel();
        let thread = OnDemand::new("on demand".into(), move |job: u32, _: &_| {
            assert!(job != 1, "scripted");
            told.send(job).unwrap();
            Next::End
        });
        thread.give(1).unwrap();
        thread.ending().map(|it| it.wait(soon()));
        thread.give(2).unwrap();
        assert_eq!(heard.recv(), Ok(2));
    }
}
