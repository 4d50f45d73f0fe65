// SPDX-License-Identifier: MPL-2.0

//! Detectors: the rows of the last convolutions that tell classes are refitted by logistic regression; boxes are left alone,
//! for refitting them made detectors worse.

use std::collections::BTreeMap;

use gstavrec::answer::{Answer, Detection, Region};
use gstavrec::letterbox::Letterbox;
use gstavrec::score::Content;
use gstavrec::score::evaluation::{Terms, evaluate};
use gstavrec::tensor::Tensor;
use gstavrec::tune::blocks::{Split, shuffled, split};
use gstavrec::tune::cells::{Grid, matched, pooled};
use gstavrec::tune::graph::file::OnnxFile;
use gstavrec::tune::graph::layer::Layer;
use gstavrec::tune::logistic::{Kind, Rows};

use super::classify::{apart, together};
use super::grids::{Grids, Seen};
use super::items::Items;
use super::job::{Job, check_enough};
use super::labels::Labels;
use super::measured::Measured;
use super::outcome::Outcome;
use super::tapped::Subject;
use super::teacher::Teacher;
use super::variants;
use crate::console::say;
use crate::failure::Failure;

/// Parts of the first half, each of which is left out once to choose the ridge.
const FOLDS: usize = 4;

/// Strengths of the ridge that are tried, in units of a feature's mean square.
const RIDGES: [f64; 5] = [1e-3, 1e-2, 1e-1, 1.0, 10.0];

/// Cells that are learned from at most.
const CELLS: usize = 150_000;

/// From this confidence on objects are ranked.
const FLOOR: f32 = 0.01;

/// Who says what should be told.
pub enum Source {
    Teacher(Box<Teacher>),
    Labels,
}

pub fn tune(
    job: &Job,
    mut subject: Subject,
    teacher: Option<Teacher>,
    labels: Option<Labels>,
) -> Result<Outcome, Failure> {
    if teacher.is_none() && labels.is_none() {
        let text = "a detector learns from --teacher MODEL or --labels FILE; give one of them";
        return Err(Failure::Usage(text.to_owned()));
    }
    let items = Items::read(job, &subject.offline)?;
    let split = split(&items.places());
    check_enough(&split)?;
    let classes = subject.offline.labels().len();
    let first = items.input(&mut subject.offline, 0)?;
    let mut grids = Grids::find(&subject, &first)?;
    let mut source = match teacher {
        Some(teacher) => Source::Teacher(Box::new(teacher)),
        None => Source::Labels,
    };
    let mut taught = Taught::new(&mut source, &items, &grids)?;
    let sites: Vec<String> = grids
        .sites
        .iter()
        .map(|it| format!("{}x{}", it.width, it.height))
        .collect();
    say(&format!(
        "{} frames, {} to fit {classes} classes on grids of {} cells on, {} held out{}",
        items.len(),
        split.fitted.len(),
        sites.join(", "),
        split.held.len(),
        taught.way()
    ));
    let mut cells = Vec::new();
    for (item, _) in &split.fitted {
        let input = items.input(&mut subject.offline, *item)?;
        let seen = grids.run(&input, classes)?;
        let place = subject.offline.place();
        let wanted = taught.cells(
            &mut source,
            labels.as_ref(),
            (&items, *item),
            (&grids, &seen, place),
            classes,
        )?;
        cells.push((seen, wanted));
    }
    if job.typed.shuffle {
        let order = shuffled(cells.len(), job.typed.seed);
        let wanted: Vec<_> = order.iter().map(|it| cells[*it].1.clone()).collect();
        cells
            .iter_mut()
            .zip(wanted)
            .for_each(|(to, wanted)| to.1 = wanted);
    }
    let known = cells.iter().filter(|it| it.1.is_some()).count();
    if known == 0 {
        return Err(labels.map_or_else(
            || Failure::Usage("the teacher tells nothing".to_owned()),
            |it| it.misfit(),
        ));
    }
    let (file, ridges) = fit(&subject, &grids, &cells, &split)?;
    let settings = format!("{} frames", split.fitted.len());
    let measured = match &file {
        Some(file) => Some(measure(
            &mut subject,
            file,
            (&items, &split),
            (&mut source, labels.as_ref()),
        )?),
        None => None,
    };
    if job.typed.variants {
        let is_gain = measured.as_ref().is_some_and(Measured::is_gain);
        let base = file
            .clone()
            .filter(|_| is_gain)
            .unwrap_or_else(|| subject.file.clone());
        let inputs = items.some(&mut subject.offline, &split.fitted)?;
        let mut quality = |subject: &mut Subject, file: &OnnxFile| {
            measure(subject, file, (&items, &split), (&mut source, labels.as_ref()))
        };
        variants::run(job, &mut subject, &base, &inputs, &mut quality)?;
    }
    Ok(Outcome {
        file: file.unwrap_or_else(|| subject.file.clone()),
        measured,
        files: items.files,
        fitted: format!("logistic regression of the classes, ridge {ridges}"),
        settings,
    })
}

