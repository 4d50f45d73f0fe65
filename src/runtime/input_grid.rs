// SPDX-License-Identifier: MPL-2.0

//! Runs a model for pictures at sizes that it may or may not take, to find out which it does.

use super::backend::Input;
use super::trial_run::TrialRunner;
use super::{Error, Trial, buffer, input_shape, trial_run};
use crate::tensor::{ImageSpec, InputSize, Layout};

/// Frame sizes to try on models that take any: two that share no factor but 16, and that no patch of 3 to 28 pixels leaves
/// out the same share of, so that a size which does not follow by a factor shows; multiples of 12 and 14 for transformers; larger ones for models that cannot take
/// small frames.
const TRIAL_SIZES: [[(usize, usize); 2]; 6] = [
    [(48, 32), (80, 112)],
    PATCHED,
    [(144, 128), (176, 208)],
    [(512, 384), (640, 512)],
    [(420, 336), (504, 420)],
    // Models that read lines of text take one height only.
    [(320, 48), (480, 48)],
];

/// Sizes of whole patches of 3, 4, 6, 7, 12, 14 and 28 pixels.
const PATCHED: [(usize, usize); 2] = [(168, 84), (252, 168)];

/// Multiples to try, the usual ones first. A multiple that fits is the smallest of its row, since each is tried at sizes
/// that are no multiples of a larger one.
const MULTIPLES: [usize; 19] = [1, 2, 4, 8, 16, 32, 64, 3, 5, 6, 7, 10, 12, 14, 20, 24, 28, 48, 56];

/// One run at load on a frame of this width and height.
pub(super) struct Run {
    pub size: (usize, usize),
    pub trial: Trial,
}

/// Runs on a made-up frame of this size.
pub(super) fn run(
    spec: &ImageSpec,
    runner: &mut TrialRunner<'_>,
    (width, height): (usize, usize),
) -> Result<Run, Error> {
    let input = &runner.signature.model.input;
    let channels = spec.channels.count();
    let dims = match spec.layout {
        Layout::Nchw => [1, channels, height, width],
        Layout::Nhwc => [1, height, width, channels],
    };
    let shape = input_shape::of_frame(&dims, input.dims.len(), spec.layout);
    let mut tensor = trial_run::zeros(runner.path, runner.options, input.element_type, &dims)?;
    buffer::fill_with_texture(&mut tensor.data, input_shape::frame_range(spec));
    let trial = runner.run(Input::new(tensor, shape))?;
    Ok(Run {
        size: (width, height),
        trial,
    })
}

