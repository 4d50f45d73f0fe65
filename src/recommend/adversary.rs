// SPDX-License-Identifier: MPL-2.0

//! A search for small changes of a picture that a model answers worst, by its scores alone.
//!
//! It is the Square Attack for the largest change of a sample (Andriushchenko, Croce, Flammarion and Hein, ECCV 2020,
//! algorithms 1 and 2): stripes first, then squares at random places, which become smaller; a candidate is kept where the
//! score falls. It needs no gradients, so any candidate of any backend can be tried; a model that hides its gradients is
//! not thereby robust.

use crate::random::Random;

/// How far and how long to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// By how much a sample may change, in levels of 255.
    pub eps: u8,
    /// Candidates to try.
    pub queries: usize,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            // The bound at which RobustBench compares models of ImageNet.
            eps: 4,
            queries: 100,
            seed: 0,
        }
    }
}

/// Share of the picture that the first square covers: that of AutoAttack (Croce and Hein, 2020). The 0.05 of the first
/// paper are for 10,000 queries; with 100 to 1000 they found less on each of three made-up models.
const SHARE: f64 = 0.8;

/// One search. The caller runs the model: [`propose`](Adversary::propose), then [`tell`](Adversary::tell) how well it did.
#[derive(Debug, Clone)]
pub struct Adversary {
    original: Vec<u8>,
    width: usize,
    height: usize,
    settings: Settings,
    random: Random,
    /// The worst picture so far; the original before the first score.
    best: Vec<u8>,
    score: Option<f64>,
    candidate: Vec<u8>,
    proposed: usize,
}

impl Adversary {
    /// Starts from a picture of red, green and blue, a byte each, without padding. The score of the original is not asked
    /// for: the caller has it. Of a picture that has not the size it says, nothing is proposed.
    pub fn new(picture: &[u8], width: usize, height: usize, settings: Settings) -> Adversary {
        let is_whole = 0 < width && 0 < height && picture.len() == 3 * width * height;
        Adversary {
            original: picture.to_vec(),
            width,
            height,
            settings: Settings {
                queries: if is_whole { settings.queries } else { 0 },
                ..settings
            },
            random: Random::new(settings.seed),
            best: picture.to_vec(),
            score: None,
            candidate: picture.to_vec(),
            proposed: 0,
        }
    }

    /// The next picture to score; `None` once all queries are spent.
    pub fn propose(&mut self) -> Option<&[u8]> {
        if self.settings.queries <= self.proposed {
            return None;
        }
        self.candidate.copy_from_slice(&self.best);
        if self.proposed == 0 {
            self.stripes();
        } else {
            self.square();
        }
        self.proposed += 1;
        Some(&self.candidate)
    }

    /// How well the model did on the picture that was proposed last: lower is worse. It is kept where this is the lowest
    /// so far; no number counts as the best a model can do.
    pub fn tell(&mut self, score: f64) {
        let score = if score.is_nan() { f64::INFINITY } else { score };
        if self.proposed == 0 || self.score.is_some_and(|it| it <= score) {
            return;
        }
        self.score = Some(score);
        self.best.copy_from_slice(&self.candidate);
    }

    /// The picture that the model did worst on; the original before any score.
    pub fn best(&self) -> &[u8] {
        &self.best
    }

    /// How well it did there.
    pub fn score(&self) -> Option<f64> {
        self.score
    }

    /// Pictures proposed so far.
    pub fn queries(&self) -> usize {
        self.proposed
    }

    /// Columns that are each changed as far as they may be.
    fn stripes(&mut self) {
        let signs: Vec<[bool; 3]> = (0..self.width).map(|_| self.signs()).collect();
        for y in 0..self.height {
            for (x, signs) in signs.iter().enumerate() {
                self.set(x, y, *signs);
            }
        }
    }

    /// A square that is changed the other way, or as far as it may be.
    fn square(&mut self) {
        let share = SHARE * shrinking(self.proposed, self.settings.queries);
        let area = share * (self.width * self.height) as f64;
        let side = (area.sqrt().round() as usize).clamp(1, self.width.min(self.height));
        let left = self.random.whole(0, self.width - side);
        let top = self.random.whole(0, self.height - side);
        // Of the eight ways to change three channels, one that changes something.
        for _ in 0..8 {
            let signs = self.signs();
            for y in top..top + side {
                for x in left..left + side {
                    self.set(x, y, signs);
                }
            }
            if self.candidate != self.best {
                return;
            }
        }
    }

    fn signs(&mut self) -> [bool; 3] {
        [0; 3].map(|_| self.random.chance(0.5))
    }

