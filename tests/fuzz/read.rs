// SPDX-License-Identifier: MPL-2.0

//! How each kind of input is read, and what has to hold whatever it is.

use std::path::Path;
use std::time::Duration;

use gstavrec::policy::Config;
use gstavrec::replay::{self, Matrix, PolicyName};
use gstavrec::runtime::catalog::Catalog;
use gstavrec::runtime::modelinfo::ModelInfo;
use gstavrec::truth::{Classes, Format, ItemKey, Truth};

/// Properties that candidates of a catalogue may have.
pub const PROPERTIES: [&str; 3] = ["threads", "memory-limit", "input-range"];

/// A description of a model, by the format of GStreamer 1.28 and our own keys.
pub fn model_info(text: &str) {
    let path = Path::new("m.onnx.modelinfo");
    if let Err(error) = ModelInfo::parse(path, text) {
        assert!(error.to_string().contains("m.onnx.modelinfo"), "{error}");
    }
}

/// A catalogue: what it names is there, and what is wrong has a line.
pub fn catalog(text: &str) {
    let path = Path::new("models/fuzz.toml");
    match Catalog::parse(path, text, &PROPERTIES) {
        Ok(catalog) => {
            for name in [&catalog.reference, &catalog.floor].into_iter().flatten() {
                assert!(catalog.candidate(name).is_some(), "{name} is a candidate");
            }
            for task in catalog.tasks() {
                let (part, _) = catalog.clone().of_task(Some(task)).unwrap();
                assert!(!part.candidates.is_empty());
            }
        }
        Err(error) => {
            let lines = text.split('\n').count();
            assert!(
                (1..=lines).contains(&error.line),
                "line {} of {lines}: {error}",
                error.line
            );
            assert!(!error.cause.is_empty() && !error.remedy.is_empty(), "{error}");
        }
    }
}

/// A matrix of a replay: what is written of it reads as it was, and each policy plays it.
pub fn matrix(text: &str) {
    let Ok(matrix) = replay::read(text.as_bytes()) else {
        return;
    };
    // Times are written to a microsecond, and then stay.
    let again = written_and_read(&matrix);
    assert_eq!(again.columns, matrix.columns);
    assert_eq!(format!("{:?}", written_and_read(&again)), format!("{again:?}"));
    for (policy, name) in PolicyName::ALL {
        // A policy may refuse what it cannot work with; it says so.
        if let Ok(outcome) = policy.play(&matrix, Config::default()) {
            assert_eq!(outcome.picks.len(), matrix.frames(), "{name}");
            assert!(
                outcome.worth.iter().all(|it| it.is_finite()),
                "{name}: {:?}",
                outcome.worth
            );
        }
    }
}

fn written_and_read(matrix: &Matrix) -> Matrix {
    let mut written = Vec::new();
    replay::write(matrix, &mut written).unwrap();
    let again = replay::read(&written[..]);
    again.unwrap_or_else(|error| panic!("what was written is refused: {error}"))
}

/// Labels in a file of the folder, as this format and as whichever they look like; how many there are.
///
/// # Errors
///
/// When they are none of the format; says why.
pub fn labels(folder: &Path, name: &str, format: Format, bytes: &[u8]) -> Result<usize, String> {
    let file = folder.join(name);
    std::fs::write(&file, bytes).unwrap();
    let path = match format {
        Format::Yolo => folder,
        _ => &file,
    };
    let named = Truth::open_as(path, format, &mut Classes::new());
    if let Ok(truth) = &named {
        use_all(truth);
    }
    if let Ok(truth) = Truth::open(path, &mut Classes::new()) {
        use_all(&truth);
    }
    named.map(|it| it.len()).map_err(|error| {
        let told = error.to_string();
        assert!(!told.is_empty());
        told
    })
}

fn use_all(truth: &Truth) {
    for item in items() {
        // A label that cannot be read is told where it is asked for.
        let label = truth.of(&item).ok().flatten();
        if let Some(label) = label {
            label.answer();
            label.ignored();
        }
    }
    truth.check(&items(), &["car".to_owned()]);
}

/// Items that a label may be asked for.
fn items() -> [ItemKey<'static>; 3] {
    let item = |seconds, duration, frame, size| ItemKey {
        file: Path::new("street.jpg"),
        time: Duration::from_secs(seconds),
        duration: Duration::from_secs(duration),
        frame,
        size,
    };
    [
        item(0, 0, 0, Some((640, 480))),
        item(0, 2, 12, None),
        item(u64::from(u32::MAX), 1, u64::MAX, Some((0, 0))),
    ]
}

/// Bytes that came to the page's server: whatever they are, it answers in HTTP or not at all, and has no fault.
pub fn request(bytes: &[u8]) {
    let answer = gstavrec::metrics::answer_anything(bytes);
    let told = || String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{}", told());
    assert!(answer.get(9) != Some(&b'5'), "{}", told());
}
