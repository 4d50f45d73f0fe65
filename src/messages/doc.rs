// SPDX-License-Identifier: MPL-2.0

//! What stands in each structure, as its declaration says it: `docs/messages.md` is written from it, and any structure
//! can be held against it.

use gst::glib::types::StaticType;
use gst::{StructureRef, glib};

/// A structure: its name, when it comes, and its fields.
#[derive(Debug, Clone, PartialEq)]
pub struct StructureDoc {
    pub name: &'static str,
    pub doc: String,
    pub fields: Vec<FieldDoc>,
}

/// One field of a structure.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDoc {
    pub name: String,
    /// As GLib names it, such as `guint64`.
    pub type_name: &'static str,
    /// Whether it is a time in nanoseconds.
    pub is_time: bool,
    /// Whether it may be absent.
    pub is_optional: bool,
    /// Sentences.
    pub doc: String,
    pub inner: Inner,
}

/// What is inside of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Inner {
    /// Its value.
    Value,
    /// One of these words, each with what it says, if the word does not say it all.
    Words(Vec<(&'static str, &'static str)>),
    /// Values of this type.
    Values(&'static str),
    /// A structure of this kind, or several.
    Part(Box<StructureDoc>),
    /// A structure whose fields are figures (gdouble), of which only those are there that were measured.
    Figures,
}

impl StructureDoc {
    pub fn new(name: &'static str, doc: &str, fields: Vec<FieldDoc>) -> StructureDoc {
        StructureDoc {
            name,
            doc: doc.trim().to_owned(),
            fields,
        }
    }

    /// What is in a structure and not told here, or missing from it, or of another type: a sentence each.
    pub fn objections(&self, structure: &StructureRef) -> Vec<String> {
        let mut objections = Vec::new();
        if structure.name() != self.name {
            objections.push(format!("{} is no {}", structure.name(), self.name));
        }
        for (name, value) in structure.iter() {
            match self.fields.iter().find(|it| it.name == name.as_str()) {
                Some(field) => objections.extend(field.objections(value)),
                None => objections.push(format!("{name} is not told of")),
            }
        }
        let needed = self.fields.iter().filter(|it| !it.is_optional);
        let missing = needed.filter(|it| !structure.has_field(&it.name));
        objections.extend(missing.map(|it| format!("{} is missing", it.name)));
        objections
            .iter()
            .map(|it| format!("{}: {it}", self.name))
            .collect()
    }
}

impl FieldDoc {
    /// A field of type `T` with this meaning.
    pub fn new<T: StaticType>(name: &str, doc: &str) -> FieldDoc {
        FieldDoc {
            name: name.to_owned(),
            type_name: T::static_type().name(),
            is_time: false,
            is_optional: false,
            doc: doc.trim().to_owned(),
            inner: Inner::Value,
        }
    }

    pub fn in_nanoseconds(mut self) -> FieldDoc {
        self.is_time = true;
        self
    }

    pub fn optional(mut self) -> FieldDoc {
        self.is_optional = true;
        self
    }

    pub fn holding(mut self, inner: Inner) -> FieldDoc {
        self.inner = inner;
        self
    }

    /// With a sentence that holds for all fields of its group.
    pub fn besides(mut self, doc: &str) -> FieldDoc {
        self.doc = format!("{} {}", self.doc, doc.trim()).trim().to_owned();
        self
    }

    fn objections(&self, value: &glib::Value) -> Vec<String> {
        if value.type_().name() != self.type_name {
            let found = value.type_().name();
            return vec![format!("{} is a {found}, not a {}", self.name, self.type_name)];
        }
        let one = |it: &glib::Value| match (&self.inner, it.get::<gst::Structure>()) {
            (Inner::Part(part), Ok(found)) => part.objections(&found),
            (Inner::Part(part), Err(_)) => vec![format!("{} has what is no {}", self.name, part.name)],
            (Inner::Values(kind), _) if it.type_().name() != *kind => {
                vec![format!("{} has a {}, not a {kind}", self.name, it.type_().name())]
            }
            (Inner::Words(words), _) => {
                let word = it.get::<&str>().unwrap_or_default();
                let is_known = words.iter().any(|(known, _)| *known == word);
                let unknown = || format!("{} has the word {word}, which is not told of", self.name);
                (!is_known).then(unknown).into_iter().collect()
            }
            (Inner::Figures, Ok(figures)) => figures
                .iter()
                .filter(|(_, it)| it.type_() != f64::static_type())
                .map(|(name, _)| format!("{name} in {} is no gdouble", self.name))
                .collect(),
            _ => Vec::new(),
        };
        match value.get::<gst::Array>() {
            Ok(values) => values.iter().flat_map(|it| one(it)).collect(),
            Err(_) => one(value),
        }
    }
}
