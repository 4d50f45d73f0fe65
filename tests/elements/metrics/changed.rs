// SPDX-License-Identifier: MPL-2.0

//! Requests that no browser would send: real ones, changed at random by a seed. `AVREC_FUZZ=100000` takes so many.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use gstavrec::random::Random;

use super::control::{controlled, switch, wait_for};
use super::program::{connect, scrape};

/// Real requests. Who sends them does not know the token.
const REQUESTS: [&[u8]; 7] = [
    include_bytes!("../../fuzz/seeds/request/metrics.http"),
    include_bytes!("../../fuzz/seeds/request/page.http"),
    include_bytes!("../../fuzz/seeds/request/streams.http"),
    include_bytes!("../../fuzz/seeds/request/explain.http"),
    include_bytes!("../../fuzz/seeds/request/events.http"),
    include_bytes!("../../fuzz/seeds/request/control.http"),
    include_bytes!("../../fuzz/seeds/request/chunked.http"),
];

/// One of them with one to five changes, in bytes.
fn changed(random: &mut Random) -> Vec<u8> {
    let mut request = REQUESTS[random.whole(0, REQUESTS.len() - 1)].to_vec();
    for _ in 0..random.whole(1, 5) {
        let at = random.whole(0, request.len().max(1) - 1);
        match random.whole(0, 4) {
            0 => request.truncate(at),
            1 if !request.is_empty() => request[at] = random.whole(0, 255) as u8,
            2 if !request.is_empty() => _ = request.remove(at),
            3 => request.insert(at.min(request.len()), b"\r\n\0:%/ 9"[random.whole(0, 7)]),
            _ => {
                let other = REQUESTS[random.whole(0, REQUESTS.len() - 1)];
                request.extend(&other[random.whole(0, other.len() - 1)..]);
            }
        }
    }
    request
}

#[test]
fn no_request_does_harm() {
    let said = std::env::var("AVREC_FUZZ").ok();
    let rounds = said.map_or(1000, |it| it.parse().expect("AVREC_FUZZ is a number"));
    let mut program = controlled();
    // What it weighs is there from the start of its stream on.
    wait_for(program.port, "it has no weight", |it| it["weight"] == 1.0);
    let before = switch(program.port);
    let mut random = Random::new(11);
    for round in 0..rounds {
        let request = changed(&mut random);
        assert!(
            program.is_running(),
            "round {round} comes after the end of the program"
        );
        let mut stream = connect(program.port);
        // One that stays open, as that for events does, is left after this.
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let _ = stream.write_all(&request);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = vec![0; 64];
        let length = stream.read(&mut answer).unwrap_or(0);
        let answer = String::from_utf8_lossy(&answer[..length]);
        let shown = || format!("round {round}: {}: {answer}", request.escape_ascii());
        // Nothing, or an answer that is no fault of the server's: 503 is that all places are taken.
        let is_answer = answer.is_empty() || answer.starts_with("HTTP/1.");
        let is_fault = answer
            .get(9..12)
            .is_some_and(|it| it.starts_with('5') && it != "503");
        assert!(is_answer && !is_fault, "{}", shown());
    }
    scrape(program.port);
    let after = switch(program.port);
    for setting in ["chooses", "forbidden", "weight"] {
        assert_eq!(before.get(setting), after.get(setting), "{setting}");
    }
    assert!(program.is_running());
}
