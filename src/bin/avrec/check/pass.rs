// SPDX-License-Identifier: MPL-2.0

//! One pass of some material through `avrec-infer`, and all that it said meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gst::prelude::*;
use gstavrec::elements::property_text;
use gstavrec::machine::memory;
use gstavrec::messages::{InferStats, Loaded, Message, ModelAnswer, Tensors};
use parking_lot::Mutex;

use super::answers;
use super::material::{Kind, Material};
use crate::failure::Failure;

/// Which model, and the properties that are set.
pub struct Request<'a> {
    pub model: &'a Path,
    pub settings: Vec<(String, String)>,
}

impl Request<'_> {
    /// The same with further properties, which count before those that were set.
    pub fn with(&self, more: &[(String, String)]) -> Request<'_> {
        let said = |name: &str| more.iter().any(|(other, _)| other == name);
        let kept = self.settings.iter().filter(|(name, _)| !said(name));
        Request {
            model: self.model,
            settings: kept.chain(more).cloned().collect(),
        }
    }

    fn element(&self) -> Result<gst::Element, Failure> {
        let element = gst::ElementFactory::make("avrec-infer")
            .name("model")
            .build()
            .map_err(|err| Failure::Pipeline(err.to_string()))?;
        let model = self.model.to_string_lossy();
        property_text::set(&element, "model-file", &model).map_err(Failure::Usage)?;
        property_text::set(&element, "post-messages", "true").map_err(Failure::Usage)?;
        for (name, value) in &self.settings {
            property_text::set(&element, name, value)
                .map_err(|err| Failure::Usage(format!("--set: {err}{}", meant(&element, name))))?;
        }
        Ok(element)
    }
}

/// How alike a property's name must be to one that does not exist to be meant, 0 to 1.
const ALIKE: f64 = 0.8;

/// Asks for the property that is spelled almost like one that does not exist.
fn meant(element: &gst::Element, name: &str) -> String {
    if element.find_property(name).is_some() {
        return String::new();
    }
    let known = element.list_properties();
    let alike = known
        .iter()
        .map(|it| (strsim::jaro_winkler(it.name(), name), it.name()));
    let nearest = alike.max_by(|one, other| one.0.total_cmp(&other.0));
    let nearest = nearest.filter(|it| ALIKE <= it.0);
    nearest.map_or(String::new(), |it| format!("; did you mean {}?", it.1))
}

/// What was said and given during a pass.
#[derive(Default, Clone)]
pub struct Pass {
    pub answers: Vec<ModelAnswer>,
    pub tensors: Vec<Tensors>,
    /// Warnings of the element, each once.
    pub notes: Vec<String>,
    /// The frame that left with the most certain answer.
    pub frame: Option<gst::Sample>,
    pub stats: Option<InferStats>,
    /// Bytes of this process while the model was loaded.
    pub resident: Option<u64>,
    loaded: Option<Loaded>,
    /// How certain the answer of `frame` is, and that of the frame that is on its way.
    certainty: (f64, f64),
}

/// Loads the model, and says what it was taken for, what it looks at or listens to, and what was warned of.
pub fn load(request: &Request, patience: Duration) -> Result<(Loaded, Kind, Vec<String>), Failure> {
    let element = request.element()?;
    let pipeline = gst::Pipeline::new();
    let added = pipeline.add(&element);
    added.map_err(|err| Failure::Pipeline(err.to_string()))?;
    let seen = listen(&pipeline);
    let started = pipeline.set_state(gst::State::Paused);
    let ended = wait(&pipeline, patience, |message| {
        matches!(message, Message::ModelLoaded(_))
    });
    let pad = element.static_pad("sink");
    let takes = pad.map(|pad| pad.query_caps(None));
    let _ = pipeline.set_state(gst::State::Null);
    ended?;
    started.map_err(|err| Failure::Pipeline(err.to_string()))?;
    let kind = match takes.as_ref().and_then(|caps| caps.structure(0)) {
        Some(first) if first.has_name("audio/x-raw") => Kind::Sound,
        _ => Kind::Picture,
    };
    let mut seen = seen.lock();
    let loaded = seen.loaded.take();
    let loaded = loaded.ok_or_else(|| Failure::Pipeline("the model was not loaded".to_string()))?;
    Ok((loaded, kind, std::mem::take(&mut seen.notes)))
}

