// SPDX-License-Identifier: MPL-2.0

//! Who is watched: the elements of ours, by weak references, and what is counted of their messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use gst::glib;
use gst::prelude::*;

use super::news::News;
use crate::messages::{CandidateFailed, ModelFailed, ModelLoaded, ReasonWord, Swap};

/// What is counted of an element's messages, since `stats` does not hold it.
#[derive(Debug, Default)]
pub struct Tally {
    /// By the reason's place in [`ReasonWord::ALL`].
    swaps: [AtomicU64; ReasonWord::ALL.len()],
    pub candidate_failures: AtomicU64,
    pub loads: AtomicU64,
    pub load_failures: AtomicU64,
}

impl Tally {
    fn hear(&self, message: &gst::StructureRef) {
        let counter = match message.name().as_str() {
            Swap::NAME => match self.swap(message) {
                Some(counter) => counter,
                None => return,
            },
            CandidateFailed::NAME => &self.candidate_failures,
            ModelLoaded::NAME => &self.loads,
            ModelFailed::NAME => &self.load_failures,
            _ => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The counter of a swap; the first candidate is none.
    fn swap(&self, message: &gst::StructureRef) -> Option<&AtomicU64> {
        let is_first = message.get::<&str>("from").is_ok_and(str::is_empty);
        let reason = message.get::<&str>("reason").ok().filter(|_| !is_first)?;
        let place = ReasonWord::ALL.iter().position(|it| it.word() == reason)?;
        self.swaps.get(place)
    }

    /// Reasons, and how many swaps had each.
    pub fn swaps(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.swaps.iter().map(|it| it.load(Ordering::Relaxed));
        ReasonWord::ALL.iter().map(|it| it.word()).zip(counts)
    }
}

/// An element that is watched.
#[derive(Debug)]
pub struct Member {
    /// Of this element alone, as long as the program runs.
    pub id: u64,
    pub tally: Tally,
    /// Says who it is as long as the element lives.
    address: usize,
    element: glib::WeakRef<gst::Element>,
    is_silent: AtomicBool,
}

impl Member {
    /// The element, while it lives.
    pub fn element(&self) -> Option<gst::Element> {
        self.element.upgrade()
    }

    /// Whether it was asked and has not answered yet, for so long that it is not asked again until it does.
    pub fn is_silent(&self) -> bool {
        self.is_silent.load(Ordering::Relaxed)
    }

    pub fn set_silent(&self, is_silent: bool) {
        self.is_silent.store(is_silent, Ordering::Relaxed);
    }
}

fn address(element: &gst::Element) -> usize {
    element.as_ptr() as usize
}

/// The elements that are watched. Who looks one up waits for nobody.
#[derive(Debug, Default)]
pub struct Roster {
    members: ArcSwap<Vec<Arc<Member>>>,
    next: AtomicU64,
    /// What those who look on are told at once.
    pub news: News,
}

impl Roster {
    /// Watches an element, once; those that are gone are forgotten.
    pub fn join(&self, element: &gst::Element) {
        let is_there = |it: &Arc<Member>| it.element().is_some_and(|it| it == *element);
        if self.members.load().iter().any(is_there) {
            return;
        }
        let member = Arc::new(Member {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            tally: Tally::default(),
            address: address(element),
            element: element.downgrade(),
            is_silent: AtomicBool::new(false),
        });
        self.members.rcu(|members| {
            let alive = members.iter().filter(|it| it.element().is_some());
            alive.cloned().chain([member.clone()]).collect::<Vec<_>>()
        });
    }

    /// Counts a message that an element posts.
    pub fn hear(&self, element: &gst::Element, message: &gst::Message, structure: &gst::StructureRef) {
        let (members, address) = (self.members.load(), address(element));
        if let Some(member) = members.iter().find(|it| it.address == address) {
            member.tally.hear(structure);
            self.news.hear(member.id, message, structure);
        }
    }

    /// Those that are left, in the order in which they came.
    pub fn members(&self) -> Vec<Arc<Member>> {
        let members = self.members.load();
        let alive = members.iter().filter(|it| it.element().is_some());
        alive.cloned().collect()
    }

    /// The one of that number, if it is left.
    pub fn member(&self, id: u64) -> Option<Arc<Member>> {
        self.members().into_iter().find(|it| it.id == id)
    }
}
