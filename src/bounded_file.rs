// SPDX-License-Identifier: MPL-2.0

//! Files that somebody else names or made: opened so that none of them can hold the program up or fill its memory.
//!
//! Only regular files are read. A FIFO without a writer would block for ever, `/dev/zero` never ends, and a terminal would
//! become this process's own. Each reader says how many bytes its kind of file may have; one that grows meanwhile is
//! read so far and no further, and memory that is not there is an error. What must not lie elsewhere is told by
//! [`leads_out_of`]. Files that are written may be devices and FIFOs, but for FIFOs that nobody reads.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileType, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Files replaced so far, which keeps apart what is written at the same time.
static REPLACED: AtomicU64 = AtomicU64::new(0);

/// Opens without waiting for the other end of a FIFO, and without taking a terminal for this process's own.
const AT_ONCE: i32 = libc::O_NONBLOCK | libc::O_NOCTTY;

/// How often a lock that another program has is asked for: as long as it takes to write a small file.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Opens a regular file for reading, following links.
///
/// # Errors
///
/// Those of the system, and [`ErrorKind::InvalidInput`] for what is no regular file; the text says what it is.
pub fn open(path: &Path) -> io::Result<File> {
    // Before it is opened, since opening some devices does something, and after, since it may have been replaced.
    check_kind(fs::metadata(path)?.file_type())?;
    let file = OpenOptions::new().read(true).custom_flags(AT_ONCE).open(path)?;
    check_kind(file.metadata()?.file_type())?;
    Ok(file)
}

/// Returns the size in bytes of a regular file that this user may read.
///
/// # Errors
///
/// As [`open`].
pub fn size(path: &Path) -> io::Result<u64> {
    open(path)?.metadata().map(|it| it.len())
}

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
///
/// As [`open`], and [`ErrorKind::FileTooLarge`], [`ErrorKind::OutOfMemory`].
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let too_large = || io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {most} bytes"));
    let bytes = file.metadata()?.len();
    if most < bytes {
        return Err(too_large());
    }
    let mut content = Vec::new();
    let capacity = usize::try_from(bytes).unwrap_or(usize::MAX);
    content.try_reserve_exact(capacity).map_err(|_| {
        let text = format!("there is no memory for its {bytes} bytes");
        io::Error::new(ErrorKind::OutOfMemory, text)
    })?;
    file.take(most.saturating_add(1)).read_to_end(&mut content)?;
    if most < content.len() as u64 {
        return Err(too_large());
    }
    Ok(content)
}

/// Reads a text in UTF-8 of at most `most` bytes, without the mark that editors of Windows put before it.
///
/// # Errors
///
/// As [`read`], and [`ErrorKind::InvalidData`] for what is no such text.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let mut bytes = read(path, most)?;
    let is_wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    if bytes.starts_with("\u{feff}".as_bytes()) {
        bytes.drain(..'\u{feff}'.len_utf8());
    }
    String::from_utf8(bytes).map_err(|error| {
        let cause = match is_wide {
            true => "it is text in UTF-16; save it as UTF-8".to_owned(),
            false => format!("it is no text in UTF-8 ({})", error.utf8_error()),
        };
        io::Error::new(ErrorKind::InvalidData, cause)
    })
}

/// Whether a file stands, once links are followed, outside of the folder of another file and of what is below it, also
/// once links to that one are followed, as in a cache that links all files of a model to one store. `false` where one of
/// them is not there, which opening tells.
pub fn leads_out_of(file: &Path, other: &Path) -> bool {
    let folder = match other.parent() {
        Some(folder) if folder.as_os_str() != OsStr::new("") => folder,
        _ => Path::new("."),
    };
    let Ok(file) = file.canonicalize() else {
        return false;
    };
    let is_inside = |folder: Option<&Path>| folder.is_some_and(|it| file.starts_with(it));
    let (named, real) = (folder.canonicalize(), other.canonicalize());
    match (named, real) {
        (Ok(named), Ok(real)) => !is_inside(Some(&named)) && !is_inside(real.parent()),
        _ => false,
    }
}

/// Opens a file for writing, made where it is not there, emptied where it is.
///
/// # Errors
///
/// Those of the system; a FIFO that nobody reads is told as such.
pub fn create(path: &Path) -> io::Result<File> {
    open_to_write(OpenOptions::new().write(true).create(true).truncate(true), path)
}

/// Opens a file for writing behind what it has, made where it is not there.
///
/// # Errors
///
/// As [`create`].
pub fn append(path: &Path) -> io::Result<File> {
    open_to_write(OpenOptions::new().append(true).create(true), path)
}

