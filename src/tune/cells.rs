// SPDX-License-Identifier: MPL-2.0

//! Cells of a detector's grids: which row of a last convolution tells which class, and what each cell should tell.

use crate::answer::Region;

/// The outputs of a detector as rows of proposals: the value of an attribute of a proposal.
#[derive(Debug, Clone, Copy)]
pub struct Proposals<'a> {
    values: &'a [f32],
    pub attributes: usize,
    pub count: usize,
    is_planes: bool,
}

impl<'a> Proposals<'a> {
    /// Of an output `[1, attributes, proposals]`, or `[1, proposals, attributes]`: there are fewer attributes.
    pub fn new(dims: &[usize], values: &'a [f32]) -> Option<Proposals<'a>> {
        let [1, first, second] = *dims else { return None };
        (values.len() == first * second).then_some(Proposals {
            values,
            attributes: first.min(second),
            count: first.max(second),
            is_planes: first < second,
        })
    }

    pub fn at(&self, attribute: usize, proposal: usize) -> f32 {
        let place = match self.is_planes {
            true => attribute * self.count + proposal,
            false => proposal * self.attributes + attribute,
        };
        self.values.get(place).copied().unwrap_or(f32::NAN)
    }
}

/// Which row of a convolution is which attribute of proposals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub row: usize,
    pub attribute: usize,
    /// The proposal of the first cell; the others follow.
    pub first: usize,
}

/// Runtimes compute the logistic function to about as much.
const ROUNDING: f32 = 1e-6;

/// What a row must tell somewhere to be recognized: below, all rows look the same.
const LEAST: f32 = 1e-3;

/// Finds the rows of `given` (rows × cells) whose logistic function stands among the proposals.
///
/// Compared are all cells: what is one row's by chance is hardly ever another's. A row that tells nothing in any cell is found
/// by its neighbours, since attributes follow each other as rows do.
pub fn told(given: &[f32], cells: usize, proposals: &Proposals) -> Vec<Told> {
    let mut found: Vec<Told> = Vec::new();
    let rows: Vec<&[f32]> = given.chunks_exact(cells.max(1)).collect();
    for (row, line) in rows.iter().enumerate() {
        let wanted: Vec<f32> = line.iter().map(|it| 1.0 / (1.0 + (-it).exp())).collect();
        if wanted.iter().all(|it| *it < LEAST) {
            continue;
        }
        let is_same = |attribute: usize, first: usize| {
            let mut pairs = wanted.iter().enumerate();
            pairs.all(|(cell, wanted)| {
                let value = proposals.at(attribute, first + cell);
                (value - wanted).abs() <= 1e-3 * wanted + ROUNDING
            })
        };
        let places = (0..proposals.attributes).flat_map(|attribute| {
            let starts = 0..(proposals.count + 1).saturating_sub(cells);
            starts.map(move |first| (attribute, first))
        });
        let mut places = places.filter(|(attribute, _)| found.iter().all(|it| it.attribute != *attribute));
        if let Some((attribute, first)) = places.find(|(attribute, first)| is_same(*attribute, *first)) {
            found.push(Told {
                row,
                attribute,
                first,
            });
        }
    }
    let Some(known) = found.first().copied() else {
        return found;
    };
    let follows = |it: &Told| it.attribute + known.row == known.attribute + it.row && it.first == known.first;
    if found.iter().all(follows) {
        let attribute = |row: usize| (row + known.attribute).checked_sub(known.row);
        let is_new = |row: &usize| found.iter().all(|it| it.row != *row);
        let others = (0..rows.len()).filter(is_new).filter_map(|row| {
            let attribute = attribute(row).filter(|it| *it < proposals.attributes)?;
            // One that tells something and was not found is no logistic function of its row.
            let is_silent = rows[row].iter().all(|it| 1.0 / (1.0 + (-it).exp()) < LEAST);
            let first = known.first;
            is_silent.then_some(Told {
                row,
                attribute,
                first,
            })
        });
        let others: Vec<Told> = others.collect();
        found.extend(others);
    }
    found.sort_by_key(|it| it.row);
    found
}

/// A grid of cells with a probability of each class, class after class.
#[derive(Debug, Clone)]
pub struct Grid {
    pub width: usize,
    pub height: usize,
    pub classes: Vec<Vec<f32>>,
}

/// What a teacher's grids tell for the cells of a grid of ours: each of the teacher's belongs to the finest of ours whose
/// cells are whole multiples of its own, and the most certain of its cells counts. `None` where none of them fits.
pub fn pooled(ours: &[(usize, usize)], index: usize, teacher: &[Grid]) -> Option<Grid> {
    let (width, height) = ours[index];
    let fits = |it: &Grid, (width, height): (usize, usize)| {
        let is_multiple = it.width.is_multiple_of(width) && it.height.is_multiple_of(height);
        is_multiple && it.width / width == it.height / height
    };
    let finest = |it: &Grid| {
        let fitting = ours.iter().filter(|size| fits(it, **size));
        fitting.max_by_key(|size| size.0 * size.1).copied()
    };
    let mut parts = teacher
        .iter()
        .filter(|it| finest(it) == Some((width, height)))
        .peekable();
    parts.peek()?;
    let classes = teacher.first().map_or(0, |it| it.classes.len());
    let mut made = vec![vec![0.0_f32; width * height]; classes];
    for part in parts {
        let times = part.width / width;
        for (to, from) in made.iter_mut().zip(&part.classes) {
            for (cell, value) in from.iter().enumerate() {
                let (x, y) = (cell % part.width / times, cell / part.width / times);
                let to = &mut to[y * width + x];
                *to = to.max(*value);
            }
        }
    }
    Some(Grid {
        width,
        height,
        classes: made,
    })
}

