// SPDX-License-Identifier: MPL-2.0

//! Worlds with the models of a library: many that were not made for each other, some of which others dominate.

use gstavrec::recommend::{Candidate, Latency, Preferences, Resampled};
use gstavrec::replay::generate::{Kind, generate};
use gstavrec::replay::{Cell, Column, Matrix, Random};

/// Quality of the input itself.
const FLOOR: f64 = 0.4;

/// A world, and its models as they were measured on a calm machine.
pub struct Library {
    pub matrix: Matrix,
    pub candidates: Vec<Candidate>,
}

/// What is drawn for one model.
struct Model {
    baseline_ms: f64,
    quality: f64,
    exponent: f64,
    memory: f64,
}

impl Library {
    /// So many models under the contention of a generated world.
    pub fn new(kind: Kind, seed: u64, models: usize) -> Library {
        let world = generate(kind, seed);
        let mut random = Random::new(seed + 555_555);
        let models = draw(world.budget_ms, models, &mut random);
        let columns = models.iter().enumerate().map(|(index, it)| Column {
            name: format!("m{index}"),
            prior: Some(it.quality),
            baseline_ms: Some(it.baseline_ms),
            device: 0,
        });
        let mut matrix = Matrix::new(columns.collect(), world.budget_ms, world.period_ms);
        matrix.floor = FLOOR;
        let baseline = world.columns[2].baseline_ms.unwrap_or(1.0);
        let mut content = 0.0;
        for frame in 0..world.frames() {
            let slower = world.cell(frame, 2).latency_ms / baseline;
            content = 0.98 * content + 0.01 * random.normal();
            let cell = |it: &Model| Cell {
                latency_ms: it.baseline_ms * slower.powf(it.exponent) * (0.05 * random.normal()).exp(),
                quality: (it.quality + content + 0.02 * random.normal()).clamp(0.0, 1.0),
            };
            matrix.push(models.iter().map(cell).collect::<Vec<_>>());
            if world.is_sensed() {
                matrix.sense(world.pressure(frame));
            }
        }
        let candidates = models
            .iter()
            .enumerate()
            .map(|(index, it)| candidate(&matrix, index, it));
        Library {
            candidates: candidates.collect(),
            matrix,
        }
    }

    pub fn preferences(&self) -> Preferences {
        Preferences {
            budget: self.matrix.budget_ms / 1e3,
            period: self.matrix.period_ms / 1e3,
            floor: self.matrix.floor,
            ..Preferences::default()
        }
    }

    /// The world with some of the models only.
    pub fn with(&self, models: &[usize]) -> Matrix {
        let all = &self.matrix;
        let columns = models.iter().map(|it| all.columns[*it].clone()).collect();
        let mut some = Matrix::new(columns, all.budget_ms, all.period_ms);
        some.floor = all.floor;
        for frame in 0..all.frames() {
            some.push(models.iter().map(|it| all.cell(frame, *it)).collect::<Vec<_>>());
            if all.is_sensed() {
                some.sense(all.pressure(frame));
            }
        }
        some
    }

    /// Share of the memory of all models that some take.
    pub fn memory(&self, models: &[usize]) -> f64 {
        let of = |it: &usize| self.candidates[*it].memory;
        models.iter().map(of).sum::<f64>() / self.candidates.iter().map(|it| it.memory).sum::<f64>()
    }
}

fn draw(budget_ms: f64, models: usize, random: &mut Random) -> Vec<Model> {
    let (fastest, slowest) = (
        budget_ms * random.between(0.04, 0.15),
        budget_ms * random.between(0.6, 1.2),
    );
    let (worst, best) = (random.between(0.5, 0.8), random.between(0.85, 0.97));
    let mut model = || {
        let place = random.unit();
        let baseline_ms = fastest * (slowest / fastest).powf(place);
        Model {
            baseline_ms,
            quality: (worst + (best - worst) * place.powf(0.6) + 0.03 * random.normal()).clamp(0.05, 0.99),
            exponent: random.between(0.85, 1.15),
            memory: baseline_ms * (0.5 * random.normal()).exp(),
        }
    };
    (0..models).map(|_| model()).collect()
}

fn candidate(matrix: &Matrix, index: usize, model: &Model) -> Candidate {
    let frames = matrix.frames();
    let sum: f64 = (0..frames).map(|it| matrix.cell(it, index).quality).sum();
    let p50 = model.baseline_ms / 1e3;
    Candidate {
        measures: vec![Resampled {
            value: sum / frames as f64,
            without: Vec::new(),
            draws: Vec::new(),
        }],
        latency: Latency {
            p50,
            p95: Some(1.09 * p50),
            p99: None,
        },
        in_time: None,
        cpu: p50,
        memory: model.memory,
        complexity: 0.0,
        robustness_drop: 0.0,
        device: 0,
        excluded: None,
    }
}