/// What cells should tell, by site; `None` where nothing is known of a frame.
type Wanted = Option<Vec<Grid>>;

/// How a teacher's answer becomes what cells should tell.
enum Taught {
    /// Its grids fall on ours.
    Grids {
        subject: Box<Subject>,
        grids: Box<Grids>,
    },
    /// Its objects, or those of labels, are matched to the boxes of cells.
    Boxes,
}

impl Taught {
    fn new(source: &mut Source, items: &Items, ours: &Grids) -> Result<Taught, Failure> {
        let Source::Teacher(teacher) = source else {
            return Ok(Taught::Boxes);
        };
        let input = items.input(&mut teacher.offline, 0)?;
        let Ok(subject) = Subject::again(&teacher.path, &teacher.properties) else {
            return Ok(Taught::Boxes);
        };
        let Ok(grids) = Grids::find(&subject, &input) else {
            return Ok(Taught::Boxes);
        };
        let (sizes, theirs) = (ours.sizes(), grids.sizes());
        let empty: Vec<Grid> = theirs
            .iter()
            .map(|(width, height)| Grid {
                width: *width,
                height: *height,
                classes: Vec::new(),
            })
            .collect();
        let falls = (0..sizes.len()).all(|it| pooled(&sizes, it, &empty).is_some());
        Ok(match falls {
            true => Taught::Grids {
                subject: Box::new(subject),
                grids: Box::new(grids),
            },
            false => Taught::Boxes,
        })
    }

    fn way(&self) -> &'static str {
        match self {
            Taught::Grids { .. } => ", cell by cell",
            Taught::Boxes => ", by boxes",
        }
    }

    fn cells(
        &mut self,
        source: &mut Source,
        labels: Option<&Labels>,
        (items, item): (&Items, usize),
        (ours, seen, place): (&Grids, &Seen, Option<Letterbox>),
        classes: usize,
    ) -> Result<Wanted, Failure> {
        if let (Taught::Grids { subject, grids }, Source::Teacher(teacher)) = (&mut *self, &*source) {
            let input: Tensor = items.input(&mut subject.offline, item)?;
            let theirs = grids.run(&input, teacher.classes.len())?;
            let renamed: Vec<Grid> = theirs
                .cells
                .into_iter()
                .map(|(_, grid)| renamed(grid, &teacher.classes, classes))
                .collect();
            let sizes = ours.sizes();
            return Ok((0..sizes.len()).map(|it| pooled(&sizes, it, &renamed)).collect());
        }
        let objects = match (source, labels) {
            (Source::Teacher(teacher), _) => objects(teacher, (items, item), FLOOR)?,
            (Source::Labels, Some(labels)) => match labels.of(items, item)? {
                Some(Answer::Detections(found)) => in_pixels(found, items, item),
                _ => return Ok(None),
            },
            (Source::Labels, None) => return Ok(None),
        };
        let Some(place) = place else { return Ok(None) };
        let objects: Vec<_> = objects
            .iter()
            .map(|it| (it.class as usize, it.confidence, to_input(&it.region, &place)))
            .collect();
        let all = matched(&seen.boxes, &objects, classes);
        let part = |site: &super::grids::Site| Grid {
            width: site.width,
            height: site.height,
            classes: all
                .iter()
                .map(|it| it[site.first..][..site.width * site.height].to_vec())
                .collect(),
        };
        Ok(Some(ours.sites.iter().map(part).collect()))
    }
}

/// A teacher's grid with our classes.
fn renamed(grid: Grid, classes: &[Option<usize>], count: usize) -> Grid {
    let mut made = vec![vec![0.0; grid.width * grid.height]; count];
    for (from, to) in grid.classes.into_iter().zip(classes) {
        if let Some(to) = to {
            made[*to] = from;
        }
    }
    Grid {
        classes: made,
        ..grid
    }
}

