// SPDX-License-Identifier: MPL-2.0

//! The dense outputs of YOLO models: one proposal for each cell of a grid, suppression left to the reader.
//!
//! | family | shape | attributes of a proposal |
//! |---|---|---|
//! | v5, v7 | [1, N, 5 + C] | center, size, objectness, classes; N = three anchors for each cell |
//! | v8 to v12 | [1, 4 + C, N], or transposed | center, size, classes; N = cells |
//! | YOLOX, v6 | [1, N, 5 + C] | as v5; N = cells; YOLOX's boxes count in cells of their grid |
//!
//! Models that segment have one more attribute for each prototype mask after the classes, models of poses have key
//! points there, and those of turned boxes an angle ([`Extra`]).

use super::Fault;
use super::evidence::{Extent, is_distribution};
use super::extra::{Attributes, Extra};
use super::found::{Found, Request, output, shape};
use super::model::Units;
use super::nms::Corners;
use super::scan::{self, BLOCK};
use crate::letterbox::Size;
use crate::tensor::Tensor;

/// Input pixels to a cell, for the grids in the order of their rows.
pub(super) const STRIDES: [usize; 4] = [8, 16, 32, 64];

/// Which dimension of the output comes first, and what stands before the classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Attributes: each has a plane of all proposals.
    Planes,
    /// Proposals: each has a row of attributes.
    Rows,
    /// The same, with an attribute that says how likely there is any object, by which classes are multiplied.
    ObjectnessRows,
}

/// How proposals stand in an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Yolo {
    /// Which output of the model it is.
    pub output: usize,
    pub order: Order,
    pub classes: usize,
    /// Attributes after the classes.
    pub coefficients: usize,
    /// What those are.
    pub extra: Extra,
    pub units: Units,
}

/// Cells of the grids with the first `grids` strides, over an input of this size.
pub(super) fn cells(input: Size, grids: usize) -> usize {
    let of = |stride: &usize| (input.width / stride).saturating_mul(input.height / stride);
    STRIDES[..grids].iter().map(of).fold(0, usize::saturating_add)
}

/// The cell of a row and its stride; `None` for a row beyond the grids.
fn cell(input: Size, row: usize) -> Option<(usize, usize, usize)> {
    let mut before = 0;
    for stride in STRIDES {
        let (across, down) = (input.width / stride, input.height / stride);
        let index = row - before;
        if index < across * down {
            return Some((index % across, index / across, stride));
        }
        before += across * down;
    }
    None
}

/// The best class of each row so far; cleared by the rows that were touched.
#[derive(Debug, Default)]
pub(super) struct Best {
    of_row: Vec<(f32, u32)>,
    touched: Vec<u32>,
    blocks: Vec<u32>,
}

const NOTHING: (f32, u32) = (f32::NEG_INFINITY, 0);

impl Yolo {
    pub(super) fn attributes(&self) -> usize {
        self.first_class() + self.classes + self.coefficients
    }

    fn first_class(&self) -> usize {
        match self.order {
            Order::Planes | Order::Rows => 4,
            Order::ObjectnessRows => 5,
        }
    }

    /// The number of rows of an output of the recognized kind.
    fn rows(&self, tensor: &Tensor) -> Result<usize, Fault> {
        let attributes = self.attributes();
        match (self.order, tensor.dims.as_slice()) {
            (Order::Planes, &[1, given, rows]) if given == attributes => Ok(rows),
            (Order::Planes, _) => Err(shape(self.output, tensor, format!("[1, {attributes}, N]"))),
            (_, &[1, rows, given]) if given == attributes => Ok(rows),
            _ => Err(shape(self.output, tensor, format!("[1, N, {attributes}]"))),
        }
    }

