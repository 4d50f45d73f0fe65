// SPDX-License-Identifier: MPL-2.0

//! The page of a group: how its streams fared beside each other, as a table and as a picture.

use std::time::Duration;

use maud::{Markup, html};

use super::band::{BINS, Part, Ranks, What, parts};
use super::numbers::{count, isolated, list, milliseconds, percent};
use super::summary_text::loads;
use super::table::{Row, known, number, sentence, table, text};
use super::tables::ALARMING;
use crate::record::{Phase, Record, Summary};

/// Ticks of the time axis, at most.
const TICKS: u64 = 10;

/// Colors that candidates have, from the cheapest to the best.
const COLORS: usize = 7;

/// What became of all streams, in words.
pub fn lead(records: &[&Record], summaries: &[Summary]) -> Markup {
    let all = Summary::of_all(records);
    let phases = records.first().map_or(&[][..], |it| &it.phases);
    if all.counted() == 0 {
        return html! { p.lead { "Nothing was measured: no frame passed a switch after its models were ready." } };
    }
    let worst = summaries
        .iter()
        .max_by(|one, other| one.late_rate().total_cmp(&other.late_rate()));
    html! {
        p.lead {
            (percent(1.0 - all.late_rate())) " of " (count(all.counted())) " frames of " (summaries.len())
            " streams left within their budgets" (loads(phases)) "."
        }
        p.words {
            @if let Some(worst) = worst.filter(|it| 0 < it.late) {
                "Most often late was " (name(worst)) ", with " (percent(worst.late_rate())) " of its frames. "
            }
            @if 0 < all.before_ready { "Besides, " (count(all.before_ready)) " frames came before a model was ready. " }
            "The switches changed their candidates " (times(all.swaps)) "."
        }
    }
}

fn times(number: usize) -> String {
    match number {
        0 => "not once".to_string(),
        1 => "once".to_string(),
        several => format!("{} times in all", count(several as u64)),
    }
}

fn name(summary: &Summary) -> String {
    isolated(summary.stream.as_deref().unwrap_or(&summary.name))
}

/// One row a stream.
pub fn overview(records: &[&Record], summaries: &[Summary]) -> Markup {
    let of_group = |record: &Record| Some((record.stats.as_ref()?.weight?, record.stats.as_ref()?.share));
    let is_group = records.iter().any(|it| of_group(it).is_some());
    let is_measured = summaries.iter().any(|it| it.quality.is_some());
    let mut heads = vec![
        "<stream",
        "frames",
        "missed",
        "late",
        "swaps per 1,000",
        "latency p50",
        "p95",
        "budget",
    ];
    heads.extend(is_measured.then_some("quality"));
    heads.extend(is_group.then_some(["weight", "may take"]).iter().flatten());
    heads.push("<answered by");
    let row = |it: &Summary, place: Option<(f64, Option<Duration>)>, class: &'static str| -> Row {
        let per_thousand = |swaps: usize| match it.frames {
            0 => "–".to_string(),
            frames => format!("{:.1}", 1000.0 * swaps as f64 / frames as f64),
        };
        let alarm = if ALARMING < it.late_rate() { "alarm" } else { "" };
        let main = it.quality.as_ref().and_then(|it| it.main());
        let share = |(name, share): &(String, f64)| format!("{} {}", isolated(name), percent(*share));
        let mut cells = vec![
            text(name(it)),
            number(count(it.frames)),
            number(percent(it.miss_rate())),
            (percent(it.late_rate()), alarm),
            number(per_thousand(it.swaps)),
            known(it.latency.map(|it| it.0), milliseconds),
            known(it.p95, milliseconds),
            known(it.budget, milliseconds),
        ];
        cells.extend(is_measured.then(|| known(main, |(measure, value)| measure.told(value))));
        let may_take = |share: Option<Duration>| share.map_or("all".to_string(), milliseconds);
        cells.extend(
            is_group
                .then(|| {
                    let weight = known(place.map(|it| it.0), |it| it.to_string());
                    [weight, known(place.map(|it| it.1), may_take)]
                })
                .into_iter()
                .flatten(),
        );
        cells.push(sentence(
            it.shares.iter().map(share).collect::<Vec<_>>().join(", "),
        ));
        (cells, class)
    };
    let mut rows = vec![row(&Summary::of_all(records), None, "main")];
    let each = records.iter().zip(summaries);
    rows.extend(each.map(|(record, it)| row(it, of_group(record), "")));
    let measures = crate::record::measures(summaries);
    html! {
        (table("streams", "Figures of each stream", heads, rows))
        p.note {
            "A frame is late when it leaves after its budget, or not at all. It is missed when the active candidate was \
             not ready in time; the floor may have stood in, so that it left on time all the same. "
            "p50 and p95: half, and all but one in twenty, of the frames took at most this long."
            @if is_group {
                " May take: processor time that the group left a run of a candidate at the end; all is no limit. A gain of \
                 quality counts by the weight."
            }
            @for it in measures.iter().filter(|it| is_main(it, summaries)) { " " (it.name) " " (it.meaning) "." }
        }
    }
}

