// SPDX-License-Identifier: MPL-2.0

//! The figures that the choice should reach, each with what it must be and what would be fine.

use gstavrec::policy::Config;
use gstavrec::replay::generate::{Kind, Shape};
use gstavrec::replay::{Figures, Frames, PolicyName, Summary};

use crate::text::{interval, percent, row, table};
use crate::world::{self, World};
use crate::{calibration, cost};

/// Whether a figure is what it should be; smaller is better for all of them.
fn verdict(value: f64, must: f64, fine: f64) -> String {
    let text = match value {
        it if it <= fine => "fine",
        it if it <= must => "met",
        _ => "MISSED",
    };
    text.to_string()
}

/// The rows of the table.
struct Report {
    rows: Vec<Vec<String>>,
}

impl Report {
    /// Adds a figure: its name, what it must be and what would be fine, what was measured as text, and the number
    /// that decides.
    fn add(&mut self, name: &str, must: f64, fine: f64, measured: String, value: f64) {
        self.rows.push(vec![
            name.to_string(),
            format!("{must}"),
            format!("{fine}"),
            measured,
            verdict(value, must, fine),
        ]);
    }
}

/// Our policy, and another one, over the same worlds.
struct Played {
    worlds: Vec<World>,
    ours: Vec<Figures>,
}

impl Played {
    fn new(worlds: Vec<World>) -> Played {
        let ours = worlds.iter().map(|it| it.play_named(PolicyName::Avrec)).collect();
        Played { worlds, ours }
    }

    fn other(&self, policy: PolicyName) -> Summary {
        let figures: Vec<Figures> = self.worlds.iter().map(|it| it.play_named(policy)).collect();
        Summary::new(&figures)
    }

    fn all(&self) -> Summary {
        Summary::new(&self.ours)
    }

    fn of(&self, shape: Shape) -> Summary {
        let with_kind = self.worlds.iter().zip(&self.ours);
        let figures: Vec<Figures> = with_kind
            .filter(|it| it.0.kind.shape == shape)
            .map(|it| it.1.clone())
            .collect();
        Summary::new(&figures)
    }

    /// One figure of each kind, in percent, as text; and the largest one.
    fn each(&self, but: Option<Shape>, of: impl Fn(&Summary) -> f64) -> (String, f64) {
        let kinds = Kind::six(false).filter(|it| Some(it.shape) != but);
        let values: Vec<f64> = kinds.map(|it| of(&self.of(it.shape))).collect();
        let text: Vec<String> = values.iter().map(|it| format!("{it:.1}")).collect();
        (text.join(" "), values.iter().copied().fold(f64::MIN, f64::max))
    }
}

pub fn run() {
    println!(
        "figures: six kinds of contention (none step ramp periodic bursty tail), seeds 100 to 109, alpha 3 %;"
    );
    println!("means with 95 % bootstrap intervals over the worlds");
    let six = Played::new(world::six(false));
    let mut report = Report {
        rows: vec![row(&["figure", "must be ≤", "fine ≤", "measured", ""])],
    };
    misses(&six, &mut report);
    regret(&six, &mut report);
    reactions(&six, &mut report);
    costs(&six, &mut report);
    table(&report.rows);
    println!("frames lost or repeated by a swap: cargo bench --bench switch");
}

fn misses(six: &Played, report: &mut Report) {
    let percent_missed = |it: &Summary| 100.0 * it.miss_rate.mean;
    let (each, worst) = six.each(Some(Shape::Tail), percent_missed);
    report.add("misses %, each but tail", 2.5, 1.2, each, worst);
    let all = six.all().miss_rate;
    report.add("misses %, mean of six", 1.5, 1.2, interval(all), 100.0 * all.mean);
    let tail = six.of(Shape::Tail).miss_rate;
    report.add("misses %, tail", 4.5, 3.5, interval(tail), 100.0 * tail.mean);
}

