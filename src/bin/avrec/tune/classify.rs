// SPDX-License-Identifier: MPL-2.0

//! Classifiers: the last layer is refitted by logistic regression in which each class counts the same.

use gstavrec::answer::Answer;
use gstavrec::tune::blocks::{Split, split};
use gstavrec::tune::gain::Gain;
use gstavrec::tune::graph::layer::{self, Layer};
use gstavrec::tune::graph::tail::{Step, Tail};
use gstavrec::tune::logistic::{Kind, Rows, softmax};

use super::Job;
use super::items::Items;
use super::outcome::{Measured, Outcome};
use super::restore::MOST_FEATURES;
use super::tapped::{Subject, floats};
use super::teacher::{Teacher, class};
use crate::console::say;
use crate::failure::Failure;

/// Parts of the first half, each of which is left out once to choose the ridge.
const FOLDS: usize = 4;

/// Strengths of the ridge that are tried, in units of a feature's mean square.
const RIDGES: [f64; 8] = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0];

pub fn tune(job: &Job, mut subject: Subject, mut teacher: Option<Teacher>) -> Result<Outcome, Failure> {
    let output = subject
        .offline
        .model()
        .outputs
        .first()
        .map(|it| it.name.clone())
        .unwrap_or_default();
    let tail = Tail::find(&subject.file, &subject.nodes, &output).map_err(|it| subject.unsuitable(&it))?;
    let is_plain = |it: &Step| {
        matches!(
            it,
            Step::Softmax | Step::Sigmoid | Step::Reshape | Step::Transpose(_)
        )
    };
    if !tail.steps.iter().all(is_plain) {
        return Err(
            subject.unsuitable(&"between its last layer and its answer stands more than softmax or sigmoid")
        );
    }
    let layer = &tail.layer;
    if MOST_FEATURES < layer.features {
        let text = format!(
            "its last layer has {} features, more than {MOST_FEATURES}",
            layer.features
        );
        return Err(subject.unsuitable(&text));
    }
    let names = subject.offline.labels().to_vec();
    if layer.outputs < 2 || names.len() != layer.outputs {
        let text = format!(
            "its last layer has {} outputs, and {} classes have names; give their names with --set labels-file=FILE",
            layer.outputs,
            names.len()
        );
        return Err(subject.unsuitable(&text));
    }
    let items = Items::read(job, &subject.offline)?;
    let split = split(&items.places());
    let wanted = wanted(&items, &names, teacher.as_mut())?;
    let features = features(&mut subject, &tail, &items)?;
    let mut targets = wanted.clone();
    if job.typed.shuffle {
        let order = gstavrec::tune::blocks::shuffled(split.fitted.len(), job.typed.seed);
        for (to, from) in split.fitted.iter().zip(order) {
            targets[to.0] = wanted[split.fitted[from].0].clone();
        }
    }
    say(&format!(
        "{} items, {} to fit {} classes by {} features on, {} held out",
        items.len(),
        split.fitted.len(),
        layer.outputs,
        layer.features,
        split.held.len()
    ));
    let settings = format!("{} items", split.fitted.len());
    let fit = fit(layer, &features, &targets, &split);
    let Some((weights, ridge)) = fit else {
        return Ok(Outcome {
            file: subject.file,
            measured: None,
            files: items.files,
            fitted: String::new(),
            settings,
        });
    };
    let (matrix, biases) = apart(&weights, layer.features);
    let mut file = subject.file.clone();
    layer
        .write(&mut file, &matrix, &biases)
        .map_err(|it| subject.unsuitable(&it))?;
    let measured = measure(
        &mut subject,
        &file,
        (&items, &split),
        (&wanted, teacher.is_some()),
    )?;
    Ok(Outcome {
        file,
        measured: Some(measured),
        files: items.files,
        fitted: format!(
            "logistic regression of '{}', balanced, ridge {ridge}",
            layer.output
        ),
        settings,
    })
}

