// SPDX-License-Identifier: MPL-2.0

//! How far two segmentations cover the same places.
//!
//! Grids of different size are compared cell by cell of a grid that is as fine as the finer one in each direction; the
//! coarser one's cells are repeated, so classes are never mixed.

use super::Plane;
use super::detection::{self, Overlap};
use crate::answer::{ClassMap, Instance, Mask, Region};

/// Mean intersection over union of two class maps, 0 to 1, over the classes that either has: the measure of the PASCAL VOC
/// segmentation challenge and of Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic
/// Segmentation", CVPR 2015. `None` for a map that is empty or not what its width and height say.
///
/// A frame's classes need not be all classes of the model: one that neither map has does not count. Nothing is allocated.
pub fn mean_iou(a: &ClassMap, b: &ClassMap) -> Option<f64> {
    let (a, b) = (
        Grid::new(&a.classes, a.width, a.height)?,
        Grid::new(&b.classes, b.width, b.height)?,
    );
    let mut areas = Areas::new();
    a.zip(&b, |a, b| areas.add(a, Some(b), 1));
    areas.mean_iou()
}

/// Cells of each class that both maps have there, and that either has.
struct Areas {
    shared: [u64; 256],
    all: [u64; 256],
}

impl Areas {
    fn new() -> Areas {
        let (shared, all) = ([0; 256], [0; 256]);
        Areas { shared, all }
    }

    fn add(&mut self, truth: u8, answer: Option<u8>, count: u64) {
        self.all[usize::from(truth)] += count;
        match answer {
            Some(answer) if answer == truth => self.shared[usize::from(truth)] += count,
            Some(answer) => self.all[usize::from(answer)] += count,
            None => (),
        }
    }

    /// `None` without cells.
    fn mean_iou(&self) -> Option<f64> {
        let classes = self.shared.iter().zip(&self.all).filter(|it| 0 < *it.1);
        let (sum, count) = classes.fold((0.0, 0.0), |(sum, count), (&shared, &union)| {
            (sum + shared as f64 / union as f64, count + 1.0)
        });
        (0.0 < count).then(|| sum / count)
    }
}

/// How many cells have a class in the truth and one in the answer: the confusion matrix without its zeros, by class.
pub(super) type Cells = Vec<(u8, Option<u8>, u64)>;

/// Of an answer that is empty or not what its width and height say, each cell of the truth has no class; of such a truth
/// there are no cells.
pub(super) fn cells(answer: &ClassMap, truth: &ClassMap) -> Cells {
    let Some(truth) = Grid::new(&truth.classes, truth.width, truth.height) else {
        return Cells::new();
    };
    let Some(answer) = Grid::new(&answer.classes, answer.width, answer.height) else {
        let classes = 0..=255;
        let count = |class: u8| truth.cells.iter().filter(|it| **it == class).count() as u64;
        let cells = classes.map(|it| (it, None, count(it)));
        return cells.filter(|it| 0 < it.2).collect();
    };
    let (rows, columns) = (Occurring::of(truth.cells), Occurring::of(answer.cells));
    let width = columns.classes.len();
    let mut counts = vec![0u64; rows.classes.len() * width];
    truth.zip(&answer, |truth, answer| {
        counts[rows.place(truth) * width + columns.place(answer)] += 1
    });
    let counted = counts.into_iter().enumerate().filter(|it| 0 < it.1);
    counted
        .map(|(at, count)| (rows.classes[at / width], Some(columns.classes[at % width]), count))
        .collect()
}

/// The classes of a map, in order.
struct Occurring {
    classes: Vec<u8>,
    places: [u8; 256],
}

impl Occurring {
    fn of(cells: &[u8]) -> Occurring {
        let mut occurs = [false; 256];
        cells.iter().for_each(|it| occurs[usize::from(*it)] = true);
        let classes: Vec<u8> = (0..=255).filter(|it| occurs[usize::from(*it)]).collect();
        let mut places = [0; 256];
        for (place, class) in (0..=255).zip(&classes) {
            places[usize::from(*class)] = place;
        }
        Occurring { classes, places }
    }

