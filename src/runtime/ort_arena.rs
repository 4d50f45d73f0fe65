// SPDX-License-Identifier: MPL-2.0

//! Bounds the memory of each ONNX Runtime session.
//!
//! A session's own arena takes what there is. One of the environment can be bounded, and a session keeps the one that
//! was registered when it was made. So each session gets an arena that is registered for as long as it is made.

use ort::AsPointer;
use ort::environment::Environment;
use ort::sys;
use parking_lot::{Mutex, MutexGuard};

use super::ort_value::MemoryInfo;

/// Held while a session is made: there is one arena at a time.
static TURN: Mutex<()> = Mutex::new(());

/// An arena that sessions take which are made meanwhile, with the entry `session.use_env_allocators`.
pub(super) struct Registered<'a> {
    environment: &'a Environment,
    memory: MemoryInfo,
    _turn: MutexGuard<'static, ()>,
}

impl Registered<'_> {
    /// Registers an arena of at most `limit` bytes, after waiting for who makes another session.
    pub(super) fn new(environment: &Environment, limit: usize) -> Result<Registered<'_>, ort::Error> {
        let turn = TURN.lock();
        let memory = MemoryInfo::arena()?;
        let mut config = std::ptr::null_mut();
        // The library's own choice of how to grow.
        const CHOOSE: i32 = -1;
        // SAFETY: the output is a local, and statuses are consumed once.
        unsafe {
            ort::Error::result_from_status((ort::api().CreateArenaCfg)(
                limit,
                CHOOSE,
                CHOOSE,
                CHOOSE,
                &mut config,
            ))?;
        }
        // SAFETY: all three are valid; the description of the arena is copied, and released here once.
        let registered = unsafe {
            let status = (ort::api().CreateAndRegisterAllocator)(
                environment.ptr().cast_mut(),
                memory.as_ptr(),
                config,
            );
            (ort::api().ReleaseArenaCfg)(config);
            ort::Error::result_from_status(status)
        };
        registered?;
        Ok(Registered {
            environment,
            memory,
            _turn: turn,
        })
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        // SAFETY: both are valid. Sessions that were made hold the arena themselves.
        let status: sys::OrtStatusPtr = unsafe {
            (ort::api().UnregisterAllocator)(self.environment.ptr().cast_mut(), self.memory.as_ptr())
        };
        // SAFETY: the status was just returned and is consumed once. It was registered, so it is there.
        let _ = unsafe { ort::Error::result_from_status(status) };
    }
}
