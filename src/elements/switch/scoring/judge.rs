// SPDX-License-Identifier: MPL-2.0

//! What a trial shows: the evidence that the user wants is gathered, for the policy and for whoever listens.

use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::comparisons::{Answers, Comparisons, TaskMismatch};
use super::hard_frames::HardFrames;
use super::rerun;
use super::trial::{ModifiedFrame, Trial, TrialContext, TrialKind};
use crate::answer::Answer;
use crate::elements::content::{self, Carried};
use crate::elements::switch::bus::Bus;
use crate::elements::switch::complaints::{Complaints, are_mixed};
use crate::elements::switch::enums::QualitySource;
use crate::elements::switch::fact::Fact;
use crate::elements::switch::lanes::kind::{Kind, Kinds};
use crate::elements::switch::mailbox::Mailbox;
use crate::messages::{CandidateScore, MeasuredFigure};
use crate::numbered::Numbered;
use crate::policy::Evidence;

/// Names and values of what comparisons and trials have shown of a lane's answers.
pub type LaneFigures = Arc<[(&'static str, f64)]>;

/// Where findings go; nobody waits for who takes them.
#[derive(Debug, Default)]
pub struct Outlet {
    pub facts: Arc<Mailbox<Fact>>,
    pub bus: Arc<Bus>,
    pub complaints: Arc<Complaints>,
    /// By lane.
    pub figures: ArcSwap<Numbered<LaneFigures>>,
    /// The changed frame that was prepared last.
    pub modified: ArcSwapOption<ModifiedFrame>,
}

/// Trials in which a candidate must say nothing, where others do, before the user is told what that counts as.
const SILENCES: u32 = 3;

/// Knows what was compared so far, and finds out what each trial was for.
#[derive(Debug)]
pub struct Judge {
    comparisons: Comparisons,
    /// Trials that changed frames may follow from, counted so that lanes and changes take turns.
    turns: usize,
    /// The newest epoch of a trial.
    epoch: u32,
    /// What the lanes of the trial in hand give.
    kinds: Kinds,
    /// How often each lane said nothing where others did, until the user was told.
    silences: Numbered<u32>,
    hard_frames: HardFrames,
    outlet: Arc<Outlet>,
}

/// What a trial has shown.
#[derive(Debug, Default)]
struct Seen {
    /// How far answers agree with the reference's, by lane.
    agreements: Vec<(usize, f64)>,
    /// How sure the least sure answer is.
    confidence: Option<f64>,
    answers: Vec<(usize, Carried)>,
}

impl Judge {
    pub fn new(outlet: Arc<Outlet>) -> Judge {
        Judge {
            comparisons: Comparisons::default(),
            turns: 0,
            epoch: 0,
            kinds: Kinds::default(),
            silences: Numbered::default(),
            hard_frames: HardFrames::default(),
            outlet,
        }
    }

    pub fn judge(&mut self, trial: &Trial) {
        match &trial.aim {
            TrialKind::Quality { .. } => {
                let seen = self.look(trial);
                let shown = (&seen.agreements[..], seen.confidence);
                self.hard_frames
                    .saw(trial, shown, &seen.answers, &self.outlet.bus);
                self.prepare_rerun(trial);
            }
            TrialKind::Neighbor => {
                // What is found is told; the trial has no further use for it.
                let _ = self.look(trial);
                self.prepare_rerun(trial);
            }
            TrialKind::Robustness { expected, columns } => {
                if let Some((lane, carried)) = read(trial, 0)
                    && let Some(agreement) = rerun::robustness(carried, expected, *columns)
                {
                    self.outlet.facts.put(Fact::Perturbed { lane, agreement });
                }
            }
            TrialKind::Restoration { trusted, degraded } => {
                self.look_at_candidates(trial);
                if let Some((lane, Carried::Pixels(answer))) = read(trial, 0)
                    && self.kinds.suits(lane, Evidence::Restoration)
                    && let Some(likeness) = rerun::restored(&answer.luma, trusted, degraded)
                {
                    self.comparisons.restored(lane, likeness);
                    self.publish([lane]);
                    self.tell(trial, (lane, likeness), Evidence::Restoration);
                }
            }
        }
    }

    /// Gathers the evidence that the answers to one frame give, tells the policy and whoever listens, and returns the
    /// agreement of each lane that could be compared with the reference.
    pub fn weigh(&mut self, trial: &Trial) -> Vec<(usize, f64)> {
        self.look(trial).agreements
    }

    /// The same, with all that was seen.
    fn look(&mut self, trial: &Trial) -> Seen {
        if trial.context.settings.quality_source == QualitySource::Prior {
            return Seen::default();
        }
        self.look_at_candidates(trial);
        let answers: Vec<_> = (0..trial.answers.len())
            .filter_map(|it| read(trial, it))
            .collect();
        if self.epoch < trial.context.epoch {
            self.epoch = trial.context.epoch;
            self.comparisons.clear_mismatch();
        }
        self.comparisons.note(&answers);
        self.see(trial, &answers);
        let agreements = self
            .reference(trial)
            .map(|it| self.compare(trial, &answers, it))
            .unwrap_or_default();
        let confidence = self.weigh_alone(trial, &answers);
        self.publish(answers.iter().map(|it| it.0));
        Seen {
            agreements,
            confidence,
            answers,
        }
    }

    fn look_at_candidates(&mut self, trial: &Trial) {
        let TrialContext { settings, list, .. } = &trial.context;
        let named = self.reference(trial).and(trial.context.named_reference);
        self.kinds = list.kinds(named, |it| !settings.forbids(it));
        let is_there = |it| !list.is_gone(it);
        self.comparisons.keep(is_there);
        self.silences.retain(is_there);
    }

    /// Notes what was seen of the answers, and warns where that does not go together and nobody compares them.
    fn see(&mut self, trial: &Trial, answers: &Answers) {
        let TrialContext { settings, list, .. } = &trial.context;
        let mut is_news = false;
        for (lane, carried) in answers {
            let kind = match carried {
                Carried::Said(said) => Kind::of_answer(said),
                Carried::Pixels(it) if it.is_cut_out() => Kind::Masks,
                _ => continue,
            };
            is_news |= list.lanes.get(*lane).is_some_and(|it| it.tally.saw(kind));
        }
        if is_news {
            self.look_at_candidates(trial);
            self.outlet.complaints.look(&self.outlet.bus, list, settings);
        }
        let silent = answers.iter().filter(|it| matches!(it.1, Carried::Pixels(_)));
        for lane in silent.map(|it| it.0) {
            if self.kinds.of(lane).is_none() {
                self.is_silent(trial, lane);
            }
        }
    }

    /// Says once of a candidate that says nothing, and does not tell its task, how that counts.
    fn is_silent(&mut self, trial: &Trial, lane: usize) {
        let Some(kind @ (Kind::Boxes | Kind::Classes)) = self.kinds.main() else {
            return;
        };
        if !self.wants(trial, Evidence::Agreement) {
            return;
        }
        let silences = self.silences.get_or_default(lane);
        *silences += 1;
        if *silences == SILENCES && self.reference(trial) != Some(lane) {
            let name = trial.context.list.name(lane);
            let kind = kind.name();
            self.outlet.bus.inform(
                &format!("candidate {name} gives frames without {kind}, where others give {kind}: it counts as one that finds nothing"),
                "that is meant for a floor; an element that has another task does not belong here",
            );
        }
    }

    /// The lane that the others are compared with; none whose answers proved to be of another task.
    fn reference(&self, trial: &Trial) -> Option<usize> {
        let mismatch = self.comparisons.mismatch();
        trial.context.reference.filter(|it| Some(*it) != mismatch)
    }

    /// Whether this kind of evidence counts.
    fn wants(&self, trial: &Trial, evidence: Evidence) -> bool {
        let source = trial.context.settings.quality_source;
        source.wants(evidence, self.reference(trial).is_none())
    }

    fn compare(&mut self, trial: &Trial, answers: &Answers, reference: usize) -> Vec<(usize, f64)> {
        // Answers whose classes never have the same name say nothing of each other.
        let tally = |lane: usize| trial.context.list.lanes.get(lane).map(|it| &it.tally);
        let compares = |lane: usize| {
            let both = tally(lane).zip(tally(reference));
            both.is_none_or(|(own, truth)| own.shares_labels(truth))
        };
        let answers: Vec<_> = answers.iter().filter(|it| compares(it.0)).cloned().collect();
        let (comparisons, mismatch) = self.comparisons.compare(&answers, reference);
        for (lane, comparison) in &comparisons {
            let agreement = comparison.agreement;
            if self.wants(trial, Evidence::Agreement) && self.kinds.suits(*lane, Evidence::Agreement) {
                self.score(*lane, agreement, Evidence::Agreement);
            }
            self.post(trial, || CandidateScore {
                reference: Some(trial.context.list.name(reference).to_string()),
                agreement: Some(agreement),
                figure: Some(MeasuredFigure {
                    measure: comparison.measure,
                    value: comparison.figure,
                }),
                ..message(trial, *lane, Evidence::Agreement)
            });
        }
        if let Some(mismatch) = mismatch {
            self.report(trial, &mismatch);
        }
        comparisons.iter().map(|it| (it.0, it.1.agreement)).collect()
    }

    /// Gathers the evidence that needs no reference, where it counts; returns how sure the least sure answer is, if any is told.
    fn weigh_alone(&mut self, trial: &Trial, answers: &Answers) -> Option<f64> {
        let mut found = Vec::new();
        if self.wants(trial, Evidence::Claimed) {
            found = self.comparisons.confidences(answers);
        }
        if self.wants(trial, Evidence::Stability) {
            let luma = trial.caps.as_ref().and_then(|it| content::luma(&trial.frame, it));
            let steady = self.comparisons.stabilities(trial.number, luma, answers);
            found.extend(steady.into_iter().map(|it| (it.0, it.1, Evidence::Stability)));
        }
        found.retain(|it| self.kinds.suits(it.0, it.2));
        let is_confidence = |it: &&(usize, f64, Evidence)| it.2 != Evidence::Stability;
        let confidence = found.iter().filter(is_confidence).map(|it| it.1).reduce(f64::min);
        for (lane, score, evidence) in found {
            self.tell(trial, (lane, score), evidence);
        }
        confidence
    }

    /// Tells the policy what a lane is worth.
    fn score(&self, lane: usize, score: f64, evidence: Evidence) {
        self.outlet.facts.put(Fact::Scored {
            lane,
            score,
            evidence,
        });
    }

    /// The same, and whoever listens, for evidence that needs no reference.
    fn tell(&self, trial: &Trial, (lane, score): (usize, f64), evidence: Evidence) {
        self.score(lane, score, evidence);
        self.post(trial, || CandidateScore {
            score: Some(score),
            ..message(trial, lane, evidence)
        });
    }

    fn post(&self, trial: &Trial, score: impl FnOnce() -> CandidateScore) {
        if trial.context.settings.frame_messages {
            self.outlet.bus.post(score());
        }
    }

    /// Shows the figures of these lanes.
    fn publish(&self, lanes: impl IntoIterator<Item = usize>) {
        let mut all = Numbered::clone(&self.outlet.figures.load());
        for lane in lanes {
            all.put(lane, self.comparisons.figures(lane).into());
        }
        all.retain(|it| self.comparisons.knows(it));
        self.outlet.figures.store(Arc::new(all));
    }

    /// Says once that a lane's answers do not compare, and what to change; a reference counts for nothing then.
    fn report(&self, trial: &Trial, mismatch: &TaskMismatch) {
        let TaskMismatch {
            lane: reference,
            carries,
            others,
            ..
        } = *mismatch;
        let TrialContext { settings, list, .. } = &trial.context;
        let name = list.name(reference);
        // Who gives what was told where that is known of all.
        let is_told = self.kinds.of(reference).is_some() && are_mixed(list, settings);
        if is_told && !mismatch.is_reference {
            return;
        }
        if !mismatch.is_reference {
            return self.outlet.bus.warn(
                &format!("candidate {name} is not compared: its answers carry {carries}, those of the reference {others}"),
                "a switch chooses among candidates of one task; until it is compared, its prior counts",
            );
        }
        let epoch = trial.context.epoch;
        self.outlet.facts.put(Fact::Mismatch { reference, epoch });
        if is_told {
            return;
        }
        self.outlet.bus.warn(
            &format!("the reference {name} is not of the task of the others: its answers carry {carries}, theirs {others}"),
            "name a candidate of their task in `reference`; one that nobody named is replaced, else quality rests on what needs no \
             reference",
        );
    }

    /// Sets a changed frame aside for one of the trial's lanes, if there is something to learn from it.
    fn prepare_rerun(&mut self, trial: &Trial) {
        let (TrialKind::Quality { perturbed }, Some(caps)) = (&trial.aim, &trial.caps) else {
            return;
        };
        self.turns += 1;
        // One changed frame waits at a time, and what the policy asked for goes first.
        let modified = if *perturbed {
            read(trial, 1).and_then(|it| rerun::perturbed(trial, caps, it, self.turns))
        } else if self.wants(trial, Evidence::Restoration) {
            // The rival and the active one take turns, so that both are known by the same measure.
            let turn = self.turns % trial.answers.len().max(1);
            let answer = read(trial, turn).filter(|it| self.kinds.suits(it.0, Evidence::Restoration));
            answer.and_then(|it| rerun::degraded(trial, caps, it))
        } else {
            None
        };
        if let Some(modified) = modified {
            self.outlet.modified.store(Some(Arc::new(modified)));
        }
    }
}

/// What an answer carries, apart from what the frame carried already; `None` where it does not carry what its candidate
/// declares.
fn read(trial: &Trial, answer: usize) -> Option<(usize, Carried)> {
    let (lane, answer) = trial.answers.get(answer)?;
    let (buffer, caps) = (&*answer.buffer, answer.caps.as_deref()?);
    let tally = &trial.context.list.lanes.get(*lane)?.tally;
    if !tally.is_on_frames() {
        return None;
    }
    let carried = match tally.declared() {
        Some(kind) => kind_of_frame(kind, buffer, caps, &trial.frame)?,
        None => Carried::read(buffer, caps, Some(&trial.frame))?,
    };
    Some((*lane, carried))
}

/// An answer of this kind. A detector whose frame carries no box has found nothing; whatever else a frame carries is not
/// the answer.
fn kind_of_frame(
    kind: Kind,
    buffer: &gst::BufferRef,
    caps: &gst::CapsRef,
    frame: &gst::BufferRef,
) -> Option<Carried> {
    if caps.structure(0)?.name() == "audio/x-raw" {
        return Carried::read(buffer, caps, Some(frame));
    }
    let said = || content::said(buffer, caps, Some(frame));
    match kind {
        Kind::Picture => content::Pixels::read(buffer, caps).map(Carried::Pixels),
        Kind::Boxes | Kind::Classes => {
            let found = said().filter(|it| Kind::of_answer(it) == kind);
            let nothing = || match kind {
                Kind::Boxes => Answer::Detections(Vec::new()),
                _ => Answer::Classes(Vec::new()),
            };
            Some(Carried::Said(found.unwrap_or_else(nothing)))
        }
        Kind::Score | Kind::Text => said().filter(|it| Kind::of_answer(it) == kind).map(Carried::Said),
        Kind::Masks => {
            let found = said().filter(|it| Kind::of_answer(it) == kind).map(Carried::Said);
            let cut_out = || content::Pixels::cut_out(buffer, caps).filter(content::Pixels::is_cut_out);
            found.or_else(|| cut_out().map(Carried::Pixels))
        }
        Kind::Sound | Kind::Tensors => None,
    }
}

/// What every message on a lane's worth says.
fn message(trial: &Trial, lane: usize, evidence: Evidence) -> CandidateScore {
    CandidateScore {
        frame: trial.number,
        pts: trial.frame.pts(),
        candidate: trial.context.list.name(lane).to_string(),
        reference: None,
        source: evidence.into(),
        agreement: None,
        figure: None,
        score: None,
    }
}
