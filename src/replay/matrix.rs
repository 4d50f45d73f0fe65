// SPDX-License-Identifier: MPL-2.0

//! What every candidate would have done on every frame.

use crate::quantile::percentile;

/// One candidate of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub name: String,
    /// Quality that the catalogue claims, 0..1.
    pub prior: Option<f64>,
    /// Median latency on a calm machine, in milliseconds.
    pub baseline_ms: Option<f64>,
    /// What it runs on; 0 for the processor.
    pub device: usize,
}

/// One candidate on one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    pub latency_ms: f64,
    /// What this candidate's answer to this frame is worth, 0..1.
    pub quality: f64,
}

/// Frames by candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    pub columns: Vec<Column>,
    /// Time one frame may take.
    pub budget_ms: f64,
    /// Time from one frame to the next.
    pub period_ms: f64,
    /// What a frame is worth that nobody was asked to answer, 0..1; 0 where nothing else can go out.
    pub floor: f64,
    /// Row by row.
    cells: Vec<Cell>,
    /// What the machine said by each frame; `None` where it said nothing, and empty where it never does.
    pressure: Vec<Option<f64>>,
}

impl Matrix {
    /// A matrix without frames.
    pub fn new(columns: Vec<Column>, budget_ms: f64, period_ms: f64) -> Matrix {
        Matrix {
            columns,
            budget_ms,
            period_ms,
            floor: 0.0,
            cells: Vec::new(),
            pressure: Vec::new(),
        }
    }

    /// Adds a frame; `row` has one cell a candidate.
    pub fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        self.cells.extend(row);
        debug_assert!(self.cells.len().is_multiple_of(self.candidates()));
    }

    /// Adds what the machine says as the next frame arrives: for which share of its time a run has to expect to wait for a
    /// processor, 0..1; `None` where it says nothing.
    pub fn sense(&mut self, pressure: Option<f64>) {
        self.pressure.push(pressure);
    }

    /// What the machine says as a frame arrives, if it says anything.
    pub fn pressure(&self, frame: usize) -> Option<f64> {
        self.pressure.get(frame).copied().flatten()
    }

    /// Whether the machine says anything by any frame.
    pub fn is_sensed(&self) -> bool {
        self.pressure.iter().any(Option::is_some)
    }

    /// The same world without a sense.
    pub fn without_sense(mut self) -> Matrix {
        self.pressure.clear();
        self
    }

    /// The same world for a policy that takes all candidates to run on the processor.
    pub fn on_one_device(mut self) -> Matrix {
        self.columns.iter_mut().for_each(|it| it.device = 0);
        self
    }

    pub fn candidates(&self) -> usize {
        self.columns.len()
    }

    pub fn frames(&self) -> usize {
        self.cells.len() / self.candidates().max(1)
    }

    /// The candidates on one frame.
    pub fn row(&self, frame: usize) -> &[Cell] {
        let width = self.candidates();
        &self.cells[frame * width..(frame + 1) * width]
    }

    pub fn cell(&self, frame: usize, candidate: usize) -> Cell {
        self.row(frame)[candidate]
    }

    /// Latency of one candidate that this share of its frames keep (nearest rank); `None` without frames.
    pub fn percentile_ms(&self, candidate: usize, share: f64) -> Option<f64> {
        let latencies = (0..self.frames()).map(|it| self.cell(it, candidate).latency_ms);
        percentile(latencies, share)
    }

    /// Mean quality of one candidate over the frames that it answers in time, late ones counted as nothing, if it
    /// alone answered all of them and never delayed another.
    pub fn worth(&self, candidate: usize) -> f64 {
        let worth = |it: &Cell| {
            if it.latency_ms <= self.budget_ms {
                it.quality
            } else {
                0.0
            }
        };
        let sum: f64 = (0..self.frames())
            .map(|it| worth(&self.cell(it, candidate)))
            .sum();
        sum / self.frames().max(1) as f64
    }
}
