// SPDX-License-Identifier: MPL-2.0

//! Elements that run one model in memory: who is told to share it, what a reload does to the others, and what they do
//! where one of them, or the file, is gone.

use std::path::Path;
use std::sync::Arc;

use gst::prelude::*;
use gstavrec::runtime::{BackendChoice, LoadedModel, Options, Runner};

use crate::files::sum;
use crate::support::infer::Bench;
use crate::support::models::model;

/// Elements that share the model of this one, as it tells it.
fn users(bench: &Bench) -> u32 {
    let stats: gst::Structure = bench.element.property("stats");
    stats.get("model-users").unwrap()
}

/// Waits for threads that let go of what was replaced.
fn have_users(expected: &[(&Bench, u32)]) {
    while !expected.iter().all(|(bench, count)| users(bench) == *count) {
        std::thread::yield_now();
    }
}

/// A way to make a file one that cannot be loaded, and what is told of it.
type Break = (fn(&Path), &'static str);

/// A stream that plays.
struct Stream {
    bench: Bench,
    info: gst_video::VideoInfo,
}

impl Stream {
    /// Plays a copy of a model.
    fn new(path: &Path, properties: &str) -> Stream {
        let mut bench = Bench::at(path, &format!("backend=rten {properties}"));
        let info = bench.caps("GRAY8", 16, 8);
        bench.message("avrec/model-loaded");
        let mut stream = Stream { bench, info };
        stream.push();
        stream
    }

    /// Pushes a frame and returns how many times as wide as it the answer is.
    fn push(&mut self) -> usize {
        self.bench.push(&self.info).unwrap();
        let size = self.bench.harness.pull().unwrap().size();
        [1, 2, 3]
            .into_iter()
            .find(|it| it * it * 16 * 8 == size)
            .expect("a whole scale")
    }

    /// Asks for the file again.
    fn reload(&self) {
        let path: String = self.bench.element.property("model-file");
        self.bench.element.set_property("model-file", path);
    }

    /// Pushes frames until a message of this name comes, and returns it.
    fn push_until(&mut self, name: &str) -> gst::Structure {
        for _ in 0..1_000_000 {
            self.push();
            let told = self.bench.bus.iter().find_map(|it| {
                it.structure()
                    .filter(|it| it.name() == name)
                    .map(ToOwned::to_owned)
            });
            if let Some(told) = told {
                return told;
            }
        }
        panic!("no {name}");
    }
}

fn copy(name: &str, path: &Path) {
    std::fs::copy(model(name), path).unwrap();
}

#[test]
fn stats_tell_how_many_share_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    copy("twice_luma", &path);
    let one = Stream::new(&path, "");
    let alone = Stream::new(&path, "memory-limit=9999999");
    assert_eq!((users(&one.bench), users(&alone.bench)), (1, 1));
    let other = Stream::new(&path, "");
    assert_eq!((users(&one.bench), users(&other.bench)), (2, 2));
    drop(other);
    assert_eq!(users(&one.bench), 1);
}

#[test]
fn a_reload_of_one_reaches_all_who_asked_for_the_file_each_between_two_frames() {
    let folder = tempfile::tempdir().unwrap();
    let [path, elsewhere] = ["model.onnx", "elsewhere.onnx"].map(|it| folder.path().join(it));
    copy("twice_luma", &path);
    copy("twice_luma", &elsewhere);
    let mut streams = ["", "", "memory-limit=9999999"].map(|it| Stream::new(&path, it));
    let mut other = Stream::new(&elsewhere, "");

    copy("thrice_luma", &path);
    streams
        .iter_mut()
        .for_each(|it| assert_eq!(it.push(), 2, "nobody asked"));
    streams[1].reload();
    for stream in &mut streams {
        stream.push_until("avrec/model-loaded");
        assert_eq!(stream.push(), 3);
    }
    assert_eq!(streams.each_ref().map(|it| users(&it.bench)), [2, 2, 1]);
    // Once each: who follows is not followed.
    for stream in &mut streams {
        stream.push();
        let stats: gst::Structure = stream.bench.element.property("stats");
        assert_eq!(stats.get::<u64>("swaps"), Ok(1));
    }
    assert_eq!((other.push(), users(&other.bench)), (2, 1));
}

#[test]
fn a_reload_of_a_file_that_is_as_it_was_disturbs_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    copy("twice_luma", &path);
    let mut asking = Stream::new(&path, "");
    let mut others = ["", "input-range=0,255", "memory-limit=9999999"].map(|it| Stream::new(&path, it));
    asking.reload();
    asking.push_until("avrec/model-loaded");
    copy("thrice_luma", &path);
    asking.reload();
    asking.push_until("avrec/model-loaded");
    for stream in &mut others {
        stream.push_until("avrec/model-loaded");
        let stats: gst::Structure = stream.bench.element.property("stats");
        assert_eq!(stats.get::<u64>("swaps"), Ok(1), "for the second one only");
    }
}

