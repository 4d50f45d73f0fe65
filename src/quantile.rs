// SPDX-License-Identifier: MPL-2.0

//! Medians and percentiles by one rule, the nearest rank: always a value that was seen, never an interpolation.
//!
//! The window keeps each value twice, in order of arrival and in order of size, so that a percentile is one look-up and a
//! new value is one binary search and one move inside an array. Estimators (P², t-digest, histograms) save memory that a
//! window of some hundred values does not need, and pay with an error just in the tail that decides about misses.

/// The smallest value that at least this `share` of all do not exceed: the one of rank `ceil(share * n)`, counted from 1.
/// The share is clamped to 0..=1 (0 gives the smallest); `None` without values, which are in ascending order.
pub fn nearest_rank<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let rank = (share * sorted.len() as f64).ceil();
    // A NaN casts to 0 and so answers with the smallest.
    let index = (rank as usize)
        .saturating_sub(1)
        .min(sorted.len().checked_sub(1)?);
    sorted.get(index).copied()
}

/// [`nearest_rank`] of values in any order.
pub fn percentile<T: Copy + PartialOrd>(values: impl IntoIterator<Item = T>, share: f64) -> Option<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    nearest_rank(&values, share)
}

/// The middle one of values in any order, of two the smaller; `None` of nothing.
pub fn median<T: Copy + PartialOrd>(values: impl IntoIterator<Item = T>) -> Option<T> {
    percentile(values, 0.5)
}

/// The last `capacity` values, with exact percentiles.
///
/// Memory is constant; neither `push` nor `percentile` allocates. `push` costs O(capacity) moves of eight bytes in the
/// worst case (some hundred nanoseconds for 300 values), `percentile` O(1).
#[derive(Debug)]
pub struct SlidingWindow<T> {
    /// In order of arrival, a ring once it is full.
    arrived: Vec<T>,
    /// The same values in ascending order.
    sorted: Vec<T>,
    /// Where the oldest value stands in `arrived` once the ring is full.
    oldest: usize,
    capacity: usize,
}

impl<T: Clone> Clone for SlidingWindow<T> {
    fn clone(&self) -> Self {
        SlidingWindow {
            arrived: self.arrived.clone(),
            sorted: self.sorted.clone(),
            ..*self
        }
    }

    /// Copies into the memory that is there already.
    fn clone_from(&mut self, source: &Self) {
        self.arrived.clone_from(&source.arrived);
        self.sorted.clone_from(&source.sorted);
        (self.oldest, self.capacity) = (source.oldest, source.capacity);
    }
}

impl<T: Copy + PartialOrd> SlidingWindow<T> {
    /// A window of the last `capacity` values; a capacity of zero counts as one.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        SlidingWindow {
            arrived: Vec::with_capacity(capacity),
            sorted: Vec::with_capacity(capacity),
            oldest: 0,
            capacity,
        }
    }

    /// Takes in a value that has an order (no NaN); the oldest one leaves a full window.
    pub fn push(&mut self, value: T) {
        let enters = self.sorted.partition_point(|it| *it < value);
        if self.arrived.len() < self.capacity {
            self.arrived.push(value);
            self.sorted.insert(enters, value);
            return;
        }
        let gone = std::mem::replace(&mut self.arrived[self.oldest], value);
        self.oldest = (self.oldest + 1) % self.capacity;
        let leaves = self.sorted.partition_point(|it| *it < gone);
        // Only the values between the one that leaves and the one that enters move, by one place.
        if leaves < enters {
            self.sorted.copy_within(leaves + 1..enters, leaves);
            self.sorted[enters - 1] = value;
        } else {
            self.sorted.copy_within(enters..leaves, enters + 1);
            self.sorted[enters] = value;
        }
    }

    /// The [`nearest_rank`] of the values in the window; `None` without any.
    pub fn percentile(&self, share: f64) -> Option<T> {
        nearest_rank(&self.sorted, share)
    }

    /// How many values are larger than this.
    pub fn above(&self, value: T) -> usize {
        match self.sorted.last() {
            // Mostly so, where it is asked for the probability of a miss.
            Some(largest) if *largest <= value => 0,
            _ => self.sorted.len() - self.sorted.partition_point(|it| *it <= value),
        }
    }

    /// Values ever taken in, as long as the window is not full; then where the next one goes.
    pub fn place(&self) -> usize {
        if self.arrived.len() < self.capacity {
            self.arrived.len()
        } else {
            self.oldest
        }
    }

    /// Values in the window now.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Forgets all values and keeps the memory.
    pub fn clear(&mut self) {
        self.arrived.clear();
        self.sorted.clear();
        self.oldest = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        // The textbook example: ranks ceil(share * 5) are 1, 2, 2, 3 and 5.
        let at = |share| percentile([35, 20, 15, 50, 40], share).unwrap();
        assert_eq!([0.05, 0.3, 0.4, 0.5, 1.0].map(at), [15, 20, 20, 35, 50]);
        assert_eq!([0.0, -0.03, f64::NAN, 10.0].map(at), [15, 15, 15, 50]);
        assert_eq!(
            (median([4.0, 1.0, 3.0, 2.0]), median::<f64>([])),
            (Some(2.0), None)
        );
    }

    #[test]
    fn a_window_agrees_with_sorting_its_last_values() {
        let mut window = SlidingWindow::new(17);
        // 617 is coprime to 1,000, so that the order is scrambled; each third value is there twice.
        let values: Vec<f64> = (0..1000).map(|it| f64::from(it * 617 % 1000 / 3)).collect();
        for (count, value) in (1..).zip(&values) {
            window.push(*value);
            let mut last = values[usize::saturating_sub(count, 17)..count].to_vec();
            last.sort_by(f64::total_cmp);
            assert_eq!(window.sorted, last);
            assert_eq!(window.len(), last.len());
        }
        let mut copy = SlidingWindow::new(17);
        let memory = copy.sorted.as_ptr();
        copy.clone_from(&window);
        assert_eq!((copy.sorted.as_ptr(), &copy.sorted), (memory, &window.sorted));
        window.clear();
        assert_eq!((window.percentile(0.5), window.is_empty()), (None, true));
    }

    #[test]
    fn what_is_above_is_counted_exactly() {
        let mut window = SlidingWindow::new(8);
        assert_eq!(window.above(0.0), 0);
        [0.1, 0.2, 0.2, 0.3].into_iter().for_each(|it| window.push(it));
        assert_eq!(
            [0.0, 0.1, 0.2, 0.25, 0.3].map(|it| window.above(it)),
            [4, 3, 1, 1, 0]
        );
    }

    #[test]
    fn a_capacity_of_zero_keeps_the_last() {
        let mut window = SlidingWindow::new(0);
        (0..3).for_each(|it| window.push(it));
        assert_eq!((window.len(), window.percentile(1.0)), (1, Some(2)));
    }
}
