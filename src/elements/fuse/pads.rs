// SPDX-License-Identifier: MPL-2.0

//! The pads and who is called for what comes on them.

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::element::Fuse;

pub fn templates() -> Vec<gst::PadTemplate> {
    let of_any_memory = |name| gst::Caps::builder(name).any_features().build();
    let (video, sound) = (of_any_memory("video/x-raw"), of_any_memory("audio/x-raw"));
    let template = |name: &str, direction, presence, caps: &gst::Caps| {
        gst::PadTemplate::new(name, direction, presence, caps).ok()
    };
    [
        template("sink", gst::PadDirection::Sink, gst::PadPresence::Always, &video),
        template("src", gst::PadDirection::Src, gst::PadPresence::Always, &video),
        template(
            "sound",
            gst::PadDirection::Sink,
            gst::PadPresence::Request,
            &sound,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The two pads that frames pass. Each is linked to the other inside, and `sound` to none, so that the default handlers
/// proxy between these two only.
pub fn pads(class: &<Fuse as ObjectSubclass>::Class) -> (gst::Pad, gst::Pad) {
    let flags = gst::PadFlags::PROXY_CAPS | gst::PadFlags::PROXY_ALLOCATION | gst::PadFlags::PROXY_SCHEDULING;
    let template = |name| class.pad_template(name);
    let sinkpad = builder(template("sink"), "sink", gst::PadDirection::Sink)
        .chain_function(|_, parent, buffer| guard(parent, |fuse| fuse.pass(buffer)))
        .event_function(|pad, parent, event| {
            Fuse::catch_panic_pad_function(parent, || false, |fuse| fuse.sink_event(pad, event))
        })
        .iterate_internal_links_function(|_, parent| inside(parent, |fuse| fuse.srcpad.clone()))
        .flags(flags)
        .build();
    let srcpad = builder(template("src"), "src", gst::PadDirection::Src)
        .event_function(|_, parent, event| {
            Fuse::catch_panic_pad_function(parent, || false, |fuse| fuse.src_event(event))
        })
        .query_function(|pad, parent, query| {
            Fuse::catch_panic_pad_function(parent, || false, |fuse| fuse.src_query(pad, query))
        })
        .iterate_internal_links_function(|_, parent| inside(parent, |fuse| fuse.sinkpad.clone()))
        .flags(flags)
        .build();
    (sinkpad, srcpad)
}

/// The pad for sound, which ends here: only what stands on its buffers is read.
pub fn sound_pad(template: &gst::PadTemplate) -> gst::Pad {
    let pad = gst::Pad::builder_from_template(template)
        .name("sound")
        .chain_function(|_, parent, buffer| guard(parent, |fuse| fuse.take_sound(buffer)))
        .event_function(|_, parent, event| {
            Fuse::catch_panic_pad_function(parent, || false, |fuse| fuse.sound_event(event))
        })
        .iterate_internal_links_function(|_, _| gst::Iterator::from_vec(Vec::new()))
        .build();
    pad.connect_linked(|pad, _| with_fuse(pad, Fuse::sound_linked));
    pad.connect_unlinked(|pad, _| with_fuse(pad, Fuse::sound_unlinked));
    pad
}

fn with_fuse(pad: &gst::Pad, act: fn(&Fuse)) {
    if let Some(fuse) = pad.parent().and_downcast::<super::Fuse>() {
        act(fuse.imp());
    }
}

fn builder(
    template: Option<gst::PadTemplate>,
    name: &str,
    direction: gst::PadDirection,
) -> gst::PadBuilder<gst::Pad> {
    match template {
        Some(template) => gst::Pad::builder_from_template(&template),
        None => gst::Pad::builder(direction).name(name),
    }
}

fn guard(
    parent: Option<&gst::Object>,
    run: impl FnOnce(&Fuse) -> Result<gst::FlowSuccess, gst::FlowError>,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    Fuse::catch_panic_pad_function(parent, || Err(gst::FlowError::Error), run)
}

fn inside(parent: Option<&gst::Object>, other: fn(&Fuse) -> gst::Pad) -> gst::Iterator<gst::Pad> {
    let fuse = parent.and_then(|parent| parent.downcast_ref::<super::Fuse>());
    gst::Iterator::from_vec(fuse.map(|fuse| other(fuse.imp())).into_iter().collect())
}
