// SPDX-License-Identifier: MPL-2.0

//! Requests, answered from memory.

use gstavrec::random::Random;

use crate::requests::{REQUESTS, changed};
use crate::{each_round, read};

#[test]
fn no_request_does_harm() {
    for seed in REQUESTS {
        let answer = gstavrec::metrics::answer_anything(seed);
        assert!(answer.starts_with(b"HTTP/1.1 "), "{}", seed.escape_ascii());
    }
    each_round(
        5_000,
        |round| changed(&mut Random::new(round)),
        |bytes| read::request(bytes),
    );
}
