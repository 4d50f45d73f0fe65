// SPDX-License-Identifier: MPL-2.0

//! How sure the order is, and who is best at which load of the machine.

use maud::{Markup, html};

use super::super::findings::{Figure, Findings, Member, ModelFindings};
use super::figures::{log_steps, number, step_digits, steps};
use super::grid::{Row, classed, grid, number as cell_of, sentence, text};
use super::words::color;
use crate::report::numbers::{isolated, list};

/// A slowdown above this is as good as without end.
const ENDLESS: f64 = 1e4;

/// A model's loss, or what it loses beyond the first one.
struct Line<'a> {
    model: &'a ModelFindings,
    value: f64,
    interval: Option<(f64, f64)>,
}

/// How much worse than the first each is, item by item; the bare losses where nothing is known of that.
pub fn forest(findings: &Findings) -> Markup {
    let models = || findings.models.iter().filter(|it| it.loss.value.is_finite());
    let first = models().next().map_or(0.0, |it| it.loss.value);
    let is_paired = models().any(|it| it.behind.is_some());
    let line = |model| {
        let it: &ModelFindings = model;
        let figure = match (is_paired, it.behind) {
            (false, _) => it.loss,
            (true, Some(behind)) => behind,
            (true, None) => Figure {
                value: it.loss.value - first,
                ..Figure::default()
            },
        };
        Line {
            model,
            value: figure.value,
            interval: figure.interval,
        }
    };
    let lines: Vec<Line> = models().map(line).collect();
    let ends = |it: &Line| it.interval.unwrap_or((it.value, it.value));
    let low = lines.iter().map(|it| ends(it).0).fold(f64::INFINITY, f64::min);
    let high = lines
        .iter()
        .map(|it| ends(it).1)
        .fold(f64::NEG_INFINITY, f64::max);
    let room = if low < high { 0.04 * (high - low) } else { 0.1 };
    let (low, high) = (low - room, high + room);
    let at = |value: f64| format!("{:.2}%", 100.0 * ((value - low) / (high - low)).clamp(0.0, 1.0));
    let ticks = steps(low, high, 6);
    let digits = step_digits(&ticks);
    let what = if is_paired {
        "Loss beyond the first one’s"
    } else {
        "Loss"
    };
    html! {
        @if 1 < lines.len() {
            h2 { "How sure the order is" }
            figure {
                figcaption { b { (what) ", with 95 % intervals" } span { "further right is worse" } }
                div.bands.forest {
                    @for it in &lines {
                        div.name title=(isolated(&it.model.name)) { (isolated(&it.model.name)) }
                        svg role="img" aria-label=(told(it)) {
                            line.same x1=(at(lines[0].value)) x2=(at(lines[0].value)) y1="0" y2="100%" {}
                            @if let Some((from, to)) = it.interval {
                                line.whisker x1=(at(from)) x2=(at(to)) y1="50%" y2="50%" {}
                                @for end in [from, to] { line.whisker x1=(at(end)) x2=(at(end)) y1="30%" y2="70%" {} }
                            }
                            circle class=(color(findings, &it.model.name).as_deref().unwrap_or("hollow")) cx=(at(it.value)) cy="50%" r="5.5" {}
                        }
                    }
                    div {}
                    div.axis {
                        @for it in &ticks { span style=(format!("left:{}", at(*it))) { (number(*it, digits)) } }
                    }
                }
                p.note {
                    @if lines.iter().all(|it| it.interval.is_none()) {
                        "There is too little material for intervals: nothing can be concluded from this order."
                    } @else if is_paired {
                        "Item by item, since all models met the same ones. Where an interval crosses the dashed line, the difference to the first one may be chance."
                    } @else {
                        "All models met the same items, so that two whose intervals overlap may still be told apart: ties are told by the differences, item by item."
                    }
                }
            }
        }
    }
}

fn told(it: &Line) -> String {
    let interval = it.interval.map_or(String::new(), |(low, high)| {
        format!(", 95 % interval {} to {}", number(low, 4), number(high, 4))
    });
    format!("{}: {}{interval}", isolated(&it.model.name), number(it.value, 4))
}

