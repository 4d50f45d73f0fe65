// SPDX-License-Identifier: MPL-2.0

//! By how much an image model changes the size of a picture.

use std::fmt;

/// A positive rational in lowest terms: output size over input size along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    numerator: usize,
    denominator: usize,
}

impl Ratio {
    pub const ONE: Ratio = Ratio {
        numerator: 1,
        denominator: 1,
    };

    /// Returns `output / input`, or `None` when either is zero.
    pub fn new(output: usize, input: usize) -> Option<Ratio> {
        if output == 0 || input == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(output, input);
        Some(Ratio {
            numerator: output / divisor,
            denominator: input / divisor,
        })
    }

    /// Scales a size to the nearest whole pixel, at least 1; saturates instead of overflowing.
    pub fn apply(self, size: usize) -> usize {
        let (size, numerator, denominator) = (size as u128, self.numerator as u128, self.denominator as u128);
        let scaled = (size * numerator + denominator / 2) / denominator;
        usize::try_from(scaled).unwrap_or(usize::MAX).max(1)
    }

    /// Returns the reciprocal, which leads from output sizes back to input sizes.
    pub fn inverse(self) -> Ratio {
        Ratio {
            numerator: self.denominator,
            denominator: self.numerator,
        }
    }

    /// Returns the value as a float, for comparisons with limits.
    pub fn value(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

/// Size of the output picture over the size of the input picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    pub width: Ratio,
    pub height: Ratio,
}

impl Scale {
    pub const ONE: Scale = Scale {
        width: Ratio::ONE,
        height: Ratio::ONE,
    };
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {}", self.width, self.height)
    }
}

fn greatest_common_divisor(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_reduced_and_leads_there_and_back() {
        let ratio = Ratio::new(540, 360).unwrap();
        assert_eq!(ratio.to_string(), "3/2");
        assert_eq!(ratio.apply(101), 152);
        assert_eq!(ratio.inverse().apply(152), 101);
    }

    #[test]
    fn nothing_scales_from_or_to_zero() {
        assert_eq!(Ratio::new(0, 4), None);
        assert_eq!(Ratio::new(4, 0), None);
        assert_eq!(Ratio::new(1, 1000).unwrap().apply(3), 1);
    }
}
