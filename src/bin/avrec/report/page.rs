// SPDX-License-Identifier: MPL-2.0

//! The page as a whole.

use gst::glib;
use gstavrec::quantile::median;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{course, data, numbers, shown, streams, summary_text, tables};
use crate::args::RunPlan;
use crate::environment::Environment;
use crate::record::{Record, Summary};

/// Nothing is loaded from anywhere: what the page shows is inside it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; media-src data:";

/// Rows that the lists of swaps and of misses have at most; several streams share what two have, as far as some are left.
const ROWS: usize = 200;
const FEW_ROWS: usize = 25;

/// Streams that are shown whole; more are folded away.
const OPEN: usize = 2;

/// Renders the runs, the main one first, each with the same streams; without runs the page says so.
pub fn render(plan: &RunPlan, environment: &Environment, runs: &[Vec<Record>]) -> String {
    let title = &plan.typed.title;
    let streams = runs.first().map_or(0, Vec::len);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(include_str!("../../../charts/uplot/uPlot.min.css"))) }
                style { (PreEscaped(super::STYLE)) }
            }
            "\n"
            body {
                main {
                    @match streams {
                        0 | 1 => (one_stream(title, &runs_of(runs, 0))),
                        _ => (several_streams(title, runs)),
                    }
                    @let first = runs_of(runs, 0);
                    (tables::notes("Warnings", "problems", &first, |it| &it.problems))
                    (tables::notes("Notes", "notes", &first, |it| &it.infos))
                    (tables::environment(environment, first.first().map_or(&[], |it| &it.models)))
                    footer {
                        "Made by avrec " (env!("CARGO_PKG_VERSION")) ". Charts by uPlot (MIT, © Leon Sorokin), inside this file; \
                         nothing is loaded from anywhere."
                    }
                }
                "\n"
                div #tip hidden {}
                script {
                    "\n/*\n" (PreEscaped(include_str!("../../../charts/uplot/LICENSE"))) "*/\n"
                    (PreEscaped(include_str!("../../../charts/uplot/uPlot.iife.min.js")))
                }
                script { (PreEscaped(include_str!("page.js"))) }
            }
        }
        "\n"
    };
    page.into_string()
}

/// What the runs have of one stream, the main run first.
fn runs_of(runs: &[Vec<Record>], stream: usize) -> Vec<&Record> {
    runs.iter().filter_map(|it| it.get(stream)).collect()
}

fn summaries_of(records: &[&Record]) -> Vec<Summary> {
    records.iter().map(|it| Summary::of(it)).collect()
}

fn one_stream(title: &str, records: &[&Record]) -> Markup {
    let summaries = summaries_of(records);
    html! {
        header {
            h1 dir="auto" { (title) }
            p.facts { (facts(records, &summaries)) }
            (summary_text::paragraphs(&summaries, records))
        }
        "\n"
        (tables::summary(&summaries))
        (stream(records, &summaries, ROWS))
    }
}

fn several_streams(title: &str, runs: &[Vec<Record>]) -> Markup {
    let main: Vec<&Record> = runs.iter().take(1).flatten().collect();
    let summaries = summaries_of(&main);
    let rows = (2 * ROWS / main.len().max(1)).clamp(FEW_ROWS, ROWS);
    html! {
        header {
            h1 dir="auto" { (title) }
            p.facts { (facts(&main, &summaries)) }
            (streams::lead(&main, &summaries))
        }
        "\n"
        (streams::picture(&main))
        (streams::overview(&main, &summaries))
        @for others in runs.iter().skip(1) {
            @let others: Vec<&Record> = others.iter().collect();
            h2 { (others.first().map_or("", |it| it.name.as_str())) }
            p.note { "The first stream was answered by this candidate alone; the others chose." }
            (streams::overview(&others, &summaries_of(&others)))
        }
        h2 { "Stream by stream" }
        @for (position, (record, summary)) in main.iter().zip(&summaries).enumerate() {
            // Only the first is another one in the runs to compare with.
            @let records = if position == 0 { runs_of(runs, 0) } else { vec![*record] };
            @let own = summaries_of(&records);
            details.stream open[main.len() <= OPEN] {
                summary { (streams::heading(summary, record)) }
                (summary_text::paragraphs(&own, &records))
                (tables::summary(&own))
                (stream(&records, &own, rows))
            }
        }
    }
}

