// SPDX-License-Identifier: MPL-2.0

//! How a field is written into a structure and read back, and the tables that declare structures.
//!
//! A structure is declared once, by [`structure!`], as a table of its fields. Building and parsing both come of that
//! table, so that neither knows a name or a type that the other does not.

use std::time::Duration;

use gst::glib::value::FromValue;
use gst::structure::Builder;
use gst::{ClockTime, StructureRef, glib};

use crate::runtime::Task;
use crate::tensor::{DimsOrder, ElementType};

/// Why a structure is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The structure is another one.
    #[error("unknown message {0}")]
    Name(String),
    #[error("{structure}: the field {field} is missing")]
    Missing { structure: String, field: String },
    #[error("{structure}: the field {field} has another type: {cause}")]
    Type {
        structure: String,
        field: String,
        cause: String,
    },
    /// The field takes one of some words, and this is none of them.
    #[error("{structure}: the field {field} has the unknown word '{word}'")]
    Word {
        structure: String,
        field: String,
        word: String,
    },
}

impl FieldError {
    pub(super) fn missing(structure: &StructureRef, field: &str) -> FieldError {
        FieldError::Missing {
            structure: structure.name().to_string(),
            field: field.to_string(),
        }
    }

    fn of_type(structure: &StructureRef, field: &str, cause: impl ToString) -> FieldError {
        FieldError::Type {
            structure: structure.name().to_string(),
            field: field.to_string(),
            cause: cause.to_string(),
        }
    }
}

/// What may stand in a structure: one value, or several that have names of their own.
pub trait Field: Sized {
    fn write(self, name: &str, builder: Builder) -> Builder;

    /// # Errors
    ///
    /// When the field is missing, of another type, or has an unknown word.
    fn read(name: &str, structure: &StructureRef) -> Result<Self, FieldError>;

    /// Whether the structure has it. One that has not is no error where the field is an `Option`.
    fn is_in(name: &str, structure: &StructureRef) -> bool {
        structure.has_field(name)
    }
}

/// A structure that may stand inside of another one.
pub trait Part: Into<gst::Structure> + for<'a> TryFrom<&'a StructureRef, Error = FieldError> {}

fn value<T>(name: &str, structure: &StructureRef) -> Result<T, FieldError>
where
    T: for<'a> FromValue<'a>,
{
    let value = structure
        .value(name)
        .map_err(|_| FieldError::missing(structure, name))?;
    value
        .get::<T>()
        .map_err(|cause| FieldError::of_type(structure, name, cause))
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn write(self, name: &str, builder: Builder) -> Builder {
                builder.field(name, self)
            }

            fn read(name: &str, structure: &StructureRef) -> Result<Self, FieldError> {
                value(name, structure)
            }
        }
    )*};
}

plain!(bool, u32, u64, f64, String, glib::Bytes);

/// Nanoseconds, for a field whose name ends in `-ns`; more than 584 years saturate.
fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// GStreamer's "no time" is none here, too.
fn is_time_in(name: &str, structure: &StructureRef) -> bool {
    structure.has_field(name) && structure.get::<u64>(name) != Ok(u64::MAX)
}

impl Field for Duration {
    fn write(self, name: &str, builder: Builder) -> Builder {
        builder.field(name, ns(self))
    }

    fn read(name: &str, structure: &StructureRef) -> Result<Self, FieldError> {
        value(name, structure).map(Duration::from_nanos)
    }

    fn is_in(name: &str, structure: &StructureRef) -> bool {
        is_time_in(name, structure)
    }
}

impl Field for ClockTime {
    fn write(self, name: &str, builder: Builder) -> Builder {
        builder.field(name, self)
    }

    fn read(name: &str, structure: &StructureRef) -> Result<Self, FieldError> {
        value::<Option<ClockTime>>(name, structure)?.ok_or_else(|| FieldError::missing(structure, name))
    }

    fn is_in(name: &str, structure: &StructureRef) -> bool {
        is_time_in(name, structure)
    }
}

impl<T: Field> Field for Option<T> {
    fn write(self, name: &str, builder: Builder) -> Builder {
        match self {
            Some(value) => value.write(name, builder),
            None => builder,
        }
    }

    fn read(name: &str, structure: &StructureRef) -> Result<Self, FieldError> {
        T::is_in(name, structure)
            .then(|| T::read(name, structure))
            .transpose()
    }
}

impl<T: Part> Field for Vec<T> {
    fn write(self, name: &str, builder: Builder) -> Builder {
        let parts = self.into_iter().map(Into::<gst::Structure>::into);
        builder.field(name, gst::Array::new(parts))
    }

    fn read(name: &str, structure: &StructureRef) -> Result<Self, FieldError> {
        let parts: gst::Array = value(name, structure)?;
        let part = |it: &glib::SendValue| {
            let part = it.get::<gst::Structure>();
            let part = part.map_err(|cause| FieldError::of_type(structure, name, cause))?;
            T::try_from(part.as_ref())
        };
        parts.iter().map(part).collect()
    }
}

/// A structure in a field of another one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nested<T>(pub T);

impl<T: Part> Field for Nested<T> {
    fn write(self, name: &str, builder: Builder) -> Builder {
        builder.field(name, Into::<gst::Structure>::into(self.0))
    }

