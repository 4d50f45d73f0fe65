// SPDX-License-Identifier: MPL-2.0

//! What comparisons of the candidates' answers have shown so far, and which answers compare at all. Knows no threads and
//! no policy: readings go in, figures and verdicts come out.

use crate::answer::Answer;
use crate::elements::comparable::{self, empty, may_be_empty};
use crate::elements::content::Carried;
use crate::numbered::Numbered;
use crate::plane::Plane;
use crate::policy::Evidence;
use crate::score::{Comparison, Content, Record, Unlike, stability};

/// Comparisons in a row that must fail before an answer is called one of another task: a picture on which nothing was found
/// carries nothing either.
const UNLIKE: u32 = 3;

/// Values that the mean of a figure remembers.
const MEMORY: f64 = 60.0;

/// What is known of all lanes.
#[derive(Debug, Default)]
pub struct Comparisons {
    lanes: Numbered<KnownLane>,
    before: Option<Neighbor>,
    /// With whose answers the others were compared.
    reference: Option<usize>,
    /// The reference that proved to be of another task, so that the user is told once.
    unlike_reference: Option<usize>,
}

/// What is known of one lane.
#[derive(Debug, Default)]
struct KnownLane {
    record: Record,
    /// An empty answer of the kind that its metas last were.
    said: Option<Answer>,
    /// Smallest and largest score seen.
    span: Option<(f32, f32)>,
    likeness: Likeness,
    /// Means of the figures that do not rest on a reference.
    own: Vec<Mean>,
}

/// Whether the lane's answers compare with the reference's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Likeness {
    #[default]
    Untried,
    Compared,
    /// So often in a row they were of different kinds.
    Unlike(u32),
}

#[derive(Debug, Clone, Copy)]
struct Mean {
    field: &'static str,
    value: f64,
    count: f64,
}

/// The frame that was looked at last, and what was made of it.
#[derive(Debug)]
struct Neighbor {
    number: u64,
    luma: Plane,
    answers: Vec<(usize, Content)>,
}

/// What one lane's answer carries, by lane.
pub type Answers = [(usize, Carried)];

/// A verdict that the user should hear once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskMismatch {
    pub lane: usize,
    /// Whether it is the reference, which compares with nobody.
    pub is_reference: bool,
    pub carries: &'static str,
    /// What the others, or the reference, carry.
    pub others: &'static str,
}

impl Comparisons {
    fn lane(&mut self, lane: usize) -> &mut KnownLane {
        self.lanes.get_or_default(lane)
    }

    /// Whether something is known of the lane.
    pub fn knows(&self, lane: usize) -> bool {
        self.lanes.contains(lane)
    }

    /// Forgets the lanes that are not `there`.
    pub fn keep(&mut self, there: impl Fn(usize) -> bool) {
        self.lanes.retain(there);
    }

    /// Takes in what was read of the answers to a frame.
    pub fn note(&mut self, answers: &Answers) {
        for (lane, carried) in answers {
            let Carried::Said(said) = carried else { continue };
            let lane = self.lane(*lane);
            lane.said = Some(empty(said));
            if let Answer::Score(score) = said {
                let (low, high) = lane.span.unwrap_or((*score, *score));
                lane.span = Some((low.min(*score), high.max(*score)));
            }
        }
    }

    /// Compares each answer with the reference's, and says who is not of the same task, each once.
    pub fn compare(
        &mut self,
        answers: &Answers,
        reference: usize,
    ) -> (Vec<(usize, Comparison)>, Option<TaskMismatch>) {
        let Some(truth) = answers.iter().find(|it| it.0 == reference).map(|it| &it.1) else {
            return (Vec::new(), None);
        };
        if self.reference.replace(reference) != Some(reference) {
            // What was like one reference need not be like another.
            for lane in self.lanes.values_mut() {
                (lane.likeness, lane.record) = (Likeness::Untried, Record::default());
            }
        }
        let mut comparisons = Vec::with_capacity(answers.len());
        let mut mismatch = None;
        for (lane, carried) in answers.iter().filter(|it| it.0 != reference) {
            match self.compare_one((*lane, carried), (reference, truth)) {
                Ok(comparison) => {
                    self.lane(*lane).likeness = Likeness::Compared;
                    comparisons.push((*lane, comparison));
                }
                Err(Unlike::Kinds(carries, others)) => {
                    let kinds = (carries, others);
                    mismatch = mismatch.or(self.does_not_compare(*lane, reference, kinds));
                }
                Err(Unlike::Nothing) => {}
            }
        }
        (comparisons, mismatch)
    }

    /// Counts a comparison that failed. Who compares with nobody is the odd one, also where there is only one other.
    fn does_not_compare(
        &mut self,
        lane: usize,
        reference: usize,
        (carries, others): (&'static str, &'static str),
    ) -> Option<TaskMismatch> {
        let times = match self.lane(lane).likeness {
            Likeness::Unlike(times) => times + 1,
            Likeness::Untried | Likeness::Compared => 1,
        };
        self.lane(lane).likeness = Likeness::Unlike(times);
        if times < UNLIKE {
            return None;
        }
        let others_compare = self.lanes.values().any(|it| it.likeness == Likeness::Compared);
        if !others_compare && self.unlike_reference != Some(reference) {
            self.unlike_reference = Some(reference);
            return Some(TaskMismatch {
                lane: reference,
                is_reference: true,
                carries: others,
                others: carries,
            });
        }
        (others_compare && times == UNLIKE).then_some(TaskMismatch {
            lane,
            is_reference: false,
            carries,
            others,
        })
    }