/// Weights of the layer as rows of classes with the bias last.
pub fn together(layer: &Layer) -> Vec<f64> {
    let rows = layer.weights.chunks_exact(layer.features).zip(&layer.biases);
    rows.flat_map(|(weights, bias)| {
        weights
            .iter()
            .chain([bias])
            .map(|it| f64::from(*it))
            .collect::<Vec<_>>()
    })
    .collect()
}

/// Rows of classes with the bias last as weights and biases.
pub fn apart(weights: &[f64], features: usize) -> (Vec<f32>, Vec<f32>) {
    let rows = || weights.chunks_exact(features + 1);
    let matrix = rows()
        .flat_map(|it| it[..features].iter().map(|it| *it as f32))
        .collect();
    (matrix, rows().map(|it| it[features] as f32).collect())
}

/// Probabilities that should come out for each item; none where nothing is known.
fn wanted(items: &Items, names: &[String], teacher: Option<&mut Teacher>) -> Result<Vec<Vec<f64>>, Failure> {
    if let Some(teacher) = teacher {
        return (0..items.len())
            .map(|it| taught(teacher, items, it, names.len()))
            .collect();
    }
    let mut wanted = Vec::new();
    for item in 0..items.len() {
        let file = items.file(item);
        let Some(folder) = &file.class else {
            let text = format!(
                "{}: nothing says its class; give a folder with a folder for each class, or --teacher MODEL",
                file.path.display()
            );
            return Err(Failure::Usage(text));
        };
        let Some(class) = class(names, folder) else {
            let text = format!(
                "the folder '{folder}' is no class of the model, which are: {}",
                names.join(", ")
            );
            return Err(Failure::Usage(text));
        };
        let mut probabilities = vec![0.0; names.len()];
        probabilities[class] = 1.0;
        wanted.push(probabilities);
    }
    let seen = (0..names.len())
        .filter(|class| wanted.iter().any(|it| 0.0 < it[*class]))
        .count();
    if seen < 2 {
        let text = "all of the material is of one class, from which nothing can be learned; give others too";
        return Err(Failure::Usage(text.to_owned()));
    }
    Ok(wanted)
}

fn taught(teacher: &mut Teacher, items: &Items, item: usize, classes: usize) -> Result<Vec<f64>, Failure> {
    let mut probabilities = vec![0.0; classes];
    if let Some(Answer::Classes(scores)) = teacher.answer(items, item, 0.0)? {
        for score in scores {
            if let Some(Some(class)) = teacher.classes.get(score.class as usize) {
                probabilities[*class] += f64::from(score.confidence);
            }
        }
    }
    let sum: f64 = probabilities.iter().sum();
    if 0.0 < sum {
        probabilities.iter_mut().for_each(|it| *it /= sum);
    }
    Ok(probabilities)
}

/// What the last layer sees of each item.
fn features(subject: &mut Subject, tail: &Tail, items: &Items) -> Result<Vec<Vec<f32>>, Failure> {
    let layer = &tail.layer;
    let mut tapped = subject.tapped(&[&layer.input, &layer.output])?;
    let places = (tapped.place(&layer.input)?, tapped.place(&layer.output)?);
    let mut features = Vec::new();
    for item in 0..items.len() {
        let input = items.input(&mut subject.offline, item)?;
        let outputs = tapped.run(&input)?;
        let (seen, told) = (outputs.get(places.0), outputs.get(places.1));
        let values = seen.and_then(floats);
        let rows = match (seen, &values, told) {
            (Some(seen), Some(values), Some(told)) => {
                layer::Rows::new(layer, (&seen.dims, values), &told.dims)
            }
            _ => None,
        };
        let rows = rows.filter(|it| it.len() == 1);
        let rows =
            rows.ok_or_else(|| subject.unsuitable(&"its last layer does not answer once for each item"))?;
        let mut row = vec![0.0; layer.features];
        rows.features(0, &mut row);
        features.push(row);
    }
    Ok(features)
}

