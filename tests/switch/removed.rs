// SPDX-License-Identifier: MPL-2.0

//! Candidates that come and go while the stream runs, for ever: what stays of one that is gone is its name.

use gst::prelude::*;

use crate::support::switch::*;
use crate::support::switch_audio::SoundRig;

/// Candidates that come and go before the first look, and between the first look and the second.
const BEFORE: usize = 40;
const BETWEEN: usize = 200;

/// Bytes that one may leave behind: its name, its place in what is indexed by number, and what a page of the allocator adds.
const LEFT: usize = 2048;

/// What the process and the switch hold.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    bytes: usize,
    threads: usize,
    files: usize,
    candidates: usize,
    explained: usize,
}

fn entries(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

fn held(rig: &Rig) -> Held {
    // Safe: it only reads the allocator's own figures.
    let memory = unsafe { libc::mallinfo2() };
    let explanation = rig.switch.emit_by_name::<gst::Structure>("explain", &[]);
    Held {
        bytes: memory.uordblks + memory.hblkhd,
        threads: entries("/proc/self/task"),
        files: entries("/proc/self/fd"),
        candidates: rig.stats().get::<gst::Array>("candidates").unwrap().len(),
        explained: explanation.get::<gst::Array>("candidates").unwrap().len(),
    }
}

/// Adds a candidate, lets it become warm, and takes it out.
fn come_and_go(rig: &mut Rig, name: &str, warm_up: impl FnOnce(&mut Rig)) {
    let bin = rig.switch.clone().downcast::<gst::Bin>().unwrap();
    let candidate = gst::ElementFactory::make("identity").name(name).build().unwrap();
    bin.add(&candidate).unwrap();
    warm_up(rig);
    bin.remove(&candidate).unwrap();
    candidate.set_state(gst::State::Null).unwrap();
    while rig.bus.pop().is_some() {}
}

#[track_caller]
fn check(before: &Held, after: &Held) {
    // The scorer's thread and that of a supervisor which still works come and go.
    assert!(after.threads <= before.threads + 2, "{before:?}, {after:?}");
    assert!(after.files <= before.files, "{before:?}, {after:?}");
    assert_eq!(
        (after.candidates, after.explained),
        (2, 2),
        "{before:?}, {after:?}"
    );
}

#[test]
fn candidates_that_come_and_go_leave_nothing_but_their_names() {
    let mut rig = Rig::new("late-policy=wait", "identity name=a identity name=b");
    rig.warm_up(&["a", "b"]);
    let cycle = |number: usize, rig: &mut Rig| {
        let name = format!("c{number:04}");
        come_and_go(rig, &name, |rig| rig.warm_up(&[&name]));
        rig.pass();
    };
    (0..BEFORE).for_each(|it| cycle(it, &mut rig));
    let before = held(&rig);
    (BEFORE..BEFORE + BETWEEN).for_each(|it| cycle(it, &mut rig));
    let after = held(&rig);
    let grown = after.bytes.saturating_sub(before.bytes);
    assert!(
        grown < BETWEEN * LEFT,
        "{grown} bytes more: {before:?}, {after:?}"
    );
    check(&before, &after);
}

#[test]
fn candidates_that_come_and_go_in_a_stream_of_sound_leave_nothing_but_their_names() {
    let mut stream = SoundRig::new("late-policy=wait", "identity name=a identity name=b");
    stream.warm_up(960, &["a", "b"]);
    let cycle = |number: usize, stream: &mut SoundRig| {
        let name = format!("c{number:04}");
        let bin = stream.rig.switch.clone().downcast::<gst::Bin>().unwrap();
        let candidate = gst::ElementFactory::make("identity").name(&name).build().unwrap();
        bin.add(&candidate).unwrap();
        stream.warm_up(960, &[&name]);
        bin.remove(&candidate).unwrap();
        candidate.set_state(gst::State::Null).unwrap();
        stream.pass(960);
        // What was heard is the test's own.
        while stream.rig.bus.pop().is_some() {}
    };
    (0..BEFORE).for_each(|it| cycle(it, &mut stream));
    // Of its memory nothing is asked: what is under way between lanes and the test differs by more than names are long.
    let before = held(&stream.rig);
    (BEFORE..BEFORE + BETWEEN).for_each(|it| cycle(it, &mut stream));
    check(&before, &held(&stream.rig));
    stream.end();
    stream.assert_whole();
}

#[test]
fn a_name_that_comes_again_is_a_candidate_like_any_other() {
    let mut rig = Rig::new("late-policy=wait active-candidate=c", "identity name=a");
    rig.warm_up(&["a"]);
    rig.pass_until("somebody answers", |rig| rig.active() == "a");
    for _ in 0..20 {
        come_and_go(&mut rig, "c", |rig| {
            rig.warm_up(&["c"]);
            rig.pass_until("the pinned one answers", |rig| rig.active() == "c");
        });
        rig.pass_until("somebody else answers", |rig| rig.active() == "a");
        assert_eq!(rig.state_of("c"), "absent");
    }
}
