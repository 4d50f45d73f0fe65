// SPDX-License-Identifier: MPL-2.0

//! The threads that help runs of ONNX Runtime: one pool for the process, however many models it has.
//!
//! The library takes the size of the pool when it is set up, before anybody has said how a model shall run. So the threads
//! are promised then, and started with the first model that asks for more than the thread that runs it.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread;

use ort::environment::{GlobalThreadPoolOptions, ThreadManager};
use parking_lot::Mutex;

use super::Error;

/// The variable that says how many threads a run may use, the one that asks for it among them.
const VARIABLE: &str = "AVREC_THREADS";

/// More are a mistake, as with the property `threads`.
const MOST: usize = 1024;

/// Read once, since the pool is made once.
static SIZE: LazyLock<Result<usize, String>> = LazyLock::new(|| match std::env::var_os(VARIABLE) {
    // Where the system does not say how many processors there are, none is shared.
    None => Ok(thread::available_parallelism().map_or(1, NonZero::get)),
    Some(value) => read(&value.to_string_lossy()),
});

fn read(value: &str) -> Result<usize, String> {
    let size = value.trim().parse().ok();
    size.filter(|it| (1..=MOST).contains(it))
        .ok_or_else(|| value.to_owned())
}

/// Returns how many threads a run may use at most: `AVREC_THREADS`, else as many as the process may use processors.
pub(super) fn size() -> Result<usize, Error> {
    SIZE.clone().map_err(|value| Error::Setting {
        key: VARIABLE,
        value,
        cause: format!("is not a number of threads from 1 to {MOST}"),
        remedy: "write such a number into this environment variable, or unset it for all processors".into(),
    })
}

/// Describes the pool to the library. Its threads sleep where they have nothing to do.
pub(super) fn options() -> Result<GlobalThreadPoolOptions, ort::Error> {
    GlobalThreadPoolOptions::default()
        // An error is told by each load that would use the pool.
        .with_intra_threads(size().unwrap_or(1))?
        .with_inter_threads(1)?
        .with_spin_control(false)?
        .with_thread_manager(Promised)
}

type Work = Box<dyn FnOnce() + Send>;

/// What threads do that have not started.
static PROMISED: Mutex<Vec<Work>> = Mutex::new(Vec::new());

struct Promised;

impl ThreadManager for Promised {
    type Thread = ();

    fn create(&self, work: impl FnOnce() + Send + 'static) -> ort::Result<Self::Thread> {
        PROMISED.lock().push(Box::new(work));
        Ok(())
    }

    fn join((): Self::Thread) -> ort::Result<()> {
        // The library is set up once and for good.
        Ok(())
    }
}

/// Starts the threads of the pool, unless they have started.
pub(super) fn start() {
    for work in PROMISED.lock().drain(..) {
        // Where the system has no thread, a run has one less: who runs does what nobody else has begun.
        let _ = thread::Builder::new().name("avrec-pool".into()).spawn(work);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_of_threads() {
        assert_eq!(read(" 16 "), Ok(16));
        for value in ["", "0", "-1", "1025", "all", "2.5"] {
            assert_eq!(read(value), Err(value.to_owned()));
        }
    }
}
