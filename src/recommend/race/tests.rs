// SPDX-License-Identifier: MPL-2.0

use super::*;
use crate::random::Random;

struct Mean(Vec<f64>);

impl Statistic for Mean {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let total: f64 = weights.iter().sum();
        let sum: f64 = self.0.iter().zip(weights).map(|it| it.0 * it.1).sum();
        (0.0 < total).then(|| sum / total)
    }
}

/// Scores of models on the items of a clip with scenes, and what a run of each costs.
struct World {
    scores: Vec<Vec<f64>>,
    scenes: Vec<u32>,
    costs: Vec<f64>,
}

/// Scores with this standard deviation, of whose variance `shared` is the same for all models and goes on from frame to
/// frame; of the rest, a quarter belongs to a scene.
struct Scores<'a> {
    qualities: &'a [f64],
    sd: f64,
    shared: f64,
}

impl World {
    fn new(scores: &Scores, costs: &[f64], items: usize, seed: u64) -> World {
        let mut random = Random::new(seed);
        let mut world = World {
            scores: vec![Vec::new(); scores.qualities.len()],
            scenes: Vec::new(),
            costs: costs.to_vec(),
        };
        let (mut content, mut scene) = (0.0, 0);
        let mut offsets = vec![0.0; scores.qualities.len()];
        for _ in 0..items {
            if random.chance(0.02) {
                scene += 1;
                offsets.iter_mut().for_each(|it| *it = random.normal());
            }
            content = 0.9 * content + 0.19f64.sqrt() * random.normal();
            world.scenes.push(scene);
            for (model, quality) in scores.qualities.iter().enumerate() {
                let own = 0.5 * offsets[model] + 0.75f64.sqrt() * random.normal();
                let noise = scores.shared.sqrt() * content + (1.0 - scores.shared).sqrt() * own;
                world.scores[model].push((quality + scores.sd * noise).clamp(0.0, 1.0));
            }
        }
        world
    }

    fn race(&self, rules: Rules, seed: u64) -> Race {
        let entrant = |it: &f64| Entrant {
            cost: *it,
            latency: *it,
            memory: *it,
            complexity: 0.0,
        };
        let entrants: Vec<Entrant> = self.costs.iter().map(entrant).collect();
        let mut race = Race::new(Order::new(&self.scenes, seed), &entrants, rules);
        while let Some(round) = race.round() {
            for model in round.models {
                let seen = &race.order().items()[..round.items.end];
                let scores = seen.iter().map(|it| self.scores[model][*it]).collect();
                let spent = Spent {
                    cost: self.costs[model] * round.items.len() as f64,
                    latency: self.costs[model],
                };
                race.tell(model, Box::new(Mean(scores)), spent);
            }
        }
        race
    }

    /// Losses by all items.
    fn losses(&self, rules: &Rules) -> Vec<f64> {
        let loss = |(scores, cost): (&Vec<f64>, &f64)| {
            let mean = scores.iter().sum::<f64>() / scores.len() as f64;
            rules.weights.latency * cost / rules.budget - mean.ln()
        };
        self.scores.iter().zip(&self.costs).map(loss).collect()
    }
}

fn best(losses: &[f64]) -> usize {
    (0..losses.len())
        .min_by(|one, other| losses[*one].total_cmp(&losses[*other]))
        .unwrap()
}

/// Seconds of a run of eight models, and two sets of qualities: structural similarities of upscalers, and F1 of detectors, which
/// are not in the order of their costs.
const COSTS: [f64; 8] = [0.4e-3, 2.6e-3, 4e-3, 6e-3, 8.5e-3, 12e-3, 18e-3, 27e-3];
const UPSCALERS: Scores = Scores {
    qualities: &[0.80, 0.905, 0.92, 0.931, 0.94, 0.944, 0.946, 0.949],
    sd: 0.03,
    shared: 0.95,
};
const DETECTORS: Scores = Scores {
    qualities: &[0.45, 0.62, 0.5, 0.66, 0.58, 0.35, 0.72, 0.55],
    sd: 0.3,
    shared: 0.7,
};

/// The rules were chosen on worlds 100 to 139; these are others.
#[test]
fn a_race_finds_the_winner_of_the_full_run_at_a_third_of_its_cost() {
    println!("scores     seeds  same  same or a tie  cost, mean and largest");
    for (name, scores) in [("upscalers", &UPSCALERS), ("detectors", &DETECTORS)] {
        let rules = Rules::new(8);
        let (mut same, mut tied, mut costs) = (0, 0, Vec::new());
        for seed in 0..20 {
            let world = World::new(scores, &COSTS, 1000, 1000 + seed);
            let race = world.race(rules, seed);
            let losses = world.losses(&rules);
            let (winner, full) = (race.winner().unwrap(), best(&losses));
            same += usize::from(winner == full);
            tied += usize::from(losses[winner] - losses[full] < rules.indifference);
            costs.push(race.progress().0 / race.full_cost());
        }
        let mean = costs.iter().sum::<f64>() / 20.0;
        let largest = costs.iter().copied().fold(0.0, f64::max);
        println!("{name:10} {:5} {same:5} {tied:14}  {mean:.3} {largest:.3}", 20);
        assert!(
            tied == 20 && 18 <= same && largest <= 0.35,
            "{name}: {same}, {tied}, {largest}"
        );
    }
}

