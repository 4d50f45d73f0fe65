// SPDX-License-Identifier: MPL-2.0

//! How it was measured.

use maud::{Markup, html};

use super::super::findings::{Findings, MaterialTold};
use super::figures::{self, interval, number as digits, time, value};
use super::grid::{Row, classed, grid, number, sentence, text};
use super::words::{self, items};
use crate::report::numbers::{NBSP, count, isolated, percent};

/// Files that are listed; the JSON has all.
const FILES: usize = 40;

pub fn section(findings: &Findings) -> Markup {
    let question = &findings.question;
    let settings = &findings.settings;
    let machine = &findings.machine;
    let processors = match machine.processors {
        1 => "1 processor".to_string(),
        several => format!("{several} processors"),
    };
    let mut facts = vec![("strategy", settings.strategy.clone())];
    let weight = |(name, weight): &(String, f64)| format!("{} × {}", figures::shouted(name), plain(*weight));
    let weights: Vec<String> = settings.weights.iter().map(weight).collect();
    facts.push(("weights", weights.join(", ")));
    facts.push(("λ of latency", plain(settings.lambda_latency)));
    facts.push(("λ of cost", plain(settings.lambda_cost)));
    facts.push(("budget", time(settings.budget_ms)));
    facts.push(("seed", settings.seed.to_string()));
    facts.push(("avrec", env!("CARGO_PKG_VERSION").to_string()));
    facts.push(("GStreamer", machine.gstreamer.clone()));
    facts.push(("processor", format!("{}, {processors}", machine.processor)));
    facts.push(("kernel", machine.kernel.clone()));
    facts.retain(|it| !it.1.is_empty());
    html! {
        h2 { "How it was measured" }
        p.words {
            (question.told)
            @if let Some(reference) = &question.reference { " The reference is " (isolated(reference)) "." }
        }
        (promised(findings))
        p.words { (effort(findings)) }
        (material(findings))
        dl { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
        @if !findings.command.is_empty() { pre { (findings.command) } }
        (files(findings))
        @if !findings.notes.is_empty() {
            h2 { "Notes" }
            div.notes { @for note in &findings.notes { p { (note) } } }
        }
    }
}

/// What the choice is worth, beside what flatters it.
fn promised(findings: &Findings) -> Markup {
    let Some((measure, _)) = words::promised(findings) else {
        return html! {};
    };
    let rows = [
        (
            "chosen on some folds, scored on the one left out: what is promised",
            findings.promised,
        ),
        (
            "scored on the items that it was chosen by: flatters",
            findings.unpromised,
        ),
    ];
    let rows = rows.into_iter().filter_map(|(name, figure)| {
        let figure = figure?;
        Some(Row {
            cells: vec![
                classed(html! { (name) }, "wide"),
                number(value(&measure, &figure)),
                number(interval(&measure, &figure).unwrap_or("too few".into())),
                number(count(figure.items as u64)),
            ],
            class: "",
        })
    });
    let heads = [
        "<of the recommended one".into(),
        figures::name(&measure),
        "95 % interval".into(),
        "items".into(),
    ];
    html! {
        (grid("promised", "What to expect on more of such material", &heads, rows))
    }
}

fn effort(findings: &Findings) -> String {
    let effort = &findings.effort;
    let mut parts = vec![format!("{} runs of models on items", count(effort.runs))];
    if 0 < effort.runs_of_all {
        parts.push(format!(
            "all on all would have been {}; it took {} of that time",
            count(effort.runs_of_all),
            percent(effort.share_of_time)
        ));
    }
    if 0 < effort.cached {
        parts.push(format!("{} were known from before", count(effort.cached)));
    }
    match effort.stopped {
        0 => {}
        1 => parts.push("1 model stopped early, since it could not win any more".into()),
        some => parts.push(format!(
            "{some} models stopped early, since they could not win any more"
        )),
    }
    format!("{}; {:.0}{NBSP}s in all.", parts.join("; "), effort.seconds)
}

fn material(findings: &Findings) -> Markup {
    let all = &findings.material;
    let heads = [
        "<file",
        "<form",
        "length",
        items(findings),
        "drawn",
        "scenes",
        "<SHA-256",
    ]
    .map(String::from);
    let row = |it: &MaterialTold| Row {
        cells: vec![
            classed(html! { (isolated(&it.path)) }, "wide"),
            text(&it.form),
            number(length(it)),
            number(count(it.items as u64)),
            number(count(it.drawn as u64)),
            number(count(it.scenes as u64)),
            classed(html! { code.hash { (it.sha256) } }, "wide"),
        ],
        class: "",
    };
    html! {
        @if !all.is_empty() {
            (grid("material", "Material", &heads, all.iter().take(FILES).map(row)))
            @if FILES < all.len() { p.note { "… and " (all.len() - FILES) " files more; the JSON has them." } }
        }
    }
}

fn length(it: &MaterialTold) -> String {
    match it.form.as_str() {
        "picture" => "–".into(),
        _ => format!("{}{NBSP}s", digits(it.seconds, 1)),
    }
}

/// The files of the models.
fn files(findings: &Findings) -> Markup {
    let heads = [
        "<model",
        "<file or fragment",
        "items",
        "processor",
        "frames a second",
        "<SHA-256",
    ]
    .map(String::from);
    let rows = findings.models.iter().map(|it| Row {
        cells: vec![
            text(isolated(&it.name)),
            classed(html! { (isolated(&it.source)) }, "wide"),
            number(count(it.quality.items as u64)),
            number(time(it.processor_ms)),
            number(digits(it.latency.rate, 1)),
            match &it.sha256 {
                Some(hash) => classed(html! { code.hash { (hash) } }, "wide"),
                None => sentence("no file"),
            },
        ],
        class: "",
    });
    html! {
        @if !findings.models.is_empty() {
            (grid("files", "Models: where they are from, on how many items, processor time of one", &heads, rows))
        }
    }
}

fn plain(value: f64) -> String {
    let text = digits(value, 3);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}