    fn place(&self, class: u8) -> usize {
        usize::from(self.places[usize::from(class)])
    }
}

/// See [`mean_iou`]; `None` without cells.
pub(super) fn iou_of_cells(cells: &Cells) -> Option<f64> {
    let mut areas = Areas::new();
    for &(truth, answer, count) in cells {
        areas.add(truth, answer, count);
    }
    areas.mean_iou()
}

/// Mean absolute and mean squared difference of two planes of coverage, 0 to 1; `None` for a plane that is empty or not what its
/// width and height say.
pub(super) fn coverage_difference(a: &Plane, b: &Plane) -> Option<[f64; 2]> {
    let (a, b) = (
        Grid::new(&a.samples, a.width, a.height)?,
        Grid::new(&b.samples, b.width, b.height)?,
    );
    let (mut absolute, mut squared, mut cells) = (0u64, 0u64, 0u64);
    a.zip(&b, |a, b| {
        let difference = u64::from(a.abs_diff(b));
        absolute += difference;
        squared += difference * difference;
        cells += 1;
    });
    let cells = cells as f64;
    Some([
        absolute as f64 / (255.0 * cells),
        squared as f64 / (255.0 * 255.0 * cells),
    ])
}

/// Intersection over union of two planes of coverage (alpha, mattes; 0 outside, 255 inside), Σ min / Σ max, 0 to 1: the
/// Jaccard index for sets with degrees of membership (Ružička), which for 0 and 255 alone is the plain one. Two planes that cover
/// nothing agree: 1. `None` for a plane that is empty or not what its width and height say.
pub fn coverage_iou(a: &Plane, b: &Plane) -> Option<f64> {
    let (a, b) = (
        Grid::new(&a.samples, a.width, a.height)?,
        Grid::new(&b.samples, b.width, b.height)?,
    );
    let (mut shared, mut union) = (0u64, 0u64);
    a.zip(&b, |a, b| {
        shared += u64::from(a.min(b));
        union += u64::from(a.max(b));
    });
    Some(if union == 0 {
        1.0
    } else {
        shared as f64 / union as f64
    })
}

/// Panoptic quality of outlined objects, 0 to 1: the IoU of each pair, summed, over the number of pairs and half of what
/// has no pair (Kirillov, He, Girshick, Rother and Dollár, "Panoptic Segmentation", CVPR 2019, equation 1), here
/// over all classes together. Pairs are made as for boxes ([`detection::pairs`]), by the IoU of the masks. Two frames without
/// objects agree: 1.
pub fn panoptic_quality(found: &[Instance], truth: &[Instance]) -> f64 {
    let overlap = |found: &Instance, truth: &Instance| {
        if found.detection.class == truth.detection.class {
            mask_iou(found, truth)
        } else {
            0.0
        }
    };
    let pairs = detection::pairs_by(found, truth, |it| it.detection.confidence, overlap);
    let overlaps: Vec<f64> = pairs.iter().flatten().map(|it| it.1).collect();
    let lone = found.len() + truth.len() - 2 * overlaps.len();
    let all = overlaps.len() as f64 + lone as f64 / 2.0;
    if all == 0.0 {
        1.0
    } else {
        overlaps.iter().sum::<f64>() / all
    }
}

/// Steps in each direction in which the area around two masks is looked at: a mask of YOLO-seg has at most 160.
const STEPS: usize = 160;

/// IoU of two masks in the places of the frame that they lie on; of what has no mask that can be read, of the boxes.
pub fn mask_iou(a: &Instance, b: &Instance) -> f64 {
    mask_overlap(a, b).iou()
}

