// SPDX-License-Identifier: MPL-2.0

//! Whether the upper bound of a latency is one: as many runs above it as the user allows misses, over any minute.

use std::time::Duration;

use gstavrec::policy::{CandidateId, Config};
use gstavrec::replay::avrec::Avrec;
use gstavrec::replay::generate::Kind;
use gstavrec::replay::{Run, Selector, ShadowRun, simulate};

use crate::text::{percent, row, table};
use crate::world::{self, World};

/// Runs that a window needs to say anything.
const FEWEST: usize = 300;

/// Shares of runs that took longer than their upper bound.
pub struct Calibration {
    alpha: f64,
    pub share: f64,
    /// Smallest and largest share of any 60 s.
    pub least: f64,
    pub most: f64,
}

impl Calibration {
    /// Largest deviation in any 60 s.
    pub fn worst(&self) -> f64 {
        (self.alpha - self.least).max(self.most - self.alpha)
    }
}

/// Our policy, watched: for each run whether it took longer than its bound said before.
struct Watched {
    avrec: Avrec,
    bound: Option<Duration>,
    /// Frame and whether the bound was passed.
    runs: Vec<(usize, bool)>,
}

impl Selector for Watched {
    fn pick(&mut self, frame: usize, now_ms: f64) -> Option<usize> {
        let pick = self.avrec.pick(frame, now_ms);
        self.bound = pick.and_then(|it| self.avrec.policy().outlook(CandidateId(it)).upper);
        pick
    }

    fn ran(&mut self, run: &Run) {
        // The first run after a swap is slower by the rules, and the bound is not about it.
        if let Some(bound) = self.bound.filter(|_| !run.is_first) {
            self.runs
                .push((run.frame, bound.as_secs_f64() * 1e3 < run.latency_ms));
        }
        self.avrec.ran(run);
    }

    fn shadow(&mut self, now_ms: f64, slack_ms: f64) -> Option<usize> {
        self.avrec.shadow(now_ms, slack_ms)
    }

    fn shadowed(&mut self, run: &ShadowRun) {
        self.avrec.shadowed(run);
    }
}

/// Plays our policy over a world and counts.
pub fn watch(world: &World, config: Config) -> Calibration {
    let mut watched = Watched {
        avrec: world.avrec(config),
        bound: None,
        runs: Vec::new(),
    };
    simulate(&world.matrix, &mut watched);
    let window = (60_000.0 / world.matrix.period_ms).round() as usize;
    let share =
        |runs: &[(usize, bool)]| runs.iter().filter(|it| it.1).count() as f64 / runs.len().max(1) as f64;
    let runs = &watched.runs;
    let mut found = Calibration {
        alpha: config.miss_rate,
        share: share(runs),
        least: f64::INFINITY,
        most: f64::NEG_INFINITY,
    };
    let last = world.matrix.frames().saturating_sub(window);
    // A window a second.
    for start in (0..=last).step_by((window / 60).max(1)) {
        let from = runs.partition_point(|it| it.0 < start);
        let to = runs.partition_point(|it| it.0 < start + window);
        if FEWEST <= to - from {
            let share = share(&runs[from..to]);
            found.least = found.least.min(share);
            found.most = found.most.max(share);
        }
    }
    found
}

pub fn run() {
    println!(
        "calibration: runs above their upper bound in %, seeds 100 to 109 (should be alpha ± 1 in any 60 s)"
    );
    let mut rows = vec![row(&["alpha %"])];
    rows[0].extend(Kind::six(false).map(|it| it.to_string()));
    rows[0].push("unequal".to_string());
    let mut worlds = world::six(false);
    worlds.extend(world::unequal());
    for alpha in [0.01, 0.03, 0.05] {
        let config = Config {
            miss_rate: alpha,
            ..Config::default()
        };
        let mut cells = vec![percent(alpha)];
        for of_kind in worlds.chunk_by(|one, other| one.kind == other.kind) {
            let found: Vec<Calibration> = of_kind.iter().map(|it| watch(it, config)).collect();
            let mean = found.iter().map(|it| it.share).sum::<f64>() / found.len() as f64;
            let least = found.iter().map(|it| it.least).fold(f64::INFINITY, f64::min);
            let most = found.iter().map(|it| it.most).fold(0.0, f64::max);
            cells.push(format!(
                "{} ({}–{})",
                percent(mean),
                percent(least),
                percent(most)
            ));
        }
        rows.push(cells);
    }
    table(&rows);
    println!("in brackets the smallest and the largest share in any 60 s of any world");
}
