// SPDX-License-Identifier: MPL-2.0

//! What a lane has in the bin beside its candidate: private elements, and pads on the switch's entry and exit.

use gst::prelude::*;
use gst::subclass::prelude::*;

use super::elements::LaneElements;
use crate::elements::switch::AvrecSwitch;

/// Adds an element that is no candidate.
pub fn add_private(switch: &AvrecSwitch, element: &gst::Element) -> Result<(), String> {
    let added = switch.imp().parent_add_element(element);
    added.map_err(|error| error.to_string())
}

/// Shows a new lane's pads on entry and exit.
pub fn add_pads(switch: &AvrecSwitch, entry: &gst::Pad, exit: &gst::Pad) {
    let imp = switch.imp();
    for (holder, pad) in [(&imp.entry, entry), (&imp.exit, exit)] {
        if gst::State::Ready < holder.current_state() {
            // A new pad without a peer has nothing that could refuse.
            let _ = pad.set_active(true);
        }
        let _ = holder.add_pad(pad);
    }
}

/// Takes a lane's private parts out of the bin.
pub fn remove_private(switch: &AvrecSwitch, lane: &LaneElements) {
    let imp = switch.imp();
    // They were put in together, so they come out together; a second removal finds nothing.
    let _ = imp.entry.remove_pad(&lane.entry);
    let _ = imp.exit.remove_pad(&lane.exit);
    for element in [&lane.queue, &lane.watch] {
        let _ = imp.parent_remove_element(element);
    }
}
