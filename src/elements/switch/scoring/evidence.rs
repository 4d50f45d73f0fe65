// SPDX-License-Identifier: MPL-2.0

//! What a trial shows: the evidence that the user wants is gathered, told to the policy, and shown to whoever listens.

use super::comparisons::{Answers, TaskMismatch};
use super::rerun;
use super::trial::{Trial, TrialKind};
use crate::elements::content::{self, Carried};
use crate::elements::switch::fact::Fact;
use crate::elements::switch::lanes::lane::Lane;
use crate::elements::switch::lanes::lane_output::LaneOutput;
use crate::elements::switch::messages;
use crate::elements::switch::settings::QualitySource;
use crate::elements::switch::shared::Shared;
use crate::media::degrade::Degraded;
use crate::plane::Plane;
use crate::policy::{Availability, Evidence};
use crate::score::{Agreement, Content, Record};

/// A frame that was answered.
#[derive(Debug)]
pub struct AnsweredFrame<'a> {
    pub number: u64,
    pub frame: &'a gst::Buffer,
    pub caps: Option<gst::Caps>,
}

impl QualitySource {
    /// Whether this kind of evidence counts; `alone` where there is no reference to compare with.
    fn wants(self, evidence: Evidence, alone: bool) -> bool {
        match (self, evidence) {
            (QualitySource::Auto, Evidence::Agreement) => true,
            (QualitySource::Auto, _) => alone,
            (QualitySource::Agreement, it) => it == Evidence::Agreement,
            (QualitySource::Restore, it) => it == Evidence::Restoration,
            (QualitySource::Confidence, it) => matches!(it, Evidence::Calibrated | Evidence::Claimed),
            (QualitySource::Stability, it) => it == Evidence::Stability,
            (QualitySource::Prior, _) => false,
        }
    }
}

impl Shared {
    /// Finds out what the trial was for; `turns` counts the trials that others may follow from.
    pub fn judge(&self, trial: Trial, turns: &mut usize) {
        match &trial.aim {
            TrialKind::Quality { caps, .. } | TrialKind::Neighbor { caps } => {
                let looked = AnsweredFrame {
                    number: trial.number,
                    frame: &trial.frame,
                    caps: caps.clone(),
                };
                // The agreements are told; a trial has no further use for them.
                let _ = self.weigh(&looked, &trial.answers);
                self.prepare_echo(&trial, turns);
            }
            TrialKind::Robustness { expected, columns } => {
                let Some((lane, carried)) = self.read(&trial.answers, Some(&trial.frame)).into_iter().next()
                else {
                    return;
                };
                if let Some(agreement) = rerun::robustness(carried, expected, *columns) {
                    self.lanes.lock().tell(Fact::Perturbed { lane, agreement });
                }
            }
            TrialKind::Restoration { trusted, degraded } => self.take_restored(&trial, trusted, degraded),
        }
    }

    fn take_restored(&self, trial: &Trial, trusted: &Plane, degraded: &Degraded) {
        let answer = self.read(&trial.answers, Some(&trial.frame)).into_iter().next();
        let Some((lane, Carried::Pixels(answer))) = answer else {
            return;
        };
        let Some(likeness) = rerun::restored(&answer.luma, trusted, degraded) else {
            return;
        };
        let figures = {
            let mut ledger = self.ledger.lock();
            ledger.restored(lane, likeness);
            ledger.figures(lane)
        };
        self.show_figures(vec![(lane, figures)]);
        self.tell(
            (trial.number, trial.frame.pts()),
            (lane, likeness),
            Evidence::Restoration,
        );
    }

    /// Gathers the evidence that the answers to one frame give, tells the policy and whoever listens, and returns the
    /// agreement of each lane that could be compared with the reference.
    pub fn weigh(&self, looked: &AnsweredFrame, answers: &[(usize, LaneOutput)]) -> Vec<(usize, f64)> {
        let answers = &self.read(answers, Some(looked.frame));
        let frame = (looked.number, looked.frame.pts());
        let settings = self.settings.load();
        let source = settings.quality_source;
        if source == QualitySource::Prior {
            self.lanes.lock().wants_neighbors = false;
            return Vec::new();
        }
        let reference = self.usable_reference();
        let (comparisons, stranger) = {
            let mut ledger = self.ledger.lock();
            if self.published.lock().mismatch().is_none() {
                ledger.clear_mismatch();
            }
            ledger.note(answers);
            reference.map_or_else(Default::default, |it| ledger.compare(answers, it))
        };
        for (lane, comparison) in &comparisons {
            if source.wants(Evidence::Agreement, false) {
                self.tell_score(*lane, comparison.agreement, Evidence::Agreement);
            }
            if settings.frame_messages {
                let list = self.lanes.list();
                let names = (list.name(*lane), reference.map_or("", |it| list.name(it)));
                self.post(messages::comparison(frame, names, comparison));
            }
        }
        if let Some(stranger) = stranger {
            self.report_stranger(&stranger);
        }
        self.weigh_alone(frame, answers, looked);
        comparisons
            .iter()
            .map(|(lane, it)| (*lane, it.agreement))
            .collect()
    }

