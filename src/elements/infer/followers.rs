// SPDX-License-Identifier: MPL-2.0

//! The elements of this process that run: when one reloads a file that has changed, all that asked for it take the new
//! model, each between two frames of its own.
//!
//! Each loads for itself, with its own options and for its own frames, and gets what is in memory where that is the same.
//! So one that cannot take the new model refuses it as any other, and goes on with what it runs.

use std::collections::BTreeMap;

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use parking_lot::Mutex;

use super::state::News;
use super::{Infer, element};

/// By the address of each, which no other has while it runs.
static RUNNING: Mutex<BTreeMap<usize, glib::WeakRef<Infer>>> = Mutex::new(BTreeMap::new());

/// Lets an element hear of reloads until it leaves.
pub fn join(infer: &element::Infer) {
    let element = infer.obj();
    RUNNING.lock().insert(address(infer), element.downgrade());
}

/// An element that stops hears of nothing any more.
pub fn leave(infer: &element::Infer) {
    RUNNING.lock().remove(&address(infer));
}

/// Tells all others what an element has reloaded, so that they `follow`.
pub fn tell(infer: &element::Infer, news: &News, follow: fn(&element::Infer, &News)) {
    // Those that nobody else holds any more end behind the lock, which they take when they stop.
    let mut all: Vec<Infer> = Vec::new();
    all.extend(RUNNING.lock().values().filter_map(glib::WeakRef::upgrade));
    let others = all.iter().filter(|it| **it != *infer.obj());
    others.for_each(|it| follow(it.imp(), news));
}

fn address(infer: &element::Infer) -> usize {
    infer.obj().as_ptr() as usize
}