    fn read(name: &str, structure: &StructureRef) -> Result<Self, FieldError> {
        let part: gst::Structure = value(name, structure)?;
        T::try_from(part.as_ref()).map(Nested)
    }
}

/// Dimensions of a tensor.
impl Field for Vec<u64> {
    fn write(self, name: &str, builder: Builder) -> Builder {
        builder.field(name, gst::Array::new(self))
    }

    fn read(name: &str, structure: &StructureRef) -> Result<Self, FieldError> {
        let numbers: gst::Array = value(name, structure)?;
        let number = |it: &glib::SendValue| it.get::<u64>();
        let numbers: Result<_, _> = numbers.iter().map(number).collect();
        numbers.map_err(|cause| FieldError::of_type(structure, name, cause))
    }
}

/// Figures by their names, in a structure of their own; without any there is no field.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures(pub Vec<(String, f64)>);

impl From<&[(&'static str, f64)]> for Figures {
    fn from(figures: &[(&'static str, f64)]) -> Figures {
        Figures(
            figures
                .iter()
                .map(|(name, value)| (name.to_string(), *value))
                .collect(),
        )
    }
}

impl Field for Figures {
    fn write(self, name: &str, builder: Builder) -> Builder {
        if self.0.is_empty() {
            return builder;
        }
        let figures = self.0.into_iter();
        let inner = figures.fold(gst::Structure::builder(name), |inner, (name, value)| {
            inner.field(name, value)
        });
        builder.field(name, inner.build())
    }

    fn read(name: &str, structure: &StructureRef) -> Result<Self, FieldError> {
        if !structure.has_field(name) {
            return Ok(Figures::default());
        }
        let inner: gst::Structure = value(name, structure)?;
        let figures = inner
            .fields()
            .map(|it| Ok((it.to_string(), f64::read(it, &inner)?)));
        figures.collect::<Result<_, _>>().map(Figures)
    }
}

pub(super) fn read_word<T: Copy>(
    name: &str,
    structure: &StructureRef,
    all: &[T],
    word_of: fn(T) -> &'static str,
) -> Result<T, FieldError> {
    let word: String = value(name, structure)?;
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
        impl $crate::messages::field::Field for $type {
            fn write(self, name: &str, builder: gst::structure::Builder) -> gst::structure::Builder {
                builder.field(name, $word(self))
            }

            fn read(
                name: &str,
                structure: &gst::StructureRef,
            ) -> Result<Self, $crate::messages::field::FieldError> {
                $crate::messages::field::read_word(name, structure, $all, $word)
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
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$value_doc])* $value,)* }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$value,)*];

            /// As it stands in the field.
            pub const fn word(self) -> &'static str {
                match self { $($name::$value => $word,)* }
            }
        }

        $crate::messages::field::word_field!($name, $name::ALL, $name::word);
    };
}

/// The same for the words of an enum of the policy, each with the values that it stands for.
macro_rules! words_of {
    (
        $(#[$doc:meta])*
        $name:ident: $from:ty {
            $($(#[$value_doc:meta])* $value:ident = $word:literal <- $pattern:pat,)*
        }
    ) => {
        $crate::messages::field::words! {
            $(#[$doc])* $name { $($(#[$value_doc])* $value = $word,)* }
        }

        impl From<$from> for $name {
            fn from(it: $from) -> $name {
                match it { $($pattern => $name::$value,)* }
            }
        }
    };
}

/// Declares a struct whose fields stand among those of a structure: each with its type, and its name there.
///
/// The name that its [`Field`] is given says nothing, since the fields have names of their own.
macro_rules! group {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $key:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl $crate::messages::field::Field for $name {
            fn write(self, _: &str, builder: gst::structure::Builder) -> gst::structure::Builder {
                $(let builder = self.$field.write($key, builder);)*
                builder
            }

            fn read(
                _: &str,
                structure: &gst::StructureRef,
            ) -> Result<Self, $crate::messages::field::FieldError> {
                Ok($name { $($field: $crate::messages::field::Field::read($key, structure)?,)* })
            }

            fn is_in(_: &str, structure: &gst::StructureRef) -> bool {
                [$(<$type as $crate::messages::field::Field>::is_in($key, structure),)*].contains(&true)
            }
        }
    };
}

/// Declares a struct that becomes a structure of a name of its own: as [`group!`], with that name.
macro_rules! structure {
    ($(#[$doc:meta])* $name:ident = $title:literal { $($fields:tt)* }) => {
        $crate::messages::field::group! { $(#[$doc])* $name { $($fields)* } }

        impl $name {
            /// Name of the structure.
            pub const NAME: &str = $title;
        }

        impl From<$name> for gst::Structure {
            fn from(it: $name) -> gst::Structure {
                it.write("", gst::Structure::builder($name::NAME)).build()
            }
        }

        impl TryFrom<&gst::StructureRef> for $name {
            type Error = $crate::messages::field::FieldError;

            fn try_from(structure: &gst::StructureRef) -> Result<$name, Self::Error> {
                if structure.name() != $name::NAME {
                    return Err($crate::messages::field::FieldError::Name(structure.name().to_string()));
                }
                $crate::messages::field::Field::read("", structure)
            }
        }

        impl $crate::messages::field::Part for $name {}
    };
}

pub(super) use {group, structure, word_field, words, words_of};