    /// Gathers the evidence that needs no reference, where it counts.
    fn weigh_alone(&self, frame: (u64, Option<gst::ClockTime>), answers: &Answers, looked: &AnsweredFrame) {
        let source = self.settings.load().quality_source;
        let alone = self.usable_reference().is_none();
        let wants_neighbors = source.wants(Evidence::Stability, alone);
        self.lanes.lock().wants_neighbors = wants_neighbors;
        let mut found = Vec::new();
        let figures = {
            let mut ledger = self.ledger.lock();
            if source.wants(Evidence::Claimed, alone) {
                found = ledger.confidences(answers);
            }
            if wants_neighbors {
                let steady = ledger.stabilities(frame.0, luma(looked), answers);
                found.extend(steady.into_iter().map(|it| (it.0, it.1, Evidence::Stability)));
            }
            answers.iter().map(|it| (it.0, ledger.figures(it.0))).collect()
        };
        self.show_figures(figures);
        for (lane, score, evidence) in found {
            self.tell(frame, (lane, score), evidence);
        }
    }

    /// The lane that others are compared with, while it is there and of their task.
    fn usable_reference(&self) -> Option<usize> {
        let reference = self.published.lock().named().reference?;
        let is_there = |it: &Lane| it.availability() != Availability::Absent;
        self.lanes.lock().is(reference, is_there).then_some(reference)
    }

    /// What the answers carry, apart from what the frame carried already.
    fn read(&self, answers: &[(usize, LaneOutput)], frame: Option<&gst::Buffer>) -> Vec<(usize, Carried)> {
        let read = |(lane, answer): &(usize, LaneOutput)| {
            let before = frame.map(|it| it.as_ref());
            let carried = Carried::read(&answer.buffer, answer.caps.as_ref()?, before)?;
            Some((*lane, carried))
        };
        answers.iter().filter_map(read).collect()
    }

    /// Tells the policy what a lane is worth.
    fn tell_score(&self, lane: usize, score: f64, evidence: Evidence) {
        self.lanes.lock().tell(Fact::Scored {
            lane,
            score,
            evidence,
        });
    }

    /// The same, and whoever listens, for evidence that needs no reference.
    fn tell(&self, frame: (u64, Option<gst::ClockTime>), (lane, score): (usize, f64), evidence: Evidence) {
        self.tell_score(lane, score, evidence);
        if self.settings.load().frame_messages {
            self.post(messages::score(
                frame,
                self.lanes.list().name(lane),
                score,
                evidence,
            ));
        }
    }

    /// Shows the figures of these lanes in `stats`.
    fn show_figures(&self, figures: Vec<(usize, Vec<(&'static str, f64)>)>) {
        let mut state = self.lanes.lock();
        for (lane, figures) in figures {
            if let Some(slot) = state.get_mut(lane) {
                slot.figures = figures;
            }
        }
    }

    /// Says once that a lane's answers do not compare, and what to change; a reference counts for nothing then.
    fn report_stranger(&self, stranger: &TaskMismatch) {
        let list = self.lanes.list();
        let name = list.name(stranger.lane);
        if stranger.is_reference {
            self.lanes.lock().tell(Fact::Mismatch {
                reference: stranger.lane,
            });
        }
        let Some(switch) = self.switch.upgrade() else {
            return;
        };
        let (carries, others) = (stranger.carries, stranger.others);
        if stranger.is_reference {
            gst::element_warning!(
                switch,
                gst::LibraryError::Settings,
                ("the reference {name} is not of the task of the others: its answers carry {carries}, theirs {others}"),
                [
                    "name a candidate of their task in `reference`; until then quality rests on what needs no reference"
                ]
            );
        } else {
            gst::element_warning!(
                switch,
                gst::LibraryError::Settings,
                ("candidate {name} is not compared: its answers carry {carries}, those of the reference {others}"),
                ["a switch chooses among candidates of one task; until it is compared, its prior counts"]
            );
        }
    }

    /// Sets a changed frame aside for one of the trial's lanes, if there is something to learn from it.
    fn prepare_echo(&self, trial: &Trial, turns: &mut usize) {
        let TrialKind::Quality {
            caps: Some(caps),
            perturbed,
        } = &trial.aim
        else {
            return;
        };
        *turns += 1;
        let source = self.settings.load().quality_source;
        let restores = source.wants(Evidence::Restoration, self.usable_reference().is_none());
        // One echo waits at a time, and what the policy asked for goes first.
        let echo = if *perturbed {
            let answer = self.read(trial.answers.get(1..2).unwrap_or_default(), Some(&trial.frame));
            answer
                .into_iter()
                .next()
                .and_then(|it| rerun::perturbed(trial, caps, it, *turns))
        } else if restores {
            // The rival and the active one take turns, so that both are known by the same measure.
            let turn = *turns % trial.answers.len().max(1);
            let answer = self.read(
                trial.answers.get(turn..=turn).unwrap_or_default(),
                Some(&trial.frame),
            );
            answer
                .into_iter()
                .next()
                .and_then(|it| rerun::degraded(trial, caps, it))
        } else {
            None
        };
        if echo.is_some() {
            self.lanes.lock().echo = echo;
        }
    }
}

/// The luma of a frame; `None` for what is no picture that we can read.
fn luma(looked: &AnsweredFrame) -> Option<Plane> {
    content::luma(looked.frame, looked.caps.as_ref()?)
}

/// Agreement of two contents by the measure of their kind, outside of any record.
pub fn alike(one: &Content, other: &Content) -> Option<f64> {
    Record::default().compare(one, other).ok().map(|it| it.agreement)
}

/// Agreement of two planes.
pub fn planes_alike(one: &Plane, other: &Plane) -> f64 {
    Agreement::default().of(one, other)
}
