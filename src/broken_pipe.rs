// SPDX-License-Identifier: MPL-2.0

//! Connections whose other end is gone: an error here, and no end of the program.

/// Lets the calling thread, and those that it starts, get an error where it writes to a connection that nobody reads any
/// more. The system's default is a signal, SIGPIPE, which ends programs that say nothing of it, as those in C do; Rust's and
/// Python's do. What other threads do stays as it is.
pub fn be_an_error() {
    #[cfg(unix)]
    // SAFETY: the set is plain data that the first call fills, and the last one changes the mask of this thread alone. A
    // signal for a write comes to the thread that writes (signal(7)), where it waits for ever.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
    }
}
