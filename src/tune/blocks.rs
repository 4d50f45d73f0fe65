// SPDX-License-Identifier: MPL-2.0

//! Which items are fitted on, and which only measured: the first and the second half of each clip, in blocks of time that
//! are taken to be independent of each other.

use std::collections::BTreeMap;

/// Where an item stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Name of its clip.
    pub clip: String,
    /// In seconds; of pictures their number.
    pub at: f64,
    /// Whether it stands by itself, unlike the seconds of a clip.
    pub is_picture: bool,
}

/// Items by halves and blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Positions of the items of the first half, and the block of each, counted from 0.
    pub fitted: Vec<(usize, usize)>,
    /// The same of the second half.
    pub held: Vec<(usize, usize)>,
    /// Length of a block in seconds.
    pub block: f64,
}

/// Length of a block, in seconds: what is seen within one is much alike.
const BLOCK: f64 = 1.0;

/// Blocks that each half has where the material is shorter than as many seconds.
const FEWEST: f64 = 6.0;

/// Splits items in the middle of the time of each clip.
pub fn split(places: &[Place]) -> Split {
    let mut clips = BTreeMap::<&str, Vec<usize>>::new();
    for (index, place) in places.iter().enumerate() {
        clips.entry(&place.clip).or_default().push(index);
    }
    let mut halves = [Vec::new(), Vec::new()];
    let mut length = 0.0;
    for (clip, mut items) in clips.into_values().enumerate() {
        items.sort_by(|one, other| places[*one].at.total_cmp(&places[*other].at));
        let (Some(first), Some(last)) = (items.first(), items.last()) else {
            continue;
        };
        let (start, end) = (places[*first].at, places[*last].at);
        // The last item lasts as long as those before it.
        let step = match items.len() {
            1 => 1.0,
            count => (end - start) / (count - 1) as f64,
        };
        let middle = start + (end + step - start) / 2.0;
        length += (end + step - start) / 2.0;
        for item in items {
            let at = places[item].at;
            let (half, since) = if at < middle {
                (0, at - start)
            } else {
                (1, at - middle)
            };
            halves[half].push((item, clip, since));
        }
    }
    let block = if length < FEWEST * BLOCK {
        length / FEWEST
    } else {
        BLOCK
    };
    let numbered = |items: &[(usize, usize, f64)]| {
        let mut numbers = BTreeMap::new();
        let mut made = Vec::new();
        for (item, clip, since) in items {
            // A hair more, so that rounding splits no two items of equal spacing.
            let key = (*clip, (since / block.max(1e-9) + 1e-6) as u64);
            let next = numbers.len();
            made.push((*item, *numbers.entry(key).or_insert(next)));
        }
        made
    };
    Split {
        fitted: numbered(&halves[0]),
        held: numbered(&halves[1]),
        block,
    }
}

/// The numbers up to `count` in an order that the seed says (Fisher and Yates, with Marsaglia's xorshift).
pub fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for index in (1..count).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(index, (state % (index as u64 + 1)) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(name: &str, count: usize, rate: f64) -> Vec<Place> {
        let place = |index: usize| Place {
            clip: name.into(),
            at: index as f64 / rate,
            is_picture: false,
        };
        (0..count).map(place).collect()
    }

    #[test]
    fn each_clip_is_halved_and_long_ones_have_blocks_of_a_second() {
        let places = [clip("a", 250, 25.0), clip("b", 100, 25.0)].concat();
        let split = split(&places);
        assert_eq!((split.fitted.len(), split.held.len()), (175, 175));
        assert_eq!(split.block, 1.0);
        // Five seconds and two.
        assert_eq!(split.held.iter().map(|it| it.1).max(), Some(6));
        assert!(
            split
                .fitted
                .iter()
                .all(|it| it.0 < 125 || (250..300).contains(&it.0))
        );
    }

    #[test]
    fn short_clips_have_shorter_blocks() {
        let split = split(&clip("a", 130, 25.0));
        assert_eq!((split.fitted.len(), split.held.len()), (65, 65));
        assert!((split.block - 2.6 / 6.0).abs() < 1e-9);
        assert_eq!(split.held.iter().map(|it| it.1).max(), Some(5));
    }

    #[test]
    fn pictures_are_blocks_of_their_own() {
        let split = split(&clip("pictures", 40, 1.0));
        assert_eq!(split.held.iter().map(|it| it.1).max(), Some(19));
        let split = super::split(&clip("one", 1, 1.0));
        assert_eq!((split.fitted.len(), split.held.len()), (1, 0));
    }
}
