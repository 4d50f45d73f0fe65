// SPDX-License-Identifier: MPL-2.0

//! Memory of this process, and what others leave.

use std::path::Path;

use crate::bounded_file;

/// More than any of these files has.
const LONGEST: u64 = 1 << 16;

/// Bytes that are resident now; `None` where the system does not say (it needs Linux). Reads a file.
pub fn resident() -> Option<u64> {
    let text = bounded_file::read_text(Path::new("/proc/self/statm"), LONGEST).ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * page()?)
}

/// Bytes that can be taken before something must be given up: of the machine, or of the container that this process runs in
/// where that has less left. `None` where the system does not say. Reads files.
pub fn available() -> Option<u64> {
    available_below(Path::new("/"))
}

/// The kernel's files below `root`: `/proc/meminfo` (proc(5)), and the control group as a container sees its own, newer
/// (`Documentation/admin-guide/cgroup-v2.rst`) or older (`Documentation/admin-guide/cgroup-v1/memory.rst`).
fn available_below(root: &Path) -> Option<u64> {
    let read = |path: &str| bounded_file::read_text(&root.join(path), LONGEST).ok();
    let number = |path: &str| read(path)?.trim().parse::<u64>().ok();
    let word = |path: &str, word: &str| -> Option<u64> {
        let text = read(path)?;
        let line = text.lines().find_map(|it| it.strip_prefix(word))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let machine = word("proc/meminfo", "MemAvailable:").map(|it| it << 10);
    let group = |folder: &str, limit: &str, usage: &str, inactive: &str| {
        let file = |name: &str| format!("sys/fs/cgroup/{folder}{name}");
        let (limit, used) = (number(&file(limit))?, number(&file(usage))?);
        // Pages of files that nobody uses are given up without harm.
        let spare = word(&file("memory.stat"), inactive).unwrap_or(0);
        Some(limit.saturating_sub(used.saturating_sub(spare)))
    };
    let newer = group("", "memory.max", "memory.current", "inactive_file ");
    let older = || {
        group(
            "memory/",
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_inactive_file ",
        )
    };
    machine.into_iter().chain(newer.or_else(older)).min()
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

    #[test]
    fn what_is_left_is_that_of_the_machine_or_of_a_container_with_less() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        assert_eq!(available_below(root), None);
        write(
            "proc/meminfo",
            "MemTotal:  4000 kB\nMemFree:  10 kB\nMemAvailable:   3000 kB\n",
        );
        assert_eq!(available_below(root), Some(3000 << 10));
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000\n");
        write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1500000\n");
        write(
            "sys/fs/cgroup/memory/memory.stat",
            "inactive_file 7\ntotal_inactive_file 500000\n",
        );
        assert_eq!(available_below(root), Some(1_000_000));
        write("sys/fs/cgroup/memory.max", "max\n");
        write("sys/fs/cgroup/memory.current", "1500000\n");
        assert_eq!(
            available_below(root),
            Some(1_000_000),
            "no limit of the newer kind"
        );
        write("sys/fs/cgroup/memory.max", "1600000\n");
        assert_eq!(available_below(root), Some(100_000));
    }
}
