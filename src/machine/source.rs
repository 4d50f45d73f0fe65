// SPDX-License-Identifier: MPL-2.0

//! The kernel's files: where they are, and the one number that is wanted of each.
//!
//! `/proc/loadavg` is described in proc(5): behind the slash of its fourth field are all threads, before it those that
//! could run at this moment.
//! `cpu.pressure` and `/proc/pressure/cpu` are described in the kernel's `Documentation/accounting/psi.rst`, `cpu.stat` in
//! `Documentation/admin-guide/cgroup-v2.rst` and, for the older hierarchy, `Documentation/scheduler/sched-bwc.rst`.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::runs;
use crate::bounded_file;

/// More than any of these files has.
const LONGEST: usize = 4096;

/// More than the table of mounts has.
const LONGEST_TABLE: u64 = 1 << 20;

/// Whose waiting a pressure tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of the machine.
    Machine,
    /// The control group of this process: the container that it runs in.
    Group,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Scope::Machine => "machine",
            Scope::Group => "group",
        })
    }
}

/// What a file says now; it is kept open and read anew each time.
fn text(file: &File) -> io::Result<String> {
    let mut text = [0; LONGEST];
    let length = file.read_at(&mut text, 0)?;
    Ok(String::from_utf8_lossy(&text[..length]).into_owned())
}

/// A number in one of the kernel's files that counts up a time.
#[derive(Debug)]
struct Counter {
    file: File,
    /// The number behind this word, in units of `unit`; of the line that begins with `line`.
    line: &'static str,
    word: &'static str,
    unit: Duration,
}

impl Counter {
    fn open(path: &Path, line: &'static str, word: &'static str, unit: Duration) -> io::Result<Counter> {
        let counter = Counter {
            file: bounded_file::open(path)?,
            line,
            word,
            unit,
        };
        counter.read().map(|_| counter)
    }

    /// The time that was counted until now.
    fn read(&self) -> io::Result<Duration> {
        let units = number(&text(&self.file)?, self.line, self.word)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("no '{}' in it", self.word)))?;
        Ok(Duration::from_nanos(
            units.saturating_mul(self.unit.as_nanos() as u64),
        ))
    }
}

/// Threads of the machine that could run at the moment of the reading, the reader's own not counted.
fn runnable(text: &str) -> Option<u32> {
    let runnable = text.split(' ').nth(3)?.split_once('/')?.0;
    Some(runnable.parse::<u32>().ok()?.saturating_sub(1))
}

/// The number behind `word`, after a blank or an equals sign, in the line that begins with `line`.
fn number(text: &str, line: &str, word: &str) -> Option<u64> {
    let line = text.lines().find(|it| it.starts_with(line))?;
    let mut words = line.split([' ', '=']);
    words.find(|it| *it == word)?;
    words.next()?.parse().ok()
}

/// What the kernel says at a moment; nothing of what it does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Reading {
    /// Time until now in which something waited for a processor.
    pub(super) waited: Option<Duration>,
    /// Time until now in which a quota stopped the group of this process.
    pub(super) throttled: Option<Duration>,
    /// Threads of the machine that could run, the reader not counted.
    pub(super) runnable: Option<u32>,
    /// Runs of this process's candidates, which are among them unless they sleep.
    pub(super) own: u32,
}

/// What is read of this machine.
#[derive(Debug)]
pub(super) struct Source {
    pressure: Option<Counter>,
    pub(super) scope: Scope,
    /// Only where a quota may stop this process.
    throttled: Option<Counter>,
    threads: Option<File>,
}

