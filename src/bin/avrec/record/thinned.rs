// SPDX-License-Identifier: MPL-2.0

//! A bounded part of a sequence that may be endless.

/// One in `stride` of the items, from the first on; the stride doubles whenever the part is full.
#[derive(Debug, Clone)]
pub struct Thinned<T> {
    kept: Vec<T>,
    capacity: usize,
    stride: u64,
    seen: u64,
}

impl<T> Thinned<T> {
    /// Keeps up to `capacity` items, and from the first time it is full at least half as many.
    pub fn new(capacity: usize) -> Thinned<T> {
        Thinned {
            kept: Vec::new(),
            capacity: capacity.max(2),
            stride: 1,
            seen: 0,
        }
    }

    pub fn push(&mut self, item: T) {
        if self.seen.is_multiple_of(self.stride) {
            self.kept.push(item);
        }
        self.seen += 1;
        if self.capacity <= self.kept.len() {
            let mut number = 0usize;
            self.kept.retain(|_| {
                number += 1;
                !number.is_multiple_of(2)
            });
            self.stride *= 2;
        }
    }

    /// What was kept, in order.
    pub fn kept(&self) -> &[T] {
        &self.kept
    }

    /// Of how many items each one that was kept stands for.
    pub fn stride(&self) -> u64 {
        self.stride
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_each_kth_item_and_never_more_than_its_capacity() {
        let mut part = Thinned::new(100);
        for item in 0..1_000_000u64 {
            part.push(item);
            assert!(part.kept().len() < 100);
        }
        assert!(50 <= part.kept().len());
        let stride = part.stride();
        assert!(
            part.kept()
                .iter()
                .zip(0..)
                .all(|(item, number)| *item == number * stride)
        );
    }

    #[test]
    fn below_its_capacity_it_keeps_all() {
        let mut part = Thinned::new(100);
        (0..99).for_each(|item| part.push(item));
        assert_eq!((part.kept().len(), part.stride()), (99, 1));
    }
}
