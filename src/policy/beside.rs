// SPDX-License-Identifier: MPL-2.0

//! What runs beside the active candidate: looks in the slack, and where the reference never fits, lessons.

use std::time::Duration;

use super::Config;
use super::lesson::{Lessons, Teaching};
use super::shadow::{Plan, Scene, Shadow};

#[derive(Debug, Clone)]
pub(super) struct Beside {
    plan: Plan,
    lessons: Lessons,
}

impl Default for Beside {
    fn default() -> Beside {
        Beside::new(Config::default().period)
    }
}

impl Beside {
    pub(super) fn new(period: Duration) -> Beside {
        Beside {
            plan: Plan::new(period),
            lessons: Lessons::new(),
        }
    }

    pub(super) fn set_period(&mut self, period: Duration) {
        self.plan.set_period(period);
    }

    pub(super) fn allow_lessons(&mut self, are_possible: bool) {
        self.lessons.are_possible = are_possible;
    }

    pub(super) fn teaching(&self) -> Teaching {
        self.lessons.teaching
    }

    /// A frame passed.
    pub(super) fn earn(&mut self) {
        self.plan.earn();
    }

    /// A run beside that was not planned here.
    pub(super) fn pay(&mut self, cost: Duration) {
        self.plan.pay(cost);
    }

    /// A frame was late.
    pub(super) fn missed(&mut self, frame: u64) {
        self.plan.missed(frame);
        self.lessons.missed(frame);
    }

    /// The run of a lesson ended.
    pub(super) fn lesson_ended(&mut self) {
        self.lessons.ended();
    }

    /// What runs will not end any more.
    pub(super) fn flushed(&mut self) {
        self.lessons.forget();
    }

    /// The runs that would teach most.
    pub(super) fn next(&mut self, scene: &Scene) -> Option<Shadow> {
        let reference = scene.reference();
        let look = self.plan.next(scene);
        let is_seen = look.is_some_and(|it| it.ids().any(|id| Some(id) == reference));
        if is_seen || reference == Some(scene.active) {
            self.lessons.looked_in_slack();
        }
        look.or_else(|| self.lessons.next(scene, self.plan.is_calm(scene.frame)))
    }
}
