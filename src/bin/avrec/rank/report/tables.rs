// SPDX-License-Identifier: MPL-2.0

//! The tables: all models, why each stands where it stands, classes, and where models were worst.

use std::path::Path;

use maud::{Markup, html};

use super::super::findings::{ClassFindings, Figure, Findings, ModelFindings};
use super::figures::{self, interval, memory, number as digits, time, value};
use super::grid::{Cell, Row, cell, classed, grid, number, sentence, text};
use super::words::{color, item, told};
use crate::report::numbers::{count, isolated, moment, percent};

/// Less than this many of a hundred runs within the budget is what a viewer notices.
const ALARMING: f64 = 0.95;

/// Measures that stand in the table; the others are in the JSON.
const MEASURES: usize = 3;

/// Columns and rows of the table of classes.
const COLUMNS: usize = 6;
const CLASSES: usize = 12;

/// Models of which the worst items are listed, and items of each.
const WORST: usize = 6;

pub fn models(findings: &Findings) -> Markup {
    let models = &findings.models;
    let has = |given: fn(&ModelFindings) -> bool| models.iter().any(given);
    let robust = has(|it| it.robustness.is_some());
    let energy = has(|it| it.energy.is_some());
    let unanswered = has(|it| 0 < it.unanswered);
    let cost = has(|it| 0.0 < it.cost);
    let measures: Vec<_> = findings.measures.iter().take(MEASURES).collect();
    let mut heads = vec!["<model, licence".to_string(), "place".into()];
    heads.extend(measures.iter().map(|it| figures::name(it)));
    heads.extend(["latency p50, p99", "in budget", "memory"].map(String::from));
    heads.extend(energy.then(|| "energy".into()));
    heads.extend(cost.then(|| "cost".into()));
    heads.extend(robust.then(|| "drop when disturbed".into()));
    heads.extend(unanswered.then(|| "unanswered".into()));
    heads.extend(["loss", "best in"].map(String::from));
    let row = |(position, it): (usize, &ModelFindings)| {
        let latency = &it.latency;
        let late = if latency.within < ALARMING { "alarm" } else { "" };
        let licence = it
            .license
            .as_deref()
            .map_or("no licence told".to_string(), isolated);
        let mut named = name(findings, &it.name);
        named.content = html! { (named.content) span.interval { (licence) } };
        let mut cells = vec![
            named,
            cell(html! {
                (it.place) @if it.is_tied { " " span.soft { "tied" } }
            }),
        ];
        cells.extend(measures.iter().enumerate().map(|(at, measure)| {
            let figure = it.figures.get(at).copied().flatten();
            figure.map_or(number("–"), |it| cell(html! {
                (value(measure, &it))
                // Of the deciding one only, so that the table stays narrow.
                @if let Some(interval) = interval(measure, &it).filter(|_| at == 0) { span.interval { (interval) } }
            }))
        }));
        cells.extend([
            cell(html! {
                (time(latency.p50.value))
                span.interval { (latency.p99.map_or("too few runs".into(), |it| time(it.value))) }
            }),
            classed(html! { (percent(latency.within)) }, late),
            number(memory(it.memory)),
        ]);
        cells.extend(energy.then(|| {
            number(
                it.energy
                    .map_or("–".into(), |it| format!("{}\u{a0}J", digits(it, 2))),
            )
        }));
        cells.extend(cost.then(|| number(digits(it.cost, 2))));
        cells.extend(robust.then(|| {
            number(
                it.robustness
                    .as_ref()
                    .map_or("–".into(), |it| percent(it.mean_drop)),
            )
        }));
        cells.extend(unanswered.then(|| match it.unanswered {
            0 => number("0"),
            some => classed(html! { (count(some as u64)) }, "alarm"),
        }));
        cells.push(cell(html! {
            (digits(it.loss.value, 4))
            @if let Some((low, high)) = it.loss.interval { span.interval { (digits(low, 4)) "\u{a0}–\u{a0}" (digits(high, 4)) } }
        }));
        cells.push(number(percent(it.best)));
        Row {
            cells,
            class: if position == 0 { "main" } else { "" },
        }
    };
    html! {
        @if !models.is_empty() {
            (grid("models", "All models, the recommended one first", &heads, models.iter().enumerate().map(row)))
            p.note {
                "Small numbers below a figure are its 95 % interval, below a latency p99. Models of one place are tied: the material does not tell them apart. "
                "p50 and p99: half, and all but one in a hundred, of the runs took at most this long, on this machine and with nothing beside. "
                "Memory is what the process of the model took beyond what it had before. "
                "Loss is −ln P + λS + C, of quality, latency and cost; less is better. "
                "“Best in” is the share of the resamples in which the model had the least loss."
            }
        }
        @if !findings.excluded.is_empty() {
            @let rows = findings.excluded.iter().map(|it| Row {
                cells: vec![text(isolated(&it.name)), sentence(&it.reason)],
                class: "",
            });
            h2 { "Left out" }
            (grid("excluded", "Models that were not ranked, and why", &["<model".to_string(), "<why".into()], rows))
        }
    }
}

