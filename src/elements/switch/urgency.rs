// SPDX-License-Identifier: MPL-2.0

//! The priority of the threads that a frame waits for: the streaming thread while it has a frame in the switch, and the lane
//! that is to answer it. Each has its own back before it does anything else.

use std::sync::atomic::{AtomicU8, Ordering};

use super::settings::ThreadPriority;

/// Priority among the real-time threads, 1 to 99: above nothing that a system runs at one.
#[cfg(target_os = "linux")]
const REALTIME: libc::c_int = 5;

/// Niceness, -20 to 19: that of a desktop's sound server.
#[cfg(target_os = "linux")]
const NICE: libc::c_int = -11;

/// What the system grants of what is wanted.
#[derive(Debug, Default)]
pub struct Urgency {
    /// The best that was not refused so far.
    granted: AtomicU8,
}

/// Gives the thread its usual priority back.
#[must_use]
pub struct Raised(#[cfg_attr(not(target_os = "linux"), allow(dead_code))] ThreadPriority);

impl Urgency {
    /// Forgets what was refused.
    pub fn restart(&self) {
        self.granted
            .store(ThreadPriority::Realtime as u8, Ordering::Relaxed);
    }

    /// Raises the calling thread as far as is wanted and granted. With it comes whether the system has just refused it.
    pub fn raise(&self, wanted: ThreadPriority) -> (Raised, bool) {
        let mut level = self.granted_of(wanted);
        let mut is_refused = false;
        while level != ThreadPriority::None && !set(level) {
            level = match level {
                ThreadPriority::Realtime => ThreadPriority::Nice,
                _ => ThreadPriority::None,
            };
            let before = self.granted.fetch_min(level as u8, Ordering::Relaxed);
            is_refused |= (level as u8) < before;
        }
        (Raised(level), is_refused)
    }

    /// What there is of what is wanted, as far as is known.
    pub fn granted_of(&self, wanted: ThreadPriority) -> ThreadPriority {
        match self.granted.load(Ordering::Relaxed).min(wanted as u8) {
            0 => ThreadPriority::None,
            1 => ThreadPriority::Nice,
            _ => ThreadPriority::Realtime,
        }
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        match self.0 {
            ThreadPriority::None => {}
            // SAFETY: both calls take plain numbers and a structure that lives as long; zero stands for the calling thread,
            // and lowering one's own priority is always allowed.
            ThreadPriority::Nice => unsafe {
                libc::setpriority(libc::PRIO_PROCESS, own_id(), 0);
            },
            // SAFETY: as above.
            ThreadPriority::Realtime => unsafe {
                let usual: libc::sched_param = std::mem::zeroed();
                libc::sched_setscheduler(0, libc::SCHED_OTHER, &usual);
            },
        }
    }
}

/// Number of the calling thread.
#[cfg(target_os = "linux")]
fn own_id() -> libc::id_t {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::syscall(libc::SYS_gettid) as libc::id_t }
}

/// Gives the calling thread this priority, if it has the usual one. Threads that it starts have the usual one.
#[cfg(target_os = "linux")]
fn set(level: ThreadPriority) -> bool {
    // SAFETY: all calls take plain numbers and a structure that lives as long; zero stands for the calling thread.
    unsafe {
        if libc::sched_getscheduler(0) != libc::SCHED_OTHER {
            // Somebody gave it another, which is to stay.
            return false;
        }
        match level {
            ThreadPriority::Realtime => {
                let mut parameters: libc::sched_param = std::mem::zeroed();
                parameters.sched_priority = REALTIME;
                let policy = libc::SCHED_RR | libc::SCHED_RESET_ON_FORK;
                libc::sched_setscheduler(0, policy, &parameters) == 0
            }
            _ => {
                let id = own_id();
                libc::getpriority(libc::PRIO_PROCESS, id) == 0
                    && libc::setpriority(libc::PRIO_PROCESS, id, NICE) == 0
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn set(_: ThreadPriority) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Policy and niceness of the calling thread.
    fn own() -> (i32, i32) {
        // SAFETY: both take plain numbers.
        unsafe {
            (
                libc::sched_getscheduler(0) & !libc::SCHED_RESET_ON_FORK,
                libc::getpriority(libc::PRIO_PROCESS, own_id()),
            )
        }
    }

    fn check(wanted: ThreadPriority) {
        let urgency = Urgency::default();
        urgency.restart();
        let before = own();
        let (raised, is_refused) = urgency.raise(wanted);
        let expected = match raised.0 {
            ThreadPriority::None => before,
            ThreadPriority::Nice => (libc::SCHED_OTHER, NICE),
            ThreadPriority::Realtime => (libc::SCHED_RR, before.1),
        };
        assert_eq!(own(), expected);
        assert_eq!(is_refused, raised.0 != wanted, "what a system refuses is told");
        assert_eq!(urgency.granted_of(wanted), raised.0);
        let heir = std::thread::spawn(own).join().unwrap();
        assert_eq!(
            heir.0,
            libc::SCHED_OTHER,
            "a thread that starts meanwhile is none of these"
        );
        drop(raised);
        assert_eq!(own(), before);
        assert!(!urgency.raise(wanted).1, "told once");
    }

    #[test]
    fn a_thread_has_what_is_granted_and_then_its_own_back() {
        check(ThreadPriority::None);
        check(ThreadPriority::Nice);
        check(ThreadPriority::Realtime);
    }

    #[test]
    fn a_thread_at_another_priority_keeps_it() {
        // SAFETY: a plain structure of zeros is what this policy wants; zero stands for the calling thread.
        let is_idle = unsafe {
            let parameters: libc::sched_param = std::mem::zeroed();
            libc::sched_setscheduler(0, libc::SCHED_IDLE, &parameters) == 0
        };
        assert!(is_idle);
        let urgency = Urgency::default();
        urgency.restart();
        let (raised, _) = urgency.raise(ThreadPriority::Realtime);
        assert_eq!(own().0, libc::SCHED_IDLE);
        drop(raised);
        assert_eq!(own().0, libc::SCHED_IDLE);
    }
}
