// SPDX-License-Identifier: MPL-2.0

//! What noise, blur, weather and coding take from the answers, and what a search finds.

use maud::{Markup, html};

use super::super::findings::{Corrupted, Findings, ModelFindings, Robustness};
use super::figures::number;
use super::grid::{Cell, Row, cell, classed, grid, number as text_of, text};
use crate::report::numbers::{count, isolated, percent};

/// Models side by side.
const COLUMNS: usize = 6;

/// A loss of this share of the quality has the full color.
const FULL: f64 = 0.6;

pub fn section(findings: &Findings) -> Markup {
    let with: Vec<(&ModelFindings, &Robustness)> = findings
        .models
        .iter()
        .filter_map(|it| Some((it, it.robustness.as_ref()?)))
        .collect();
    let shown: Vec<_> = with.iter().take(COLUMNS).copied().collect();
    html! {
        @if let Some((first, robustness)) = with.first() {
            h2 { "Disturbed material" }
            @if 1 < shown.len() { (side_by_side(&shown)) }
            @for (position, (model, robustness)) in shown.iter().enumerate() {
                details.more open[position == 0] {
                    summary { (isolated(&model.name)) ": mean " (percent(robustness.mean_drop)) ", worst " (percent(robustness.worst_drop)) " by " (spaced(&robustness.worst)) }
                    (strengths(model, robustness))
                }
            }
            p.note {
                "The share of its quality that a model loses on the same items when they are disturbed; strengths go from 1 (hardly seen) to 5. "
                (isolated(&first.name)) " loses most, " (percent(robustness.worst_drop)) ", to " (spaced(&robustness.worst)) "."
                @if shown.len() < with.len() { " The first " (shown.len()) " models are shown; the JSON has all." }
            }
        }
        (adversarial(findings))
    }
}

/// Means over the strengths.
fn side_by_side(shown: &[(&ModelFindings, &Robustness)]) -> Markup {
    let mut heads = vec!["<disturbance".to_string(), "<group".into()];
    heads.extend(shown.iter().map(|it| isolated(&it.0.name)));
    let names = names(shown.iter().map(|it| it.1));
    let rows = names.iter().map(|(name, group)| {
        let mut cells = vec![text(spaced(name)), text(spaced(group))];
        cells.extend(shown.iter().map(|(_, it)| {
            let drops: Vec<f64> = it
                .each
                .iter()
                .filter(|it| it.name == *name)
                .map(|it| it.drop)
                .collect();
            heat(Some(drops.iter().sum::<f64>() / drops.len() as f64).filter(|it| it.is_finite()))
        }));
        Row { cells, class: "" }
    });
    let mut mean = vec![text("mean of all"), text("")];
    mean.extend(shown.iter().map(|it| heat(Some(it.1.mean_drop))));
    let mean = Row {
        cells: mean,
        class: "main",
    };
    grid(
        "heat",
        "Quality lost, mean over the strengths",
        &heads,
        rows.chain([mean]),
    )
}

/// One model, strength by strength.
fn strengths(model: &ModelFindings, robustness: &Robustness) -> Markup {
    let mut levels: Vec<u8> = robustness.each.iter().map(|it| it.strength).collect();
    levels.sort_unstable();
    levels.dedup();
    let mut heads = vec!["<disturbance".to_string()];
    heads.extend(levels.iter().map(|it| format!("strength {it}")));
    let of = |name: &str, level: u8| -> Option<&Corrupted> {
        robustness
            .each
            .iter()
            .find(|it| it.name == name && it.strength == level)
    };
    let names = names([robustness].into_iter());
    let rows = names.iter().map(|(name, _)| {
        let mut cells = vec![text(spaced(name))];
        cells.extend(
            levels
                .iter()
                .map(|level| heat(of(name, *level).map(|it| it.drop))),
        );
        Row { cells, class: "" }
    });
    grid(
        "heat",
        &format!("Quality that {} loses", isolated(&model.name)),
        &heads,
        rows,
    )
}

/// Disturbances and their groups, each once.
fn names<'a>(all: impl Iterator<Item = &'a Robustness>) -> Vec<(&'a str, &'a str)> {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for it in all.flat_map(|it| &it.each) {
        if !names.iter().any(|name| name.0 == it.name) {
            names.push((&it.name, &it.group));
        }
    }
    names
}

/// A share that is lost, as a number on a color.
fn heat(drop: Option<f64>) -> Cell {
    let Some(drop) = drop.filter(|it| it.is_finite()) else {
        return text_of("–");
    };
    // No more than that, so that the number can be read.
    let share = 55.0 * (drop / FULL).clamp(0.0, 1.0);
    let content = match drop < 0.0 {
        true => html! { "+" (percent(-drop)) },
        false => html! { (percent(drop)) },
    };
    Cell {
        style: format!("--heat:{share:.0}%"),
        ..classed(content, "hot")
    }
}

fn spaced(name: &str) -> String {
    name.replace('-', " ")
}

fn adversarial(findings: &Findings) -> Markup {
    let with = || {
        findings
            .models
            .iter()
            .filter_map(|it| Some((it, it.adversarial.as_ref()?)))
    };
    let heads = [
        "<model",
        "agreement before",
        "after",
        "kept",
        "items",
        "runs an item",
    ]
    .map(String::from);
    let rows = with().map(|(model, it)| Row {
        cells: vec![
            text(isolated(&model.name)),
            text_of(number(it.before, 3)),
            text_of(number(it.after, 3)),
            cell(html! { (percent((it.after / it.before).clamp(0.0, 1.0))) }),
            text_of(count(it.items as u64)),
            text_of(count(u64::from(it.runs))),
        ],
        class: "",
    });
    html! {
        @if let Some((_, first)) = with().next() {
            h2 { "Changes made to mislead" }
            (grid("adversarial", "Agreement with the truth before and after a search for small changes that make answers wrong", &heads, rows))
            p.note { "No channel of a pixel changes by more than " (first.bound) " of 255. The search is bounded and needs no gradients: a stronger one may find more." }
        }
    }
}
