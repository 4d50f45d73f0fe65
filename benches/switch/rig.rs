// SPDX-License-Identifier: MPL-2.0

//! What the parts share: a live pipeline around a switch, and what its frames did.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gst::prelude::*;
use gstavrec::quantile;

/// One frame at the switch's output.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub pts: Option<gst::ClockTime>,
    pub offset: u64,
    /// Monotonic time at which it left.
    pub left: gst::ClockTime,
    /// Time that it spent in the switch.
    pub latency: Duration,
}

/// PTS, offset and monotonic time of each buffer that passed a pad.
type Log = Arc<Mutex<Vec<(Option<gst::ClockTime>, u64, gst::ClockTime)>>>;

/// A live pipeline, run to its end.
pub struct Live {
    pub pipeline: gst::Pipeline,
    pub switch: gst::Element,
    entered: Log,
    left: Log,
}

impl Live {
    /// `frames` of 320 × 180 at `rate` a second through `switch`, a launch fragment that names it `s`.
    pub fn new(frames: u32, rate: u32, switch: &str) -> Live {
        let line = format!(
            "videotestsrc is-live=true num-buffers={frames} pattern=ball ! \
             video/x-raw,format=I420,width=320,height=180,framerate={rate}/1 ! queue ! {switch} ! fakesink sync=false"
        );
        let pipeline = gst::parse::launch(&line)
            .expect("the pipeline")
            .downcast::<gst::Pipeline>()
            .expect("a pipeline");
        let switch = pipeline.by_name("s").expect("the switch");
        let live = Live {
            pipeline,
            switch,
            entered: Arc::default(),
            left: Arc::default(),
        };
        for (name, log) in [("sink", &live.entered), ("src", &live.left)] {
            let log = log.clone();
            live.switch.static_pad(name).expect("a pad").add_probe(
                gst::PadProbeType::BUFFER,
                move |_, info| {
                    let buffer = info.buffer().expect("a buffer");
                    log.lock()
                        .unwrap()
                        .push((buffer.pts(), buffer.offset(), gst::get_timestamp()));
                    gst::PadProbeReturn::Ok
                },
            );
        }
        live
    }

    /// Plays to the end and tells what came out, and what went in (PTS and offset).
    pub fn play(self) -> (Vec<Seen>, Vec<(Option<gst::ClockTime>, u64)>) {
        self.pipeline.set_state(gst::State::Playing).expect("PLAYING");
        let bus = self.pipeline.bus().expect("a bus");
        let end = bus
            .timed_pop_filtered(
                gst::ClockTime::from_seconds(300),
                &[gst::MessageType::Eos, gst::MessageType::Error],
            )
            .expect("an end");
        assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
        self.pipeline.set_state(gst::State::Null).expect("NULL");
        let entered = std::mem::take(&mut *self.entered.lock().unwrap());
        let left = std::mem::take(&mut *self.left.lock().unwrap());
        let seen = left.iter().map(|&(pts, offset, left)| {
            let begin = entered.iter().find(|it| it.1 == offset).map_or(left, |it| it.2);
            Seen {
                pts,
                offset,
                left,
                latency: (left - begin).into(),
            }
        });
        (seen.collect(), entered.iter().map(|it| (it.0, it.1)).collect())
    }
}

/// One measured figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it is, and what it should reach.
    pub what: String,
    pub value: f64,
}

/// What begins a line that tells a figure to the process which started this one.
const HANDED_OVER: &str = "figure";

impl Figure {
    pub fn new(what: impl Into<String>, value: f64) -> Figure {
        Figure {
            what: what.into(),
            value,
        }
    }

    /// Tells the process that started this one.
    pub fn hand_over(&self) {
        println!("{HANDED_OVER}\t{}\t{}", self.what, self.value);
    }

    /// A figure that a child told in this line.
    pub fn handed_over(line: &str) -> Option<Figure> {
        let mut parts = line.split('\t');
        let is_one = parts.next() == Some(HANDED_OVER);
        let (what, value) = (parts.next()?, parts.next()?.parse().ok()?);
        is_one.then(|| Figure::new(what, value))
    }
}

/// The values of each figure, in the order of their first appearance.
pub fn by_what(figures: &[Figure]) -> Vec<(String, Vec<f64>)> {
    let mut all: Vec<(String, Vec<f64>)> = Vec::new();
    for Figure { what, value } in figures {
        match all.iter_mut().find(|it| it.0 == *what) {
            Some((_, values)) => values.push(*value),
            None => all.push((what.clone(), vec![*value])),
        }
    }
    all
}

pub fn median(samples: impl IntoIterator<Item = f64>) -> f64 {
    quantile::median(samples).expect("a sample")
}

/// The nearest-rank percentile.
pub fn percentile(samples: impl IntoIterator<Item = f64>, p: f64) -> f64 {
    quantile::percentile(samples, p / 100.0).expect("a sample")
}

/// Minimum, median and maximum as text.
pub fn spread(samples: &[f64]) -> String {
    let low = samples.iter().copied().fold(f64::INFINITY, f64::min);
    let high = samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{:.3} ({low:.3} to {high:.3})", median(samples.to_vec()))
}
