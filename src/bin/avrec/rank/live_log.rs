// SPDX-License-Identifier: MPL-2.0

//! What a log of `avrec run` tells of the models live: which priors did not hold.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use gstavrec::bounded_file;
use serde::Deserialize;

/// Bytes of a log that are read, and of one line.
const MOST: u64 = 4 << 30;

/// The end of the type of a line that tells of a prior.
const DRIFT: &str = "drift";

/// A line of the log; only drifts have the fields.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    candidate: Option<String>,
    state: Option<String>,
    prior: Option<f64>,
    live: Option<f64>,
    #[serde(rename = "live-low")]
    low: Option<f64>,
    #[serde(rename = "live-high")]
    high: Option<f64>,
    #[serde(rename = "since-frame")]
    since: Option<u64>,
}

/// A sentence for each candidate on how its prior held in the end.
///
/// # Errors
///
/// A sentence on why the log cannot be read.
pub fn told(path: &Path) -> Result<Vec<String>, String> {
    let wrong = |err: std::io::Error| format!("--from-log {}: {err}", path.display());
    let file = bounded_file::open(path).map_err(wrong)?;
    let (mut last, mut lines) = (BTreeMap::new(), 0);
    for line in BufReader::new(file.take(MOST)).lines() {
        let Ok(line) = serde_json::from_str::<Line>(&line.map_err(wrong)?) else {
            continue;
        };
        lines += 1;
        if let (true, Some(candidate)) = (line.kind.ends_with(DRIFT), line.candidate.clone()) {
            last.insert(candidate, line);
        }
    }
    if lines == 0 {
        return Err(format!(
            "--from-log {}: it has no line of a log of avrec run --log",
            path.display()
        ));
    }
    if last.is_empty() {
        return Ok(vec![format!("live all priors held, as {} tells", path.display())]);
    }
    Ok(last
        .iter()
        .filter_map(|(candidate, line)| sentence(candidate, line))
        .collect())
}

fn sentence(candidate: &str, line: &Line) -> Option<String> {
    let (prior, live, low, high) = (line.prior?, line.live?, line.low?, line.high?);
    let since = line
        .since
        .map_or(String::new(), |it| format!(" from frame {it} on"));
    Some(match line.state.as_deref() {
        Some("returned") => format!(
            "live {candidate} was not worth its prior of {prior:.3} for a while, and is again ({live:.3})"
        ),
        _ => format!(
            "live {candidate} was worth {live:.3} ({low:.3} to {high:.3}){since}, and its prior says {prior:.3}"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_each_prior_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let apart = r#"{"type":"drift","candidate":"small","state":"apart","prior":0.9,"live":0.61,"live-low":0.58,"live-high":0.64,"since-frame":120}"#;
        std::fs::write(&path, format!("{{\"type\":\"swap\"}}\nno line\n{apart}\n")).unwrap();
        let expected =
            "live small was worth 0.610 (0.580 to 0.640) from frame 120 on, and its prior says 0.900";
        assert_eq!(told(&path).unwrap(), [expected]);
        std::fs::write(&path, "{\"type\":\"swap\"}\n").unwrap();
        assert!(told(&path).unwrap()[0].contains("all priors held"));
        std::fs::write(&path, "a picture").unwrap();
        assert!(told(&path).unwrap_err().contains("no line"));
        assert!(told(Path::new("nowhere")).is_err());
    }
}
