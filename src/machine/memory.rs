// SPDX-License-Identifier: MPL-2.0

//! Memory of this process.

use std::path::Path;

use crate::bounded_file;

/// More than the line of numbers has.
const LONGEST: u64 = 4096;

/// Bytes that are resident now; `None` where the system does not say (it needs Linux). Reads a file.
pub fn resident() -> Option<u64> {
    let text = bounded_file::read_text(Path::new("/proc/self/statm"), LONGEST).ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * page()?)
}

#[cfg(unix)]
fn page() -> Option<u64> {
    // SAFETY: it takes a plain number and returns one.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(bytes).ok()
}

#[cfg(not(unix))]
fn page() -> Option<u64> {
    None
}

/// Gives what was let go of back to the system, where the allocator of the C library can: else it keeps some for what comes
/// next. May take some milliseconds, in which threads of this process may have to wait for memory.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes a plain number, and may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_resident_and_what_is_given_back_is_not() {
        const TAKEN: usize = 64 << 20;
        let before = resident().unwrap();
        let taken = vec![1u8; TAKEN];
        let with = resident().unwrap();
        assert!(before + TAKEN as u64 / 2 < with, "{before} {with}");
        drop(std::hint::black_box(taken));
        give_back();
        assert!(resident().unwrap() < with - TAKEN as u64 / 2);
    }
}
