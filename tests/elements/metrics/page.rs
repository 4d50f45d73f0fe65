// SPDX-License-Identifier: MPL-2.0

//! The page and what it asks for, seen from outside; `make test-page` looks at it with a browser.

use std::io::Read;

use serde_json::Value;

use super::open_metrics::{Page, text};
use super::program::{ACCEPT, Events, Program, exchange, get, scrape};
use super::shown::line;

/// Candidates, a bin and a switch whose names are markup.
fn marked_up() -> String {
    "videotestsrc is-live=true ! video/x-raw,width=32,height=32,framerate=50/1 \
     ! avrec-switch.( name=<img/src=x/onerror=alert(1)> late-policy=floor identity name=</script><b>a identity name=b&amp;c ) ! fakesink"
        .to_owned()
}

fn json(port: u16, path: &str) -> Value {
    let (head, body) = get(port, path, "*/*");
    assert!(
        head.to_lowercase().contains("content-type: application/json\r\n"),
        "{head}"
    );
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
}

#[test]
fn the_page_is_there_with_all_that_it_needs_and_a_policy_that_forbids_the_rest() {
    let program = Program::play("videotestsrc is-live=true ! avrec-probe ! fakesink");
    for (path, kind, part) in [
        (
            "/",
            "text/html; charset=utf-8",
            "<script src=\"page.js\" defer></script>",
        ),
        ("/page.js", "text/javascript; charset=utf-8", "EventSource"),
        (
            "/uplot.js",
            "text/javascript; charset=utf-8",
            "Permission is hereby granted",
        ),
        ("/page.css", "text/css; charset=utf-8", "--paper"),
        ("/icon.svg", "image/svg+xml", "<svg"),
    ] {
        let (head, body) = get(program.port, path, "*/*");
        let head = head.to_lowercase();
        assert!(
            head.starts_with("http/1.1 200 ") && body.contains(part),
            "{path}: {head}"
        );
        for line in [
            &format!("content-type: {kind}\r\n"),
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self';",
            "require-trusted-types-for 'script'",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(head.contains(line), "{path}: {line}: {head}");
        }
        assert!(
            !head.contains("access-control") && !head.contains("unsafe-inline"),
            "{head}"
        );
    }
    let (head, _) = get(program.port, "/page/page.js", "*/*");
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
}

#[test]
fn without_the_page_there_are_the_series_alone() {
    let program = Program::play_with(
        ",page=false",
        "videotestsrc is-live=true ! avrec-probe ! fakesink",
    );
    let status = |path| get(program.port, path, ACCEPT).0[9..12].to_owned();
    assert_eq!([status("/metrics"), status("/")], ["200", "200"]);
    for path in ["/page.js", "/events", "/streams", "/explain?id=0", "/control"] {
        assert_eq!(status(path), "404", "{path}");
    }
}

#[test]
fn streams_come_at_once_and_each_second_and_a_swap_when_it_happens() {
    let program = Program::play(&line());
    program.page_where("a candidate answers", |it| {
        it.sum("avrec_active", &[("element", "s")]) == 1.0
    });
    let (head, mut events) = Events::open(program.port);
    assert!(
        head.to_lowercase()
            .contains("content-type: text/event-stream\r\n"),
        "{head}"
    );
    let [one, other] = [(); 2].map(|()| events.next("streams"));
    let time = |it: &Value| it["time"].as_u64().unwrap();
    assert!(time(&one) < time(&other) && one["program"] == other["program"]);
    let streams = one["streams"].as_array().unwrap();
    // The model inside of the switch is shown with it.
    let kinds: Vec<_> = streams.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["switch", "probe"]);
    let switch = &streams[0];
    assert_eq!(
        (&switch["pipeline"], &switch["element"]),
        (&"pipeline0".into(), &"s".into())
    );
    assert_eq!(switch["budget"].as_f64(), Some(20.0));
    assert_eq!(switch["chooses"].as_bool(), Some(true));
    let names: Vec<_> = switch["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["plain", "model"]);

    let explanation = json(program.port, &format!("/explain?id={}", switch["id"]));
    assert!(
        explanation["text"].as_str().unwrap().contains(" answers"),
        "{explanation}"
    );
    assert_eq!(explanation["structure"], "avrec/explanation");
    let probe = json(program.port, &format!("/explain?id={}", streams[1]["id"]));
    assert_eq!(probe["error"], "this element has nothing to explain");
    for (path, error) in [
        ("/explain", "say which"),
        ("/explain?id=x", "say which"),
        ("/explain?id=99999", "there is no element of that number"),
    ] {
        let told = json(program.port, path);
        assert!(told["error"].as_str().unwrap().contains(error), "{told}");
    }
}

