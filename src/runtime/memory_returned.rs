// SPDX-License-Identifier: MPL-2.0

//! Memory that models leave goes back to the system.

/// Gives what is free back to the system when it is dropped: the last field of a loaded model.
///
/// The allocator of the C library keeps what a model frees, in pieces that the next one does not fit into: after a model of
/// 46.7 MB had come and gone 50 times, 413 MiB were resident without this and 105 with it (`cargo bench --bench streams`).
/// It takes some 20 ms for such a model, on the thread that stops the last element or retires a model, never on a streaming
/// one; another thread that allocates from the same part of the heap meanwhile waits for it.
#[derive(Default)]
pub(super) struct MemoryReturned;

impl Drop for MemoryReturned {
    fn drop(&mut self) {
        // SAFETY: it takes a number of bytes to keep, and may be called at any time on any thread.
        #[cfg(target_env = "gnu")]
        unsafe {
            libc::malloc_trim(0);
        }
    }
}
