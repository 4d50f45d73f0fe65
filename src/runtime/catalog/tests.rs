// SPDX-License-Identifier: MPL-2.0

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.onnx", "b.onnx"] {
        fs::write(folder.path().join(name), "model").unwrap();
    }
    folder
}

fn parse(folder: &Path, text: &str) -> Result<Catalog, CatalogError> {
    Catalog::parse(&folder.join("library.toml"), text, &["threads", "task"])
}

const FULL: &str = r#"# The station's own.
task = "image"   # of all

[[candidate]]
name = "a"            # small
model = "a.onnx"
task = "detect"
quality = 0.9         # guessed
quality-interval = [0.85, 0.93]
license = "MIT"
origin = "https://example.org/a"
trained-on = "COCO"
privacy = "local"
sees = ["faces", "voices"]
memory = 52428800
parent = "8EF58498c0a41b4f8961fd35da2b27e7c348fc650d5beb7d83dc2add56dbf1f4"
threads = 1

[[candidate.measured]]
measure = "map"
value = 0.41
interval = [0.39, 0.44]
items = 300
material = "street.mp4"
truth = "labels"
date = "2026-11-28"
latency-ms = 8.3
latency-p95-ms = 9
latency-p99-ms = 12.5
machine = "EPYC"
provider = "cpu"

# The other one.
[[candidate]]
name = "b"
model = "b.onnx"
"#;

#[test]
fn all_that_a_library_says_is_read() {
    let folder = folder();
    let catalog = parse(folder.path(), FULL).unwrap();
    let [a, b] = catalog.candidates.as_slice() else {
        panic!("not two")
    };
    assert_eq!(a.quality_interval, Some((0.85, 0.93)));
    assert_eq!(
        (a.origin.as_deref(), a.trained_on.as_deref()),
        (Some("https://example.org/a"), Some("COCO"))
    );
    assert_eq!((a.memory, a.sees.len()), (Some(52_428_800), 2));
    assert!(a.parent.as_ref().unwrap().starts_with("8ef58498"));
    assert_eq!(a.properties["task"], "detect");
    assert_eq!(
        (a.privacy(), b.privacy(), b.stated_privacy),
        (Some(Privacy::Local), Some(Privacy::Local), None)
    );
    let [measured] = a.measured.as_slice() else {
        panic!("not one")
    };
    assert_eq!(measured.interval, Some((0.39, 0.44)));
    assert_eq!(measured.latency_p95, Some(Duration::from_millis(9)));
    assert_eq!(measured.date.as_deref(), Some("2026-11-28"));
    assert_eq!(
        (catalog.task_of(a), catalog.task_of(b)),
        (Some("detect"), Some("image"))
    );
}

#[test]
fn each_mistake_of_the_new_keys_names_its_line() {
    let folder = folder();
    let good = "[[candidate]]\nname = \"a\"\nmodel = \"a.onnx\"\n";
    let measured = format!("{good}[[candidate.measured]]\n");
    for (text, line, words) in [
        (
            format!("{good}task = \"smell\"\n"),
            4,
            "unknown task 'smell'; write one of auto",
        ),
        (
            format!("{good}quality-interval = 0.1\n"),
            4,
            "no two numbers from 0 to 1",
        ),
        (
            format!("{good}quality-interval = [0.9, 0.1]\n"),
            4,
            "the lower one first",
        ),
        (format!("{good}quality-interval = [0.1, 1.1]\n"), 4, "from 0 to 1"),
        (
            format!("{good}quality = 0.5\nquality-interval = [0.6, 0.7]\n"),
            5,
            "quality 0.5 lies outside of its interval",
        ),
        (
            format!("{good}privacy = \"secret\"\n"),
            4,
            "none of local, remote, uploads-frames",
        ),
        (
            format!("{good}sees = \"faces\"\n"),
            4,
            "sees is no list of strings",
        ),
        (format!("{good}memory = -1\n"), 4, "memory is no whole number"),
        (format!("{good}memory = 0\n"), 4, "memory is no whole number"),
        (
            format!("{good}memory = \"50M\"\n"),
            4,
            "write bytes, such as memory",
        ),
        (
            format!("{good}parent = \"abc\"\n"),
            4,
            "parent is not 64 hexadecimal digits",
        ),
        (format!("{good}origin = 1\n"), 4, "'origin' is no string"),
        (format!("{good}measured = 1\n"), 4, "'measured' is no list"),
        (
            format!("{measured}measur = \"map\"\n"),
            5,
            "unknown key 'measur' of a measurement; write one of measure, value",
        ),
        (format!("{measured}value = nan\n"), 5, "value is no finite number"),
        (
            format!("{measured}interval = [1]\n"),
            5,
            "interval is no two numbers",
        ),
        (format!("{measured}items = -3\n"), 5, "items is no whole number"),
        (format!("{measured}date = \"today\"\n"), 5, "date is no day"),
        (format!("{measured}date = 2026-11-28\n"), 5, "date is no day"),
        (
            format!("{measured}latency-p99-ms = 0\n"),
            5,
            "latency-p99-ms is no number above 0; write milliseconds, such as latency-p99-ms",
        ),
    ] {
        let error = parse(folder.path(), &text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}\n{error}");
        assert!(
            error.contains(&format!("library.toml:{line}: ")),
            "{text}\n{error}"
        );
    }
}

