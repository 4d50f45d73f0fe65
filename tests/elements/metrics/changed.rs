// SPDX-License-Identifier: MPL-2.0

//! Requests that no browser would send: real ones, changed at random by a seed. `AVREC_FUZZ=100000` takes so many.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use gstavrec::random::Random;

#[path = "../../fuzz/requests.rs"]
mod requests;

use requests::changed;

use super::control::{controlled, switch, wait_for};
use super::program::{connect, scrape};

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