    /// Offers each proposal whose best class reaches the threshold, with that class; the lower one where two
    /// are equal. A proposal with a score that is not a number or infinitely high is dropped.
    pub(super) fn find(
        &self,
        outputs: &[Tensor],
        request: &Request,
        best: &mut Best,
        scratch: &mut Vec<f32>,
        found: &mut Found,
    ) -> Result<(), Fault> {
        let tensor = output(outputs, self.output)?;
        let rows = self.rows(tensor)?;
        let table = Table {
            values: scan::floats(tensor, scratch),
            order: self.order,
            attributes: self.attributes(),
            rows,
        };
        let units = self.settled(&table, request.place.input)?;
        let mut offer = |row: usize, class: u32, score: f32| {
            let corners = corners(&table, row, units, request);
            found.offer(request, corners, score, class, row);
        };
        let threshold = request.settings.confidence;
        match self.order {
            Order::Planes => self.scan_planes(&table, threshold, best, &mut offer),
            Order::Rows | Order::ObjectnessRows => self.scan_rows(&table, threshold, &mut offer),
        }
        Ok(())
    }

    /// The extents of what is read as confidences and as centers and sizes in a run, and whether each row is a
    /// distribution; `None` where there is no such output.
    pub(super) fn extents(&self, outputs: &[Tensor]) -> Option<(Extent, Extent, bool)> {
        let tensor = output(outputs, self.output).ok()?;
        let rows = self.rows(tensor).ok()?;
        let mut scratch = Vec::new();
        let table = Table {
            values: scan::floats(tensor, &mut scratch),
            order: self.order,
            attributes: self.attributes(),
            rows,
        };
        let of = |from: usize, to: usize| {
            let table = &table;
            Extent::of((0..rows).flat_map(move |row| (from..to).map(move |it| table.at(row, it))))
        };
        let end = self.first_class() + self.classes;
        let is_distribution = self.order != Order::Planes
            && rows != 0
            && table.values.chunks_exact(table.attributes).all(is_distribution);
        Some((of(4, end), of(0, 4), is_distribution))
    }

    /// The attributes of a proposal that weigh the prototype masks.
    pub(super) fn coefficients(&self, values: &[f32], row: usize, to: &mut Vec<f32>) {
        let attributes = self.attributes();
        let table = Table {
            values,
            order: self.order,
            attributes,
            rows: values.len() / attributes,
        };
        to.clear();
        to.extend((attributes - self.coefficients..attributes).map(|it| table.at(row, it)));
    }

