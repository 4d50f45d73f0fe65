// SPDX-License-Identifier: MPL-2.0

//! A candidate that runs outside of any stream: buffers are pushed into its sink pad, and what comes out of its source
//! pad is an answer.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use gst::prelude::*;
use gstavrec::elements::property_text;
use gstavrec::messages::InferStats;

use super::wire::{Item, Source};

/// How long a candidate may take to start, and to give its answer once the stream has ended.
const PATIENCE: Duration = Duration::from_secs(120);

/// What came out of a candidate.
pub enum Arrival {
    Buffer {
        at: Instant,
        buffer: gst::Buffer,
        caps: gst::Caps,
    },
    Eos,
}

/// A candidate, and the pads before and behind it.
pub struct Host {
    pipeline: gst::Pipeline,
    candidate: gst::Element,
    entry: gst::Pad,
    /// Links end with their pads.
    _exit: gst::Pad,
    arrivals: Receiver<Arrival>,
    caps: Option<gst::Caps>,
    /// The first error that was posted.
    error: Option<String>,
    notes: Vec<String>,
    told: BTreeSet<String>,
}

/// What came of an item.
pub struct Pass {
    /// What was pushed.
    pub pushed: Vec<gst::Buffer>,
    /// What came out: when, counted from the push of the buffer of the same number, the buffer and its caps.
    pub answers: Vec<(Duration, gst::Buffer, gst::Caps)>,
}

impl Host {
    /// Makes the candidate and starts it.
    pub fn new(source: &Source) -> Result<Host, String> {
        let candidate = element(source)?;
        let pipeline = gst::Pipeline::new();
        pipeline.add(&candidate).map_err(|err| err.to_string())?;
        let (sink, src) = match (&candidate.sink_pads()[..], &candidate.src_pads()[..]) {
            ([sink], [src]) => (sink.clone(), src.clone()),
            (sinks, sources) => {
                return Err(format!(
                    "it has {} sink pads and {} source pads; a candidate has one of each",
                    sinks.len(),
                    sources.len()
                ));
            }
        };
        let (sender, arrivals) = channel();
        let (entry, exit) = (entry(), exit(sender));
        entry.link(&sink).map_err(|err| format!("its sink pad: {err}"))?;
        src.link(&exit).map_err(|err| format!("its source pad: {err}"))?;
        for pad in [&exit, &entry] {
            pad.set_active(true).map_err(|err| err.to_string())?;
        }
        let mut host = Host {
            pipeline,
            candidate,
            entry,
            _exit: exit,
            arrivals,
            caps: None,
            error: None,
            notes: Vec::new(),
            told: BTreeSet::new(),
        };
        let started = host.pipeline.set_state(gst::State::Playing);
        let started = started.and_then(|_| host.pipeline.state(clock_time(PATIENCE)).0);
        started.map_err(|err| host.error().unwrap_or_else(|| err.to_string()))?;
        if matches!(source, Source::Model { .. }) {
            host.await_model()?;
        }
        let model = host.stats().and_then(|it| it.model);
        host.note(model.map_or(String::new(), |it| it.loaded.assumed));
        host.entry.push_event(gst::event::StreamStart::new("rank"));
        Ok(host)
    }

    fn await_model(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while self.stats().is_none_or(|it| it.model.is_none()) {
            if let Some(cause) = self.error() {
                return Err(cause);
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return Err(format!("it was not loaded within {} s", PATIENCE.as_secs()));
            };
            let step = clock_time(left.min(Duration::from_millis(20)));
            let message = self.pipeline.bus().and_then(|it| it.timed_pop(step));
            message.iter().for_each(|it| self.hear(it));
        }
        Ok(())
    }

    /// Whether it takes sound.
    pub fn listens(&self) -> bool {
        let takes = self.entry.peer_query_caps(None);
        let first = takes.structure(0);
        first.is_some_and(|it| it.name().starts_with("audio/"))
    }