/// A name with the color that it has in the plots.
fn name(findings: &Findings, name: &str) -> Cell {
    classed(
        html! {
            @match color(findings, name) {
                Some(color) => i class={ "spot " (color) } aria-hidden="true" {},
                None => i class="spot none" aria-hidden="true" {},
            }
            (isolated(name))
        },
        "text",
    )
}

/// Why each stands where it stands.
pub fn reasons(findings: &Findings) -> Markup {
    let with: Vec<&ModelFindings> = findings
        .models
        .iter()
        .filter(|it| !it.reasons.is_empty())
        .collect();
    let rows = with.iter().map(|it| Row {
        cells: vec![
            name(findings, &it.name),
            number(it.place.to_string()),
            sentence(told(it)),
        ],
        class: "",
    });
    html! {
        @if !with.is_empty() {
            h2 { "Why each stands where it stands" }
            (grid("reasons", "Reasons, and what would change the place", &["<model".to_string(), "place".into(), "<reasons".into()], rows))
        }
    }
}

/// What models are worth on each class.
pub fn classes(findings: &Findings) -> Markup {
    let with: Vec<&ModelFindings> = findings
        .models
        .iter()
        .filter(|it| !it.classes.is_empty())
        .collect();
    let shown: Vec<&ModelFindings> = with.iter().take(COLUMNS).copied().collect();
    let mut names: Vec<&ClassFindings> = Vec::new();
    for class in shown.iter().flat_map(|it| &it.classes) {
        if !names.iter().any(|it| it.name == class.name) {
            names.push(class);
        }
    }
    names.sort_by(|one, other| other.support.total_cmp(&one.support));
    let mut heads = vec!["<class".to_string(), "in the truth".into()];
    heads.extend(shown.iter().map(|it| isolated(&it.name)));
    let row = |class: &&ClassFindings| {
        let mut cells = vec![text(isolated(&class.name)), number(support(class.support))];
        cells.extend(shown.iter().map(|model| {
            let own = model.classes.iter().find(|it| it.name == class.name);
            class_cell(own.and_then(|it| it.figure))
        }));
        Row { cells, class: "" }
    };
    let measure = names
        .first()
        .map_or(String::new(), |it| figures::shouted(&it.measure));
    let caption = format!("{measure} of each class, with 95 % intervals");
    let (first, rest) = names.split_at(names.len().min(CLASSES));
    html! {
        @if !names.is_empty() {
            h2 { "Class by class" }
            (grid("classes", &caption, &heads, first.iter().map(row)))
            @if !rest.is_empty() {
                details.more {
                    summary { (rest.len()) " classes more" }
                    (grid("classes", &caption, &heads, rest.iter().map(row)))
                }
            }
            p.note {
                "“In the truth” is how many objects, items or cells of the class the truth has. Where there are too few, no figure is told. "
                @if shown.len() < with.len() { "The first " (shown.len()) " models are shown; the JSON has all." }
            }
        }
    }
}

fn support(support: f64) -> String {
    match support.fract() == 0.0 {
        true => count(support.max(0.0) as u64),
        false => digits(support, 1),
    }
}

fn class_cell(figure: Option<Figure>) -> Cell {
    match figure {
        None => classed(html! { span.soft { "too few" } }, ""),
        Some(it) => cell(html! {
            (digits(it.value, 3))
            @if let Some((low, high)) = it.interval { span.interval { (digits(low, 2)) "\u{a0}–\u{a0}" (digits(high, 2)) } }
        }),
    }
}

/// Where models were worst.
pub fn worst(findings: &Findings) -> Markup {
    let with: Vec<&ModelFindings> = findings
        .models
        .iter()
        // A reference always agrees with itself.
        .filter(|it| !it.worst.is_empty() && findings.question.reference.as_ref() != Some(&it.name))
        .take(WORST)
        .collect();
    let heads = ["<file", "number", "time", "agreement"].map(|it| match it {
        "number" => item(findings).to_string(),
        other => other.to_string(),
    });
    html! {
        @if !with.is_empty() {
            h2 { "Where each was worst" }
            @for (position, model) in with.iter().enumerate() {
                @let rows = model.worst.iter().take(WORST).map(|it| Row {
                    cells: vec![text(isolated(&file(&it.path))), number(count(it.index as u64)),
                        number(moment(std::time::Duration::try_from_secs_f64(it.seconds).unwrap_or_default())),
                        number(figures::agreement(it.agreement))],
                    class: "",
                });
                details.more open[position == 0] {
                    summary { (isolated(&model.name)) }
                    (grid("worst", &format!("Items on which {} was worst", isolated(&model.name)), &heads, rows))
                }
            }
            p.note { "Agreement with what is right, 0 to 1. Look at these before you trust a model: a few bad scenes hide in a good mean." }
        }
    }
}

/// The name of a file without its folders.
pub fn file(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or_else(|| path.to_string(), |it| it.to_string_lossy().into_owned())
}