/// Weights whose loss on what was left out is the least; `None` where that of the old ones is.
fn fit(layer: &Layer, features: &[Vec<f32>], targets: &[Vec<f64>], split: &Split) -> Option<(Vec<f64>, f64)> {
    let old = together(layer);
    let count = FOLDS.min(split.fitted.iter().map(|it| it.1 + 1).max()?);
    let gathered = |takes: &dyn Fn(usize) -> bool| {
        let mut rows = Rows::new(layer.features, layer.outputs);
        for (item, block) in split.fitted.iter().filter(|it| takes(it.1 % count)) {
            let numbers = features[*item].iter().map(|it| f64::from(*it));
            rows.add(numbers, targets[*item].iter().copied(), 1.0);
            let _ = block;
        }
        rows.balance();
        rows
    };
    let folds: Vec<_> = (0..count)
        .map(|fold| (gathered(&|it| it != fold), gathered(&|it| it == fold)))
        .collect();
    if folds.iter().any(|it| it.0.is_empty() || it.1.is_empty()) {
        return None;
    }
    let loss = |weights: &dyn Fn(&Rows) -> Option<Vec<f64>>| {
        let each = folds
            .iter()
            .map(|(kept, left)| Some(left.loss(&weights(kept)?, Kind::Softmax)));
        each.sum::<Option<f64>>()
    };
    let before = loss(&|_| Some(old.clone()))?;
    let tried = RIDGES
        .iter()
        .filter_map(|&ridge| Some((loss(&|rows| rows.fit(&old, Kind::Softmax, ridge))?, ridge)));
    let (after, ridge) = tried.min_by(|one, other| one.0.total_cmp(&other.0))?;
    if !(after < before) {
        return None;
    }
    Some((gathered(&|_| true).fit(&old, Kind::Softmax, ridge)?, ridge))
}

/// Runs both models on the second half: the share of items whose class is the wanted one, each class counting the same.
fn measure(
    subject: &mut Subject,
    file: &gstavrec::tune::graph::file::OnnxFile,
    (items, split): (&Items, &Split),
    (wanted, is_taught): (&[Vec<f64>], bool),
) -> Result<Measured, Failure> {
    let mut models = [subject.runner(&subject.file)?, subject.runner(file)?];
    let mut hits = Vec::new();
    for (item, block) in &split.held {
        let input = items.input(&mut subject.offline, *item)?;
        let class = most(&wanted[*item]);
        let mut told = [0.0; 2];
        for (told, model) in told.iter_mut().zip(&mut models) {
            let scores = model
                .run(&input)?
                .first()
                .and_then(floats)
                .map(|it| it.iter().map(|it| f64::from(*it)).collect::<Vec<_>>());
            let is_right = scores.is_some_and(|it| most(&it) == class);
            *told = if is_right { 100.0 } else { 0.0 };
        }
        hits.push((class, told, *block));
    }
    let count = |class: Option<usize>| hits.iter().filter(|it| it.0 == class).count();
    let mut classes: Vec<_> = hits.iter().map(|it| it.0).collect();
    classes.sort_unstable();
    classes.dedup();
    let share = |class: Option<usize>| hits.len() as f64 / (classes.len() * count(class)) as f64;
    let mean =
        |of: usize| hits.iter().map(|it| share(it.0) * it.1[of]).sum::<f64>() / hits.len().max(1) as f64;
    let differences: Vec<_> = hits
        .iter()
        .map(|(class, told, block)| (share(*class) * (told[1] - told[0]), *block))
        .collect();
    Ok(Measured {
        unit: if is_taught {
            "% agreement with the teacher"
        } else {
            "% balanced accuracy"
        },
        measure: "accuracy",
        before: mean(0),
        after: mean(1),
        gain: Gain::of(&differences),
        block: split.block,
        decimals: 1,
    })
}

/// The position of the largest number.
fn most(values: &[f64]) -> Option<usize> {
    let all = values.iter().enumerate().filter(|it| !it.1.is_nan());
    all.max_by(|one, other| one.1.total_cmp(other.1)).map(|it| it.0)
}

/// Probabilities of the classes for what a layer gives.
pub fn probabilities(mut logits: Vec<f64>) -> Vec<f64> {
    softmax(&mut logits);
    logits
}
