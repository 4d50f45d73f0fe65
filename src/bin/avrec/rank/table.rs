// SPDX-License-Identifier: MPL-2.0

//! What was found, as text for a terminal.

use super::findings::{Figure, Findings, MeasureTold, Member, ModelFindings};
use crate::console::{WIDTH, aligned};

/// All of it.
pub fn text(findings: &Findings) -> String {
    let mut parts = vec![head(findings), models(findings)];
    parts.push(reasons(findings));
    if !findings.set.is_empty() {
        parts.push(set(&findings.set));
    }
    parts.extend(promised(findings));
    if !findings.excluded.is_empty() {
        let lines = findings
            .excluded
            .iter()
            .map(|it| format!("left out: {}: {}", it.name, it.reason));
        parts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    if !findings.notes.is_empty() {
        let notes = findings.notes.iter().map(|it| wrapped(&format!("note: {it}")));
        parts.push(notes.collect::<Vec<_>>().join("\n"));
    }
    parts.push(effort(findings));
    parts.retain(|it| !it.is_empty());
    parts.join("\n\n")
}

fn head(findings: &Findings) -> String {
    let drawn = findings
        .models
        .iter()
        .map(|it| it.quality.items)
        .max()
        .unwrap_or(0);
    let items: usize = findings.material.iter().map(|it| it.items).sum();
    let scenes: usize = findings.material.iter().map(|it| it.scenes).sum();
    let files = match &findings.material[..] {
        [one] => one.path.clone(),
        all => format!("{} files", all.len()),
    };
    let what = match findings.material.first().map(|it| it.form.as_str()) {
        Some("sound") => "stretches of sound",
        Some("picture") => "pictures",
        _ => "frames",
    };
    wrapped(&format!(
        "{files}: {drawn} of {items} {what}, drawn from {scenes} {}; {} Budget {} ms.",
        if scenes == 1 { "scene" } else { "scenes" },
        findings.question.told,
        digits(findings.settings.budget_ms)
    ))
}

fn models(findings: &Findings) -> String {
    let decisive = findings.measures.first();
    let mut head = vec!["".to_string()];
    head.extend(findings.measures.iter().take(3).map(|it| match it.unit.as_str() {
        "" => it.name.clone(),
        unit if it.name.ends_with(&unit.to_lowercase()) => it.name.clone(),
        unit => format!("{} {unit}", it.name),
    }));
    let has = |given: fn(&ModelFindings) -> bool| findings.models.iter().any(given);
    let (robust, hostile) = (
        has(|it| it.robustness.is_some()),
        has(|it| it.adversarial.is_some()),
    );
    head.extend(["p50 ms", "p99", "in budget", "MiB"].map(String::from));
    if robust {
        head.push("drop %".into());
    }
    if hostile {
        head.push("attacked".into());
    }
    head.extend(["loss", "best %"].map(String::from));
    let mut rows = vec![head];
    for model in &findings.models {
        let tied = if model.is_tied { "=" } else { "" };
        let mut row = vec![format!("{}{tied} {}", model.place, model.name)];
        for (index, measure) in findings.measures.iter().take(3).enumerate() {
            let figure = model.figures.get(index).copied().flatten();
            let is_decisive = decisive == Some(measure);
            row.push(figure.map_or("-".into(), |it| told(&it, measure, is_decisive)));
        }
        let latency = &model.latency;
        row.push(digits(latency.p50.value));
        row.push(latency.p99.map_or("few".into(), |it| digits(it.value)));
        row.push(format!("{:.0} %", 100.0 * latency.within));
        row.push(format!("{:.0}", model.memory as f64 / f64::from(1 << 20)));
        if robust {
            row.push(
                model
                    .robustness
                    .as_ref()
                    .map_or("-".into(), |it| format!("{:.1}", 100.0 * it.mean_drop)),
            );
        }
        if hostile {
            row.push(
                model
                    .adversarial
                    .as_ref()
                    .map_or("-".into(), |it| format!("{:.2}→{:.2}", it.before, it.after)),
            );
        }
        row.push(format!("{:.4}", model.loss.value));
        row.push(format!("{:.0}", 100.0 * model.best));
        rows.push(row);
    }
    aligned(&rows)
}

/// `0.944 ± 0.003`: the half width of the interval, by which it is told how many digits say something.
fn told(figure: &Figure, measure: &MeasureTold, is_decisive: bool) -> String {
    let small = if measure.unit.is_empty() { 3 } else { 2 };
    match figure.interval.filter(|_| is_decisive) {
        None => format!("{:.small$}", figure.value),
        Some((low, high)) => {
            let half = (high - low) / 2.0;
            let more = if half < 0.5 * 10f64.powi(-(small as i32)) {
                1
            } else {
                0
            };
            format!("{:.*} ± {half:.*}", small + more, figure.value, small + more)
        }
    }
}

fn reasons(findings: &Findings) -> String {
    let lines = findings.models.iter().flat_map(|model| {
        let reasons = model.reasons.iter().map(move |it| (model, it));
        reasons.map(|(model, it)| wrapped(&format!("{}: {it}", model.name)))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn set(members: &[Member]) -> String {
    let mut lines = vec!["Whom a switch should hold:".to_string()];
    for member in members {
        let roles = match &member.roles[..] {
            [] => String::new(),
            roles => format!(" ({})", roles.join(", ")),
        };
        lines.push(wrapped(&format!("  {}{roles}: {}", member.name, member.reason)));
    }
    lines.join("\n")
}

fn promised(findings: &Findings) -> Option<String> {
    let (promised, measure) = (findings.promised?, findings.measures.first()?);
    let quality = MeasureTold {
        name: "quality".into(),
        unit: String::new(),
        higher_is_better: true,
    };
    let told = |it: &Figure| told(it, &quality, true);
    let flattering = findings.unpromised.map_or(String::new(), |it| {
        format!(", beside {} on the items that it was chosen by", told(&it))
    });
    Some(wrapped(&format!(
        "Promised of the choice on more of such material: P {} by {}{flattering}.",
        told(&promised),
        measure.name
    )))
}

fn effort(findings: &Findings) -> String {
    let effort = &findings.effort;
    let cached = match effort.cached {
        0 => String::new(),
        cached => format!(", {cached} of them known from before"),
    };
    let stopped = match effort.stopped {
        0 => String::new(),
        1 => "; 1 model stopped early".into(),
        stopped => format!("; {stopped} models stopped early"),
    };
    format!(
        "{} runs of {}{cached}, {:.0} % of the time of all; {:.0} s{stopped}.",
        effort.runs,
        effort.runs_of_all,
        100.0 * effort.share_of_time,
        effort.seconds
    )
}

/// Three digits that say something.
pub fn digits(value: f64) -> String {
    match value.abs() {
        it if it < 10.0 => format!("{value:.2}"),
        it if it < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Lines that fit a terminal; those that follow are indented.
fn wrapped(text: &str) -> String {
    let indent = text.len() - text.trim_start().len();
    let mut lines = vec![" ".repeat(indent)];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |it| it.chars().count());
        if WIDTH < line + 1 + word.chars().count() {
            lines.push(" ".repeat(indent + 2));
        }
        if let Some(line) = lines.last_mut() {
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}
