// SPDX-License-Identifier: MPL-2.0

//! How a field is written into a structure, read back, and told of in the documentation.

use std::time::Duration;

use gst::glib::types::StaticType;
use gst::glib::value::FromValue;
use gst::structure::Builder;
use gst::{ClockTime, StructureRef, glib};

use super::doc::{FieldDoc, Inner, StructureDoc};

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

    pub(super) fn of_type(structure: &StructureRef, field: &str, cause: impl ToString) -> FieldError {
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

    /// Every field that it may become, with the meaning that its declaration has.
    fn documented(name: &str, doc: &str) -> Vec<FieldDoc>;
}

/// A structure that may stand inside of another one.
pub trait Part: Into<gst::Structure> + for<'a> TryFrom<&'a StructureRef, Error = FieldError> {
    fn structure_doc() -> StructureDoc;
}

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

            fn documented(name: &str, doc: &str) -> Vec<FieldDoc> {
                vec![FieldDoc::new::<$type>(name, doc)]
            }
        }
    )*};
}

plain!(bool, i32, u32, u64, f64, String, glib::Bytes);

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

    fn documented(name: &str, doc: &str) -> Vec<FieldDoc> {
        vec![FieldDoc::new::<u64>(name, doc).in_nanoseconds()]
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

    fn documented(name: &str, doc: &str) -> Vec<FieldDoc> {
        vec![FieldDoc::new::<u64>(name, doc).in_nanoseconds()]
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

    fn documented(name: &str, doc: &str) -> Vec<FieldDoc> {
        T::documented(name, doc)
            .into_iter()
            .map(FieldDoc::optional)
            .collect()
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

    fn documented(name: &str, doc: &str) -> Vec<FieldDoc> {
        let parts = Inner::Part(Box::new(T::structure_doc()));
        vec![FieldDoc::new::<gst::Array>(name, doc).holding(parts)]
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

    fn documented(name: &str, doc: &str) -> Vec<FieldDoc> {
        let part = Inner::Part(Box::new(T::structure_doc()));
        vec![FieldDoc::new::<gst::Structure>(name, doc).holding(part)]
    }
}

/// Lets several values of a type stand in a field.
macro_rules! array {
    ($($type:ty),*) => {$(
        impl Field for Vec<$type> {
            fn write(self, name: &str, builder: Builder) -> Builder {
                builder.field(name, gst::Array::new(self))
            }

            fn read(name: &str, structure: &StructureRef) -> Result<Self, FieldError> {
                let values: gst::Array = value(name, structure)?;
                let values: Result<_, _> = values.iter().map(|it| it.get::<$type>()).collect();
                values.map_err(|cause| FieldError::of_type(structure, name, cause))
            }

            fn documented(name: &str, doc: &str) -> Vec<FieldDoc> {
                let inner = Inner::Values(<$type>::static_type().name());
                vec![FieldDoc::new::<gst::Array>(name, doc).holding(inner)]
            }
        }
    )*};
}

array!(i32, u64, f64, String);

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

    fn documented(name: &str, doc: &str) -> Vec<FieldDoc> {
        vec![
            FieldDoc::new::<gst::Structure>(name, doc)
                .holding(Inner::Figures)
                .optional(),
        ]
    }
}