/// Runs the model on the first `frames` of the material.
pub fn run(request: &Request, material: &Material, frames: u32, patience: Duration) -> Result<Pass, Failure> {
    let element = request.element()?;
    let sink = gst::ElementFactory::make("fakesink")
        .property("sync", false)
        .build()
        .map_err(|err| Failure::Pipeline(err.to_string()))?;
    let pipeline = gst::Pipeline::new();
    let source = material.source(frames)?;
    let linked = pipeline
        .add_many([source.upcast_ref(), &element, &sink])
        .and_then(|()| gst::Element::link_many([source.upcast_ref(), &element, &sink]));
    linked.map_err(|err| Failure::Pipeline(err.to_string()))?;
    let seen = listen(&pipeline);
    keep_best_frame(&sink, &seen);
    let started = pipeline.set_state(gst::State::Playing);
    let ended = wait(&pipeline, patience, |_| false);
    let missing = ended.as_ref().err().and_then(|_| material.missing(&source));
    let stats = element.property::<gst::Structure>("stats");
    seen.lock().stats = InferStats::try_from(stats.as_ref()).ok();
    memory::give_back();
    seen.lock().resident = memory::resident();
    let _ = pipeline.set_state(gst::State::Null);
    if let Some(missing) = missing {
        return Err(Failure::Usage(missing));
    }
    ended?;
    started.map_err(|err| Failure::Pipeline(err.to_string()))?;
    let pass = seen.lock().clone();
    Ok(pass)
}

/// Collects messages where they are posted, since that thread goes on with the frame that they are about.
fn listen(pipeline: &gst::Pipeline) -> Arc<Mutex<Pass>> {
    let seen = Arc::new(Mutex::new(Pass::default()));
    let (Some(bus), ours) = (pipeline.bus(), seen.clone()) else {
        return seen;
    };
    bus.set_sync_handler(move |_, message| {
        let mut seen = ours.lock();
        match message.view() {
            gst::MessageView::Element(element) => match element.structure().map(Message::try_from) {
                Some(Ok(Message::ModelLoaded(it))) => seen.loaded = Some(it.model),
                Some(Ok(Message::Answer(answer))) => {
                    seen.certainty.1 = answers::certainty(&answer.said);
                    seen.answers.push(answer);
                }
                Some(Ok(Message::Tensors(tensors))) => seen.tensors.push(tensors),
                _ => {}
            },
            gst::MessageView::Warning(warning) => {
                let note = warning.error().message().to_string();
                if !seen.notes.contains(&note) {
                    seen.notes.push(note);
                }
            }
            _ => {}
        }
        gst::BusSyncReply::Pass
    });
    seen
}

/// Keeps the frame whose answer is the most certain one; of equal ones the first.
fn keep_best_frame(sink: &gst::Element, seen: &Arc<Mutex<Pass>>) {
    let Some(pad) = sink.static_pad("sink") else {
        return;
    };
    let seen = seen.clone();
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let mut seen = seen.lock();
        let is_better = seen.frame.is_none() || seen.certainty.0 < seen.certainty.1;
        if let (true, Some(buffer), Some(caps)) = (is_better, info.buffer(), pad.current_caps()) {
            seen.certainty.0 = seen.certainty.1;
            seen.frame = Some(gst::Sample::builder().buffer(buffer).caps(&caps).build());
        }
        gst::PadProbeReturn::Ok
    });
}

/// Waits for the end of the stream or what `is_enough`; an error, or silence for so long, is a failure.
fn wait(
    pipeline: &gst::Pipeline,
    patience: Duration,
    is_enough: impl Fn(&Message) -> bool,
) -> Result<(), Failure> {
    let Some(bus) = pipeline.bus() else { return Ok(()) };
    let mut deadline = Instant::now() + patience;
    while let Some(left) = deadline.checked_duration_since(Instant::now()) {
        let left = gst::ClockTime::try_from(left).unwrap_or(gst::ClockTime::SECOND);
        let Some(message) = bus.timed_pop(left) else {
            continue;
        };
        match message.view() {
            gst::MessageView::Eos(_) => return Ok(()),
            gst::MessageView::Error(error) => {
                return Err(Failure::Pipeline(describe(error)));
            }
            gst::MessageView::Element(element) => {
                deadline = Instant::now() + patience;
                let known = element.structure().and_then(|it| Message::try_from(it).ok());
                if known.as_ref().is_some_and(&is_enough) {
                    return Ok(());
                }
            }
            _ => {}
        }
    }
    let seconds = patience.as_secs();
    Err(Failure::Pipeline(format!(
        "nothing happened for {seconds} s; the model may take that long for one run, or never end"
    )))
}

/// An error as it was told, with the last line of what a stock element says besides: the first is often empty words.
fn describe(error: &gst::message::Error) -> String {
    let text = error.error().message().to_string();
    let is_ours = error.src().is_some_and(|it| it.name() == "model");
    let debug = error.debug();
    match debug.as_deref().and_then(|it| it.lines().last()) {
        Some(detail) if !is_ours => format!("{text} {detail}"),
        _ => text,
    }
}
