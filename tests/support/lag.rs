// SPDX-License-Identifier: MPL-2.0

//! `avrec-test-lag`: gives back the sound that it gets, later, in pieces, and wrong while it is cold, as it is told.

use std::sync::Mutex;

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use once_cell::sync::Lazy;

#[derive(Debug, Default, Clone, Copy)]
struct Settings {
    /// Samples that it holds back.
    delay: u32,
    /// Samples that it declares as its latency; what it holds back and a hop, if negative.
    declares: i32,
    /// Gives multiples of so many samples; 0 for any number.
    hop: u32,
    /// Gives zeros for so many samples after a discontinuity.
    cold: u32,
    /// Gives nothing at all.
    mute: bool,
    /// Leaves every so manieth buffer out; 0 for none.
    leaves_out: u32,
    offset: f32,
}

#[derive(Debug, Default)]
struct State {
    /// Samples that it has and has not given, and the time stamp of the first.
    held: Vec<f32>,
    time: Option<gst::ClockTime>,
    /// Samples of all channels.
    given: u64,
    heard: u64,
    rate: u64,
    channels: u64,
    buffers: u64,
    discontinuities: u64,
}

#[derive(Default)]
pub struct LagImp {
    settings: Mutex<Settings>,
    state: Mutex<State>,
}

#[glib::object_subclass]
impl ObjectSubclass for LagImp {
    const NAME: &'static str = "AvrecTestLag";
    type Type = Lag;
    type ParentType = gst::Element;

    fn with_class(klass: &Self::Class) -> Self {
        let _ = klass;
        Self::default()
    }
}

impl ObjectImpl for LagImp {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: Lazy<Vec<glib::ParamSpec>> = Lazy::new(|| {
            let number = |name: &str| glib::ParamSpecUInt::builder(name).build();
            vec![
                number("delay"),
                glib::ParamSpecInt::builder("declares").default_value(-1).build(),
                number("hop"),
                number("cold"),
                number("leaves-out"),
                glib::ParamSpecBoolean::builder("mute").build(),
                glib::ParamSpecFloat::builder("offset").minimum(-1.0).build(),
                glib::ParamSpecUInt64::builder("discontinuities")
                    .read_only()
                    .build(),
            ]
        });
        &PROPERTIES
    }

    fn set_property(&self, _id: usize, value: &glib::Value, pspec: &glib::ParamSpec) {
        let mut settings = self.settings.lock().unwrap();
        match pspec.name() {
            "delay" => settings.delay = value.get().unwrap(),
            "declares" => settings.declares = value.get().unwrap(),
            "hop" => settings.hop = value.get().unwrap(),
            "cold" => settings.cold = value.get().unwrap(),
            "leaves-out" => settings.leaves_out = value.get().unwrap(),
            "mute" => settings.mute = value.get().unwrap(),
            _ => settings.offset = value.get().unwrap(),
        }
    }

    fn property(&self, _id: usize, _pspec: &glib::ParamSpec) -> glib::Value {
        self.state.lock().unwrap().discontinuities.to_value()
    }

    fn constructed(&self) {
        self.parent_constructed();
        self.settings.lock().unwrap().declares = -1;
        let [sink, src] = Self::pad_templates() else {
            unreachable!()
        };
        let sink = gst::Pad::builder_from_template(sink)
            .chain_function(|_, parent, buffer| {
                let element = parent.unwrap().downcast_ref::<Lag>().unwrap();
                element.imp().chain(buffer)
            })
            .event_function(|_, parent, event| {
                let element = parent.unwrap().downcast_ref::<Lag>().unwrap();
                element.imp().event(event)
            })
            .build();
        let src = gst::Pad::builder_from_template(src)
            .query_function(|pad, parent, query| {
                let element = parent.unwrap().downcast_ref::<Lag>().unwrap();
                if !gst::Pad::query_default(pad, parent, query) {
                    return false;
                }
                if let gst::QueryViewMut::Latency(query) = query.view_mut() {
                    let settings = *element.imp().settings.lock().unwrap();
                    let samples = u64::try_from(settings.declares)
                        .unwrap_or(u64::from(settings.delay) + u64::from(settings.hop));
                    let rate = element.imp().state.lock().unwrap().rate.max(1);
                    let own = gst::ClockTime::SECOND.mul_div_ceil(samples, rate).unwrap();
                    let (live, min, max) = query.result();
                    query.set(live, min + own, max);
                }
                true
            })
            .build();
        self.obj().add_pad(&sink).unwrap();
        self.obj().add_pad(&src).unwrap();
    }
}

impl GstObjectImpl for LagImp {}

