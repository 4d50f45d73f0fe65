// SPDX-License-Identifier: MPL-2.0

//! The classes of a fusion in time: those of a fit, or else what both sides have named. Answers tell them by numbers that
//! somebody else gives to names.

use std::collections::HashMap;

use super::items::FitError;
use super::names;
use super::pool::Side;

/// Numbers of a side that are remembered, besides those of classes of a fit; more are of a model that makes up names.
const MOST_NUMBERS: usize = 1 << 16;

/// The classes, and which of them the numbers of each side are.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    is_fitted: bool,
    /// The place of a class among `classes`, by [`names::key`].
    known: HashMap<String, usize>,
    classes: Vec<Class>,
    /// Picture, sound.
    sides: [Named; 2],
}

/// Names that mean the same.
#[derive(Debug, Clone, Default)]
struct Class {
    /// Place among the labels; `None` where the class is none of them.
    label: Option<usize>,
    is_named: [bool; 2],
}

/// What one side names.
#[derive(Debug, Clone, Default)]
struct Named {
    /// The place among `classes` of each number; `None` for what is no class of the fit.
    numbers: HashMap<u32, Option<usize>>,
    /// Each class once, as this side writes it first, and its place among `classes`.
    names: Vec<String>,
    classes: Vec<usize>,
}

impl Vocabulary {
    /// Of what both sides are going to name.
    pub fn named() -> Vocabulary {
        Vocabulary {
            is_fitted: false,
            known: HashMap::new(),
            classes: Vec::new(),
            sides: Default::default(),
        }
    }

    /// Of the labels of a fit, whatever is named.
    pub fn fitted(labels: &[String]) -> Vocabulary {
        let known = (0..).zip(labels).map(|(at, label)| (names::key(label), at));
        let classes = (0..labels.len()).map(|at| Class {
            label: Some(at),
            is_named: [false; 2],
        });
        Vocabulary {
            is_fitted: true,
            known: known.collect(),
            classes: classes.collect(),
            sides: Default::default(),
        }
    }

    pub fn is_fitted(&self) -> bool {
        self.is_fitted
    }

    /// Takes in which numbers a side uses; whether that made a difference. `name_of` is asked once for each.
    ///
    /// # Errors
    ///
    /// When there are more without a fit than can be remembered.
    pub fn learn(
        &mut self,
        side: Side,
        numbers: impl Iterator<Item = u32>,
        name_of: impl Fn(u32) -> String,
    ) -> Result<bool, FitError> {
        let own = side.place();
        let mut is_changed = false;
        for number in numbers {
            let is_full = MOST_NUMBERS <= self.sides[own].numbers.len();
            if self.sides[own].numbers.contains_key(&number) {
                continue;
            }
            if is_full && !self.is_fitted {
                return Err(FitError::TooManyClasses {
                    side,
                    most: MOST_NUMBERS,
                });
            }
            let name = name_of(number);
            let class = self.class_of(&name);
            if !is_full || class.is_some() {
                self.sides[own].numbers.insert(number, class);
            }
            if let Some(class) = class
                && !std::mem::replace(&mut self.classes[class].is_named[own], true)
            {
                self.sides[own].names.push(name);
                self.sides[own].classes.push(class);
                is_changed = true;
            }
        }
        Ok(is_changed)
    }

    /// The labels that follow from what was named: what both sides name, as pictures are told and in their order; all that one
    /// names, while the other one named nothing.
    pub fn relabel(&mut self) -> Vec<String> {
        self.classes.iter_mut().for_each(|it| it.label = None);
        let [picture, sound] = &self.sides;
        let is_alone = picture.names.is_empty() || sound.names.is_empty();
        let told = if picture.names.is_empty() { sound } else { picture };
        let mut labels = Vec::new();
        for (name, class) in told.names.iter().zip(&told.classes) {
            let class = &mut self.classes[*class];
            if is_alone || class.is_named == [true; 2] {
                class.label = Some(labels.len());
                labels.push(name.clone());
            }
        }
        labels
    }

    /// The place among the labels of a number; `None` for what is none of them.
    pub fn label(&self, side: Side, number: u32) -> Option<usize> {
        let class = *self.sides[side.place()].numbers.get(&number)?;
        self.classes[class?].label
    }

    /// What a side named of the classes, as it writes them.
    pub fn names(&self, side: Side) -> &[String] {
        &self.sides[side.place()].names
    }

    fn class_of(&mut self, name: &str) -> Option<usize> {
        let key = names::key(name);
        if let Some(class) = self.known.get(&key) {
            return Some(*class);
        }
        if self.is_fitted {
            return None;
        }
        self.known.insert(key, self.classes.len());
        self.classes.push(Class::default());
        Some(self.classes.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_asked_for_once_and_written_as_pictures_are_told() {
        let mut known = Vocabulary::named();
        let name_of = |number: u32| ["bell", "dog", "Bell ", "Dog", "rain"][number as usize].to_owned();
        assert_eq!(known.learn(Side::Sound, [0, 4].into_iter(), name_of), Ok(true));
        assert_eq!(known.relabel(), ["bell", "rain"]);
        assert_eq!(
            known.learn(Side::Picture, [3, 2, 0].into_iter(), name_of),
            Ok(true)
        );
        assert_eq!(known.relabel(), ["Bell "]);
        let labels = [2, 0, 3, 1].map(|it| known.label(Side::Picture, it));
        assert_eq!(labels, [Some(0), Some(0), None, None]);
        let never = |_| panic!("it is known");
        assert_eq!(known.learn(Side::Picture, [2, 3].into_iter(), never), Ok(false));
    }

    #[test]
    fn a_fit_of_any_size_keeps_its_classes_and_names_without_end_are_an_error_or_left_out() {
        let most = MOST_NUMBERS as u32;
        let name_of = |number: u32| format!("class {number}");
        let labels: Vec<String> = (0..70_000).map(name_of).collect();
        let mut fitted = Vocabulary::fitted(&labels);
        assert_eq!(fitted.learn(Side::Sound, 0..70_000, name_of), Ok(true));
        assert_eq!(fitted.label(Side::Sound, 69_999), Some(69_999));
        // What the fit does not know takes no place from what it knows.
        let mut fitted = Vocabulary::fitted(&labels);
        assert_eq!(
            fitted.learn(Side::Sound, 200_000..200_000 + 2 * most, name_of),
            Ok(false)
        );
        assert_eq!(fitted.sides[1].numbers.len(), MOST_NUMBERS);
        assert_eq!(fitted.learn(Side::Sound, 7..9, name_of), Ok(true));
        assert_eq!(fitted.label(Side::Sound, 8), Some(8));

        let mut named = Vocabulary::named();
        assert_eq!(named.learn(Side::Picture, 0..most, name_of), Ok(true));
        let error = named.learn(Side::Picture, most..most + 1, name_of).unwrap_err();
        assert!(error.to_string().contains("more than 65536 classes"), "{error}");
        assert_eq!(named.learn(Side::Picture, 0..9, name_of), Ok(false));
    }
}
