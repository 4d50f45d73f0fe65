// SPDX-License-Identifier: MPL-2.0

//! What may be changed from outside: nothing by default, and with `control` what a token opens.

use std::time::Instant;

use serde_json::{Value, json};

use super::program::{Events, PATIENCE, Program, exchange, get, launch};

const TOKEN: &str = "0123456789abcdef";
const LINE: &str = "videotestsrc is-live=true ! video/x-raw,width=32,height=32,framerate=10/1 \
    ! avrec-switch.( name=s late-policy=floor identity name=a identity name=b ) ! avrec-probe ! fakesink";

pub fn controlled() -> Program {
    Program::play_with(&format!(",control=true,token={TOKEN}"), LINE)
}

/// Status of the answer to a POST, and what it says.
fn post(port: u16, headers: &str, body: &str) -> (u16, Value) {
    let length = body.len();
    let request = format!(
        "POST /control HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    );
    let answer = exchange(port, request.as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let told = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
    (head[9..12].parse().unwrap(), told)
}

fn with_token(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n")
}

fn streams(port: u16) -> Vec<Value> {
    let (_, body) = get(port, "/streams", "*/*");
    let all: Value = serde_json::from_str(&body).unwrap();
    all["streams"].as_array().unwrap().clone()
}

/// The switch, which is there soon after the server.
#[track_caller]
pub fn switch(port: u16) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(switch) = streams(port).into_iter().find(|it| it["kind"] == "switch") {
            return switch;
        }
        assert!(Instant::now() < end, "there is no switch");
        std::thread::yield_now();
    }
}

#[track_caller]
pub fn wait_for(port: u16, what: &str, is_so: impl Fn(&Value) -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so(&switch(port)) {
        assert!(Instant::now() < end, "{what}: {:#?}", streams(port));
        std::thread::yield_now();
    }
}

#[test]
fn by_default_nothing_can_be_changed_whatever_is_sent() {
    let program = Program::play_with(&format!(",token={TOKEN}"), LINE);
    let (status, told) = post(
        program.port,
        &with_token(TOKEN),
        r#"{"id": 0, "active-candidate": "b"}"#,
    );
    assert_eq!(status, 403);
    assert!(told["error"].as_str().unwrap().contains("control=true"), "{told}");
    let get = get(program.port, "/control", "*/*").0;
    assert!(
        get.starts_with("HTTP/1.1 405 ") && get.to_lowercase().contains("allow: post"),
        "{get}"
    );
    assert_eq!(switch(program.port)["chooses"], true);
}

#[test]
fn who_has_the_token_pins_forbids_and_weighs_and_sees_the_swap_at_once() {
    let program = controlled();
    let port = program.port;
    wait_for(port, "somebody answers", |it| it["active"] != "");
    let id = &switch(port)["id"];
    let send = |change: Value| {
        let mut wish = json!({ "id": id });
        wish.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        post(port, &with_token(TOKEN), &wish.to_string())
    };
    let first = switch(port)["active"].as_str().unwrap().to_owned();
    let other = if first == "a" { "b" } else { "a" };
    // While one is pinned the switch does not choose, so that the next swap is that of the next pin.
    assert_eq!(send(json!({ "active-candidate": first })).0, 200);
    wait_for(port, "the first is pinned", |it| {
        it["active"] == first.as_str() && it["chooses"] == false
    });
    let (_, mut events) = Events::open(port);
    assert_eq!(
        send(json!({ "active-candidate": other })),
        (200, json!({ "done": format!("{other} is pinned") }))
    );
    let swap = events.next("swap");
    assert_eq!(
        (&swap["id"], &swap["to"], &swap["reason"]),
        (id, &other.into(), &"pinned".into())
    );
    wait_for(port, "it is pinned", |it| {
        it["active"] == other && it["chooses"] == false
    });
    assert_eq!(send(json!({ "forbidden": [other] })).0, 200);
    wait_for(port, "it may not answer", |it| {
        it["active"] == first.as_str() && it["forbidden"] == json!([other])
    });
    assert_eq!(send(json!({ "active-candidate": other })).0, 409);
    assert_eq!(send(json!({ "forbidden": ["a", "b"] })).0, 409);
    assert_eq!(
        send(json!({ "forbidden": [] })),
        (200, json!({ "done": "all may answer" }))
    );
    assert_eq!(send(json!({ "active-candidate": "" })).0, 200);
    wait_for(port, "it chooses", |it| {
        it["chooses"] == true && it["forbidden"] == json!([])
    });
    assert_eq!(send(json!({ "weight": 2.5 })).0, 200);
    wait_for(port, "it weighs more", |it| it["weight"] == 2.5);
    assert_eq!(send(json!({ "weight": 0 })).0, 400);
    let (status, told) = send(json!({ "active-candidate": "<b>" }));
    assert_eq!(
        (status, &told["error"]),
        (400, &"there is no candidate <b>; there are a, b".into())
    );
}

