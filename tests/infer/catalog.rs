// SPDX-License-Identifier: MPL-2.0

//! Catalogues: what is read, and what each mistake says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gstavrec::runtime::catalog::{Catalog, CatalogError, Source};

use crate::support::models::model;

/// Properties that the switch would allow.
const PROPERTIES: [&str; 3] = ["threads", "backend", "optimization-level"];

/// A folder with a catalogue and a model beside it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(model("twice_luma"), folder.path().join("twice.onnx")).unwrap();
    folder
}

fn parse(folder: &Path, text: &str) -> Result<Catalog, CatalogError> {
    let path = folder.join("upscale.toml");
    std::fs::write(&path, text).unwrap();
    Catalog::load(&path, &PROPERTIES)
}

#[test]
fn a_whole_catalogue_is_read_in_its_order() {
    let folder = folder();
    let text = "task = \"image\"\nreference = \"twice\"\nfloor = \"bilinear\"\n\n[[candidate]]\nname = \"bilinear\"\n\
        element = \"videoscale method=bilinear\"\nquality = 0.80\ncost = 1\nlatency-ms = 0.5\n\n[[candidate]]\nname = \"twice\"\nmodel = \"twice.onnx\"\n\
        quality = 1\nlicense = \"MIT\"\nruns-on = \"npu\"\nthreads = 2\nbackend = \"rten\"\n";
    let catalogue = parse(folder.path(), text).unwrap();
    assert_eq!(
        (catalogue.task.as_deref(), catalogue.floor.as_deref()),
        (Some("image"), Some("bilinear"))
    );
    let [bilinear, twice] = catalogue.candidates.as_slice() else {
        panic!("not two")
    };
    assert_eq!(
        bilinear.source,
        Source::Element("videoscale method=bilinear".into())
    );
    assert_eq!((bilinear.quality, bilinear.line), (Some(0.8), 5));
    assert_eq!(
        (bilinear.cost, bilinear.latency),
        (1.0, Some(Duration::from_micros(500)))
    );
    assert_eq!((twice.cost, twice.latency), (0.0, None));
    assert_eq!(
        (&bilinear.runs_on, twice.runs_on.as_deref()),
        (&None, Some("npu"))
    );
    assert_eq!(twice.source, Source::Model(folder.path().join("twice.onnx")));
    assert_eq!(
        (twice.quality, twice.license.as_deref()),
        (Some(1.0), Some("MIT"))
    );
    let properties: Vec<_> = twice
        .properties
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(properties, [("backend", "rten"), ("threads", "2")]);
    assert_eq!(catalogue.candidate("twice"), Some(twice));
}

#[test]
fn each_mistake_names_its_line_and_what_to_write() {
    let folder = folder();
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("link.onnx")).unwrap();
    let good = "[[candidate]]\nname = \"a\"\nmodel = \"twice.onnx\"\n";
    for (text, line, words) in [
        (
            format!("tusk = \"image\"\n{good}"),
            1,
            "unknown key 'tusk'; write task",
        ),
        (
            format!("\ntask = \"smell\"\n{good}"),
            2,
            "unknown task 'smell'; write one of auto",
        ),
        (format!("task = 3\n{good}"), 1, "'task' is no string"),
        (
            format!("{good}thread = 1\n"),
            4,
            "unknown key 'thread'; write one of name",
        ),
        (
            format!("{good}threads = [1]\n"),
            4,
            "'threads' is no single value",
        ),
        (
            format!("{good}{good}"),
            5,
            "candidate 'a' stands in line 1 already",
        ),
        (
            format!("{good}quality = 1.5\n"),
            4,
            "quality is no number from 0 to 1",
        ),
        (
            format!("{good}quality = -0.1\n"),
            4,
            "quality is no number from 0 to 1",
        ),
        (
            format!("{good}quality = nan\n"),
            4,
            "quality is no number from 0 to 1",
        ),
        (
            format!("{good}quality = \"good\"\n"),
            4,
            "quality is no number from 0 to 1",
        ),
        (format!("{good}cost = -1\n"), 4, "cost is no number from 0 on"),
        (format!("{good}cost = inf\n"), 4, "cost is no number from 0 on"),
        (
            format!("{good}\nlatency-ms = 0\n"),
            5,
            "latency-ms is no number above 0; write milliseconds",
        ),
        (
            format!("{good}latency-ms = \"8 ms\"\n"),
            4,
            "latency-ms is no number above 0",
        ),
        (format!("{good}latency-ms = nan\n"), 4, "latency-ms is no number"),
        (
            format!("{good}latency-ms = 1e300\n"),
            4,
            "latency-ms is no number",
        ),
        (
            format!("{good}sha256 = \"abc\"\n"),
            4,
            "write what sha256sum prints",
        ),
        (
            format!("{good}element = \"identity\"\n"),
            3,
            "has both element and model",
        ),
        (
            "[[candidate]]\nname = \"a\"\n".into(),
            1,
            "neither element nor model",
        ),
        ("[[candidate]]\nmodel = \"twice.onnx\"\n".into(), 1, "no name"),
        (
            "[[candidate]]\nname = \"a\"\nmodel = \"absent.onnx\"\n".into(),
            3,
            "absent.onnx does not exist",
        ),
        (
            "[[candidate]]\nname = \"a\"\nmodel = \"../twice.onnx\"\n".into(),
            3,
            "outside of the catalogue's folder",
        ),
        (
            "[[candidate]]\nname = \"a\"\nmodel = \"link.onnx\"\n".into(),
            3,
            "outside of the catalogue's folder",
        ),
        (
            "[[candidate]]\nname = \"a\"\nelement = \"identity\"\nthreads = 1\n".into(),
            4,
            "inside of element",
        ),
        ("candidate = \"a\"\n".into(), 1, "[[candidate]]"),
        ("\n[candidate]\nname = \"a\"\n".into(), 2, "[[candidate]]"),
        (
            format!("quality = 0.5\n{good}"),
            1,
            "unknown key 'quality'; write task",
        ),
        (
            format!("{good}threads = 99999999999999999999\n"),
            4,
            "'threads' is too large; write a smaller number",
        ),
        ("task = \"image\"\n".into(), 1, "no candidate"),
        (
            format!("\n\nreference = \"b\"\n{good}"),
            3,
            "reference 'b' is no candidate; write one of a",
        ),
        (format!("floor = \"b\"\n{good}"), 1, "floor 'b' is no candidate"),
        (format!("{good}name = \"b\"\n"), 4, "correct the TOML"),
        (format!("{good}quality = \n"), 4, "correct the TOML"),
    ] {
        let error = parse(folder.path(), &text).unwrap_err();
        assert!(error.to_string().contains(words), "{text}\n{error}");
        assert!(
            error.to_string().contains(&format!("upscale.toml:{line}: ")),
            "{text}\n{error}"
        );
    }
}

#[test]
fn a_model_elsewhere_is_taken_by_its_absolute_path() {
    let folder = folder();
    let text = format!(
        "[[candidate]]\nname = \"a\"\nmodel = \"{}\"\n",
        model("twice_luma").display()
    );
    let catalogue = parse(folder.path(), &text).unwrap();
    assert_eq!(catalogue.candidates[0].source, Source::Model(model("twice_luma")));
}

#[test]
fn a_missing_catalogue_says_so() {
    let error = Catalog::load(&PathBuf::from("/nowhere/c.toml"), &PROPERTIES).unwrap_err();
    assert!(
        error.to_string().contains("/nowhere/c.toml:1: cannot read it"),
        "{error}"
    );
}
