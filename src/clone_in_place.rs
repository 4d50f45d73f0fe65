// SPDX-License-Identifier: MPL-2.0

//! Copies into memory that is there already: a copy is drawn for each frame, and must allocate nothing.

/// Implements `Clone` by fields, so that `clone_from` keeps the memory of what it overwrites; the derived one does not.
macro_rules! clone_in_place {
    ($type:ty: $($field:tt)*) => {
        impl Clone for $type {
            fn clone(&self) -> Self {
                Self { $($field: self.$field.clone(),)* }
            }

            fn clone_from(&mut self, source: &Self) {
                $(self.$field.clone_from(&source.$field);)*
            }
        }
    };
}

pub(crate) use clone_in_place;
