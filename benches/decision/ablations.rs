// SPDX-License-Identifier: MPL-2.0

//! What each part of the rule is worth: the same worlds without it. Needs the feature `ablation`.

use gstavrec::policy::{Config, Part, leave_out};
use gstavrec::replay::avrec::Avrec;
use gstavrec::replay::{Figures, Run, Selector, ShadowRun, Summary};

use crate::text::{percent, row, table};
use crate::world::{self, World};

/// A changed rule.
struct Variant {
    name: &'static str,
    config: Config,
    without: Option<Part>,
    shadows: Shadows,
}

/// Whether shadow runs happen.
#[derive(Clone, Copy, PartialEq)]
enum Shadows {
    Run,
    Never,
}

impl Variant {
    fn new(name: &'static str, config: Config) -> Variant {
        Variant {
            name,
            config,
            without: None,
            shadows: Shadows::Run,
        }
    }

    fn play(&self, world: &World) -> Figures {
        leave_out(self.without);
        let avrec = world.avrec(self.config);
        let figures = match self.shadows {
            Shadows::Run => world.play(&mut { avrec }),
            Shadows::Never => world.play(&mut Blind(avrec)),
        };
        leave_out(None);
        figures
    }
}

const PARTS: [(Part, &str); 6] = [
    (Part::SharedSlowdown, "without shared slowdown"),
    (Part::Reaction, "without learned reaction"),
    (Part::Alarm, "without alarm"),
    (Part::Tail, "without counted tail"),
    (Part::Price, "without moving price"),
    (Part::Regret, "without regret"),
];

const MISS_RATES: [(f64, &str); 3] = [(0.01, "alpha 1 %"), (0.02, "alpha 2 %"), (0.05, "alpha 5 %")];

/// The rule as it is, then without each part, then for other miss rates.
fn variants() -> Vec<Variant> {
    let whole = Config::default();
    let mut all = vec![Variant::new("as it is", whole)];
    all.extend(PARTS.map(|(part, name)| Variant {
        without: Some(part),
        ..Variant::new(name, whole)
    }));
    all.push(Variant {
        shadows: Shadows::Never,
        ..Variant::new("without shadow runs", whole)
    });
    all.extend(MISS_RATES.map(|(miss_rate, name)| Variant::new(name, Config { miss_rate, ..whole })));
    all
}

/// Our policy, never allowed to look at a rival.
struct Blind(Avrec);

impl Selector for Blind {
    fn pick(&mut self, frame: usize, now_ms: f64) -> Option<usize> {
        self.0.pick(frame, now_ms)
    }

    fn ran(&mut self, run: &Run) {
        self.0.ran(run);
    }

    fn shadow(&mut self, _: f64, _: f64) -> Option<usize> {
        None
    }

    fn shadowed(&mut self, _: &ShadowRun) {}
}

pub fn run() {
    println!(
        "ablations: regret to the oracle % / misses % / swaps in 3,000 frames, means over the same worlds"
    );
    let groups = [
        ("six", world::six(false)),
        ("inverted", world::six(true)),
        ("unequal", world::unequal()),
        ("wild", world::random_worlds()),
    ];
    let mut rows = vec![row(&["rule"])];
    rows[0].extend(groups.iter().map(|it| it.0.to_string()));
    for variant in variants() {
        let mut cells = row(&[variant.name]);
        for (_, worlds) in &groups {
            let figures: Vec<Figures> = worlds.iter().map(|it| variant.play(it)).collect();
            let summary = Summary::new(&figures);
            cells.push(format!(
                "{}/{}/{:.0}",
                percent(summary.regret.mean),
                percent(summary.miss_rate.mean),
                3.0 * summary.swaps_per_1000.mean
            ));
        }
        rows.push(cells);
    }
    table(&rows);
}
