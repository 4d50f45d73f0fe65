// SPDX-License-Identifier: MPL-2.0

//! A switch in a harness, and candidates whose behavior a test scripts.

use std::sync::mpsc;
use std::time::Duration;

use gst::prelude::*;

use super::init;

pub const SMALL: &str = "video/x-raw,format=I420,width=64,height=36,framerate=25/1";

/// A switch in a harness, with a bus of its own.
pub struct Rig {
    pub harness: gst_check::Harness,
    pub switch: gst::Element,
    pub bus: gst::Bus,
    frames: u64,
}

impl Rig {
    /// `children` is what would stand between `avrec-switch.(` and `)`.
    pub fn new(properties: &str, children: &str) -> Rig {
        let rig = Rig::unstarted(properties, children);
        rig.start(SMALL)
    }

    pub fn unstarted(properties: &str, children: &str) -> Rig {
        init();
        // What else runs on the machine is no part of a test.
        let properties = format!("name=s frame-messages=true sense-machine=false {properties}");
        // The parser refuses an empty bin.
        let line = match children {
            "" => format!("avrec-switch {properties}"),
            _ => format!("avrec-switch.( {properties} {children} )"),
        };
        let bin = gst::parse::bin_from_description(&line, false).unwrap();
        let switch = bin.by_name("s").unwrap();
        bin.remove(&switch).unwrap();
        let bus = gst::Bus::new();
        switch.set_bus(Some(&bus));
        let harness = gst_check::Harness::with_element(&switch, None, None);
        Rig {
            harness,
            switch,
            bus,
            frames: 0,
        }
    }

    pub fn start(mut self, caps: &str) -> Rig {
        self.play(caps);
        self
    }

    pub fn play(&mut self, caps: &str) {
        self.harness
            .add_element_src_pad(&self.switch.static_pad("src").unwrap());
        self.harness
            .add_element_sink_pad(&self.switch.static_pad("sink").unwrap());
        self.harness.play();
        self.harness.set_src_caps_str(caps);
    }

    pub fn candidate(&self, name: &str) -> gst::Element {
        self.switch
            .downcast_ref::<gst::Bin>()
            .unwrap()
            .by_name(name)
            .unwrap()
    }

    /// Holds every frame that reaches the candidate until the returned gate lets it go.
    pub fn gate(&self, name: &str) -> Gate {
        Gate::on(&self.candidate(name))
    }

    /// The next frame of a 25 frames a second stream, with a pattern that changes.
    pub fn frame(&mut self) -> gst::Buffer {
        let number = self.frames;
        self.frames += 1;
        frame(number, 64 * 36 * 3 / 2)
    }

    pub fn push(&mut self) -> Result<gst::FlowSuccess, gst::FlowError> {
        let frame = self.frame();
        self.harness.push(frame)
    }

    pub fn pull(&mut self) -> gst::Buffer {
        let pulled = self.harness.try_pull();
        pulled.unwrap_or_else(|| panic!("a frame comes out: {:#?}", self.stats()))
    }

    /// Pushes one frame and pulls its answer.
    pub fn pass(&mut self) -> gst::Buffer {
        self.push().unwrap();
        self.pull()
    }

    /// Passes frames until `is_done`, as fast as they go.
    #[track_caller]
    pub fn pass_until(&mut self, what: &str, mut is_done: impl FnMut(&mut Rig) -> bool) {
        let end = std::time::Instant::now() + Duration::from_secs(60);
        while !is_done(self) {
            assert!(std::time::Instant::now() < end, "not within a minute: {what}");
            self.pass();
        }
    }

    /// Passes frames until all the named candidates are warm.
    pub fn warm_up(&mut self, names: &[&str]) {
        self.pass_until("warm", |rig| names.iter().all(|it| rig.state_of(it) == "ready"));
    }

    pub fn pin(&self, name: &str) {
        self.switch.set_property("active-candidate", name);
    }

    pub fn active(&self) -> String {
        self.switch.property("active-candidate")
    }

    pub fn stats(&self) -> gst::Structure {
        self.switch.property("stats")
    }

