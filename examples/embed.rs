// SPDX-License-Identifier: MPL-2.0

// An application that embeds avrec-switch. It plays a test picture (or the video file that is given) through
// the upscalers of models/upscale.toml for twelve seconds, and does what an application does with a switch:
//
// - it listens to `candidate-changed`, and to the messages on the bus, to know who answers and why;
// - it reads `stats` each second, for latencies, misses and qualities;
// - it pins a candidate for a while, as an operator would, and then gives the choice back.
//
// The elements come with the crate here, through plugin_register_static(); an application that uses the
// installed plugin leaves that line out. Run it with: cargo run --example embed [FILE]

use std::cell::Cell;
use std::error::Error;
use std::time::Duration;

use gst::glib;
use gst::prelude::*;

/// Seconds after which the example pins a candidate, gives the choice back, and ends the stream.
const PIN: u32 = 4;
const UNPIN: u32 = 8;
const END: u32 = 12;

const CATALOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/upscale.toml");

fn main() -> Result<(), Box<dyn Error>> {
    gst::init()?;
    gstavrec::plugin_register_static()?;

    let pipeline = build(std::env::args().nth(1))?;
    let switch = pipeline.by_name("switch").ok_or("no switch")?;

    // The signal comes on the streaming thread, so what is done here must be short.
    switch.connect("candidate-changed", false, |values| {
        let text = |index: usize| values[index].get::<String>().unwrap_or_default();
        match (text(1), text(2), text(3)) {
            (from, to, reason) if from.is_empty() => println!("{to} answers: {reason}"),
            (from, to, reason) => println!("{to} answers instead of {from}: {reason}"),
        }
        None
    });

    let main_loop = glib::MainLoop::new(None, false);
    let bus = pipeline.bus().ok_or("no bus")?;
    let watch = bus.add_watch({
        let main_loop = main_loop.clone();
        move |_, message| listen(message, &main_loop)
    })?;
    // A strong reference in here would keep the pipeline alive as long as the timer.
    let weak = pipeline.downgrade();
    let seconds = Cell::new(0);
    let timer = glib::timeout_add_local(Duration::from_secs(1), move || {
        let Some(pipeline) = weak.upgrade() else {
            return glib::ControlFlow::Break;
        };
        seconds.set(seconds.get() + 1);
        each_second(&pipeline, seconds.get());
        glib::ControlFlow::Continue
    });

    let started = pipeline.set_state(gst::State::Playing);
    // An error says more on the bus than here.
    if started.is_err() {
        eprintln!("The pipeline does not start");
    }
    main_loop.run();
    pipeline.set_state(gst::State::Null)?;
    timer.remove();
    drop(watch);
    Ok(())
}

/// Makes the pipeline; frames are scaled down first, so that there is something to scale up.
fn build(file: Option<String>) -> Result<gst::Pipeline, Box<dyn Error>> {
    let source = match &file {
        Some(_) => "filesrc name=file ! decodebin ! videoconvert ! videoscale ! queue ! clocksync",
        None => "videotestsrc is-live=true pattern=ball ! videoconvert ! videoscale",
    };
    let pipeline = gst::parse::launch(&format!(
        "{source} ! video/x-raw,format=I420,width=320,height=180 \
         ! avrec-switch name=switch ! videoconvert ! fakesink"
    ))?;
    let pipeline = pipeline.downcast::<gst::Pipeline>().map_err(|_| "no pipeline")?;

    // Properties that hold paths are set here, where spaces in them do no harm.
    let switch = pipeline.by_name("switch").ok_or("no switch")?;
    switch.set_property("catalog", CATALOG);
    switch.set_property("latency-budget", gst::ClockTime::from_mseconds(30));
    if let Some(file) = file {
        let source = pipeline.by_name("file").ok_or("no source")?;
        source.set_property("location", file);
    }
    Ok(pipeline)
}

/// Tells what comes on the bus, and quits at the end.
fn listen(message: &gst::Message, main_loop: &glib::MainLoop) -> glib::ControlFlow {
    match message.view() {
        gst::MessageView::Eos(_) => main_loop.quit(),
        gst::MessageView::Error(error) => {
            let debug = error.debug().unwrap_or_default();
            eprintln!("Error: {} ({debug})", error.error());
            main_loop.quit();
        }
        gst::MessageView::Warning(warning) => eprintln!("Warning: {}", warning.error()),
        gst::MessageView::Element(element) => {
            if let Some(structure) = element.structure() {
                tell(structure);
            }
        }
        _ => {}
    }
    glib::ControlFlow::Continue
}

fn tell(structure: &gst::StructureRef) {
    let text = |field: &str| structure.get::<String>(field).unwrap_or_default();
    match structure.name().as_str() {
        "avrec/switch" => {
            let frame = structure.get::<u64>("frame").unwrap_or_default();
            println!("  from frame {frame} on, because of: {}", text("reason"));
        }
        "avrec/candidate-ready" => println!("  {} is loaded and warm", text("candidate")),
        "avrec/candidate-failed" => {
            println!(
                "  {} cannot answer: {}; {}",
                text("candidate"),
                text("cause"),
                text("remedy")
            );
        }
        _ => {}
    }
}

fn each_second(pipeline: &gst::Pipeline, second: u32) {
    let Some(switch) = pipeline.by_name("switch") else {
        return;
    };
    print_stats(&switch, second);
    match second {
        PIN => {
            println!("Pinning small");
            switch.set_property("active-candidate", "small");
        }
        UNPIN => {
            println!("Giving the choice back");
            switch.set_property("auto-switch", true);
        }
        END => {
            pipeline.send_event(gst::event::Eos::new());
        }
        _ => {}
    }
}

/// Prints the figures of the switch and of each candidate; those that are not known yet are absent.
fn print_stats(switch: &gst::Element, second: u32) {
    let stats = switch.property::<gst::Structure>("stats");
    let count = |field: &str| stats.get::<u64>(field).unwrap_or_default();
    println!(
        "{second:3} s  {:8}  p99 {}  misses {} of {}",
        stats.get::<String>("active-candidate").unwrap_or_default(),
        millis(&stats, "latency-p99-ns"),
        count("misses"),
        count("out"),
    );
    let candidates = stats.get::<gst::Array>("candidates");
    for candidate in candidates.iter().flat_map(|it| it.iter()) {
        let Ok(candidate) = candidate.get::<gst::Structure>() else {
            continue;
        };
        println!(
            "       {:8}  {:8}  p50 {}  quality {:.3}",
            candidate.get::<String>("name").unwrap_or_default(),
            candidate.get::<String>("state").unwrap_or_default(),
            millis(&candidate, "latency-p50-ns"),
            candidate.get::<f64>("quality").unwrap_or_default(),
        );
    }
}

fn millis(structure: &gst::StructureRef, field: &str) -> String {
    match structure.get::<u64>(field) {
        Ok(nanoseconds) => format!("{:5.1} ms", nanoseconds as f64 / 1e6),
        Err(_) => "    -   ".to_owned(),
    }
}
