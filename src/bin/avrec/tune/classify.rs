// SPDX-License-Identifier: MPL-2.0

//! Classifiers: the last layer is refitted by logistic regression in which each class counts the same.

use gstavrec::answer::{Answer, ClassScore};
use gstavrec::score::Content;
use gstavrec::score::evaluation::{Evaluation, Terms, evaluate};
use gstavrec::tune::blocks::{Split, split};
use gstavrec::tune::gain::Mean;
use gstavrec::tune::graph::file::OnnxFile;
use gstavrec::tune::graph::layer::{self, Layer};
use gstavrec::tune::graph::tail::{Step, Tail};
use gstavrec::tune::logistic::{Kind, Rows};
use gstavrec::tune::temperature;

use super::items::Items;
use super::job::{Job, check_enough};
use super::labels::Labels;
use super::measured::Measured;
use super::outcome::Outcome;
use super::tapped::{MOST_FEATURES, Subject, floats};
use super::teacher::{Teacher, class};
use super::variants;
use crate::console::say;
use crate::failure::Failure;

/// Parts of the first half, each of which is left out once to choose the ridge.
const FOLDS: usize = 4;

/// Strengths of the ridge that are tried, in units of a feature's mean square.
const RIDGES: [f64; 8] = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0];

pub fn tune(
    job: &Job,
    mut subject: Subject,
    mut teacher: Option<Teacher>,
    labels: Option<Labels>,
) -> Result<Outcome, Failure> {
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
    check_enough(&split)?;
    let wanted = wanted(&items, &names, teacher.as_mut(), labels.as_ref())?;
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
    if job.typed.calibrate {
        return calibrate(subject, &tail, (items, split), (&features, &targets));
    }
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
    if job.typed.variants {
        let base = if measured.is_gain() { &file } else { &subject.file }.clone();
        let inputs = items.some(&mut subject.offline, &split.fitted)?;
        let mut quality = |subject: &mut Subject, file: &OnnxFile| {
            measure(subject, file, (&items, &split), (&wanted, teacher.is_some()))
        };
        variants::run(job, &mut subject, &base, &inputs, &mut quality)?;
    }
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

/// Divides what the last layer gives by one temperature, so that confidences mean what they say; no class changes.
fn calibrate(
    subject: Subject,
    tail: &Tail,
    (items, split): (Items, Split),
    (features, targets): (&[Vec<f32>], &[Vec<f64>]),
) -> Result<Outcome, Failure> {
    let layer = &tail.layer;
    let weights = together(layer);
    let logits = |item: usize| {
        let row: Vec<f64> = features[item]
            .iter()
            .map(|it| f64::from(*it))
            .chain([1.0])
            .collect();
        weights
            .chunks_exact(row.len())
            .map(|it| it.iter().zip(&row).map(|(one, other)| one * other).sum())
            .collect()
    };
    let known = |of: &[(usize, usize)]| -> Vec<(usize, Vec<f64>, usize)> {
        let class = |item: usize| most(&targets[item]).filter(|it| 0.0 < targets[item][*it]);
        of.iter()
            .filter_map(|it| Some((it.0, logits(it.0), class(it.0)?)))
            .collect()
    };
    let rows = |of: &[(usize, usize)]| known(of).into_iter().map(|it| (it.1, it.2)).collect::<Vec<_>>();
    let settings = format!("{} items", split.fitted.len());
    let Some(temperature) = temperature::temperature(&rows(&split.fitted)) else {
        let text = "nothing is known of the first half, so that there is no temperature to find";
        return Err(Failure::Usage(text.to_owned()));
    };
    let (mut matrix, mut biases) = (layer.weights.clone(), layer.biases.clone());
    matrix
        .iter_mut()
        .chain(&mut biases)
        .for_each(|it| *it /= temperature as f32);
    let mut file = subject.file.clone();
    layer
        .write(&mut file, &matrix, &biases)
        .map_err(|it| subject.unsuitable(&it))?;
    file.set_metadata("avrec.temperature", &format!("{temperature:.4}"));
    let held = known(&split.held);
    let told = |temperature: f64| {
        let each = held
            .iter()
            .map(|it| -temperature::loss(&[(it.1.clone(), it.2)], temperature));
        Mean(each.collect())
    };
    let places: Vec<_> = held.iter().map(|it| items.place(it.0)).collect();
    let figure = ("log-likelihood", "nats of log-likelihood");
    let measured = Measured::of(figure, (1.0, 3), &places, (&told(1.0), &told(temperature)));
    say(&format!("temperature {temperature:.3}"));
    Ok(Outcome {
        file,
        measured: Some(measured),
        files: items.files,
        fitted: format!("temperature {temperature:.4} of '{}'", layer.output),
        settings,
    })
}

/// The position of the largest number.
fn most(values: &[f64]) -> Option<usize> {
    let all = values.iter().enumerate().filter(|it| !it.1.is_nan());
    all.max_by(|one, other| one.1.total_cmp(other.1)).map(|it| it.0)
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

/// Probabilities that should come out for each item; all zero where nothing is known.
fn wanted(
    items: &Items,
    names: &[String],
    teacher: Option<&mut Teacher>,
    labels: Option<&Labels>,
) -> Result<Vec<Vec<f64>>, Failure> {
    if let Some(teacher) = teacher {
        return (0..items.len())
            .map(|it| taught(teacher, items, it, names.len()))
            .collect();
    }
    let mut wanted = Vec::new();
    for item in 0..items.len() {
        let mut probabilities = vec![0.0; names.len()];
        match labels {
            Some(labels) => {
                if let Some(Answer::Classes(scores)) = labels.of(items, item)? {
                    scores
                        .iter()
                        .for_each(|it| probabilities[it.class as usize] = it.confidence.into());
                }
            }
            None => probabilities[folder_class(items, item, names)?] = 1.0,
        }
        wanted.push(probabilities);
    }
    if let Some(labels) = labels.filter(|_| wanted.iter().flatten().all(|it| *it == 0.0)) {
        return Err(labels.misfit());
    }
    let is_seen = |class: &usize| wanted.iter().any(|it| 0.0 < it[*class]);
    if (0..names.len()).filter(is_seen).count() < 2 {
        let text = "all of the material is of one class, from which nothing can be learned; give others too";
        return Err(Failure::Usage(text.to_owned()));
    }
    Ok(wanted)
}

/// The class that an item's folder is called by.
fn folder_class(items: &Items, item: usize, names: &[String]) -> Result<usize, Failure> {
    let file = items.file(item);
    let Some(folder) = &file.class else {
        let text = format!(
            "{}: nothing says its class; give a folder with a folder for each class, --labels FILE or --teacher MODEL",
            file.path.display()
        );
        return Err(Failure::Usage(text));
    };
    class(names, folder).ok_or_else(|| {
        let text = format!(
            "the folder '{folder}' is no class of the model, which are: {}",
            names.join(", ")
        );
        Failure::Usage(text)
    })
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
        for (item, _) in split.fitted.iter().filter(|it| takes(it.1 % count)) {
            if 0.0 < targets[*item].iter().sum::<f64>() {
                let numbers = features[*item].iter().map(|it| f64::from(*it));
                rows.add(numbers, targets[*item].iter().copied(), 1.0);
            }
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
    if after.is_nan() || before <= after {
        return None;
    }
    Some((gathered(&|_| true).fit(&old, Kind::Softmax, ridge)?, ridge))
}

/// Runs both models on the second half: the share of items whose class is the wanted one, each class counting the same.
fn measure(
    subject: &mut Subject,
    file: &OnnxFile,
    (items, split): (&Items, &Split),
    (wanted, is_taught): (&[Vec<f64>], bool),
) -> Result<Measured, Failure> {
    let mut models = [subject.runner(&subject.file)?, subject.runner(file)?];
    let mut pairs = [Vec::new(), Vec::new()];
    let mut places = Vec::new();
    for (item, _) in &split.held {
        let truth = wanted[*item].iter().map(|it| *it as f32);
        if truth.clone().sum::<f32>() <= 0.0 {
            continue;
        }
        let truth = Content::Said(scores(truth));
        let input = items.input(&mut subject.offline, *item)?;
        for (pairs, model) in pairs.iter_mut().zip(&mut models) {
            let told = model
                .run(&input)?
                .first()
                .and_then(floats)
                .map(|it| Content::Said(scores(it.iter().copied())));
            pairs.push((told, truth.clone()));
        }
        places.push(items.place(*item));
    }
    let terms = Terms::default();
    let [before, after] = [&pairs[0], &pairs[1]].map(|it| evaluate(it, &terms).ok());
    let statistic =
        |it: Option<Evaluation>| it.and_then(|it| it.figures.into_iter().find(|it| it.name == FIGURE));
    let (Some(before), Some(after)) = (statistic(before), statistic(after)) else {
        return Ok(Measured::nothing("%"));
    };
    let unit = if is_taught {
        "% balanced agreement with the teacher"
    } else {
        "% balanced accuracy"
    };
    Ok(Measured::of(
        (FIGURE, unit),
        (100.0, 1),
        &places,
        (&*before.statistic, &*after.statistic),
    ))
}

/// The figure that decides.
const FIGURE: &str = "balanced-accuracy";

/// Numbers of the classes as an answer, the largest first.
fn scores(values: impl Iterator<Item = f32>) -> Answer {
    let score = |(class, confidence): (usize, f32)| ClassScore {
        class: class as u32,
        confidence,
    };
    let mut scores: Vec<ClassScore> = values.enumerate().map(score).collect();
    scores.sort_by(|one, other| other.confidence.total_cmp(&one.confidence));
    Answer::Classes(scores)
}
