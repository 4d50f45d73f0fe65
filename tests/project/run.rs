// SPDX-License-Identifier: MPL-2.0

//! The real `avrec` command on real pipelines: exit codes, output, log and report.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Two stock elements as candidates: answers exist without a model or a catalogue.
const SWITCH: &str = "avrec-switch.( name=switch late-policy=floor floor=near \
     videoscale name=near method=nearest-neighbour videoscale name=sinc method=sinc )";

fn avrec(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avrec"));
    command.arg("run").args(words);
    command
}

fn finish(words: &[&str]) -> Output {
    avrec(words).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn read_log(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|err| panic!("{err}: {line}")))
        .collect()
}

fn of_type<'a>(log: &'a [Value], kind: &str) -> Vec<&'a Value> {
    log.iter().filter(|line| line["type"] == kind).collect()
}

/// Fails when a run ends otherwise than by `code`, or does not say `text`.
#[track_caller]
fn check_failure(words: &[&str], code: i32, text: &str) {
    let output = finish(words);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains(text), "{told}");
}

#[test]
fn a_pipeline_that_ends_in_order_exits_with_zero() {
    let output = finish(&["videotestsrc", "num-buffers=5", "!", "fakesink"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("nothing was measured"));
}

#[test]
fn a_pipeline_that_fails_exits_with_one_and_says_why() {
    check_failure(
        &["filesrc", "location=/no/such/file", "!", "fakesink"],
        1,
        "/no/such/file",
    );
}

#[test]
fn what_cannot_be_meant_exits_with_two_before_anything_runs() {
    check_failure(&["videotestsrc", "!", "no-such-element"], 2, "no-such-element");
    check_failure(
        &["--load", "0:1:no-such-program", "fakesrc", "!", "fakesink"],
        2,
        "no-such-program",
    );
    check_failure(
        &["--compare", "small", "fakesrc", "!", "fakesink"],
        2,
        "no avrec-switch",
    );
    check_failure(
        &["--log", "/no/such/folder/log", "fakesrc", "!", "fakesink"],
        2,
        "/no/such/folder",
    );
    let switch = format!("videotestsrc ! {SWITCH} ! fakesink");
    check_failure(
        &["--compare", "sinx", &switch],
        2,
        "no such candidate; it has near, sinc",
    );
    check_failure(&["--duration", "-3", "fakesrc", "!", "fakesink"], 2, "--duration");
}

#[test]
fn a_full_disk_ends_the_log_and_not_the_run() {
    let words = [
        "--log",
        "/dev/full",
        "videotestsrc",
        "num-buffers=5",
        "!",
        "fakesink",
    ];
    check_failure(&words, 3, "the run goes on");
}

/// A matrix as it stands in its file.
struct Matrix {
    comments: HashMap<String, f64>,
    header: Vec<String>,
    rows: Vec<Vec<f64>>,
}

fn read_matrix(path: &Path) -> Matrix {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'), "the last row is whole");
    let mut lines = text.lines().peekable();
    let mut comments = HashMap::new();
    while let Some(line) = lines.next_if(|it| it.starts_with('#')) {
        let (key, value) = line.strip_prefix("# ").unwrap().split_once(": ").unwrap();
        comments.insert(key.to_string(), value.parse().unwrap());
    }
    let mut header: Vec<String> = lines.next().unwrap().split(',').map(String::from).collect();
    let mut rows: Vec<Vec<&str>> = lines.map(|it| it.split(',').collect()).collect();
    // Not on each machine, nor by each frame.
    if let Some(place) = header.iter().position(|it| it == "pressure") {
        header.remove(place);
        for told in rows.iter_mut().map(|it| it.remove(place)) {
            assert!(told.is_empty() || (0.0..=1.0).contains(&told.parse().unwrap()));
        }
    }
    let row = |row: Vec<&str>| row.into_iter().map(|it| it.parse().unwrap()).collect();
    let rows = rows.into_iter().map(row).collect();
    Matrix {
        comments,
        header,
        rows,
    }
}

/// Forty frames into candidates of a catalogue, with and without prior.
fn recorded_description(folder: &Path, frames: u32) -> String {
    let catalog = folder.join("sizes.toml");
    let candidate = |name: &str, method: &str, more: &str| {
        format!(
            "[[candidate]]\nname = \"{name}\"\n\
             element = \"videoscale method={method} ! capsfilter caps=video/x-raw,width=256,height=192\"\n{more}\n"
        )
    };
    let text = [
        "task = \"image\"\nreference = \"sinc\"\n".to_string(),
        candidate("near", "nearest-neighbour", ""),
        candidate("linear", "bilinear", "quality = 0.7"),
        candidate("sinc", "sinc", "quality = 0.9"),
    ];
    std::fs::write(&catalog, text.concat()).unwrap();
    format!(
        "videotestsrc num-buffers={frames} pattern=zone-plate kx2=20 ky2=20 kt=1 ! video/x-raw,format=I420,width=128,height=96,framerate=25/1 \
         ! avrec-switch catalog={} latency-budget=30000000 ! fakesink",
        catalog.display()
    )
}

#[test]
fn a_recording_has_every_candidate_on_every_frame() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("matrix.csv");
    let description = recorded_description(folder.path(), 40);
    let load = "0.1:20:sleep 20";
    let output = finish(&["--record", path.to_str().unwrap(), "--load", load, &description]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("40 frames"), "{}", stdout(&output));

    let matrix = read_matrix(&path);
    assert_eq!(
        matrix.header,
        [
            "t_ms",
            "near.latency_ms",
            "near.quality",
            "linear.latency_ms",
            "linear.quality",
            "sinc.latency_ms",
            "sinc.quality"
        ]
    );
    let comment = |key: &str| matrix.comments.get(key).copied();
    assert_eq!(
        (comment("budget_ms"), comment("period_ms")),
        (Some(30.0), Some(40.0))
    );
    assert_eq!(
        (
            comment("near.prior"),
            comment("linear.prior"),
            comment("sinc.prior")
        ),
        (None, Some(0.7), Some(0.9))
    );
    assert_eq!(matrix.rows.len(), 40);
    for (number, row) in matrix.rows.iter().enumerate() {
        assert_eq!(row.len(), 7);
        assert_eq!(row[0], 40.0 * number as f64);
        for latency in [row[1], row[3], row[5]] {
            assert!((0.001..5_000.0).contains(&latency), "row {number}: {row:?}");
        }
        assert_eq!(row[6], 0.9, "the reference has its own quality");
        assert!(0.2 < row[2] && row[2] < row[4], "row {number}: {row:?}");
        assert!(row[4] < 0.9, "row {number}: {row:?}");
    }
    for (column, name) in [(1, "near"), (3, "linear"), (5, "sinc")] {
        let mut first: Vec<f64> = matrix.rows[..20].iter().map(|row| row[column]).collect();
        first.sort_by(f64::total_cmp);
        assert_eq!(comment(&format!("{name}.baseline_ms")), Some(first[9]));
    }
}

