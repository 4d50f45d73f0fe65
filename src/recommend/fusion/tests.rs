// SPDX-License-Identifier: MPL-2.0

//! Fits to made-up answers whose truth and worth are known.

use std::time::Duration;

use super::*;
use crate::random::Random;
use crate::recommend::TooLittle;

const NAMES: [&str; 4] = ["bell", "dog", "rain", "siren"];

/// An answer with logits of unit noise on which the truth stands out by `strength`, told too surely by `power`.
fn answer(random: &mut Random, truth: usize, strength: f64, power: f64) -> Vec<(String, f64)> {
    let logit = |class| strength * f64::from(u8::from(class == truth)) + random.normal();
    let logits: Vec<f64> = (0..4).map(logit).collect();
    // The posterior of such logits is the softmax of strength times them.
    let raised: Vec<f64> = logits.iter().map(|it| (power * strength * it).exp()).collect();
    let sum: f64 = raised.iter().sum();
    NAMES
        .iter()
        .zip(raised)
        .map(|(name, it)| (name.to_string(), it / sum))
        .collect()
}

struct Material {
    picture: Vec<Said>,
    sound: Vec<Said>,
    truth: Vec<Option<Right>>,
}

/// Eight clips of 50 events, one a second; sound is told 200 ms before the picture.
fn material(strengths: [f64; 2], seed: u64) -> Material {
    let mut random = Random::new(seed);
    let mut made = Material {
        picture: Vec::new(),
        sound: Vec::new(),
        truth: Vec::new(),
    };
    for event in 0..400u64 {
        let truth = random.whole(0, 3);
        let (clip, time) = ((event / 50) as u32, Duration::from_secs(1 + event % 50));
        let mut said = |strength, power, earlier| Said {
            clip,
            time: time - Duration::from_millis(earlier),
            what: What::Classes(answer(&mut random, truth, strength, power)),
        };
        made.picture.push(said(strengths[0], 2.0, 0));
        made.sound.push(said(strengths[1], 0.5, 200));
        made.truth.push(Some(Right::Class(NAMES[truth].to_uppercase())));
    }
    made
}

fn fitted(made: &Material) -> Result<Report, FitError> {
    let models = ["picture.onnx", "sound.onnx"];
    fit(
        models,
        &made.picture,
        &made.sound,
        &made.truth,
        &Holding::default(),
    )
}

#[test]
fn two_sides_that_know_different_things_beat_both_and_the_file_says_the_same() {
    let report = fitted(&material([1.5, 1.5], 1)).unwrap();
    assert!(report.beats_both() && report.is_better_informed(), "{report}");
    assert!(report.fused.calibration_error < 0.06, "{report}");
    let temperatures = report.fusion.sides.each_ref().map(|it| match it.scaling {
        Scaling::Temperature(it) => it,
        _ => panic!("classes"),
    });
    assert!(
        (temperatures[0] - 2.0).abs() < 0.3 && (temperatures[1] - 0.5).abs() < 0.1,
        "{temperatures:?}"
    );
    let weights = report.fusion.weights();
    assert!(
        (weights[0] + weights[1] - MOST_WEIGHT).abs() < 1e-2,
        "independent sides want more than the bound: {weights:?}"
    );
    assert!(report.to_string().contains("the fusion beats both"), "{report}");

    let read = Fusion::from_toml(&report.to_toml()).unwrap();
    assert_eq!(read.labels, report.fusion.labels);
    for (read, made) in read.sides.iter().zip(&report.fusion.sides) {
        assert_eq!(read.model, made.model);
        assert!((read.weight - made.weight).abs() < 1e-4);
        assert!((read.measured.unwrap().confidence - made.measured.unwrap().confidence).abs() < 1e-6);
    }
}

#[test]
fn a_side_that_knows_nothing_gets_no_weight_and_no_victory_is_told() {
    let (mut made, mut random) = (material([1.5, 1.5], 2), Random::new(7));
    for said in &mut made.sound {
        let anything = random.whole(0, 3);
        said.what = What::Classes(answer(&mut random, anything, 1.5, 1.0));
    }
    let report = fitted(&made).unwrap();
    assert!(!report.beats_both() && !report.is_better_informed(), "{report}");
    let SideFit {
        weight,
        scaling: Scaling::Temperature(temperature),
        ..
    } = report.fusion.sides[1]
    else {
        panic!("classes");
    };
    assert!(weight / temperature < 0.1, "{:?}", report.fusion);
    assert!(report.to_string().contains("not shown to beat both"), "{report}");
}

#[test]
fn numbers_are_calibrated_and_fused() {
    let mut random = Random::new(5);
    let mut made = material([1.0, 1.0], 3);
    for at in 0..made.truth.len() {
        let yes = random.chance(0.5);
        let mut said = |scale: f64| What::Score(scale * (f64::from(u8::from(yes)) * 1.5 + random.normal()));
        (made.picture[at].what, made.sound[at].what) = (said(100.0), said(-0.01));
        made.truth[at] = Some(Right::Yes(yes));
    }
    let report = fitted(&made).unwrap();
    assert!(report.beats_both(), "{report}");
    let Scaling::Platt { slope, .. } = report.fusion.sides[1].scaling else {
        panic!()
    };
    assert!(slope < 0.0, "the lower the likelier");
    let read = Fusion::from_toml(&report.to_toml()).unwrap();
    assert!(read.is_of_scores());
}

