// SPDX-License-Identifier: MPL-2.0

//! The charts in words and numbers, for who cannot see them or does not want to.

use std::time::Duration;

use gstavrec::quantile::median;
use maud::{Markup, html};

use super::numbers::{count, isolated, milliseconds, percent};
use super::table::{Row, known, number, sentence, table};
use crate::record::{Fate, FrameSample, Record, Summary};

/// Rows of a table, at most.
const ROWS: u32 = 30;

/// What the chart of a run's latencies shows, in a sentence.
pub fn latency(record: &Record, summary: &Summary) -> String {
    let mut parts = vec![format!(
        "Latency of the frames of {} over {:.0} seconds",
        isolated(&record.name),
        record.length.as_secs_f64()
    )];
    if let Some((p50, p99)) = summary.latency {
        let (p50, p99) = (milliseconds(p50), milliseconds(p99));
        parts.push(format!("median {p50}, 99 in 100 at most {p99}"));
    }
    if let Some(budget) = summary.budget {
        parts.push(format!(
            "budget {}, {} late",
            milliseconds(budget),
            count(summary.late)
        ));
    }
    parts.join("; ") + "."
}

/// Who answered, in a sentence.
pub fn band(summary: &Summary) -> String {
    let share = |(name, share): &(String, f64)| format!("{} {}", isolated(name), percent(*share));
    let shares: Vec<String> = summary.shares.iter().map(share).collect();
    format!("Who answered over time: {}.", shares.join(", "))
}

/// The same stretch of time after the other.
pub fn table_of(record: &Record) -> Markup {
    let frames = record.drawn_frames();
    let step = step(record.length);
    let stretches = frames.chunk_by(|one, other| number_of(one, step) == number_of(other, step));
    let row = |stretch: &[&FrameSample]| -> Row {
        let start = stretch.first().map_or(0, |it| number_of(it, step)) * u64::from(step);
        let late = stretch.iter().filter(|it| it.fate == Fate::Late).count();
        let worst = stretch.iter().map(|it| it.latency).max();
        let mut who: Vec<(usize, usize)> = Vec::new();
        for frame in stretch {
            match who.iter_mut().find(|it| it.0 == frame.answerer) {
                Some((_, answers)) => *answers += 1,
                None => who.push((frame.answerer, 1)),
            }
        }
        who.sort_by_key(|it| std::cmp::Reverse(it.1));
        let names = who.iter().filter_map(|it| record.answerers.get(it.0));
        let names: Vec<String> = names.map(|(who, _)| isolated(&who.to_string())).collect();
        let cells = vec![
            number(format!("{start} – {} s", start + u64::from(step))),
            number(count(stretch.len() as u64)),
            known(median(stretch.iter().map(|it| it.latency)), milliseconds),
            known(worst, milliseconds),
            number(count(late as u64)),
            sentence(names.join(", ")),
        ];
        (cells, "")
    };
    let heads = ["time", "frames", "median", "slowest", "late", "<answered by"];
    let is_thinned = 1 < record.frames.stride();
    html! {
        @if !frames.is_empty() {
            details {
                summary { "The charts as a table" }
                (table("course", "The course of the run", heads, stretches.map(row)))
                @if is_thinned { p.note { "Of the frames in time, one in " (record.frames.stride()) " is counted here." } }
            }
        }
    }
}

fn number_of(frame: &FrameSample, step: u32) -> u64 {
    frame.at.as_secs() / u64::from(step)
}

/// Seconds of a row: a round number.
fn step(length: Duration) -> u32 {
    let steps = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600];
    let fits = |it: &u32| length.as_secs() <= u64::from(*it * ROWS);
    let day = || u32::try_from(length.as_secs() / u64::from(ROWS) + 1).unwrap_or(u32::MAX);
    steps.into_iter().find(fits).unwrap_or_else(day)
}