#[test]
fn a_recording_that_is_interrupted_keeps_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("matrix.csv");
    let description = recorded_description(folder.path(), u32::MAX >> 1);
    let mut child = avrec(&["--record", path.to_str().unwrap()])
        .arg(&description)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ticker = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(ticker.next().unwrap().unwrap().contains("1 s"));
    let rows = || std::fs::read_to_string(&path).unwrap().matches('\n').count();
    let end = Instant::now() + Duration::from_secs(20);
    while rows() < 40 {
        assert!(Instant::now() < end, "{} rows after 20 s", rows());
        std::thread::yield_now();
    }
    interrupt(&child);
    let last = ticker.map(Result::unwrap).last().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let matrix = read_matrix(&path);
    assert!(last.contains(&format!("{} frames", matrix.rows.len())), "{last}");
    assert!(matrix.rows.iter().all(|it| it.len() == 7));
}

#[test]
fn a_recording_that_cannot_be_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let description = recorded_description(folder.path(), 30);
    let path = folder.path().join("matrix.csv");
    let path = path.to_str().unwrap();
    check_failure(&["--record", "/dev/full", &description], 3, "the run goes on");
    check_failure(
        &["--record", "/no/such/folder/m", &description],
        2,
        "/no/such/folder",
    );
    check_failure(&["--record", "/proc/m", &description], 2, "/proc/m");
    check_failure(
        &["--record", path, "fakesrc", "!", "fakesink"],
        2,
        "no avrec-switch",
    );
    check_failure(
        &["--record", path, "--log", path, &description],
        2,
        "the same file",
    );
    check_failure(
        &["--record", path, "--compare", "near", &description],
        2,
        "cannot be used with",
    );
    let none = recorded_description(folder.path(), 0);
    check_failure(&["--record", path, &none], 3, "no frame of video came through");
}

