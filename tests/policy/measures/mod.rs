// SPDX-License-Identifier: MPL-2.0

//! Measures of answers compared with what tests/reference/measures.py got of the field's own programs for the same answers.
//!
//! Answers and truths are made by the same generator of integers there and here.

mod boxes;
mod media;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gstavrec::answer::{Answer, ClassMap, ClassScore, Mask, Text};
use gstavrec::score::Content;
use gstavrec::score::evaluation::{Evaluation, Observation, Terms, observe};

const CASES: u32 = 12;

/// The last step of MurmurHash3 for 32 bits.
fn mix(mut value: u32) -> u32 {
    value = (value ^ (value >> 16)).wrapping_mul(0x85EB_CA6B);
    value = (value ^ (value >> 13)).wrapping_mul(0xC2B2_AE35);
    value ^ (value >> 16)
}

/// Numbers of one case: the same for the same stream and index.
struct Draw {
    seed: u32,
}

impl Draw {
    fn new(kind: u32, case: u32) -> Draw {
        Draw {
            seed: kind * 1000 + case,
        }
    }

    fn one(&self, stream: u32, index: u32, below: u32) -> u32 {
        let start = mix(self.seed.wrapping_mul(4096).wrapping_add(stream));
        mix(start.wrapping_add(index)) % below
    }

    fn many(&self, stream: u32, count: u32, below: u32) -> Vec<u32> {
        (0..count).map(|it| self.one(stream, it, below)).collect()
    }

    fn signed(&self, stream: u32, index: u32, spread: u32) -> i32 {
        self.one(stream, index, 2 * spread + 1) as i32 - spread as i32
    }

    /// 0 to 3 for each item.
    fn weights(&self, count: u32) -> Vec<f64> {
        self.many(4000, count, 4).into_iter().map(f64::from).collect()
    }
}

/// The figures of measures.txt by kind, case and name.
fn expected(kind: &str) -> Vec<BTreeMap<String, Option<f64>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/measures.txt");
    let text = fs::read_to_string(path).unwrap();
    let mut cases = vec![BTreeMap::new(); CASES as usize];
    for line in text.lines().filter(|it| it.split(' ').next() == Some(kind)) {
        let words: Vec<&str> = line.split(' ').collect();
        let case: usize = words[1].parse().unwrap();
        cases[case].insert(words[2].to_string(), words[3].parse().ok());
    }
    cases
}

/// Compares all figures of one kind. `made` has the observations of a case; `further` the value of names that are no figure's.
#[track_caller]
fn check(
    kind: &str,
    tolerance: impl Fn(&str) -> f64,
    made: impl Fn(u32) -> Vec<Observation>,
    further: impl Fn(&Evaluation, &str) -> Option<f64>,
) {
    let mut worst = BTreeMap::<String, f64>::new();
    for (case, figures) in (0..CASES).zip(expected(kind)) {
        let observations = made(case);
        let evaluation = Evaluation::new(&observations).unwrap();
        let number: u32 = [
            "boxes", "labels", "places", "mattes", "pictures", "sounds", "scores", "texts",
        ]
        .iter()
        .zip(1..)
        .find_map(|(name, number)| (*name == kind).then_some(number))
        .unwrap();
        let weights = Draw::new(number, case).weights(observations.len() as u32);
        assert!(!figures.is_empty(), "{kind} {case}");
        for (name, expected) in figures {
            let got = match name.strip_prefix("weighted-") {
                Some(plain) => evaluation.figure(plain).unwrap().statistic.value(&weights),
                None => match evaluation.figure(&name) {
                    Some(figure) => figure.value(),
                    None => further(&evaluation, &name),
                },
            };
            match (got, expected) {
                (Some(got), Some(expected)) => {
                    let off = (got - expected).abs();
                    assert!(
                        off <= tolerance(&name),
                        "{kind} {case} {name}: {got}, expected {expected}"
                    );
                    let worst = worst.entry(name.clone()).or_default();
                    *worst = worst.max(off);
                }
                (got, expected) => assert_eq!(got, expected, "{kind} {case} {name}"),
            }
        }
    }
    println!("{kind}: the largest differences are {worst:?}");
}

fn no_further(_: &Evaluation, name: &str) -> Option<f64> {
    panic!("no figure is called {name}")
}

/// The statistic of a class: `name` is "map-class-3" for class 3 of the figure `of`.
fn of_class(evaluation: &Evaluation, of: &str, name: &str) -> Option<f64> {
    let class: u32 = name.rsplit('-').next().unwrap().parse().unwrap();
    let figure = evaluation.figure(of).unwrap();
    let class = figure.per_class.iter().find(|it| it.class == class)?;
    class.statistic.value(&vec![1.0; class.statistic.len()])
}

fn said(answer: Answer, truth: Answer, terms: &Terms) -> Observation {
    observe(Some(&Content::Said(answer)), &Content::Said(truth), terms).unwrap()
}

