// SPDX-License-Identifier: MPL-2.0

//! Whether what is taken for an input for pictures may be none.

use crate::runtime::features;
use crate::runtime::{Model, Origin, Task};
use crate::tensor::{Dim, Layout};

/// What a picture's size is said by; who says one of them says that it is a picture.
const KEYS: [&str; 2] = ["channel-order", "input-layout"];

/// Says what the input may be instead, where nobody says that it is a picture and the answer does not show it.
pub fn of(model: &Model, task: Task) -> Option<String> {
    let spec = model.input_spec.image()?;
    let is_said = model.statements.iter().any(|it| {
        let by_somebody = matches!(it.origin, Origin::Asked | Origin::ModelInfo | Origin::File(_));
        KEYS.contains(&it.key) && by_somebody
    });
    if is_said || !matches!(task, Task::Classify | Task::Score | Task::Tensor) {
        return None;
    }
    let dims = &model.input.dims;
    let one = Dim::Fixed(1);
    let at = |from_end: usize| {
        dims.len()
            .checked_sub(from_end)
            .and_then(|it| dims.get(it))
            .unwrap_or(&one)
    };
    let size = match (dims.len(), spec.layout) {
        (0..=2, _) | (_, Layout::Nchw) => (at(1), at(2)),
        (_, Layout::Nhwc) => (at(2), at(3)),
    };
    let is_gray = spec.channels.count() == 1;
    let instead = features::instead_of_picture(&model.input, size, is_gray)?;
    let order = if is_gray { "gray" } else { "rgb" };
    Some(format!(
        "The input '{}' is taken for a picture and may be {instead}; avrec feeds frames and samples only, so the answers \
         would mean nothing. If it is a picture, say channel-order={order}.",
        model.input.name
    ))
}
