// SPDX-License-Identifier: MPL-2.0

//! Keeps ONNX Runtime from reporting to its maker.
//!
//! Since 1.32 its builds for Linux collect what is loaded and run, in a database in the user's cache folder, to be sent by
//! HTTPS. The function of its interface that ends this (`DisableTelemetryEvents`) comes too late for the database and an
//! identifier of the machine. The environment variable [`SWITCH`] is heard in time; but a library must not change the
//! environment of a program whose other threads may read it, so it is only answered so to ONNX Runtime.

use std::ffi::{CStr, c_char, c_void};
use std::io;

use super::bindings::Object;

/// Set to 1 it says that nothing is to be collected.
const SWITCH: &CStr = c"ORT_DISABLE_TELEMETRY";
/// The functions by which a library reads the environment.
const READERS: [&CStr; 2] = [c"getenv", c"secure_getenv"];

/// Lets the library that has `inside` find [`SWITCH`] set, unless the user has set it to anything.
///
/// # Errors
///
/// The system's own, where it lets nobody write to the library's bindings.
pub(super) fn end(inside: *const c_void) -> io::Result<()> {
    let Some(library) = Object::around(inside as usize) else {
        return Ok(());
    };
    for (name, slot) in library.slots() {
        if READERS.contains(&name) {
            library.write(slot, read as *const () as usize)?;
        }
    }
    Ok(())
}

/// `getenv`, and [`SWITCH`] is set.
unsafe extern "C" fn read(name: *const c_char) -> *mut c_char {
    // SAFETY: as the caller has it: a C string, and nobody changes the environment meanwhile.
    let found = unsafe { libc::getenv(name) };
    // SAFETY: as above.
    if found.is_null() && !name.is_null() && unsafe { CStr::from_ptr(name) } == SWITCH {
        return c"1".as_ptr().cast_mut();
    }
    found
}
