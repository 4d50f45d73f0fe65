// SPDX-License-Identifier: MPL-2.0

//! What one sees, in plain words. Every sentence follows from the figures; none is there to please.

use maud::{Markup, html};

use super::numbers::{count, isolated, list, milliseconds, percent};
use crate::record::{Phase, Record, Summary};

/// Two or three sentences on the main run and on how the others compare.
pub fn paragraphs(summaries: &[Summary], records: &[&Record]) -> Markup {
    let Some((main, others)) = summaries.split_first().filter(|(main, _)| 0 < main.frames) else {
        return html! {
            p.lead {
                "Nothing was measured: the pipeline has no avrec-switch or avrec-probe, or no frame passed it."
            }
        };
    };
    let phases = records.first().map_or(&[][..], |record| &record.phases);
    let sentences = [
        before_ready(main),
        behaviour(main),
        rescued(main),
        fate_of_others(main, others),
        quality(main, others),
    ];
    let sentences: Vec<String> = sentences.into_iter().flatten().collect();
    html! {
        p.lead { (lead(main)) (loads(phases)) "." }
        p.words { (sentences.join(" ")) }
    }
}

fn lead(main: &Summary) -> String {
    let frames = count(main.counted());
    match main.budget {
        _ if main.counted() == 0 => "No model was ready before the end".to_string(),
        Some(budget) => format!(
            "{} of {frames} frames left within the budget of {}",
            percent(1.0 - main.late_rate()),
            milliseconds(budget)
        ),
        None => format!("{frames} frames passed, without a budget"),
    }
}

/// `, while <code>stress-ng --cpu 4</code> ran from 12 to 26 s`
pub fn loads(phases: &[Phase]) -> Markup {
    html! {
        @for (number, phase) in phases.iter().enumerate() {
            @let (start, end) = (phase.start, phase.end.unwrap_or(phase.start));
            (if number == 0 { ", while " } else { " and " })
            code { (phase.command) }
            (format!(" ran from {:.0} to {:.0} s", start.as_secs_f64(), end.as_secs_f64()))
        }
    }
}

/// Frames that nobody could have answered as yet.
fn before_ready(summary: &Summary) -> Option<String> {
    let frames = match summary.before_ready {
        0 => return None,
        1 => "1 frame came".to_string(),
        several => format!("{} frames came", count(several)),
    };
    Some(format!("Besides, {frames} before a model was ready."))
}

/// How often it changed, and who answered most.
fn behaviour(summary: &Summary) -> Option<String> {
    let (name, share) = summary.shares.first()?;
    let who = format!("{} answered {} of the frames", isolated(name), percent(*share));
    Some(match summary.swaps {
        0 => format!("The switch never changed the candidate; {who}."),
        1 => format!("The switch changed the candidate once; {who}."),
        swaps => format!("The switch changed the candidate {swaps} times; {who}."),
    })
}

/// What the same time and load did to the others; one that could not keep up shows in its frames, too.
fn fate_of_others(main: &Summary, others: &[Summary]) -> Option<String> {
    let parts: Vec<String> = others
        .iter()
        .map(|it| {
            let late = format!(
                "{} let {} of its frames leave late",
                isolated(&it.name),
                percent(it.late_rate())
            );
            if (it.frames as f64) < 0.95 * main.frames as f64 {
                format!("{late} and got through only {} frames", count(it.frames))
            } else {
                late
            }
        })
        .collect();
    (!parts.is_empty()).then(|| format!("In the same time and under the same load, {}.", list(&parts)))
}

/// Frames on time that the active candidate alone would have made late.
fn rescued(main: &Summary) -> Option<String> {
    let rescued = main.misses.saturating_sub(main.late);
    let frames = if rescued == 1 { "frame" } else { "frames" };
    (0 < rescued).then(|| {
        format!(
            "For {} {frames} the active candidate was too slow, and the floor stood in on time.",
            count(rescued)
        )
    })
}

/// Where the main run's answers stand between those of the others.
fn quality(main: &Summary, others: &[Summary]) -> Option<String> {
    let (measure, own) = main.quality.as_ref()?.main()?;
    let parts: Vec<String> = others
        .iter()
        .filter_map(|it| {
            let other = it.quality.as_ref()?.get(measure)?;
            let relation = match own - other {
                difference if difference.abs() < measure.same => "as close to the original as",
                difference if 0.0 < difference => "closer to the original than",
                _ => "less close to the original than",
            };
            let told = measure.told(other);
            Some(format!("{relation} those of {} ({told})", isolated(&it.name)))
        })
        .collect();
    let (subject, told) = (measure.subject, measure.told(own));
    Some(if parts.is_empty() {
        format!("Compared with the original, its {subject} reach {told}.")
    } else {
        format!("Its {subject} ({told}) are {}.", list(&parts))
    })
}

#[cfg(test)]
mod tests {
    use super::super::numbers::NBSP;
    use super::*;
    use crate::measure::tests::quality as pictures;
    use std::time::Duration;

    fn summary(name: &str, misses: u64, ssim: f64) -> Summary {
        Summary {
            name: name.to_string(),
            stream: None,
            frames: 1000,
            before_ready: 0,
            misses,
            late: misses,
            swaps: 2,
            budget: Some(Duration::from_millis(40)),
            latency: None,
            p95: None,
            quality: Some(pictures(1000, ssim, 30.0)),
            shares: Vec::new(),
        }
    }

    #[test]
    fn the_words_say_better_only_where_it_is_better() {
        let summaries = [
            summary("avrec", 11, 0.951),
            summary("small alone", 0, 0.94),
            summary("large alone", 400, 0.962),
        ];
        let text = paragraphs(&summaries, &[]).into_string().replace(NBSP, " ");
        assert!(
            text.contains("98.9 % of 1,000 frames left within the budget of 40 ms."),
            "{text}"
        );
        assert!(
            text.contains("small alone let 0 % of its frames leave late and large alone let 40.0 % of its frames leave late"),
            "{text}"
        );
        assert!(
            text.contains("are closer to the original than those of small alone"),
            "{text}"
        );
        assert!(
            text.contains("and less close to the original than those of large alone"),
            "{text}"
        );
        let text = paragraphs(
            &[summary("avrec", 0, 0.9402), summary("small alone", 0, 0.94)],
            &[],
        )
        .into_string();
        assert!(text.contains("as close to the original as"), "{text}");
    }

    #[test]
    fn a_load_is_named_as_text() {
        let mut record = Record::new("avrec");
        let command = "sh -c 'a <b> & c'".to_string();
        record.phases.push(Phase {
            command,
            start: Duration::ZERO,
            end: Some(Duration::from_secs(3)),
        });
        let text = paragraphs(&[summary("avrec", 0, 0.9)], &[&record]).into_string();
        assert!(
            text.contains("while <code>sh -c 'a &lt;b&gt; &amp; c'</code> ran from 0 to 3 s"),
            "{text}"
        );
    }

    #[test]
    fn frames_before_a_model_was_ready_are_not_called_too_slow() {
        let early = Summary {
            before_ready: 12,
            ..summary("avrec", 0, 0.9)
        };
        let text = paragraphs(&[early], &[]).into_string().replace(NBSP, " ");
        assert!(
            text.contains("100 % of 988 frames left within the budget of 40 ms."),
            "{text}"
        );
        assert!(
            text.contains("12 frames came before a model was ready") && !text.contains("too slow"),
            "{text}"
        );
    }
}
