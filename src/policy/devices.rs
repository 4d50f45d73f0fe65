// SPDX-License-Identifier: MPL-2.0

//! What candidates run on, each with a slowdown of its own: what one device meets says nothing of the others.

use super::slowdown::Slowdown;
use crate::clone_in_place::clone_in_place;

/// Something that runs candidates: the processor, an accelerator, another machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device(pub usize);

impl Device {
    /// The processor, of which the machine's sense tells.
    pub const PROCESSOR: Device = Device(0);
}

/// The slowdowns of all devices, that of the processor first.
#[derive(Debug)]
pub(super) struct Slowdowns(Vec<Slowdown>);

clone_in_place! { Slowdowns: 0 }

impl Slowdowns {
    /// Of the processor alone.
    pub(super) fn new() -> Slowdowns {
        Slowdowns(vec![Slowdown::new()])
    }

    /// A candidate runs there from now on.
    pub(super) fn add(&mut self, device: Device) {
        let count = self.0.len().max(device.0 + 1);
        self.0.resize_with(count, Slowdown::new);
    }

    /// What is known of a device; of one that was never added, what is known of the processor.
    pub(super) fn of(&self, device: Device) -> &Slowdown {
        self.0.get(device.0).unwrap_or(&self.0[0])
    }

    pub(super) fn of_mut(&mut self, device: Device) -> &mut Slowdown {
        let index = if device.0 < self.0.len() { device.0 } else { 0 };
        &mut self.0[index]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Slowdown> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slowdown> {
        self.0.iter_mut()
    }
}