#[test]
fn candidates_of_one_task_are_taken_out_of_several() {
    let folder = folder();
    let text = "reference = \"a\"\nfloor = \"none\"\n\
        [[candidate]]\nname = \"a\"\nmodel = \"a.onnx\"\ntask = \"detect\"\n\
        [[candidate]]\nname = \"b\"\nmodel = \"b.onnx\"\ntask = \"image\"\n\
        [[candidate]]\nname = \"none\"\nelement = \"identity\"\n";
    let catalog = parse(folder.path(), text).unwrap();
    assert_eq!(catalog.tasks(), ["detect", "image"]);
    let error = catalog.clone().of_task(None).unwrap_err().to_string();
    assert!(error.contains("several tasks (detect, image)"), "{error}");
    let error = catalog.clone().of_task(Some("audio")).unwrap_err().to_string();
    assert!(error.contains("no candidate of the task audio"), "{error}");
    let (catalog, left) = catalog.of_task(Some("image")).unwrap();
    let names: Vec<_> = catalog.candidates.iter().map(|it| it.name.as_str()).collect();
    assert_eq!((names, left), (vec!["b", "none"], vec!["a".to_owned()]));
    assert_eq!(
        (catalog.reference, catalog.floor.as_deref()),
        (None, Some("none"))
    );
}

#[test]
fn what_is_written_keeps_comments_and_order() {
    let folder = folder();
    let path = folder.path().join("library.toml");
    fs::write(&path, FULL).unwrap();
    let measured = Measured {
        measure: Some("map".into()),
        material: Some("street.mp4".into()),
        truth: Some("labels".into()),
        machine: Some("EPYC".into()),
        provider: Some("cpu".into()),
        value: Some(0.5),
        ..Measured::default()
    };
    let entries = [
        Entry {
            name: "a".into(),
            quality: Some(0.712_345),
            quality_interval: Some((0.7, 0.72)),
            measured: vec![measured.clone()],
            ..Entry::default()
        },
        Entry {
            name: "c".into(),
            source: Some(Source::Model(folder.path().join("b.onnx"))),
            task: Some("image".into()),
            privacy: Some(Privacy::Local),
            sees: vec!["faces".into()],
            memory: Some(100),
            latency: Some(Duration::from_micros(8_333)),
            properties: [("threads", "1")]
                .map(|(key, it)| (key.into(), it.into()))
                .to_vec(),
            measured: vec![measured.clone()],
            ..Entry::default()
        },
    ];
    let head = Head {
        reference: Some("c".into()),
        ..Head::default()
    };
    write(&path, &head, &entries).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let expected = FULL
        .replace(
            "quality = 0.9         # guessed",
            "quality = 0.7123         # guessed",
        )
        .replace("[0.85, 0.93]", "[0.7, 0.72]")
        .replace(
            "value = 0.41\ninterval = [0.39, 0.44]\nitems = 300\n",
            "value = 0.5\n",
        )
        .replace(
            "latency-ms = 8.3\nlatency-p95-ms = 9\nlatency-p99-ms = 12.5\n",
            "",
        )
        .replace("# of all\n", "# of all\nreference = \"c\"\n");
    let added = "\n[[candidate]]\nname = \"c\"\nmodel = \"b.onnx\"\ntask = \"image\"\nprivacy = \"local\"\nsees = [\"faces\"]\n\
        latency-ms = 8.333\nmemory = 100\nthreads = 1\n\n[[candidate.measured]]\nmeasure = \"map\"\nmaterial = \"street.mp4\"\n\
        truth = \"labels\"\nmachine = \"EPYC\"\nprovider = \"cpu\"\nvalue = 0.5\n";
    assert_eq!(text, expected + added);
    let catalog = parse(folder.path(), &text).unwrap();
    assert_eq!(catalog.candidates[2].measured, [measured]);

    let mut document = Document::open(&path).unwrap();
    assert!(document.remove("c") && !document.remove("c"));
    document.save().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        !text.contains("\"c\"") && text.ends_with("model = \"b.onnx\"\n"),
        "{text}"
    );
}