    pub fn candidate_stats(&self, name: &str) -> Option<gst::Structure> {
        let stats = self.stats();
        let candidates = stats.get::<gst::Array>("candidates").unwrap();
        let mut all = candidates.iter().map(|it| it.get::<gst::Structure>().unwrap());
        all.find(|it| it.get::<&str>("name") == Ok(name))
    }

    pub fn state_of(&self, name: &str) -> String {
        self.candidate_stats(name)
            .map_or("absent".into(), |it| it.get("state").unwrap())
    }

    /// Element messages of that name since the last call.
    pub fn messages(&self, name: &str) -> Vec<gst::Structure> {
        let mut found = Vec::new();
        while let Some(message) = self.bus.pop() {
            if let Some(structure) = message.structure().filter(|it| it.name() == name) {
                found.push(structure.to_owned());
            }
        }
        found
    }

    /// Messages of that type since the last call, as text.
    pub fn texts(&self, kind: gst::MessageType) -> Vec<String> {
        let mut found = Vec::new();
        while let Some(message) = self.bus.pop() {
            let text = match message.view() {
                gst::MessageView::Warning(it) => format!("{} {:?}", it.error(), it.debug()),
                gst::MessageView::Info(it) => format!("{} {:?}", it.error(), it.debug()),
                gst::MessageView::Error(it) => format!("{} {:?}", it.error(), it.debug()),
                _ => String::new(),
            };
            if message.type_() == kind {
                found.push(text);
            }
        }
        found
    }

    /// Waits for an element message of that name.
    pub fn wait_for(&self, name: &str) -> gst::Structure {
        loop {
            let message = self
                .bus
                .timed_pop(gst::ClockTime::from_seconds(10))
                .expect("the message comes");
            if let Some(structure) = message.structure().filter(|it| it.name() == name) {
                return structure.to_owned();
            }
        }
    }
}

/// A frame of a 25 frames a second stream.
pub fn frame(number: u64, size: usize) -> gst::Buffer {
    let bytes: Vec<u8> = (0..size).map(|it| (it as u64 * 7 + number * 13) as u8).collect();
    let mut buffer = gst::Buffer::from_mut_slice(bytes);
    let period = gst::ClockTime::from_mseconds(40);
    let writable = buffer.get_mut().unwrap();
    writable.set_pts(period * number);
    writable.set_duration(period);
    writable.set_offset(number);
    buffer
}

/// Holds frames back before an element.
pub struct Gate {
    permits: mpsc::Sender<()>,
    pad: gst::Pad,
    probe: Option<gst::PadProbeId>,
}

impl Gate {
    pub fn on(element: &gst::Element) -> Gate {
        let (permits, wait) = mpsc::channel();
        let wait = std::sync::Mutex::new(wait);
        let pad = element.static_pad("sink").unwrap();
        let probe = pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            // Ends with a permit, or when the gate is taken away.
            let _ = wait.lock().unwrap().recv();
            gst::PadProbeReturn::Ok
        });
        Gate { permits, pad, probe }
    }

    /// Lets one frame through.
    pub fn permit(&self) {
        self.permits.send(()).unwrap();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(probe) = self.probe.take() {
            // Dropping the sender after this lets a held frame go.
            self.pad.remove_probe(probe);
        }
    }
}

/// Makes the element fail with an error, as often as the returned switch is on when a frame comes.
pub fn fail_on_demand(element: &gst::Element) -> std::sync::Arc<std::sync::atomic::AtomicBool> {
    use std::sync::atomic::{AtomicBool, Ordering};
    let fails = std::sync::Arc::new(AtomicBool::new(false));
    let (asked, element_weak) = (fails.clone(), element.downgrade());
    element
        .static_pad("sink")
        .unwrap()
        .add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if !asked.load(Ordering::SeqCst) {
                return gst::PadProbeReturn::Ok;
            }
            gst::element_error!(
                element_weak.upgrade().unwrap(),
                gst::StreamError::Failed,
                ["a scripted failure"]
            );
            info.take_buffer();
            info.flow_res = Err(gst::FlowError::Error);
            gst::PadProbeReturn::Handled
        });
    fails
}

/// Waits on a condition that another thread makes true, without sleeping through it.
#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(std::time::Instant::now() < end, "not within ten seconds: {what}");
        std::thread::yield_now();
    }
}
