// SPDX-License-Identifier: MPL-2.0

//! The real `avrec replay` command, on a recorded matrix and on made-up worlds.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// 300 frames of four upscalers, the middle of them beside a load.
const RECORDED: &str = "tests/matrices/busy_machine.csv";

const POLICIES: [&str; 9] = [
    "avrec",
    "static-best",
    "static-safe",
    "ladder",
    "alert",
    "litereconfig",
    "exp3",
    "oracle",
    "oracle-switch",
];

fn replay(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avrec"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.arg("replay").args(words).output().unwrap()
}

/// What a replay that goes well prints.
#[track_caller]
fn told(words: &[&str]) -> String {
    let output = replay(words);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.as_str()), (Some(0), ""));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn json(words: &[&str]) -> Value {
    let text = told(&[words, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|err| panic!("{err}: {text}"))
}

/// Fails when a replay ends otherwise than by `code`, does not say `text`, or prints figures all the same.
#[track_caller]
fn check_failure(words: &[&str], code: i32, text: &str) {
    let output = replay(words);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.contains(text), "{error}");
    assert!(code != 2 || output.stdout.is_empty(), "nothing is replayed");
}

/// The figures of one policy in the list of a trace or of the means.
#[track_caller]
fn of<'a>(list: &'a Value, policy: &str) -> &'a Value {
    let mut all = list.as_array().unwrap().iter();
    all.find(|it| it["policy"] == policy).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn file(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("matrix.csv");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_table_tells_every_policy_in_a_hundred_columns() {
    let text = told(&[RECORDED, "--generate", "bursty", "--decisions"]);
    for policy in POLICIES {
        let rows = text
            .lines()
            .filter(|it| it.split_whitespace().next() == Some(policy));
        // Each of two traces, and the mean.
        assert!(3 <= rows.count(), "{policy}: {text}");
    }
    let widest = text.lines().map(|it| it.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?}: {text}");
    assert!(
        text.contains("300 frames, 4 candidates, budget 40.0 ms"),
        "{text}"
    );
    assert!(text.contains("bursty, seed 0: 3000 frames"), "{text}");
    assert!(text.contains("mean of 2 traces"), "{text}");
}

#[test]
fn the_figures_of_a_recording_are_what_its_rows_say() {
    let object = json(&[RECORDED]);
    let trace = &object["traces"][0];
    assert_eq!(
        (&trace["file"], &trace["frames"]),
        (&RECORDED.into(), &300.into())
    );
    assert_eq!(
        trace["candidates"],
        serde_json::json!(["bilinear", "small", "medium", "large"])
    );
    let policies = &trace["policies"];
    let oracle = of(policies, "oracle");
    assert_eq!(
        (&oracle["regret_percent"], &oracle["decision_us"]),
        (&0.0.into(), &Value::Null)
    );

    // Counted here once more: large alone, who loses the frames that arrive while it runs.
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDED)).unwrap();
    let rows = text
        .lines()
        .filter(|it| it.starts_with(|it: char| it.is_ascii_digit()));
    let large: Vec<f64> = rows
        .map(|it| it.split(',').nth(7).unwrap().parse().unwrap())
        .collect();
    let (mut frame, mut missed) = (0, 0);
    while frame < large.len() {
        let lost = ((large[frame] / 40.0) as usize).min(large.len() - frame - 1);
        missed += lost + usize::from(40.0 < large[frame]);
        frame += 1 + lost;
    }
    let best = of(policies, "static-best");
    assert_eq!(number(&best["miss_rate"]), missed as f64 / 300.0);
    assert_eq!(number(&best["swaps_per_1000_frames"]), 0.0);

    for policy in POLICIES {
        let it = of(policies, policy);
        assert!((0.0..=1.0).contains(&number(&it["miss_rate"])), "{it}");
        assert!(0.0 <= number(&it["regret_percent"]), "{it}");
        assert!(
            number(&it["effective_quality"]) <= number(&oracle["effective_quality"]),
            "{it}"
        );
        assert_eq!(it["onsets"], oracle["onsets"], "onsets are the trace's");
    }
    let ours = of(policies, "avrec");
    assert!(0.0 < number(&ours["decision_us"]), "{ours}");
    assert!(number(&ours["miss_rate"]) < number(&best["miss_rate"]), "{ours}");
    // One trace is its own mean.
    assert_eq!(
        of(&object["mean"], "ladder")["regret_percent"]["mean"],
        of(policies, "ladder")["regret_percent"]
    );
}

