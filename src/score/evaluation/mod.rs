// SPDX-License-Identifier: MPL-2.0

//! How good one model's answers to many items are, where the truth is known: the standard measures of each task.
//!
//! [`observe`] compares one answer with its truth and keeps the little that figures need, so that frames need not be kept;
//! an [`Observation`] can be written to a file and read again. [`Evaluation::new`] makes of all of them the task's figures, each a
//! [`crate::score::Statistic`], so that resampling and weighing items costs no comparison any more.
//!
//! | truth | primary | beside it |
//! |---|---|---|
//! | boxes | `map` | `map-50`, `map-75`, `map-small`, `map-medium`, `map-large`, `f1`, `best-f1`, `recall`, `precision` |
//! | outlined objects | `map` of the outlines | `panoptic-quality`, and as of boxes |
//! | classes | `balanced-accuracy` | `top-1`, `top-5`, `macro-f1`, `calibration-error` |
//! | a class map | `mean-iou` | `mean-dice`, `balanced-accuracy`, `pixel-accuracy` |
//! | a matte | `mean-iou` | `mae`, `mse` |
//! | a picture | `ssim` | `psnr-db`, `mean-psnr-db` |
//! | sound | `si-sdr-db` | `mean-si-sdr-db`, `stoi` |
//! | a score | `rank-correlation` | |
//! | text | `character-error-rate` | `word-error-rate`, `exact-match` |
//!
//! All tasks have `agreement` (the mean of what a switch measures while it runs; not of scores) and `answered`. Without any truth,
//! [`Steadiness`] has `stability`.
//!
//! Definitions, each checked against the field's own program (`tests/reference/measures.py`):
//! - `map`: COCO's, over IoU 0.5 to 0.95 by 0.05, 101 recalls, 100 finds of a class and item, and objects that are ignored
//!   (pycocotools). `map-small` is of objects below 32² pixels, `map-large` above 96².
//! - `f1`: of all boxes that were given, at IoU 0.5, all classes together; `best-f1` at the confidence from which on it is
//!   best; `recall` and `precision`: means over the classes.
//! - `balanced-accuracy`, `macro-f1`, `top-1`, `top-5`, `mean-dice`: scikit-learn's. `mean-iou` of class maps: the Jaccard index
//!   over the cells of all items, then the mean over the classes; of mattes: the mean of [`crate::score::overlap::coverage_iou`].
//! - `ssim`: see [`crate::score::ssim`]; a picture of another size is scaled first. `psnr-db`: of the mean squared error over all items;
//!   `mean-psnr-db`: the mean of the items' decibels, each 100 at most.
//! - `si-sdr-db`: of all items as one long sound, so that pauses count as little as they should; `mean-si-sdr-db`: the mean of
//!   the items' decibels, as papers report it, each cut at ±100. `stoi`: see [`crate::score::stoi`].
//! - `rank-correlation`: Spearman's. `word-error-rate`, `character-error-rate`: edits over all items by the length of all truths (jiwer).

mod calibration_error;
mod figure;
mod objects;
mod observation;
mod precision;
mod scores;
mod steadiness;
mod tasks;
#[cfg(test)]
mod tests;
mod whole;

pub use figure::{ClassFigure, Figure};
pub use objects::Remark;
pub use observation::{Observation, Terms, observe};
pub use steadiness::Steadiness;
pub use whole::{Confused, Evaluation, evaluate};
