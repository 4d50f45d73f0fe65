// SPDX-License-Identifier: MPL-2.0

//! Runs models on the drawn items, as many as it takes to tell them apart.

use gstavrec::quantile::median;
use gstavrec::recommend::{Entrant, Item, Order, Race, Rules, Spent, Standing, scenes};
use gstavrec::score::Statistic;
use gstavrec::score::evaluation::{Evaluation, Observation};

use super::bench::{Bench, Fault, Question};
use super::cache::Entry;
use super::findings::{Adversarial, Robustness};
use super::material::{Form, Material, Place};
use super::progress::Progress;

/// Items that a model runs on before it is the turn of the next one.
const TURN: usize = 8;

/// How many times their processor time runs may take before the machine is told to have been busy.
const BUSY: f64 = 1.25;

/// Items that could be drawn, and the order in which they are.
pub struct Drawn {
    /// In the order in which they are judged.
    pub places: Vec<Place>,
    /// The same as the statistics know them.
    pub items: Vec<Item>,
    pub order: Order,
    /// Scenes of each clip.
    pub scenes: Vec<usize>,
}

impl Drawn {
    /// Draws at most so many of the items that have a label, where labels are asked for: the same ones of the same files, whatever
    /// these are called and in which order they are given.
    pub fn new(bench: &Bench, most: usize, seed: u64) -> Result<Drawn, String> {
        let asks_labels = matches!(bench.question(), Some(Question::Labels { .. }));
        let clips = &bench.material.clips;
        let mut scenes_of = vec![0; clips.len()];
        let (mut places, mut strata) = (Vec::new(), Vec::new());
        let mut by_content: Vec<usize> = (0..clips.len()).collect();
        by_content.sort_by_key(|it| &clips[*it].hash);
        for (rank, number) in by_content.into_iter().enumerate() {
            let clip = &clips[number];
            let histograms: Vec<[f64; 16]> = clip.seen.iter().map(|it| it.histogram.map(f64::from)).collect();
            let scene = match clip.form {
                // Of sound loudness is the scene, whenever it is heard.
                Form::Sound => histograms.iter().map(loudest).collect(),
                _ => scenes(&histograms),
            };
            let mut distinct = scene.clone();
            distinct.sort_unstable();
            distinct.dedup();
            scenes_of[number] = distinct.len();
            for (index, scene) in scene.into_iter().enumerate() {
                let place = Place { clip: number, index };
                let mut class = 0;
                if asks_labels {
                    let Some(label) = bench.label(place)? else {
                        continue;
                    };
                    class = first_class(&label);
                }
                // Pictures that stand alone are one scene, whoever took them.
                let of = if clip.form == Form::Picture { 0 } else { rank + 1 };
                strata.push((of, scene, class));
                places.push(place);
            }
        }
        if places.is_empty() {
            return Err("no item of the material has a label; do the names of the files agree?".into());
        }
        let mut distinct = strata.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let number = |it| distinct.binary_search(it).unwrap_or_default() as u32;
        let numbers: Vec<u32> = strata.iter().map(number).collect();
        let order = Order::new(&numbers, seed).first(most);
        let (drawn, items): (Vec<_>, Vec<_>) = order
            .items()
            .iter()
            .map(|it| {
                let place = places[*it];
                let seen = bench.material.seen(place);
                let item = Item {
                    clip: u32::try_from(place.clip).unwrap_or(u32::MAX),
                    time: seen.time.as_secs_f64(),
                    stratum: numbers[*it],
                };
                (place, item)
            })
            .unzip();
        Ok(Drawn {
            places: drawn,
            items,
            order,
            scenes: scenes_of,
        })
    }
}

fn loudest(histogram: &[f64; 16]) -> u32 {
    let most = histogram
        .iter()
        .enumerate()
        .max_by(|one, other| one.1.total_cmp(other.1));
    most.map_or(0, |it| it.0 as u32)
}