/// As [`mask_iou`], as areas.
pub(super) fn mask_overlap(a: &Instance, b: &Instance) -> Overlap {
    let boxes = detection::box_overlap(&a.detection.region, &b.detection.region);
    let grids = (grid(&a.mask), grid(&b.mask));
    let (Some(a_grid), Some(b_grid)) = grids else {
        return boxes;
    };
    if boxes.shared <= 0.0 {
        return Overlap::default();
    }
    let (a, b) = (&a.detection.region, &b.detection.region);
    let (left, top) = (a.left.min(b.left), a.top.min(b.top));
    let width = (a.left + a.width).max(b.left + b.width) - left;
    let height = (a.top + a.height).max(b.top + b.height) - top;
    let (mut shared, mut of_a, mut of_b) = (0u64, 0u64, 0u64);
    for row in 0..STEPS {
        let y = top + height * (row as f32 + 0.5) / STEPS as f32;
        for column in 0..STEPS {
            let x = left + width * (column as f32 + 0.5) / STEPS as f32;
            let (a, b) = (a_grid.at(a, x, y), b_grid.at(b, x, y));
            shared += u64::from(a.min(b));
            of_a += u64::from(a);
            of_b += u64::from(b);
        }
    }
    if of_a + of_b == 0 {
        boxes
    } else {
        Overlap {
            shared: shared as f64,
            found: of_a as f64,
            truth: of_b as f64,
        }
    }
}

fn grid(mask: &Mask) -> Option<Grid<'_>> {
    Grid::new(&mask.coverage, mask.width, mask.height)
}

/// Cells row by row.
struct Grid<'a> {
    cells: &'a [u8],
    width: usize,
    height: usize,
}

