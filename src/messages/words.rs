// SPDX-License-Identifier: MPL-2.0

//! Fields that take one of some words.

use gst::StructureRef;

use super::field::{Field, FieldError};
use crate::runtime::Task;
use crate::tensor::{DimsOrder, ElementType};

/// The value whose word stands in a field.
///
/// # Errors
///
/// When there is no such field, or its word is none of theirs.
pub(super) fn read_word<T: Copy>(
    name: &str,
    structure: &StructureRef,
    all: &[T],
    word_of: fn(T) -> &'static str,
) -> Result<T, FieldError> {
    let word = String::read(name, structure)?;
    let known = all.iter().find(|it| word_of(**it) == word);
    known.copied().ok_or_else(|| FieldError::Word {
        structure: structure.name().to_string(),
        field: name.to_string(),
        word,
    })
}

/// Lets a type of some words stand in a field: the type, all its values, and the function from value to word.
macro_rules! word_field {
    ($type:ty, $all:expr, $word:expr) => {
        $crate::messages::words::word_field!($type, $all, $word, |_| "");
    };
    ($type:ty, $all:expr, $word:expr, $meaning:expr) => {
        impl $crate::messages::field::Field for $type {
            fn write(self, name: &str, builder: gst::structure::Builder) -> gst::structure::Builder {
                builder.field(name, $word(self))
            }

            fn read(
                name: &str,
                structure: &gst::StructureRef,
            ) -> Result<Self, $crate::messages::field::FieldError> {
                $crate::messages::words::read_word(name, structure, $all, $word)
            }

            fn documented(name: &str, doc: &str) -> Vec<$crate::messages::doc::FieldDoc> {
                let meaning: fn($type) -> &'static str = $meaning;
                let words = $all.iter().map(|it| ($word(*it), meaning(*it).trim()));
                let inner = $crate::messages::doc::Inner::Words(words.collect());
                vec![$crate::messages::doc::FieldDoc::new::<String>(name, doc).holding(inner)]
            }
        }
    };
}

word_field!(Task, &Task::ALL, Task::name);
word_field!(
    DimsOrder,
    &[DimsOrder::RowMajor, DimsOrder::ColumnMajor],
    DimsOrder::name
);
word_field!(
    ElementType,
    &[
        ElementType::F32,
        ElementType::F16,
        ElementType::U8,
        ElementType::I32,
        ElementType::I64
    ],
    ElementType::name
);

/// Declares an enum of words, each value with the word that stands for it in a field.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident {
        $($(#[doc = $value_doc:literal])* $(#[default $($mark:tt)*])? $value:ident = $word:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[doc = $value_doc])* $(#[default $($mark)*])? $value,)* }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$value,)*];

            /// As it stands in the field.
            pub const fn word(self) -> &'static str {
                match self { $($name::$value => $word,)* }
            }

            /// What it says; empty where the word says it all.
            const fn meaning(self) -> &'static str {
                match self { $($name::$value => concat!("" $(, $value_doc)*),)* }
            }
        }

        $crate::messages::words::word_field!($name, $name::ALL, $name::word, $name::meaning);
    };
}

/// The same for the words of an enum of the policy, each with the values that it stands for.
macro_rules! words_of {
    (
        $(#[$doc:meta])*
        $name:ident: $from:ty {
            $($(#[$($value_doc:tt)*])* $value:ident = $word:literal <- $pattern:pat,)*
        }
    ) => {
        $crate::messages::words::words! {
            $(#[$doc])* $name { $($(#[$($value_doc)*])* $value = $word,)* }
        }

        impl From<$from> for $name {
            fn from(it: $from) -> $name {
                match it { $($pattern => $name::$value,)* }
            }
        }
    };
}

pub(super) use {word_field, words, words_of};