/// The class of a label that strata are made by, from 1; 0 for none.
fn first_class(label: &gstavrec::truth::Label) -> u32 {
    use gstavrec::answer::Answer;
    match label.answer() {
        Some(Answer::Detections(found)) => found.iter().map(|it| it.class + 1).min().unwrap_or(0),
        Some(Answer::Classes(classes)) => classes
            .iter()
            .max_by(|one, other| one.confidence.total_cmp(&other.confidence))
            .map_or(0, |it| it.class + 1),
        _ => 0,
    }
}

/// What was measured of each model, on the first items of the order.
pub struct Results {
    pub entries: Vec<Vec<Entry>>,
    /// Why a model is out of it.
    pub failed: Vec<Option<String>>,
    /// Time of all runs that were made or known, in seconds, and what all on all would have taken.
    pub spent: f64,
    /// How the race ended for each; empty where there was none.
    pub standings: Vec<Standing>,
    pub cached: u64,
    pub told: u64,
    /// What is left on changed items, where that was measured.
    pub robustness: Vec<Option<Robustness>>,
    pub adversarial: Vec<Option<Adversarial>>,
}

/// Runs all models on all items, but for those that fail.
pub fn all_on_all(bench: &mut Bench, drawn: &Drawn, progress: &mut Progress) -> Result<Results, String> {
    bench.read(&drawn.places)?;
    let models = bench.contenders.len();
    let mut results = Results::new(models);
    let mut done = 0;
    for part in drawn.places.chunks(TURN) {
        for model in 0..models {
            for place in part {
                if !results.observe(bench, model, *place)? {
                    break;
                }
            }
            done += part.len();
            progress.tell(done as f64 / (models * drawn.places.len()) as f64);
        }
    }
    Ok(results)
}

/// Runs models on as many items as it takes to tell them apart; those that cannot win any more stop early.
pub fn race(
    bench: &mut Bench,
    drawn: &Drawn,
    rules: Rules,
    progress: &mut Progress,
) -> Result<Results, String> {
    let models = bench.contenders.len();
    let mut results = Results::new(models);
    // What one item takes is not known yet; the first round tells.
    let entrant = |it: &super::contenders::Contender| Entrant {
        cost: it.candidate.latency.map_or(0.02, |it| it.as_secs_f64()),
        latency: it.candidate.latency.map_or(0.02, |it| it.as_secs_f64()),
        memory: it.candidate.memory.map_or(1e8, |it| it as f64),
        complexity: it.candidate.cost,
    };
    let entrants: Vec<Entrant> = bench.contenders.iter().map(entrant).collect();
    let mut race = Race::new(drawn.order.clone(), &entrants, rules);
    while let Some(round) = race.round() {
        let places = drawn.places.get(round.items.clone()).unwrap_or_default().to_vec();
        bench.read(&places)?;
        let begun = results.spent;
        let spent_by =
            |results: &Results, model: usize| results.entries[model].iter().map(seconds).sum::<f64>();
        let before: Vec<f64> = (0..models).map(|it| spent_by(&results, it)).collect();
        // In turns: what the machine does besides meets all of them.
        for part in places.chunks(TURN) {
            for &model in &round.models {
                for place in part {
                    if !results.observe(bench, model, *place)? {
                        break;
                    }
                    let (spent, to_come) = race.progress();
                    let now = spent + results.spent - begun;
                    progress.tell(now / (spent + to_come).max(1e-9));
                }
            }
        }
        for model in round.models {
            match Probability::new(&results.observations(model, usize::MAX)) {
                Some(quality) if results.failed[model].is_none() => {
                    let latencies = results.entries[model]
                        .iter()
                        .flat_map(|it| it.latencies_ns.iter().copied());
                    let spent = Spent {
                        cost: spent_by(&results, model) - before[model],
                        latency: median(latencies).unwrap_or(0) as f64 / 1e9,
                    };
                    race.tell(model, Box::new(quality), spent);
                }
                _ => race.failed(model),
            }
        }
        for model in 0..models {
            if !matches!(race.standing(model), Standing::Racing) {
                bench.dismiss(model);
            }
        }
    }
    results.standings = (0..models).map(|it| race.standing(it)).collect();
    Ok(results)
}

