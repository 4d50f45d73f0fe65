// SPDX-License-Identifier: MPL-2.0

//! Coverage in worlds whose truth is known: clips with means of their own, and frames that follow each other.

use super::*;
use crate::random::Random;
use crate::recommend::{Clusters, Item, Resampling};
use crate::score::Statistic;

/// Items with a value and a class each, and what is made of them.
struct Judged {
    items: Vec<Item>,
    values: Vec<f64>,
    classes: Vec<usize>,
    /// Items of detections in the order of their scores, and whether they are true; for average precision only.
    detections: Vec<(usize, bool)>,
    figure: Figure,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Figure {
    Mean,
    /// Share of the values below 1.28: 0.9.
    Rate,
    /// Mean over classes of the share below a bound of the class.
    BalancedAccuracy,
    /// Of detections with scores, one true for each item whose value is below 1, one false for each.
    AveragePrecision,
}

impl Statistic for Judged {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let share = |is_of: &dyn Fn(usize) -> bool, bound: f64| {
            let (mut below, mut all) = (0.0, 0.0);
            for (at, value) in self.values.iter().enumerate().filter(|it| is_of(it.0)) {
                all += weights[at];
                below += if *value < bound { weights[at] } else { 0.0 };
            }
            (0.0 < all).then(|| below / all)
        };
        match self.figure {
            Figure::Mean => {
                let total: f64 = weights.iter().sum();
                let sum: f64 = self.values.iter().zip(weights).map(|it| it.0 * it.1).sum();
                (0.0 < total).then(|| sum / total)
            }
            Figure::Rate => share(&|_| true, 1.2816),
            Figure::BalancedAccuracy => {
                let bounds = [1.0, 0.6, 0.2];
                let of_class = |class: usize| share(&|at| self.classes[at] == class, bounds[class]);
                let known: Vec<f64> = (0..3).filter_map(of_class).collect();
                (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
            }
            Figure::AveragePrecision => self.average_precision(weights),
        }
    }
}

impl Judged {
    /// Looks for the detections.
    fn detect(&mut self) {
        let mut scored = Vec::new();
        for (at, value) in self.values.iter().enumerate() {
            if *value < 1.0 {
                scored.push((1.0 - value, (at, true)));
            }
            scored.push((0.5 * value - 0.5 * self.classes[at] as f64, (at, false)));
        }
        scored.sort_by(|one, other| other.0.total_cmp(&one.0));
        self.detections = scored.into_iter().map(|it| it.1).collect();
    }