#[test]
fn the_log_and_the_report_tell_every_frame_of_every_run() {
    let folder = tempfile::tempdir().unwrap();
    let (log, report) = (folder.path().join("run.jsonl"), folder.path().join("run.html"));
    let description = format!(
        "videotestsrc num-buffers=60 pattern=ball ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 \
         ! {SWITCH} ! video/x-raw,width=128,height=96 ! fakesink"
    );
    let files = [log.to_str().unwrap(), report.to_str().unwrap()];
    let output = finish(&[
        "--log",
        files[0],
        "--report",
        files[1],
        "--title",
        "A <b>",
        "--compare",
        "sinc",
        &description,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let log = read_log(&log);
    for run in ["avrec", "sinc alone"] {
        let frames = of_type(&log, "frame")
            .into_iter()
            .filter(|line| line["run"] == run);
        let numbers: Vec<u64> = frames.filter_map(|line| line["frame"].as_u64()).collect();
        assert_eq!(numbers, (0..60).collect::<Vec<_>>(), "{run}");
    }
    let summaries = of_type(&log, "summary");
    let names: Vec<&str> = summaries.iter().filter_map(|line| line["run"].as_str()).collect();
    assert_eq!(names, ["avrec", "sinc alone"]);
    assert_eq!(summaries[1]["frames"], 60);
    let pinned = of_type(&log, "switch")
        .into_iter()
        .rfind(|line| line["run"] == "sinc alone")
        .unwrap();
    assert_eq!(
        (&pinned["to"], &pinned["reason"]),
        (&Value::from("sinc"), &Value::from("pinned"))
    );

    let table = stdout(&output);
    assert!(table.contains("avrec") && table.contains("sinc alone"), "{table}");
    let page = std::fs::read_to_string(&report).unwrap();
    assert!(page.contains("<title>A &lt;b&gt;</title>") && page.contains("sinc alone"));
    assert!(page.ends_with("</html>\n"));
}

/// Three streams of one server: two of video, the first with a probe that has a reference, and one of sound.
const STREAMS: &str = "videotestsrc num-buffers=60 pattern=ball ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! tee name=t \
     t. ! queue ! avrec-switch.( name=door identity name=plain videobalance name=dark brightness=-0.5 ) ! avrec-probe name=look ! fakesink \
     t. ! queue ! look.reference \
     t. ! queue ! avrec-switch.( name=yard identity name=plain ) ! fakesink \
     audiotestsrc num-buffers=60 ! audio/x-raw,format=S16LE,rate=16000 ! avrec-switch.( name=hall identity name=plain ) ! fakesink";

#[test]
fn each_stream_of_a_run_is_told_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (log, report) = (folder.path().join("run.jsonl"), folder.path().join("run.html"));
    let files = [log.to_str().unwrap(), report.to_str().unwrap()];
    let words = [
        "--log",
        files[0],
        "--report",
        files[1],
        "--compare",
        "plain",
        STREAMS,
    ];
    let output = finish(&words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let table = stdout(&output);
    let rows = |start: &str| table.lines().filter(|it| it.starts_with(start)).count();
    assert_eq!((rows("-- avrec"), rows("-- plain alone")), (2, 2), "{table}");
    for name in ["door (look) ", "yard ", "hall ", "all "] {
        assert!(2 <= rows(name), "{name}: {table}");
    }
    assert!(table.contains("hall: answered by plain 100.0 %"), "{table}");
    assert!(
        table
            .lines()
            .any(|it| it.starts_with("door") && it.contains("SSIM ")),
        "{table}"
    );

    let page = std::fs::read_to_string(&report).unwrap();
    assert_eq!(page.matches("<details class=\"stream\">").count(), 3);
    for fact in [
        "frames of 3 streams left within their budgets",
        "<b>door</b> with look",
        "aria-label=\"yard: plain 100.0 %\"",
        "<audio controls",
        "<h2>plain alone</h2>",
    ] {
        assert!(page.contains(fact), "{fact}");
    }
    assert!(
        page.matches("src=\"data:image/jpeg;base64,/9j/").count() >= 2,
        "a frame of each"
    );

    let log = read_log(&log);
    let streams_of = |kind: &str| {
        let lines = of_type(&log, kind).into_iter().filter(|it| it["run"] == "avrec");
        let mut names: Vec<String> = lines
            .map(|it| it["stream"].as_str().unwrap_or("?").to_string())
            .collect();
        names.sort();
        names.dedup();
        names
    };
    for kind in ["frame", "switch", "summary"] {
        assert_eq!(streams_of(kind), ["door", "hall", "yard"], "{kind}");
    }
    assert_eq!(streams_of("probe"), ["door"]);
    for summary in of_type(&log, "summary") {
        let probed = summary.get("ssim").is_some();
        assert_eq!(probed, summary["stream"] == "door", "{summary}");
        assert!(
            summary["stream"] == "hall" || summary["frames"] == 60,
            "{summary}"
        );
    }
}

#[test]
fn one_stream_is_named_by_its_run_alone() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("run.jsonl");
    let description = format!("videotestsrc num-buffers=10 ! {SWITCH} ! fakesink");
    let output = finish(&["--log", log.to_str().unwrap(), &description]);
    assert!(!stdout(&output).contains("all "), "{}", stdout(&output));
    assert!(read_log(&log).iter().all(|line| line.get("stream").is_none()));
}

#[test]
fn the_report_shows_what_came_out_and_what_it_ran_on() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("run.html");
    let words = |source: &str, candidates: &str| {
        let description = format!("{source} ! avrec-switch.( name=switch {candidates} ) ! fakesink");
        let output = finish(&["--report", report.to_str().unwrap(), &description]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        std::fs::read_to_string(&report).unwrap()
    };
    let video = "videotestsrc num-buffers=20 ! video/x-raw,format=NV12,width=64,height=48,framerate=25/1";
    let page = words(
        video,
        "avrec-infer name=small model-file=models/small.onnx backend=rten",
    );
    assert!(page.contains("src=\"data:image/jpeg;base64,/9j/"), "a frame");
    for fact in [
        "first by small",
        "GStreamer 1.",
        "kernel",
        "models/small.onnx",
        "rten",
        "avrec run --report",
    ] {
        assert!(page.contains(fact), "{fact}");
    }
    let sound = "audiotestsrc num-buffers=20 ! audio/x-raw,format=S16LE,rate=16000,channels=2";
    let page = words(sound, "identity name=plain");
    assert!(
        page.contains("<audio controls") && page.contains("16000 Hz, 2 channels"),
        "sound"
    );
    assert!(!page.contains("data:image"));
}

#[test]
fn a_recording_of_sound_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("matrix.csv");
    for live in ["num-buffers=20", "is-live=true"] {
        let description = format!(
            "audiotestsrc {live} ! audio/x-raw,format=F32LE,rate=16000 ! avrec-switch.( identity ) ! fakesink"
        );
        let words = ["--record", path.to_str().unwrap(), &description];
        check_failure(&words, 2, "frames of video, and the switch gets audio/x-raw");
    }
}