/// What there is to see of one stream.
fn stream(records: &[&Record], summaries: &[Summary], rows: usize) -> Markup {
    html! {
        div.charted {
            (charts())
            // JSON in which no `<` is left.
            script.record type="application/json" { (PreEscaped(data::json(records, summaries))) }
        }
        noscript { p.problems { "The charts need JavaScript; the figures and the reasons are here without it." } }
        @if let Some(main) = records.first() {
            (course::table_of(main))
            (shown::section(&main.shown))
            (tables::swaps(main, rows))
            (tables::misses(main, rows))
            (tables::candidates(main))
        }
    }
}

/// Where `page.js` draws.
fn charts() -> Markup {
    html! {
        section.charts hidden aria-label="Charts" {
            div.bar {
                div.legend {}
                div.runs.picker role="group" aria-label="Run shown" {}
            }
            figure {
                figcaption { b.latency-title {} " " span.latency-note {} }
                div.latency role="img" {}
            }
            figure.band-figure {
                figcaption { b { "Who answered" } }
                div.band role="img" {}
            }
            figure.quality-figure {
                figcaption {
                    b { "True quality over time" } " " span.quality-note {}
                    span.measures.picker role="group" aria-label="Measure shown" {}
                }
                div.quality role="img" {}
            }
            p.hint { "Point at a chart for the numbers, drag across it to zoom in, double-click to zoom out." }
        }
        "\n"
    }
}