    /// Area under precision by recall.
    fn average_precision(&self, weights: &[f64]) -> Option<f64> {
        let total: f64 = weights.iter().sum();
        let (mut hits, mut all, mut area) = (0.0, 0.0, 0.0);
        for (at, is_true) in &self.detections {
            let weight = weights[*at];
            all += weight;
            if *is_true && 0.0 < weight {
                hits += weight;
                area += weight * hits / all;
            }
        }
        (0.0 < total).then(|| area / total)
    }
}

#[derive(Clone, Copy)]
struct World {
    clips: usize,
    /// Seconds of a clip in the mean, at five frames a second.
    seconds: f64,
    /// Seconds until the correlation of frames has fallen to 1/e.
    correlated: f64,
    /// Share of the variance that is the clip's.
    of_clip: f64,
}

fn judged(world: World, figure: Figure, random: &mut Random) -> Judged {
    let kept = (-0.2 / world.correlated).exp();
    let mut all = Judged {
        items: Vec::new(),
        values: Vec::new(),
        classes: Vec::new(),
        detections: Vec::new(),
        figure,
    };
    for clip in 0..world.clips as u32 {
        let offset = world.of_clip.sqrt() * random.normal();
        let (mut course, mut class) = (random.normal(), random.whole(0, 2));
        let frames = (5.0 * world.seconds * random.between(0.6, 1.4)) as usize;
        for frame in 0..frames {
            course = kept * course + (1.0 - kept * kept).sqrt() * random.normal();
            if random.chance(1.0 - kept) {
                class = if random.chance(0.6) { 0 } else { random.whole(1, 2) };
            }
            let own = (1.0 - world.of_clip).sqrt() * (0.8 * course + 0.6 * random.normal());
            all.values.push(offset + own);
            all.classes.push(class);
            all.items.push(Item {
                clip,
                time: 0.2 * frame as f64,
                stratum: 0,
            });
        }
    }
    if figure == Figure::AveragePrecision {
        all.detect();
    }
    all
}

/// Share of 300 worlds in which the interval has what many other clips say.
fn coverage(world: World, figure: Figure) -> f64 {
    let many = World {
        clips: 2000,
        seconds: 10.0,
        ..world
    };
    let truth = judged(many, figure, &mut Random::new(1));
    let truth = truth.value(&vec![1.0; truth.len()]).unwrap();
    let scale = if figure == Figure::Mean {
        Scale::Real
    } else {
        Scale::Share
    };
    let covers = |seed: &u64| {
        let sample = judged(world, figure, &mut Random::new(30_000 + seed));
        let resampling = Resampling::new(Clusters::new(&sample.items), vec![1.0; sample.len()], 0, 1);
        let figure = resampling.of(&sample).unwrap();
        resampling
            .estimate(&figure, scale)
            .is_ok_and(|it| it.covers(truth))
    };
    (0..300).filter(covers).count() as f64 / 300.0
}

const FIGURES: [Figure; 4] = [
    Figure::Mean,
    Figure::Rate,
    Figure::BalancedAccuracy,
    Figure::AveragePrecision,
];

/// The method, and the number of stretches, were chosen on worlds 1,000 to 5,599; these are others. In 600 worlds, instead of 300, all
/// are within 92 and 97 % but for rates of four clips with 91 %; single figures of 300 scatter by 1.3 points.
#[test]
fn intervals_of_95_percent_cover_in_92_to_98_percent_of_the_worlds() {
    let world = |clips, seconds, correlated, of_clip| World {
        clips,
        seconds,
        correlated,
        of_clip,
    };
    let worlds = [
        world(1, 60.0, 0.5, 0.0),
        world(1, 120.0, 1.0, 0.0),
        world(2, 30.0, 0.5, 0.0),
        world(4, 20.0, 0.5, 0.3),
        world(8, 10.0, 0.5, 0.3),
        world(20, 10.0, 0.5, 0.3),
        world(40, 10.0, 0.5, 0.3),
    ];
    println!("clips  seconds  correlated  of the clip  mean  rate 0.9  balanced  AP");
    for it in worlds {
        let covered = FIGURES.map(|figure| coverage(it, figure));
        let text = covered.map(|it| format!("{:.1}", 100.0 * it)).join("   ");
        println!(
            "{:5} {:8} {:11} {:12}  {text}",
            it.clips, it.seconds, it.correlated, it.of_clip
        );
        let mean = covered.iter().sum::<f64>() / 4.0;
        assert!((0.92..=0.98).contains(&mean), "{covered:?}");
        assert!(covered.iter().all(|it| (0.90..=0.99).contains(it)), "{covered:?}");
    }
}

/// Where it is not true, which the [`crate::recommend::Grouping`] tells: of two or three clips the interval holds for longer runs
/// of the same ones and not for others. A run of 30 correlation times is nearly too short for eight stretches.
#[test]
fn few_clips_say_little_of_others() {
    let few = World {
        clips: 3,
        seconds: 30.0,
        correlated: 0.5,
        of_clip: 0.3,
    };
    let short = World {
        clips: 1,
        seconds: 30.0,
        correlated: 1.0,
        of_clip: 0.0,
    };
    let (few, short) = (coverage(few, Figure::Mean), coverage(short, Figure::Mean));
    println!("three clips {few:.3}, a short run {short:.3}");
    assert!(few < 0.7 && few < short, "{few} {short}");
}

#[test]
fn two_frames_conclude_nothing_and_an_interval_of_a_share_stays_one() {
    let two: Vec<Item> = (0..2)
        .map(|it| Item {
            time: f64::from(it),
            ..Item::default()
        })
        .collect();
    let sample = |values: Vec<f64>, items: Vec<Item>| Judged {
        classes: vec![0; values.len()],
        detections: Vec::new(),
        figure: Figure::Rate,
        items,
        values,
    };
    let estimate = |of: &Judged| {
        let resampling = Resampling::new(Clusters::new(&of.items), vec![1.0; of.len()], 0, 1);
        resampling.estimate(&resampling.of(of).unwrap(), Scale::Share)
    };
    let too_little = estimate(&sample(vec![0.0, 2.0], two)).unwrap_err();
    assert_eq!(
        (too_little.value, too_little.items, too_little.clusters),
        (Some(0.5), 2, 2)
    );
    let many: Vec<Item> = (0..20)
        .map(|clip| Item {
            clip,
            ..Item::default()
        })
        .collect();
    let all_right = estimate(&sample(vec![0.0; 20], many)).unwrap();
    // Clopper and Pearson for 20 of 20: 0.832 to 1.
    assert_eq!((all_right.value, all_right.high), (1.0, 1.0));
    assert!(
        (all_right.low - 0.025f64.powf(1.0 / 20.0)).abs() < 1e-9,
        "{all_right:?}"
    );
}