#[test]
fn names_that_are_markup_come_as_data_only() {
    let program = Program::play(&marked_up());
    // The server is there before the switch has its candidates.
    let scraped = |it: &Page| !it.values("avrec_active", &[]).is_empty();
    program.page_where("candidates", scraped);
    let streams = json(program.port, "/streams");
    let switch = &streams["streams"][0];
    assert_eq!(switch["element"], "<img/src=x/onerror=alert(1)>");
    assert_eq!(switch["candidates"][0]["name"], "</script><b>a");
    let (head, _) = get(program.port, "/streams", "*/*");
    // A browser that opens it shows text.
    assert!(
        head.to_lowercase().contains("x-content-type-options: nosniff"),
        "{head}"
    );
    for path in ["/", "/page.js"] {
        assert!(!get(program.port, path, "*/*").1.contains("onerror"), "{path}");
    }
    scrape(program.port);
}

#[test]
fn pages_of_other_origins_get_nothing() {
    let program = Program::play("videotestsrc is-live=true ! avrec-probe ! fakesink");
    let port = program.port;
    let asked = |method: &str, path: &str, headers: &str| {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n");
        exchange(port, request.as_bytes())
    };
    for path in ["/", "/metrics", "/streams", "/explain?id=0", "/page.js"] {
        let own = asked("GET", path, &format!("Origin: http://127.0.0.1:{port}\r\n"));
        assert!(!own.starts_with("HTTP/1.1 403 "), "{path}: {own}");
        for foreign in [
            "Origin: http://evil.example\r\n",
            "Origin: null\r\n",
            "Origin: http://127.0.0.1:1\r\n",
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n",
            "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n",
        ] {
            let answer = asked("GET", path, foreign);
            assert!(
                answer.starts_with("HTTP/1.1 403 ") && !answer.contains("avrec_"),
                "{path} {foreign}: {answer}"
            );
        }
    }
    let events = asked("GET", "/events", "Origin: http://evil.example\r\n");
    assert!(events.starts_with("HTTP/1.1 403 "), "{events}");
    let asked_first = asked(
        "OPTIONS",
        "/control",
        "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n",
    );
    assert!(
        asked_first.starts_with("HTTP/1.1 403 ")
            && !asked_first.to_lowercase().contains("access-control-allow")
    );
}

#[test]
fn as_many_may_look_on_as_there_are_places_and_who_scrapes_is_served_all_the_same() {
    let mut program = Program::play(&line());
    let mut all: Vec<Events> = (0..16).map(|_| Events::open(program.port).1).collect();
    let (head, _) = Events::open(program.port);
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    // Who scrapes is served all the same, and so is everybody who already looks on.
    scrape(program.port);
    all.iter_mut().for_each(|it| {
        it.next("streams");
    });
    drop(all.pop());
    let end = std::time::Instant::now() + super::program::PATIENCE;
    let mut events = loop {
        let (head, events) = Events::open(program.port);
        if head.starts_with("HTTP/1.1 200 ") {
            break events;
        }
        assert!(std::time::Instant::now() < end, "a place is free again: {head}");
    };
    events.next("streams");
    assert!(program.is_running());
}

#[test]
fn series_are_fewer_bytes_for_who_takes_gzip() {
    let program = Program::play(&line());
    let port = program.port;
    program.page_where("a candidate answers", |it| {
        it.sum("avrec_active", &[("element", "s")]) == 1.0
    });
    let whole = get(port, "/metrics", ACCEPT).1.len();
    let request = format!("GET /metrics HTTP/1.1\r\nHost: localhost:{port}\r\nAccept-Encoding: gzip\r\n\r\n");
    let mut stream = super::program::connect(port);
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let (head, body) = (
        String::from_utf8_lossy(&answer[..end]).to_lowercase(),
        &answer[end + 4..],
    );
    assert!(
        head.contains("content-encoding: gzip") && head.contains("vary: accept, accept-encoding"),
        "{head}"
    );
    assert!(4 * body.len() < whole, "{} of {whole} bytes", body.len());
    let mut page = String::new();
    flate2::read::GzDecoder::new(body)
        .read_to_string(&mut page)
        .unwrap();
    text(&page).unwrap();
}