/// Runs at the fixed size, or at the first two sizes that the model takes.
pub(super) fn trials(spec: &ImageSpec, runner: &mut TrialRunner<'_>) -> Result<Vec<Run>, Error> {
    if let Some(size) = spec.size {
        return Ok(vec![run(spec, runner, size)?]);
    }
    let laid = runner.signature.model.laying.size;
    let mut pair = |sizes: [(usize, usize); 2]| {
        let sizes = sizes.map(|size| within(laid, size)).into_iter();
        let mut runs = sizes
            .map(|size| run(spec, runner, size))
            .collect::<Result<Vec<_>, _>>()?;
        mark_steady(&mut runs);
        Ok(runs)
    };
    let mut failure = None;
    for sizes in TRIAL_SIZES {
        match pair(sizes) {
            Ok(runs) if is_cut(&runs) => {
                return Ok(pair(PATCHED).ok().filter(|it| !is_cut(it)).unwrap_or(runs));
            }
            Ok(runs) => return Ok(runs),
            // Another size would take as long, or as much.
            Err(error @ (Error::GivenUp { .. } | Error::Memory { .. } | Error::LeftBehind { .. })) => {
                return Err(error);
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(Vec::new()), Err)
}

/// Notes in the last run which sizes of outputs were the same in the first one.
fn mark_steady(runs: &mut [Run]) {
    let [first, .., last] = runs else { return };
    let pairs = first.trial.outputs.iter().zip(&last.trial.outputs);
    last.trial.steady = pairs
        .map(|(one, other)| {
            let is_same = |axis: usize| one.len() == other.len() && one[axis] == other[axis];
            (0..other.len()).map(is_same).collect()
        })
        .collect();
}

/// Whether an output has two sides that change with the frame's, and not both by a factor: as of a model that takes whole
/// patches and leaves out the rest.
fn is_cut(runs: &[Run]) -> bool {
    let [first, second] = runs else { return false };
    let sides = [(first.size.0, second.size.0), (first.size.1, second.size.1)];
    let outputs = first.trial.outputs.iter().zip(&second.trial.outputs);
    outputs.into_iter().any(|(one, two)| {
        let changed = one.iter().zip(two).filter(|(one, two)| one != two);
        let is_factor =
            |(one, two): &(&usize, &usize)| sides.iter().any(|side| *one * side.1 == *two * side.0);
        1 < changed.clone().count() && !changed.clone().all(|it| is_factor(&it))
    })
}

/// A size to try that keeps what is said of sizes.
fn within(laid: Option<InputSize>, (width, height): (usize, usize)) -> (usize, usize) {
    match laid {
        Some(InputSize::Sides(across, down)) => (across.unwrap_or(width), down.unwrap_or(height)),
        Some(InputSize::Grid(multiple)) => (
            width.next_multiple_of(multiple),
            height.next_multiple_of(multiple),
        ),
        Some(InputSize::Frame) | None => (width, height),
    }
}

/// Finds the smallest number whose multiples a model of any size takes as width and height; `runs` are the two of
/// [`trials`]. `None` where the size is fixed, or where no number does.
///
/// A size fits if the model runs, and if what followed the frame's sides in `runs` still does. So a model that runs on
/// any size and rounds it, which would shift its answer against the frame, has its grid too.
pub(super) fn find(spec: &ImageSpec, runs: &[Run], runner: &mut TrialRunner<'_>) -> Option<usize> {
    let [first, second] = runs else { return None };
    if spec.size.is_some() || matches!(runner.signature.model.laying.size, Some(InputSize::Sides(..))) {
        return None;
    }
    let (width, height) = first.size;
    if height == second.size.1 {
        return None;
    }
    MULTIPLES.into_iter().find(|&multiple| {
        let across = next_prime(width.div_ceil(multiple).max(3));
        let down = next_prime(height.div_ceil(multiple).max(3));
        let down = if down == across {
            next_prime(down + 1)
        } else {
            down
        };
        let run = run(spec, runner, (multiple * across, multiple * down));
        run.is_ok_and(|run| follows(first, second, &run))
    })
}

/// Whether the sizes of outputs that were a factor times the frame's in two runs are in a third one, but for rounding.
fn follows(first: &Run, second: &Run, third: &Run) -> bool {
    let outputs = first
        .trial
        .outputs
        .iter()
        .zip(&second.trial.outputs)
        .zip(&third.trial.outputs);
    outputs
        .into_iter()
        .all(|((first_dims, second_dims), third_dims)| {
            let is_same_rank = first_dims.len() == second_dims.len() && first_dims.len() == third_dims.len();
            let dims = first_dims.iter().zip(second_dims).zip(third_dims);
            !is_same_rank
                || dims.into_iter().all(|((&one, &two), &three)| {
                    let by = |sides: [usize; 3]| {
                        let is_factor = one != two && one * sides[1] == two * sides[0];
                        // Less than a whole pixel off: three · side₀ against one · side₂.
                        !is_factor || (three * sides[0]).abs_diff(one * sides[2]) < sides[0]
                    };
                    by([first.size.0, second.size.0, third.size.0])
                        && by([first.size.1, second.size.1, third.size.1])
                })
        })
}

fn next_prime(from: usize) -> usize {
    let is_prime = |it: &usize| {
        (2..*it)
            .take_while(|by| by * by <= *it)
            .all(|by| !it.is_multiple_of(by))
    };
    (from.max(2)..).find(is_prime).unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(size: (usize, usize), dims: &[usize]) -> Run {
        let trial = Trial {
            input: Vec::new(),
            outputs: vec![dims.to_vec()],
            steady: Vec::new(),
            values: Default::default(),
        };
        Run { size, trial }
    }

    #[test]
    fn an_answer_that_loses_columns_does_not_follow_and_one_that_is_rounded_does() {
        let (first, second) = (ran((48, 32), &[1, 3, 32, 48]), ran((80, 64), &[1, 3, 64, 80]));
        assert!(follows(&first, &second, &ran((53, 37), &[1, 3, 37, 53])));
        assert!(!follows(&first, &second, &ran((53, 37), &[1, 3, 32, 48])));
        let (first, second) = (ran((48, 32), &[1, 1, 8, 12]), ran((80, 64), &[1, 1, 16, 20]));
        assert!(follows(&first, &second, &ran((53, 37), &[1, 1, 10, 14])));
        assert!(!follows(&first, &second, &ran((53, 37), &[1, 1, 8, 12])));
    }

    #[test]
    fn an_answer_of_whole_patches_only_is_seen() {
        let [(wide, high), (wider, higher)] = TRIAL_SIZES[0];
        let runs =
            |first: &[usize], second: &[usize]| [ran((wide, high), first), ran((wider, higher), second)];
        for patch in [3, 5, 6, 7, 10, 12, 14, 20, 24, 28] {
            let cut = |side: usize| side / patch * patch;
            let runs = runs(&[1, 1, cut(high), cut(wide)], &[1, 1, cut(higher), cut(wider)]);
            assert!(is_cut(&runs), "{patch}");
        }
        assert!(!is_cut(&runs(&[1, 1, high, wide], &[1, 1, higher, wider])));
        assert!(!is_cut(&runs(&[1, 84, 24], &[1, 84, 80])), "boxes");
        assert!(!is_cut(&runs(&[3, 6], &[9, 6])), "rows");
    }

    #[test]
    fn what_does_not_hang_on_the_size_may_be_anything() {
        let (first, second) = (ran((48, 32), &[3, 6]), ran((80, 64), &[7, 6]));
        assert!(follows(&first, &second, &ran((53, 37), &[0, 6])));
        assert_eq!([3, 4, 48, 49].map(next_prime), [3, 5, 53, 53]);
    }
}
