// SPDX-License-Identifier: MPL-2.0

//! Items to look at: chosen by how models differ on them, with what each of the models answered.

mod choose;
mod gather;
mod item;
mod picture;
mod said;
mod sound;

pub use gather::gather;
pub use item::{Answered, Clip, Example, Examples, Jpeg, Mark, Shown};
