// SPDX-License-Identifier: MPL-2.0

//! What the spans of a frame cost: a frame through a switch around `identity` without the tracer, with none of its frames
//! sampled, and with all of them, taken in turns in one process, as differences and ratios. Time is that until the answer is
//! there, and that of the processor on the streaming thread, which other programs disturb less.
//!
//! `cargo bench --features opentelemetry --bench spans`. What is sent goes to a server that takes it and thinks no more of it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gst::prelude::*;
use gstavrec::quantile;
use gstavrec::spans::AvrecSpans;

const ROUNDS: usize = 1_500;
const WARM_UP: usize = 300;
const REPETITIONS: usize = 21;
const WAYS: [&str; 3] = ["no tracer", "ratio 0", "ratio 1"];

/// What is measured of a frame.
const MEASURES: [&str; 2] = ["time", "processor time of the streaming thread"];

/// Medians of a repetition, in microseconds: by measure, then by way.
type Medians = [[f64; WAYS.len()]; MEASURES.len()];

fn main() {
    gst::init().expect("GStreamer");
    gstavrec::plugin_register_static().expect("the plugin");
    let endpoint = format!("http://127.0.0.1:{}", sink());
    let repetitions: Vec<Medians> = (0..REPETITIONS).map(|_| repetition(&endpoint)).collect();
    assert!(ROUNDS < CAME.load(Ordering::Relaxed), "spans came");
    for (measure, name) in MEASURES.iter().enumerate() {
        let of = |way: usize| repetitions.iter().map(move |it| it[measure][way]);
        println!("{name} of a frame, {}: {:.2} µs", WAYS[0], median(of(0)));
        for (way, what) in WAYS.iter().enumerate().skip(1) {
            let ratio = median(of(way).zip(of(0)).map(|(it, bare)| it / bare));
            let difference = median(of(way).zip(of(0)).map(|(it, bare)| it - bare));
            println!("  {what}: ratio {ratio:.3}, {difference:+.2} µs");
        }
    }
}

fn repetition(endpoint: &str) -> Medians {
    let bare = harness();
    let tracer: AvrecSpans = gst::glib::Object::builder()
        .property("endpoint", endpoint)
        .build();
    let [none, all] = [0.0, 1.0].map(|ratio| {
        tracer.set_property("ratio", ratio);
        harness()
    });
    let mut harnesses = [bare, none, all];
    let mut times = [const { [const { Vec::new() }; WAYS.len()] }; MEASURES.len()];
    for round in 0..WARM_UP + ROUNDS {
        // Who comes first is another one each time.
        for turn in 0..WAYS.len() {
            let way = (round + turn) % WAYS.len();
            let frame = gst::Buffer::with_size(64 * 48 * 3 / 2).expect("a buffer");
            let (begin, used) = (Instant::now(), processor_time());
            harnesses[way].push(frame).expect("an answer");
            let (used, time) = (processor_time() - used, begin.elapsed());
            drop(harnesses[way].pull().expect("an answer"));
            if WARM_UP <= round {
                times[0][way].push(time.as_secs_f64() * 1e6);
                times[1][way].push(used.as_secs_f64() * 1e6);
            }
        }
    }
    times
        .each_ref()
        .map(|it| it.each_ref().map(|it| median(it.iter().copied())))
}

/// Of this thread.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile::median(values).expect("values")
}

fn harness() -> gst_check::Harness {
    let line = "avrec-switch.( late-policy=wait identity )";
    let element = gst::parse::bin_from_description(line, true).expect("the switch");
    let mut harness = gst_check::Harness::with_element(&element, Some("sink"), Some("src"));
    harness.play();
    harness.set_src_caps_str("video/x-raw,format=I420,width=64,height=48,framerate=25/1");
    harness
}

/// Bytes that came.
static CAME: AtomicUsize = AtomicUsize::new(0);

/// A server that answers all that comes with 200; its port.
fn sink() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let (mut stream, mut bytes, mut missing) = (stream, vec![0; 1 << 20], 0_usize);
                while let Ok(count @ 1..) = stream.read(&mut bytes) {
                    CAME.fetch_add(count, Ordering::Relaxed);
                    let head = String::from_utf8_lossy(&bytes[..count]).to_lowercase();
                    let length = head.split("content-length: ").nth(1).filter(|_| missing == 0);
                    missing = match length.and_then(|it| it.split("\r\n").next()?.parse::<usize>().ok()) {
                        Some(length) => {
                            length.saturating_sub(count - head.find("\r\n\r\n").map_or(count, |it| it + 4))
                        }
                        None => missing.saturating_sub(count),
                    };
                    if missing == 0
                        && stream
                            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                            .is_err()
                    {
                        return;
                    }
                }
            });
        }
    });
    port
}
