// SPDX-License-Identifier: MPL-2.0

//! Frames and stretches of sound on the disk, in a file that is gone with the process.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use gstavrec::bounded_file;

/// Where something lies in a spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    at: u64,
    bytes: usize,
}

/// A file without a name.
#[derive(Debug)]
pub struct Spool {
    file: File,
    end: u64,
}

impl Spool {
    /// One in this folder, which is made where there is none.
    pub fn new(folder: &Path) -> io::Result<Spool> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(format!("frames-{}", std::process::id()));
        Ok(Spool {
            file: bounded_file::scratch(&path)?,
            end: 0,
        })
    }

    /// Keeps these bytes.
    pub fn keep(&mut self, bytes: &[u8]) -> io::Result<Extent> {
        let extent = Extent {
            at: self.end,
            bytes: bytes.len(),
        };
        self.file.write_all(bytes)?;
        self.end += bytes.len() as u64;
        Ok(extent)
    }

    /// Gives back what was kept.
    pub fn read(&self, extent: Extent) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; extent.bytes];
        self.file.read_exact_at(&mut bytes, extent.at)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_and_no_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path()).unwrap();
        let extents = [&b"one"[..], b"", b"three"].map(|it| spool.keep(it).unwrap());
        assert_eq!(
            extents.map(|it| spool.read(it).unwrap()),
            [&b"one"[..], b"", b"three"]
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