/// What cells should tell of objects: those whose own box overlaps an object by half or more tell its class, as surely as
/// they overlap it in comparison with the one that does so best. Boxes and objects in pixels of the input; objects with
/// class and certainty.
pub fn matched(boxes: &[Region], objects: &[(usize, f32, Region)], classes: usize) -> Vec<Vec<f32>> {
    let mut made = vec![vec![0.0_f32; boxes.len()]; classes];
    for (class, certainty, object) in objects {
        let overlaps: Vec<f32> = boxes.iter().map(|it| it.iou(object)).collect();
        let best = overlaps.iter().copied().fold(0.0, f32::max);
        let Some(to) = made.get_mut(*class).filter(|_| 0.3 <= best) else {
            continue;
        };
        // Where no cell overlaps it by half, the best one is all there is.
        let least = best.min(0.5);
        for (to, overlap) in to.iter_mut().zip(overlaps).filter(|it| least <= it.1) {
            *to = to.max(certainty * overlap / best);
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_what_they_tell() {
        // Two rows of three cells; the proposals have another grid of two cells first, and a box attribute.
        let given = [0.5, -1.0, 2.0, -3.0, 0.25, 1.0];
        let sigmoid = |it: f32| 1.0 / (1.0 + (-it).exp());
        let mut values = vec![7.0, 8.0, 9.0, 10.0, 11.0];
        values.extend(
            [0.1, 0.2]
                .into_iter()
                .chain(given[3..].iter().map(|it| sigmoid(*it))),
        );
        values.extend(
            [0.3, 0.4]
                .into_iter()
                .chain(given[..3].iter().map(|it| sigmoid(*it))),
        );
        let proposals = Proposals::new(&[1, 3, 5], &values).unwrap();
        let wanted = [(0, 2, 2), (1, 1, 2)].map(|(row, attribute, first)| Told {
            row,
            attribute,
            first,
        });
        assert_eq!(told(&given, 3, &proposals), wanted);
        assert_eq!(told(&[9.0, 9.0, 9.0], 3, &proposals), []);
    }

    #[test]
    fn a_row_that_tells_nothing_is_found_by_its_neighbours() {
        let given = [0.5, -1.0, 2.0, -30.0, -25.0, -40.0, 1.5, 0.0, 1.0];
        let sigmoid = |it: f32| 1.0 / (1.0 + (-it).exp());
        // A runtime that ends at 1e-8.
        let values: Vec<f32> = (0..12)
            .map(|it| {
                if it < 3 {
                    7.0
                } else {
                    sigmoid(given[it - 3]).max(1e-8)
                }
            })
            .collect();
        let proposals = Proposals::new(&[1, 4, 3], &values);
        assert!(
            proposals.is_some_and(|it| !it.is_planes),
            "more attributes than proposals is another layout"
        );
        let padded: Vec<f32> = values
            .chunks(3)
            .flat_map(|it| [&[0.5, 0.5], it].concat())
            .collect();
        let proposals = Proposals::new(&[1, 4, 5], &padded).unwrap();
        let rows: Vec<_> = told(&given, 3, &proposals)
            .iter()
            .map(|it| (it.row, it.attribute, it.first))
            .collect();
        assert_eq!(rows, [(0, 1, 2), (1, 2, 2), (2, 3, 2)]);
    }

    #[test]
    fn finer_grids_fall_on_the_finest_of_ours() {
        let grid = |side: usize, at: usize, value: f32| {
            let mut cells = vec![0.0; side * side];
            cells[at] = value;
            Grid {
                width: side,
                height: side,
                classes: vec![cells],
            }
        };
        let teacher = [grid(4, 5, 0.9), grid(2, 3, 0.5), grid(1, 0, 0.3)];
        let ours = [(2, 2), (1, 1)];
        assert_eq!(
            pooled(&ours, 0, &teacher).unwrap().classes[0],
            [0.9, 0.0, 0.0, 0.5]
        );
        assert_eq!(pooled(&ours, 1, &teacher).unwrap().classes[0], [0.3]);
        assert!(pooled(&[(3, 3)], 0, &teacher).is_none());
    }

    #[test]
    fn cells_whose_box_lies_on_an_object_tell_its_class() {
        let region = |left: f32| Region {
            left,
            top: 0.0,
            width: 10.0,
            height: 10.0,
        };
        let boxes = [region(0.0), region(2.0), region(9.0)];
        let made = matched(&boxes, &[(1, 0.8, region(0.0))], 2);
        assert_eq!(
            (made[0].as_slice(), made[1][0], made[1][2]),
            ([0.0; 3].as_slice(), 0.8, 0.0)
        );
        assert!((made[1][1] - 0.8 * 8.0 / 12.0).abs() < 1e-6);
    }
}
