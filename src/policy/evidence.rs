// SPDX-License-Identifier: MPL-2.0

//! What a score of quality rests on, and how much that is worth.

/// Standard deviation of one comparison with the reference, by which all evidence is weighed.
const AGREEMENT_SD: f64 = 0.05;

/// What a score rests on; the best kind first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The answer was compared with the reference's.
    Agreement,
    /// A frame was degraded in a known way, and the answer compared with the frame.
    Restoration,
    /// How sure the candidate is, by how often answers of that confidence agreed with the reference.
    Calibrated,
    /// How sure the candidate says to be.
    Claimed,
    /// Answers to neighboring frames were compared.
    Stability,
}

impl Evidence {
    /// All kinds, the best first.
    pub const ALL: [Evidence; 5] = [
        Evidence::Agreement,
        Evidence::Restoration,
        Evidence::Calibrated,
        Evidence::Claimed,
        Evidence::Stability,
    ];

    /// Standard deviation of one such score around the true quality (specification, section 3.4). A claimed confidence is
    /// as much as consistency: it too may be steadily wrong.
    fn sd(self) -> f64 {
        match self {
            Evidence::Agreement => AGREEMENT_SD,
            Evidence::Restoration => 0.10,
            Evidence::Calibrated => 0.15,
            Evidence::Claimed | Evidence::Stability => 0.25,
        }
    }

    /// Comparisons with the reference that one such score counts for: (0.05 / sd)².
    pub fn weight(self) -> f64 {
        (AGREEMENT_SD / self.sd()).powi(2)
    }

    /// Whether the score says how near the candidate comes to the reference, rather than to the truth.
    pub fn is_relative(self) -> bool {
        matches!(self, Evidence::Agreement | Evidence::Calibrated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_weighs_by_its_precision() {
        let weights = Evidence::ALL.map(Evidence::weight);
        for (weight, expected) in weights.into_iter().zip([1.0, 0.25, 1.0 / 9.0, 0.04, 0.04]) {
            assert!((weight - expected).abs() < 1e-12, "{weight}, expected {expected}");
        }
    }
}
