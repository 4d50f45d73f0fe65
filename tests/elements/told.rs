// SPDX-License-Identifier: MPL-2.0

//! What real pipelines tell, held against `docs/messages.md`: each message, `stats`, explanation and meta has the fields
//! that the page names, of these types, and none besides; and each kind of message occurs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use gst::prelude::*;
use gst_video::VideoRegionOfInterestMeta;
use gstavrec::answer::{Answer, Detection, Landmark};
use gstavrec::media::metas;
use gstavrec::messages::{self, Chapter, chapters};

use crate::support::init;
use crate::support::models::model;
use crate::{page, schema};

const VIDEO: &str =
    "videotestsrc pattern=ball num-buffers=20 ! video/x-raw,format=RGB,width=256,height=144,framerate=25/1";
const SOUND: &str =
    "audiotestsrc num-buffers=20 ! audio/x-raw,format=F32LE,rate=16000,channels=1,layout=interleaved";

/// Names of the structures that were held against the page.
type Seen = Arc<Mutex<BTreeSet<String>>>;

/// What the page and the schema do not say of a structure.
fn objections(structure: &gst::StructureRef) -> Vec<String> {
    let mut found = page::objections(structure);
    found.extend(schema::objections(&messages::json(structure)));
    found
}

#[track_caller]
fn hold(structure: &gst::StructureRef, seen: &Seen) {
    assert_eq!(objections(structure), <[String; 0]>::default(), "{structure}");
    seen.lock().unwrap().insert(structure.name().to_string());
}

/// What the page does not say of the custom metas and the regions of interest of a buffer.
fn objections_to_metas(buffer: &gst::BufferRef, seen: &Seen) -> Vec<String> {
    let mut found = Vec::new();
    for name in [
        "AvrecScoreMeta",
        "AvrecTextMeta",
        "AvrecClassesMeta",
        "AvrecSoundMeta",
    ] {
        if gst::meta::CustomMeta::is_registered(name)
            && let Ok(meta) = gst::meta::CustomMeta::from_buffer(buffer, name)
        {
            found.push(meta.structure().to_owned());
        }
    }
    for region in buffer.iter_meta::<VideoRegionOfInterestMeta>() {
        found.extend(region.params().map(|it| it.to_owned()));
    }
    let mut seen = seen.lock().unwrap();
    seen.extend(found.iter().map(|it| it.name().to_string()));
    found.iter().flat_map(|it| objections(it)).collect()
}

/// Runs a pipeline to its end. The element `tested` is asked for what it tells; `act` sees each message.
fn listen(line: &str, seen: &Seen, mut act: impl FnMut(&gst::StructureRef, &gst::Element)) {
    init();
    let pipeline = gst::parse::launch(line)
        .unwrap_or_else(|error| panic!("{line}: {error}"))
        .downcast::<gst::Pipeline>()
        .unwrap();
    let tested = pipeline.by_name("tested").unwrap();
    let sink = pipeline.by_name("out").unwrap().static_pad("sink").unwrap();
    let faults = Arc::new(Mutex::new(Vec::new()));
    let (faults_found, seen_too) = (faults.clone(), seen.clone());
    sink.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer() {
            let found = objections_to_metas(buffer, &seen_too);
            faults_found.lock().unwrap().extend(found);
        }
        gst::PadProbeReturn::Ok
    });
    pipeline.set_state(gst::State::Playing).unwrap();
    let bus = pipeline.bus().unwrap();
    loop {
        let message = bus
            .timed_pop(gst::ClockTime::from_seconds(60))
            .unwrap_or_else(|| panic!("{line} does not end"));
        match message.view() {
            gst::MessageView::Element(element) => {
                if let Some(structure) = element.structure().filter(|it| it.name().starts_with("avrec/")) {
                    hold(structure, seen);
                    let form = tested.emit_by_name::<String>("to-json", &[&structure.to_owned()]);
                    assert_eq!(form, messages::json(structure).to_string());
                    act(structure, &tested);
                }
            }
            gst::MessageView::Error(error) => panic!("{line}: {error:?}"),
            gst::MessageView::Eos(_) => break,
            _ => {}
        }
    }
    hold(&tested.property::<gst::Structure>("stats"), seen);
    let stats = tested.property::<String>("stats-json");
    assert_eq!(
        schema::objections(&serde_json::from_str(&stats).unwrap()),
        <[String; 0]>::default()
    );
    if tested.type_().name() == "GstAvrecSwitch" {
        hold(&tested.emit_by_name::<gst::Structure>("explain", &[]), seen);
    }
    pipeline.set_state(gst::State::Null).unwrap();
    assert_eq!(*faults.lock().unwrap(), <[String; 0]>::default(), "{line}");
}

