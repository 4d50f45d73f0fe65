// SPDX-License-Identifier: MPL-2.0

//! The pads and who is called for what comes on them.

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::element::Fuse;
use crate::elements::pads::{self, answer, take};

pub fn templates() -> Vec<gst::PadTemplate> {
    let of_any_memory = |name| gst::Caps::builder(name).any_features().build();
    pads::templates(
        &of_any_memory("video/x-raw"),
        ("sound", &of_any_memory("audio/x-raw")),
    )
}

/// The two pads that frames pass.
pub fn pads(class: &<Fuse as ObjectSubclass>::Class) -> (gst::Pad, gst::Pad) {
    pads::pair(
        class,
        |fuse: &Fuse| (&fuse.sinkpad, &fuse.srcpad),
        |sink| {
            sink.chain_function(|_, parent, buffer| take(parent, |fuse: &Fuse| fuse.pass(buffer)))
                .event_function(|pad, parent, event| {
                    answer(parent, |fuse: &Fuse| fuse.sink_event(pad, event))
                })
        },
        |src| {
            src.event_function(|_, parent, event| answer(parent, |fuse: &Fuse| fuse.src_event(event)))
                .query_function(|pad, parent, query| answer(parent, |fuse: &Fuse| fuse.src_query(pad, query)))
        },
    )
}

/// The pad for sound, which ends here: only what stands on its buffers is read.
pub fn sound_pad(template: &gst::PadTemplate) -> gst::Pad {
    let pad = pads::end(template, "sound")
        .chain_function(|_, parent, buffer| take(parent, |fuse: &Fuse| fuse.take_sound(buffer)))
        .event_function(|_, parent, event| answer(parent, |fuse: &Fuse| fuse.sound_event(event)))
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
