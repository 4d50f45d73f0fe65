// SPDX-License-Identifier: MPL-2.0

//! A run on a server over the same bytes by a plain tonic client, both on the loopback to one server in this process that
//! answers at once: a tensor of 1x3x224x224 float32, there and back, in turns.
//!
//! With the argument `failures`: frames that a live switch lets leave late while the server is killed and started again, and
//! how soon the server answers again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use gst::prelude::*;
use gstavrec::runtime::{Options, Runner};
use http::uri::PathAndQuery;
use hyper::body::Bytes;
use parking_lot::Mutex;
use prost::Message;
use tonic::transport::{Channel, Endpoint};

#[path = "../tests/support/server.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod server;

use server::{Manner, Server};

const DIMS: [usize; 4] = [1, 3, 224, 224];
const ROUNDS: usize = 2000;

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(string, tag = "1")]
    model_name: String,
    #[prost(message, repeated, tag = "5")]
    inputs: Vec<Tensor>,
    #[prost(bytes = "bytes", repeated, tag = "7")]
    raw: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(message, repeated, tag = "5")]
    outputs: Vec<Tensor>,
    #[prost(bytes = "bytes", repeated, tag = "6")]
    raw: Vec<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    datatype: String,
    #[prost(int64, repeated, tag = "3")]
    shape: Vec<i64>,
}

fn tensor(name: &str) -> Tensor {
    Tensor {
        name: name.into(),
        datatype: "FP32".into(),
        shape: DIMS.map(|it| it as i64).to_vec(),
    }
}

/// A call as anybody would write it, without looking at the values that come.
async fn plain(channel: Channel, request: Request) -> usize {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.expect("a connection");
    let codec = tonic_prost::ProstCodec::<Request, Answer>::default();
    let path = PathAndQuery::from_static("/inference.GRPCInferenceService/ModelInfer");
    let answer = grpc.unary(tonic::Request::new(request), path, codec).await;
    answer.expect("an answer").into_inner().raw[0].len()
}

fn percentile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    1e3 * times[(times.len() as f64 * share) as usize].as_secs_f64()
}

fn main() {
    match std::env::args().any(|it| it == "failures") {
        true => failures(),
        false => overhead(),
    }
}

fn overhead() {
    let server = Server::start();
    let count: usize = DIMS.iter().product();
    let answer = Answer {
        outputs: vec![tensor("picture")],
        raw: vec![vec![0; count * 4].into()],
    };
    server.set(|it| {
        it.input.1 = DIMS.map(|it| it as i64).to_vec();
        it.output.1 = it.input.1.clone();
        it.manner = Manner::Answers(answer.encode_to_vec().into());
    });
    let mut runner = Runner::load(server.model("grpc").as_ref(), &Options::default()).expect("the model");
    runner.prepare(&DIMS).expect("memory");
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a thread");
    let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{}", server.port())).expect("an address");
    let channel = threads
        .block_on(endpoint.tcp_nodelay(true).connect())
        .expect("a connection");
    let values = vec![0.5f32; count];
    let (mut ours, mut plains) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS + 100 {
        let start = Instant::now();
        runner.run().expect("an answer");
        let own = start.elapsed();
        // Outside of the time: it is the same bytes that are sent.
        let raw: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
        let request = Request {
            model_name: "invert".into(),
            inputs: vec![tensor("frame")],
            raw: vec![raw.into()],
        };
        let start = Instant::now();
        threads.block_on(plain(channel.clone(), request));
        let theirs = start.elapsed();
        if 100 <= round {
            ours.push(own);
            plains.push(theirs);
        }
    }
    let (ours_p50, plain_p50) = (percentile(&mut ours, 0.5), percentile(&mut plains, 0.5));
    let (ours_p99, plain_p99) = (percentile(&mut ours, 0.99), percentile(&mut plains, 0.99));
    println!(
        "a run on a server over a plain tonic client, 602 kB there and back: p50 {:.3} ({ours_p50:.3} over {plain_p50:.3} ms; \
         reach 1.05), p99 {:.3} ({ours_p99:.3} over {plain_p99:.3} ms), {ROUNDS} runs each, in turns",
        ours_p50 / plain_p50,
        ours_p99 / plain_p99
    );
}

