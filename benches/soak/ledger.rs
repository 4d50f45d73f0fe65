// SPDX-License-Identifier: MPL-2.0

//! What went into a switch and what came out of it: counted at its pads, with times of the monotonic clock, and without
//! asking the switch.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gst::prelude::*;

/// Half a sample at 48 kHz: where sound is cut, its times are rounded to nanoseconds.
const ROUNDING: u64 = 10_000;
/// What a frame may take beyond its budget before it is called late: a thread that is woken in time is on its way then.
const GRACE: Duration = Duration::from_millis(1);

/// What is still in the switch: from and to where in the stream, in nanoseconds, and when it came.
#[derive(Debug, Clone, Copy)]
struct Inside {
    from: u64,
    to: u64,
    came: Instant,
}

/// Something that left after its budget.
#[derive(Debug, Clone, Copy)]
pub struct Late {
    pub came: Instant,
    pub left: Instant,
    /// How much of that was too much.
    pub over: Duration,
}

/// Counts of one stream, in buffers; for sound, which leaves in pieces of other lengths, also in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub entered: u64,
    pub left: u64,
    /// Came before anything had left, and did not leave: nobody was ready yet.
    pub before_start: u64,
    pub lost: u64,
    /// Left twice, or out of order.
    pub disordered: u64,
    pub late: u64,
    pub longest: Duration,
}

impl Counts {
    pub fn add(&mut self, other: &Counts) {
        self.entered += other.entered;
        self.left += other.left;
        self.before_start += other.before_start;
        self.lost += other.lost;
        self.disordered += other.disordered;
        self.late += other.late;
        self.longest = self.longest.max(other.longest);
    }
}

#[derive(Debug, Default)]
struct Book {
    inside: VecDeque<Inside>,
    /// What the switch last declared.
    last_budget: Duration,
    /// Up to where the stream has left.
    heard: Option<u64>,
    counts: Counts,
    late: Vec<Late>,
    /// What was lost, in words; the first few.
    told: Vec<String>,
}

impl Book {
    fn enter(&mut self, from: u64, to: u64, came: Instant) {
        self.counts.entered += 1;
        self.inside.push_back(Inside { from, to, came });
    }

    fn leave(&mut self, from: u64, to: u64, left: Instant, budget: impl Fn() -> Option<Duration>) {
        self.counts.left += 1;
        if let Some(heard) = self.heard
            && from + ROUNDING < heard
        {
            self.counts.disordered += 1;
            self.tell(format!("{from} ns left after {heard} ns"));
        }
        // What lies before it will not leave any more.
        while let Some(first) = self.inside.front().copied()
            && first.to <= from + ROUNDING
        {
            self.inside.pop_front();
            // The last part of a buffer may have left before, and the buffer waited here for that.
            if self.heard.is_none() {
                self.counts.before_start += 1;
            } else if self.heard.is_some_and(|it| it + ROUNDING < first.to) {
                self.lose(first);
            }
        }
        let end = self.inside.iter().find(|it| to <= it.to + ROUNDING).copied();
        self.heard = Some(to);
        let Some(end) = end else {
            self.counts.disordered += 1;
            return self.tell(format!("{from} to {to} ns left and had not come"));
        };
        let latency = left - end.came;
        self.counts.longest = self.counts.longest.max(latency);
        // It is asked for only where it may matter, and may have changed since.
        if latency < self.last_budget {
            return;
        }
        let budget = budget();
        self.last_budget = budget.unwrap_or_default();
        if let Some(over) = budget.and_then(|it| latency.checked_sub(it + GRACE)) {
            self.counts.late += 1;
            self.late.push(Late {
                came: end.came,
                left,
                over,
            });
        }
    }

    fn lose(&mut self, lost: Inside) {
        self.counts.lost += 1;
        let age = lost.came.elapsed();
        self.tell(format!(
            "{} to {} ns, {age:?} ago, never left",
            lost.from, lost.to
        ));
    }

    fn tell(&mut self, what: String) {
        if self.told.len() < 20 {
            self.told.push(what);
        }
    }
}

/// What the switch declares behind this pad that a frame may take in it, once it knows.
fn declared(pad: &gst::Pad) -> Option<Duration> {
    let mut query = gst::query::Latency::new();
    let is_answered = pad.query(&mut query);
    let (is_live, shortest, _) = query.result();
    (is_answered && is_live && !shortest.is_zero()).then(|| shortest.into())
}

/// The counts of one switch, kept by probes on its pads.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Book>>);

impl Ledger {
    pub fn watch(switch: &gst::Element) -> Ledger {
        let ledger = Ledger::default();
        for (name, enters) in [("sink", true), ("src", false)] {
            let book = ledger.0.clone();
            let pad = switch.static_pad(name).expect("a pad");
            pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
                let now = Instant::now();
                let Some(buffer) = info.buffer() else {
                    return gst::PadProbeReturn::Ok;
                };
                let from = buffer.pts().map_or(0, |it| it.nseconds());
                let to = from + buffer.duration().map_or(0, |it| it.nseconds());
                let mut book = book.lock().expect("the ledger");
                match enters {
                    true => book.enter(from, to, now),
                    false => book.leave(from, to, now, || declared(pad)),
                }
                gst::PadProbeReturn::Ok
            });
        }
        ledger
    }

    pub fn counts(&self) -> Counts {
        self.0.lock().expect("the ledger").counts
    }

    /// What was late since the last call.
    pub fn take_late(&self) -> Vec<Late> {
        std::mem::take(&mut self.0.lock().expect("the ledger").late)
    }

    pub fn take_told(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("the ledger").told)
    }

    /// The stream has ended by itself: what is still inside is lost.
    pub fn end(&self) {
        let mut book = self.0.lock().expect("the ledger");
        let heard = book.heard.unwrap_or(0);
        while let Some(last) = book.inside.pop_front() {
            if heard + ROUNDING < last.to {
                book.lose(last);
            }
        }
    }
}