impl Results {
    pub fn new(models: usize) -> Results {
        Results {
            entries: vec![Vec::new(); models],
            failed: vec![None; models],
            spent: 0.0,
            standings: Vec::new(),
            cached: 0,
            told: 0,
            robustness: vec![None; models],
            adversarial: vec![None; models],
        }
    }

    /// Measures a model on the next item; `false` where it is out of it.
    pub fn observe(&mut self, bench: &mut Bench, model: usize, place: Place) -> Result<bool, String> {
        if self.failed[model].is_some() {
            return Ok(false);
        }
        let runs = bench.runs;
        match bench.observe(model, place, None) {
            Ok(entry) => {
                self.told += 1;
                self.cached += u64::from(bench.runs == runs);
                self.spent += seconds(&entry);
                self.entries[model].push(entry);
                Ok(true)
            }
            Err(Fault::Model(cause)) => {
                let count = self.entries[model].len();
                let cause = match count {
                    0 => cause,
                    count => format!("{cause} (after {count} items)"),
                };
                self.failed[model] = Some(cause);
                bench.dismiss(model);
                Ok(false)
            }
            Err(Fault::All(cause)) => Err(cause),
        }
    }

    /// Time of one item, in seconds, in the mean.
    pub fn cost(&self, model: usize) -> f64 {
        let entries = &self.entries[model];
        entries.iter().map(seconds).sum::<f64>() / entries.len().max(1) as f64
    }

    /// By how much runs were longer than the processor time that they took, where that says that others were running.
    pub fn busy(&self) -> Option<f64> {
        let of = |entries: &Vec<Entry>| {
            let timed = entries.iter().filter(|it| 0 < it.processor_ns);
            let ratios = timed.map(|it| it.latencies_ns.iter().sum::<u64>() as f64 / it.processor_ns as f64);
            median(ratios)
        };
        let longest = self.entries.iter().filter_map(of).fold(0.0, f64::max);
        (BUSY <= longest).then_some(longest)
    }

    /// How many models were not measured on all items.
    pub fn stopped(&self, items: usize) -> usize {
        let is_stopped = |it: &&Vec<Entry>| (1..items).contains(&it.len());
        self.entries.iter().filter(is_stopped).count()
    }

    /// Time of the runs over what all on all would have taken.
    pub fn share_of_time(&self, items: usize) -> f64 {
        let whole: f64 = (0..self.entries.len())
            .map(|it| self.cost(it) * items as f64)
            .sum();
        if 0.0 < whole { self.spent / whole } else { 1.0 }
    }

    pub fn observations(&self, model: usize, count: usize) -> Vec<Observation> {
        let entries = self.entries[model].iter().take(count);
        entries.map(|it| it.observation.clone()).collect()
    }
}

/// Time that an item took.
fn seconds(entry: &Entry) -> f64 {
    entry.latencies_ns.iter().sum::<u64>() as f64 / 1e9
}

/// P over items, by the task's first measure.
pub struct Probability(Evaluation);

impl Probability {
    pub fn new(observations: &[Observation]) -> Option<Probability> {
        Evaluation::new(observations).ok().map(Probability)
    }
}

impl Statistic for Probability {
    fn len(&self) -> usize {
        self.0.primary().statistic.len()
    }

    fn value(&self, weights: &[f64]) -> Option<f64> {
        let figure = self.0.primary();
        figure.statistic.value(weights).map(|it| figure.probability(it))
    }
}

/// How many items each clip gave.
pub fn drawn_of(material: &Material, drawn: &Drawn, clip: usize) -> usize {
    debug_assert!(clip < material.clips.len());
    drawn.places.iter().filter(|it| it.clip == clip).count()
}
