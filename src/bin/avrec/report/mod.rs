// SPDX-License-Identifier: MPL-2.0

//! The report: one HTML file that needs no network. Text and tables are made here and can be read
//! without JavaScript; the charts are drawn by `page.js` from the record that the page carries.

mod data;
mod escape;
mod numbers;
#[cfg(test)]
mod sample;
mod summary_text;
mod tables;

use gst::glib;

use crate::args::RunPlan;
use crate::record::{Record, Summary};
use gstavrec::quantile::median;

use escape::escape;

/// Renders the runs, the main one first; without runs the page says so.
pub fn render(plan: &RunPlan, records: &[Record], summaries: &[Summary]) -> String {
    fill(include_str!("page.html"), |name| match name {
        "title" => escape(&plan.typed.title),
        "facts" => escape(&facts(records, summaries)),
        "words" => summary_text::paragraphs(summaries, records),
        "summary" => tables::summary_table(summaries),
        "swaps" => tables::swap_table(records),
        "candidates" => tables::candidate_table(records),
        "problems" => tables::problem_list(records),
        "command" => escape(&tables::command(plan)),
        "version" => escape(env!("CARGO_PKG_VERSION")),
        "data" => data::json(records, summaries),
        "css" => include_str!("page.css").to_string(),
        "js" => include_str!("page.js").to_string(),
        "uplot-css" => include_str!("uplot/uPlot.min.css").to_string(),
        "uplot-js" => include_str!("uplot/uPlot.iife.min.js").to_string(),
        "uplot-license" => include_str!("uplot/LICENSE").to_string(),
        _ => String::new(),
    })
}

/// Replaces each `{{name}}` in one pass, so that a value may contain anything.
fn fill(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut page = String::with_capacity(256 * 1024);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            return page + "{{" + after;
        };
        page.push_str(&value(name));
        rest = after;
    }
    page + rest
}

/// When, how long, and what was asked: one line.
fn facts(records: &[Record], summaries: &[Summary]) -> String {
    let mut facts = Vec::new();
    if let Ok(now) = glib::DateTime::now_local().and_then(|now| now.format("%Y-%m-%d %H:%M")) {
        facts.push(now.to_string());
    }
    if let (Some(record), Some(summary)) = (records.first(), summaries.first()) {
        facts.push(format!("{:.0} s", record.length.as_secs_f64()));
        // The first and the last message cover a part of their interval only.
        let rates = record.probes.iter().map(|probe| probe.what.summary.fps);
        if let Some(fps) = median(rates.filter(|fps| 0.0 < *fps)) {
            facts.push(format!("{fps:.0} frames a second"));
        }
        if let Some(budget) = summary.budget {
            facts.push(format!("budget {} a frame", numbers::milliseconds(budget)));
        }
    }
    if let Ok(processors) = std::thread::available_parallelism() {
        facts.push(format!("{processors} processors"));
    }
    facts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    use crate::args::{Cli, Command};

    fn page(title: &str) -> String {
        let typed = ["avrec", "run", "--loop", "--title", title, "videotestsrc", "!"];
        let typed = Cli::parse_from(typed.into_iter().chain(["avrec-switch", "catalog=a<b>.toml"]));
        let Command::Run(args) = typed.command else {
            unreachable!("it is a run")
        };
        let plan = args.plan().unwrap();
        let records = sample::records();
        let summaries: Vec<Summary> = records.iter().map(Record::summary).collect();
        render(&plan, &records, &summaries)
    }

    #[test]
    fn the_page_is_whole_and_loads_nothing() {
        let page = page("A run");
        if let Some(path) = std::env::var_os("AVREC_SAMPLE_REPORT") {
            std::fs::write(path, &page).unwrap();
        }
        assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
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
        assert!(!page.replace("{{}}", "").contains("{{"), "every place is filled");
        assert!(
            page.contains("Permission is hereby granted"),
            "the library's licence travels with it"
        );
    }

    #[test]
    fn what_came_from_outside_cannot_become_markup() {
        let page = page("</title><script>alert(1)</script> {{data}}");
        assert!(page.contains("&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt; {{data}}"));
        assert!(page.contains("a&lt;b&gt;.toml"));
        // The sample has a candidate of this name; it stands in the tables and in the data.
        assert!(!page.contains("<i>large"), "a candidate's name is text");
        assert_eq!(page.matches("<script").count(), 3);
        assert_eq!(page.matches("</script>").count(), 3);
    }

    #[test]
    fn a_run_without_measurements_still_has_a_page() {
        let records = [Record::new("avrec")];
        let summaries = [records[0].summary()];
        assert!(summary_text::paragraphs(&summaries, &records).contains("Nothing was measured"));
        assert!(!data::json(&records, &summaries).contains("NaN"));
    }
}
