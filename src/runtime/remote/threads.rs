// SPDX-License-Identifier: MPL-2.0

//! The one thread that speaks to servers, for all models of the process.

use std::future::Future;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Runtime};

use crate::broken_pipe;
use crate::runtime::Stop;
use crate::runtime::failure::Failure;

static RUNTIME: OnceCell<Runtime> = OnceCell::new();

/// How often who waits looks whether anybody still waits for it.
const LOOK: Duration = Duration::from_millis(20);

/// Looking up names blocks a thread; a handful of servers is looked up at a time.
const MOST_LOOKUPS: usize = 4;

/// Never ends: a process may exit meanwhile, since nothing that it runs has anything to tear down.
pub(super) fn runtime() -> Result<&'static Runtime, io::Error> {
    RUNTIME.get_or_try_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(MOST_LOOKUPS)
            .thread_name("avrec-remote")
            .on_thread_start(broken_pipe::be_an_error)
            .enable_all()
            .build()
    })
}

/// Lets the thread do something and waits for it, until it is given up.
///
/// Waits without a runtime of its own, so that it works on whichever thread, also on one of another runtime.
pub(super) fn wait<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
    stop: &Stop,
) -> Result<T, Failure> {
    let runtime =
        runtime().map_err(|error| Failure::Cause(format!("cannot start the thread for servers: {error}")))?;
    let (sender, result) = mpsc::sync_channel(1);
    let task = runtime.spawn(async move {
        // Fails only where nobody waits any more.
        let _ = sender.send(work.await);
    });
    loop {
        match result.recv_timeout(LOOK) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Cause("the exchange with the server broke off".into()));
            }
            Err(RecvTimeoutError::Timeout) if stop.is_given_up() => {
                task.abort();
                return Err(Failure::GivenUp);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
