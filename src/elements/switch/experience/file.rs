// SPDX-License-Identifier: MPL-2.0

//! The file of a book: read as a whole, and replaced as a whole, so that it is never half written.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::book::{Book, Millis};
use crate::bounded_file;

/// Bytes of a file: more than the most entries have.
const MAX_BYTES: u64 = 16 << 20;

/// How long another program's write is waited for; each takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is wrong with a file, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Complaint {
    pub cause: String,
    pub remedy: &'static str,
}

/// The time now.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |it| it.as_millis() as Millis)
}

/// Reads a book; a file that is not there is an empty one. With it, how many entries were left out.
///
/// # Errors
///
/// What is wrong with the file. It must not be written over then, for it may be somebody else's.
pub fn read(path: &Path) -> Result<(Book, usize), Complaint> {
    let text = match bounded_file::read_text(path, MAX_BYTES) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Default::default()),
        text => text.map_err(|error| Complaint {
            cause: format!("it cannot be read ({error})"),
            remedy: "set `memory` to a file that this user may read and write; it is made where there is none",
        })?,
    };
    Book::read(&text).map_err(|cause| Complaint {
        cause,
        remedy: "set `memory` to another file, or move this one away; it is left as it is",
    })
}

/// Puts what was learned into the file, beside what others have written since it was `seen`; `others` keeps that. Returns what
/// the file has then.
///
/// # Errors
///
/// What keeps it from being written; it is then as it was.
pub fn update(path: &Path, learned: &Book, seen: &Book, others: &mut Book) -> Result<Book, Complaint> {
    let fault = |error: io::Error| Complaint {
        cause: format!("it cannot be written ({error})"),
        remedy: "set `memory` to a file in a folder that this user may write in, with room on its disk",
    };
    // As one that several names lead to.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let _lock = bounded_file::lock_folder_of(path, Instant::now() + PATIENCE).map_err(fault)?;
    let (mut book, _) = read(path)?;
    book.update(learned, seen, others, now());
    bounded_file::replace(path, book.text()).map_err(fault)?;
    Ok(book)
}