    /// Where the attributes after the classes of a row are.
    pub(super) fn extra<'a>(&self, outputs: &'a [Tensor], row: usize) -> Result<Attributes<'a>, Fault> {
        let tensor = output(outputs, self.output)?;
        let rows = self.rows(tensor)?;
        let (attributes, first) = (self.attributes(), self.first_class() + self.classes);
        let (start, step) = match self.order {
            Order::Planes => (first * rows + row, rows),
            Order::Rows | Order::ObjectnessRows => (row * attributes + first, 1),
        };
        Ok(Attributes {
            tensor,
            start,
            step,
            count: self.coefficients,
        })
    }

    /// Goes once through the planes of the classes in the order of memory, looking closely only at blocks
    /// that hold something.
    fn scan_planes(
        &self,
        table: &Table,
        threshold: f32,
        best: &mut Best,
        offer: &mut impl FnMut(usize, u32, f32),
    ) {
        let rows = table.rows;
        let scores = &table.values[4 * rows..(4 + self.classes) * rows];
        best.of_row.resize(rows, NOTHING);
        scan::reaching(scores, threshold, &mut best.blocks);
        for &block in &best.blocks {
            let start = block as usize * BLOCK;
            let (mut class, mut row) = (start / rows, start % rows);
            for &score in scores[start..].iter().take(BLOCK) {
                if score.is_nan() || threshold <= score {
                    let to = &mut best.of_row[row];
                    if to.0 == f32::NEG_INFINITY {
                        best.touched.push(row as u32);
                    }
                    // What is no number wins for good, so that the row is dropped.
                    if score.is_nan() {
                        *to = (f32::INFINITY, class as u32);
                    } else if to.0 < score {
                        *to = (score, class as u32);
                    }
                }
                row += 1;
                if row == rows {
                    (class, row) = (class + 1, 0);
                }
            }
        }
        for row in best.touched.drain(..) {
            let (score, class) = std::mem::replace(&mut best.of_row[row as usize], NOTHING);
            offer(row as usize, class, score);
        }
    }

    fn scan_rows(&self, table: &Table, threshold: f32, offer: &mut impl FnMut(usize, u32, f32)) {
        let first = self.first_class();
        for (row, attributes) in table.values.chunks_exact(table.attributes).enumerate() {
            let objectness = match self.order {
                Order::ObjectnessRows => attributes[4],
                Order::Planes | Order::Rows => 1.0,
            };
            let scores = &attributes[first..first + self.classes];
            // A factor of at most one cannot lift the product above either side; what is no number goes on.
            if objectness < threshold || !scan::reaches(scores, threshold) {
                continue;
            }
            let (class, score) = scan::best(scores);
            let score = score * objectness;
            if score.is_nan() || threshold <= score {
                offer(row, class, score);
            }
        }
    }

    /// Settles what coordinates are counted in by the outputs of one run, for all later ones. Does nothing where it was
    /// said, or where the outputs are not what was declared.
    pub(super) fn settle(&mut self, outputs: &[Tensor], input: Size) {
        let Ok(tensor) = output(outputs, self.output) else {
            return;
        };
        let Ok(rows) = self.rows(tensor) else { return };
        let mut scratch = Vec::new();
        let table = Table {
            values: scan::floats(tensor, &mut scratch),
            order: self.order,
            attributes: self.attributes(),
            rows,
        };
        if let (Units::Unsaid, Ok(units)) = (self.units, self.settled(&table, input)) {
            self.units = units;
        }
    }

    /// What coordinates are counted in, decided by the values where nobody said it: YOLOX's centers are some
    /// cells from their own cell, while of others' nearly all lie further than that from the corner.
    fn settled(&self, table: &Table, input: Size) -> Result<Units, Fault> {
        let on_grid = (3..=STRIDES.len()).any(|grids| cells(input, grids) == table.rows);
        match self.units {
            Units::Cells if !on_grid => Err(Fault::Place(format!(
                "{} rows are no cells of an input of {}×{}",
                table.rows, input.width, input.height
            ))),
            Units::Unsaid if on_grid && table.rows != 0 => {
                let far = (0..table.rows).filter(|&row| FAR < table.at(row, 0)).count();
                Ok(if 2 * far < table.rows {
                    Units::Cells
                } else {
                    Units::Pixels
                })
            }
            Units::Unsaid => Ok(Units::Pixels),
            said => Ok(said),
        }
    }
}

/// Cells that no trained YOLOX moves a center by, and pixels that most cells of an input are further right.
const FAR: f32 = 6.0;

/// The values of an output with their order.
struct Table<'a> {
    values: &'a [f32],
    order: Order,
    attributes: usize,
    rows: usize,
}

impl Table<'_> {
    fn at(&self, row: usize, attribute: usize) -> f32 {
        match self.order {
            Order::Planes => self.values[attribute * self.rows + row],
            Order::Rows | Order::ObjectnessRows => self.values[row * self.attributes + attribute],
        }
    }
}

/// The box of a row in input pixels.
fn corners(table: &Table, row: usize, units: Units, request: &Request) -> Corners {
    let [x, y, width, height] = [0, 1, 2, 3].map(|it| table.at(row, it));
    match units {
        Units::Pixels | Units::Unsaid => Corners::around(x, y, width, height),
        Units::Fractions => {
            let (across, down) = request.input();
            Corners::around(x, y, width, height).scaled(across, down)
        }
        Units::Cells => {
            // A row beyond the grids was refused before; a box that is dropped stands for it.
            let (column, line, stride) = cell(request.place.input, row).unwrap_or((0, 0, 0));
            let stride = stride as f32;
            let (x, y) = (x + column as f32, y + line as f32);
            Corners::around(x, y, width.exp(), height.exp()).scaled(stride, stride)
        }
    }
}
