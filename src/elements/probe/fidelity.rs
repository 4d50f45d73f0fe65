// SPDX-License-Identifier: MPL-2.0

//! Means of what comparisons with the reference show, over frames and stretches.

use std::collections::VecDeque;

use crate::messages::{FIGURES, Fidelity};
use crate::score::{self, Comparison, Energies, Measure};

/// PSNR of equal frames is infinite, which neither averages nor plots; other meters cap it here too.
const BEST_PSNR_DB: f64 = 100.0;

/// One frame or stretch against its reference.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    pub picture: Option<PictureScore>,
    pub other: Option<OtherScore>,
}

/// Luma against luma.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PictureScore {
    /// In squared levels.
    pub mse: f64,
    pub ssim: f64,
}

/// What a picture is not compared by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OtherScore {
    pub comparison: Comparison,
    /// Mean average precision over the last frames, of boxes.
    pub map: Option<f64>,
}

/// Scores since the start, since the last message, and of the last pairs.
#[derive(Debug)]
pub struct Scores {
    total: Sums,
    interval: Sums,
    last: VecDeque<PictureScore>,
    window: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    pairs: u64,
    unmatched: u64,
    pictures: u64,
    mse: f64,
    ssim: f64,
    other: Option<Others>,
}

/// Sums of what is no plain picture.
#[derive(Debug, Clone, Copy)]
struct Others {
    count: f64,
    figures: f64,
    agreements: f64,
    energies: Energies,
    last: OtherScore,
}

impl Scores {
    pub fn new(window: usize) -> Self {
        let (total, interval) = (Sums::default(), Sums::default());
        Scores {
            total,
            interval,
            last: VecDeque::new(),
            window,
        }
    }

    pub fn add(&mut self, score: Score) {
        for sums in [&mut self.total, &mut self.interval] {
            sums.add(score);
        }
        if let Some(picture) = score.picture {
            if self.window <= self.last.len() {
                self.last.pop_front();
            }
            self.last.push_back(picture);
        }
    }

    pub fn add_unmatched(&mut self, frames: u64) {
        self.total.unmatched += frames;
        self.interval.unmatched += frames;
    }

    pub fn total(&self) -> Fidelity {
        self.total.fidelity()
    }

    /// The means over the last pairs.
    pub fn window(&self) -> Option<(f64, f64)> {
        let mut sums = Sums::default();
        self.last.iter().for_each(|score| sums.add_picture(*score));
        sums.fidelity().means
    }

    /// What came since this was last asked.
    pub fn take_interval(&mut self) -> Fidelity {
        std::mem::take(&mut self.interval).fidelity()
    }
}

impl Sums {
    fn add(&mut self, score: Score) {
        self.pairs += 1;
        if let Some(picture) = score.picture {
            self.add_picture(picture);
        }
        if let Some(other) = score.other {
            self.add_other(other);
        }
    }

    fn add_picture(&mut self, score: PictureScore) {
        self.pictures += 1;
        self.mse += score.mse;
        self.ssim += score.ssim;
    }

    /// Another measure begins anew: the stream carries something else now.
    fn add_other(&mut self, score: OtherScore) {
        let is_same = |it: &Others| it.last.comparison.measure == score.comparison.measure;
        let before = self.other.take().filter(is_same);
        let mut sums = before.unwrap_or(Others {
            count: 0.0,
            figures: 0.0,
            agreements: 0.0,
            energies: Energies::default(),
            last: score,
        });
        sums.count += 1.0;
        sums.figures += score.comparison.figure;
        sums.agreements += score.comparison.agreement;
        sums.energies += score.comparison.energies.unwrap_or_default();
        sums.last = score;
        self.other = Some(sums);
    }

    fn fidelity(&self) -> Fidelity {
        let count = self.pictures as f64;
        let means = (0 < self.pictures).then(|| {
            (
                score::decibels(self.mse / count).min(BEST_PSNR_DB),
                self.ssim / count,
            )
        });
        Fidelity {
            pairs: self.pairs,
            unmatched: self.unmatched,
            means,
            figures: self.other.map_or([None; FIGURES.len()], |it| it.figures()),
        }
    }
}