    /// Runs on one item, as on the beginning of a stream; `bytes` are those of its buffers.
    pub fn run(&mut self, item: &Item, bytes: &[u8]) -> Result<Pass, String> {
        let caps: gst::Caps = item
            .caps
            .parse()
            .map_err(|_| format!("`{}` is no caps", item.caps))?;
        self.begin(&caps)?;
        let mut pass = Pass {
            pushed: Vec::new(),
            answers: Vec::new(),
        };
        let (mut rest, mut since, mut is_drained) = (bytes, Vec::new(), false);
        for piece in &item.buffers {
            let Some((own, more)) = rest.split_at_checked(piece.bytes) else {
                return Err("an item has fewer bytes than its buffers".into());
            };
            rest = more;
            let mut buffer = gst::Buffer::from_slice(own.to_vec());
            if let Some(buffer) = buffer.get_mut() {
                buffer.set_pts(gst::ClockTime::from_nseconds(piece.pts_ns));
                buffer.set_duration(gst::ClockTime::from_nseconds(piece.duration_ns));
            }
            pass.pushed.push(buffer.copy());
            since.push(Instant::now());
            if let Err(flow) = self.entry.push(buffer) {
                return Err(self
                    .error()
                    .unwrap_or_else(|| format!("it refused a buffer: {flow}")));
            }
            while let Ok(arrival) = self.arrivals.try_recv() {
                is_drained |= take(&mut pass, &since, arrival);
            }
        }
        // What an element has kept back comes at the end of the stream.
        if pass.answers.len() < pass.pushed.len() || 1 < pass.pushed.len() {
            self.entry.push_event(gst::event::Eos::new());
            let deadline = Instant::now() + PATIENCE;
            while !is_drained {
                let left = deadline.saturating_duration_since(Instant::now());
                let arrival = self.arrivals.recv_timeout(left.min(Duration::from_millis(200)));
                match arrival {
                    Ok(arrival) => is_drained = take(&mut pass, &since, arrival),
                    Err(_) => match self.error() {
                        Some(cause) => return Err(cause),
                        None if left.is_zero() => {
                            let seconds = PATIENCE.as_secs();
                            return Err(format!("it gave no answer within {seconds} s"));
                        }
                        None => {}
                    },
                }
            }
        }
        match self.error() {
            Some(cause) => Err(cause),
            None => Ok(pass),
        }
    }

    /// Begins a stream anew, so that nothing is left of the item before.
    fn begin(&mut self, caps: &gst::Caps) -> Result<(), String> {
        if self.caps.is_some() {
            self.entry.push_event(gst::event::FlushStart::new());
            self.entry.push_event(gst::event::FlushStop::new(true));
            while self.arrivals.try_recv().is_ok() {}
        }
        let is_new = self.caps.as_ref() != Some(caps);
        if is_new && !self.entry.push_event(gst::event::Caps::new(caps)) {
            return Err(self.error().unwrap_or_else(|| format!("it does not take {caps}")));
        }
        self.caps = Some(caps.clone());
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        self.entry.push_event(gst::event::Segment::new(&segment));
        Ok(())
    }

    /// The error that was posted, if one was.
    fn error(&mut self) -> Option<String> {
        self.listen();
        self.error.clone()
    }

    fn note(&mut self, text: String) {
        if !text.is_empty() && self.told.insert(text.clone()) {
            self.notes.push(text);
        }
    }

    /// What was assumed of the model, and warnings; each is told once.
    pub fn notes(&mut self) -> Vec<String> {
        self.listen();
        std::mem::take(&mut self.notes)
    }

    fn listen(&mut self) {
        let bus = self.pipeline.bus();
        while let Some(message) = bus.as_ref().and_then(gst::Bus::pop) {
            self.hear(&message);
        }
    }

    fn hear(&mut self, message: &gst::Message) {
        match message.view() {
            gst::MessageView::Error(error) => {
                self.error.get_or_insert(error.error().message().to_string());
            }
            gst::MessageView::Warning(warning) => {
                self.note(warning.error().message().to_string());
            }
            _ => {}
        }
    }