/// A file to write and read that has no name any more: it is gone with this process. `path` is its name for a moment, and
/// must be that of no other file.
///
/// # Errors
///
/// Those of the system, and [`ErrorKind::AlreadyExists`].
pub fn scratch(path: &Path) -> io::Result<File> {
    let file = open_to_write(OpenOptions::new().read(true).write(true).create_new(true), path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

/// Writes a whole file.
///
/// # Errors
///
/// As [`create`], and those of writing.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    create(path)?.write_all(content.as_ref())
}

/// Replaces a whole regular file, or makes it: whoever opens it sees the old content or the new one, and where writing fails
/// the old one stays. A link stays, and the file that it leads to is replaced. May take long, since it waits for the disk.
///
/// # Errors
///
/// Those of the system, such as [`ErrorKind::StorageFull`], and [`ErrorKind::InvalidInput`] for what is no regular file.
pub fn replace(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    let old = match fs::metadata(path) {
        Ok(it) => Some(it),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if let Some(old) = &old {
        check_kind(old.file_type())?;
    }
    let real = match old {
        Some(_) => path.canonicalize()?,
        None => path.to_owned(),
    };
    let name = real.file_name().ok_or(ErrorKind::InvalidInput)?;
    let number = REPLACED.fetch_add(1, Ordering::Relaxed);
    let mut beside = OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}-{number}.new", std::process::id()));
    let beside = real.with_file_name(beside);
    let write = || {
        let mut file = open_to_write(OpenOptions::new().write(true).create_new(true), &beside)?;
        file.write_all(content.as_ref())?;
        if let Some(old) = &old {
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&beside, &real)
    };
    write().inspect_err(|_| {
        // Perhaps it was never made; what went wrong is told by the error.
        let _ = fs::remove_file(&beside);
    })
}

/// Keeps others from changing files in the folder of this one who ask first too, until the result is dropped or the program
/// ends; waits for them until `deadline`. Where folders cannot be locked, nobody is kept from anything.
///
/// # Errors
///
/// Those of opening the folder, and [`ErrorKind::TimedOut`].
pub fn lock_folder_of(path: &Path, deadline: Instant) -> io::Result<File> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = File::open(folder.unwrap_or(Path::new(".")))?;
    while let Err(TryLockError::WouldBlock) = folder.try_lock() {
        if deadline <= Instant::now() {
            let text = "another program keeps its folder locked";
            return Err(io::Error::new(ErrorKind::TimedOut, text));
        }
        thread::park_timeout(LOOK_AGAIN);
    }
    Ok(folder)
}

fn open_to_write(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    match options.custom_flags(AT_ONCE).open(path) {
        // What follows is written as to any file, and waits for a reader that is slow.
        Ok(file) => wait_from_now_on(&file).map(|()| file),
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => {
            let text = "it is a FIFO that nobody reads, or a socket; start its reader first, or name a file";
            Err(io::Error::new(ErrorKind::InvalidInput, text))
        }
        Err(error) => Err(error),
    }
}

fn wait_from_now_on(file: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: the descriptor is open as long as `file` is, and the calls read and write its flags only.
    let done = unsafe {
        let flags = libc::fcntl(file.as_raw_fd(), libc::F_GETFL);
        flags != -1 && libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags & !libc::O_NONBLOCK) != -1
    };
    done.then_some(()).ok_or_else(io::Error::last_os_error)
}

