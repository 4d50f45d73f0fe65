// SPDX-License-Identifier: MPL-2.0

//! Options of ONNX Runtime's runs, through which a run can be given up.

use std::ptr::{self, NonNull};

use ort::sys;

use super::exit_guard;
use super::stop::GiveUp;

/// The options of one user's runs.
pub(super) struct RunOptions {
    pointer: NonNull<sys::OrtRunOptions>,
}

// SAFETY: the library reads the flag between two operators while another thread sets it, which it is made for.
unsafe impl Send for RunOptions {}
// SAFETY: as above.
unsafe impl Sync for RunOptions {}

impl RunOptions {
    pub(super) fn new() -> Result<RunOptions, ort::Error> {
        let mut options = ptr::null_mut();
        // SAFETY: the output is a local; the status is consumed once.
        unsafe { ort::Error::result_from_status((ort::api().CreateRunOptions)(&mut options)) }?;
        NonNull::new(options)
            .map(|pointer| RunOptions { pointer })
            .ok_or_else(|| ort::Error::new("run options are null"))
    }

    pub(super) fn as_ptr(&self) -> *const sys::OrtRunOptions {
        self.pointer.as_ptr()
    }
}

impl GiveUp for RunOptions {
    fn give_up(&self) {
        let Some(_call) = exit_guard::begin() else { return };
        // SAFETY: the options are valid as long as this lives; the status is consumed once.
        let status = unsafe { (ort::api().RunOptionsSetTerminate)(self.pointer.as_ptr()) };
        // It only sets a flag.
        let _ = unsafe { ort::Error::result_from_status(status) };
    }
}

impl Drop for RunOptions {
    fn drop(&mut self) {
        // A process that exits gives the memory back by itself.
        if let Some(_call) = exit_guard::begin() {
            // SAFETY: this object owns the options.
            unsafe { (ort::api().ReleaseRunOptions)(self.pointer.as_ptr()) }
        }
    }
}