impl<'a> Grid<'a> {
    fn new(cells: &'a [u8], width: usize, height: usize) -> Option<Grid<'a>> {
        let is_whole = width.checked_mul(height) == Some(cells.len()) && !cells.is_empty();
        is_whole.then_some(Grid { cells, width, height })
    }

    /// Calls `visit` with the cells of both that lie on each other.
    fn zip(&self, other: &Grid, mut visit: impl FnMut(u8, u8)) {
        let (width, height) = (self.width.max(other.width), self.height.max(other.height));
        for y in 0..height {
            let row = |it: &Grid<'a>| &it.cells[(y * it.height / height) * it.width..][..it.width];
            let (own, others) = (row(self), {
                let start = (y * other.height / height) * other.width;
                &other.cells[start..start + other.width]
            });
            if self.width == other.width {
                own.iter().zip(others).for_each(|(&a, &b)| visit(a, b));
                continue;
            }
            for x in 0..width {
                visit(own[x * self.width / width], others[x * other.width / width]);
            }
        }
    }

    /// The cell at a place of the frame, if the grid is laid over `region`; 0 outside.
    fn at(&self, region: &Region, x: f32, y: f32) -> u8 {
        let cell = |place: f32, start: f32, length: f32, cells: usize| {
            let share = (place - start) / length;
            (0.0..1.0)
                .contains(&share)
                .then_some((share * cells as f32) as usize)
        };
        let column = cell(x, region.left, region.width, self.width);
        let row = cell(y, region.top, region.height, self.height);
        let index = row.zip(column).map(|(row, column)| row * self.width + column);
        index
            .and_then(|it| self.cells.get(it))
            .copied()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::detection::tests::detection;
    use super::*;

    fn map(width: usize, height: usize, classes: &[u8]) -> ClassMap {
        ClassMap {
            width,
            height,
            classes: classes.to_vec(),
        }
    }

    #[test]
    fn the_mean_is_over_the_classes_that_are_there() {
        let a = map(4, 1, &[0, 0, 1, 1]);
        let b = map(4, 1, &[0, 1, 1, 1]);
        // Class 0: 1 of 2; class 1: 2 of 3.
        let expected = (1.0 / 2.0 + 2.0 / 3.0) / 2.0;
        assert!((mean_iou(&a, &b).unwrap() - expected).abs() < 1e-12);
        assert_eq!(mean_iou(&a, &b), mean_iou(&b, &a));
        assert_eq!(mean_iou(&a, &a), Some(1.0));
        assert_eq!(mean_iou(&a, &map(4, 1, &[7, 7, 7, 7])), Some(0.0));
    }

    #[test]
    fn cells_are_counted_by_both_classes() {
        let (answer, truth) = (map(4, 1, &[255, 3, 3, 7]), map(4, 1, &[255, 3, 0, 0]));
        let counted = [
            (0, Some(3), 1),
            (0, Some(7), 1),
            (3, Some(3), 1),
            (255, Some(255), 1),
        ];
        assert_eq!(cells(&answer, &truth), counted);
        assert_eq!(iou_of_cells(&counted.to_vec()), mean_iou(&answer, &truth));
    }

    #[test]
    fn a_coarser_map_is_compared_in_the_places_it_covers() {
        let coarse = map(2, 1, &[0, 1]);
        let fine = map(4, 2, &[0, 0, 1, 1, 0, 0, 1, 1]);
        assert_eq!(mean_iou(&coarse, &fine), Some(1.0));
        let off = map(4, 2, &[0, 0, 0, 1, 0, 0, 0, 1]);
        assert_eq!(mean_iou(&coarse, &off), Some((4.0 / 6.0 + 2.0 / 4.0) / 2.0));
    }

    #[test]
    fn maps_that_are_no_maps_are_not_compared() {
        let good = map(2, 1, &[0, 1]);
        assert_eq!(mean_iou(&good, &map(3, 1, &[0, 1])), None);
        assert_eq!(mean_iou(&good, &map(0, 0, &[])), None);
        assert_eq!(mean_iou(&map(usize::MAX, 2, &[0, 1]), &good), None);
    }

    #[test]
    fn coverage_is_the_jaccard_index_with_degrees() {
        let plane = |samples: &[u8]| Plane {
            samples: samples.to_vec(),
            width: samples.len(),
            height: 1,
        };
        let (a, b) = (plane(&[255, 255, 0, 0]), plane(&[0, 255, 255, 0]));
        assert!((coverage_iou(&a, &b).unwrap() - 1.0 / 3.0).abs() < 1e-12);
        let half = plane(&[100, 200]);
        assert_eq!(coverage_iou(&half, &plane(&[200, 100])), Some(0.5));
        assert_eq!(coverage_iou(&plane(&[0, 0]), &plane(&[0])), Some(1.0));
        assert_eq!(coverage_iou(&plane(&[0, 0]), &plane(&[255])), Some(0.0));
    }

    fn instance(class: u32, left: f32, coverage: &[u8]) -> Instance {
        Instance {
            detection: detection(class, 0.9, left, 0.0, 16.0),
            mask: Mask {
                width: coverage.len(),
                height: 1,
                coverage: coverage.to_vec(),
            },
        }
    }

    #[test]
    fn masks_are_compared_in_the_places_of_the_frame() {
        // The left box covers its right half, 8 to 16; the right box, 4 further, its columns 8 to 16 of the frame too.
        let a = instance(0, 0.0, &[0, 255]);
        let b = instance(0, 4.0, &[0, 255, 255, 0]);
        assert!((mask_iou(&a, &b) - 1.0).abs() < 0.02, "{}", mask_iou(&a, &b));
        let apart = instance(0, 0.0, &[255, 0]);
        assert_eq!(mask_iou(&a, &apart), 0.0);
        assert_eq!(
            mask_iou(&a, &instance(0, 0.0, &[])),
            1.0,
            "without a mask the boxes count"
        );
    }

    #[test]
    fn panoptic_quality_is_overlap_over_pairs_and_half_of_the_rest() {
        let a = instance(0, 0.0, &[255]);
        let truth = [a.clone(), instance(1, 100.0, &[255])];
        let found = [a, instance(2, 100.0, &[255])];
        // One pair of IoU 1; one that is invented, one that is overlooked.
        assert!((panoptic_quality(&found, &truth) - 0.5).abs() < 1e-9);
        assert_eq!(panoptic_quality(&[], &[]), 1.0);
        assert_eq!(panoptic_quality(&found, &[]), 0.0);
    }
}
