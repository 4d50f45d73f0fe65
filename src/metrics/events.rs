// SPDX-License-Identifier: MPL-2.0

//! Server-sent events: who reads them, and that nobody's slowness keeps anything in memory.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{Notify, mpsc};

use super::connection::Connection;

/// Who may read events at the same time.
pub const MOST_READERS: usize = 16;
/// Events that a reader may be behind; who is behind by more is closed, and comes again by himself.
const MOST_BEHIND: usize = 16;

/// The body of an answer.
#[derive(Debug)]
pub struct Events(mpsc::Receiver<Bytes>);

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.poll_recv(context);
        next.map(|it| it.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// An event as it is sent.
pub fn event(name: &str, data: &impl Serialize) -> Bytes {
    // JSON has no line feed of its own.
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n").into()
}

#[derive(Debug)]
struct Reader {
    sender: mpsc::Sender<Bytes>,
    connection: Arc<Connection>,
}

/// All who read events.
#[derive(Debug, Default)]
pub struct Readers {
    readers: Mutex<Vec<Reader>>,
    came: Notify,
}

impl Readers {
    /// One more, who gets `first` at once; none where there are too many.
    pub fn enter(&self, connection: &Arc<Connection>, first: Bytes) -> Option<Events> {
        let mut readers = self.readers.lock();
        readers.retain(|it| !it.sender.is_closed());
        if readers.len() == MOST_READERS {
            return None;
        }
        let (sender, receiver) = mpsc::channel(MOST_BEHIND);
        let _ = sender.try_send(first);
        connection.go_on();
        readers.push(Reader {
            sender,
            connection: connection.clone(),
        });
        self.came.notify_one();
        Some(Events(receiver))
    }

    /// Sends to all; who is too slow, or gone, is none of them any more. Returns whether somebody is left.
    pub fn send(&self, event: &Bytes) -> bool {
        let mut readers = self.readers.lock();
        readers.retain(|it| match it.sender.try_send(event.clone()) {
            Ok(()) => true,
            Err(_) => {
                it.connection.close();
                false
            }
        });
        !readers.is_empty()
    }

    /// Waits until somebody reads.
    pub async fn come(&self) {
        while self.readers.lock().is_empty() {
            self.came.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_read_is_closed_and_nothing_is_kept_for_him() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let readers = Readers::default();
        let connection = Arc::new(Connection::default());
        let task = runtime.spawn(std::future::pending::<()>());
        connection.set_task(task.abort_handle());
        let slow = readers.enter(&connection, event("a", &1)).unwrap();
        for _ in 1..MOST_BEHIND {
            assert!(readers.send(&event("a", &2)));
        }
        assert!(!readers.send(&event("a", &3)), "nobody is left");
        assert!(runtime.block_on(task).unwrap_err().is_cancelled());
        assert!(connection.is_over() && connection.goes_on());
        assert_eq!(slow.0.len(), MOST_BEHIND);
    }

    #[test]
    fn there_are_never_more_than_may_be_and_a_place_is_free_when_one_goes() {
        let readers = Readers::default();
        let enter = || readers.enter(&Arc::default(), Bytes::new());
        let mut all: Vec<_> = (0..MOST_READERS).map(|_| enter().unwrap()).collect();
        assert!(enter().is_none());
        all.pop();
        assert!(enter().is_some());
    }

    #[test]
    fn an_event_is_one_line_whatever_its_text_is() {
        let text = "a\nevent: b\r\ndata: c\u{2028}";
        let sent = String::from_utf8(event("swap", &text).to_vec()).unwrap();
        assert_eq!(sent.lines().count(), 3, "{sent}");
        assert!(
            sent.starts_with("event: swap\ndata: \"a\\nevent") && sent.ends_with("\n\n"),
            "{sent}"
        );
    }
}