#[test]
fn what_cannot_be_fitted_is_said() {
    let made = material([1.0, 1.0], 4);
    let said = |what: fn(&mut Material)| {
        let mut changed = material([1.0, 1.0], 4);
        what(&mut changed);
        fitted(&changed).unwrap_err().to_string()
    };
    assert!(said(|it| it.sound.clear()).contains("the sound model says nothing"));
    let renamed = said(|it| {
        for said in &mut it.sound {
            said.what = What::Classes(vec![("cow".into(), 1.0)]);
        }
    });
    assert!(
        renamed.contains("pictures are told as bell, dog, rain, siren, sound as cow"),
        "{renamed}"
    );
    let boxes = said(|it| {
        it.picture
            .iter_mut()
            .for_each(|it| it.what = What::Other("boxes"))
    });
    assert!(boxes.contains("answers with boxes"), "{boxes}");
    let mixed = said(|it| it.sound.iter_mut().for_each(|it| it.what = What::Score(0.5)));
    assert!(
        mixed.contains("classes and the sound model with numbers"),
        "{mixed}"
    );
    let one = said(|it| {
        it.truth
            .iter_mut()
            .for_each(|it| *it = Some(Right::Class("dog".into())))
    });
    assert!(one.contains("one class (dog)"), "{one}");
    let late = said(|it| {
        it.sound
            .iter_mut()
            .for_each(|it| it.time += Duration::from_secs(500))
    });
    assert!(late.contains("near enough in time"), "{late}");
    let few = Material {
        picture: made.picture[..6].to_vec(),
        sound: made.sound[..6].to_vec(),
        truth: made.truth[..6].to_vec(),
    };
    assert!(matches!(
        fitted(&few),
        Err(FitError::TooLittle(TooLittle { items: 6, .. }))
    ));
}

#[test]
fn classes_that_only_one_side_knows_are_left_out_and_told() {
    let mut made = material([1.5, 1.5], 6);
    for said in &mut made.sound {
        if let What::Classes(classes) = &mut said.what {
            classes.retain(|it| it.0 != "siren");
            classes.push(("wind".into(), 0.01));
        }
    }
    let report = fitted(&made).unwrap();
    assert_eq!(report.fusion.labels.len(), 3);
    assert_eq!(report.notes.len(), 3, "{:?}", report.notes);
    assert!(report.items < 400);
}

#[test]
fn a_file_that_is_no_fit_says_where() {
    let good = fitted(&material([1.5, 1.5], 1)).unwrap().to_toml();
    let broken = |from: &str, to: &str| {
        Fusion::from_toml(&good.replace(from, to))
            .unwrap_err()
            .to_string()
    };
    assert!(broken("version = 1", "version = 9").contains("layout 9"));
    assert!(broken("temperature", "temprature").contains("temprature"));
    assert!(broken("weight = 0.", "weight = 2.").contains("weight of 2"));
    for temperature in ["0.0", "0.009", "-1.0", "101.0", "inf", "nan"] {
        let text = broken("temperature = ", &format!("temperature = {temperature} # "));
        assert!(
            text.contains("has a temperature of") && text.contains("write 0.01 to 100"),
            "{text}"
        );
    }
    assert!(broken("temperature = ", "# ").contains("has no `temperature`"));
    assert!(broken("accuracy = 0", "accuracy = 7").contains("outside of 0 to 1"));
    assert!(broken("\"bell\"", "\"Dog\"").contains("Dog, dog"));
    assert!(
        Fusion::from_toml("")
            .unwrap_err()
            .to_string()
            .contains("no fit of a fusion")
    );
}

/// One side knows nothing for a minute, then the other, and neither says so: what they lose is clear answers, not all
/// confidence.
#[test]
fn with_one_side_spoiled_in_turn_the_fusion_is_well_above_both_and_above_fixed_weights() {
    let fit = fitted(&material([1.5, 1.5], 1)).unwrap().fusion;
    let mut random = Random::new(8);
    let events: Vec<(usize, [Answer; 2])> = (0..6000)
        .map(|event| {
            let truth = random.whole(0, 3);
            let spoiled = event / 600 % 2;
            let answers = [0, 1].map(|side| {
                let shown = if side == spoiled {
                    random.whole(0, 3)
                } else {
                    truth
                };
                let strength = if side == spoiled { 0.9 } else { 1.5 };
                let shares = answer(&mut random, shown, strength, [2.0, 0.5][side]);
                Answer::Classes((0..).zip(shares).map(|(class, it)| (class, it.1)).collect())
            });
            (truth, answers)
        })
        .collect();
    let accuracy = |memory: u64, trust: [f64; 2]| {
        let mut live = Live::new(Some(fit.clone()), Duration::from_secs(memory));
        let right = (0u64..).zip(&events).filter(|(event, (truth, answers))| {
            let time = Duration::from_millis(100 * event);
            let input = |side: usize| Input {
                answer: Some((time, &answers[side])),
                trust: trust[side],
            };
            let fused = live
                .fuse([input(0), input(1)], |it| NAMES[it as usize].to_owned())
                .unwrap();
            fused.combined.best().map(|it| fused.labels[it.0].as_str()) == Some(NAMES[*truth])
        });
        right.count() as f64 / events.len() as f64
    };
    let singles = [accuracy(0, [1.0, 0.0]), accuracy(0, [0.0, 1.0])];
    let (fixed, following) = (accuracy(0, [1.0; 2]), accuracy(6, [1.0; 2]));
    let best = singles[0].max(singles[1]);
    assert!(best + 0.05 < following, "{singles:?} {fixed} {following}");
    assert!(fixed < following, "{singles:?} {fixed} {following}");
}
