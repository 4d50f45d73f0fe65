// SPDX-License-Identifier: MPL-2.0

//! What one answer shows against the truth: little enough to keep for thousands of items, and all that figures need.

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, ClassMap, ClassScore, Mask};
use crate::plane::Plane;
use crate::score::agreement::Agreement;
use crate::score::content::Content;
use crate::score::distribution::{best, total_variation};
use crate::score::edit_distance::{edit_distance, edits};
use crate::score::overlap::{Cells, cells, coverage_difference, coverage_iou, iou_of_cells};
use crate::score::record::{Unlike, mixed, of_sound};
use crate::score::sound::Energies;
use crate::score::stoi::stoi;

use super::objects::{Objects, Remark};

/// What is known of an item beyond what stands in its truth.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms<'a> {
    /// Samples per second of sound; without it there is no STOI.
    pub rate: Option<u32>,
    /// The class of a class map that means "not labelled", 255 in the masks of PASCAL VOC and Cityscapes: places where the
    /// truth has it do not count.
    pub void: Option<u8>,
    /// What COCO's files say of the objects of the truth, by their position; may be shorter than the truth.
    pub remarks: &'a [Remark],
}

/// One answer against its truth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Whether the model gave an answer at all.
    pub is_answered: bool,
    /// How far both agree, 0 to 1, by the measure that a switch compares candidates by while it runs
    /// ([`Content::measure`]). `None` for scores, which agree only over many items, and for what cannot be compared, such as silence.
    pub agreement: Option<f64>,
    pub(super) seen: Seen,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Seen {
    Objects(Objects),
    Label {
        /// The right class, and how much it counts.
        truth: Option<(u32, f64)>,
        /// The most confident first, five at most.
        best: Vec<(u32, f64)>,
    },
    Places(Cells),
    /// Mean absolute and squared difference of coverage, 0 to 1; `None` where the truth has no place.
    Coverage(Option<[f64; 2]>),
    /// Mean squared error in squared levels, and samples.
    Picture {
        mse: f64,
        samples: u64,
    },
    Sound {
        energies: Energies,
        stoi: Option<f64>,
    },
    Score {
        answer: Option<f64>,
        truth: Option<f64>,
    },
    Text(Edits),
}

/// What it takes to come from an answer to the right text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Edits {
    pub of_words: u64,
    pub words: u64,
    pub of_characters: u64,
    pub characters: u64,
}

/// Compares one answer with its truth.
///
/// An answer that is missing is the emptiest of its kind, and so is one that cannot be read, such as a map that is not what
/// its width and height say: no box, no class, no place, a picture that is wrong by full scale, silence, no text.
///
/// Truth that comes from a reference model is taken as labels are: an object or a class counts by its confidence, which for
/// labels is 1. Costs what the measures cost: a picture some ms (see [`crate::score::ssim`]), sound some ms a second where
/// `terms` has its rate, all else far below.
pub fn observe(answer: Option<&Content>, truth: &Content, terms: &Terms) -> Result<Observation, Unlike> {
    let emptiest;
    let given = match answer {
        Some(given) => given,
        None => {
            emptiest = emptiest_like(truth);
            &emptiest
        }
    };
    let unlike = || Unlike::Kinds(given.kind(), truth.kind());
    let (agreement, seen) = match (given, truth) {
        (Content::Picture(given), Content::Picture(truth)) => of_pictures(given, truth),
        (Content::Sound(given), Content::Sound(truth)) => of_sounds(given, truth, terms.rate),
        (Content::Said(given), Content::Said(truth)) => said(given, truth, terms).ok_or_else(unlike)?,
        _ => {
            let (given, truth) = (coverage(given), coverage(truth));
            let (given, truth) = given.zip(truth).ok_or_else(unlike)?;
            of_coverages(&given, &truth)
        }
    };
    Ok(Observation {
        is_answered: answer.is_some(),
        agreement,
        seen,
    })
}

fn emptiest_like(truth: &Content) -> Content {
    Content::Said(match truth {
        Content::Picture(_) => return Content::Picture(Plane::default()),
        Content::Coverage(_) => return Content::Coverage(Plane::default()),
        Content::Sound(_) => return Content::Sound(Vec::new()),
        Content::Said(Answer::Detections(_)) => Answer::Detections(Vec::new()),
        Content::Said(Answer::Classes(_)) => Answer::Classes(Vec::new()),
        Content::Said(Answer::ClassMap(_)) => Answer::ClassMap(ClassMap::default()),
        Content::Said(Answer::Matte(_)) => Answer::Matte(Mask::default()),
        Content::Said(Answer::Instances(_)) => Answer::Instances(Vec::new()),
        Content::Said(Answer::Score(_)) => Answer::Score(f32::NAN),
        Content::Said(Answer::Text(_)) => Answer::Text(Default::default()),
    })
}

