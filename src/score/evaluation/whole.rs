// SPDX-License-Identifier: MPL-2.0

//! All figures of one model over all items.

use super::figure::{Figure, mean};
use super::observation::{Observation, Seen, Terms, observe};
use super::scores::RankCorrelation;
use super::tasks;
use crate::score::content::Content;
use crate::score::record::Unlike;

/// What a model is worth on a set of items.
#[derive(Debug)]
pub struct Evaluation {
    /// The primary one of the task first; never empty.
    pub figures: Vec<Figure>,
    /// How good each answer is by itself, 0 to 1: [`Observation::agreement`], and of scores how near the rank of the answer is to
    /// that of the truth. For finding the worst items.
    pub per_item: Vec<Option<f64>>,
    /// Of classifications and class maps, how often a class of the truth was answered by which class, in items or cells: the
    /// confusion matrix without its zeros, in ascending order.
    pub confusion: Vec<Confused>,
}

/// One entry of a confusion matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confused {
    pub truth: u32,
    /// `None` where there was no answer.
    pub answer: Option<u32>,
    pub count: f64,
}

impl Evaluation {
    /// Of observations of one task; [`Unlike::Nothing`] of none at all.
    pub fn new(items: &[Observation]) -> Result<Evaluation, Unlike> {
        let first = items.first().ok_or(Unlike::Nothing)?;
        let alike =
            |it: &&Observation| std::mem::discriminant(&it.seen) == std::mem::discriminant(&first.seen);
        if let Some(other) = items.iter().find(|it| !alike(it)) {
            return Err(Unlike::Kinds(kind_of(&other.seen), kind_of(&first.seen)));
        }
        let mut per_item: Vec<Option<f64>> = items.iter().map(|it| it.agreement).collect();
        let mut confusion = Vec::new();
        let mut figures = match &first.seen {
            Seen::Objects(_) => tasks::of_objects(&all(items, |it| match it {
                Seen::Objects(it) => Some(it),
                _ => None,
            })),
            Seen::Label { .. } => {
                let labels = all(items, |it| match it {
                    Seen::Label { truth, best } => Some((*truth, best.as_slice())),
                    _ => None,
                });
                confusion = counted(labels.iter().filter_map(|(truth, best)| {
                    let (truth, count) = (*truth)?;
                    let answer = best.first().map(|it| it.0);
                    Some(Confused { truth, answer, count })
                }));
                tasks::of_labels(&labels)
            }
            Seen::Places(_) => {
                let places = all(items, |it| match it {
                    Seen::Places(it) => Some(it),
                    _ => None,
                });
                confusion = counted(places.iter().flat_map(|it| it.iter()).map(|it| Confused {
                    truth: it.0.into(),
                    answer: it.1.map(u32::from),
                    count: it.2 as f64,
                }));
                tasks::of_places(&places)
            }
            Seen::Coverage(_) => tasks::of_coverages(
                &per_item,
                &all(items, |it| match it {
                    Seen::Coverage(it) => Some(*it),
                    _ => None,
                }),
            ),
            Seen::Picture { .. } => tasks::of_pictures(
                &per_item,
                &all(items, |it| match it {
                    Seen::Picture { mse, samples } => Some((*mse, *samples as f64)),
                    _ => None,
                }),
            ),
            Seen::Sound { .. } => tasks::of_sounds(&all(items, |it| match it {
                Seen::Sound { energies, stoi } => Some((*energies, *stoi)),
                _ => None,
            })),
            Seen::Score { .. } => {
                let pairs = all(items, |it| match it {
                    Seen::Score { answer, truth } => Some((*answer, *truth)),
                    _ => None,
                });
                let ranks = RankCorrelation::new(pairs.into_iter());
                per_item = ranks.nearness();
                tasks::of_scores(ranks)
            }
            Seen::Text(_) => tasks::of_texts(&all(items, |it| match it {
                Seen::Text(it) => Some(*it),
                _ => None,
            })),
        };
        if items.iter().any(|it| it.agreement.is_some()) {
            figures.push(Figure::share(
                "agreement",
                mean(items.iter().map(|it| it.agreement)),
            ));
        }
        let answered = items.iter().map(|it| Some(f64::from(u8::from(it.is_answered))));
        figures.push(Figure::share("answered", mean(answered)));
        Ok(Evaluation {
            figures,
            per_item,
            confusion,
        })
    }

    /// The figure that stands for the task.
    pub fn primary(&self) -> &Figure {
        &self.figures[0]
    }

    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|it| it.name == name)
    }
}

/// [`observe`] and [`Evaluation::new`] in one, for items that are all at hand. An error comes with the position of its item.
pub fn evaluate(items: &[(Option<Content>, Content)], terms: &Terms) -> Result<Evaluation, (usize, Unlike)> {
    let observed = |(at, (answer, truth)): (usize, &(Option<Content>, Content))| {
        observe(answer.as_ref(), truth, terms).map_err(|unlike| (at, unlike))
    };
    let observations: Result<Vec<Observation>, _> = items.iter().enumerate().map(observed).collect();
    Evaluation::new(&observations?).map_err(|unlike| (0, unlike))
}

fn all<'a, T>(items: &'a [Observation], pick: impl Fn(&'a Seen) -> Option<T>) -> Vec<T> {
    items.iter().filter_map(|it| pick(&it.seen)).collect()
}

fn counted(entries: impl Iterator<Item = Confused>) -> Vec<Confused> {
    let mut entries: Vec<Confused> = entries.collect();
    entries.sort_by_key(|it| (it.truth, it.answer));
    let is_same = |one: &Confused, other: &Confused| (one.truth, one.answer) == (other.truth, other.answer);
    let total = |it: &[Confused]| Confused {
        count: it.iter().map(|it| it.count).sum(),
        ..it[0]
    };
    entries.chunk_by(is_same).map(total).collect()
}

fn kind_of(seen: &Seen) -> &'static str {
    match seen {
        Seen::Objects(it) if it.are_outlined => "outlined objects",
        Seen::Objects(_) => "boxes",
        Seen::Label { .. } => "classes",
        Seen::Places(_) => "a class map",
        Seen::Coverage(_) => "a matte",
        Seen::Picture { .. } => "a picture",
        Seen::Sound { .. } => "sound",
        Seen::Score { .. } => "a score",
        Seen::Text(_) => "text",
    }
}
