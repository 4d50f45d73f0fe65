// SPDX-License-Identifier: MPL-2.0

//! Boxes around text out of a map that says how likely each place is to be of text, as models with differentiable
//! binarization give it (DB; M. Liao et al., AAAI 2020): the text detectors of PaddleOCR and what descends from them.
//!
//! Cells above a threshold are joined to regions; the smallest rectangle around each is widened again, since models
//! are trained on shrunken text. Numbers and rounding are those of RapidOCR, so that boxes compare.

use super::Fault;
use super::classify::sigmoid;
use super::found::{Found, Request, output, shape};
use super::nms::Corners;
use super::scan;
use super::text_box::{self, Turned};
use crate::answer::TurnedBox;
use crate::tensor::Tensor;

/// Where the map is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextMap {
    /// Which output of the model it is.
    pub output: usize,
}

/// Likelihood above which a cell is of text (RapidOCR's and PaddleOCR's `thresh`).
const CELL_THRESHOLD: f32 = 0.3;

/// Mean over a box that it needs where the user asks for none (RapidOCR's `box_thresh`).
pub(super) const CONFIDENCE: f32 = 0.5;

/// How far boxes are widened (RapidOCR's `unclip_ratio`).
const UNCLIP_RATIO: f64 = 1.6;

/// Thinner regions are no text, in cells (`min_size`).
const LEAST_THICKNESS: f64 = 3.0;

/// What widening adds to that at least, in cells.
const LEAST_WIDENING: f64 = 2.0;

/// Boxes of a side up to this are left out, in pixels of the frame.
const LEAST_SIDE: f64 = 3.0;

/// Regions that are looked at in one map (`max_candidates`).
const MOST_REGIONS: usize = 1000;

/// Cells of text side by side.
#[derive(Debug, Clone, Copy)]
struct Run {
    row: u32,
    first: u32,
    last: u32,
    /// Index of a run of the same region, its own or an earlier one's.
    parent: u32,
}

/// Memory for one map.
#[derive(Debug, Default)]
pub(super) struct Work {
    likelihoods: Vec<f32>,
    /// Whether each cell of a row is of text: of the row above, and of this one.
    above: Vec<bool>,
    here: Vec<bool>,
    runs: Vec<Run>,
    /// Runs by region: index of the region's first run, index of the run.
    regions: Vec<(u32, u32)>,
    points: Vec<[f64; 2]>,
    hull: Vec<[f64; 2]>,
    turned: text_box::Work,
}

impl TextMap {
    /// Offers a box for each region of text.
    pub(super) fn find(
        &self,
        outputs: &[Tensor],
        request: &Request,
        scratch: &mut Vec<f32>,
        work: &mut Work,
        found: &mut Found,
    ) -> Result<(), Fault> {
        let tensor = output(outputs, self.output)?;
        let (width, height) = match tensor.dims.as_slice() {
            &[1, 1, height, width] | &[1, height, width] | &[1, height, width, 1] => (width, height),
            _ => (0, 0),
        };
        if width == 0 || height == 0 {
            return Err(shape(self.output, tensor, "[1, 1, H, W]"));
        }
        let mut values = scan::floats(tensor, scratch);
        let mut likelihoods = std::mem::take(&mut work.likelihoods);
        if values
            .iter()
            .any(|it| it.is_finite() && !(0.0..=1.0).contains(it))
        {
            likelihoods.clear();
            likelihoods.extend(values.iter().map(|&it| sigmoid(it)));
            values = &likelihoods;
        }
        work.list_runs(values, width);
        work.join_runs();
        work.offer_regions(values, (width, height), request, found);
        work.likelihoods = likelihoods;
        Ok(())
    }
}

impl Work {
    /// Lists the runs of cells of text, each cell with its neighbors to the right and below, which closes gaps
    /// (RapidOCR's `use_dilation`, a kernel of 2 × 2).
    fn list_runs(&mut self, values: &[f32], width: usize) {
        self.runs.clear();
        self.above.clear();
        self.above.resize(width, false);
        for (row, values) in (0u32..).zip(values.chunks_exact(width)) {
            self.here.clear();
            self.here.extend(values.iter().map(|&it| CELL_THRESHOLD < it));
            let (mut before, mut start) = (false, None);
            for (column, (here, above)) in (0u32..).zip(self.here.iter().zip(&self.above)) {
                let either = *here || *above;
                match (either || before, start) {
                    (true, None) => start = Some(column),
                    (false, Some(first)) => {
                        self.runs.push(Run::new(row, first, column - 1, self.runs.len()));
                        start = None;
                    }
                    _ => {}
                }
                before = either;
            }
            if let Some(first) = start {
                self.runs
                    .push(Run::new(row, first, width as u32 - 1, self.runs.len()));
            }
            std::mem::swap(&mut self.here, &mut self.above);
        }
    }

    /// Joins runs that touch, at a corner too, and brings them into the order of their regions.
    fn join_runs(&mut self) {
        let mut above = 0;
        for index in 0..self.runs.len() {
            let run = self.runs[index];
            while self.runs[above].row + 1 < run.row
                || (self.runs[above].row + 1 == run.row && self.runs[above].last + 1 < run.first)
            {
                above += 1;
            }
            let mut other = above;
            while self.runs[other].row < run.row && self.runs[other].first <= run.last + 1 {
                let (one, two) = (self.root(index as u32), self.root(other as u32));
                self.runs[one.max(two) as usize].parent = one.min(two);
                other += 1;
            }
        }
        self.regions.clear();
        for index in 0..self.runs.len() as u32 {
            let root = self.root(index);
            self.regions.push((root, index));
        }
        self.regions.sort_unstable();
    }

