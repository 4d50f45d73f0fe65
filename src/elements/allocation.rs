// SPDX-License-Identifier: MPL-2.0

//! What an element that reads frames may pass on of an ALLOCATION query, which it lets its peers agree on.
//!
//! A meta in the answer is a promise of downstream to do something about the frame that upstream then leaves undone:
//! to crop it (GstVideoCropMeta), to turn it (GstVideoAffineTransformationMeta), to draw what belongs on it
//! (GstVideoOverlayCompositionMeta). Who reads such a frame on its way reads another one than who shows it.

use gst::query::Allocation;

/// Metas with which the pixels of a frame are where the caps say, as they are to be seen. Unknown ones are not among
/// them: what they ask of a reader is unknown too.
fn is_harmless(api: gst::glib::Type) -> bool {
    api == <gst_video::VideoMeta as gst::MetaAPI>::meta_api()
        || api == <gst_video::VideoRegionOfInterestMeta as gst::MetaAPI>::meta_api()
}

/// Takes the promises out of an answer of downstream. Pools, allocators and strides stay, so that frames still come in
/// downstream's own memory.
pub fn keep_readable(query: &mut Allocation) {
    let promises: Vec<usize> = query
        .allocation_metas()
        .enumerate()
        .filter(|(_, (api, _))| !is_harmless(*api))
        .map(|(index, _)| index)
        .collect();
    for index in promises.into_iter().rev() {
        query.remove_nth_allocation_meta(index as u32);
    }
}
