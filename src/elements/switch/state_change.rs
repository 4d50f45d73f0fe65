// SPDX-License-Identifier: MPL-2.0

//! What each change of the switch's state does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gst::glib;
use gst::glib::translate::{IntoGlib, ToGlibPtr, TryFromGlib};
use gst::prelude::*;

use super::AvrecSwitch;
use super::experience::work as experience;
use super::lanes::supervisor::StateRequest;
use super::lanes::watchdog::hold_output;
use super::memory::work;
use super::pads::holder::PadHolder;
use super::property_changed::{check_privacy, check_times};
use super::shared::Shared;

/// How long a change of state waits for lanes to stop; a hung one is then finished in the background.
/// Two steps down (PAUSED to READY to NULL) stay well below the second that an operator would notice.
const STOP_PATIENCE: Duration = Duration::from_millis(300);

/// Changes the state of the switch's own pads and of `holders`, its entry and its exit, in stream order; the lanes'
/// elements are their supervisors'.
///
/// This goes past `GstBin`, which would take the state lock of each child, and so wait for a candidate
/// that is being loaded or that hangs while its supervisor stops it.
pub fn change_own_state(
    switch: &AvrecSwitch,
    holders: [&PadHolder; 2],
    transition: gst::StateChange,
) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
    let is_up = transition.current() < transition.next();
    let follow = || {
        let mut holders = holders.iter().rev();
        holders.try_for_each(|it| it.set_state(transition.next()).map(|_| ()))
    };
    if is_up {
        follow()?;
    }
    // SAFETY: the class of GstElement exists as long as this instance of a subclass does, and its
    // change_state takes any element.
    let success = unsafe {
        let class = glib::gobject_ffi::g_type_class_peek(gst::ffi::gst_element_get_type());
        let class = class.cast::<gst::ffi::GstElementClass>();
        let change_state = (*class).change_state.ok_or(gst::StateChangeError)?;
        let element: *mut gst::ffi::GstElement = switch.upcast_ref::<gst::Element>().to_glib_none().0;
        gst::StateChangeSuccess::try_from_glib(change_state(element, transition.into_glib()))?
    };
    if !is_up {
        follow()?;
    }
    Ok(success)
}

/// What has to happen before the switch's own change of state.
pub fn before(core: &Arc<Shared>, transition: gst::StateChange) {
    match transition {
        gst::StateChange::NullToReady => {
            experience::read(core);
            core.join_group();
        }
        gst::StateChange::ReadyToPaused => {
            core.restart_stream();
            hold_output(core);
            check_times(core);
            check_privacy(core);
            core.scoring.open();
            work::begin(core);
            experience::begin(core);
            order(core, gst::State::Paused);
        }
        // Frees the streaming thread, so that the pads can be shut.
        gst::StateChange::PausedToReady => core.lanes.set_flushing(true),
        _ => {}
    }
}

/// What has to happen after it.
pub fn after(core: &Shared, switch: &AvrecSwitch, transition: gst::StateChange) {
    match transition {
        gst::StateChange::PausedToPlaying => core.lanes.list().play(switch.upcast_ref()),
        gst::StateChange::PlayingToPaused => order(core, gst::State::Paused),
        gst::StateChange::PausedToReady => {
            core.rest();
            experience::end(core);
            core.endings.add(core.scoring.stop());
            core.endings.add(core.idle.stop());
            work::end(core);
            order(core, gst::State::Ready);
            core.lanes.list().settle(Instant::now() + STOP_PATIENCE);
        }
        gst::StateChange::ReadyToNull => {
            order(core, gst::State::Null);
            core.dismiss(STOP_PATIENCE);
            core.leave_group();
        }
        _ => {}
    }
}

fn order(core: &Shared, state: gst::State) {
    core.lanes.list().order(StateRequest::Go(state));
}
