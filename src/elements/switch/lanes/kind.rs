// SPDX-License-Identifier: MPL-2.0

//! What a candidate's answers are, by what it declares, else by what was seen of them; and what that means for judging them.

use crate::answer::Answer;
use crate::numbered::Numbered;
use crate::policy::Evidence;
use crate::runtime::Task;

/// What answers are. Two of one kind compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Boxes,
    Classes,
    /// Class maps, outlines, and what is cut out of a picture.
    Masks,
    Score,
    /// What was read.
    Text,
    Picture,
    Sound,
    /// Whatever a model gave, uninterpreted.
    Tensors,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 8] = [
        Kind::Boxes,
        Kind::Classes,
        Kind::Masks,
        Kind::Score,
        Kind::Text,
        Kind::Picture,
        Kind::Sound,
        Kind::Tensors,
    ];

    /// What a model of this task answers.
    pub fn of_task(task: Task) -> Kind {
        match task {
            Task::Detect => Kind::Boxes,
            Task::Classify => Kind::Classes,
            Task::Segment | Task::Matte => Kind::Masks,
            Task::Score => Kind::Score,
            Task::Text => Kind::Text,
            Task::Image => Kind::Picture,
            Task::Audio => Kind::Sound,
            Task::Tensor => Kind::Tensors,
        }
    }

    /// What an answer is that stood in metas.
    pub fn of_answer(answer: &Answer) -> Kind {
        match answer {
            Answer::Detections(_) => Kind::Boxes,
            Answer::Classes(_) => Kind::Classes,
            Answer::ClassMap(_) | Answer::Instances(_) | Answer::Matte(_) => Kind::Masks,
            Answer::Score(_) => Kind::Score,
            Answer::Text(_) => Kind::Text,
        }
    }

    /// As a word of a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Boxes => "boxes",
            Kind::Classes => "classes",
            Kind::Masks => "masks",
            Kind::Score => "scores",
            Kind::Text => "text",
            Kind::Picture => "pictures",
            Kind::Sound => "sound",
            Kind::Tensors => "raw tensors",
        }
    }

    /// Whether evidence of this sort says something of such answers.
    pub fn suits(self, evidence: Evidence) -> bool {
        match evidence {
            Evidence::Agreement => self != Kind::Tensors,
            // It judges the picture, which is not the answer where that stands beside the picture.
            Evidence::Restoration => self == Kind::Picture,
            Evidence::Calibrated | Evidence::Claimed => {
                matches!(self, Kind::Boxes | Kind::Classes | Kind::Masks)
            }
            Evidence::Stability => !matches!(self, Kind::Sound | Kind::Tensors),
        }
    }
}

/// What all candidates that may answer give.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// By lane; `None` where nothing is known.
    of: Numbered<Option<Kind>>,
    /// What the most of them give; of a tie, what the reference does. `None` where nothing is known, and of a tie without it.
    main: Option<Kind>,
}

impl Kinds {
    /// From each lane's number, what it gives, and whether it may answer.
    pub fn new(all: &[(usize, Option<Kind>, bool)], reference: Option<usize>) -> Kinds {
        let of: Numbered<_> = all.iter().map(|it| (it.0, it.1)).collect();
        let reference = reference.and_then(|it| *of.get(it)?);
        let that_count = || all.iter().filter(|it| it.2).filter_map(|it| it.1);
        let count = |kind: Kind| that_count().filter(|it| *it == kind).count();
        let rank = |kind: &Kind| (count(*kind), reference == Some(*kind));
        let best = that_count().max_by_key(rank);
        let is_tie = |best: &Kind| that_count().any(|it| it != *best && rank(&it) == rank(best));
        let main = best.filter(|it| !is_tie(it));
        Kinds { of, main }
    }

    pub fn of(&self, lane: usize) -> Option<Kind> {
        self.of.get(lane).copied().flatten()
    }

    /// What the switch is for, as far as is known.
    pub fn main(&self) -> Option<Kind> {
        self.main
    }

    /// Whether this evidence says something of the lane that also compares with what it says of the others. Who has not
    /// said anything yet is a maker of pictures only as long as all are.
    pub fn suits(&self, lane: usize, evidence: Evidence) -> bool {
        let main = match self.main {
            Some(main) => main,
            None if self.of.values().all(Option::is_none) => Kind::Picture,
            // What is measured of one kind does not rank it before another.
            None => return false,
        };
        match self.of(lane) {
            Some(own) => own == main && own.suits(evidence),
            None if matches!(main, Kind::Picture | Kind::Sound) => main.suits(evidence),
            // It may count as one that finds nothing.
            None => evidence == Evidence::Agreement,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(of: &[Option<Kind>], reference: Option<usize>) -> Kinds {
        let all: Vec<_> = of
            .iter()
            .enumerate()
            .map(|(lane, it)| (lane, *it, true))
            .collect();
        Kinds::new(&all, reference)
    }

    #[test]
    fn the_main_kind_is_what_the_most_give_and_of_a_tie_what_the_reference_gives() {
        use Kind::{Boxes, Classes, Picture};
        let main = |of: &[Option<Kind>], reference| kinds(of, reference).main();
        assert_eq!(main(&[], None), None);
        assert_eq!(main(&[None, None], Some(1)), None);
        assert_eq!(
            main(&[Some(Classes), Some(Boxes), Some(Boxes)], Some(0)),
            Some(Boxes)
        );
        assert_eq!(main(&[Some(Classes), Some(Boxes)], Some(1)), Some(Boxes));
        assert_eq!(main(&[Some(Classes), Some(Boxes)], None), None);
        assert_eq!(main(&[None, Some(Picture)], Some(0)), Some(Picture));
    }

    #[test]
    fn who_is_silent_among_detectors_is_no_restorer() {
        let some = kinds(&[Some(Kind::Boxes), None], None);
        assert!(!some.suits(1, Evidence::Restoration) && !some.suits(0, Evidence::Restoration));
        assert!(!some.suits(1, Evidence::Stability) && some.suits(0, Evidence::Stability));
        assert!(some.suits(1, Evidence::Agreement));
        let tie = kinds(&[Some(Kind::Boxes), Some(Kind::Classes)], None);
        assert!(!tie.suits(0, Evidence::Claimed) && !tie.suits(1, Evidence::Claimed));
        let pictures = kinds(&[None, None], None);
        assert!(pictures.suits(1, Evidence::Restoration));
    }
}
