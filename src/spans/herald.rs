// SPDX-License-Identifier: MPL-2.0

//! What the user hears of it: in the log, and as warnings on the bus of a pipeline that is observed.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use gst::glib;
use gst::prelude::*;
use parking_lot::Mutex;

pub static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("avrec-spans", gst::DebugColorFlags::empty(), Some("avrec spans"))
});

/// What goes wrong; each is told once in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Parameters,
    Settings,
    Start,
    Unreachable,
    Refused,
    Rejected,
    Full,
}

#[derive(Debug, Default)]
pub struct Herald {
    /// An element that is observed.
    element: glib::WeakRef<gst::Element>,
    told: [AtomicBool; 7],
    /// What was told before there was an element.
    early: Mutex<Vec<(String, String)>>,
    is_silent: AtomicBool,
}

impl Herald {
    /// From now on warnings are this element's.
    pub fn listens(&self, element: &gst::Element) {
        self.element.set(Some(element));
        let early = std::mem::take(&mut *self.early.lock());
        early.iter().for_each(|it| post(element, &it.0, &it.1));
    }

    /// GStreamer goes: nothing of it is used any more.
    pub fn fall_silent(&self) {
        self.is_silent.store(true, Ordering::Release);
    }

    pub fn inform(&self, text: &str) {
        if !self.is_silent.load(Ordering::Acquire) {
            gst::info!(CAT, "{text}");
        }
    }

    pub fn warn(&self, fault: Fault, text: &str, remedy: &str) {
        let is_told = self.told[fault as usize].swap(true, Ordering::Relaxed);
        if is_told || self.is_silent.load(Ordering::Acquire) {
            return;
        }
        gst::warning!(CAT, "{text}; {remedy}");
        match self.element.upgrade() {
            Some(element) => post(&element, text, remedy),
            None => self.early.lock().push((text.to_owned(), remedy.to_owned())),
        }
    }
}

/// Posts a warning of the pipeline that the element is in.
fn post(element: &gst::Element, text: &str, remedy: &str) {
    let mut top = element.clone();
    while let Some(parent) = top.parent().and_downcast::<gst::Element>() {
        top = parent;
    }
    gst::element_warning!(top, gst::ResourceError::Write, ("{text}"), ["{remedy}"]);
}