    fn compare_one(
        &mut self,
        (lane, carried): (usize, &Carried),
        (reference, truth): (usize, &Carried),
    ) -> Result<Comparison, Unlike> {
        let said = |it: usize| self.lanes.get(it).and_then(|it| it.said.as_ref());
        let (answer, truth) = comparable::contents((carried, said(lane)), (truth, said(reference)))?;
        self.lane(lane).record.compare(&answer, &truth)
    }

    /// How sure each answer is, by what comparisons have shown of that confidence.
    pub fn confidences(&mut self, answers: &Answers) -> Vec<(usize, f64, Evidence)> {
        let mut found = Vec::new();
        for (lane, carried) in answers {
            let Carried::Said(said) = carried else { continue };
            let lane_known = self.lane(*lane);
            let Some((quality, is_calibrated)) = lane_known.record.confidence(&Content::Said(said.clone()))
            else {
                continue;
            };
            lane_known.mean("confidence", quality);
            let evidence = if is_calibrated {
                Evidence::Calibrated
            } else {
                Evidence::Claimed
            };
            found.push((*lane, quality, evidence));
        }
        found
    }

    /// How steady the answers are beside those to the frame before, if that was looked at and was the one before;
    /// `luma` is the frame's.
    pub fn stabilities(&mut self, number: u64, luma: Option<Plane>, answers: &Answers) -> Vec<(usize, f64)> {
        let answers: Vec<(usize, Content)> = answers
            .iter()
            .filter_map(|(lane, it)| Some((*lane, self.steady_content(*lane, it)?)))
            .collect();
        let before = self.before.take();
        let Some(luma) = luma else { return Vec::new() };
        let mut found = Vec::new();
        if let Some(before) = before.filter(|it| it.number + 1 == number) {
            let change = stability::change(&before.luma, &luma);
            for (lane, now) in &answers {
                let earlier = before.answers.iter().find(|it| it.0 == *lane).map(|it| &it.1);
                let steadiness = change.zip(earlier).and_then(|(change, earlier)| {
                    let span = self.lane(*lane).span.map_or(0.0, |it| it.1 - it.0);
                    match (earlier, now) {
                        (Content::Said(Answer::Score(earlier)), Content::Said(Answer::Score(now))) => {
                            stability::of_scores(*earlier, *now, span, change)
                        }
                        _ => stability::stability(earlier, now, change),
                    }
                });
                if let Some(steadiness) = steadiness {
                    self.lane(*lane).mean("stability", steadiness);
                    found.push((*lane, steadiness));
                }
            }
        }
        self.before = Some(Neighbor {
            number,
            luma,
            answers,
        });
        found
    }

    /// What of an answer is compared with that to the next frame.
    fn steady_content(&self, lane: usize, carried: &Carried) -> Option<Content> {
        let said = self.lanes.get(lane).and_then(|it| it.said.clone());
        match (carried, said) {
            (Carried::Said(said), _) => Some(Content::Said(said.clone())),
            (Carried::Pixels(_), Some(said)) => may_be_empty(&said).then_some(Content::Said(said)),
            (Carried::Pixels(pixels), None) if pixels.is_cut_out() => {
                Some(Content::Coverage(pixels.clone().coverage()))
            }
            (Carried::Pixels(pixels), None) => Some(Content::Picture(pixels.luma.clone())),
            (Carried::Sound(_), _) => None,
        }
    }

    /// Notes how near a restored frame came to the one that was degraded.
    pub fn restored(&mut self, lane: usize, likeness: f64) {
        self.lane(lane).mean("restored-ssim", likeness);
    }

    /// The reference that proved to be of another task.
    pub fn mismatch(&self) -> Option<usize> {
        self.unlike_reference
    }

    /// Forgets who was of another task; the user may have changed the reference.
    pub fn clear_mismatch(&mut self) {
        if self.unlike_reference.take().is_some() {
            self.lanes
                .values_mut()
                .for_each(|it| it.likeness = Likeness::Untried);
        }
    }

    /// Names and values of what is known of a lane.
    pub fn figures(&self, lane: usize) -> Vec<(&'static str, f64)> {
        let Some(lane) = self.lanes.get(lane) else {
            return Vec::new();
        };
        let own = lane.own.iter().map(|it| (it.field, it.value));
        lane.record.figures().chain(own).collect()
    }
}

impl KnownLane {
    fn mean(&mut self, field: &'static str, value: f64) {
        let at = self.own.iter().position(|it| it.field == field);
        let at = at.unwrap_or_else(|| {
            self.own.push(Mean {
                field,
                value: 0.0,
                count: 0.0,
            });
            self.own.len() - 1
        });
        let mean = &mut self.own[at];
        mean.count = (mean.count + 1.0).min(MEMORY);
        mean.value += (value - mean.value) / mean.count;
    }
}
