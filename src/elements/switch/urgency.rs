// SPDX-License-Identifier: MPL-2.0

//! The priority of the threads that a frame waits for: the streaming thread while it has a frame in the switch, and the lane
//! that is to answer it. Each has its own back before it does anything else.

use std::sync::atomic::{AtomicU8, Ordering};

use super::enums::ThreadPriority;

/// Least priority among the real-time threads that is used, 1 to 99: above nothing that a system runs at one.
#[cfg(target_os = "linux")]
const REALTIME: libc::c_int = 5;

/// Niceness, -20 to 19: that of a desktop's sound server.
#[cfg(target_os = "linux")]
const NICE: libc::c_int = -11;

/// For what a frame waits for the thread. The streaming thread goes before the lanes: where these take all processors, it has to
/// wake up for the floor to answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Lane,
    Stream,
}

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
    /// One to which somebody gave another policy than the usual one keeps that, and nothing was refused.
    pub fn raise(&self, wanted: ThreadPriority, role: Role) -> (Raised, bool) {
        let mut level = self.granted_of(wanted);
        if level != ThreadPriority::None && !is_usual() {
            return (Raised(ThreadPriority::None), false);
        }
        let mut is_refused = false;
        while level != ThreadPriority::None && !set(level, role) {
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
                // Who has it by limits alone may not take the flag away, and it means nothing to a usual thread.
                let policy = libc::SCHED_OTHER | libc::SCHED_RESET_ON_FORK;
                libc::sched_setscheduler(0, policy, &usual);
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

/// Whether the calling thread has the policy that all have of which nobody says anything.
#[cfg(target_os = "linux")]
fn is_usual() -> bool {
    // SAFETY: it takes a plain number; zero stands for the calling thread.
    unsafe { libc::sched_getscheduler(0) & !libc::SCHED_RESET_ON_FORK == libc::SCHED_OTHER }
}

#[cfg(not(target_os = "linux"))]
fn is_usual() -> bool {
    true
}

/// Gives the calling thread, which has the usual policy, this priority, unless its niceness is its own. Threads that it starts have the usual one.
#[cfg(target_os = "linux")]
fn set(level: ThreadPriority, role: Role) -> bool {
    // SAFETY: all calls take plain numbers and a structure that lives as long; zero stands for the calling thread.
    unsafe {
        match level {
            ThreadPriority::Realtime => {
                let mut parameters: libc::sched_param = std::mem::zeroed();
                parameters.sched_priority = REALTIME + libc::c_int::from(role == Role::Stream);
                let policy = libc::SCHED_RR | libc::SCHED_RESET_ON_FORK;
                libc::sched_setscheduler(0, policy, &parameters) == 0
            }
            _ => {
                // The flag needs no privilege.
                let usual: libc::sched_param = std::mem::zeroed();
                libc::sched_setscheduler(0, libc::SCHED_OTHER | libc::SCHED_RESET_ON_FORK, &usual);
                let id = own_id();
                libc::getpriority(libc::PRIO_PROCESS, id) == 0
                    && libc::setpriority(libc::PRIO_PROCESS, id, NICE) == 0
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn set(_: ThreadPriority, _: Role) -> bool {
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

    fn check(wanted: ThreadPriority, role: Role) {
        let urgency = Urgency::default();
        urgency.restart();
        let before = own();
        let (raised, is_refused) = urgency.raise(wanted, role);
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
        assert_ne!(heir.1, NICE, "nor has it their niceness");
        drop(raised);
        assert_eq!(own(), before);
        let (again, is_refused) = urgency.raise(wanted, role);
        assert_eq!(
            (own(), is_refused),
            (expected, false),
            "as often as it is wanted, and told once"
        );
        drop(again);
        assert_eq!(own(), before);
    }

    #[test]
    fn a_thread_has_what_is_granted_and_then_its_own_back() {
        for role in [Role::Lane, Role::Stream] {
            check(ThreadPriority::None, role);
            check(ThreadPriority::Nice, role);
            check(ThreadPriority::Realtime, role);
        }
    }

    #[test]
    fn the_streaming_thread_goes_before_the_lanes() {
        let urgency = Urgency::default();
        urgency.restart();
        let priority = |role| {
            let _raised = urgency.raise(ThreadPriority::Realtime, role);
            // SAFETY: it writes a structure that lives until it returns; zero stands for the calling thread.
            unsafe {
                let mut parameters: libc::sched_param = std::mem::zeroed();
                libc::sched_getparam(0, &mut parameters);
                parameters.sched_priority
            }
        };
        let (lane, stream) = (priority(Role::Lane), priority(Role::Stream));
        let is_granted = urgency.granted_of(ThreadPriority::Realtime) == ThreadPriority::Realtime;
        assert_eq!(lane < stream, is_granted, "{lane}, {stream}");
    }

    /// An ordinary user keeps the flag after the first time.
    #[test]
    fn a_usual_thread_that_passes_nothing_on_is_raised() {
        // SAFETY: a plain structure of zeros is what this policy wants; zero stands for the calling thread.
        let is_set = unsafe {
            let parameters: libc::sched_param = std::mem::zeroed();
            libc::sched_setscheduler(0, libc::SCHED_OTHER | libc::SCHED_RESET_ON_FORK, &parameters) == 0
        };
        assert!(is_set);
        check(ThreadPriority::Realtime, Role::Stream);
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
        let (raised, is_refused) = urgency.raise(ThreadPriority::Realtime, Role::Stream);
        assert_eq!(own().0, libc::SCHED_IDLE);
        assert!(!is_refused, "the system was not asked");
        assert_eq!(
            urgency.granted_of(ThreadPriority::Realtime),
            ThreadPriority::Realtime
        );
        drop(raised);
        assert_eq!(own().0, libc::SCHED_IDLE);
    }
}