fn is_main(measure: &crate::measure::Measure, summaries: &[Summary]) -> bool {
    let mains = summaries
        .iter()
        .filter_map(|it| Some(it.quality.as_ref()?.main()?.0));
    mains.into_iter().any(|it| it == measure)
}

/// Who answered each stream, over time.
pub fn picture(records: &[&Record]) -> Markup {
    let length = records.iter().map(|it| it.length).max().unwrap_or_default();
    let ranks: Vec<Ranks> = records.iter().map(|it| Ranks::of(it)).collect();
    let phases = records.first().map_or(&[][..], |it| &it.phases);
    html! {
        figure.group {
            figcaption { b { "Who answered each stream" } (legend(&ranks, records)) }
            div.bands {
                @if !phases.is_empty() {
                    span {}
                    div.loads { @for phase in phases { (load(phase, length)) } }
                }
                @for (record, ranks) in records.iter().zip(&ranks) {
                    @let name = isolated(record.stream.as_deref().unwrap_or(&record.name));
                    span.name title=(name) { (name) }
                    (band(record, ranks, phases, length))
                }
                span {}
                div.axis { @for tick in ticks(length) { (mark(tick, length)) } }
            }
            @if !phases.is_empty() { p.note { "The shaded time is that of a load: " (commands(phases)) "." } }
        }
    }
}

fn commands(phases: &[Phase]) -> String {
    let mut commands: Vec<String> = Vec::new();
    for phase in phases {
        if !commands.contains(&phase.command) {
            commands.push(phase.command.clone());
        }
    }
    list(&commands)
}

/// Per cent of the width.
fn x(at: Duration, length: Duration) -> f64 {
    100.0 * (at.as_secs_f64() / length.as_secs_f64().max(0.001)).min(1.0)
}

fn load(phase: &Phase, length: Duration) -> Markup {
    let from = x(phase.start, length);
    let width = x(phase.end.unwrap_or(length), length) - from;
    let place = format!("left:{from:.2}%;width:{width:.2}%");
    html! { span style=(place) title=(phase.command) { "load: " (phase.command) } }
}