fn infer(source: &str, name: &str, properties: &str) -> String {
    let file = model(name);
    let file = file.display();
    format!(
        "{source} ! avrec-infer name=tested model-file={file} post-messages=true {properties} ! fakesink name=out"
    )
}

fn hear_models(seen: &Seen) {
    for (name, properties) in [
        ("detect_bright", "confidence-threshold=0.48"),
        ("ssd_bright", ""),
        ("text_det_bright", ""),
        ("segment_bright", "output=overlay"),
        ("matte_bright", "output=overlay"),
        ("main_color", "top-k=2"),
        ("read_colors", ""),
        ("mean_luma", "key-frames=true key-frame-threshold=0"),
        ("invert_rgb", "task=tensor"),
        ("invert_rgb", "task=image"),
    ] {
        listen(&infer(VIDEO, name, properties), seen, |_, _| ());
    }
    for name in ["pitch", "voice_form", "late_16k"] {
        listen(&infer(SOUND, name, ""), seen, |_, _| ());
    }
    // A bad file while the model plays; the stream goes on until that was told.
    let endless = VIDEO.replace("num-buffers=20", "");
    listen(
        &infer(&endless, "invert_rgb", ""),
        seen,
        |told, tested| match told.name().as_str() {
            "avrec/model-loaded" => tested.set_property("model-file", "/nowhere/none.onnx"),
            "avrec/model-failed" => {
                tested.send_event(gst::event::Eos::new());
            }
            _ => {}
        },
    );
}

/// More streams than processors, whose best candidates do not all fit; the first one is tested.
fn crowd() -> String {
    let streams = 2 * std::thread::available_parallelism().map_or(2, usize::from) + 1;
    let source = "videotestsrc is-live=true ! video/x-raw,format=GRAY8,width=16,height=16,framerate=25/1";
    let stream = |number: usize| {
        let (name, out) = match number {
            0 => ("tested".to_string(), "out".to_string()),
            _ => (format!("s{number}"), format!("o{number}")),
        };
        format!(
            "crowd. ! queue ! avrec-switch.( name={name} group=crowd sense-machine=false quality-source=prior \
             identity name=a{number} sleep-time=1000 identity name=b{number} sleep-time=30000 ) ! fakesink name={out}"
        )
    };
    let streams: Vec<String> = (0..streams).map(stream).collect();
    format!("{source} ! tee name=crowd {}", streams.join(" "))
}

fn hear_switches(seen: &Seen) {
    let (picture, sound) = (model("invert_rgb"), model("late_16k"));
    let (picture, sound) = (picture.display(), sound.display());
    let endless = VIDEO.replace("num-buffers=20", "");
    let children = format!("identity name=a avrec-infer name=b model-file={picture}");
    let bad = "avrec-infer name=bad model-file=/nowhere/none.onnx";
    // Until everything was told that such a switch tells.
    let line = format!(
        "{endless} ! avrec-switch.( name=tested frame-messages=true sense-machine=false reference=b robustness-weight=0.1 {children} {bad} ) \
         ! fakesink name=out"
    );
    let mut wanted: BTreeSet<&str> = [
        "avrec/switch",
        "avrec/frame",
        "avrec/candidate-ready",
        "avrec/candidate-failed",
        "avrec/candidate-score",
    ]
    .into();
    listen(&line, seen, |told, tested| {
        wanted.remove(told.name().as_str());
        if wanted.is_empty() {
            tested.send_event(gst::event::Eos::new());
        }
    });
    listen(&crowd(), seen, |told, tested| {
        if told.name() == "avrec/group" {
            tested.send_event(gst::event::Eos::new());
        }
    });
    // Nothing but the floor fits in what is left.
    let line = format!(
        "{endless} ! avrec-switch.( name=tested memory-limit=1000000000 floor=a {children} ) ! fakesink name=out"
    );
    listen(&line, seen, |told, tested| match told.name().as_str() {
        "avrec/candidate-ready" if told.get::<&str>("candidate") == Ok("b") => {
            tested.set_property("memory-limit", 1u64)
        }
        "avrec/model-evicted" => _ = tested.send_event(gst::event::Eos::new()),
        _ => {}
    });
    // A picture that is far too bright is told to be as good as the picture itself.
    let folder = tempfile::tempdir().unwrap();
    let catalog = folder.path().join("catalog.toml");
    let entry = |name: &str, element: &str| {
        format!("[[candidate]]\nname = \"{name}\"\nelement = \"{element}\"\nquality = 0.95\n")
    };
    let bright = entry(
        "bright",
        "videoconvert ! videobalance brightness=0.9 ! videoconvert",
    );
    let entries = format!("reference = \"plain\"\n{}{bright}", entry("plain", "identity"));
    std::fs::write(&catalog, entries).unwrap();
    let line = format!(
        "{endless} ! avrec-switch name=tested catalog={} ! fakesink name=out",
        catalog.display()
    );
    listen(&line, seen, |told, tested| {
        if told.name() == "avrec/drift" {
            tested.send_event(gst::event::Eos::new());
        }
    });
    let line =
        format!("{VIDEO} ! avrec-switch.( name=tested exhaustive=true {children} ) ! fakesink name=out");
    listen(&line, seen, |_, _| ());
    let line = format!(
        "{SOUND} ! avrec-switch.( name=tested frame-messages=true identity avrec-infer model-file={sound} ) \
         ! fakesink name=out"
    );
    listen(&line, seen, |_, _| ());
}

