// SPDX-License-Identifier: MPL-2.0

//! Quality over latency: who is on the front, who is in the set, and where the budget lies.

use std::fmt::Write;

use maud::{Markup, html};

use super::super::findings::{Figure, Findings};
use super::figures::{self, Quality, log_steps, memory, step_digits, steps, time};
use super::labels::{Dot, LINE, Placed, Rect, place, short};
use super::words::color;
use crate::report::numbers::isolated;

/// Of the plot on a screen, and on a phone.
const WIDE: (f64, f64) = (1120.0, 460.0);
const NARROW: (f64, f64) = (380.0, 420.0);

/// Radius of the dot of the model that takes most memory, and the least that is seen.
const LARGEST: f64 = 13.0;
const SMALLEST: f64 = 4.0;

/// A model in the plot.
struct Point<'a> {
    name: &'a str,
    /// Its row in the table, from 1.
    row: usize,
    p50: f64,
    p99: Option<f64>,
    quality: Figure,
    memory: u64,
    /// Class of its color, if it is in the set.
    color: Option<String>,
    is_on_front: bool,
}

pub fn section(findings: &Findings) -> Markup {
    let quality = Quality::of(findings);
    let points = points(findings, &quality);
    let largest = points.iter().map(|it| it.memory).max().unwrap_or(0);
    html! {
        @if !points.is_empty() {
            h2 { "Quality, latency and memory" }
            figure {
                figcaption {
                    b { (figures::name(&quality.measure)) " over latency" }
                    span { "bars are 95 % intervals; a thin line leads from half of the runs (p50) to all but one in a hundred (p99)" }
                }
                div.wide-plot { (plot(findings, &quality, &points, WIDE)) }
                div.narrow-plot { (plot(findings, &quality, &points, NARROW)) }
                p.key.plain {
                    span { svg.dot viewBox="0 0 18 18" aria-hidden="true" { circle.c3 cx="9" cy="9" r="6" {} } "in the set" }
                    span { svg.dot viewBox="0 0 18 18" aria-hidden="true" { circle.hollow cx="9" cy="9" r="6" {} } "not in it" }
                    span { svg.dot viewBox="0 0 18 18" aria-hidden="true" { line.front x1="1" y1="9" x2="17" y2="9" {} } "front: nothing is better and faster" }
                    @for part in [largest / 16, largest] {
                        @if 0 < part {
                            @let radius = radius(part, largest);
                            span {
                                svg.dot viewBox="0 0 28 28" aria-hidden="true" { circle.hollow cx="14" cy="14" r=(radius) {} }
                                (memory(part))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn points<'a>(findings: &'a Findings, quality: &Quality) -> Vec<Point<'a>> {
    let point = |(position, it): (usize, &'a super::super::findings::ModelFindings)| {
        let p50 = it.latency.p50.value;
        Some(Point {
            name: &it.name,
            row: position + 1,
            p50: Some(p50).filter(|it| it.is_finite() && 0.0 < *it)?,
            p99: it
                .latency
                .p99
                .map(|it| it.value)
                .filter(|it| it.is_finite() && p50 < *it),
            quality: quality.figure(it)?,
            memory: it.memory,
            color: color(findings, &it.name),
            is_on_front: it.is_on_front,
        })
    };
    findings.models.iter().enumerate().filter_map(point).collect()
}

/// Areas are as memory.
fn radius(memory: u64, largest: u64) -> f64 {
    let share = memory as f64 / largest.max(1) as f64;
    (LARGEST * share.sqrt()).max(SMALLEST)
}

/// From figures to places.
struct Axes {
    frame: Rect,
    x: (f64, f64),
    y: (f64, f64),
    is_up: bool,
}

impl Axes {
    fn of(points: &[Point], budget: f64, is_up: bool, (width, height): (f64, f64)) -> Axes {
        let least = |all: &mut dyn Iterator<Item = f64>| all.fold(f64::INFINITY, f64::min);
        let most = |all: &mut dyn Iterator<Item = f64>| all.fold(f64::NEG_INFINITY, f64::max);
        let first = least(&mut points.iter().map(|it| it.p50)) / 1.5;
        let last = most(&mut points.iter().map(|it| it.p99.unwrap_or(it.p50))) * 1.6;
        // A budget that is far away is told at the edge.
        let (first, last) = match budget {
            it if it < first && first < 4.0 * it => (it / 1.2, last),
            it if last < it && it < 20.0 * last => (first, it * 1.3),
            _ => (first, last),
        };
        let ends = |it: &Point| {
            it.quality
                .interval
                .unwrap_or((it.quality.value, it.quality.value))
        };
        let low = least(&mut points.iter().map(|it| ends(it).0.min(it.quality.value)));
        let high = most(&mut points.iter().map(|it| ends(it).1.max(it.quality.value)));
        let room = if low < high {
            0.09 * (high - low)
        } else {
            0.05 * high.abs().max(0.1)
        };
        Axes {
            frame: Rect {
                left: if width < 500.0 { 46.0 } else { 58.0 },
                top: 12.0,
                right: width - 10.0,
                bottom: height - 40.0,
            },
            x: (first.ln(), last.ln()),
            y: (low - room, high + room),
            is_up,
        }
    }

    fn x(&self, ms: f64) -> f64 {
        let share = (ms.ln() - self.x.0) / (self.x.1 - self.x.0);
        self.frame.left + share.clamp(0.0, 1.0) * (self.frame.right - self.frame.left)
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value - self.y.0) / (self.y.1 - self.y.0);
        let up = if self.is_up { share } else { 1.0 - share };
        self.frame.bottom - up.clamp(0.0, 1.0) * (self.frame.bottom - self.frame.top)
    }
}

fn plot(findings: &Findings, quality: &Quality, points: &[Point], size: (f64, f64)) -> Markup {
    let budget = findings.settings.budget_ms;
    let axes = Axes::of(points, budget, quality.measure.higher_is_better, size);
    let frame = axes.frame;
    let is_narrow = size.0 < 500.0;
    let largest = points.iter().map(|it| it.memory).max().unwrap_or(0);
    let across = steps(axes.y.0, axes.y.1, 9);
    let digits = step_digits(&across);
    let up = log_steps(axes.x.0.exp(), axes.x.1.exp());
    let has_budget = 0.0 < budget && (axes.x.0..=axes.x.1).contains(&budget.ln());
    let (names, unnamed) = names(points, &axes, largest, has_budget.then_some(budget), is_narrow);
    let told = format!(
        "{} over latency of {} models; the table has the same figures.",
        figures::name(&quality.measure),
        points.len()
    );
    html! {
        svg.plot viewBox=(format!("0 0 {} {}", size.0, size.1)) role="img" aria-label=(told) {
            @for value in across {
                @let y = round(axes.y(value));
                line.grid-line x1=(frame.left) x2=(frame.right) y1=(y) y2=(y) {}
                text.tick.end x=(frame.left - 6.0) y=(y + 4.0) { (figures::number(value, digits)) }
            }
            @for (position, ms) in up.iter().enumerate() {
                @let x = round(axes.x(*ms));
                line.grid-line x1=(x) x2=(x) y1=(frame.top) y2=(frame.bottom) {}
                // On a narrow plot there is room for each other one.
                @if !is_narrow || up.len() < 6 || position % 2 == 0 {
                    text.tick.middle x=(x) y=(frame.bottom + 17.0) { (time(*ms)) }
                }
            }
            text.tick.end x=(frame.right) y=(size.1 - 6.0) { "latency of a frame, p50" }
            @if has_budget {
                @let x = round(axes.x(budget));
                line.budget x1=(x) x2=(x) y1=(frame.top) y2=(frame.bottom) {}
                text.budget-name.end x=(x - 5.0) y=(frame.bottom - 6.0) { "budget " (time(budget)) }
            } @else if 0.0 < budget {
                text.budget-name.end x=(frame.right - 4.0) y=(frame.bottom - 6.0) { "budget " (time(budget)) ", outside" }
            }
            path.front d=(front(points, &axes)) {}
            // Large dots first, so that none hides another.
            @let order = { let mut order: Vec<&Point> = points.iter().collect(); order.sort_by_key(|it| std::cmp::Reverse(it.memory)); order };
            @for it in order {
                @let (x, y) = (round(axes.x(it.p50)), round(axes.y(it.quality.value)));
                g {
                    title { (title(it, quality)) }
                    @if let Some(p99) = it.p99 { line.tail x1=(x) x2=(round(axes.x(p99))) y1=(y) y2=(y) {} }
                    @if let Some((low, high)) = it.quality.interval {
                        @let (top, bottom) = (round(axes.y(high)), round(axes.y(low)));
                        line.whisker x1=(x) x2=(x) y1=(top) y2=(bottom) {}
                        @for y in [top, bottom] { line.whisker x1=(x - 4.0) x2=(x + 4.0) y1=(y) y2=(y) {} }
                    }
                    circle class=(it.color.as_deref().unwrap_or("hollow")) cx=(x) cy=(y) r=(round(radius(it.memory, largest))) {}
                }
            }
            @for it in &names {
                @let point = &points[it.dot];
                @if it.is_led {
                    line.lead-line x1=(round(axes.x(point.p50))) y1=(round(axes.y(point.quality.value)))
                        x2=(round(nearest(axes.x(point.p50), it.around.left, it.around.right)))
                        y2=(round(nearest(axes.y(point.quality.value), it.around.top, it.around.bottom))) {}
                }
                text class=(if point.row == 1 { "name first" } else { "name" }) x=(round(it.around.left)) y=(round(it.around.bottom - 4.0)) { (it.text) }
            }
        }
        @if !unnamed.is_empty() {
            p.note { "Without a name there, since there is no room: " (unnamed.join(", ")) "." }
        }
    }
}

/// Where names stand, and those that stand nowhere.
fn names(
    points: &[Point],
    axes: &Axes,
    largest: u64,
    budget: Option<f64>,
    is_narrow: bool,
) -> (Vec<Placed>, Vec<String>) {
    let most = if is_narrow { 14 } else { 26 };
    // Those that matter most get the best places.
    let weight = |it: &usize| match &points[*it] {
        it if it.row == 1 => 0,
        it if it.color.is_some() => 1,
        it if it.is_on_front => 2,
        _ => 3,
    };
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by_key(weight);
    let dot = |it: &usize| {
        let point = &points[*it];
        Dot {
            x: axes.x(point.p50),
            y: axes.y(point.quality.value),
            radius: radius(point.memory, largest),
            name: isolated(&short(point.name, most)),
        }
    };
    let dots: Vec<Dot> = order.iter().map(dot).collect();
    let mut lines: Vec<Rect> = Vec::new();
    for it in points {
        let (x, y) = (axes.x(it.p50), axes.y(it.quality.value));
        if let Some((low, high)) = it.quality.interval {
            let (one, other) = (axes.y(low), axes.y(high));
            lines.push(Rect {
                left: x - 4.0,
                right: x + 4.0,
                top: one.min(other),
                bottom: one.max(other),
            });
        }
        if let Some(p99) = it.p99 {
            lines.push(Rect {
                left: x,
                right: axes.x(p99),
                top: y - 1.0,
                bottom: y + 1.0,
            });
        }
    }
    if let Some(budget) = budget {
        let x = axes.x(budget);
        lines.push(Rect {
            left: x - 2.0,
            right: x + 2.0,
            ..axes.frame
        });
        lines.push(Rect {
            left: x - 110.0,
            right: x,
            top: axes.frame.bottom - LINE - 4.0,
            bottom: axes.frame.bottom,
        });
    }
    let mut placed = place(&dots, &lines, axes.frame);
    let unnamed = (0..dots.len()).filter(|it| !placed.iter().any(|name| name.dot == *it));
    let unnamed = unnamed.map(|it| isolated(points[order[it]].name)).collect();
    for it in &mut placed {
        it.dot = order[it.dot];
    }
    (placed, unnamed)
}

/// Steps along those that nothing beats in quality and latency, from fast to good.
fn front(points: &[Point], axes: &Axes) -> String {
    let y = |it: &Point| axes.y(it.quality.value);
    let mut sorted: Vec<&Point> = points.iter().collect();
    sorted.sort_by(|one, other| one.p50.total_cmp(&other.p50).then(y(one).total_cmp(&y(other))));
    let mut path = String::new();
    let mut best = f64::INFINITY;
    for it in sorted {
        if y(it) < best {
            let (x, own) = (round(axes.x(it.p50)), round(y(it)));
            let _ = match path.is_empty() {
                true => write!(path, "M{x} {own}"),
                false => write!(path, "H{x}V{own}"),
            };
            best = y(it);
        }
    }
    if !path.is_empty() {
        let _ = write!(path, "H{}", axes.frame.right);
    }
    path
}

fn title(it: &Point, quality: &Quality) -> String {
    let figure = figures::value(&quality.measure, &it.quality);
    let interval = figures::interval(&quality.measure, &it.quality);
    let interval = interval.map_or(String::new(), |it| format!(" ({it})"));
    let p99 = it.p99.map_or(String::new(), |it| format!(", p99 {}", time(it)));
    format!(
        "{}: {} {figure}{interval}, p50 {}{p99}, {}",
        isolated(it.name),
        figures::name(&quality.measure),
        time(it.p50),
        memory(it.memory)
    )
}

fn nearest(to: f64, low: f64, high: f64) -> f64 {
    to.clamp(low, high)
}

fn round(value: f64) -> f64 {
    (10.0 * value).round() / 10.0
}
