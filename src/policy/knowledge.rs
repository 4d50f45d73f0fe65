// SPDX-License-Identifier: MPL-2.0

//! What was learned of a candidate, as plain values that can be kept and given to another policy.

use std::time::Duration;

/// After this time what is known of a quality weighs half as much: streams, light and cameras change within weeks.
const HALF_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Standard deviation, in the log domain, by which latencies on the same machine part within a half-life: libraries,
/// firmware and temperatures change.
const AGED_SD: f64 = 0.1;

/// Comparisons that knowledge from before counts for at most: as many as an operator's word, so that a few seconds of live
/// scores outweigh what another stream showed.
const MOST_WEIGHT: f64 = 10.0;

/// What was learned of a candidate.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Knowledge {
    /// `None` where no baseline stands.
    pub latency: Option<KnownLatency>,
    /// `None` where nothing was scored.
    pub quality: Option<KnownQuality>,
}

/// How long a candidate takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnownLatency {
    /// Median latency of a run on a calm machine.
    pub calm: Duration,
    /// Standard deviation of its natural logarithm.
    pub sd: f64,
    /// How much more than usual it reacts to contention, -1 to 1.5: 0 is as usual, -1 not at all.
    pub reaction: f64,
    pub reaction_sd: f64,
    /// Whether it was ever seen to be slowed down by contention.
    pub is_touched: bool,
}

/// What its answers are worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnownQuality {
    /// 0..1.
    pub mean: f64,
    /// Standard deviation of one score around it.
    pub score_sd: f64,
    /// Comparisons with the reference that the mean is worth.
    pub weight: f64,
}

impl KnownLatency {
    /// The same after some time: less is sure.
    pub fn aged(self, age: Duration) -> KnownLatency {
        let variance = self.sd * self.sd + AGED_SD * AGED_SD * half_lives(age);
        KnownLatency {
            sd: variance.sqrt(),
            ..self
        }
    }

    /// What two that learned apart know together: the mean by how sure each is, in the log domain.
    pub fn and(self, other: KnownLatency) -> KnownLatency {
        let (one, two) = (weight_of(self.sd), weight_of(other.sd));
        let share = one / (one + two);
        let ln = |it: Duration| it.as_secs_f64().max(1e-9).ln();
        let calm = (share * ln(self.calm) + (1.0 - share) * ln(other.calm)).exp();
        let (one, two) = (weight_of(self.reaction_sd), weight_of(other.reaction_sd));
        let reaction_share = one / (one + two);
        KnownLatency {
            calm: Duration::try_from_secs_f64(calm).unwrap_or(self.calm),
            // They may have been disturbed by each other, so they are no surer than the surer one.
            sd: self.sd.min(other.sd),
            reaction: reaction_share * self.reaction + (1.0 - reaction_share) * other.reaction,
            reaction_sd: self.reaction_sd.min(other.reaction_sd),
            is_touched: self.is_touched || other.is_touched,
        }
    }
}

impl KnownQuality {
    /// The same after some time, and on another stream: it weighs less.
    pub fn aged(self, age: Duration) -> KnownQuality {
        KnownQuality {
            weight: self.weight.min(MOST_WEIGHT) * 0.5f64.powf(half_lives(age)),
            ..self
        }
    }

    /// What two that learned apart know together: the mean by their weights.
    pub fn and(self, other: KnownQuality) -> KnownQuality {
        let weight = self.weight + other.weight;
        let share = if 0.0 < weight { self.weight / weight } else { 0.5 };
        let mean = share * self.mean + (1.0 - share) * other.mean;
        let spread = |it: &KnownQuality| it.score_sd * it.score_sd + (it.mean - mean).powi(2);
        KnownQuality {
            mean,
            score_sd: (share * spread(&self) + (1.0 - share) * spread(&other)).sqrt(),
            weight: self.weight.max(other.weight),
        }
    }
}

fn half_lives(age: Duration) -> f64 {
    age.as_secs_f64() / HALF_LIFE.as_secs_f64()
}

fn weight_of(sd: f64) -> f64 {
    1.0 / (sd * sd).max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH: Duration = HALF_LIFE;

    #[test]
    fn old_knowledge_weighs_less() {
        let quality = KnownQuality {
            mean: 0.8,
            score_sd: 0.03,
            weight: 60.0,
        };
        assert_eq!(quality.aged(Duration::ZERO).weight, 10.0);
        assert_eq!(quality.aged(MONTH).weight, 5.0);
        assert_eq!(quality.aged(2 * MONTH).weight, 2.5);
        let latency = KnownLatency {
            calm: Duration::from_millis(10),
            sd: 0.03,
            reaction: 0.0,
            reaction_sd: 0.1,
            is_touched: false,
        };
        assert_eq!(latency.aged(Duration::ZERO), latency);
        assert!((latency.aged(MONTH).sd - 0.1044).abs() < 1e-4);
    }

    #[test]
    fn two_that_learned_apart_meet_by_how_sure_they_are() {
        let latency = |millis, sd| KnownLatency {
            calm: Duration::from_millis(millis),
            sd,
            reaction: 0.0,
            reaction_sd: 0.1,
            is_touched: millis == 40,
        };
        let both = latency(10, 0.1).and(latency(40, 0.1));
        assert!((both.calm.as_secs_f64() - 0.02).abs() < 1e-9 && both.is_touched);
        let both = latency(10, 0.001).and(latency(40, 0.1));
        assert!((both.calm.as_secs_f64() - 0.01).abs() < 1e-4);
        let quality = |mean, weight| KnownQuality {
            mean,
            score_sd: 0.0,
            weight,
        };
        let both = quality(0.6, 30.0).and(quality(0.9, 10.0));
        assert!((both.mean - 0.675).abs() < 1e-9 && both.weight == 30.0);
        // 0.75 · 0.075² + 0.25 · 0.225²
        assert!((both.score_sd - 0.016875f64.sqrt()).abs() < 1e-9);
        assert!(quality(0.6, 0.0).and(quality(0.8, 0.0)).mean.is_finite());
    }
}
