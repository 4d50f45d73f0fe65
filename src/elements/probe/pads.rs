// SPDX-License-Identifier: MPL-2.0

//! The pads and who is called for what comes on them.

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::element::Probe;

pub fn templates() -> Vec<gst::PadTemplate> {
    let any = gst::Caps::new_any();
    let template =
        |name: &str, direction, presence| gst::PadTemplate::new(name, direction, presence, &any).ok();
    [
        template("sink", gst::PadDirection::Sink, gst::PadPresence::Always),
        template("src", gst::PadDirection::Src, gst::PadPresence::Always),
        template("reference", gst::PadDirection::Sink, gst::PadPresence::Request),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The two pads that the stream passes. Each is linked to the other inside, and the reference to none, so
/// that the default handlers proxy between these two only.
pub fn pads(class: &<Probe as ObjectSubclass>::Class) -> (gst::Pad, gst::Pad) {
    let flags = gst::PadFlags::PROXY_CAPS | gst::PadFlags::PROXY_ALLOCATION | gst::PadFlags::PROXY_SCHEDULING;
    let template = |name| class.pad_template(name);
    let sinkpad = builder(template("sink"), "sink", gst::PadDirection::Sink)
        .chain_function(|_, parent, buffer| guard(parent, |probe| probe.pass(buffer)))
        .chain_list_function(|_, parent, list| guard(parent, |probe| probe.pass_list(list)))
        .event_function(|pad, parent, event| {
            Probe::catch_panic_pad_function(parent, || false, |probe| probe.sink_event(pad, event))
        })
        .query_function(|pad, parent, query| {
            Probe::catch_panic_pad_function(parent, || false, |probe| probe.sink_query(pad, query))
        })
        .iterate_internal_links_function(|_, parent| inside(parent, |probe| probe.srcpad.clone()))
        .flags(flags)
        .build();
    let srcpad = builder(template("src"), "src", gst::PadDirection::Src)
        .iterate_internal_links_function(|_, parent| inside(parent, |probe| probe.sinkpad.clone()))
        .flags(flags)
        .build();
    (sinkpad, srcpad)
}

/// The pad for the true frames: takes everything, tells nobody, and offers video metas so that nothing
/// upstream copies its frames for it.
pub fn reference_pad(template: &gst::PadTemplate) -> gst::Pad {
    gst::Pad::builder_from_template(template)
        .name("reference")
        .chain_function(|_, parent, buffer| guard(parent, |probe| probe.take_reference(buffer)))
        .event_function(|_, parent, event| {
            Probe::catch_panic_pad_function(parent, || false, |probe| probe.reference_event(event))
        })
        .query_function(|pad, parent, query| {
            if let gst::QueryViewMut::Allocation(query) = query.view_mut() {
                query.add_allocation_meta::<gst_video::VideoMeta>(None);
                return true;
            }
            gst::Pad::query_default(pad, parent, query)
        })
        .iterate_internal_links_function(|_, _| gst::Iterator::from_vec(Vec::new()))
        .build()
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
    run: impl FnOnce(&Probe) -> Result<gst::FlowSuccess, gst::FlowError>,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    Probe::catch_panic_pad_function(parent, || Err(gst::FlowError::Error), run)
}

fn inside(parent: Option<&gst::Object>, other: fn(&Probe) -> gst::Pad) -> gst::Iterator<gst::Pad> {
    let probe = parent.and_then(|parent| parent.downcast_ref::<super::Probe>());
    gst::Iterator::from_vec(probe.map(|probe| other(probe.imp())).into_iter().collect())
}