fn hear_probes(seen: &Seen) {
    for source in [VIDEO, SOUND] {
        let line = format!(
            "{source} ! tee name=t t. ! queue ! tested.reference \
             t. ! queue ! avrec-probe ! avrec-probe name=tested interval=0 ! fakesink name=out"
        );
        listen(&line, seen, |_, _| ());
    }
}

/// Classes, and numbers.
fn hear_fusions(seen: &Seen) {
    let classes = ["models/events-picture.onnx", "models/events-sound.onnx"];
    let numbers = ["tests/models/mean_luma.onnx", "tests/models/voice_form.onnx"];
    for [picture, sound] in [classes, numbers] {
        let line = format!(
            "{VIDEO} ! avrec-infer model-file={picture} ! avrec-fuse name=tested post-messages=true ! fakesink name=out \
             {SOUND} ! avrec-infer model-file={sound} ! tested.sound"
        );
        listen(&line, seen, |_, _| ());
    }
}

/// No small model finds key points, so these are put on a buffer by what puts them there.
fn see_key_points(seen: &Seen) {
    let point = Landmark {
        x: 3.0,
        y: 4.0,
        confidence: 0.5,
    };
    let found = Detection {
        landmarks: vec![point; 2],
        ..Detection::default()
    };
    let mut buffer = gst::Buffer::new();
    let answer = Answer::Detections(vec![found]);
    metas::attach(buffer.get_mut().unwrap(), &answer, &[], (64, 48)).unwrap();
    assert_eq!(objections_to_metas(&buffer, seen), <[String; 0]>::default());
}

/// Whether each structure of the page whose name this takes was seen.
#[track_caller]
fn all_were_seen(seen: &Seen, is_meant: fn(&Chapter, &str) -> bool) {
    let seen = seen.lock().unwrap();
    let chapters = chapters();
    let meant = chapters.iter().flat_map(|chapter| {
        let names = chapter.structures.iter().map(|it| it.name);
        names.filter(|it| is_meant(chapter, it))
    });
    let (found, unseen): (Vec<&str>, Vec<&str>) = meant.partition(|it| seen.contains(*it));
    assert_eq!(unseen, <[&str; 0]>::default());
    assert!(2 <= found.len(), "{found:?}");
}

#[test]
fn what_models_tell_and_leave_on_buffers_is_what_the_page_says() {
    let seen = Seen::default();
    hear_models(&seen);
    hear_fusions(&seen);
    see_key_points(&seen);
    all_were_seen(&seen, |chapter, name| {
        name == "avrec/infer-stats"
            || ["Messages of avrec-infer", "Custom metas", "Regions of interest"].contains(&chapter.title)
    });
}

#[test]
fn what_switches_tell_is_what_the_page_says() {
    let seen = Seen::default();
    hear_switches(&seen);
    all_were_seen(&seen, |chapter, name| {
        chapter.title == "Messages of avrec-switch"
            || ["avrec/explanation", "avrec/switch-stats"].contains(&name)
    });
}

#[test]
fn what_fusions_tell_is_what_the_page_says() {
    let seen = Seen::default();
    hear_fusions(&seen);
    all_were_seen(&seen, |_, name| name.starts_with("avrec/fuse"));
}

#[test]
fn what_probes_tell_is_what_the_page_says() {
    let seen = Seen::default();
    hear_probes(&seen);
    all_were_seen(&seen, |_, name| name.starts_with("avrec/probe"));
}