/// A box of the frame in pixels of the input.
fn to_input(region: &Region, place: &Letterbox) -> Region {
    let across = place.picture.width as f32 / place.frame.width.max(1) as f32;
    let down = place.picture.height as f32 / place.frame.height.max(1) as f32;
    Region {
        left: region.left * across + place.pad_left as f32,
        top: region.top * down + place.pad_top as f32,
        width: region.width * across,
        height: region.height * down,
    }
}

/// Boxes in shares of a frame as pixels.
fn in_pixels(found: Vec<Detection>, items: &Items, item: usize) -> Vec<Detection> {
    let (width, height) = items
        .frame(item)
        .map_or((1.0, 1.0), |it| (it.1.0 as f32, it.1.1 as f32));
    let scaled = |it: Region| Region {
        left: it.left * width,
        top: it.top * height,
        width: it.width * width,
        height: it.height * height,
    };
    found
        .into_iter()
        .map(|it| Detection {
            region: scaled(it.region),
            ..it
        })
        .collect()
}

/// The objects that a teacher finds, in our classes.
fn objects(
    teacher: &mut Teacher,
    (items, item): (&Items, usize),
    confidence: f32,
) -> Result<Vec<Detection>, Failure> {
    let Some(Answer::Detections(found)) = teacher.answer(items, item, confidence)? else {
        return Ok(Vec::new());
    };
    let ours = |it: Detection| {
        let class = teacher.classes.get(it.class as usize).copied().flatten()?;
        Some(Detection {
            class: class as u32,
            ..it
        })
    };
    Ok(found.into_iter().filter_map(ours).collect())
}

/// A class as a row of one layer, with what it is fitted on, a part for each fold.
struct Row<'a> {
    layer: &'a Layer,
    row: usize,
    folds: Vec<Rows>,
}

/// Refits the rows of classes of all layers, with one ridge; `None` where no ridge makes what is left out better.
///
/// All cells count the same. With classes balanced the best of ridges was as good, and the others lost half of the precision.
fn fit(
    subject: &Subject,
    grids: &Grids,
    cells: &[(Seen, Wanted)],
    split: &Split,
) -> Result<(Option<OnnxFile>, String), Failure> {
    let mut layers = BTreeMap::<&str, Vec<usize>>::new();
    for (index, site) in grids.sites.iter().enumerate() {
        layers.entry(&site.layer.weight).or_default().push(index);
    }
    let mut rows = Vec::new();
    for sites in layers.values() {
        let first = &grids.sites[sites[0]];
        for (row, class) in &first.rows {
            rows.push(Row {
                layer: &first.layer,
                row: *row,
                folds: folds((grids, sites), cells, split, *class),
            });
        }
    }
    let Some((ridge, fitted)) = choose(&rows) else {
        return Ok((None, String::new()));
    };
    let mut file = subject.file.clone();
    for sites in layers.values() {
        let layer = &grids.sites[sites[0]].layer;
        let mut new = together(layer);
        for (row, weights) in rows
            .iter()
            .zip(&fitted)
            .filter(|it| it.0.layer.weight == layer.weight)
        {
            new[row.row * (layer.features + 1)..][..=layer.features].copy_from_slice(weights);
        }
        let (weights, biases) = apart(&new, layer.features);
        layer
            .write(&mut file, &weights, &biases)
            .map_err(|it| subject.unsuitable(&it))?;
    }
    Ok((Some(file), format!("{ridge}")))
}

/// What a class is fitted on: the cells of the sites of one layer, a part of the time for each fold.
fn folds(
    (grids, sites): (&Grids, &[usize]),
    cells: &[(Seen, Wanted)],
    split: &Split,
    class: usize,
) -> Vec<Rows> {
    let features = grids.sites[sites[0]].layer.features;
    let blocks = split.fitted.iter().map(|it| it.1 + 1).max().unwrap_or(0);
    let count = FOLDS.min(blocks);
    let total: usize = grids.sites.iter().map(|it| it.width * it.height).sum::<usize>() * cells.len();
    let stride = total.div_ceil(CELLS).max(1);
    let mut folds = vec![Rows::new(features, 1); count];
    for ((seen, wanted), (_, block)) in cells.iter().zip(&split.fitted) {
        let Some(wanted) = wanted else { continue };
        for site in sites {
            let (seen, _) = &seen.cells[*site];
            for (cell, target) in wanted[*site].classes[class].iter().enumerate() {
                // What is there is rare and kept; of the rest a part stands for all.
                let is_rest = *target < 0.05;
                if is_rest && cell % stride != 0 {
                    continue;
                }
                let weight = if is_rest { stride as f64 } else { 1.0 };
                let line = seen[cell * features..][..features]
                    .iter()
                    .map(|it| f64::from(*it));
                folds[block * count / blocks].add(line, [f64::from(*target)].into_iter(), weight);
            }
        }
    }
    folds
}

