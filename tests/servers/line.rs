// SPDX-License-Identifier: MPL-2.0

//! A server at the other end of a line with a round trip of 20 or 60 ms (`scripts/remote/netns.sh`), for a stream that has
//! 40 ms a frame.

use std::env;

use crate::live::{Live, late};
use crate::running::servers;

fn round_trip() -> Option<u64> {
    let text = env::var("AVREC_ROUND_TRIP").ok();
    if text.is_none() {
        eprintln!("skipped: there is no line; make test-remote has one");
    }
    Some(text?.parse().unwrap())
}

#[test]
fn a_server_within_the_budget_answers_and_none_is_late() {
    let (Some(..=20), servers) = (round_trip(), servers()) else {
        return;
    };
    for server in servers {
        let mut live = Live::play(&server.by_grpc("small"));
        live.pass_until("there", 250);
        let frames = live.pass(250);
        let there = frames.iter().filter(|it| it.candidate == "there").count();
        eprintln!(
            "{}: {there} of 250 by the server, {} late",
            server.name,
            late(frames)
        );
        assert!(225 <= there, "{there}: {}", live.explained());
        assert_eq!(late(frames), 0);
        // Of those before, the first one waits for a candidate.
        assert!(late(&live.frames) <= 1);
    }
}

#[test]
fn a_server_that_was_out_of_reach_is_asked_when_the_budget_allows_it() {
    let (Some(..=20), servers) = (round_trip(), servers()) else {
        return;
    };
    for server in servers {
        let mut live = Live::play(&server.by_grpc("small"));
        live.set_budget(15);
        live.pass(250);
        // A connection that rests begins anew with few packets a round trip, so what is seldom asked seems slow.
        assert_eq!(
            live.frames[200..]
                .iter()
                .filter(|it| it.candidate == "there")
                .count(),
            0
        );
        live.set_budget(40);
        let after = live.pass_until("there", 500);
        eprintln!("{}: asked after {after} frames", server.name);
        assert!(after <= 250);
    }
}

#[test]
fn a_server_that_is_too_far_is_not_asked_and_the_way_is_named() {
    let (Some(60..), servers) = (round_trip(), servers()) else {
        return;
    };
    for server in servers {
        let mut live = Live::play(&server.by_grpc("small"));
        let frames = live.pass(250);
        let there = frames[50..].iter().filter(|it| it.candidate == "there").count();
        let late = late(frames);
        eprintln!("{}: {there} of 200 by the server, {late} late", server.name);
        assert_eq!(there, 0, "{}", live.explained());
        assert_eq!(late, 0);
        let text = live.explained();
        assert!(text.contains("It is the way"), "{text}");
    }
}