#[test]
fn a_new_catalogue_names_models_as_it_can_find_them() {
    let folder = folder();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("below")).unwrap();
    fs::write(elsewhere.path().join("far.onnx"), "model").unwrap();
    fs::write(folder.path().join("below/near.onnx"), "model").unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("far.onnx"), folder.path().join("link.onnx")).unwrap();
    let path = folder.path().join("new.toml");
    let models =
        ["a.onnx", "below/near.onnx", "below/../b.onnx", "link.onnx"].map(|it| folder.path().join(it));
    let far = elsewhere.path().join("far.onnx");
    let entries: Vec<Entry> = (0..)
        .zip(models.iter().chain([&far]))
        .map(|(number, model)| Entry {
            name: format!("m{number}"),
            source: Some(Source::Model(model.clone())),
            ..Entry::default()
        })
        .collect();
    write(&path, &Head::default(), &entries).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("[[candidate]]\nname = \"m0\"\nmodel = \"a.onnx\"\n\n"),
        "{text}"
    );
    let catalog = Catalog::load(&path, &[]).unwrap();
    for (candidate, expected) in catalog.candidates.iter().zip(models.iter().chain([&far])) {
        assert_eq!(
            candidate.model().unwrap().canonicalize().unwrap(),
            expected.canonicalize().unwrap()
        );
    }
}

#[test]
fn what_cannot_be_written_is_told_and_changes_nothing() {
    let folder = folder();
    let path = folder.path().join("library.toml");
    fs::write(&path, FULL).unwrap();
    let mut document = Document::open(&path).unwrap();
    let bad = |quality, name: &str| Entry {
        name: name.into(),
        quality: Some(quality),
        ..Entry::default()
    };
    for entry in [bad(f64::NAN, "a"), bad(1.5, "a"), bad(0.5, "")] {
        assert!(
            document
                .put(&entry)
                .unwrap_err()
                .cause
                .contains("cannot be written")
        );
    }
    document.put(&bad(0.5, "a")).unwrap();
    fs::write(&path, "# changed\n").unwrap();
    assert!(document.save().unwrap_err().cause.contains("somebody else"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "# changed\n");
    for (text, words) in [
        ("candidate = 3", "no list of sections"),
        ("[[candidate]\n", "invalid"),
        ("[candidate]\nname = \"a\"\n", "no list of sections"),
    ] {
        fs::write(&path, text).unwrap();
        let error = Document::open(&path).err().unwrap().to_string();
        assert!(
            error.contains(words) || error.contains("correct the TOML"),
            "{error}"
        );
    }
}

#[test]
fn a_model_on_a_server_runs_there_unless_it_is_said_otherwise() {
    let folder = folder();
    let text = "task = \"score\"\n[[candidate]]\nname = \"far\"\nmodel = \"grpc://example.org:8001/m\"\n\
                [[candidate]]\nname = \"near\"\nmodel = \"a.onnx\"\n\
                [[candidate]]\nname = \"said\"\nmodel = \"grpc://example.org:8001/m\"\nruns-on = \"rack\"\n";
    let catalog = parse(folder.path(), text).unwrap();
    let providers: Vec<&str> = catalog.candidates.iter().map(|it| it.provider()).collect();
    assert_eq!(providers, ["example.org:8001", "cpu", "rack"]);
}
