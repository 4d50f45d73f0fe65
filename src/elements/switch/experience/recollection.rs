// SPDX-License-Identifier: MPL-2.0

//! What the streaming thread knows of earlier streams: it gives that to the policy as candidates and input become known, and
//! tells what has been learned since.

use std::sync::Arc;
use std::time::Duration;

use super::book::{Book, Millis, Subject};
use super::file;
use crate::clone_in_place::clone_in_place;
use crate::elements::switch::lanes::lane::{Identity, PROCESSOR};
use crate::elements::switch::lanes::list::LaneList;
use crate::machine::processor;
use crate::policy::{CandidateId, Knowledge, Policy};

/// What was learned before, and for what this stream learns.
#[derive(Debug, Default)]
pub struct Recollection {
    /// `None` where the user wants nothing to be remembered.
    book: Option<Arc<Book>>,
    machine: Arc<str>,
    /// What comes in, once that is known.
    input: Option<Arc<str>>,
    /// The input was another before, so that what is learned holds for neither.
    is_mixed: bool,
    /// More became known since the policy was last told.
    is_due: bool,
}

clone_in_place! { Recollection: book machine input is_mixed is_due }

impl Recollection {
    /// Takes what was learned in earlier streams.
    pub fn begin(&mut self, book: Option<Arc<Book>>) {
        if book.is_some() {
            self.machine = format!("{} x {}", processor::count(), processor::name()).into();
        }
        (self.book, self.is_due) = (book, true);
    }

    /// Takes what comes in: caps, and how long a buffer of sound is.
    pub fn set_input(&mut self, caps: &gst::CapsRef, buffer: Option<Duration>) {
        let Some(input) = self.book.as_ref().and_then(|_| input(caps, buffer)) else {
            return;
        };
        if self.input.as_deref() != Some(&input) {
            self.is_mixed |= self.input.is_some();
            (self.input, self.is_due) = (Some(input.into()), true);
        }
    }

    /// More is known of the candidates.
    pub fn has_news(&mut self) {
        self.is_due = true;
    }

    /// Whether the policy may be told more; only once.
    pub fn take_due(&mut self) -> bool {
        std::mem::take(&mut self.is_due)
    }

    /// Lets the policy begin with what was learned in earlier streams, so far as it has learned nothing in this one; returns
    /// the lanes whose latency that tells. `counts_scores` where the user lets scores count.
    pub fn recall(
        &self,
        policy: &mut Policy,
        list: &LaneList,
        reference: Option<usize>,
        counts_scores: bool,
    ) -> Vec<usize> {
        let mut timed = Vec::new();
        let (Some(book), false) = (&self.book, self.is_mixed) else {
            return timed;
        };
        let now = file::now();
        for (lane, identity) in list.lanes.iter() {
            let Some(subject) = self.subject(identity, list, reference) else {
                continue;
            };
            let known = book.look_up(&subject, now);
            let quality = known.quality.filter(|_| counts_scores);
            timed.extend(known.latency.map(|_| lane));
            policy.recall(CandidateId(lane), &Knowledge { quality, ..known });
        }
        timed
    }

    /// What has been learned by now.
    pub fn learned(&self, policy: &Policy, list: &LaneList, reference: Option<usize>, now: Millis) -> Book {
        let mut book = Book::default();
        if self.book.is_none() || self.is_mixed {
            return book;
        }
        for (lane, identity) in list.lanes.iter() {
            let id = CandidateId(lane);
            if let Some(subject) = self.subject(identity, list, reference) {
                book.learn(&subject, &policy.knowledge(id), now);
            }
        }
        book
    }

    /// What is known of a candidate and its input; `None` while it is not known which model it runs, and of one that has had
    /// several.
    fn subject(&self, identity: &Identity, list: &LaneList, reference: Option<usize>) -> Option<Subject> {
        let fingerprint = |it: &Identity| it.tally.fingerprint().map(|it| it.to_string());
        let device = identity.device.as_deref();
        let reference = reference.and_then(|it| list.lanes.get(it));
        Some(Subject {
            candidate: fingerprint(identity)?,
            reference: reference.and_then(fingerprint),
            machine: self.machine.to_string(),
            device: device.unwrap_or(PROCESSOR).to_string(),
            input: self.input.as_ref()?.to_string(),
            name: identity.name.to_string(),
            prior: identity.prior.quality,
        })
    }
}

/// What the time and the quality of an answer depend on, of what comes in.
fn input(caps: &gst::CapsRef, buffer: Option<Duration>) -> Option<String> {
    let structure = caps.structure(0)?;
    let mut words = vec![structure.name().to_string()];
    words.extend(structure.get::<String>("format").ok());
    let number = |name: &str| structure.get::<i32>(name).ok();
    let size = number("width").zip(number("height"));
    words.extend(size.map(|(width, height)| format!("{width}x{height}")));
    words.extend(number("rate").map(|it| format!("{it} Hz")));
    words.extend(number("channels").map(|it| format!("{it} channels")));
    words.extend(buffer.map(|it| format!("{:.1} ms", it.as_secs_f64() * 1e3)));
    Some(words.join(" "))
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    #[test]
    fn input_is_told_by_what_a_run_depends_on() {
        gst::init().unwrap();
        let of = |caps: &str, buffer| input(&gst::Caps::from_str(caps).unwrap(), buffer).unwrap();
        assert_eq!(
            of(
                "video/x-raw,format=I420,width=320,height=180,framerate=25/1",
                None
            ),
            "video/x-raw I420 320x180"
        );
        assert_eq!(
            of(
                "audio/x-raw,format=F32LE,rate=48000,channels=2",
                Some(Duration::from_millis(20))
            ),
            "audio/x-raw F32LE 48000 Hz 2 channels 20.0 ms"
        );
        assert_eq!(of("text/x-raw", None), "text/x-raw");
    }
}
