// SPDX-License-Identifier: MPL-2.0

//! What a stream gives back to the next ranking: priors that do not hold are told, and hard frames are kept.

use std::path::Path;

use gst::prelude::*;

use crate::support::switch::*;

/// The second one changes pictures so much that it agrees little with the first.
const CATALOG: &str = "
reference = \"good\"
[[candidate]]
name = \"good\"
element = \"identity\"
quality = 0.95
[[candidate]]
name = \"bad\"
element = \"videobalance brightness=0.9 contrast=0.2\"
quality = PRIOR
";

fn rig(folder: &Path, prior: &str, properties: &str) -> Rig {
    let catalog = folder.join("catalog.toml");
    std::fs::write(&catalog, CATALOG.replace("PRIOR", prior)).unwrap();
    let properties = format!("late-policy=floor catalog={} {properties}", catalog.display());
    Rig::unstarted(&properties, "").start(SMALL)
}

/// Passes frames until the second candidate was scored so often.
fn score(rig: &mut Rig, scores: u64) {
    rig.pass_until("scores", |rig| {
        let stats = rig.candidate_stats("bad").unwrap();
        scores <= stats.get::<u64>("scores").unwrap_or(0)
    });
    (0..5).for_each(|_| drop(rig.pass()));
}

#[test]
fn a_prior_that_does_not_hold_is_told_once_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = rig(folder.path(), "0.9", "");
    score(&mut rig, 12);
    let mut drifts = Vec::new();
    let mut warnings = Vec::new();
    while let Some(message) = rig.bus.pop() {
        if let gst::MessageView::Warning(warning) = message.view() {
            warnings.push(format!("{} {:?}", warning.error(), warning.debug()));
        }
        drifts.extend(
            message
                .structure()
                .filter(|it| it.name() == "avrec/drift")
                .map(|it| it.to_owned()),
        );
    }
    let [drift] = &drifts[..] else {
        panic!("{drifts:?}")
    };
    assert_eq!(drift.get::<&str>("candidate"), Ok("bad"));
    assert_eq!(drift.get::<&str>("state"), Ok("apart"));
    assert_eq!(drift.get::<f64>("prior"), Ok(0.9));
    assert!(
        drift.get::<f64>("live-high").unwrap() < drift.get::<f64>("prior-low").unwrap(),
        "{drift}"
    );
    let told: Vec<_> = warnings
        .iter()
        .filter(|it| it.contains("its prior says"))
        .collect();
    assert!(
        told.len() == 1 && told[0].contains("rank the candidates"),
        "{warnings:?}"
    );
}

/// Names of the files in a folder that end so.
fn files(folder: &Path, extension: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|it| it.ends_with(extension)).collect();
    names.sort();
    names
}

#[test]
fn hard_frames_are_kept_as_they_came_in_up_to_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let frames = folder.path().join("hard");
    let properties = format!("keep-hard-frames={} hard-frames-limit=3", frames.display());
    let mut rig = rig(folder.path(), "0.9", &properties);
    rig.pass_until("a frame is kept", |_| !files(&frames, ".json").is_empty());
    score(&mut rig, 30);
    rig.switch.set_state(gst::State::Null).unwrap();
    let (pictures, lines) = (files(&frames, ".png"), files(&frames, ".json"));
    assert!(
        (1..=3).contains(&pictures.len()) && pictures.len() == lines.len(),
        "{pictures:?} {lines:?}"
    );
    let line = std::fs::read_to_string(frames.join(&lines[0])).unwrap();
    assert_eq!(line.lines().count(), 1);
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["reference"], "good");
    let candidates = line["candidates"].as_array().unwrap();
    let bad = candidates.iter().find(|it| it["candidate"] == "bad").unwrap();
    assert!(bad["agreement"].as_f64().unwrap() < 0.98, "{line}");
    let number = line["frame"].as_u64().unwrap();
    // The picture is the frame itself, as far as its colors survive.
    let png = std::fs::read(frames.join(&pictures[0])).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    assert!(pictures[0].ends_with(&format!("-{number}.png")) || 1 < pictures.len());
}

#[test]
fn nothing_is_kept_where_privacy_is_set_against_it() {
    let folder = tempfile::tempdir().unwrap();
    let frames = folder.path().join("hard");
    let properties = format!("keep-hard-frames={} privacy=no-frames", frames.display());
    let mut rig = rig(folder.path(), "0.9", &properties);
    score(&mut rig, 8);
    let warnings = rig.texts(gst::MessageType::Warning);
    let told = warnings
        .iter()
        .filter(|it| it.contains("`privacy` is no-frames"))
        .count();
    assert_eq!(told, 1, "{warnings:?}");
    rig.switch.set_state(gst::State::Null).unwrap();
    assert!(!frames.exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let properties = format!("keep-hard-frames={}", file.display());
    let mut rig = rig(folder.path(), "0.9", &properties);
    score(&mut rig, 12);
    let warnings = rig.texts(gst::MessageType::Warning);
    let told = warnings
        .iter()
        .filter(|it| it.contains("no further hard frames"))
        .count();
    assert_eq!(told, 1, "{warnings:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "no folder");
}