impl Source {
    /// Looks for the kernel's files below `root`, which is `/` but in tests. `None` where there is nothing to read.
    ///
    /// In a container it is the group's own pressure, for on a large host somebody else always waits for something; else
    /// the machine's, since a small model's own waiting says little of what a large one would meet.
    pub(super) fn find(root: &Path) -> Option<Source> {
        let micros = Duration::from_micros(1);
        let open = |path: PathBuf| Counter::open(&path, "some", "total", micros).ok();
        let group = groups(root).find(|it| it.is_container());
        let own = group.as_ref().and_then(|it| open(it.folder.join("cpu.pressure")));
        let (pressure, scope) = match own {
            Some(own) => (Some(own), Scope::Group),
            None => (open(root.join("proc/pressure/cpu")), Scope::Machine),
        };
        let throttled = group.and_then(|it| {
            let stat = it.folder.join("cpu.stat");
            let newer = Counter::open(&stat, "throttled_usec", "throttled_usec", micros);
            let older = || Counter::open(&stat, "throttled_time", "throttled_time", Duration::from_nanos(1));
            newer.or_else(|_| older()).ok()
        });
        let threads = bounded_file::open(&root.join("proc/loadavg")).ok();
        let threads = threads.filter(|it| text(it).is_ok_and(|it| runnable(&it).is_some()));
        (pressure.is_some() || threads.is_some()).then_some(Source {
            pressure,
            scope,
            throttled,
            threads,
        })
    }

    pub(super) fn read(&self) -> io::Result<Reading> {
        let count = |it: &Option<Counter>| it.as_ref().map(Counter::read).transpose();
        let own = runs::now() as u32;
        Ok(Reading {
            own,
            waited: count(&self.pressure)?,
            throttled: count(&self.throttled)?,
            runnable: match &self.threads {
                Some(threads) => runnable(&text(threads)?),
                None => None,
            },
        })
    }
}

/// A control group of this process, in one of the hierarchies.
struct Group {
    folder: PathBuf,
    /// As this process sees it; `/` for the topmost that it sees.
    path: String,
}

impl Group {
    /// Whether others are kept apart from it: it has a quota, or it is the topmost that is seen and yet not the topmost.
    fn is_container(&self) -> bool {
        let read = |name: &str| bounded_file::read_text(&self.folder.join(name), LONGEST as u64).ok();
        let has_quota = read("cpu.max").is_some_and(|it| !it.starts_with("max"))
            || read("cpu.cfs_quota_us").is_some_and(|it| !it.starts_with('-'));
        // The root of all groups has no such file.
        has_quota || self.path == "/" && read("cgroup.type").is_some()
    }
}

