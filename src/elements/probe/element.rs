// SPDX-License-Identifier: MPL-2.0

//! What the element holds, the life of its thread, and what happens to what comes on its pads: frames are timed,
//! stamped and passed on; the reference stream ends here.

use std::fmt::Write;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::CAT;
use super::compare::Comparator;
use super::meter::Sample;
use super::settings::Settings;
use super::stream::{self, Stream, Timing};
use super::worker;
use crate::elements::{allocation, stamp, unit_mistake};
use crate::messages::{FIGURES, Latencies, Nested, ProbeMessage, ProbeStats};

/// Locks are taken one at a time, never one inside another. Each is held for a few microseconds: no push,
/// post, query, measurement or release of a buffer happens under one.
pub struct Probe {
    pub sinkpad: gst::Pad,
    pub srcpad: gst::Pad,
    pub settings: Mutex<Settings>,
    /// The first stream and its figures.
    pub stream: Mutex<Stream>,
    /// What the reference pad was told of its stream.
    pub reference: Mutex<Timing>,
    pub comparator: Arc<Comparator>,
    worker: Mutex<Worker>,
}

/// The thread exists while the element is PAUSED or PLAYING and has a reference pad.
#[derive(Default)]
struct Worker {
    wanted: Wanted,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    #[default]
    Stopped,
    Running,
}

impl Probe {
    pub(super) fn new((sinkpad, srcpad): (gst::Pad, gst::Pad)) -> Self {
        let settings = Settings::default();
        Probe {
            sinkpad,
            srcpad,
            settings: Mutex::new(settings),
            stream: Mutex::new(Stream::new(settings.window as usize)),
            reference: Mutex::default(),
            comparator: Arc::new(Comparator::new(settings.window as usize)),
            worker: Mutex::default(),
        }
    }

    pub(super) fn stats(&self) -> ProbeStats {
        let summary = self.stream.lock().meter.total();
        let (fidelity, window) = self.comparator.total().unzip();
        let (window_psnr_db, window_ssim) = window.flatten().unzip();
        ProbeStats {
            summary,
            fidelity,
            window_psnr_db,
            window_ssim,
        }
    }

    pub(super) fn start(&self) -> Result<(), gst::StateChangeError> {
        ["budget", "interval"]
            .into_iter()
            .for_each(|it| self.check_time(it));
        let window = self.settings.lock().window as usize;
        *self.stream.lock() = Stream::new(window);
        self.comparator.start(window);
        self.worker.lock().wanted = Wanted::Running;
        self.ensure_thread().map_err(|err| {
            gst::element_imp_error!(
                self,
                gst::ResourceError::Failed,
                ("Cannot start the measuring thread; the system allows no more threads"),
                ["{err}"]
            );
            self.comparator.stop();
            gst::StateChangeError
        })
    }

    /// Warns of a time that is so short that another unit was meant.
    pub(super) fn check_time(&self, property: &str) {
        let settings = *self.settings.lock();
        let (time, zero) = match property {
            "budget" => (settings.budget, "one frame duration"),
            "interval" => (settings.interval, "a message after every frame"),
            _ => return,
        };
        if let Some((text, remedy)) = unit_mistake::doubt(property, time, zero) {
            gst::element_imp_warning!(self, gst::LibraryError::Settings, ("{text}"), ["{remedy}"]);
        }
    }

    /// Starts the thread if there is work for it and it does not run.
    pub(super) fn ensure_thread(&self) -> std::io::Result<()> {
        let connected = self.comparator.is_connected();
        let mut worker = self.worker.lock();
        if connected && worker.wanted == Wanted::Running && worker.thread.is_none() {
            worker.thread = Some(worker::spawn(self.comparator.clone(), self.obj().downgrade())?);
        }
        Ok(())
    }

    /// Waits for the end of the measurement that runs, if one does.
    pub(super) fn join(&self) {
        let thread = {
            let mut worker = self.worker.lock();
            worker.wanted = Wanted::Stopped;
            worker.thread.take()
        };
        if thread.is_some_and(|thread| thread.join().is_err()) {
            gst::error!(CAT, imp = self, "The measuring thread panicked");
        }
    }

    pub(super) fn pass(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let buffer = self.measure(buffer);
        self.srcpad.push(buffer)
    }

    pub(super) fn pass_list(&self, mut list: gst::BufferList) -> Result<gst::FlowSuccess, gst::FlowError> {
        list.make_mut()
            .foreach_mut(|buffer, _| std::ops::ControlFlow::Continue(Some(self.measure(buffer))));
        self.srcpad.push_list(list)
    }

