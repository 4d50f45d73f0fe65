// SPDX-License-Identifier: MPL-2.0

//! What the element holds, the life of its thread, and what happens to what comes on its pads: frames are timed,
//! stamped and passed on; the reference stream ends here.

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
use crate::elements::{allocation, stamp};
use crate::messages::{ProbeMessage, ProbeStats};

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

    pub(super) fn stats(&self) -> gst::Structure {
        let summary = self.stream.lock().meter.total();
        let (fidelity, window) = self.comparator.total().unzip();
        let (window_psnr_db, window_ssim) = window.flatten().unzip();
        let stats = ProbeStats {
            summary,
            fidelity,
            window_psnr_db,
            window_ssim,
        };
        stats.into()
    }

    pub(super) fn start(&self) -> Result<(), gst::StateChangeError> {
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
        });
    }

    fn post(&self, message: ProbeMessage) {
        gst::log!(CAT, imp = self, "{message:?}");
        let obj = self.obj();
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
