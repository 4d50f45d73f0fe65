// SPDX-License-Identifier: MPL-2.0

//! The pads and who is called for what comes on them.

use gst::subclass::prelude::*;

use super::element::Probe;
use crate::elements::pads::{self, answer, take};

pub fn templates() -> Vec<gst::PadTemplate> {
    let any = gst::Caps::new_any();
    pads::templates(&any, ("reference", &any))
}

/// The two pads that the stream passes.
pub fn pads(class: &<Probe as ObjectSubclass>::Class) -> (gst::Pad, gst::Pad) {
    pads::pair(
        class,
        |probe: &Probe| (&probe.sinkpad, &probe.srcpad),
        |sink| {
            sink.chain_function(|_, parent, buffer| take(parent, |probe: &Probe| probe.pass(buffer)))
                .chain_list_function(|_, parent, list| take(parent, |probe: &Probe| probe.pass_list(list)))
                .event_function(|pad, parent, event| {
                    answer(parent, |probe: &Probe| probe.sink_event(pad, event))
                })
                .query_function(|pad, parent, query| {
                    answer(parent, |probe: &Probe| probe.sink_query(pad, query))
                })
        },
        |src| src,
    )
}

/// The pad for the true frames: takes everything, tells nobody, and offers video metas so that nothing
/// upstream copies its frames for it.
pub fn reference_pad(template: &gst::PadTemplate) -> gst::Pad {
    pads::end(template, "reference")
        .chain_function(|_, parent, buffer| take(parent, |probe: &Probe| probe.take_reference(buffer)))
        .event_function(|_, parent, event| answer(parent, |probe: &Probe| probe.reference_event(event)))
        .query_function(|pad, parent, query| {
            if let gst::QueryViewMut::Allocation(query) = query.view_mut() {
                query.add_allocation_meta::<gst_video::VideoMeta>(None);
                return true;
            }
            gst::Pad::query_default(pad, parent, query)
        })
        .build()
}