    /// Takes the figures of a frame, tells them if it is time to, and gives the frame a new stamp.
    fn measure(&self, mut buffer: gst::Buffer) -> gst::Buffer {
        let now = gst::get_timestamp();
        let settings = *self.settings.lock();
        let stamped = stamp::read(&buffer);
        let (due, timing) = {
            let mut stream = self.stream.lock();
            let budget = Some(settings.budget).filter(|budget| !budget.is_zero());
            let sample = Sample {
                now,
                latency: stamped.map(|then| Duration::from(now.saturating_sub(then))),
                budget: budget.or(stream.period).or(buffer.duration()),
                running_time: stream.timing.running_time(&buffer),
            };
            (
                stream.meter.record(&sample, settings.interval),
                stream.timing.clone(),
            )
        };
        if let Some(summary) = due {
            self.post(ProbeMessage {
                pts: buffer.pts(),
                running_time: timing.running_time(&buffer),
                is_final: false,
                summary,
                fidelity: self.comparator.take_interval(),
                total: None,
            });
        }
        stamp::stamp(buffer.make_mut(), gst::get_timestamp());
        if self.comparator.is_connected() {
            self.comparator.answer(timing.frame(&buffer));
        }
        buffer
    }

    pub(super) fn sink_event(&self, pad: &gst::Pad, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Caps(caps) => {
                let mut stream = self.stream.lock();
                stream.period = stream::period(caps.caps());
                stream.timing.set_caps(caps.caps_owned());
            }
            gst::EventView::Segment(segment) => self.stream.lock().timing.set_segment(segment),
            gst::EventView::FlushStart(_) => self.comparator.reset(),
            gst::EventView::FlushStop(_) => {
                self.stream.lock().timing.segment = None;
                self.comparator.reset();
            }
            gst::EventView::Eos(_) => self.end(),
            _ => (),
        }
        gst::Pad::event_default(pad, Some(&*self.obj()), event)
    }

    pub(super) fn sink_query(&self, pad: &gst::Pad, query: &mut gst::QueryRef) -> bool {
        let is_answered = gst::Pad::query_default(pad, Some(&*self.obj()), query);
        // Frames are read only where there is something to compare them with; else peers agree as if it were not here.
        if let gst::QueryViewMut::Allocation(query) = query.view_mut()
            && self.comparator.is_connected()
        {
            allocation::keep_readable(query);
        }
        is_answered
    }

    /// Has upstream ask anew what it may leave to downstream, which depends on whether frames are read here.
    pub(super) fn ask_allocation_again(&self) {
        // Fails only where nothing is linked, that is where nobody has asked.
        self.sinkpad.push_event(gst::event::Reconfigure::new());
    }

    /// The last message, when what was pushed is measured.
    fn end(&self) {
        self.comparator.finish();
        let summary = self.stream.lock().meter.take_interval();
        self.post(ProbeMessage {
            pts: None,
            running_time: None,
            is_final: true,
            summary,
            fidelity: self.comparator.take_interval(),
            total: Some(Nested(self.stats())),
        });
    }

    fn post(&self, message: ProbeMessage) {
        gst::log!(CAT, imp = self, "{message:?}");
        let obj = self.obj();
        if self.settings.lock().info_messages {
            let line = line(&message);
            // gst-launch-1.0 prints the second text of an INFO message only.
            gst::element_imp_info!(self, gst::CoreError::Failed, ("{line}"), ["{line}"]);
        }
        let message = gst::message::Element::builder(message.into()).src(&*obj).build();
        // Fails only without a bus, that is outside of a pipeline.
        let _ = obj.post_message(message);
    }

    pub(super) fn take_reference(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let timing = self.reference.lock().clone();
        if let Some(frame) = timing.frame(&buffer) {
            self.comparator.reference(frame);
        }
        Ok(gst::FlowSuccess::Ok)
    }

    pub(super) fn reference_event(&self, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Caps(caps) => self.reference.lock().set_caps(caps.caps_owned()),
            gst::EventView::Segment(segment) => self.reference.lock().set_segment(segment),
            gst::EventView::FlushStop(_) => {
                self.reference.lock().segment = None;
                self.comparator.reset();
            }
            gst::EventView::Eos(_) => self.comparator.end_reference(),
            _ => (),
        }
        true
    }
}

/// The figures of a message, for people: those of the whole stream at its end.
fn line(message: &ProbeMessage) -> String {
    let total = message.total.as_ref().map(|it| (it.0.summary, it.0.fidelity));
    let (summary, fidelity) = total.unwrap_or((message.summary, message.fidelity));
    let ms = |time: Duration| 1e3 * time.as_secs_f64();
    let mut line = match message.is_final {
        true => "in all: ".to_owned(),
        false => String::new(),
    };
    // Writing to a string cannot fail.
    let _ = write!(
        line,
        "{} frames, {} missed, {:.1} a second",
        summary.frames, summary.misses, summary.fps
    );
    if let Some(Latencies { p50, p99, .. }) = summary.latencies {
        let _ = write!(line, "; latency {:.1} ms median, {:.1} ms p99", ms(p50), ms(p99));
    }
    if let Some(budget) = summary.budget {
        let _ = write!(line, ", budget {:.1} ms", ms(budget.into()));
    }
    let figures = fidelity.iter().flat_map(|it| {
        let names = ["ssim", "psnr-db"].into_iter().chain(FIGURES);
        names.filter_map(|name| it.figure(name).map(|value| (name, value)))
    });
    for (name, value) in figures {
        let _ = write!(line, "; {name} {value:.3}");
    }
    line
}