/// Whom a switch should hold, and for which slowdown each is the best.
pub fn set(findings: &Findings) -> Markup {
    let members = &findings.set;
    let rows = members.iter().map(|it| row(findings, it));
    let heads = ["<candidate", "<role", "best when slowed down by", "<why"].map(String::from);
    html! {
        @if !members.is_empty() {
            h2 { "The set that a switch should hold" }
            (band(findings))
            (grid("set", "Members of the set, from cheap to good", &heads, rows))
        }
    }
}

fn row(findings: &Findings, it: &Member) -> Row {
    let last = findings
        .set
        .iter()
        .filter_map(|it| it.slowdown)
        .map(|it| it.1)
        .fold(0.0, f64::max);
    let range = match it.slowdown {
        None => "–".to_string(),
        // Nobody looked beyond.
        Some((from, to)) if last <= to => format!("{} and more", times(from)),
        Some((from, to)) => format!("{} to {}", times(from), times(to)),
    };
    let name = classed(
        html! { i class={ "spot " (color(findings, &it.name).unwrap_or_default()) } aria-hidden="true" {} (isolated(&it.name)) },
        "text",
    );
    let role = if it.roles.is_empty() {
        "–".into()
    } else {
        list(&it.roles)
    };
    Row {
        cells: vec![name, text(role), cell_of(range), sentence(&it.reason)],
        class: "",
    }
}

fn times(slowdown: f64) -> String {
    let digits = if slowdown < 9.95 { 1 } else { 0 };
    let text = number(slowdown, digits);
    format!("{}×", text.strip_suffix(".0").unwrap_or(&text))
}

/// Slowdowns from left to right, and who is the best for each.
fn band(findings: &Findings) -> Markup {
    let mut ranges: Vec<(&Member, f64, f64)> = findings
        .set
        .iter()
        .filter_map(|it| it.slowdown.map(|(from, to)| (it, from, to)))
        .filter(|it| it.1.is_finite() && 0.0 < it.1)
        .collect();
    ranges.sort_by(|one, other| one.1.total_cmp(&other.1));
    let bounds = || {
        ranges
            .iter()
            .flat_map(|it| [it.1, it.2])
            .filter(|it| *it < ENDLESS)
    };
    let first = bounds().fold(f64::INFINITY, f64::min);
    let highest = bounds().fold(0.0, f64::max);
    // Room for what goes on without end.
    let is_endless = ranges.iter().any(|it| ENDLESS <= it.2);
    let last = (if is_endless { 1.6 } else { 1.0 } * highest).max(2.0 * first);
    let ending = ranges.iter_mut().filter(|it| highest <= it.2);
    ending.for_each(|it| it.2 = last);
    let at = |slowdown: f64| {
        let share = (slowdown.min(last) / first).ln() / (last / first).ln();
        100.0 * share.clamp(0.0, 1.0)
    };
    html! {
        @if !ranges.is_empty() {
            figure {
                figcaption { b { "Best candidate for each slowdown of the machine" } span { "1× is the machine at rest" } }
                div.slowdowns role="img" aria-label=(ranges.iter().map(|it| format!("{} from {}", isolated(&it.0.name), times(it.1))).collect::<Vec<_>>().join(", ")) {
                    @for (member, from, to) in &ranges {
                        @let (left, right) = (at(*from), at(*to));
                        div class=(color(findings, &member.name).unwrap_or_default()) style=(format!("left:{left:.2}%;width:{:.2}%", (right - left).max(0.3)))
                            title=(format!("{}: {} to {}", isolated(&member.name), times(*from), times(*to))) {
                            span { (isolated(&member.name)) }
                        }
                    }
                }
                div.axis {
                    @for it in log_steps(first * 0.999, last) { span class=[(it <= first * 1.01).then_some("first")] style=(format!("left:{:.2}%", at(it))) { (times(it)) } }
                }
            }
        }
    }
}
