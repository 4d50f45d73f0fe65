// SPDX-License-Identifier: MPL-2.0

//! The commands that run beside the pipeline, each in its time.

use std::time::Duration;

use crate::load::{Load, LoadPlan};
use crate::recorder::Recorder;

/// How long a load may take to end after SIGTERM.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// What became of one of the planned loads.
enum Stage {
    /// Not started yet, or over.
    Absent,
    /// The number is its phase, for the recorder.
    Running(Load, usize),
    /// It was asked to end. Dropping it ends it for good.
    Ending(#[expect(dead_code, reason = "held until its patience is over")] Load),
}

/// All loads of a run, by their position in the plan.
pub struct Loads<'a> {
    plans: &'a [LoadPlan],
    stages: Vec<Stage>,
}

impl<'a> Loads<'a> {
    pub fn new(plans: &'a [LoadPlan]) -> Loads<'a> {
        Loads {
            plans,
            stages: plans.iter().map(|_| Stage::Absent).collect(),
        }
    }

    pub fn start(&mut self, position: usize, recorder: &mut Recorder) {
        let (Some(plan), Some(stage)) = (self.plans.get(position), self.stages.get_mut(position)) else {
            return;
        };
        match plan.start() {
            Ok(load) => *stage = Stage::Running(load, recorder.load_started(&plan.command)),
            Err(error) => recorder.problem(format!("the load '{}' does not start: {error}", plan.command)),
        }
    }

    /// Asks a load to end; whether it has to be reminded by [`Loads::end_for_good`] after [`PATIENCE`].
    pub fn end(&mut self, position: usize, recorder: &mut Recorder) -> bool {
        let Some(stage) = self.stages.get_mut(position) else {
            return false;
        };
        let Stage::Running(load, phase) = std::mem::replace(stage, Stage::Absent) else {
            return false;
        };
        load.terminate();
        *stage = Stage::Ending(load);
        recorder.load_ended(phase);
        true
    }

    pub fn end_for_good(&mut self, position: usize) {
        if let Some(stage) = self.stages.get_mut(position) {
            *stage = Stage::Absent;
        }
    }

    pub fn end_all_for_good(&mut self) {
        self.stages.clear();
    }

    /// A load may end by itself before its time; the report must not show it longer than it was.
    pub fn notice_ended(&mut self, recorder: &mut Recorder) {
        for (stage, plan) in self.stages.iter_mut().zip(self.plans) {
            let Stage::Running(load, phase) = stage else {
                continue;
            };
            let Some(status) = load.ended() else {
                continue;
            };
            recorder.load_ended(*phase);
            if !status.success() {
                recorder.problem(format!(
                    "the load '{}' ended with {status}; run it by hand to see why",
                    plan.command
                ));
            }
            *stage = Stage::Absent;
        }
    }
}
