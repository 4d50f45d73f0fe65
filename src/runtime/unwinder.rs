// SPDX-License-Identifier: MPL-2.0

//! Lets ONNX Runtime catch its own exceptions in any program.
//!
//! An exception is thrown by the C++ runtime (libstdc++), which calls an unwinder, and on its way the unwinder runs
//! clean-up code of ONNX Runtime, which calls `_Unwind_Resume` to go on. All of that has to be the same unwinder, and
//! need not be: GStreamer brings libunwind into many programs, which defines the functions of libgcc_s by the same
//! names. Whether a library's calls go to one or the other depends on the order in which the program loaded them all: a
//! libstdc++ that came before GStreamer (Python with numpy) calls libgcc_s, ONNX Runtime, which comes after it, calls
//! libunwind, and the first exception ends the process.
//!
//! So after loading it is looked up where the C++ runtime throws to, and what is bound to another unwinder is bound to
//! that one. Opening the library with `RTLD_DEEPBIND` is no cure: it binds to libgcc_s, which is as wrong where
//! libstdc++ came after GStreamer (a C++ plugin of GStreamer's before this one), goes around a program's own `malloc`,
//! is refused by AddressSanitizer, and does nothing where the program has opened the library already.

use std::ffi::{CStr, c_void};
use std::sync::atomic::Ordering;

use super::bindings::Object;

/// What all functions of an unwinder begin with.
const UNWINDER: &[u8] = b"_Unwind_";
/// The function by which a C++ runtime throws.
const THROW: &CStr = c"_Unwind_RaiseException";
/// The function by which clean-up code of C++ goes on.
const RESUME: &CStr = c"_Unwind_Resume";
/// What C++ code names when it can catch: the C++ runtime has it.
const PERSONALITY: &CStr = c"__gxx_personality_v0";

/// Binds the library that has `inside`, and the C++ runtime that it uses, to one unwinder.
///
/// # Errors
///
/// The system's own, where it lets nobody write to the library's bindings.
pub(super) fn unify(inside: *const c_void) -> std::io::Result<()> {
    let Some((library, runtime, unwinder)) = parts(inside) else {
        return Ok(());
    };
    unwinder.bind(&library)?;
    unwinder.bind(&runtime)
}

/// Whether libraries that the library loads later, as those of an execution provider, will be bound to its unwinder, too.
///
/// They run and throw before they can be bound anew.
pub(super) fn is_that_of_later(inside: *const c_void) -> bool {
    let Some((_, _, unwinder)) = parts(inside) else {
        return true;
    };
    unwinder.function(RESUME) == of_later(RESUME)
}

/// What a function of an unwinder is bound to in a library that is loaded now.
fn of_later(name: &CStr) -> Option<usize> {
    // SAFETY: a null name stands for the whole program, and the others are C strings; both handles are only looked into,
    // and a library that is there stays.
    let address = unsafe {
        let program = libc::dlopen(std::ptr::null(), libc::RTLD_LAZY);
        match libc::dlsym(program, name.as_ptr()) as usize {
            // Then it is the one that comes with the library.
            0 => {
                let own = libc::dlopen(c"libgcc_s.so.1".as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
                if own.is_null() {
                    0
                } else {
                    libc::dlsym(own, name.as_ptr()) as usize
                }
            }
            found => found,
        }
    };
    (address != 0).then_some(address)
}

/// The library that has `inside`, the C++ runtime that it uses, and the unwinder that this throws to.
///
/// `None` where the library throws nothing, or has a C++ runtime of its own inside.
fn parts(inside: *const c_void) -> Option<(Object, Object, Unwinder)> {
    let library = Object::around(inside as usize)?;
    let runtime = library.bound(PERSONALITY).and_then(Object::around)?;
    let throw = runtime.bound(THROW)?;
    let is_bound = Object::around(throw).is_some_and(|it| it.base != runtime.base);
    let unwinder = Unwinder::with(if is_bound { throw } else { first_in_program(THROW)? })?;
    Some((library, runtime, unwinder))
}

/// What a name that is not bound yet will be bound to: the first in the program that has it.
fn first_in_program(name: &CStr) -> Option<usize> {
    // SAFETY: the name is a C string.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) } as usize;
    (address != 0).then_some(address)
}

/// The library that throws and unwinds.
struct Unwinder(*mut c_void);

impl Unwinder {
    /// The unwinder that has a function at this address.
    fn with(function: usize) -> Option<Self> {
        // SAFETY: an all-zero `Dl_info` is valid, and it is valid for writes; the address is only looked up. On success
        // the file name is a C string that lives as long as that library does, which nothing closes here.
        let handle = unsafe {
            let mut info: libc::Dl_info = std::mem::zeroed();
            if libc::dladdr(function as *const c_void, &mut info) == 0 || info.dli_fname.is_null() {
                return None;
            }
            // It is there: this only finds it, and keeps it.
            libc::dlopen(info.dli_fname, libc::RTLD_LAZY | libc::RTLD_NOLOAD)
        };
        (!handle.is_null()).then_some(Unwinder(handle))
    }

    fn function(&self, name: &CStr) -> Option<usize> {
        // SAFETY: the handle is open and stays so, and the name is a C string.
        let address = unsafe { libc::dlsym(self.0, name.as_ptr()) } as usize;
        (address != 0).then_some(address)
    }

    /// Binds all calls of an object into an unwinder to this one.
    fn bind(&self, object: &Object) -> std::io::Result<()> {
        for (name, slot) in object.slots() {
            if name.to_bytes().starts_with(UNWINDER)
                && let Some(function) = self.function(name)
                && slot.load(Ordering::Relaxed) != function
            {
                object.write(slot, function)?;
            }
        }
        Ok(())
    }
}
