// SPDX-License-Identifier: MPL-2.0

//! What is recommended, in sentences.

use maud::{Markup, html};

use super::super::findings::{Figure, Findings, MeasureTold, ModelFindings};
use super::figures::{self, interval, time, value};
use crate::report::numbers::{NBSP, count, isolated, list, percent};

/// Colors that members of the set have, in the order in which a switch holds them.
const COLORS: usize = 7;

/// Class of the color of a model: that of its place in the set.
pub fn color(findings: &Findings, name: &str) -> Option<String> {
    let place = findings.set.iter().position(|it| it.name == name)?;
    let last = findings.set.len() - 1;
    // The last is the best one, which is the same blue everywhere.
    Some(match last {
        it if it <= 3 => format!("c{}", place + 3 - last),
        _ => format!("c{}", place % COLORS),
    })
}

/// Frames, pictures or stretches of sound.
pub fn items(findings: &Findings) -> &'static str {
    match findings.material.first().map(|it| it.form.as_str()) {
        Some("sound") => "stretches of sound",
        Some("picture") => "pictures",
        _ => "frames",
    }
}

/// One of them.
pub fn item(findings: &Findings) -> &'static str {
    match items(findings) {
        "stretches of sound" => "stretch",
        "pictures" => "picture",
        _ => "frame",
    }
}

/// When, on what, by what: one line.
pub fn facts(findings: &Findings) -> String {
    let drawn = findings
        .models
        .iter()
        .map(|it| it.quality.items)
        .max()
        .unwrap_or(0);
    let all: usize = findings.material.iter().map(|it| it.items).sum();
    let mut facts = vec![findings.date.clone()];
    facts.push(match findings.models.len() {
        1 => "1 model".to_string(),
        several => format!("{several} models"),
    });
    if 0 < all {
        let of = format!(
            "{} of {} {}",
            count(drawn as u64),
            count(all as u64),
            items(findings)
        );
        facts.push(of);
    }
    if 0.0 < findings.settings.budget_ms {
        facts.push(format!("budget {}", time(findings.settings.budget_ms)));
    }
    facts.push(match findings.question.kind.as_str() {
        "labels" => "compared with labels".into(),
        "restoration" => "compared with the material itself".into(),
        "agreement" => "compared with a reference model".into(),
        other => other.to_string(),
    });
    facts.retain(|it| !it.is_empty());
    facts.join(" · ")
}

/// Who, why, how sure, and what would change it.
pub fn recommendation(findings: &Findings) -> Markup {
    let Some(first) = findings.models.first() else {
        return html! {
            p.lead { "No model could be ranked." }
            p.words { "Why each was left out stands below." }
        };
    };
    let tied: Vec<String> = findings
        .models
        .iter()
        .skip(1)
        .filter(|it| first.is_tied && it.place == first.place)
        .map(|it| isolated(&it.name))
        .collect();
    html! {
        p.lead {
            @if findings.models.len() == 1 {
                b { (isolated(&first.name)) } " is the only model that was measured: " (worth(findings, first)) "."
            } @else if first.loss.interval.is_none() {
                "There is too little material to tell the models apart. " b { (isolated(&first.name)) } " stands first: " (worth(findings, first)) "."
            } @else if tied.is_empty() {
                b { (isolated(&first.name)) } " is recommended: " (worth(findings, first)) "."
            } @else {
                b { (isolated(&first.name)) } " stands first, but " (cannot(&tied)) " cannot be told apart from it on this material: " (worth(findings, first)) "."
            }
        }
        p.words { (sureness(findings, first)) (promise(findings)) }
        @if !first.reasons.is_empty() { p.words { (told(first)) } }
        @if 1 < findings.set.len() {
            @let names: Vec<String> = findings.set.iter().map(|it| isolated(&it.name)).collect();
            p.words { "A switch should hold " b { (list(&names)) } ": each is the best at some load of the machine, or has a role." }
        }
        @if findings.question.kind == "agreement" {
            p.words { "Agreement with a reference is not accuracy: where the reference is wrong, who repeats its mistakes is rewarded." }
        }
    }
}

fn cannot(tied: &[String]) -> String {
    match tied {
        [_, _, _, _, ..] => format!("{} others", tied.len()),
        few => list(few),
    }
}

/// `SSIM 0.944 (0.941 – 0.947), 12.1 ms of the budget of 40 ms`
fn worth(findings: &Findings, model: &ModelFindings) -> String {
    let mut parts = Vec::new();
    if let (Some(measure), Some(figure)) = (
        findings.measures.first(),
        model.figures.first().copied().flatten(),
    ) {
        let interval = interval(measure, &figure).map_or(String::new(), |it| format!(" ({it})"));
        let unit = match measure.unit.as_str() {
            "" => String::new(),
            unit => format!("{NBSP}{unit}"),
        };
        parts.push(format!(
            "{} {}{unit}{interval}",
            bare(&figures::name(measure)),
            value(measure, &figure)
        ));
    }
    let latency = model.latency.p50.value;
    if 0.0 < latency {
        let budget = findings.settings.budget_ms;
        let budget = match 0.0 < budget {
            true if budget < latency => format!(", above the budget of {}", time(budget)),
            true => format!(" of a budget of {}", time(budget)),
            false => String::new(),
        };
        // Of sound a block is what is timed.
        let what = match item(findings) {
            "stretch" => "block",
            other => other,
        };
        parts.push(format!("{} a {what}{budget}", time(latency)));
    }
    parts.push(figures::memory(model.memory));
    parts.join(", ")
}

fn bare(name: &str) -> &str {
    name.split_once(" in ").map_or(name, |it| it.0)
}

fn sureness(findings: &Findings, first: &ModelFindings) -> String {
    if findings.models.len() == 1 {
        return String::new();
    }
    match first.loss.interval {
        None => "More material would tell how sure that is. ".into(),
        Some(_) => format!(
            "It came out best in {} of the resamples of the material. ",
            percent(first.best)
        ),
    }
}

fn promise(findings: &Findings) -> String {
    let Some((measure, promised)) = promised(findings) else {
        return String::new();
    };
    let interval = interval(&measure, &promised).map_or(String::new(), |it| format!(" ({it})"));
    format!(
        "On more of such material expect {} {}{interval}: chosen on one part, scored on another.",
        figures::name(&measure),
        value(&measure, &promised)
    )
}

/// What the choice is worth, and of what that is a figure: P, by the name of the measure where it is the same.
pub fn promised(findings: &Findings) -> Option<(MeasureTold, Figure)> {
    let promised = findings.promised?;
    let decisive = findings.measures.first()?;
    let is_same = |it: &ModelFindings| {
        let own = it.figures.first().copied().flatten();
        own.is_some_and(|own| (own.value - it.quality.value).abs() < 1e-9)
    };
    let measure = match findings.models.first().is_some_and(is_same) {
        true => decisive.clone(),
        false => MeasureTold {
            name: format!("quality P by {}", bare(&figures::name(decisive))),
            unit: String::new(),
            higher_is_better: true,
        },
    };
    Some((measure, promised))
}

/// Its reasons as sentences.
pub fn told(model: &ModelFindings) -> String {
    let reasons = model.reasons.iter().map(|it| figures::sentence(it));
    reasons.collect::<Vec<_>>().join(" ")
}
