// SPDX-License-Identifier: MPL-2.0

//! What was measured of a fusion on parts of the material that it was not fitted to.

use std::fmt::{self, Write};

use super::fitted::{Fusion, SideFit, VERSION};
use super::pool::{Distribution, Scaling, Side};
use crate::recommend::{Clusters, Estimate, Grouping, Resampled, Resampling, Scale, TooLittle};
use crate::score::Statistic;

/// Bins of confidence of the calibration error (Guo et al., 2017).
const BINS: usize = 10;

/// How good answers are.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Share of right answers.
    pub accuracy: Result<Estimate, TooLittle>,
    /// Mean of −ln of the probability of the true class.
    pub log_loss: f64,
    /// Expected calibration error, 0 to 1: mean distance of confidence and share of right answers over ten bins.
    pub calibration_error: f64,
}

/// By how much the fusion is better than one side, on the same items; above 0 is better.
#[derive(Debug, Clone, PartialEq)]
pub struct Gain {
    /// Of accuracy, 0.01 is a point.
    pub accuracy: Result<Estimate, TooLittle>,
    /// Of logarithmic loss: that of the side less that of the fusion.
    pub log_loss: Result<Estimate, TooLittle>,
}

/// A fusion and what it is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub fusion: Fusion,
    /// Picture, sound.
    pub sides: [Figures; 2],
    pub fused: Figures,
    /// Over picture, over sound.
    pub gains: [Gain; 2],
    pub items: usize,
    pub clusters: usize,
    /// What the intervals hold for.
    pub by: Grouping,
    /// What was left out, in sentences.
    pub notes: Vec<String>,
}

/// Answers of picture, sound and fusion to items that they were not fitted to.
pub(super) struct HeldOut<'a> {
    pub answers: &'a [[Distribution; 3]],
    pub truth: &'a [usize],
    pub clusters: Clusters,
}

impl Report {
    pub(super) fn new(fusion: Fusion, held_out: HeldOut, notes: Vec<String>) -> Report {
        let items = held_out.truth.len();
        let (clusters, by) = (held_out.clusters.count(), held_out.clusters.by());
        let each =
            [0, 1, 2].map(|which| Each::of(held_out.answers.iter().map(|it| &it[which]), held_out.truth));
        let resampling = Resampling::new(held_out.clusters, vec![1.0; items], 0, 1);
        let judged = each.map(|it| it.judged(&resampling));
        let [picture, sound, fused] = judged;
        let gain = |side: &Judged| Gain {
            accuracy: resampling.difference(&fused.right, &side.right),
            log_loss: resampling.difference(&side.loss, &fused.loss),
        };
        Report {
            gains: [gain(&picture), gain(&sound)],
            sides: [picture.figures, sound.figures],
            fused: fused.figures,
            fusion,
            items,
            clusters,
            by,
            notes,
        }
    }

    /// Whether it is right more often than either side: both intervals of the gain lie above zero.
    pub fn beats_both(&self) -> bool {
        let is_above = |it: &Gain| it.accuracy.as_ref().is_ok_and(|it| 0.0 < it.low);
        self.gains.iter().all(is_above)
    }

    /// Whether its probabilities are better than those of either side, by the logarithmic loss.
    pub fn is_better_informed(&self) -> bool {
        let is_above = |it: &Gain| it.log_loss.as_ref().is_ok_and(|it| 0.0 < it.low);
        self.gains.iter().all(is_above)
    }

    /// The text of the file that `avrec-fuse` takes.
    pub fn to_toml(&self) -> String {
        let mut text = "# How avrec-fuse puts answers about picture and sound together. Weights are those where both sides are at their best.\n".to_owned();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "version = {VERSION}");
        if !self.fusion.is_of_scores() {
            let labels: Vec<String> = self.fusion.labels.iter().map(|it| quoted(it)).collect();
            let _ = writeln!(text, "labels = [{}]", labels.join(", "));
        }
        for side in Side::BOTH {
            write_section(&mut text, side, &self.fusion.sides[side.place()]);
        }
        let _ = writeln!(
            text,
            "\n# Measured on parts of the material that were not fitted; intervals are of 95 %.\n[held-out]\nitems = {}\nclusters = {}\nclusters-are = {}",
            self.items,
            self.clusters,
            quoted(&self.by.to_string())
        );
        let _ = writeln!(text, "beats-both = {}", self.beats_both());
        let names = ["picture", "sound", "fusion"];
        for (figures, name) in self.sides.iter().chain([&self.fused]).zip(names) {
            if let Ok(it) = &figures.accuracy {
                let _ = writeln!(
                    text,
                    "{name}-accuracy = [{:.4}, {:.4}, {:.4}]",
                    it.value, it.low, it.high
                );
            }
            let _ = writeln!(text, "{name}-log-loss = {:.4}", figures.log_loss);
            let _ = writeln!(
                text,
                "{name}-calibration-error = {:.4}",
                figures.calibration_error
            );
        }
        for (gain, name) in self.gains.iter().zip(names) {
            write_gain(&mut text, gain, name);
        }
        text
    }
}

