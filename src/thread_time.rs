// SPDX-License-Identifier: MPL-2.0

//! Processor time of a thread, with that of the work which others do for it while it waits.

use std::cell::Cell;
use std::time::Duration;

thread_local! {
    /// What others used for this thread.
    static CHARGED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Processor time that the calling thread used until now, and that others used for it; `None` where the system does not
/// count it.
pub(crate) fn now() -> Option<Duration> {
    Some(own()? + CHARGED.get())
}

/// Another thread used so much for the calling one.
pub(crate) fn charge(used: Duration) {
    CHARGED.set(CHARGED.get() + used);
}

/// What the calling thread alone used until now.
#[cfg(unix)]
fn own() -> Option<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the clock's number is valid, and the time is ours to write.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    (result == 0).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

#[cfg(not(unix))]
fn own() -> Option<Duration> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_others_do_for_a_thread_counts_and_waiting_does_not() {
        let before = now().unwrap();
        let used = std::thread::spawn(|| {
            let start = now().unwrap();
            while now().unwrap() < start + Duration::from_millis(2) {}
            now().unwrap() - start
        });
        let used = used.join().unwrap();
        assert!(now().unwrap() - before < used, "it only waited");
        charge(used);
        assert!(used <= now().unwrap() - before);
    }
}
