// SPDX-License-Identifier: MPL-2.0

//! The tables that declare structures.
//!
//! A structure is declared once, by [`structure!`], as a table of its fields: type, name, and meaning. Building, parsing
//! and `docs/messages.md` all come of that table, so that none knows a name or a type that the others do not.

/// Declares a struct whose fields stand among those of a structure: each with its type, and its name there.
///
/// The name that its [`Field`] is given says nothing, since the fields have names of their own.
macro_rules! group {
    ($(#[$doc:meta])* $name:ident {
        $($(#[doc = $field_doc:literal])* $field:ident: $type:ty = $key:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $($(#[doc = $field_doc])* pub $field: $type,)* }

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

            fn documented(_: &str, doc: &str) -> Vec<$crate::messages::doc::FieldDoc> {
                let fields = [$(
                    <$type as $crate::messages::field::Field>::documented($key, concat!("" $(, $field_doc)*)),
                )*];
                fields.into_iter().flatten().map(|it| it.besides(doc)).collect()
            }
        }
    };
}

/// Declares a struct that becomes a structure of a name of its own: as [`group!`], with that name.
macro_rules! structure {
    ($(#[doc = $doc:literal])* $(#[derive($($derive:ident),*)])? $name:ident = $title:literal { $($fields:tt)* }) => {
        $crate::messages::table::group! {
            $(#[doc = $doc])* $(#[derive($($derive),*)])? $name { $($fields)* }
        }

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

        impl $crate::messages::field::Part for $name {
            fn structure_doc() -> $crate::messages::doc::StructureDoc {
                let fields = <$name as $crate::messages::field::Field>::documented("", "");
                $crate::messages::doc::StructureDoc::new($name::NAME, concat!("" $(, $doc)*), fields)
            }
        }
    };
}

pub(super) use {group, structure};
