// SPDX-License-Identifier: MPL-2.0

//! A plain element that passes frames and attaches what a test tells it to say, as any vendor's would: regions of interest with
//! the usual parameters. It knows nothing of avrec, but for the score, which has no meta elsewhere.

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::subclass::prelude::*;
use gstavrec::answer::ClassScore;
use gstavrec::media::metas;
use std::sync::{LazyLock, Mutex};

glib::wrapper! {
    pub struct Sayer(ObjectSubclass<Imp>) @extends gst_base::BaseTransform, gst::Element, gst::Object;
}

/// `says`: `box cat 0.9 10 10 20 20; box dog …`, `class cat 0.7 dog 0.2`, `heard speech 0.7 music 0.3` (on sound), `score 0.5`,
/// or nothing.
#[derive(Default)]
pub struct Imp {
    says: Mutex<String>,
}

#[glib::object_subclass]
impl ObjectSubclass for Imp {
    const NAME: &'static str = "AvrecTestSayer";
    type Type = Sayer;
    type ParentType = gst_base::BaseTransform;
}

impl ObjectImpl for Imp {
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> =
            LazyLock::new(|| vec![glib::ParamSpecString::builder("says").mutable_playing().build()]);
        &PROPERTIES
    }

    fn set_property(&self, _id: usize, value: &glib::Value, _: &glib::ParamSpec) {
        *self.says.lock().unwrap() = value.get::<Option<String>>().unwrap().unwrap_or_default();
    }

    fn property(&self, _id: usize, _: &glib::ParamSpec) -> glib::Value {
        self.says.lock().unwrap().to_value()
    }
}

impl GstObjectImpl for Imp {}

impl ElementImpl for Imp {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new("Sayer", "Filter", "Says what it is told", "A test")
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let any = gst::Caps::new_any();
            let always = |name, direction| {
                gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &any).unwrap()
            };
            vec![
                always("sink", gst::PadDirection::Sink),
                always("src", gst::PadDirection::Src),
            ]
        });
        &TEMPLATES
    }
}

impl BaseTransformImpl for Imp {
    const MODE: gst_base::subclass::BaseTransformMode = gst_base::subclass::BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn transform_ip(&self, buffer: &mut gst::BufferRef) -> Result<gst::FlowSuccess, gst::FlowError> {
        let says = self.says.lock().unwrap().clone();
        for sentence in says.split(';').map(str::trim).filter(|it| !it.is_empty()) {
            say(buffer, sentence);
        }
        Ok(gst::FlowSuccess::Ok)
    }
}

fn say(buffer: &mut gst::BufferRef, sentence: &str) {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let number = |at: usize| words[at].parse::<f64>().unwrap();
    match words[0] {
        "box" => {
            let place = [3, 4, 5, 6].map(|at| number(at) as u32);
            let mut meta = gst_video::VideoRegionOfInterestMeta::add(
                buffer,
                words[1],
                (place[0], place[1], place[2], place[3]),
            );
            let detection = gst::Structure::builder("detection").field("confidence", number(2));
            meta.add_param(detection.build());
        }
        "class" => {
            let mut meta = gst_video::VideoRegionOfInterestMeta::add(buffer, words[1], (0, 0, 64, 36));
            let pairs = words[1..].chunks(2);
            let labels = pairs.clone().map(|it| it[0].to_send_value());
            let confidences = pairs.map(|it| it[1].parse::<f64>().unwrap().to_send_value());
            let classification = gst::Structure::builder("classification")
                .field("label", words[1])
                .field("confidence", number(2))
                .field("labels", gst::Array::new(labels))
                .field("confidences", gst::Array::new(confidences));
            meta.add_param(classification.build());
        }
        "heard" => {
            let labels = [words[1].to_string(), words[3].to_string()];
            let scores = [(0, number(2)), (1, number(4))].map(|(class, confidence)| ClassScore {
                class,
                confidence: confidence as f32,
            });
            metas::attach_to_sound(buffer, &scores, &labels).unwrap();
        }
        "score" => metas::attach_score(buffer, number(1) as f32).unwrap(),
        other => panic!("{other}?"),
    }
}

/// Registers the element `avrectestsayer`.
pub fn register() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        gst::Element::register(None, "avrectestsayer", gst::Rank::NONE, Sayer::static_type()).unwrap();
    });
}
