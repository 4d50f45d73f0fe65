// SPDX-License-Identifier: MPL-2.0

//! What the pads of elements that a stream passes have in common.

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

type Builder = gst::PadBuilder<gst::Pad>;

/// Templates for `sink`, `src`, and a pad on request at which another stream ends, each with its caps.
pub fn templates(stream: &gst::Caps, other: (&str, &gst::Caps)) -> Vec<gst::PadTemplate> {
    use gst::PadDirection::{Sink, Src};
    use gst::PadPresence::{Always, Request};
    let template =
        |name, direction, presence, caps| gst::PadTemplate::new(name, direction, presence, caps).ok();
    let of_stream = [("sink", Sink), ("src", Src)].map(|(name, way)| template(name, way, Always, stream));
    let other = template(other.0, Sink, Request, other.1);
    of_stream.into_iter().flatten().chain(other).collect()
}

/// The pads `sink` and `src` with their functions. Each is linked to the other inside, and to no further one, so that the
/// default handlers proxy between these two only.
pub fn pair<T: ElementImpl>(
    class: &glib::Class<gst::Element>,
    both: fn(&T) -> (&gst::Pad, &gst::Pad),
    sink: impl FnOnce(Builder) -> Builder,
    src: impl FnOnce(Builder) -> Builder,
) -> (gst::Pad, gst::Pad)
where
    T::Type: IsA<gst::Element>,
{
    let builder = |name, direction| {
        let builder = match class.pad_template(name) {
            Some(template) => gst::Pad::builder_from_template(&template),
            None => gst::Pad::builder(direction).name(name),
        };
        builder.flags(
            gst::PadFlags::PROXY_CAPS | gst::PadFlags::PROXY_ALLOCATION | gst::PadFlags::PROXY_SCHEDULING,
        )
    };
    let inside = move |parent: Option<&gst::Object>, is_src: bool| {
        let parent = parent.and_then(|it| it.downcast_ref::<T::Type>());
        let pad = parent.map(|it| {
            let (sink, src) = both(T::from_obj(it));
            if is_src { src.clone() } else { sink.clone() }
        });
        gst::Iterator::from_vec(pad.into_iter().collect())
    };
    let sinkpad = sink(builder("sink", gst::PadDirection::Sink))
        .iterate_internal_links_function(move |_, parent| inside(parent, true));
    let srcpad = src(builder("src", gst::PadDirection::Src))
        .iterate_internal_links_function(move |_, parent| inside(parent, false));
    (sinkpad.build(), srcpad.build())
}

/// A pad at which a stream ends.
pub fn end(template: &gst::PadTemplate, name: &str) -> Builder {
    gst::Pad::builder_from_template(template)
        .name(name)
        .iterate_internal_links_function(|_, _| gst::Iterator::from_vec(Vec::new()))
}

/// Runs what takes in a buffer.
pub fn take<T: ElementImpl>(
    parent: Option<&gst::Object>,
    run: impl FnOnce(&T) -> Result<gst::FlowSuccess, gst::FlowError>,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    T::catch_panic_pad_function(parent, || Err(gst::FlowError::Error), run)
}

/// Runs what answers an event or a query.
pub fn answer<T: ElementImpl>(parent: Option<&gst::Object>, run: impl FnOnce(&T) -> bool) -> bool {
    T::catch_panic_pad_function(parent, || false, run)
}