    /// Changes a pixel of the candidate by the whole bound, up or down from the original.
    fn set(&mut self, x: usize, y: usize, is_up: [bool; 3]) {
        let at = 3 * (y * self.width + x);
        for (channel, is_up) in is_up.into_iter().enumerate() {
            let original = self.original[at + channel];
            self.candidate[at + channel] = match is_up {
                true => original.saturating_add(self.settings.eps),
                false => original.saturating_sub(self.settings.eps),
            };
        }
    }
}

/// By how much the share of a square has shrunk after so many of all queries: it halves at the steps of the paper, which
/// are given there for 10,000 queries.
fn shrinking(proposed: usize, queries: usize) -> f64 {
    const HALVINGS: [usize; 8] = [10, 50, 200, 500, 1000, 2000, 4000, 6000];
    let at = proposed * 10_000 / queries.max(1);
    let halved = HALVINGS.iter().filter(|it| **it < at).count() + usize::from(8000 < at);
    0.5f64.powi(halved as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 32;
    const HEIGHT: usize = 24;

    fn picture() -> Vec<u8> {
        (0..3 * WIDTH * HEIGHT).map(|it| (it * 89 % 256) as u8).collect()
    }

    fn search(settings: Settings, score: impl Fn(&[u8]) -> f64) -> Adversary {
        let mut search = Adversary::new(&picture(), WIDTH, HEIGHT, settings);
        while let Some(candidate) = search.propose() {
            let score = score(candidate);
            search.tell(score);
        }
        search
    }

    /// A model that looks at green in one block of 8×8 only, and is fooled where that becomes darker.
    fn weak_spot(candidate: &[u8]) -> f64 {
        let original = picture();
        let places = (4..12).flat_map(|y| (10..18).map(move |x| 3 * (y * WIDTH + x) + 1));
        let change = places.map(|it| f64::from(candidate[it]) - f64::from(original[it]));
        change.sum::<f64>() / 64.0
    }

    #[test]
    fn a_weak_spot_is_found() {
        for seed in 0..20 {
            let queries = 300;
            let found = search(
                Settings {
                    seed,
                    queries,
                    ..Settings::default()
                },
                weak_spot,
            );
            let score = found.score().unwrap();
            assert!(score < -2.5, "{score} with seed {seed}");
            assert_eq!((found.queries(), weak_spot(found.best())), (queries, score));
        }
    }

    #[test]
    fn a_search_is_better_than_as_many_random_pictures() {
        let settings = Settings::default();
        let found = search(settings, weak_spot).score().unwrap();
        let mut random = Random::new(1);
        let at_random = (0..settings.queries).map(|_| {
            let original = picture();
            let noise = |it: &u8| {
                if random.chance(0.5) {
                    it.saturating_add(4)
                } else {
                    it.saturating_sub(4)
                }
            };
            weak_spot(&original.iter().map(noise).collect::<Vec<u8>>())
        });
        let at_random = at_random.fold(f64::INFINITY, f64::min);
        assert!(found < at_random - 0.5, "{found} and {at_random}");
    }

    #[test]
    fn no_sample_changes_by_more_than_the_bound() {
        for eps in [0, 1, 4, 255] {
            let settings = Settings {
                eps,
                ..Settings::default()
            };
            let mut search = Adversary::new(&picture(), WIDTH, HEIGHT, settings);
            let mut last = 0.0;
            while let Some(candidate) = search.propose() {
                let pairs = candidate.iter().zip(picture());
                assert!(pairs.clone().all(|(it, original)| it.abs_diff(original) <= eps));
                // All are kept, so each must differ from the one before.
                last -= 1.0;
                search.tell(last);
            }
            assert_eq!(search.best() == picture(), eps == 0);
        }
    }

    #[test]
    fn only_what_is_worse_is_kept() {
        let mut search = Adversary::new(&picture(), WIDTH, HEIGHT, Settings::default());
        search.tell(-9.0);
        assert_eq!(
            (search.score(), search.best()),
            (None, &picture()[..]),
            "nothing was proposed"
        );
        let first = search.propose().unwrap().to_vec();
        search.tell(0.5);
        for score in [0.5, 0.9, f64::NAN] {
            assert_ne!(search.propose().unwrap(), first);
            search.tell(score);
            assert_eq!((search.score(), search.best()), (Some(0.5), &first[..]));
        }
        let second = search.propose().unwrap().to_vec();
        search.tell(0.4);
        assert_eq!((search.score(), search.best()), (Some(0.4), &second[..]));
    }

    #[test]
    fn squares_shrink_as_in_the_paper() {
        let at = |query| shrinking(query, 10_000);
        assert_eq!(
            (at(1), at(10), at(11), at(51), at(9000)),
            (1.0, 1.0, 0.5, 0.25, 1.0 / 512.0)
        );
        assert_eq!(shrinking(99, 100), shrinking(9900, 10_000));
        assert_eq!(
            Adversary::new(&[0; 11], 2, 2, Settings::default()).propose(),
            None
        );
    }
}