    /// What `avrec-infer` tells of itself; `None` for any other element.
    pub fn stats(&self) -> Option<InferStats> {
        self.candidate.find_property("stats")?;
        let stats = self
            .candidate
            .property_value("stats")
            .get::<gst::Structure>()
            .ok()?;
        InferStats::try_from(stats.as_ref()).ok()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Notes what came out; says whether that was the end.
fn take(pass: &mut Pass, since: &[Instant], arrival: Arrival) -> bool {
    match arrival {
        Arrival::Buffer { at, buffer, caps } => {
            let begun = since.get(pass.answers.len()).or(since.last());
            let latency = begun.map_or(Duration::ZERO, |it| at.saturating_duration_since(*it));
            pass.answers.push((latency, buffer, caps));
            false
        }
        Arrival::Eos => true,
    }
}

fn element(source: &Source) -> Result<gst::Element, String> {
    match source {
        Source::Element(fragment) => {
            let bin = gst::parse::bin_from_description(fragment, true)
                .map_err(|error| format!("`{fragment}` is no launch fragment: {}", error.message()))?;
            Ok(bin.upcast())
        }
        Source::Model { path, properties } => {
            let element = gst::ElementFactory::make("avrec-infer").name("model").build();
            let element = element.map_err(|error| error.to_string())?;
            property_text::set(&element, "model-file", &path.to_string_lossy())?;
            for (name, value) in properties {
                property_text::set(&element, name, value)?;
            }
            Ok(element)
        }
    }
}

/// A pad of any caps: one without a template takes, once it has some, only those again.
fn anything(direction: gst::PadDirection) -> gst::PadBuilder<gst::Pad> {
    let any = gst::Caps::new_any();
    match gst::PadTemplate::new("any", direction, gst::PadPresence::Always, &any) {
        Ok(template) => gst::Pad::builder_from_template(&template),
        Err(_) => gst::Pad::builder(direction),
    }
}

/// The pad that buffers are pushed from.
fn entry() -> gst::Pad {
    anything(gst::PadDirection::Src)
        .query_function(|pad, parent, query| match query.view_mut() {
            gst::QueryViewMut::Latency(latency) => {
                latency.set(false, gst::ClockTime::ZERO, gst::ClockTime::NONE);
                true
            }
            _ => gst::Pad::query_default(pad, parent, query),
        })
        .build()
}

/// The pad that answers arrive at.
fn exit(sender: Sender<Arrival>) -> gst::Pad {
    let events = sender.clone();
    anything(gst::PadDirection::Sink)
        .chain_function(move |pad, _, buffer| {
            let caps = pad.current_caps().ok_or(gst::FlowError::NotNegotiated)?;
            let at = Instant::now();
            // The other side goes only with this pad.
            let _ = sender.send(Arrival::Buffer { at, buffer, caps });
            Ok(gst::FlowSuccess::Ok)
        })
        .event_function(move |pad, parent, event| {
            if event.type_() == gst::EventType::Eos {
                let _ = events.send(Arrival::Eos);
            }
            gst::Pad::event_default(pad, parent, event)
        })
        .build()
}

fn clock_time(duration: Duration) -> gst::ClockTime {
    gst::ClockTime::try_from(duration).unwrap_or(gst::ClockTime::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_may_have_other_caps_than_the_one_before() {
        gst::init().unwrap();
        let (sender, _arrivals) = channel();
        let (entry, exit) = (entry(), exit(sender));
        entry.link(&exit).unwrap();
        for pad in [&exit, &entry] {
            pad.set_active(true).unwrap();
        }
        let caps = |format: &str| -> gst::Caps {
            let caps = format!("video/x-raw,format={format},width=64,height=32,framerate=25/1");
            caps.parse().unwrap()
        };
        entry.push_event(gst::event::StreamStart::new("rank"));
        assert!(entry.push_event(gst::event::Caps::new(&caps("I420"))));
        // As a base class asks before it answers in other caps.
        assert!(entry.peer_query_accept_caps(&caps("RGB")));
    }
}
