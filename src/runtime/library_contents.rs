// SPDX-License-Identifier: MPL-2.0

//! What the ONNX Runtime at hand is: where it lies, which version, and which execution providers it has.

use std::ffi::{CStr, OsStr, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Error, library, ort_provider};

/// The ONNX Runtime that models run on.
#[derive(Debug, Clone)]
pub struct LibraryContents {
    pub path: PathBuf,
    /// As the library says it, such as `1.24.1`; empty where it does not.
    pub version: String,
    /// The execution providers that it has built in, as it lists them ([`ProviderFacts::id`](super::ProviderFacts::id)).
    pub providers: Vec<String>,
    /// Devices of providers, a line each; empty in builds without the feature `plugin-ep`.
    pub devices: Vec<String>,
}

/// Loads ONNX Runtime, unless it is, registers a library that brings a provider, and says what there is.
///
/// # Errors
///
/// Where there is no ONNX Runtime, or `provider_library` cannot be registered.
pub fn look_into_library(provider_library: Option<&Path>) -> Result<LibraryContents, Error> {
    let loaded = library::loaded()?;
    let missing = |error: ort::Error| Error::LibraryMissing {
        tried: format!("{}: {error}", loaded.path.display()),
    };
    let (path, version) = origin().unwrap_or_default();
    Ok(LibraryContents {
        path: if path.as_os_str().is_empty() {
            loaded.path.clone()
        } else {
            path
        },
        version,
        providers: ort_provider::built_in().map_err(missing)?,
        devices: devices(loaded, provider_library)?,
    })
}

#[cfg(feature = "plugin-ep")]
fn devices(loaded: &library::Loaded, provider_library: Option<&Path>) -> Result<Vec<String>, Error> {
    use super::ort_plugin;

    if let Some(library) = provider_library {
        let library = library.to_string_lossy();
        ort_plugin::register(&loaded.environment, &library).map_err(|error| Error::Setting {
            key: "provider-library",
            value: library.into_owned(),
            cause: format!("is not taken by ONNX Runtime: {}", error.message().trim()),
            remedy: "name the library of a provider for ONNX Runtime".to_owned(),
        })?;
    }
    Ok(ort_plugin::devices(&loaded.environment))
}

#[cfg(not(feature = "plugin-ep"))]
fn devices(_loaded: &library::Loaded, provider_library: Option<&Path>) -> Result<Vec<String>, Error> {
    use super::{ExecutionProvider, ProviderChoice};

    if let Some(library) = provider_library {
        let choice = ProviderChoice {
            library: library.to_string_lossy().into_owned(),
            ..ExecutionProvider::Plugin.into()
        };
        choice.check()?;
    }
    Ok(Vec::new())
}

/// The file that the library was loaded from, and its version.
pub(super) fn origin() -> Option<(PathBuf, String)> {
    let inside = std::ptr::from_ref(ort::api()).cast::<c_void>();
    // SAFETY: an all-zero `Dl_info` is valid, and it is valid for writes; the address is only looked up. On success the
    // file name is a C string that lives as long as the library does, which nothing closes.
    let file = unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(inside, &mut info) == 0 || info.dli_fname.is_null() {
            return None;
        }
        CStr::from_ptr(info.dli_fname)
    };
    let path = PathBuf::from(OsStr::from_bytes(file.to_bytes()));
    // SAFETY: the library is there: this only finds it. The function has that type in all versions of ONNX Runtime, and
    // returns a structure and a text that are constants.
    let version = unsafe {
        let handle = libc::dlopen(file.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
        if handle.is_null() {
            return Some((path, String::new()));
        }
        let base = libc::dlsym(handle, c"OrtGetApiBase".as_ptr());
        if base.is_null() {
            return Some((path, String::new()));
        }
        let base: unsafe extern "C" fn() -> *const ort::sys::OrtApiBase = std::mem::transmute(base);
        CStr::from_ptr(((*base()).GetVersionString)())
    };
    Some((path, version.to_string_lossy().into_owned()))
}