#[test]
fn means_come_with_intervals_over_the_traces() {
    let object = json(&["--generate", "step", "--seed", "100-103", "--policy", "ladder"]);
    let traces = object["traces"].as_array().unwrap();
    let regrets = traces
        .iter()
        .map(|it| number(&it["policies"][0]["regret_percent"]));
    let mean = regrets.sum::<f64>() / 4.0;
    let interval = &object["mean"][0]["regret_percent"];
    assert!((number(&interval["mean"]) - mean).abs() < 1e-9, "{interval}");
    assert!(number(&interval["low"]) < mean && mean < number(&interval["high"]));
    assert_eq!(
        (&object["mean"][0]["traces"], &traces[3]["seed"]),
        (&4.into(), &103.into())
    );
    // Each world has one load, which comes and goes.
    assert_eq!(object["mean"][0]["onsets"], 4);
    assert_eq!(object["mean"][0]["ends"], 4);
}

#[test]
fn the_help_explains_each_key_of_the_json() {
    let help = told(&["--help"]);
    let object = json(&[RECORDED, "--policy", "avrec", "--decisions"]);
    let mut keys: Vec<String> = Vec::new();
    collect_keys(&object, &mut keys);
    assert!(25 < keys.len(), "{keys:?}");
    for key in keys {
        assert!(help.contains(&key), "{key} is not told");
    }
}

fn collect_keys(value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                keys.push(key.clone());
                collect_keys(value, keys);
            }
        }
        Value::Array(array) => array.iter().for_each(|it| collect_keys(it, keys)),
        _ => {}
    }
}

/// Two streams on a machine that has room for both, ours only.
const GROUP: [&str; 10] = [
    "--generate",
    "group",
    "--streams",
    "2",
    "--arrival",
    "together",
    "--load",
    "none",
    "--seed",
    "7000-7001",
];

#[test]
fn a_group_s_table_tells_every_policy_in_a_hundred_columns() {
    let text = told(&[&GROUP[..], &["--weights", "4:1", "--alike"]].concat());
    for policy in [
        "group",
        "independent",
        "evidence",
        "equal-shares",
        "first-come",
        "optimum",
    ] {
        let rows = text
            .lines()
            .filter(|it| it.split_whitespace().next() == Some(policy));
        assert_eq!(rows.count(), 1, "{policy}: {text}");
    }
    let widest = text.lines().map(|it| it.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?}: {text}");
    assert!(
        text.starts_with("together, no load: 2 streams on 2 processors, 2 seeds\n"),
        "{text}"
    );
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("×4 % ×1 % way %"), "{text}");
}

#[test]
fn a_group_s_means_are_those_of_its_worlds() {
    let object = json(&[&GROUP[..], &["--weights", "4:1", "--alike", "--policy", "group"]].concat());
    let worlds = object["worlds"].as_array().unwrap();
    let seeds: Vec<&Value> = worlds.iter().map(|it| &it["seed"]).collect();
    assert_eq!(seeds, [7000, 7001]);
    let loss = |it: &Value| number(&it["policies"][0]["loss_percent"]);
    let mean = &object["mean"][0]["policies"][0];
    let expected = (loss(&worlds[0]) + loss(&worlds[1])) / 2.0;
    assert!(
        (number(&mean["loss_percent"]["mean"]) - expected).abs() < 1e-9,
        "{mean}"
    );
    assert_eq!(
        (&mean["kept"][0]["weight"], &mean["kept"][1]["weight"]),
        (&4.0.into(), &1.0.into())
    );
    assert!(0.0 < number(&mean["decision_us"]["mean"]), "{mean}");
    let help = told(&["--help"]);
    let mut keys = Vec::new();
    collect_keys(&object, &mut keys);
    for key in keys {
        assert!(help.contains(&key), "{key} is not told");
    }
}