/// The upper part is who answered, the lower one has the frames that were missed.
fn band(record: &Record, ranks: &Ranks, phases: &[Phase], length: Duration) -> Markup {
    let name = record.stream.as_deref().unwrap_or(&record.name);
    let shares = Summary::of(record).told_shares();
    let parts = parts(record, length);
    html! {
        svg viewBox=(format!("0 0 {BINS} 26")) preserveAspectRatio="none" role="img" aria-label=(format!("{name}: {shares}")) {
            @for phase in phases {
                @let from = x(phase.start, length) / 100.0 * BINS as f64;
                @let to = x(phase.end.unwrap_or(length), length) / 100.0 * BINS as f64;
                rect.load x=(format!("{from:.0}")) width=(format!("{:.0}", to - from)) y="0" height="26" {}
            }
            @for (position, (who, _)) in record.answerers.iter().enumerate() {
                path class=(ranks.class(who)) d=(outline(&parts, What::Answered(position), (2, 16))) {
                    title { (isolated(&who.to_string())) }
                }
            }
            path.late d=(outline(&parts, What::Late, (19, 6))) { title { "late" } }
            path.missed d=(outline(&parts, What::Missed, (19, 6))) { title { "missed, another left in time" } }
        }
        "\n"
    }
}

/// All parts of a kind, as boxes from `top` on.
fn outline(parts: &[Part], what: What, (top, height): (u32, u32)) -> String {
    let of_kind = parts.iter().filter(|it| it.what == what);
    let boxed = of_kind.map(|it| format!("M{} {top}h{}v{height}h-{1}z", it.from, it.bins));
    boxed.collect()
}

/// What a color stands for: by name where all streams have the same candidates.
fn legend(ranks: &[Ranks], records: &[&Record]) -> Markup {
    let is_same = ranks.windows(2).all(|it| it[0] == it[1]);
    let names = ranks.first().filter(|_| is_same);
    let has = |class: &str| {
        let mut streams = records.iter().zip(ranks);
        streams.any(|(record, ranks)| record.answerers.iter().any(|(who, _)| ranks.class(who) == class))
    };
    let missed = records.iter().any(|it| 0 < it.counts.rescued);
    let late = records.iter().any(|it| 0 < it.counts.late);
    html! {
        span.key {
            @match names {
                Some(names) => @for (position, name) in names.names().iter().enumerate() {
                    span { i class=(names.color(position)) {} (isolated(name)) }
                },
                None => span {
                    "cheapest candidate "
                    span.scale { @for color in 0..COLORS { i class=(format!("r{color}")) {} } }
                    " best"
                },
            }
            @if has("stand-in") { span { i.stand-in {} "another in its place" } }
            @if late { span { i.late {} "late" } }
            @if missed { span { i.missed {} "missed, another left in time" } }
        }
    }
}

fn mark(tick: u64, length: Duration) -> Markup {
    let at = x(Duration::from_secs(tick), length);
    let class = match at {
        at if at < 2.0 => Some("first"),
        at if 98.0 < at => Some("last"),
        _ => None,
    };
    html! { span class=[class] style=(format!("left:{at:.2}%")) { (tick) " s" } }
}

/// Round seconds.
fn ticks(length: Duration) -> impl Iterator<Item = u64> {
    let steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600];
    let whole = length.as_secs();
    let step = steps.into_iter().find(|it| whole / it <= TICKS);
    (0..=whole).step_by(usize::try_from(step.unwrap_or(whole / TICKS + 1)).unwrap_or(usize::MAX))
}

/// The heading of a stream's own part.
pub fn heading(summary: &Summary, record: &Record) -> Markup {
    let (share, answered) = match summary.shares.first() {
        Some((name, share)) => (percent(*share), isolated(name)),
        None => return html! { b { (name(summary)) } " no frame passed" },
    };
    html! {
        b { (name(summary)) }
        @if let Some(probe) = &record.probe { " with " (isolated(probe)) }
        " · " (count(summary.frames)) " frames, " (percent(summary.late_rate())) " late · " (answered) " answered " (share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_round_and_few_ticks() {
        for (seconds, last) in [(0, 0), (7, 7), (40, 40), (119, 105), (7_200, 7_200)] {
            let all: Vec<u64> = ticks(Duration::from_secs(seconds)).collect();
            assert!(all.len() <= TICKS as usize + 1, "{all:?}");
            assert_eq!(all.last(), Some(&last), "{all:?}");
        }
    }
}