#[test]
fn classes_are_measured_as_by_scikit_learn() {
    let made = |case| {
        let draw = Draw::new(2, case);
        let (count, kinds) = (40 + 10 * case, 2 + case);
        let one = |it: u32| {
            let rare = draw.one(2, it, 3) == 0;
            let truth = if rare { 0 } else { draw.one(1, it, kinds) };
            let extra = draw.one(3, it, 1 << 20);
            let score = |class: u32| ClassScore {
                class,
                confidence: (draw.one(100 + it, class, 1 << 20) + if class == truth { extra } else { 0 })
                    as f32
                    / (1 << 21) as f32,
            };
            let right = ClassScore {
                class: truth,
                confidence: 1.0,
            };
            let answer = Answer::Classes((0..kinds).map(score).collect());
            said(answer, Answer::Classes(vec![right]), &Terms::default())
        };
        (0..count).map(one).collect()
    };
    check(
        "labels",
        |_| 1e-9,
        made,
        |evaluation, name| {
            if name.starts_with("recall") {
                return of_class(evaluation, "balanced-accuracy", name);
            }
            let places: Vec<u32> = name.split('-').skip(1).map(|it| it.parse().unwrap()).collect();
            let mut entries = evaluation.confusion.iter();
            let entry = entries.find(|it| (it.truth, it.answer) == (places[0], Some(places[1])));
            Some(entry.map_or(0.0, |it| it.count))
        },
    );
}

#[test]
fn class_maps_are_measured_as_by_scikit_learn() {
    let made = |case| {
        let draw = Draw::new(3, case);
        let (kinds, width, height) = (2 + case % 6, 20 + case, 15);
        let one = |item: u32| {
            let truth = |at| match draw.one(10 * item + 1, at, 20) {
                0 => 255,
                _ => draw.one(10 * item, at, kinds),
            };
            let answer = |at| match draw.one(10 * item + 2, at, 3) {
                0 => draw.one(10 * item + 3, at, kinds + 1),
                _ => truth(at) % 255,
            };
            let map = |class: &dyn Fn(u32) -> u32| {
                Answer::ClassMap(ClassMap {
                    width: width as usize,
                    height: height as usize,
                    classes: (0..width * height).map(|it| class(it) as u8).collect(),
                })
            };
            let terms = Terms {
                void: Some(255),
                ..Terms::default()
            };
            said(map(&answer), map(&truth), &terms)
        };
        (0..6).map(one).collect()
    };
    check(
        "places",
        |_| 1e-9,
        made,
        |evaluation, name| of_class(evaluation, "mean-iou", name),
    );
}

#[test]
fn mattes_are_measured_as_by_scikit_learn() {
    let made = |case| {
        let draw = Draw::new(4, case);
        let one = |item: u32| {
            let truth = draw.many(10 * item, 300, 256);
            let answer = truth.iter().zip(0..).map(|(it, at)| {
                let it = *it as i32 + draw.one(10 * item + 1, at, 81) as i32 - 40;
                it.clamp(0, 255) as u32
            });
            let mask = |all: Vec<u32>| {
                let hard = |it: u32| if 127 < it { 255 } else { 0 };
                let value = |it| if case % 2 == 0 { hard(it) } else { it };
                Answer::Matte(Mask {
                    width: 20,
                    height: 15,
                    coverage: all.into_iter().map(|it| value(it) as u8).collect(),
                })
            };
            said(mask(answer.collect()), mask(truth), &Terms::default())
        };
        (0..5).map(one).collect()
    };
    check("mattes", |_| 1e-9, made, no_further);
}

#[test]
fn scores_are_measured_as_by_scipy() {
    let made = |case| {
        let draw = Draw::new(7, case);
        let (count, levels) = (5 + 10 * case, if case % 3 == 0 { 4 } else { 1000 });
        let one = |it: u32| {
            let truth = draw.one(1, it, levels);
            let answer = draw.one(2, it, levels) + truth * (case % 4);
            said(
                Answer::Score(answer as f32),
                Answer::Score(truth as f32),
                &Terms::default(),
            )
        };
        (0..count).map(one).collect()
    };
    check("scores", |_| 1e-9, made, no_further);
}

const WORDS: [&str; 10] = [
    "a", "of", "exit", "news", "Übung", "sport", "weather", "café", "2026", "tonight",
];

#[test]
fn texts_are_measured_as_by_jiwer() {
    let made = |case| {
        let draw = Draw::new(8, case);
        let one = |item: u32| {
            let (mut truth, mut heard) = (Vec::new(), Vec::new());
            for at in 0..draw.one(10 * item + 1, 0, 9) {
                let word = WORDS[draw.one(10 * item, at, 10) as usize].to_string();
                let other = WORDS[draw.one(10 * item + 3, at, 10) as usize].to_string();
                truth.push(word.clone());
                match draw.one(10 * item + 2, at, 8) {
                    0 => (),
                    1 => heard.push(other),
                    2 => heard.extend([word, other]),
                    3 => {
                        let most = word.chars().count() - 1;
                        heard.push(word.chars().take(most).chain(['x']).collect());
                    }
                    _ => heard.push(word),
                }
            }
            let text = |words: Vec<String>| {
                Answer::Text(Text {
                    text: words.join(" "),
                    confidence: 1.0,
                })
            };
            said(text(heard), text(truth), &Terms::default())
        };
        (0..8).map(one).collect()
    };
    check("texts", |_| 1e-9, made, no_further);
}