#[test]
fn twenty_models_cost_at_most_four_times_one() {
    let qualities: Vec<f64> = (0..20).map(|it| 0.5 + 0.02 * f64::from(it * 7 % 20)).collect();
    let costs: Vec<f64> = (0..20).map(|it| 2e-3 * f64::powi(1.15, it)).collect();
    let scores = |alike: bool| Scores {
        qualities: if alike { &[0.7; 20] } else { &qualities },
        sd: 0.3,
        shared: 0.7,
    };
    for alike in [false, true] {
        for seed in 0..5 {
            let world = World::new(&scores(alike), &costs, 1000, 2000 + seed);
            let race = world.race(Rules::new(20), seed);
            let share = race.progress().0 / race.full_cost();
            assert!(20.0 * share <= 4.0, "{} times one", 20.0 * share);
        }
    }
}

/// Four models, the best of which is ahead by two standard deviations of the mean of one.
#[test]
fn the_right_model_wins_in_200_worlds_with_a_gap() {
    let world = |qualities: &[f64], seed| {
        let scores = Scores {
            qualities,
            sd: 0.15,
            shared: 0.7,
        };
        World::new(&scores, &[0.01; 4][..qualities.len()], 600, seed)
    };
    let mean = |seed| world(&[0.5], seed).scores[0].iter().sum::<f64>() / 600.0;
    let means: Vec<f64> = (4000..4200).map(mean).collect();
    let middle = means.iter().sum::<f64>() / 200.0;
    let gap = 2.0 * (means.iter().map(|it| (it - middle).powi(2)).sum::<f64>() / 199.0).sqrt();
    let qualities = [0.6 - 3.0 * gap, 0.6 - gap, 0.6 - 2.0 * gap, 0.6];
    let is_right = |seed: &u64| world(&qualities, 3000 + seed).race(Rules::new(4), *seed).winner() == Some(3);
    let right = (0..200).filter(is_right).count();
    println!("gap {gap:.4}: right in {right} of 200 worlds");
    assert!(190 <= right, "{right}");
}

#[test]
fn a_model_that_is_faster_than_the_better_ones_is_never_out() {
    let world = World::new(&UPSCALERS, &COSTS, 1000, 7);
    let race = world.race(Rules::new(8), 1);
    let out = (0..8).filter(|it| matches!(race.standing(*it), Standing::Out { .. }));
    assert_eq!(out.count(), 0, "each is the best of its speed");
    let winner = Rules {
        goal: Goal::Winner,
        ..Rules::new(8)
    };
    let race = world.race(winner, 1);
    assert!(matches!(race.standing(0), Standing::Out { .. }));
    // Detectors that are slower and worse than another are out, by one that is neither.
    let race = World::new(&DETECTORS, &COSTS, 1000, 7).race(Rules::new(8), 1);
    for it in [2, 5, 7] {
        let Standing::Out { by } = race.standing(it) else {
            panic!("{it}: {:?}", race.standing(it));
        };
        assert!(by < it && DETECTORS.qualities[it] < DETECTORS.qualities[by]);
    }
    assert!(race.items(5) < race.items(6));
}

#[test]
fn a_model_that_fails_leaves_the_others_racing() {
    let entrants = [Entrant::default(); 3];
    let mut race = Race::new(Order::new(&[0; 40], 1), &entrants, Rules::new(3));
    let round = race.round().unwrap();
    assert_eq!((round.models.as_slice(), round.items), (&[0, 1, 2][..], 0..40));
    race.failed(1);
    let spent = Spent {
        cost: 1.0,
        latency: 0.1,
    };
    race.tell(0, Box::new(Mean(vec![0.5; 40])), spent);
    assert_eq!(race.round().unwrap().models, [2], "what is left of the round");
    race.tell(2, Box::new(Mean(vec![0.4; 40])), spent);
    assert_eq!(race.round(), None);
    assert_eq!((race.standing(1), race.winner()), (Standing::Failed, Some(0)));
}

#[test]
fn a_race_without_models_or_items_is_over() {
    assert_eq!(
        Race::new(Order::new(&[0; 40], 1), &[], Rules::new(0)).round(),
        None
    );
    let mut empty = Race::new(Order::new(&[], 1), &[Entrant::default()], Rules::new(1));
    assert_eq!((empty.round(), empty.winner()), (None, None));
    let mut alone = Race::new(Order::new(&[0; 40], 1), &[Entrant::default()], Rules::new(1));
    assert_eq!(alone.round().unwrap().items, 0..40);
}
