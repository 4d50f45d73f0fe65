// SPDX-License-Identifier: MPL-2.0

//! The moments in which the active candidate was not in time, and why.

use std::time::Duration;

use gstavrec::messages::{AnswerKind, Frame};

use super::frame::{Answerer, Fate};

/// A list longer than this is cut: nobody reads on, and the log has them all.
const KEPT: usize = 200;

/// Frames between two misses that are told as one.
const APART: u64 = 5;

/// Misses of one kind, close to each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Miss {
    pub first: Duration,
    pub last: Duration,
    pub frames: u64,
    /// Who should have answered; empty where nobody could.
    pub active: String,
    pub answerer: Answerer,
    pub fate: Fate,
    /// The largest.
    pub latency: Duration,
    pub budget: Duration,
    last_number: u64,
}

impl Miss {
    /// By how much the slowest of them was late; `None` where they left in time or not at all.
    pub fn late_by(&self) -> Option<Duration> {
        let late = self.latency.checked_sub(self.budget)?;
        (self.answerer.answer != AnswerKind::Dropped && !late.is_zero()).then_some(late)
    }

    /// A sentence.
    pub fn why(&self) -> String {
        let left = match self.answerer.answer {
            AnswerKind::Dropped => "nothing left".to_string(),
            _ => format!("{} left", self.answerer),
        };
        let Miss { active, answerer, .. } = self;
        match (self.fate, answerer.answer) {
            (Fate::BeforeReady, AnswerKind::Active) => {
                format!(
                    "no model was ready, and the frame waited for {}",
                    answerer.candidate
                )
            }
            (Fate::BeforeReady, _) => format!("no model was ready; {left}"),
            _ if active.is_empty() => format!("no candidate could answer; {left}"),
            (_, AnswerKind::Active) => format!("{} took too long", answerer.candidate),
            (Fate::Rescued, _) => format!("{active} had no answer in time; {left} instead"),
            _ => format!("{active} had no answer in time; {left}"),
        }
    }

    fn takes(&self, other: &Miss) -> bool {
        self.fate == other.fate
            && self.active == other.active
            && self.answerer == other.answerer
            && other.last_number.saturating_sub(self.last_number) <= APART
    }
}

/// All of a run, the first ones kept.
#[derive(Debug, Clone, Default)]
pub struct Misses {
    groups: Vec<Miss>,
    /// Frames of those that are not kept.
    more: u64,
}

impl Misses {
    pub fn add(&mut self, at: Duration, frame: &Frame, fate: Fate) {
        let miss = Miss {
            first: at,
            last: at,
            frames: 1,
            active: frame.active.clone(),
            answerer: Answerer {
                candidate: frame.candidate.clone(),
                answer: frame.answer,
            },
            fate,
            latency: frame.latency,
            budget: frame.budget,
            last_number: frame.number,
        };
        let is_full = KEPT <= self.groups.len();
        match self.groups.last_mut() {
            // Once one was left out, those that follow are out of its reach.
            Some(group) if self.more == 0 && group.takes(&miss) => {
                group.last = at;
                group.frames += 1;
                group.last_number = frame.number;
                if group.latency < miss.latency {
                    (group.latency, group.budget) = (miss.latency, miss.budget);
                }
            }
            _ if is_full => self.more += 1,
            _ => self.groups.push(miss),
        }
    }

    pub fn kept(&self) -> &[Miss] {
        &self.groups
    }

    /// Missed frames that are in none of [`Misses::kept`].
    pub fn more(&self) -> u64 {
        self.more
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::frame;
    use super::*;

    fn add(misses: &mut Misses, number: u64, answer: AnswerKind, latency: u64, fate: Fate) {
        let told = Frame {
            number,
            active: "large".to_string(),
            ..frame(
                if answer == AnswerKind::Active {
                    "large"
                } else {
                    "tiny"
                },
                answer,
                latency,
            )
        };
        misses.add(Duration::from_millis(40 * number), &told, fate);
    }

    #[test]
    fn neighbors_of_a_kind_are_told_as_one_with_the_worst() {
        let mut misses = Misses::default();
        add(&mut misses, 0, AnswerKind::Passthrough, 1, Fate::BeforeReady);
        add(&mut misses, 7, AnswerKind::Active, 55, Fate::Late);
        add(&mut misses, 8, AnswerKind::Active, 62, Fate::Late);
        add(&mut misses, 9, AnswerKind::Active, 51, Fate::Late);
        add(&mut misses, 10, AnswerKind::Floor, 39, Fate::Rescued);
        add(&mut misses, 50, AnswerKind::Dropped, 41, Fate::Late);
        let told: Vec<(u64, String)> = misses.kept().iter().map(|it| (it.frames, it.why())).collect();
        let expected = [
            (1, "no model was ready; the frame itself left"),
            (3, "large took too long"),
            (1, "large had no answer in time; tiny (floor) left instead"),
            (1, "large had no answer in time; nothing left"),
        ];
        assert_eq!(told, expected.map(|(frames, why)| (frames, why.to_string())));
        let late = [None, Some(22), None, None].map(|it| it.map(Duration::from_millis));
        assert_eq!(misses.kept().iter().map(Miss::late_by).collect::<Vec<_>>(), late);
    }

    #[test]
    fn an_endless_run_has_a_list_that_ends() {
        let mut misses = Misses::default();
        (0..1_000).for_each(|it| add(&mut misses, 20 * it, AnswerKind::Active, 50, Fate::Late));
        assert_eq!((misses.kept().len(), misses.more()), (KEPT, 800));
    }
}