impl fmt::Display for Report {
    /// Sentences for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (figures, title) in self
            .sides
            .iter()
            .chain([&self.fused])
            .zip(["picture", "sound", "fusion"])
        {
            write!(f, "{title}: ")?;
            match &figures.accuracy {
                Ok(it) => write!(
                    f,
                    "right in {:.1} % ({:.1} to {:.1})",
                    100.0 * it.value,
                    100.0 * it.low,
                    100.0 * it.high
                )?,
                Err(it) => write!(f, "{it}")?,
            }
            let (loss, error) = (figures.log_loss, figures.calibration_error);
            writeln!(f, ", log loss {loss:.3}, calibration error {error:.3}")?;
        }
        let weights =
            Side::BOTH.map(|it| format!("{} {:.2}", it.word(), self.fusion.sides[it.place()].weight));
        writeln!(f, "weights: {}", weights.join(", "))?;
        let mut versus = Vec::new();
        for side in Side::BOTH {
            if let Ok(it) = &self.gains[side.place()].accuracy {
                let (value, low, high) = (100.0 * it.value, 100.0 * it.low, 100.0 * it.high);
                versus.push(format!(
                    "{value:+.1} points over {} ({low:+.1} to {high:+.1})",
                    side.word()
                ));
            }
        }
        let verdict = match (self.beats_both(), self.is_better_informed()) {
            (true, _) => "the fusion beats both",
            (false, true) => {
                "the fusion is not shown to be right more often than both, but its probabilities are better"
            }
            (false, false) => "the fusion is not shown to beat both; keep the better side",
        };
        write!(
            f,
            "{verdict}: {}, on {} items in {} {} that it was not fitted to",
            versus.join(", "),
            self.items,
            self.clusters,
            self.by
        )
    }
}

fn write_section(text: &mut String, side: Side, fit: &SideFit) {
    let _ = writeln!(text, "\n[{}]", side.word());
    if !fit.model.is_empty() {
        let _ = writeln!(text, "model = {}", quoted(&fit.model));
    }
    let _ = writeln!(text, "weight = {:.4}", fit.weight);
    let _ = match fit.scaling {
        Scaling::Temperature(temperature) => writeln!(text, "temperature = {temperature:.5}"),
        Scaling::Platt { slope, intercept } => writeln!(text, "slope = {slope:?}\nintercept = {intercept:?}"),
        Scaling::Probability => writeln!(text, "slope = 1.0\nintercept = 0.0"),
    };
    if let Some(it) = fit.measured {
        let _ = writeln!(
            text,
            "accuracy = {:.5}\nconfidence = {:.6}",
            it.accuracy, it.confidence
        );
    }
}

fn write_gain(text: &mut String, gain: &Gain, over: &str) {
    for (estimate, name) in [(&gain.accuracy, "accuracy"), (&gain.log_loss, "log-loss")] {
        if let Ok(it) = estimate {
            let _ = writeln!(
                text,
                "{name}-gain-over-{over} = [{:.4}, {:.4}, {:.4}]",
                it.value, it.low, it.high
            );
        }
    }
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// What each item says.
struct Each {
    right: Mean,
    loss: Mean,
    calibration_error: f64,
}

/// The same, with what becomes of it where parts are left out.
struct Judged {
    figures: Figures,
    right: Resampled,
    loss: Resampled,
}

impl Each {
    fn of<'a>(answers: impl Iterator<Item = &'a Distribution>, truth: &[usize]) -> Each {
        let (mut right, mut loss) = (Vec::new(), Vec::new());
        let mut bins = [(0.0, 0.0); BINS];
        for (answer, truth) in answers.zip(truth) {
            let (class, confidence) = answer.best().unwrap_or((usize::MAX, 0.0));
            let is_right = f64::from(u8::from(class == *truth));
            let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
            *bin = (bin.0 + confidence, bin.1 + is_right);
            right.push(is_right);
            loss.push(-answer.logs().get(*truth).copied().unwrap_or(f64::NEG_INFINITY));
        }
        let distances: f64 = bins.iter().map(|it| (it.0 - it.1).abs()).sum();
        Each {
            calibration_error: distances / right.len().max(1) as f64,
            right: Mean(right),
            loss: Mean(loss),
        }
    }

    fn judged(self, resampling: &Resampling) -> Judged {
        let nothing = Resampled {
            value: f64::NAN,
            without: Vec::new(),
            draws: Vec::new(),
        };
        let right = resampling.of(&self.right).unwrap_or_else(|| nothing.clone());
        let loss = resampling.of(&self.loss).unwrap_or(nothing);
        Judged {
            figures: Figures {
                accuracy: resampling.estimate(&right, Scale::Share),
                log_loss: loss.value,
                calibration_error: self.calibration_error,
            },
            right,
            loss,
        }
    }
}

/// A mean over items.
struct Mean(Vec<f64>);

impl Statistic for Mean {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let total: f64 = weights.iter().sum();
        let sum: f64 = self.0.iter().zip(weights).map(|(it, weight)| it * weight).sum();
        (0.0 < total).then(|| sum / total)
    }
}