#[test]
fn a_mistake_is_told_with_what_to_change() {
    check_failure(&["-v", "fakesrc", "!", "fakesink"], 2, "-v is no option");
    check_failure(
        &["fakesrc", "!", "fakesink", "--repot=x"],
        2,
        "is --report meant?",
    );
    check_failure(
        &["videotestsrc nosuch=1 ! fakesink"],
        2,
        "see gst-inspect-1.0 videotestsrc",
    );
    check_failure(&["videotestsrc num-buffers=9"], 1, "end in a sink?");
    let missing = "videotestsrc ! avrec-switch catalog=/no/such.toml ! fakesink";
    let output = finish(&[missing]);
    let told = stderr(&output);
    assert!(told.contains("/no/such.toml") && !told.contains(".rs("), "{told}");
}

#[test]
fn answers_that_are_held_are_counted_as_held() {
    let folder = tempfile::tempdir().unwrap();
    let (catalog, log) = (folder.path().join("slow.toml"), folder.path().join("log"));
    let text = r#"
floor = "fast"

[[candidate]]
name = "fast"
element = "identity sleep-time=4000"
quality = 0.3
latency-ms = 4

[[candidate]]
name = "slow"
element = "identity sleep-time=60000"
quality = 0.95
latency-ms = 60
"#;
    std::fs::write(&catalog, text).unwrap();
    let description = format!(
        "videotestsrc is-live=true num-buffers=250 ! video/x-raw,format=GRAY8,width=32,height=32,framerate=25/1 \
         ! avrec-switch name=switch catalog={} max-stride=2 late-policy=floor ! fakesink",
        catalog.display()
    );
    let output = finish(&["--log", log.to_str().unwrap(), &description]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let log = read_log(&log);
    let is_held = |line: &&&Value| line["answer"] == "held";
    let frames = of_type(&log, "frame");
    let held = frames.iter().filter(is_held).count();
    assert!(0 < held, "nothing was held: {}", stdout(&output));
    let shares = of_type(&log, "summary")[0]["answer-shares"].as_object().unwrap();
    // On a busy machine the fast one may be too slow for each frame as well.
    let of_held = shares.iter().filter(|(name, _)| name.ends_with("(held)"));
    let share: f64 = of_held.filter_map(|(_, share)| share.as_f64()).sum();
    let expected = held as f64 / frames.len() as f64;
    assert!((share - expected).abs() < 1e-9, "{expected} of {shares:?}");
}

#[test]
fn quiet_prints_nothing() {
    let description = format!("videotestsrc num-buffers=10 ! {SWITCH} ! fakesink");
    let output = finish(&["--quiet", &description]);
    assert_eq!(
        (stdout(&output), output.status.code()),
        (String::new(), Some(0)),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_load_runs_in_its_phase_and_is_gone_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let marker = format!("avrec-load-{}", std::process::id());
    // The shell's own child has to go as well, and it would live for ten minutes.
    let load = format!("0.1:0.3:sh -c 'sleep 600 & wait' {marker}");
    let words = [
        "--log",
        log.to_str().unwrap(),
        "--load",
        &load,
        "--duration",
        "0.6",
    ];
    let output = finish(&[&words[..], &["videotestsrc", "is-live=true", "!", "fakesink"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let log = read_log(&log);
    let time = |kind: &str| of_type(&log, kind)[0]["elapsed-ns"].as_u64().unwrap() as f64 / 1e9;
    assert!((0.1..0.3).contains(&time("load-start")), "{}", time("load-start"));
    assert!((0.3..0.6).contains(&time("load-end")), "{}", time("load-end"));
    assert!(
        of_type(&log, "warning").is_empty(),
        "an end that was asked for is no problem"
    );
    let processes = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    assert!(!stdout(&processes).contains(&marker));
}

#[test]
fn a_loop_goes_on_in_running_time_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let (clip, log) = (folder.path().join("clip.mov"), folder.path().join("log"));
    let write = format!(
        "videotestsrc num-buffers=10 pattern=ball ! video/x-raw,width=64,height=48,framerate=25/1 \
         ! jpegenc ! qtmux ! filesink location={}",
        clip.display()
    );
    assert_eq!(finish(&[&write]).status.code(), Some(0));
    // Paced before the switch, as a live source is, so the pipeline has no preroll.
    let play = format!(
        "filesrc location={} ! qtdemux ! jpegdec ! clocksync ! {SWITCH} ! fakesink",
        clip.display()
    );
    let output = finish(&[
        "--loop",
        "--duration",
        "1.5",
        "--log",
        log.to_str().unwrap(),
        &play,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    let log = read_log(&log);
    let times: Vec<u64> = of_type(&log, "frame")
        .iter()
        .filter_map(|line| line["running-time-ns"].as_u64())
        .collect();
    assert!(30 < times.len(), "three rounds and more: {}", times.len());
    // Demuxers end a round at the start or at the end of its last frame, so the seam is off by up to a frame.
    let steps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.iter().all(|step| *step <= 80_000_000), "{steps:?}");
    let seams = steps.iter().filter(|step| **step != 40_000_000).count();
    assert!(seams <= times.len() / 10, "{steps:?}");
    assert_eq!(of_type(&log, "run-end")[0]["end"], "eos");
}

/// A run that goes on until it is interrupted, and is known to play.
fn endless(words: &[&str], beside: &str) -> Child {
    let description =
        format!("videotestsrc is-live=true ! video/x-raw,framerate=25/1 ! {SWITCH} ! fakesink {beside}");
    let mut child = avrec(words)
        .arg(description)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Its first line comes after a second of playing.
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains("1 s"), "{line}");
    child
}

fn interrupt(child: &Child) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn the_first_interrupt_ends_the_stream_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let child = endless(&["--log", log.to_str().unwrap()], "");
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(of_type(&read_log(&log), "run-end")[0]["end"], "interrupted");
}

#[test]
fn an_interrupt_at_any_moment_of_the_start_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let matrix = folder.path().join("matrix.csv");
    for moment in [20, 60, 120, 250, 400] {
        let mut child = avrec(&["--quiet", "--record", matrix.to_str().unwrap()])
            .arg(
                "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=180,framerate=25/1 \
                 ! avrec-switch catalog=models/upscale.toml ! fakesink",
            )
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(moment) {
            std::thread::yield_now();
        }
        interrupt(&child);
        let end = Instant::now() + Duration::from_secs(20);
        while child.try_wait().unwrap().is_none() {
            let is_late = end < Instant::now();
            if is_late {
                child.kill().unwrap();
            }
            assert!(!is_late, "interrupted after {moment} ms, it runs 20 s later");
            std::thread::yield_now();
        }
    }
}

#[test]
fn the_second_interrupt_stops_at_once() {
    // The valve lets no end of stream through, so the run waits for one until its patience is over.
    let mut child = endless(
        &[],
        "videotestsrc is-live=true ! valve drop=true ! fakesink async=false",
    );
    interrupt(&child);
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains("once more stops at once"), "{line}");
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_closed_output_does_not_end_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    // `endless` closes its end of the pipe after the first line.
    let words = ["--duration", "2.5", "--log", log.to_str().unwrap()];
    let output = endless(&words, "").wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(of_type(&read_log(&log), "run-end")[0]["end"], "eos");
}

#[test]
fn a_profile_is_taken_by_all_switches_and_a_bad_one_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(at("good.toml"), "forbidden = [\"a\"]\n").unwrap();
    std::fs::write(at("bad.toml"), "[wieghts]\n").unwrap();
    let line = "videotestsrc num-buffers=50 ! video/x-raw,width=64,height=36 ! \
        avrec-switch.( late-policy=wait identity name=a identity name=b ) ! fakesink";
    let output = finish(&["--profile", &at("good.toml"), line]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains("answered by b") && !told.contains("answered by a"),
        "{told}"
    );
    for (profile, line, words) in [
        ("bad.toml", line, "bad.toml:1: unknown field `wieghts`"),
        ("absent.toml", line, "cannot read it"),
        (
            "good.toml",
            "fakesrc num-buffers=1 ! fakesink",
            "so nobody takes it",
        ),
    ] {
        let output = finish(&["--profile", &at(profile), line]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}
