// SPDX-License-Identifier: MPL-2.0

//! What goes to a server and what comes back.

use gst::prelude::*;
use hyper::body::Bytes;
use prost::Message;

use crate::support::infer::{Bench, texture};
use crate::support::server::{Infer, Server};

/// Frames of 32x18 pixels through the server's model, which inverts them.
fn pass(server: &Server, scheme: &str, properties: &str) -> Vec<u8> {
    let mut bench = Bench::at(server.model(scheme).as_ref(), properties);
    let info = bench.caps("RGB", 32, 18);
    bench.push(&info).unwrap();
    let answer = bench.harness.pull().unwrap();
    answer.map_readable().unwrap().to_vec()
}

fn inverted() -> Vec<u8> {
    texture(32 * 18 * 3, 0).iter().map(|it| 255 - it).collect()
}

#[test]
fn pictures_come_back_over_grpc_raw_and_typed_and_over_http_as_bytes_and_as_numbers() {
    let server = Server::start();
    assert_eq!(pass(&server, "grpc", ""), inverted());
    server.set(|it| it.is_typed = true);
    assert_eq!(pass(&server, "grpc", ""), inverted());
    assert_eq!(pass(&server, "http", ""), inverted());
    server.set(|it| it.is_binary = false);
    assert_eq!(pass(&server, "http", ""), inverted());
}

#[test]
fn the_tensor_goes_as_it_is_in_memory_to_the_model_that_was_named() {
    let server = Server::start();
    pass(&server, "grpc", "input-size=32x18 input-range=0,1");
    let request = Infer::decode(server.last_request()).unwrap();
    assert_eq!(request.model_name, "invert");
    let plane = |channel: usize| texture(32 * 18 * 3, 0).into_iter().skip(channel).step_by(3);
    let wanted: Vec<f32> = (0..3).flat_map(plane).map(|it| f32::from(it) / 255.0).collect();
    let [raw] = request.raw.as_slice() else {
        panic!("{} tensors", request.raw.len())
    };
    let sent = raw
        .chunks_exact(4)
        .map(|it| f32::from_le_bytes(it.try_into().unwrap()));
    assert_eq!(raw.len(), 4 * wanted.len());
    assert!(
        sent.zip(wanted)
            .all(|(sent, wanted)| (sent - wanted).abs() < 1e-6)
    );
}

#[test]
fn a_model_that_decodes_gets_jpeg_where_that_is_asked_for() {
    let server = Server::start();
    server.set(|it| {
        it.input = ("BYTES", vec![1]);
        it.output = ("FP32", vec![1, 4]);
        // Of what is no picture the server makes nothing.
        it.manner = crate::support::server::Manner::Answers(scores());
    });
    let line = "task=classify encoding=jpeg input-size=32x18 post-messages=true";
    let mut bench = Bench::at(server.model("grpc").as_ref(), line);
    let info = bench.caps("RGB", 32, 18);
    bench.push(&info).unwrap();
    bench.harness.pull().unwrap();
    let request = Infer::decode(server.last_request()).unwrap();
    let sent = &request.raw[0];
    let length = u32::from_le_bytes(sent[..4].try_into().unwrap()) as usize;
    assert_eq!(length, sent.len() - 4);
    assert_eq!(sent[4..7], [0xff, 0xd8, 0xff]);
    assert!(sent.len() < 32 * 18 * 3 * 4);
    server.set(|it| it.is_binary = false);
    let json = Bench::at(server.model("http").as_ref(), line);
    assert!(
        json.complaint(gst::MessageType::Error)
            .contains("its address for gRPC")
    );
    let plain = Bench::at(server.model("grpc").as_ref(), "task=classify");
    assert!(
        plain
            .complaint(gst::MessageType::Error)
            .contains("set encoding=jpeg")
    );
}

/// `ModelInferResponse` with an output `picture` of 1x4.
fn scores() -> Bytes {
    let mut tensor = Vec::new();
    for (tag, text) in [(1u8, "picture"), (2, "FP32")] {
        tensor.extend([tag << 3 | 2, text.len() as u8]);
        tensor.extend(text.as_bytes());
    }
    tensor.extend([3 << 3 | 2, 2, 1, 4]);
    let mut message = vec![5 << 3 | 2, tensor.len() as u8];
    message.extend(tensor);
    message.extend([6 << 3 | 2, 16]);
    message.extend([0.1f32, 0.2, 0.6, 0.1].iter().flat_map(|it| it.to_le_bytes()));
    message.into()
}

#[test]
fn stats_tell_the_way_and_the_bytes() {
    let server = Server::start();
    let mut bench = Bench::at(server.model("grpc").as_ref(), "");
    let info = bench.caps("RGB", 32, 18);
    let stats = |bench: &Bench| bench.element.property::<gst::Structure>("stats");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !stats(&bench).has_field("remote-round-trip-ns") {
        assert!(std::time::Instant::now() < end, "{}", stats(&bench));
        bench.push(&info).unwrap();
        bench.harness.pull().unwrap();
    }
    let stats = stats(&bench);
    assert_eq!(stats.get("backend"), Ok("remote"));
    let runs: u64 = stats.get("runs").unwrap();
    let bytes: u64 = stats.get("remote-sent-bytes").unwrap();
    assert!(runs * 32 * 18 * 3 * 4 <= bytes, "{stats}");
    assert!(
        !stats.has_field("remote-serving-ns"),
        "this server has no statistics"
    );
}

#[test]
fn a_description_can_be_named_where_none_can_lie_beside_the_model() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("invert.modelinfo");
    std::fs::write(
        &path,
        "[modelinfo]\nversion=1.0\n[frame]\ndims=1,3,18,32\nranges=0,255\n",
    )
    .unwrap();
    let line = format!("modelinfo-file={}", path.display());
    pass(&server, "grpc", &line);
    let request = Infer::decode(server.last_request()).unwrap();
    let first = f32::from_le_bytes(request.raw[0][..4].try_into().unwrap());
    assert_eq!(first, f32::from(texture(1, 0)[0]));
}

#[test]
fn a_check_of_a_model_on_a_server_draws_into_the_current_folder_and_drafts_nothing() {
    let (server, folder) = (Server::start(), tempfile::tempdir().unwrap());
    let model = server.model("grpc");
    let check = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_avrec"));
        let output = command.args(["check", &model]).args(words).current_dir(&folder);
        output.output().unwrap()
    };
    let (drawn, refused) = (check(&[]), check(&["--write"]));
    let told = |it: &std::process::Output| {
        String::from_utf8_lossy(&[&*it.stdout, &*it.stderr].concat()).into_owned()
    };
    assert_eq!(drawn.status.code(), Some(0), "{}", told(&drawn));
    let files = std::fs::read_dir(&folder)
        .unwrap()
        .map(|it| it.unwrap().file_name());
    assert_eq!(files.collect::<Vec<_>>(), ["invert.png"], "{}", told(&drawn));
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
    assert!(told(&refused).contains("modelinfo-file"), "{}", told(&refused));
}