/// The ridge whose loss on what was left out is the least over all classes, and the weights of each row with it.
fn choose(rows: &[Row]) -> Option<(f64, Vec<Vec<f64>>)> {
    let old: Vec<Vec<f64>> = rows.iter().map(|it| row_of(it.layer, it.row)).collect();
    let without = |row: &Row, fold: Option<usize>| {
        let mut all = Rows::new(row.layer.features, 1);
        let kept = row.folds.iter().enumerate().filter(|it| Some(it.0) != fold);
        kept.for_each(|(_, it)| all.append(it));
        all
    };
    let folds = rows.first()?.folds.len();
    let is_empty = |it: &Row| it.folds.iter().any(Rows::is_empty);
    if folds < 2 || rows.iter().any(is_empty) {
        return None;
    }
    let (mut before, mut after) = (0.0, [0.0; RIDGES.len()]);
    for (row, old) in rows.iter().zip(&old) {
        for fold in 0..folds {
            let (kept, left) = (without(row, Some(fold)), &row.folds[fold]);
            before += left.loss(old, Kind::Sigmoid);
            for (loss, ridge) in after.iter_mut().zip(RIDGES) {
                let fitted = kept.fit(old, Kind::Sigmoid, ridge);
                *loss += fitted.map_or(f64::INFINITY, |it| left.loss(&it, Kind::Sigmoid));
            }
        }
    }
    let (best, ridge) = after
        .into_iter()
        .zip(RIDGES)
        .min_by(|one, other| one.0.total_cmp(&other.0))?;
    if best.is_nan() || before <= best {
        return None;
    }
    let fitted = rows
        .iter()
        .zip(&old)
        .map(|(row, old)| without(row, None).fit(old, Kind::Sigmoid, ridge));
    Some((ridge, fitted.collect::<Option<_>>()?))
}

/// The weights of one output of a layer, the bias last.
fn row_of(layer: &Layer, row: usize) -> Vec<f64> {
    together(layer)[row * (layer.features + 1)..][..=layer.features].to_vec()
}

/// Runs both models on the second half: average precision at an overlap of half, by labels, or by the teacher's objects.
fn measure(
    subject: &mut Subject,
    file: &OnnxFile,
    (items, split): (&Items, &Split),
    (source, labels): (&mut Source, Option<&Labels>),
) -> Result<Measured, Failure> {
    let mut models = [subject.runner(&subject.file)?, subject.runner(file)?];
    let mut pairs = [Vec::new(), Vec::new()];
    let mut places = Vec::new();
    for (item, _) in &split.held {
        let truth = match (labels, &mut *source) {
            (Some(labels), _) => match labels.of(items, *item)? {
                Some(Answer::Detections(found)) => in_pixels(found, items, *item),
                _ => continue,
            },
            (None, Source::Teacher(teacher)) => {
                let threshold = teacher.offline.threshold();
                objects(teacher, (items, *item), threshold)?
            }
            (None, Source::Labels) => continue,
        };
        let input = items.input(&mut subject.offline, *item)?;
        for (pairs, model) in pairs.iter_mut().zip(&mut models) {
            let outputs = model.run(&input)?.to_vec();
            let found = subject.offline.read(&outputs, FLOOR).map_err(Failure::Pipeline)?;
            pairs.push((
                found.map(Content::Said),
                Content::Said(Answer::Detections(truth.clone())),
            ));
        }
        places.push(items.place(*item));
    }
    let terms = Terms::default();
    let [before, after] = [&pairs[0], &pairs[1]].map(|it| evaluate(it, &terms).ok());
    let (before, after) = (
        before.as_ref().and_then(|it| it.figure("map-50")),
        after.as_ref().and_then(|it| it.figure("map-50")),
    );
    let (Some(before), Some(after)) = (before, after) else {
        return Ok(Measured::nothing("AP50"));
    };
    let unit = if labels.is_some() {
        "AP50"
    } else {
        "AP50 of the teacher's objects"
    };
    Ok(Measured::of(
        ("map-50", unit),
        (1.0, 3),
        &places,
        (&*before.statistic, &*after.statistic),
    ))
}