impl Others {
    fn figures(&self) -> [Option<f64>; FIGURES.len()] {
        let measure = self.last.comparison.measure;
        let agreement = Some(self.agreements / self.count);
        let mean = match measure {
            // It is one over many frames by itself.
            Measure::RankCorrelation => self.last.comparison.figure,
            Measure::SiSdr => self.energies.si_sdr_db().unwrap_or_default(),
            _ => self.figures / self.count,
        };
        FIGURES.map(|field| match (field, measure) {
            ("map", _) => self.last.map,
            ("class-agreement", Measure::TotalVariation) | ("agreement", Measure::PanopticQuality) => {
                agreement
            }
            _ => (field == measure.field()).then_some(mean),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(mse: f64, ssim: f64) -> Score {
        Score {
            picture: Some(PictureScore { mse, ssim }),
            other: None,
        }
    }

    fn figure(fidelity: &Fidelity, field: &str) -> Option<f64> {
        fidelity.figures[FIGURES.iter().position(|it| *it == field).unwrap()]
    }

    #[test]
    fn each_measure_has_its_field_and_a_new_one_begins_anew() {
        let other = |measure, figure, agreement| Score {
            picture: None,
            other: Some(OtherScore {
                comparison: Comparison {
                    measure,
                    figure,
                    agreement,
                    energies: None,
                },
                map: (measure == Measure::F1).then_some(0.25),
            }),
        };
        let mut scores = Scores::new(4);
        scores.add(other(Measure::F1, 0.5, 0.5));
        scores.add(other(Measure::F1, 1.0, 1.0));
        let boxes = scores.total();
        assert_eq!(
            (figure(&boxes, "f1"), figure(&boxes, "map"), boxes.pairs),
            (Some(0.75), Some(0.25), 2)
        );
        assert_eq!((boxes.means, figure(&boxes, "agreement")), (None, None));
        scores.add(other(Measure::TotalVariation, 0.4, 0.6));
        let classes = scores.total();
        assert_eq!(figure(&classes, "f1"), None);
        assert_eq!(
            (
                figure(&classes, "total-variation"),
                figure(&classes, "class-agreement")
            ),
            (Some(0.4), Some(0.6))
        );
        scores.add(other(Measure::RankCorrelation, 0.1, 0.55));
        scores.add(other(Measure::RankCorrelation, 0.3, 0.65));
        assert_eq!(figure(&scores.total(), "rank-correlation"), Some(0.3));
    }

    #[test]
    fn errors_are_averaged_before_they_become_decibels() {
        let mut scores = Scores::new(1);
        scores.add(picture(0.0, 1.0));
        assert_eq!(scores.take_interval().means, Some((100.0, 1.0)));
        scores.add(picture(50.0, 0.5));
        let (psnr, ssim) = scores.total().means.unwrap();
        // The mean error is 25: 20 log10(255 / 5).
        assert!((psnr - 34.1514).abs() < 1e-4 && ssim == 0.75, "{psnr} {ssim}");
        assert_eq!(scores.window().map(|it| it.1), Some(0.5));
        assert_eq!(scores.take_interval().pairs, 1);
        assert_eq!(scores.take_interval(), Fidelity::default());
    }

    #[test]
    fn pauses_count_in_sound_as_little_as_they_are_heard() {
        let stretch = |answer: &[f32], reference: &[f32]| {
            let energies = Energies::of(answer, reference);
            let comparison = Comparison {
                measure: Measure::SiSdr,
                figure: energies.si_sdr_db().unwrap(),
                agreement: energies.agreement().unwrap(),
                energies: Some(energies),
            };
            let other = Some(OtherScore {
                comparison,
                map: None,
            });
            Score { picture: None, other }
        };
        let mut scores = Scores::new(2);
        // A loud stretch that is right, 20 dB above its error, and a quiet one that is all error.
        scores.add(stretch(&[1.0, 0.1], &[1.0, 0.0]));
        scores.add(stretch(&[0.0, 0.01], &[0.01, 0.0]));
        let together = figure(&scores.total(), "si-sdr-db").unwrap();
        assert!((together - 20.0).abs() < 0.1, "{together}");
    }
}
