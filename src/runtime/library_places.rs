// SPDX-License-Identifier: MPL-2.0

//! Where ONNX Runtime is looked for, in this order:
//!
//! 1. the file that `ORT_DYLIB_PATH` names, and if it is set nowhere else;
//! 2. the folder of this plugin (or of the program that has it built in), where `make build` puts it;
//! 3. where the dynamic loader looks, as for a distribution's package or `LD_LIBRARY_PATH`;
//! 4. the Python packages `onnxruntime` of the virtual environment that is active, of the user, and of the system.

use std::ffi::{CStr, OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Oldest and newest minor version whose library file is asked for by its versioned name.
///
/// Distributions ship `libonnxruntime.so.1.21` without the plain name, which is in a package for
/// developers. The upper end leaves room for some years of releases.
const MINOR_VERSIONS: std::ops::RangeInclusive<u32> = 17..=60;

/// Begin of the name of the library's file.
const NAME: &str = "libonnxruntime.so";

/// Names that a process's own folder of packages has below `lib`: `site-packages`, and Debian's own.
const PACKAGES: [&str; 2] = ["site-packages", "dist-packages"];

/// A place with the files in it.
pub(super) struct Place {
    /// For a sentence.
    pub what: String,
    /// Those that are there, or names that the dynamic loader looks for; the one to prefer first.
    pub files: Vec<PathBuf>,
    /// Whether the files are there, so that one which does not load is worth a word.
    pub is_certain: bool,
}

/// The file that the user names.
pub(super) fn wish() -> Option<PathBuf> {
    let wish = std::env::var_os("ORT_DYLIB_PATH").filter(|wish| !wish.is_empty())?;
    Some(absolute(Path::new(&wish)))
}

/// The places to look at, the one to prefer first.
pub(super) fn in_order() -> Vec<Place> {
    if let Some(path) = wish() {
        return vec![Place {
            what: format!("ORT_DYLIB_PATH={}", path.display()),
            files: vec![path],
            is_certain: true,
        }];
    }
    let beside = own_folder().map(|folder| Place {
        what: format!("beside the plugin in {}", folder.display()),
        files: libraries_in(&folder),
        is_certain: true,
    });
    let names = MINOR_VERSIONS.rev().map(|minor| format!("{NAME}.1.{minor}"));
    let names = [NAME.to_owned(), format!("{NAME}.1")].into_iter().chain(names);
    let loader = Place {
        what: "where the dynamic loader looks".to_owned(),
        files: names.map(PathBuf::from).collect(),
        is_certain: false,
    };
    let packages = Place {
        what: "in Python's packages onnxruntime".to_owned(),
        files: python_prefixes().iter().flat_map(|it| of_python(it)).collect(),
        is_certain: true,
    };
    beside.into_iter().chain([loader, packages]).collect()
}

/// Folders that Python's `lib` stands in, the nearest first.
fn python_prefixes() -> Vec<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty());
    let environment = set("VIRTUAL_ENV").map(PathBuf::from);
    let user = set("HOME").map(|it: OsString| Path::new(&it).join(".local"));
    let system = ["/usr/local", "/usr"].map(PathBuf::from);
    environment.into_iter().chain(user).chain(system).collect()
}

/// The libraries in the packages of the Pythons below a prefix, those of newer ones first.
fn of_python(prefix: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(prefix.join("lib")).into_iter().flatten().flatten();
    let mut pythons: Vec<PathBuf> = folders.map(|it| it.path()).collect();
    pythons.retain(|it| file_name(it).starts_with("python3"));
    pythons.sort_by_key(|it| std::cmp::Reverse(version(&file_name(it))));
    let folders = pythons
        .iter()
        .flat_map(|python| PACKAGES.map(|it| python.join(it)));
    let folders = folders.map(|it| it.join("onnxruntime/capi"));
    folders.flat_map(|it| libraries_in(&it)).collect()
}

/// The library's files in a folder: the plain name first, then newer ones before older ones.
fn libraries_in(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|it| it.path()).collect();
    files.retain(|it| is_library(&file_name(it)) && it.is_file());
    files.sort_by_key(|it| (file_name(it) != NAME, std::cmp::Reverse(version(&file_name(it)))));
    files
}

/// Whether a name is the library's, perhaps with a version behind it.
fn is_library(name: &str) -> bool {
    let version = name.strip_prefix(NAME);
    version
        .is_some_and(|it| it.is_empty() || (it.starts_with('.') && !it.contains(|c: char| c.is_alphabetic())))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The numbers in a name, such as 1, 32 and 0.
fn version(name: &str) -> Vec<u32> {
    let numbers = name.split(|it: char| !it.is_ascii_digit());
    numbers.filter_map(|it| it.parse().ok()).collect()
}

/// Makes a path with folders absolute, since `ort` would take it as relative to the executable.
fn absolute(path: &Path) -> PathBuf {
    match path.components().count() {
        0 | 1 => path.to_owned(),
        _ => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}

/// Returns the folder of the file that holds this code: the plugin, or the program that links it.
fn own_folder() -> Option<PathBuf> {
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    let address = own_folder as *const () as *const libc::c_void;
    // SAFETY: `info` is valid for writes and `address` is only looked up. On success `dli_fname` is a
    // C string that lives as long as the library is loaded, which is while this code runs.
    let file = unsafe {
        if libc::dladdr(address, &mut info) == 0 || info.dli_fname.is_null() {
            return None;
        }
        CStr::from_ptr(info.dli_fname)
    };
    let file = Path::new(OsStr::from_bytes(file.to_bytes()))
        .canonicalize()
        .ok()?;
    file.parent().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_this_code_exists() {
        assert!(own_folder().is_some_and(|folder| folder.is_dir()));
    }

    #[test]
    fn the_plain_name_comes_first_and_newer_versions_before_older_ones() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "libonnxruntime.so.1.9",
            "libonnxruntime.so.1.32.0",
            "libonnxruntime.so",
            "libonnxruntime.so.1.21",
            "libonnxruntime.so.bak",
            "libonnxruntime_providers_shared.so",
        ];
        for name in names {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = libraries_in(folder.path());
        let found: Vec<String> = found.iter().map(|it| file_name(it)).collect();
        assert_eq!(
            found,
            [
                "libonnxruntime.so",
                "libonnxruntime.so.1.32.0",
                "libonnxruntime.so.1.21",
                "libonnxruntime.so.1.9"
            ]
        );
    }

    #[test]
    fn a_package_of_python_is_found_that_of_the_newest_first() {
        let prefix = tempfile::tempdir().unwrap();
        for python in [
            "python3.9/site-packages",
            "python3.11/site-packages",
            "python3/dist-packages",
        ] {
            let folder = prefix.path().join("lib").join(python).join("onnxruntime/capi");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("libonnxruntime.so.1.20.1"), "").unwrap();
        }
        let found = of_python(prefix.path());
        let ends = [
            "python3.11/site-packages",
            "python3.9/site-packages",
            "python3/dist-packages",
        ];
        assert_eq!(found.len(), 3);
        for (file, end) in found.iter().zip(ends) {
            assert!(
                file.parent()
                    .unwrap()
                    .parent()
                    .unwrap()
                    .parent()
                    .unwrap()
                    .ends_with(end),
                "{file:?}"
            );
        }
    }
}
