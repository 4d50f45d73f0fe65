// SPDX-License-Identifier: MPL-2.0

//! Tells without reading them again whether files changed since they were read.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A file that changed later than this before it was read may change again within the same tick of its clock, which
/// is of two seconds on the coarsest file system in use (FAT).
const SETTLING: Duration = Duration::from_secs(2);

/// What a file system says of a file whose content stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    /// The same, of the last change of the content or of what is said here.
    changed: (i64, i64),
}

impl Identity {
    /// `None` where there is no file, or none that may be asked.
    fn of(path: &Path) -> Option<Identity> {
        let metadata = fs::metadata(path).ok()?;
        Some(Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    fn is_settled(&self, now: Duration) -> bool {
        let last = u64::try_from(self.modified.0.max(self.changed.0)).unwrap_or(0);
        Duration::from_secs(last) + SETTLING < now
    }
}

/// Files as they were just before they were read; one that was looked for and not found is among them.
#[derive(Debug, Clone, Default)]
pub(super) struct FilesRead {
    files: Vec<(PathBuf, Option<Identity>)>,
    is_unsettled: bool,
}

impl FilesRead {
    /// Notes a file that will be read next.
    pub fn note(&mut self, path: PathBuf) {
        let identity = Identity::of(&path);
        // A clock before 1970 makes every file unsettled, which costs time and nothing else.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap_or_default();
        self.is_unsettled |= identity.is_some_and(|it| !it.is_settled(now));
        self.files.push((path, identity));
    }

    /// Whether the files look as they did.
    pub fn look_the_same(&self) -> bool {
        self.files.iter().all(|(path, old)| Identity::of(path) == *old)
    }

    /// Whether there are files, and all are certain to be as they were.
    pub fn are_unchanged(&self) -> bool {
        !self.files.is_empty() && !self.is_unsettled && self.look_the_same()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes a file as if it had been written long ago.
    fn settled(path: &Path) -> FilesRead {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(60))
            .unwrap();
        let mut files = FilesRead::default();
        files.note(path.to_owned());
        // The change of the time itself counts as one, and cannot be set back.
        assert!(files.is_unsettled);
        files.is_unsettled = false;
        files
    }

    #[test]
    fn a_file_that_was_written_replaced_or_removed_is_not_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        let other = folder.path().join("other");
        let ways: [fn(&Path, &Path); 3] = [
            |path, _| fs::write(path, b"two").unwrap(),
            |path, other| fs::rename(other, path).unwrap(),
            |path, _| fs::remove_file(path).unwrap(),
        ];
        for change in ways {
            fs::write(&path, b"one").unwrap();
            fs::write(&other, b"one").unwrap();
            let files = settled(&path);
            assert!(files.are_unchanged());
            change(&path, &other);
            assert!(!files.are_unchanged());
        }
    }

    #[test]
    fn a_file_that_was_just_written_is_never_certain_to_be_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        fs::write(&path, b"one").unwrap();
        let mut files = FilesRead::default();
        files.note(path);
        assert!(files.look_the_same() && !files.are_unchanged());
    }

    #[test]
    fn a_file_that_appears_is_a_change_and_no_files_are_no_proof() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.modelinfo");
        let mut files = FilesRead::default();
        assert!(!files.are_unchanged());
        files.note(path.clone());
        assert!(files.are_unchanged());
        fs::write(&path, b"[modelinfo]").unwrap();
        assert!(!files.are_unchanged());
    }
}
