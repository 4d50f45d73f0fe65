// SPDX-License-Identifier: MPL-2.0

//! How frames go into a model, as far as it hangs on the task: settled when the model is loaded, and told.

use super::answer_settings::AnswerSettings;
use super::enums;
use super::input_size;
use super::interpretation::Interpretation;
use super::text_input::TextInput;
use crate::decode::UsualInput;
use crate::media::picture::PADDING;
use crate::runtime::{Model, Origin, Statement, Task};
use crate::tensor::{Channels, Fit, InputSize, InputSpec};

/// Cells of the coarsest grid of nearly all detectors, in pixels.
const STRIDE: usize = 32;

/// How frames are laid into the input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InputPlan {
    pub fit: Fit,
    /// A level of full range; `None` for what is usual.
    pub padding: Option<u8>,
    /// For a model that takes any size.
    pub size: InputSize,
    /// Whether a frame that is too small for the grid is extended at its right and bottom, not fitted.
    pub extends: bool,
    /// Width and height that the model was made for, where it takes any.
    pub made_for: Option<(usize, usize)>,
    /// What models of text are fed; `None` for others.
    pub text: Option<TextInput>,
}

impl InputPlan {
    /// Settles how frames go in, and adds to the model's statements what follows from its task and family.
    pub fn settle(model: &mut Model, meaning: &Interpretation, answers: &AnswerSettings) -> InputPlan {
        if let Some(usual) = &meaning.usual {
            take_usual(model, usual);
        }
        let mut plan = InputPlan {
            fit: meaning.fit,
            padding: u8::try_from(answers.padding).ok().or(model.laying.padding),
            size: InputSize::Frame,
            extends: false,
            made_for: None,
            text: meaning.text,
        };
        let Some(spec) = model.input_spec.image() else {
            return plan;
        };
        let is_fixed = spec.size.is_some();
        let is_grid = matches!(model.task, Task::Detect | Task::Segment | Task::Matte);
        if let Some(text) = meaning.text.filter(|_| !is_fixed) {
            plan.size = settle_text_size(model, text);
            plan.text = is_left(plan.size).then_some(text);
        } else if !is_fixed {
            plan.size = settle_size(model, is_grid, meaning.usual.as_ref());
            plan.extends = !is_grid && answers.fit == enums::Fit::Auto;
            plan.made_for = is_grid.then(|| input_size::made_for(&model.metadata)).flatten();
        }
        // A picture that comes out lies over the frame, and a frame that goes in as it is lies in one way only.
        if (is_fixed || is_grid) && model.task != Task::Image {
            tell_fit(model, meaning, answers);
        }
        plan
    }
}

/// Adds a statement about the input, or takes the place of one that is there.
fn tell(model: &mut Model, key: &'static str, value: String, origin: Origin, line: &str) {
    model
        .statements
        .retain(|it| it.key != key || it.tensor != model.input.name);
    model.statements.push(Statement {
        tensor: model.input.name.clone(),
        key,
        value,
        origin,
        line: line.into(),
    });
}

/// Lets the family say what nobody said.
fn take_usual(model: &mut Model, usual: &UsualInput) {
    let InputSpec::Image(spec) = &mut model.input_spec else {
        return;
    };
    let statements = model.statements.iter_mut();
    for statement in statements.filter(|it| it.origin == Origin::Assumed && it.tensor == model.input.name) {
        let origin = Origin::Family(usual.family);
        match (statement.key, usual.channels, usual.ranges) {
            ("channel-order", Some(order), _) if order.count() == spec.channels.count() => {
                spec.channels = order;
                let other = if order == Channels::Bgr { "rgb" } else { "bgr" };
                (statement.value, statement.line) = (order.name().into(), format!("channel-order={other}"));
                statement.origin = origin;
            }
            ("input-range", _, Some(ranges)) => {
                spec.ranges = (0..spec.channels.count())
                    .map(|it| *ranges.get(it).unwrap_or(&ranges[0]))
                    .collect();
                if usual.channels.is_some_and(|it| it != spec.channels) {
                    spec.ranges.reverse();
                }
                (statement.value, statement.line) = (spell(&spec.ranges), "input-range=0,1".into());
                statement.origin = origin;
            }
            _ => {}
        }
    }
}

fn spell(ranges: &[(f32, f32)]) -> String {
    let spell = |(black, white): &(f32, f32)| format!("{black},{white}");
    match ranges {
        [first, rest @ ..] if rest.iter().all(|it| it == first) => spell(first),
        _ => ranges.iter().map(spell).collect::<Vec<_>>().join(";"),
    }
}