#[test]
fn requests_without_the_token_or_of_another_form_or_origin_change_nothing() {
    let program = controlled();
    let port = program.port;
    let wish = r#"{"id": 0, "active-candidate": "b"}"#;
    let json = "Content-Type: application/json\r\n";
    for (headers, body, status) in [
        (json.to_owned(), wish, 401),
        (with_token("0123456789abcdeF"), wish, 401),
        (with_token(""), wish, 401),
        (format!("Authorization: Basic {TOKEN}\r\n{json}"), wish, 401),
        (format!("Authorization: Bearer {TOKEN}\r\n"), wish, 415),
        (
            format!("Authorization: Bearer {TOKEN}\r\nContent-Type: text/plain\r\n"),
            wish,
            415,
        ),
        (with_token(TOKEN) + "Origin: http://evil.example\r\n", wish, 403),
        (with_token(TOKEN) + "Origin: null\r\n", wish, 403),
        (with_token(TOKEN) + "Sec-Fetch-Site: cross-site\r\n", wish, 403),
        (with_token(TOKEN), "", 400),
        (with_token(TOKEN), "{\"id\": 0}", 400),
        (with_token(TOKEN), r#"{"id": 0, "catalog": "x"}"#, 400),
        (
            with_token(TOKEN),
            r#"{"id": 99999, "active-candidate": "b"}"#,
            404,
        ),
        (
            with_token(TOKEN),
            &format!("{{\"id\": 0, \"active-candidate\": \"{}\"}}", "b".repeat(5000)),
            413,
        ),
    ] {
        let (found, told) = post(port, &headers, body);
        assert_eq!(found, status, "{headers} {told}");
        assert!(
            told["error"].as_str().is_some_and(|it| !it.contains(TOKEN)),
            "{told}"
        );
    }
    let probe = streams(port).iter().find(|it| it["kind"] == "probe").unwrap()["id"].clone();
    let wish = json!({ "id": probe, "weight": 2 });
    let (status, told) = post(port, &with_token(TOKEN), &wish.to_string());
    assert_eq!(
        (status, &told["error"]),
        (400, &"only an avrec-switch has candidates".into())
    );
    let rebound = format!(
        "POST /control HTTP/1.1\r\nHost: evil.example\r\n{}Content-Length: 0\r\n\r\n",
        with_token(TOKEN)
    );
    assert!(exchange(port, rebound.as_bytes()).starts_with("HTTP/1.1 403 "));
    assert_eq!(switch(port)["chooses"], true);
}

#[test]
fn a_token_that_nobody_set_is_printed_by_gst_launch_and_one_that_is_too_weak_is_told() {
    let told = |parameters: &str| {
        let mut command = launch(
            0,
            "videotestsrc num-buffers=5 ! avrec-switch.( identity ) ! fakesink",
        );
        let output = command
            .env("GST_TRACERS", format!("avrec-metrics(port=0,{parameters})"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    let random = |told: &str| {
        let (_, rest) = told.split_once("/#token=").unwrap_or_else(|| panic!("{told}"));
        rest.split_whitespace().next().unwrap().to_owned()
    };
    let [one, other] = [(); 2].map(|()| random(&told("control=true")));
    assert!(one.len() == 32 && one != other, "{one} {other}");
    for silent in ["control=false", &format!("control=true,token={TOKEN}")] {
        let told = told(silent);
        assert!(!told.contains("token"), "{told}");
    }
    for (parameters, cause) in [
        (
            "control=true,token=short",
            "the token must have 16 letters or more",
        ),
        ("control=true,page=false", "control needs page"),
    ] {
        let told = told(parameters);
        assert!(told.contains("no metrics at") && told.contains(cause), "{told}");
    }
}