fn regret(six: &Played, report: &mut Report) {
    let all = six.all();
    report.add(
        "regret %, mean of six",
        5.0,
        3.0,
        interval(all.regret),
        100.0 * all.regret.mean,
    );
    for shape in [Shape::None, Shape::Step] {
        let of = six.of(shape).regret;
        let name = format!("regret %, {shape}");
        report.add(&name, 2.0, 1.0, interval(of), 100.0 * of.mean);
    }
    let inverted = Played::new(world::six(true));
    let wrong = inverted.all().regret;
    report.add(
        "regret %, catalogue inverted",
        7.5,
        5.0,
        interval(wrong),
        100.0 * wrong.mean,
    );
    let alert = inverted.other(PolicyName::Alert).regret.mean;
    let share = 100.0 * wrong.mean / alert;
    report.add(
        "the same, % of alert's",
        65.0,
        50.0,
        format!("{share:.0} (of {})", percent(alert)),
        share,
    );
    let ladder = six.other(PolicyName::Ladder).regret.mean;
    let share = 100.0 * all.regret.mean / ladder;
    report.add(
        "regret, % of ladder's",
        60.0,
        40.0,
        format!("{share:.0} (of {})", percent(ladder)),
        share,
    );
    let (each, worst) = six.each(None, |it| it.swaps_per_1000.mean);
    report.add("swaps in 1,000 frames, each", 25.0, 12.0, each, worst);
    let alert = six.other(PolicyName::Alert).swaps_per_1000.mean;
    let share = 100.0 * all.swaps_per_1000.mean / alert;
    report.add(
        "swaps, % of alert's",
        20.0,
        12.0,
        format!("{share:.0} (of {alert:.1})"),
        share,
    );
}

fn reactions(six: &Played, report: &mut Report) {
    let all = six.all();
    let mut add = |name: &str, must: usize, fine: usize, frames: &Frames, value: Option<usize>| {
        let value = value.unwrap_or(0);
        report.add(
            name,
            must as f64,
            fine as f64,
            format!("{value} (of {})", frames.count()),
            value as f64,
        );
    };
    let reaction = &all.reaction;
    add("reaction in frames, median", 2, 1, reaction, reaction.median());
    add("reaction in frames, largest", 4, 1, reaction, reaction.max());
    let recovery = &all.recovery;
    add("recovery in frames, median", 10, 6, recovery, recovery.median());
    add(
        "recovery in frames, p90",
        90,
        30,
        recovery,
        recovery.percentile(0.9),
    );
    let step = six.of(Shape::Step).recovery;
    add(
        "recovery in frames, step, p90",
        90,
        30,
        &step,
        step.percentile(0.9),
    );
}

fn costs(six: &Played, report: &mut Report) {
    let shadow = six.all().shadow_share;
    report.add(
        "time in shadow runs %",
        1.0,
        0.5,
        interval(shadow),
        100.0 * shadow.mean,
    );
    let cost = cost::measure();
    report.add(
        "decision, 16 candidates, µs",
        30.0,
        10.0,
        format!("{:.1}", cost.median_us),
        cost.median_us,
    );
    report.add(
        "its allocations",
        0.0,
        0.0,
        cost.allocations.to_string(),
        cost.allocations as f64,
    );
    let worlds = six.worlds.iter();
    let found: Vec<_> = worlds
        .map(|it| calibration::watch(it, Config::default()))
        .collect();
    let worst = found
        .iter()
        .map(calibration::Calibration::worst)
        .fold(0.0, f64::max);
    let least = found.iter().map(|it| it.least).fold(f64::INFINITY, f64::min);
    let most = found.iter().map(|it| it.most).fold(0.0, f64::max);
    report.add(
        "runs above their bound, off alpha by",
        1.0,
        0.5,
        format!(
            "{} ({} to {} % in any 60 s)",
            percent(worst),
            percent(least),
            percent(most)
        ),
        100.0 * worst,
    );
}