impl ElementImpl for LagImp {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: Lazy<gst::subclass::ElementMetadata> = Lazy::new(|| {
            gst::subclass::ElementMetadata::new("Lag", "Test", "Gives sound back later", "avrec")
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: Lazy<Vec<gst::PadTemplate>> = Lazy::new(|| {
            let caps = gst::Caps::builder("audio/x-raw")
                .field("format", "F32LE")
                .field("layout", "interleaved")
                .field("rate", gst::IntRange::new(1, i32::MAX))
                .field("channels", gst::IntRange::new(1, i32::MAX))
                .build();
            let always = gst::PadPresence::Always;
            let template = |name, direction| gst::PadTemplate::new(name, direction, always, &caps).unwrap();
            vec![
                template("sink", gst::PadDirection::Sink),
                template("src", gst::PadDirection::Src),
            ]
        });
        &TEMPLATES
    }
}

impl LagImp {
    fn chain(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let settings = *self.settings.lock().unwrap();
        let out = {
            let mut state = self.state.lock().unwrap();
            if buffer.flags().contains(gst::BufferFlags::DISCONT) {
                state.reset();
                state.discontinuities += 1;
            }
            state.buffers += 1;
            if state.time.is_none() {
                state.time = buffer.pts();
            }
            let channels = state.channels;
            for (index, bytes) in (0..).zip(buffer.map_readable().unwrap().chunks_exact(4)) {
                let value = f32::from_le_bytes(bytes.try_into().unwrap());
                let is_cold = state.heard + index / channels < u64::from(settings.cold);
                let value = if is_cold { 0.0 } else { value + settings.offset };
                state.held.push(value);
            }
            state.heard += buffer.size() as u64 / 4 / channels;
            let held = state.held.len() / channels as usize;
            let ready = held.saturating_sub(settings.delay as usize);
            let ready = match settings.hop {
                0 => ready,
                hop => ready / hop as usize * hop as usize,
            };
            let is_left_out =
                0 < settings.leaves_out && state.buffers.is_multiple_of(u64::from(settings.leaves_out));
            let out = state.take(ready);
            out.filter(|_| !settings.mute && !is_left_out)
        };
        match out {
            Some(out) => self.obj().static_pad("src").unwrap().push(out),
            None => Ok(gst::FlowSuccess::Ok),
        }
    }

    fn event(&self, event: gst::Event) -> bool {
        let src = self.obj().static_pad("src").unwrap();
        match event.type_() {
            gst::EventType::Eos => {
                let rest = {
                    let mut state = self.state.lock().unwrap();
                    let all = state.held.len() / state.channels.max(1) as usize;
                    state.take(all)
                };
                let is_mute = self.settings.lock().unwrap().mute;
                if let Some(rest) = rest.filter(|_| !is_mute) {
                    let _ = src.push(rest);
                }
            }
            gst::EventType::Caps => {
                let caps = match event.view() {
                    gst::EventView::Caps(caps) => caps.caps_owned(),
                    _ => unreachable!(),
                };
                let number = |name| caps.structure(0).unwrap().get::<i32>(name).unwrap() as u64;
                let mut state = self.state.lock().unwrap();
                (state.rate, state.channels) = (number("rate"), number("channels"));
            }
            gst::EventType::FlushStop => self.state.lock().unwrap().reset(),
            _ => {}
        }
        src.push_event(event)
    }
}

impl State {
    /// Forgets the stream.
    fn reset(&mut self) {
        *self = State {
            buffers: self.buffers,
            discontinuities: self.discontinuities,
            rate: self.rate,
            channels: self.channels,
            ..State::default()
        };
    }

    /// The first samples, with the time stamp of what they are made from.
    fn take(&mut self, samples: usize) -> Option<gst::Buffer> {
        if samples == 0 {
            return None;
        }
        let values = samples * self.channels as usize;
        let bytes: Vec<u8> = self.held.drain(..values).flat_map(f32::to_le_bytes).collect();
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        let writable = buffer.get_mut().unwrap();
        let since = gst::ClockTime::SECOND
            .mul_div_floor(self.given, self.rate)
            .unwrap();
        // Below zero time stamps are numbers near 2^64, and go round there as they do in C.
        let time = self.time.map(|it| it.nseconds().wrapping_add(since.nseconds()));
        writable.set_pts(time.map(gst::ClockTime::from_nseconds));
        self.given += samples as u64;
        Some(buffer)
    }
}

glib::wrapper! {
    pub struct Lag(ObjectSubclass<LagImp>) @extends gst::Element, gst::Object;
}

/// Makes the element known to launch lines.
pub fn register() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        gst::Element::register(None, "avrec-test-lag", gst::Rank::NONE, Lag::static_type()).unwrap();
    });
}