/// The groups that could account for processors: of the newer hierarchy first, of the older one where it has them.
fn groups(root: &Path) -> impl Iterator<Item = Group> {
    let read = |name: &str| bounded_file::read_text(&root.join(name), LONGEST_TABLE).unwrap_or_default();
    let (memberships, mounts) = (read("proc/self/cgroup"), read("proc/self/mountinfo"));
    let of = move |is_ours: &dyn Fn(&str) -> bool, kind: &str, option: &str| {
        let path = memberships.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            is_ours(controllers).then(|| path.to_string())
        })?;
        let mount = mounts.lines().find_map(|line| {
            let (about, system) = line.split_once(" - ")?;
            let mut system = system.split(' ');
            let (is_kind, options) = (system.next() == Some(kind), system.nth(1).unwrap_or_default());
            let is_it = is_kind && (option.is_empty() || options.split(',').any(|it| it == option));
            is_it.then(|| about.split(' ').nth(4)).flatten()
        })?;
        let below = |path: &str| path.trim_start_matches('/').to_string();
        let folder = root.join(below(mount)).join(below(&path));
        Some(Group { folder, path })
    };
    let newer = of(&str::is_empty, "cgroup2", "");
    let older = of(&|it| it.split(',').any(|it| it == "cpu"), "cgroup", "cpu");
    newer.into_iter().chain(older)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PRESSURE: &str = "some avg10=3.34 avg60=1.32 avg300=2.45 total=10688566884\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
    const MOUNTS: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    /// A machine that consists of these files.
    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn a_number_stands_behind_its_word() {
        assert_eq!(number(PRESSURE, "some", "total"), Some(10_688_566_884));
        assert_eq!(number(PRESSURE, "full", "total"), Some(7));
        assert_eq!(
            number(
                "nr_periods 4\nthrottled_usec 5\n",
                "throttled_usec",
                "throttled_usec"
            ),
            Some(5)
        );
        for damaged in [
            "",
            "some",
            "some total",
            "some total=",
            "some total=-1",
            "full total=1",
        ] {
            assert_eq!(number(damaged, "some", "total"), None, "{damaged:?}");
        }
    }

    #[test]
    fn a_bare_machine_tells_of_itself() {
        let root = machine(&[
            ("proc/pressure/cpu", PRESSURE),
            ("proc/loadavg", "0.43 0.41 0.97 4/95 9401\n"),
            ("proc/self/cgroup", "1:cpu:/\n0::/\n"),
            ("proc/self/mountinfo", MOUNTS),
            ("sys/fs/cgroup/unified/cpu.pressure", "some total=1\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
        ]);
        let source = Source::find(root.path()).unwrap();
        assert_eq!(source.scope, Scope::Machine);
        let expected = Reading {
            waited: Some(Duration::from_micros(10_688_566_884)),
            throttled: None,
            runnable: Some(3),
            own: 0,
        };
        assert_eq!(source.read().unwrap(), expected);
    }

    #[test]
    fn a_group_with_a_quota_tells_of_itself() {
        let root = machine(&[
            ("proc/pressure/cpu", PRESSURE),
            ("proc/self/cgroup", "0::/a.slice/b.scope\n"),
            (
                "proc/self/mountinfo",
                "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            ),
            (
                "sys/fs/cgroup/a.slice/b.scope/cpu.pressure",
                "some avg10=0 total=12\n",
            ),
            ("sys/fs/cgroup/a.slice/b.scope/cpu.max", "50000 100000\n"),
            (
                "sys/fs/cgroup/a.slice/b.scope/cpu.stat",
                "usage_usec 1\nnr_throttled 3\nthrottled_usec 45\n",
            ),
        ]);
        let source = Source::find(root.path()).unwrap();
        assert_eq!(source.scope, Scope::Group);
        let expected = Reading {
            waited: Some(Duration::from_micros(12)),
            throttled: Some(Duration::from_micros(45)),
            runnable: None,
            own: 0,
        };
        assert_eq!(source.read().unwrap(), expected);
    }

    #[test]
    fn the_top_of_a_container_is_known_by_its_type() {
        let root = machine(&[
            ("proc/pressure/cpu", PRESSURE),
            ("proc/self/cgroup", "0::/\n"),
            (
                "proc/self/mountinfo",
                "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            ),
            ("sys/fs/cgroup/cpu.pressure", "some total=12\n"),
            ("sys/fs/cgroup/cgroup.type", "domain\n"),
        ]);
        assert_eq!(Source::find(root.path()).unwrap().scope, Scope::Group);
    }

    #[test]
    fn a_quota_of_the_older_hierarchy_counts_in_nanoseconds() {
        let root = machine(&[
            ("proc/pressure/cpu", PRESSURE),
            ("proc/self/cgroup", "2:cpu,cpuacct:/box\n0::/\n"),
            ("proc/self/mountinfo", MOUNTS),
            ("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "50000\n"),
            (
                "sys/fs/cgroup/cpu/box/cpu.stat",
                "nr_periods 9\nnr_throttled 3\nthrottled_time 45000\n",
            ),
        ]);
        let source = Source::find(root.path()).unwrap();
        assert_eq!(
            source.scope,
            Scope::Machine,
            "the older hierarchy has no pressure of its own"
        );
        assert_eq!(source.read().unwrap().throttled, Some(Duration::from_micros(45)));
    }

    #[test]
    fn where_the_kernel_says_nothing_there_is_no_source() {
        assert!(Source::find(machine(&[]).path()).is_none());
        let damaged = machine(&[
            ("proc/pressure/cpu", "avg10\n"),
            ("proc/loadavg", "0.4 0.4 0.9 many\n"),
        ]);
        assert!(Source::find(damaged.path()).is_none());
    }
}