/// The size of a model that takes any, where nobody said it: told with where it comes from.
fn settle_size(model: &mut Model, is_grid: bool, usual: Option<&UsualInput>) -> InputSize {
    if let Some(said) = model.laying.size {
        return said;
    }
    let seen = model.laying.grid.filter(|it| 1 < *it);
    let stride = input_size::stride(&model.metadata);
    let of_family = usual.and_then(|it| Some((it.size?, it.family)));
    if let (Some((size, family)), None, None) = (of_family, stride, seen) {
        tell(
            model,
            "input-size",
            size.to_string(),
            Origin::Family(family),
            "input-size=640x640",
        );
        return size;
    }
    let (size, origin, line) = match (is_grid, stride, seen) {
        (true, Some(stride), seen) => (
            InputSize::Grid(common_multiple(stride, seen.unwrap_or(1))),
            Origin::File("stride".into()),
            "input-size=640x640".into(),
        ),
        (true, None, Some(seen)) if seen % STRIDE == 0 => (
            InputSize::Grid(seen),
            Origin::File("runs at load".into()),
            format!("input-size=grid:{}", 2 * seen),
        ),
        (true, None, seen) => (
            InputSize::Grid(common_multiple(STRIDE, seen.unwrap_or(1))),
            Origin::Assumed,
            "input-size=640x640".into(),
        ),
        (false, _, Some(seen)) => (
            InputSize::Grid(seen),
            Origin::File("runs at load".into()),
            format!("input-size=grid:{}", 2 * seen),
        ),
        // A picture is answered at its own size, and raw outputs may be of any.
        (false, _, None) if matches!(model.task, Task::Image | Task::Tensor) => {
            (InputSize::Frame, Origin::Shape, "input-size=640x480".into())
        }
        (false, _, None) => (InputSize::Frame, Origin::Assumed, "input-size=224x224".into()),
    };
    tell(model, "input-size", size.to_string(), origin, &line);
    size
}

/// Whether a side is left to the model's family.
fn is_left(size: InputSize) -> bool {
    matches!(size, InputSize::Sides(None, _) | InputSize::Sides(_, None))
}

/// The size of a model of text that takes any, or any of one side: its family's, where nobody said both sides.
fn settle_text_size(model: &mut Model, text: TextInput) -> InputSize {
    match model.laying.size {
        Some(said) if !is_left(said) => return said,
        Some(_) if text == TextInput::Line => {}
        _ => {
            let (said, family) = (text.told(), Origin::Family("PaddleOCR"));
            tell(model, "input-size", said.into(), family, "input-size=frame");
        }
    }
    model.laying.size.unwrap_or(InputSize::Sides(None, None))
}

/// The smallest number that both divide; neither is 0.
fn common_multiple(one: usize, other: usize) -> usize {
    (1..=other)
        .map(|times| one * times)
        .find(|it| it.is_multiple_of(other))
        .unwrap_or(one)
}

/// Tells how frames of other proportions are laid in, and with what around them.
fn tell_fit(model: &mut Model, meaning: &Interpretation, answers: &AnswerSettings) {
    let fit = meaning.fit;
    let line = match fit {
        // What is cut off would have no answer.
        Fit::Stretch if matches!(model.task, Task::Detect | Task::Segment | Task::Matte) => "fit=letterbox",
        Fit::Stretch => "fit=crop",
        Fit::Centered | Fit::Cornered | Fit::Crop | Fit::Line => "fit=stretch",
    };
    let origin = meaning.fit_origin.clone();
    tell(model, "fit", fit.name().into(), origin.clone(), line);
    if !matches!(fit, Fit::Centered | Fit::Cornered) {
        return;
    }
    match u8::try_from(answers.padding) {
        Ok(level) => tell(model, "padding", level.to_string(), Origin::Asked, "padding=-1"),
        Err(_) if model.laying.padding.is_some() => {}
        Err(_) => {
            let origin = match origin {
                Origin::Family(family) => Origin::Family(family),
                _ => Origin::Assumed,
            };
            tell(model, "padding", PADDING.to_string(), origin, "padding=0");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::common_multiple;

    #[test]
    fn a_grid_holds_for_the_stride_that_is_said_and_for_what_was_seen() {
        assert_eq!(
            [(16, 32), (32, 1), (32, 8), (32, 14)].map(|(a, b)| common_multiple(a, b)),
            [32, 32, 32, 224]
        );
    }
}