/// `None` for answers of different kind.
fn said(answer: &Answer, truth: &Answer, terms: &Terms) -> Option<(Option<f64>, Seen)> {
    Some(match (answer, truth) {
        (Answer::Detections(answer), Answer::Detections(truth)) => {
            let objects = Objects::of_boxes(answer, truth, terms.remarks);
            (Some(objects.f1()), Seen::Objects(objects))
        }
        (Answer::Instances(answer), Answer::Instances(truth)) => {
            let objects = Objects::of_outlines(answer, truth, terms.remarks);
            (Some(objects.panoptic_quality()), Seen::Objects(objects))
        }
        (Answer::Classes(answer), Answer::Classes(truth)) => of_classes(answer, truth),
        (Answer::ClassMap(answer), Answer::ClassMap(truth)) => {
            let mut cells = cells(answer, truth);
            cells.retain(|it| Some(it.0) != terms.void);
            (iou_of_cells(&cells), Seen::Places(cells))
        }
        (Answer::Matte(answer), Answer::Matte(truth)) => of_coverages(&plane(answer), &plane(truth)),
        (Answer::Score(answer), Answer::Score(truth)) => {
            let [answer, truth] = [answer, truth].map(|it| {
                let it = f64::from(*it);
                (!it.is_nan()).then(|| it.clamp(f64::MIN, f64::MAX))
            });
            (None, Seen::Score { answer, truth })
        }
        (Answer::Text(answer), Answer::Text(truth)) => {
            let distance = edit_distance(&answer.text, &truth.text);
            (
                Some(1.0 - distance),
                Seen::Text(Edits::of(&answer.text, &truth.text)),
            )
        }
        _ => return None,
    })
}

fn of_classes(answer: &[ClassScore], truth: &[ClassScore]) -> (Option<f64>, Seen) {
    let right = best(truth).map(|it| (it.class, f64::from(it.confidence).clamp(0.0, 1.0)));
    let mut ranked: Vec<&ClassScore> = answer.iter().filter(|it| !it.confidence.is_nan()).collect();
    ranked.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
    let seen = Seen::Label {
        truth: right,
        best: ranked
            .iter()
            .take(5)
            .map(|it| (it.class, f64::from(it.confidence).clamp(0.0, 1.0)))
            .collect(),
    };
    let agreement = right.map(|_| 1.0 - total_variation(answer, truth));
    (agreement, seen)
}

fn of_pictures(answer: &Plane, truth: &Plane) -> (Option<f64>, Seen) {
    let samples = if truth.is_whole() {
        truth.samples.len() as u64
    } else {
        0
    };
    let (index, mse) = Agreement::default()
        .index_and_error(answer, truth)
        .unwrap_or((0.0, WORST_ERROR));
    ((0 < samples).then_some(index), Seen::Picture { mse, samples })
}

/// Of a picture that is wrong by full scale everywhere.
const WORST_ERROR: f64 = 255.0 * 255.0;

fn of_sounds(answer: &[Vec<f32>], truth: &[Vec<f32>], rate: Option<u32>) -> (Option<f64>, Seen) {
    let silence: Vec<Vec<f32>>;
    let answer = if answer.is_empty() {
        silence = truth.iter().map(|it| vec![0.0; it.len()]).collect();
        &silence
    } else {
        answer
    };
    let energies = of_sound(answer, truth);
    let stoi = rate.and_then(|rate| stoi(&mixed(answer), &mixed(truth), rate));
    (energies.agreement(), Seen::Sound { energies, stoi })
}

/// A matte, or the alpha of a picture, as coverage.
fn coverage(content: &Content) -> Option<Plane> {
    match content {
        Content::Coverage(it) => Some(it.clone()),
        Content::Said(Answer::Matte(it)) => Some(plane(it)),
        _ => None,
    }
}

fn plane(mask: &Mask) -> Plane {
    Plane {
        samples: mask.coverage.clone(),
        width: mask.width,
        height: mask.height,
    }
}

fn of_coverages(answer: &Plane, truth: &Plane) -> (Option<f64>, Seen) {
    let nothing = Plane::new(truth.width, truth.height);
    let answer = if answer.is_whole() { answer } else { &nothing };
    let difference = coverage_difference(answer, truth);
    (coverage_iou(answer, truth), Seen::Coverage(difference))
}

impl Edits {
    /// Words are what white space parts; what stands around a text does not count.
    fn of(answer: &str, truth: &str) -> Edits {
        let words = [answer, truth].map(|it| it.split_whitespace().collect::<Vec<_>>());
        let characters = [answer, truth].map(|it| it.trim().chars().collect::<Vec<_>>());
        Edits {
            of_words: edits(&words[0], &words[1]) as u64,
            words: words[1].len() as u64,
            of_characters: edits(&characters[0], &characters[1]) as u64,
            characters: characters[1].len() as u64,
        }
    }
}