#[test]
fn all_who_reload_at_once_take_the_new_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    copy("twice_luma", &path);
    let mut streams = [(); 4].map(|()| Stream::new(&path, ""));
    copy("thrice_luma", &path);
    streams.iter().for_each(Stream::reload);
    for stream in &mut streams {
        while stream.push() != 3 {}
    }
}

#[test]
fn one_that_cannot_take_what_another_reloaded_keeps_the_old_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    copy("twice_luma", &path);
    let digest = sum(&path);
    let mut asking = Stream::new(&path, "");
    let mut bound = Stream::new(&path, &format!("sha256={digest}"));
    copy("thrice_luma", &path);
    asking.reload();
    asking.push_until("avrec/model-loaded");
    let told = bound.push_until("avrec/model-failed");
    let cause: String = told.get("cause").unwrap();
    assert!(cause.starts_with("another element reloaded the file"), "{cause}");
    assert!(cause.contains("has the sha256"), "{cause}");
    assert_eq!((asking.push(), bound.push()), (3, 2));
    have_users(&[(&asking.bench, 1), (&bound.bench, 1)]);
}

#[test]
fn a_file_that_vanishes_or_breaks_leaves_all_with_what_they_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    copy("twice_luma", &path);
    let mut streams = [(); 3].map(|()| Stream::new(&path, ""));
    let ways: [Break; 2] = [
        (
            |path| std::fs::write(path, "no model").unwrap(),
            "not an ONNX model",
        ),
        (|path| std::fs::remove_file(path).unwrap(), "does not exist"),
    ];
    for (break_it, words) in ways {
        break_it(&path);
        streams[0].reload();
        let told = streams[0].push_until("avrec/model-failed");
        let cause: String = told.get("cause").unwrap();
        assert!(cause.contains(words), "{cause}");
        for stream in &mut streams {
            assert_eq!(stream.push(), 2);
            assert_eq!(users(&stream.bench), 3);
            let complaints = stream.bench.bus.iter_filtered(&[gst::MessageType::Error]).count();
            assert_eq!(complaints, 0);
        }
        assert!(
            streams[1]
                .bench
                .bus
                .pop_filtered(&[gst::MessageType::Warning])
                .is_none()
        );
    }
    // Put back, it is taken again.
    copy("thrice_luma", &path);
    streams[2].reload();
    for stream in &mut streams {
        while stream.push() != 3 {}
    }
}

fn options(backend: BackendChoice) -> Options {
    Options {
        backend,
        ..Options::default()
    }
}

/// Pushes frames until another model answers.
fn push_until_loaded(bench: &mut Bench, info: &gst_video::VideoInfo) {
    for _ in 0..1_000_000 {
        bench.push(info).unwrap();
        bench.harness.pull().unwrap();
        if bench.bus.iter().any(|it| it.has_name("avrec/model-loaded")) {
            return;
        }
    }
    panic!("no avrec/model-loaded");
}

#[test]
fn elements_share_a_model_and_a_swap_of_one_leaves_it_to_the_other() {
    let [mut one, mut other] = [(); 2].map(|()| Bench::new("twice_luma", "backend=rten"));
    let infos = [&mut one, &mut other].map(|bench| {
        let info = bench.caps("GRAY8", 16, 8);
        bench.message("avrec/model-loaded");
        bench.push(&info).unwrap();
        bench.harness.pull().unwrap();
        info
    });
    assert_eq!((users(&one), users(&other)), (2, 2));

    let path = model("thrice_luma");
    one.element.set_property("model-file", path.to_str().unwrap());
    push_until_loaded(&mut one, &infos[0]);
    other.push(&infos[1]).unwrap();
    assert_eq!(other.harness.pull().unwrap().size(), 32 * 16);
    have_users(&[(&one, 1), (&other, 1)]);

    let memory: std::sync::Weak<LoadedModel> = {
        let here = Runner::load(&model("twice_luma"), &options(BackendChoice::Rten)).unwrap();
        Arc::downgrade(here.loaded())
    };
    drop(other);
    // The loader thread lets go of what was replaced before it loads again.
    let path = model("half_luma");
    one.element.set_property("model-file", path.to_str().unwrap());
    push_until_loaded(&mut one, &infos[0]);
    assert!(memory.upgrade().is_none());
}