#[test]
fn decisions_are_told_with_their_reasons() {
    let words = ["--generate", "step", "--policy", "avrec", "--decisions"];
    let object = json(&words);
    let decisions = object["traces"][0]["decisions"].as_array().unwrap().clone();
    assert_eq!(decisions[0]["from"], Value::Null);
    assert_eq!(decisions[0]["reason"], "start");
    let swaps = number(&object["traces"][0]["policies"][0]["swaps_per_1000_frames"]) * 3.0;
    assert_eq!(decisions.len() - 1, swaps.round() as usize);
    // The load comes with frame 1000.
    let onset = decisions
        .iter()
        .find(|it| (1000..1005).contains(&it["frame"].as_u64().unwrap()))
        .unwrap();
    assert_eq!(onset["reason"], "infeasible", "{onset}");
    for pair in decisions.windows(2) {
        assert_eq!(pair[0]["to"], pair[1]["from"]);
        assert!(!pair[1]["reason_text"].as_str().unwrap().is_empty());
        assert!(pair[1]["explanation"].as_str().unwrap().contains(" answers"));
    }
    let text = told(&words);
    let sentence = onset["reason_text"].as_str().unwrap();
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(sentence), "{text}");
}

#[test]
fn a_world_that_was_written_replays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.csv");
    let path = path.to_str().unwrap();
    let made = json(&["--generate", "ramp+inverted", "--seed", "7", "--write", path]);
    let read = json(&[path]);
    assert_eq!(read["traces"][0]["budget_ms"], made["traces"][0]["budget_ms"]);
    for policy in ["static-safe", "oracle"] {
        let [made, read] =
            [&made, &read].map(|it| number(&of(&it["traces"][0]["policies"], policy)["effective_quality"]));
        // The file has three and four digits after the point.
        assert!((made - read).abs() < 1e-4, "{policy}: {made} {read}");
    }
}

#[test]
fn another_budget_is_the_user_s_choice() {
    let regret = |words: &[&str]| {
        let object = json(&[words, &[RECORDED, "--policy", "static-best"]].concat());
        number(&object["traces"][0]["policies"][0]["miss_rate"])
    };
    assert_eq!(regret(&["--budget-ms", "20"]), 1.0, "large takes 27 ms");
    assert!(regret(&["--budget-ms", "1000", "--period-ms", "1000"]) < 0.01);
}

#[test]
fn a_wrong_matrix_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        folder.path(),
        "# budget_ms: 30\nt_ms,a.latency_ms,a.quality\n0,1,1\n40,soon,1\n",
    );
    let path = path.to_str().unwrap();
    // The good one before it is not replayed either.
    check_failure(
        &[RECORDED, path],
        2,
        &format!("{path}: line 4, column 2: a.latency_ms is 'soon'"),
    );
    check_failure(&["no/such.csv"], 2, "no/such.csv: cannot be opened: No such file");
    check_failure(
        &["tests/matrices"],
        2,
        "tests/matrices: cannot be opened: it is a folder, not a regular file",
    );
    check_failure(&["/dev/zero"], 2, "it is a device");
}

#[test]
fn what_cannot_be_meant_exits_with_two() {
    check_failure(&[], 2, "nothing to replay");
    check_failure(
        &[RECORDED, "--policy", "greedy"],
        2,
        "known: avrec, avrec-blind, static-best, static-safe, ladder",
    );
    check_failure(
        &["--generate", "storm"],
        2,
        "known: none, step, ramp, periodic, bursty, tail, unequal, machine, wild",
    );
    check_failure(&[RECORDED, "--budget-ms", "-3"], 2, "--budget-ms");
    check_failure(&[RECORDED, "--miss-rate", "3"], 2, "miss rate 3");
    check_failure(
        &[RECORDED, "--streams", "4"],
        2,
        "--streams needs --generate group",
    );
    check_failure(&[RECORDED, "--policy", "optimum"], 2, "needs --generate group");
    check_failure(&[&GROUP[..], &[RECORDED]].concat(), 2, "is replayed by itself");
    check_failure(&[&GROUP[..], &["--weights", "4:0"]].concat(), 2, "such as 4:1");
}

#[test]
fn a_world_that_cannot_be_written_exits_with_three() {
    check_failure(
        &["--generate", "none", "--policy", "ladder", "--write", "/dev/full"],
        3,
        "'/dev/full' cannot be written",
    );
}

#[test]
fn a_recording_of_nothing_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        folder.path(),
        "t_ms,a.latency_ms,a.quality,b.latency_ms,b.quality\n0,0,0,10000,0\n40,0,0,10000,0\n",
    );
    let object = json(&[path.to_str().unwrap()]);
    for policy in POLICIES {
        let it = of(&object["traces"][0]["policies"], policy);
        assert_eq!(number(&it["effective_quality"]), 0.0);
        assert_eq!(it["reaction_median_frames"], Value::Null);
    }
}
