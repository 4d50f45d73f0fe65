// SPDX-License-Identifier: MPL-2.0

//! Who sends what he should not changes nothing for the stream, nor for who scrapes.

use std::io::{ErrorKind, Read, Write};

use super::program::{Events, Program, connect, exchange, scrape};
use super::shown::line;

#[test]
fn slow_garbled_large_and_many_requests_change_nothing() {
    let mut program = Program::play(&line());
    let before = program.page_where("frames pass", |it| 20.0 < it.sum("avrec_frames_in_total", &[]));

    for garbage in [
        &b"\0\xff\x16\x03\x01 nonsense\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"",
    ] {
        let mut stream = connect(program.port);
        stream.write_all(garbage).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!String::from_utf8_lossy(&answer).contains(" 200 "), "{garbage:?}");
    }
    let large = [
        &b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: "[..],
        &vec![b'x'; 1 << 20],
    ]
    .concat();
    let answer = exchange(program.port, &large);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );

    // Who looks on is not the one who has to go.
    let (_, mut events) = Events::open(program.port);
    // More than the server takes at once, each in the middle of its request. Who scrapes need not wait until they give up.
    let mut slow: Vec<_> = (0..200).map(|_| connect(program.port)).collect();
    for stream in &mut slow {
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: local");
    }
    scrape(program.port);
    let last = slow.last_mut().unwrap();
    last.set_nonblocking(true).unwrap();
    assert_eq!(last.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    last.set_nonblocking(false).unwrap();
    let after = program.page_where("frames go on", |after| {
        before.sum("avrec_frames_in_total", &[]) < after.sum("avrec_frames_in_total", &[])
    });
    events.next("streams");
    events.next("streams");
    // They are closed, all of them.
    for mut stream in slow {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!String::from_utf8_lossy(&answer).contains(" 200 "));
    }
    assert_eq!(after.sum("avrec_frames_total", &[("answer", "dropped")]), 0.0);
    assert!(program.is_running());
}
