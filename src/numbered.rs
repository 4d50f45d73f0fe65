// SPDX-License-Identifier: MPL-2.0

//! Values by number, such as lanes and candidates: a number is never used again, and costs nothing once its value is gone.

/// The values that are there, in the order of their numbers.
#[derive(Debug, PartialEq, Eq)]
pub struct Numbered<T> {
    entries: Vec<Entry<T>>,
    /// Numbers given so far.
    given: usize,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry<T> {
    number: usize,
    value: T,
}

impl<T> Default for Numbered<T> {
    fn default() -> Numbered<T> {
        Numbered {
            entries: Vec::new(),
            given: 0,
        }
    }
}

impl<T> Numbered<T> {
    /// Gives `value` the next number.
    pub fn add(&mut self, value: T) -> usize {
        let number = self.given;
        self.put(number, value);
        number
    }

    /// Puts `value` in the place of that number.
    pub fn put(&mut self, number: usize, value: T) {
        self.given = self.given.max(number + 1);
        let entry = Entry { number, value };
        match self.place(number) {
            Ok(at) => self.entries[at] = entry,
            Err(at) => self.entries.insert(at, entry),
        }
    }

    pub fn remove(&mut self, number: usize) -> Option<T> {
        let at = self.place(number).ok()?;
        Some(self.entries.remove(at).value)
    }

    /// Removes all whose number is not `kept`.
    pub fn retain(&mut self, kept: impl Fn(usize) -> bool) {
        self.entries.retain(|it| kept(it.number));
    }

    /// Removes all, and keeps the memory.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    pub fn reserve(&mut self, more: usize) {
        self.entries.reserve(more);
    }

    pub fn get(&self, number: usize) -> Option<&T> {
        Some(&self.entries[self.place(number).ok()?].value)
    }

    pub fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        let at = self.place(number).ok()?;
        Some(&mut self.entries[at].value)
    }

    /// The value of that number, which begins as the default.
    pub fn get_or_default(&mut self, number: usize) -> &mut T
    where
        T: Default,
    {
        let at = self.place(number).unwrap_or_else(|at| {
            let value = T::default();
            self.entries.insert(at, Entry { number, value });
            at
        });
        self.given = self.given.max(number + 1);
        &mut self.entries[at].value
    }

    pub fn contains(&self, number: usize) -> bool {
        self.place(number).is_ok()
    }

    /// How many are there.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many numbers were given so far.
    pub fn given(&self) -> usize {
        self.given
    }

    pub fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.entries.iter().map(|it| it.number)
    }

    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|it| &it.value)
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().map(|it| &mut it.value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.entries.iter().map(|it| (it.number, &it.value))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut T)> {
        self.entries.iter_mut().map(|it| (it.number, &mut it.value))
    }

    fn place(&self, number: usize) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&number, |it| it.number)
    }
}

impl<T> FromIterator<(usize, T)> for Numbered<T> {
    fn from_iter<I: IntoIterator<Item = (usize, T)>>(values: I) -> Numbered<T> {
        let mut all = Numbered::default();
        values
            .into_iter()
            .for_each(|(number, value)| all.put(number, value));
        all
    }
}

impl<T: Clone> Clone for Numbered<T> {
    fn clone(&self) -> Numbered<T> {
        Numbered {
            entries: self.entries.clone(),
            given: self.given,
        }
    }

    /// Keeps the memory, also that of the values.
    fn clone_from(&mut self, source: &Numbered<T>) {
        self.entries.clone_from(&source.entries);
        self.given = source.given;
    }
}

impl<T: Clone> Clone for Entry<T> {
    fn clone(&self) -> Entry<T> {
        Entry {
            number: self.number,
            value: self.value.clone(),
        }
    }

    fn clone_from(&mut self, source: &Entry<T>) {
        self.number = source.number;
        self.value.clone_from(&source.value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_never_used_again_and_costs_nothing_once_its_value_is_gone() {
        let mut all = Numbered::default();
        assert_eq!([all.add('a'), all.add('b'), all.add('c')], [0, 1, 2]);
        assert_eq!((all.remove(1), all.remove(1)), (Some('b'), None));
        assert_eq!(all.add('d'), 3);
        assert_eq!(all.iter().collect::<Vec<_>>(), [(0, &'a'), (2, &'c'), (3, &'d')]);
        assert_eq!((all.get(1), all.get(3), all.get(4)), (None, Some(&'d'), None));
        assert_eq!((all.len(), all.given()), (3, 4));
        all.put(1, 'e');
        assert_eq!(all.values().collect::<String>(), "aecd");
        let mut before = 0;
        for _ in 0..1000 {
            let number = all.add('x');
            all.remove(number);
            before = before.max(all.entries.capacity());
        }
        assert!(before <= 8, "{before}");
        assert_eq!(all.add('f'), 1004);
    }
}
