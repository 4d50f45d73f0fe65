// SPDX-License-Identifier: MPL-2.0

//! Where the stream is looked at: the pad out of which the answers come.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use gst::prelude::*;
use gstavrec::messages::{Frame, Swap};
use parking_lot::Mutex;

use super::listen::Listener;
use super::moments::{Moment, Moments};
use super::picture::Picture;
use super::shown::Shown;
use crate::launch::Launched;

/// Frames that may wait for their picture.
const WAITING: usize = 4;

/// Lower than that of the stream's threads, so that a busy machine works for them.
const NICE: i32 = 10;

/// A frame to be shown.
type Taken = (gst::Buffer, gst::Caps, Moment);

/// Pieces of sound that several streams have together: one takes as much of a page as all pictures of a stream.
const CLIPS: usize = 2;

/// What is said of what leaves a pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// A switch says of each frame who answers.
    EachFrame,
    Nothing,
}

/// Looks at what leaves one pad until it is finished.
struct Tap {
    pad: gst::Pad,
    probe: Option<gst::PadProbeId>,
    view: Arc<Mutex<View>>,
    maker: JoinHandle<Vec<Picture>>,
}

/// What the streaming thread knows.
struct View {
    moments: Moments,
    told: Told,
    /// The frame that leaves next is to be shown.
    next: Option<Moment>,
    /// `None` once the tap is finished.
    frames: Option<SyncSender<Taken>>,
    /// Some microseconds for each buffer of sound, less than to pass it on.
    listener: Option<Listener>,
}

impl View {
    /// A switch speaks of a frame on the thread that is about to push it.
    fn told(&mut self, structure: &gst::StructureRef) {
        if structure.name() == Frame::NAME
            && let Ok(frame) = Frame::try_from(structure)
        {
            self.next = self.moments.of_frame(&frame);
        } else if structure.name() == Swap::NAME
            && let Some(listener) = &mut self.listener
            && let Ok(swap) = Swap::try_from(structure)
            && !swap.from.is_empty()
        {
            listener.mark(format!("{} gives way to {}", swap.from, swap.to));
        }
    }

    fn left(&mut self, pad: &gst::Pad, buffer: &gst::Buffer) {
        let Some(caps) = pad.current_caps() else { return };
        let is_readable = caps
            .features(0)
            .is_none_or(|it| it.is_any() || it.contains(gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY));
        match caps.structure(0).map(|it| it.name().as_str()) {
            Some("audio/x-raw") => {
                let listener = self.listener.take().or_else(|| Listener::new(&caps));
                self.listener = listener.map(|mut it| {
                    it.hear(buffer, &caps);
                    it
                });
            }
            Some("video/x-raw") if is_readable => {
                let moment = match self.told {
                    Told::EachFrame => self.next.take(),
                    Told::Nothing => self.moments.of_time(gst::get_timestamp().into()),
                };
                if let Some((moment, frames)) = moment.zip(self.frames.as_ref()) {
                    // One that would have to wait is left out.
                    let _ = frames.try_send((buffer.clone(), caps, moment));
                }
            }
            _ => {}
        }
    }
}

/// One tap a stream, and one listener for all: a bus has no more.
pub struct Taps {
    bus: Option<gst::Bus>,
    /// `None` where there is nothing to look at.
    taps: Vec<Option<Tap>>,
}

impl Taps {
    /// Looks at what leaves each switch, else the main probe, else the first model.
    pub fn new(launched: &Launched) -> Taps {
        let bus = launched.pipeline.bus();
        let streams = launched.switches.len();
        let taps: Vec<Option<Tap>> = match launched.switches.as_slice() {
            [] => {
                let element = launched.main_probe().or(launched.models.first());
                vec![element.and_then(|it| Tap::new(it, Told::Nothing, 1))]
            }
            switches => {
                let taps = switches.iter().map(|it| Tap::new(it, Told::EachFrame, streams));
                taps.collect()
            }
        };
        let views = launched.switches.iter().zip(&taps);
        let views = views.filter_map(|(switch, tap)| Some((switch.downgrade(), tap.as_ref()?.view.clone())));
        if let Some(bus) = bus.as_ref().filter(|_| 0 < streams) {
            listen(bus, views.collect());
        }
        Taps { bus, taps }
    }

    /// Stops looking, and returns what was seen of each stream.
    pub fn finish(self) -> Vec<Shown> {
        if let Some(bus) = &self.bus {
            bus.unset_sync_handler();
        }
        let several = 1 < self.taps.len();
        let mut clips = 0;
        let shown = self.taps.into_iter().map(|tap| {
            let mut shown = tap.map(Tap::finish).unwrap_or_default();
            if let Some(sound) = shown.sound.as_mut().filter(|_| several) {
                sound.clips.truncate(CLIPS - clips);
                clips += sound.clips.len();
            }
            shown
        });
        shown.collect()
    }
}

impl Tap {
    /// Looks at what leaves `element`, one of `streams`.
    fn new(element: &gst::Element, told: Told, streams: usize) -> Option<Tap> {
        let pad = element.static_pad("src")?;
        let (sender, receiver) = sync_channel(WAITING);
        let maker = std::thread::Builder::new()
            .name("avrec-shown".to_string())
            .spawn(move || make(&receiver))
            .ok()?;
        let view = Arc::new(Mutex::new(View {
            moments: Moments::one_of(streams),
            told,
            next: None,
            frames: Some(sender),
            listener: None,
        }));
        let seen = view.clone();
        let probe = pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if let Some(buffer) = info.buffer() {
                seen.lock().left(pad, buffer);
            }
            gst::PadProbeReturn::Ok
        });
        Some(Tap {
            pad,
            probe,
            view,
            maker,
        })
    }

    fn finish(self) -> Shown {
        if let Some(probe) = self.probe {
            self.pad.remove_probe(probe);
        }
        let listener = {
            let mut view = self.view.lock();
            view.frames = None;
            view.listener.take()
        };
        Shown {
            // Where the maker panicked, the report does without.
            pictures: self.maker.join().unwrap_or_default(),
            sound: listener.and_then(Listener::finish),
        }
    }
}

/// Hears what the switches say where they say it, so that it is known which buffer is meant.
fn listen(bus: &gst::Bus, views: Vec<(gst::glib::WeakRef<gst::Element>, Arc<Mutex<View>>)>) {
    bus.set_sync_handler(move |_, message| {
        let is_from = |switch: &gst::glib::WeakRef<gst::Element>| {
            let switch = switch.upgrade();
            switch.is_some_and(|it| message.src() == Some(it.upcast_ref()))
        };
        if message.type_() == gst::MessageType::Element
            && let Some(structure) = message.structure()
            && let Some((_, view)) = views.iter().find(|(switch, _)| is_from(switch))
        {
            view.lock().told(structure);
        }
        gst::BusSyncReply::Pass
    });
}

/// Makes pictures of the frames that come, until no more will.
fn make(frames: &Receiver<Taken>) -> Vec<Picture> {
    // Of this thread alone. Where it may not be, the thread works as any other.
    let _ = rustix::process::setpriority_process(None, NICE);
    let pictures = frames
        .iter()
        .filter_map(|(buffer, caps, moment)| Picture::of(&buffer, &caps, moment));
    pictures.collect()
}