/// Live frames of a run, and how often the server is killed and started again meanwhile.
const FRAMES: u32 = 2000;
const KILLS: u32 = 5;

/// Beyond the budget, before a frame counts as late.
const SLACK: Duration = Duration::from_millis(3);

/// Frames that left late in a live run of 25 frames a second, the first two seconds left out, and for each return of the
/// server how long it took until it answered again.
fn live(kills: u32) -> (u32, Vec<Duration>) {
    let mut server = Server::start();
    let line = format!(
        "videotestsrc is-live=true num-buffers={FRAMES} pattern=ball ! video/x-raw,format=RGB,width=320,height=180,framerate=25/1 \
         ! avrec-switch.( name=s late-policy=floor latency-budget=40000000 identity name=local \
         avrec-infer name=far model-file={} ) ! fakesink sync=false",
        server.model("grpc")
    );
    let pipeline = gst::parse::launch(&line).expect("a pipeline");
    let switch = pipeline
        .downcast_ref::<gst::Bin>()
        .and_then(|it| it.by_name("s"))
        .expect("a switch");
    let (came, late) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU32::new(0)));
    let entered = came.clone();
    let probe = gst::PadProbeType::BUFFER;
    let sink = switch.static_pad("sink").expect("a pad");
    sink.add_probe(probe, move |_, _| {
        entered.lock().push(Instant::now());
        gst::PadProbeReturn::Ok
    });
    let (out, counted) = (AtomicU32::new(0), late.clone());
    switch
        .static_pad("src")
        .expect("a pad")
        .add_probe(probe, move |_, _| {
            let number = out.fetch_add(1, Ordering::Relaxed) as usize;
            let since = came.lock()[number].elapsed();
            if 50 <= number && Duration::from_millis(40) + SLACK < since {
                counted.fetch_add(1, Ordering::Relaxed);
            }
            gst::PadProbeReturn::Ok
        });
    pipeline.set_state(gst::State::Playing).expect("it plays");
    let bus = pipeline.bus().expect("a bus");
    let start = Instant::now();
    let is_far = || switch.property::<String>("active-candidate") == "far";
    let mut returns = Vec::new();
    let mut away = 0;
    let mut since: Option<Instant> = None;
    let pace = Duration::from_millis(40) * FRAMES / (KILLS + 1);
    loop {
        let message = bus.timed_pop_filtered(
            gst::ClockTime::from_mseconds(10),
            &[gst::MessageType::Eos, gst::MessageType::Error],
        );
        if let Some(message) = message {
            assert!(message.type_() == gst::MessageType::Eos, "{message:?}");
            break;
        }
        if away < kills && pace * (away + 1) < start.elapsed() && since.is_none() {
            server.kill();
            std::thread::sleep(Duration::from_secs(3));
            server.revive();
            away += 1;
            since = Some(Instant::now());
        }
        if let Some(at) = since.filter(|_| is_far()) {
            returns.push(at.elapsed());
            since = None;
        }
    }
    pipeline.set_state(gst::State::Null).expect("it stops");
    (late.load(Ordering::Relaxed), returns)
}

fn failures() {
    gst::init().expect("GStreamer");
    gstavrec::plugin_register_static().expect("the plugin");
    let (calm, _) = live(0);
    let (late, returns) = live(KILLS);
    let times: Vec<String> = returns
        .iter()
        .map(|it| format!("{:.2}", it.as_secs_f64()))
        .collect();
    println!(
        "late by more than {} ms beyond the budget of 40 ms, of {FRAMES} live frames: {late} with the server killed and started \
         again {KILLS} times, {calm} without; chosen again {} s after it was back (reach 2)",
        SLACK.as_millis(),
        times.join(", ")
    );
}