/// When, how long, and what was asked: one line. What differs between streams is left out.
fn facts(records: &[&Record], summaries: &[Summary]) -> String {
    let mut facts = Vec::new();
    if let Ok(now) = glib::DateTime::now_local().and_then(|now| now.format("%Y-%m-%d %H:%M")) {
        facts.push(now.to_string());
    }
    if let (Some(record), Some(summary)) = (records.first(), summaries.first()) {
        let is_one = record.stream.is_none();
        facts.push(format!("{:.0} s", record.length.as_secs_f64()));
        if !is_one {
            facts.push(format!("{} streams", records.len()));
        }
        // The first and the last message cover a part of their interval only.
        let rates = record.probes.kept().iter().map(|probe| probe.what.summary.fps);
        if let Some(fps) = median(rates.filter(|fps| is_one && 0.0 < *fps)) {
            facts.push(format!("{fps:.0} frames a second"));
        }
        let is_same = is_one || summaries.iter().all(|it| it.budget == summary.budget);
        if let Some(budget) = summary.budget.filter(|_| is_same) {
            facts.push(format!("budget {} a frame", numbers::milliseconds(budget)));
        }
        let mut backends: Vec<&str> = record
            .models
            .iter()
            .map(|it| it.loaded.backend.as_str())
            .collect();
        backends.sort_unstable();
        backends.dedup();
        if !backends.is_empty() {
            facts.push(format!("models on {}", backends.join(" and ")));
        }
    }
    facts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use clap::Parser;

    use crate::args::{Cli, Command};

    fn page_of(title: &str, records: Vec<Record>) -> String {
        let typed = ["avrec", "run", "--title", title, "videotestsrc"];
        let Command::Run(args) = Cli::parse_from(typed).command else {
            unreachable!("it is a run")
        };
        let plan = args.plan().unwrap();
        let runs: Vec<Vec<Record>> = records.into_iter().map(|it| vec![it]).collect();
        render(&plan, &sample::environment(), &runs)
    }

    fn page(title: &str) -> String {
        page_of(title, sample::records("large"))
    }

    #[test]
    fn the_page_is_whole_and_loads_nothing() {
        let page = page("A run");
        if let Some(path) = std::env::var_os("AVREC_SAMPLE_REPORT") {
            std::fs::write(path, &page).unwrap();
        }
        assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
        for remote in [
            "src=\"http",
            "href=",
            "@import",
            "url(",
            "fetch(",
            "XMLHttpRequest",
            "import(",
        ] {
            assert!(!page.contains(remote), "{remote}");
        }
        assert!(
            page.contains("Permission is hereby granted"),
            "the library's licence travels with it"
        );
        for fact in [
            "GStreamer 1.22.0",
            "Some CPU",
            "Linux 6.1",
            "avrec run --loop",
            "rten",
        ] {
            assert!(page.contains(fact), "{fact}");
        }
    }

    fn group_of(title: &str, streams: usize, large: &str) -> String {
        let typed = ["avrec", "run", "--title", title, "videotestsrc"];
        let Command::Run(args) = Cli::parse_from(typed).command else {
            unreachable!("it is a run")
        };
        let runs = vec![sample::group(streams, large)];
        render(&args.plan().unwrap(), &sample::environment(), &runs)
    }

    #[test]
    fn several_streams_have_a_row_a_band_and_a_part_each() {
        let page = group_of("A group", 3, "large");
        if let Some(path) = std::env::var_os("AVREC_SAMPLE_GROUP") {
            std::fs::write(path, &page).unwrap();
        }
        assert_eq!(page.matches("<svg viewBox=\"0 0 1000 26\"").count(), 3);
        assert_eq!(page.matches("<details class=\"stream\">").count(), 3);
        assert_eq!(page.matches("class=\"record\"").count(), 3);
        assert!(page.contains("frames of 3 streams left within their budgets"));
        assert!(page.contains("<title>bilinear (floor)</title>") && page.contains("load: stress-ng --cpu 4"));
        assert!(group_of("A pair", 2, "large").contains("<details class=\"stream\" open>"));
    }

    #[test]
    fn a_page_of_sixteen_streams_stays_small() {
        let page = group_of("A server", 16, "large");
        assert!(page.len() < 3 << 20, "{}", page.len());
    }

    #[test]
    fn names_of_streams_cannot_become_markup() {
        let evil = "</td></script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";
        let page = group_of(evil, 2, evil);
        assert_eq!(page.matches("<script").count(), 4);
        assert!(!page.contains("<img src=x"));
    }

    #[test]
    fn what_came_from_outside_cannot_become_markup() {
        let evil = "</td></script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";
        let page = page_of(evil, sample::records(evil));
        assert_eq!(page.matches("<script").count(), 3);
        assert_eq!(page.matches("</script>").count(), 3);
        assert!(!page.contains("<img src=x"), "a name is text");
        assert!(page.contains("<title>&lt;/td&gt;&lt;/script&gt;"));
    }

    #[test]
    fn names_that_run_from_right_to_left_do_not_turn_the_sentence() {
        let page = page_of("עברית 🎥", sample::records("נקי 🎥"));
        assert!(page.contains("\u{2068}נקי 🎥\u{2069} answered"), "{page}");
    }

    #[test]
    fn a_run_without_measurements_still_has_a_page() {
        let page = page_of("Empty", vec![Record::new("avrec")]);
        assert!(page.contains("Nothing was measured") && page.contains("What was run"));
        assert!(!page.contains("NaN,") && !page.contains("What came out"));
        assert!(page_of("None", Vec::new()).contains("Nothing was measured"));
    }

    #[test]
    fn frames_and_sound_stand_inside_the_page() {
        let page = page("A run");
        assert!(page.contains("src=\"data:image/jpeg;base64,"));
        assert!(page.contains("<audio controls preload=\"metadata\" src=\"data:audio/wav;base64,UklGR"));
        assert!(page.contains("alt=\"0.50\u{a0}s, first by large; regions: large\""));
    }

    #[test]
    fn misses_are_listed_with_time_candidate_and_reason() {
        let page = page("A run");
        assert!(
            page.contains("no model was ready; the frame itself left"),
            "{page}"
        );
        assert!(
            page.contains("had no answer in time; bilinear (floor) left"),
            "{page}"
        );
        assert!(page.contains(", while stress-ng --cpu 4 ran"), "{page}");
    }
}