fn check_kind(kind: FileType) -> io::Result<()> {
    if kind.is_file() {
        return Ok(());
    }
    let what = match kind {
        it if it.is_dir() => "a folder",
        it if it.is_fifo() => "a FIFO",
        it if it.is_socket() => "a socket",
        it if it.is_char_device() || it.is_block_device() => "a device",
        _ => "something else",
    };
    let text = format!("it is {what}, not a regular file");
    Err(io::Error::new(ErrorKind::InvalidInput, text))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    fn fifo(path: &Path) {
        let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: `name` is a C string.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    }

    #[test]
    fn what_is_no_regular_file_is_named_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fifo(&at("fifo"));
        symlink("/dev/zero", at("zero")).unwrap();
        symlink("/dev/urandom", at("random")).unwrap();
        symlink(at("fifo"), at("link")).unwrap();
        symlink(at("loop"), at("loop")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        for (name, what) in [
            ("fifo", "a FIFO"),
            ("link", "a FIFO"),
            ("zero", "a device"),
            ("random", "a device"),
            ("socket", "a socket"),
            ("", "a folder"),
        ] {
            let error = read(&at(name), 10).unwrap_err();
            assert_eq!(error.to_string(), format!("it is {what}, not a regular file"));
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        assert_eq!(open(&at("absent")).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(open(&at("loop")).is_err());
    }

    #[test]
    fn a_file_is_read_up_to_its_bound_and_a_sparse_one_takes_no_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        let error = read(&path, 4).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "it has more than 4 bytes");
        File::create(&path).unwrap().set_len(1 << 42).unwrap();
        assert_eq!(read(&path, 1 << 20).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(size(&path).unwrap(), 1 << 42);
        // Says that it has no bytes, and has some.
        assert_eq!(
            read(Path::new("/proc/self/maps"), 16).unwrap_err().kind(),
            ErrorKind::FileTooLarge
        );
    }

    #[test]
    fn text_is_utf_8_with_or_without_the_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        fs::write(&path, "\u{feff}cat\r\n").unwrap();
        assert_eq!(read_text(&path, 100).unwrap(), "cat\r\n");
        for (bytes, words) in [
            (&b"\xff\xfec\0a\0t\0"[..], "UTF-16; save it as UTF-8"),
            (b"\xfe\xff\0c\0a\0t", "UTF-16"),
            (b"caf\xe9", "no text in UTF-8"),
        ] {
            fs::write(&path, bytes).unwrap();
            let error = read_text(&path, 100).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn links_out_of_a_folder_are_seen_and_a_store_that_all_link_to_is_none() {
        let outer = tempfile::tempdir().unwrap();
        let at = |name: &str| outer.path().join(name);
        for folder in ["blobs", "snapshot"] {
            fs::create_dir(at(folder)).unwrap();
        }
        for file in ["secret", "blobs/model", "blobs/names", "snapshot/plain"] {
            fs::write(at(file), file).unwrap();
        }
        symlink("../blobs/model", at("snapshot/model.onnx")).unwrap();
        symlink("../blobs/names", at("snapshot/labels.txt")).unwrap();
        symlink("../secret", at("snapshot/link")).unwrap();
        fs::write(at("snapshot/own.onnx"), "own").unwrap();
        for (file, other, leads_out) in [
            ("snapshot/plain", "snapshot/own.onnx", false),
            ("snapshot/link", "snapshot/own.onnx", true),
            ("snapshot/link", "snapshot/model.onnx", true),
            ("snapshot/labels.txt", "snapshot/model.onnx", false),
            ("snapshot/labels.txt", "snapshot/own.onnx", true),
            ("snapshot/absent", "snapshot/own.onnx", false),
        ] {
            assert_eq!(leads_out_of(&at(file), &at(other)), leads_out, "{file} {other}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        replace(&at("file"), "old").unwrap();
        fs::set_permissions(at("file"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("file", at("link")).unwrap();
        replace(&at("link"), "new").unwrap();
        assert_eq!(fs::read_to_string(at("file")).unwrap(), "new");
        assert_eq!(
            fs::metadata(at("file")).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
        fifo(&at("fifo"));
        for (name, kind) in [
            ("fifo", ErrorKind::InvalidInput),
            ("", ErrorKind::InvalidInput),
            ("no/file", ErrorKind::NotFound),
        ] {
            assert_eq!(replace(&at(name), "x").unwrap_err().kind(), kind, "{name}");
        }
        let names = fs::read_dir(folder.path()).unwrap();
        assert_eq!(names.count(), 3, "something was left beside");
    }

    #[test]
    fn a_full_disk_leaves_the_old_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace(&path, "old").unwrap();
        // The limit holds for the whole process, whose other tests write less at a time.
        // SAFETY: the call reads a structure that lives on; a file beyond the limit is an error where the signal is ignored.
        let limit = |bytes| unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            let mut now = std::mem::zeroed::<libc::rlimit>();
            assert_eq!(libc::getrlimit(libc::RLIMIT_FSIZE, &mut now), 0);
            let old = std::mem::replace(&mut now.rlim_cur, bytes);
            assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &now), 0);
            old
        };
        let before = limit(1 << 20);
        let error = replace(&path, vec![b'x'; 2 << 20]);
        limit(before);
        assert!(error.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn who_locks_a_folder_keeps_others_out_until_it_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let lock = lock_folder_of(&path, Instant::now()).unwrap();
        let error = lock_folder_of(&path, Instant::now()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let waits =
            thread::spawn(move || lock_folder_of(&path, Instant::now() + Duration::from_secs(20)).map(drop));
        drop(lock);
        waits.join().unwrap().unwrap();
    }

    #[test]
    fn a_fifo_that_nobody_reads_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        fifo(&path);
        for open in [create, append] {
            let error = open(&path).unwrap_err();
            assert!(error.to_string().contains("start its reader first"), "{error}");
        }
        let plain = folder.path().join("plain");
        write(&plain, "one").unwrap();
        append(&plain).unwrap().write_all(b"two").unwrap();
        assert_eq!(fs::read(&plain).unwrap(), b"onetwo");
        assert!(create(Path::new("/dev/null")).is_ok());
    }
}
