// SPDX-License-Identifier: MPL-2.0

//! Keeps ONNX Runtime whole while somebody is inside of it, also when the process exits.
//!
//! A C++ library is torn down by `exit`, while threads that nobody joins go on: a model that still loads,
//! or a stream that was not stopped. A call into the torn library ends in "pure virtual method called"
//! (seen once in thirteen exits during a load). So exit waits for calls to end, for a bounded time, and
//! none begins after it. If the time runs out, the process ends at once with its status, without the rest
//! of the handlers, which an abort would skip as well.

use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Longest wait of `exit`: more than a load of a common model takes, less than what annoys a user.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause between two looks during that wait.
const LOOK: Duration = Duration::from_millis(1);

static CALLS: AtomicUsize = AtomicUsize::new(0);
static EXITING: AtomicBool = AtomicBool::new(false);

/// A call into the library that goes on until this is dropped.
pub(super) struct Call(());

/// Begins a call, unless the process exits. Costs two atomic operations.
pub(super) fn begin() -> Option<Call> {
    // Counted first: then either this sees the exit, or the exit sees this.
    CALLS.fetch_add(1, Ordering::SeqCst);
    let call = Call(());
    (!EXITING.load(Ordering::SeqCst)).then_some(call)
}

impl Drop for Call {
    fn drop(&mut self) {
        CALLS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Something of the library's, which is not released while the library is torn down.
pub(super) struct Guarded<T>(ManuallyDrop<T>);

impl<T> Guarded<T> {
    pub(super) fn new(inner: T) -> Guarded<T> {
        Guarded(ManuallyDrop::new(inner))
    }
}

impl<T> Deref for Guarded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Guarded<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // A process that exits gives the memory back by itself.
        if let Some(_call) = begin() {
            // SAFETY: dropped here only, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.0) }
        }
    }
}

/// Makes `exit` wait from now on. What the library registers for its own end later than this runs before
/// the wait, so it should have been used once.
pub(super) fn guard_exit() {
    // SAFETY: the handler does not use its argument, does not unwind, and is code of a plugin that GStreamer
    // never unloads. Refused only for want of memory, which leaves things as they were.
    unsafe { on_exit(wait_for_calls, std::ptr::null_mut()) };
}

unsafe extern "C" {
    /// Like `atexit`, and tells the status; glibc has it.
    fn on_exit(handler: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
}

extern "C" fn wait_for_calls(status: c_int, _argument: *mut c_void) {
    EXITING.store(true, Ordering::SeqCst);
    let start = Instant::now();
    while CALLS.load(Ordering::SeqCst) != 0 && start.elapsed() < PATIENCE {
        std::thread::sleep(LOOK);
    }
    if CALLS.load(Ordering::SeqCst) != 0 {
        // SAFETY: both are made for this; a null stream stands for all of them.
        unsafe {
            libc::fflush(std::ptr::null_mut());
            libc::_exit(status)
        }
    }
}
