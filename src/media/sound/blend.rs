// SPDX-License-Identifier: MPL-2.0

//! Lets one sound take over from another without a step.

use std::time::Duration;

/// Time that a take-over lasts: long enough to hide a step, too short to be heard as an echo.
const LENGTH: Duration = Duration::from_millis(10);

/// A cross-fade of equal gain: of two sounds that agree, nothing is heard.
#[derive(Debug, Clone, Copy)]
pub struct Blend {
    length: usize,
    done: usize,
}

impl Blend {
    pub fn new(rate: u32) -> Blend {
        let length = (LENGTH.as_secs_f64() * f64::from(rate)).round() as usize;
        Blend {
            length: length.max(1),
            done: 0,
        }
    }

    /// Samples that still have something of the old sound.
    pub fn left(&self) -> usize {
        self.length - self.done
    }

    /// Blends the next samples of the old sound into those of the new one, from sample `start` of both.
    pub fn run(&mut self, old: &[Vec<f32>], new: &mut [Vec<f32>], start: usize) {
        let count = old
            .first()
            .map_or(0, Vec::len)
            .saturating_sub(start)
            .min(self.left());
        for (old, new) in old.iter().zip(new) {
            let pairs = old.iter().zip(new).skip(start).take(count);
            for (index, (old, new)) in pairs.enumerate() {
                let share = (self.done + index + 1) as f32 / (self.length + 1) as f32;
                *new = *old + share * (*new - *old);
            }
        }
        self.done += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sounds_blend_to_themselves_and_unequal_ones_in_even_steps() {
        let mut blend = Blend::new(8000);
        let old = vec![vec![0.3; 50]];
        let mut new = vec![vec![0.3; 50]];
        blend.run(&old, &mut new, 0);
        assert_eq!((new, blend.left()), (vec![vec![0.3; 50]], 30));
        let mut rest = vec![vec![1.0; 45]];
        blend.run(&[vec![0.0; 45]], &mut rest, 5);
        assert_eq!(blend.left(), 0);
        assert_eq!(rest[0][..5], [1.0; 5]);
        assert!(
            rest[0][5..]
                .windows(2)
                .all(|it| it[0] <= it[1] && it[1] - it[0] <= 1.01 / 81.0)
        );
        assert_eq!(rest[0][35..], [1.0; 10]);
    }
}
