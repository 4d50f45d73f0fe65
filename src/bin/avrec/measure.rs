// SPDX-License-Identifier: MPL-2.0

//! The measures of quality that a probe reports against a reference, and how they are told.

use gstavrec::messages::Fidelity;

/// One measure; more is better in all of them.
#[derive(Debug, PartialEq)]
pub struct Measure {
    /// Field of `avrec/probe`.
    pub field: &'static str,
    pub name: &'static str,
    /// With the space before it.
    pub unit: &'static str,
    pub digits: usize,
    /// A difference below this is called none: it is less than the noise between two equal runs.
    pub same: f64,
    /// What is compared, as the subject of a sentence.
    pub subject: &'static str,
    /// What the figure says, as the end of a sentence that begins with its name.
    pub meaning: &'static str,
}

impl Measure {
    /// The figure alone: a unit stands in the head of its column.
    pub fn digits(&self, value: f64) -> String {
        format!("{value:.*}", self.digits)
    }

    /// `SSIM 0.9432`, `PSNR 31.50 dB`
    pub fn told(&self, value: f64) -> String {
        format!("{} {}{}", self.name, self.digits(value), self.unit)
    }
}

/// How most measures are told: a share from 0 to 1 that equal runs repeat to half a hundredth.
const SHARE: Measure = Measure {
    field: "agreement",
    name: "agreement",
    unit: "",
    digits: 3,
    same: 0.005,
    subject: "answers",
    meaning: "is how far the answers are alike, 0 to 1",
};

/// All measures, the one that a reader looks for first of each kind of stream.
pub static MEASURES: [Measure; 9] = [
    Measure {
        field: "ssim",
        name: "SSIM",
        digits: 4,
        same: 0.0005,
        subject: "pictures",
        meaning: "compares each picture with the original (1 is equal)",
        ..SHARE
    },
    Measure {
        field: "psnr-db",
        name: "PSNR",
        unit: " dB",
        digits: 2,
        same: 0.05,
        subject: "pictures",
        meaning: "compares each picture with the original",
    },
    Measure {
        field: "f1",
        name: "F1",
        subject: "boxes",
        meaning: "weighs boxes that were missed and boxes that were made up (1 is neither; IoU 0.5)",
        ..SHARE
    },
    Measure {
        field: "map",
        name: "mAP",
        subject: "boxes",
        meaning: "is the mean over classes of the area under precision over recall (IoU 0.5)",
        ..SHARE
    },
    Measure {
        field: "si-sdr-db",
        name: "SI-SDR",
        unit: " dB",
        digits: 2,
        same: 0.1,
        subject: "samples",
        meaning: "is the power of the wanted sound over that of all the rest",
    },
    Measure {
        field: "mean-iou",
        name: "mean IoU",
        subject: "segments",
        meaning: "is the shared area over the covered one, the mean over classes (1 is equal)",
        ..SHARE
    },
    Measure {
        field: "class-agreement",
        subject: "classes",
        meaning: "is one less the total variation of the class probabilities (1 is equal)",
        ..SHARE
    },
    Measure {
        field: "rank-correlation",
        name: "rank correlation",
        same: 0.01,
        subject: "scores",
        meaning: "is that of Spearman (1 is the same order)",
        ..SHARE
    },
    SHARE,
];

/// Means of some measures over `pairs` frames or stretches.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    pub pairs: u64,
    /// In the order of [`MEASURES`]; never empty.
    pub figures: Vec<(&'static Measure, f64)>,
}

impl Quality {
    /// What a probe says; `None` where nothing was compared.
    pub fn of(fidelity: &Fidelity) -> Option<Quality> {
        let pairs = Some(fidelity.pairs).filter(|pairs| 0 < *pairs)?;
        let figure = |it: &'static Measure| Some((it, fidelity.figure(it.field)?));
        let figures: Vec<_> = MEASURES.iter().filter_map(figure).collect();
        (!figures.is_empty()).then_some(Quality { pairs, figures })
    }

    /// The figure by which runs are compared.
    pub fn main(&self) -> Option<(&'static Measure, f64)> {
        self.figures.first().copied()
    }

    pub fn get(&self, measure: &Measure) -> Option<f64> {
        let found = self.figures.iter().find(|(it, _)| *it == measure);
        found.map(|(_, value)| *value)
    }

    /// The mean of several, each counted by its pairs; `None` where nothing was compared.
    pub fn mean(parts: &[Quality]) -> Option<Quality> {
        let figure = |measure: &'static Measure| {
            let values = parts
                .iter()
                .filter_map(|it| Some((it.get(measure)?, it.pairs as f64)));
            // Equal pictures have an infinite PSNR, which would hide all the others.
            let finite = values.clone().filter(|(value, _)| value.is_finite());
            let pairs: f64 = finite.clone().map(|(_, pairs)| pairs).sum();
            let mean = finite.map(|(value, pairs)| value * pairs).sum::<f64>() / pairs;
            let only_infinite = || values.clone().next().map(|(value, _)| value);
            let mean = if 0.0 < pairs { Some(mean) } else { only_infinite() };
            mean.map(|mean| (measure, mean))
        };
        let figures: Vec<_> = MEASURES.iter().filter_map(figure).collect();
        let pairs = parts.iter().map(|it| it.pairs).sum();
        (!figures.is_empty()).then_some(Quality { pairs, figures })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use gstavrec::messages::FIGURES;

    /// Quality of pictures.
    pub fn quality(pairs: u64, ssim: f64, psnr_db: f64) -> Quality {
        let figures = MEASURES.iter().zip([ssim, psnr_db]).collect();
        Quality { pairs, figures }
    }

    #[test]
    fn the_mean_weighs_frames_and_survives_equal_pictures() {
        let parts = [
            quality(3, 0.9, 30.0),
            quality(1, 0.5, 26.0),
            quality(4, 1.0, f64::INFINITY),
        ];
        let mean = Quality::mean(&parts).unwrap();
        assert_eq!(mean.pairs, 8);
        let (_, ssim) = mean.main().unwrap();
        assert!((ssim - (2.7 + 0.5 + 4.0) / 8.0).abs() < 1e-12, "{mean:?}");
        assert_eq!(mean.get(&MEASURES[1]), Some(29.0));
        assert_eq!(Quality::mean(&[]), None);
        let equal = Quality::mean(&[quality(1, 1.0, f64::INFINITY)]).unwrap();
        assert_eq!(equal.get(&MEASURES[1]), Some(f64::INFINITY));
    }

    #[test]
    fn a_message_has_the_figures_of_its_stream() {
        let sound = Fidelity {
            pairs: 5,
            figures: FIGURES.map(|it| (it == "si-sdr-db").then_some(12.5)),
            ..Fidelity::default()
        };
        let quality = Quality::of(&sound).unwrap();
        let (measure, value) = quality.main().unwrap();
        assert_eq!(measure.told(value), "SI-SDR 12.50 dB");
        assert_eq!(Quality::of(&Fidelity::default()), None);
    }
}