    /// The first run of a run's region.
    fn root(&mut self, index: u32) -> u32 {
        let mut root = index;
        while self.runs[root as usize].parent != root {
            let parent = self.runs[root as usize].parent;
            self.runs[root as usize].parent = self.runs[parent as usize].parent;
            root = self.runs[root as usize].parent;
        }
        root
    }

    fn offer_regions(&mut self, values: &[f32], size: (usize, usize), request: &Request, found: &mut Found) {
        let regions = std::mem::take(&mut self.regions);
        for (row, region) in (0usize..MOST_REGIONS).zip(regions.chunk_by(|a, b| a.0 == b.0)) {
            let Some((turned, score)) = self.box_of(region, values, size.0) else {
                continue;
            };
            if score < request.settings.confidence_or(CONFIDENCE) {
                continue;
            }
            let wide = turned.unclipped(UNCLIP_RATIO, &mut self.turned);
            let wide = wide.filter(|it| LEAST_THICKNESS + LEAST_WIDENING <= it.thickness());
            if let Some((corners, turned)) = wide.and_then(|it| in_frame(&it, size, request)) {
                let before = found.candidates.len();
                found.offer(request, corners, score, 0, row);
                found.candidates[before..]
                    .iter_mut()
                    .for_each(|it| it.turned = Some(turned));
            }
        }
        self.regions = regions;
    }

    /// The rectangle around a region, if it is thick enough, and how likely it is to be of text.
    fn box_of(&mut self, region: &[(u32, u32)], values: &[f32], width: usize) -> Option<(Turned, f32)> {
        self.points.clear();
        for &(_, run) in region {
            let Run { row, first, last, .. } = self.runs[run as usize];
            self.points
                .extend([first, last].map(|it| [f64::from(it), f64::from(row)]));
        }
        let turned = Turned::around(&mut self.points, &mut self.hull)?;
        if turned.thickness() < LEAST_THICKNESS {
            return None;
        }
        let score = turned.mean(values, width, &mut self.turned)?;
        Some((turned, score))
    }
}

impl Run {
    fn new(row: u32, first: u32, last: u32, index: usize) -> Run {
        Run {
            row,
            first,
            last,
            parent: index as u32,
        }
    }
}

/// The box, in pixels of the input, of a rectangle whose corners are rounded to whole pixels of the frame: the upright one
/// around it, and as it lies. `None` where it has too short a side.
fn in_frame(
    turned: &Turned,
    (width, height): (usize, usize),
    request: &Request,
) -> Option<(Corners, TurnedBox)> {
    let place = request.place;
    let (input_width, input_height) = request.input();
    let (across, down) = place.scale();
    let frame = |cell: f64, cells: usize, input: f32, pad: usize, scale: f32, length: usize| {
        let pixel = (cell / cells as f64 * f64::from(input) - pad as f64) / f64::from(scale);
        let last = length.saturating_sub(1) as f64;
        pixel.round_ties_even().clamp(0.0, last)
    };
    let corners = turned.corners.map(|[x, y]| {
        [
            frame(x, width, input_width, place.pad_left, across, place.frame.width),
            frame(y, height, input_height, place.pad_top, down, place.frame.height),
        ]
    });
    let side = |from: [f64; 2], to: [f64; 2]| (to[0] - from[0]).hypot(to[1] - from[1]).trunc();
    if side(corners[0], corners[1]) <= LEAST_SIDE || side(corners[1], corners[2]) <= LEAST_SIDE {
        return None;
    }
    let bound = |axis: usize, pad: usize, scale: f32| {
        let at = corners.map(|it| it[axis]);
        let input = |pixel: f64| (pixel * f64::from(scale) + pad as f64) as f32;
        (
            input(at.iter().copied().fold(f64::INFINITY, f64::min)),
            input(at.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        )
    };
    let (left, right) = bound(0, place.pad_left, across);
    let (top, bottom) = bound(1, place.pad_top, down);
    let input = corners.map(|[x, y]| {
        [
            x * f64::from(across) + place.pad_left as f64,
            y * f64::from(down) + place.pad_top as f64,
        ]
    });
    Some((Corners::of([left, top, right, bottom]), lying(input)))
}

/// A rectangle by its center, with the side that is the more level one as its width, as lines of text mostly lie.
fn lying(corners: [[f64; 2]; 4]) -> TurnedBox {
    let edge = |from: usize| {
        let ([x, y], [to_x, to_y]) = (corners[from], corners[from + 1]);
        [to_x - x, to_y - y]
    };
    let slope = |[x, y]: [f64; 2]| y.abs().atan2(x.abs());
    let (one, two) = (edge(0), edge(1));
    let (along, across) = if slope(two) < slope(one) {
        (two, one)
    } else {
        (one, two)
    };
    let along = if along[0] < 0.0 {
        along.map(|it| -it)
    } else {
        along
    };
    let center = |axis: usize| corners.iter().map(|it| it[axis]).sum::<f64>() / 4.0;
    TurnedBox {
        x: center(0) as f32,
        y: center(1) as f32,
        width: along[0].hypot(along[1]) as f32,
        height: across[0].hypot(across[1]) as f32,
        angle: along[1].atan2(along[0]) as f32,
    }
}
