// SPDX-License-Identifier: MPL-2.0

//! Messages that whoever looks on is to see at once. While nobody does, a message costs the look at one number.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::messages::{CandidateFailed, Swap};

/// Messages that wait at most; of more the later ones are left out.
const MOST_WAITING: usize = 64;

/// The element that posted it, by its number, and the message.
pub type Item = (u64, gst::Message);

#[derive(Debug)]
pub struct News {
    is_wanted: AtomicBool,
    sender: mpsc::Sender<Item>,
    receiver: Mutex<Option<mpsc::Receiver<Item>>>,
}

impl Default for News {
    fn default() -> News {
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        News {
            is_wanted: AtomicBool::new(false),
            sender,
            receiver: Mutex::new(Some(receiver)),
        }
    }
}

impl News {
    /// Keeps a message that is wanted. Called on the threads of the pipeline: it takes a reference, and waits for nobody.
    pub fn hear(&self, id: u64, message: &gst::Message, structure: &gst::StructureRef) {
        if !self.is_wanted.load(Ordering::Relaxed) {
            return;
        }
        if [Swap::NAME, CandidateFailed::NAME].contains(&structure.name().as_str()) {
            let _ = self.sender.try_send((id, message.clone()));
        }
    }

    /// Whether somebody looks on.
    pub fn set_wanted(&self, is_wanted: bool) {
        self.is_wanted.store(is_wanted, Ordering::Relaxed);
    }

    /// Where the messages come; for the first who asks.
    pub fn take(&self) -> Option<mpsc::Receiver<Item>> {
        self.receiver.lock().take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str) -> gst::Message {
        gst::message::Element::new(gst::Structure::new_empty(name))
    }

    #[test]
    fn messages_are_kept_while_somebody_looks_on_and_never_more_than_fit() {
        gst::init().unwrap();
        let news = News::default();
        let tell = |name| {
            let message = message(name);
            news.hear(7, &message, message.structure().unwrap());
        };
        let mut receiver = news.take().unwrap();
        tell(Swap::NAME);
        news.set_wanted(true);
        tell("avrec/frame");
        assert!(receiver.try_recv().is_err());
        for _ in 0..MOST_WAITING + 6 {
            tell(Swap::NAME);
        }
        assert_eq!(receiver.len(), MOST_WAITING);
        assert_eq!(receiver.try_recv().unwrap().0, 7);
        assert!(news.take().is_none());
    }
}
