// SPDX-License-Identifier: MPL-2.0

//! The tables of the report, and what else stands in it without a chart.

use std::time::Duration;

use gstavrec::messages::{AnswerKind, CandidateStats, Loaded};
use maud::{Markup, html};

use super::numbers::{count, isolated, milliseconds, moment, percent};
use super::table::{Cell, Row, known, number, sentence, table, text};
use crate::environment::{Environment, ModelRun};
use crate::record::{Fate, Miss, Notes, Phase, Record, Summary, measures};

/// More than one late frame in twenty is what a viewer notices at once.
pub const ALARMING: f64 = 0.05;

/// One row a run: what it cost and what it gave.
pub fn summary(summaries: &[Summary]) -> Markup {
    let measures = measures(summaries);
    let has_early = summaries.iter().any(|it| 0 < it.before_ready);
    let mut heads = vec!["<run", "frames"];
    heads.extend(has_early.then_some("before ready"));
    heads.extend(["late", "missed", "latency p50", "p99", "swaps"]);
    heads.extend(measures.iter().map(|it| it.name));
    heads.push("<answered by");
    let of_all = |part: u64, share: f64| format!("{} ({})", count(part), percent(share));
    let row = |(position, it): (usize, &Summary)| -> Row {
        let alarm = if ALARMING < it.late_rate() { "alarm" } else { "" };
        let (p50, p99) = it.latency.unzip();
        let mut cells = vec![text(isolated(&it.name)), number(count(it.frames))];
        cells.extend(has_early.then(|| number(count(it.before_ready))));
        cells.extend([
            (of_all(it.late, it.late_rate()), alarm),
            number(of_all(it.misses, it.miss_rate())),
            known(p50, milliseconds),
            known(p99, milliseconds),
            number(count(it.swaps as u64)),
        ]);
        cells.extend(measures.iter().map(|measure| {
            let figure = it.quality.as_ref().and_then(|it| it.get(measure));
            known(figure, |value| {
                format!("{}{}", measure.digits(value), measure.unit)
            })
        }));
        let share = |(name, share): &(String, f64)| format!("{} {}", isolated(name), percent(*share));
        cells.push(sentence(
            it.shares.iter().map(share).collect::<Vec<_>>().join(", "),
        ));
        (cells, if position == 0 { "main" } else { "" })
    };
    html! {
        (table("summary", "Figures of each run", heads, summaries.iter().enumerate().map(row)))
        p.note {
            "A frame is late when it leaves after its budget, or not at all. It is missed when the active candidate was \
             not ready in time; the floor may have stood in, so that it left on time all the same. "
            @if has_early {
                "Frames that came before a model was ready are neither, and count in no share and no latency. "
            }
            "p50 and p99: half, and all but one in a hundred, of the frames took at most this long."
            @for it in measures { " " (it.name) " " (it.meaning) "." }
        }
    }
}

/// The swaps of the main run, numbered as in the chart; `most` of them: nobody reads on, and the log has them all.
pub fn swaps(record: &Record, most: usize) -> Markup {
    let row = |(position, swap): (Option<usize>, &crate::record::Timed<gstavrec::messages::Swap>)| -> Row {
        let (at, swap) = (swap.at, &swap.what);
        let from = match swap.from.as_str() {
            "" => "start".to_string(),
            from => isolated(from),
        };
        let cells = vec![
            number(position.map(|it| it.to_string()).unwrap_or_default()),
            number(moment(at)),
            text(format!("{from} → {}", isolated(&swap.to))),
            text(swap.reason.word()),
            sentence(&swap.reason_text),
        ];
        (cells, "")
    };
    let heads = ["", "time", "<from → to", "<cause", "<reason"];
    let shown = record.numbered_swaps().take(most);
    let all = record.swap_count + record.swaps.iter().filter(|it| it.what.from.is_empty()).count();
    html! {
        @if !record.swaps.is_empty() {
            h2 { "Why it changed" }
            (table("swaps", "Swaps and their reasons", heads, shown.map(row)))
            @if most < all { p.note { "… and " (all - most) " more; the log has them." } }
        }
    }
}

/// The moments in which the active candidate of the main run was not in time, `most` of them.
pub fn misses(record: &Record, most: usize) -> Markup {
    let row = |it: &Miss| -> Row {
        let late = match (it.late_by(), it.answerer.answer) {
            (_, AnswerKind::Dropped) => "never left".to_string(),
            (Some(late), _) => format!("{} late", milliseconds(late)),
            (None, _) => "left on time".to_string(),
        };
        let late = match it.frames {
            1 => late,
            _ if it.late_by().is_some() => format!("up to {late}"),
            _ => late,
        };
        let time = match it.first == it.last {
            true => moment(it.first),
            false => format!("{:.2} – {}", it.first.as_secs_f64(), moment(it.last)),
        };
        let active = match it.active.as_str() {
            "" => "–".to_string(),
            active => isolated(active),
        };
        let cells = vec![
            text(time),
            number(count(it.frames)),
            text(active),
            (late, if it.fate == Fate::Late { "alarm" } else { "" }),
            sentence(format!("{}{}", it.why(), beside(it, &record.phases))),
        ];
        (cells, "")
    };
    let heads = ["<time", "frames", "<candidate", "how late", "<why"];
    let (kept, cut) = record
        .misses
        .kept()
        .split_at(most.min(record.misses.kept().len()));
    let more = record.misses.more() + cut.iter().map(|it| it.frames).sum::<u64>();
    html! {
        @if !kept.is_empty() {
            h2 { "Frames that were not answered in time" }
            (table("misses", "Missed frames", heads, kept.iter().map(row)))
            p.note { "Neighboring frames of a kind stand in one row, with the worst of them." }
            @if 0 < more { p.note { "… and " (count(more)) " frames more; the log has them." } }
        }
    }
}

/// The loads that ran meanwhile.
fn beside(miss: &Miss, phases: &[Phase]) -> String {
    let ran = |it: &&Phase| it.start <= miss.last && it.end.is_none_or(|end| miss.first <= end);
    let commands: Vec<&str> = phases.iter().filter(ran).map(|it| it.command.as_str()).collect();
    match commands.as_slice() {
        [] => String::new(),
        commands => format!(", while {} ran", commands.join(" and ")),
    }
}

/// What the switch knew of each candidate when the main run ended.
pub fn candidates(record: &Record) -> Markup {
    let heads = [
        "<candidate",
        "<state",
        "runs",
        "answers",
        "misses",
        "latency p50",
        "p99",
        "quality (estimate)",
        "scores",
    ];
    let candidates = record.stats.iter().flat_map(|it| &it.candidates);
    let rows: Vec<Row> = candidates.map(|it| (candidate(it), "")).collect();
    html! {
        @if !rows.is_empty() {
            h2 { "The candidates at the end of the run" }
            (table("candidates", "Candidates", heads, rows))
            p.note {
                "Runs include those beside, for measuring. Quality is what the switch believed, from the catalogue and \
                 from live scores against the reference candidate."
            }
        }
    }
}

fn candidate(it: &CandidateStats) -> Vec<Cell> {
    let time = |of: Option<Duration>| known(of, milliseconds);
    let estimates = it.estimates.as_ref();
    let state = match &it.cause {
        Some(cause) => sentence(format!("{}: {cause}", it.state.word())),
        None => text(it.state.word()),
    };
    vec![
        text(isolated(&it.name)),
        state,
        number(count(it.runs)),
        number(count(it.answers)),
        number(count(it.misses)),
        time(it.latency.map(|it| it.p50)),
        time(it.latency.map(|it| it.p99)),
        known(estimates, |it| format!("{:.3}", it.quality)),
        number(count(estimates.map_or(0, |it| it.scores))),
    ]
}

/// What was run, on what.
pub fn environment(environment: &Environment, models: &[ModelRun]) -> Markup {
    let processors = match environment.processors {
        1 => "1 processor".to_string(),
        several => format!("{several} processors"),
    };
    let facts = [
        ("avrec", env!("CARGO_PKG_VERSION").to_string()),
        ("GStreamer", environment.gstreamer.clone()),
        ("processor", format!("{}, {processors}", environment.processor)),
        ("kernel", environment.kernel.clone()),
    ];
    let heads = [
        "<model of",
        "<file",
        "<task",
        "<backend",
        "threads",
        "load time",
        "<",
    ];
    let row = |(it, times): &(ModelRun, usize)| -> Row {
        let loaded = &it.loaded;
        let name = match times {
            1 => isolated(&it.name),
            times => format!("{} ({times} times)", isolated(&it.name)),
        };
        let cells = vec![
            text(name),
            sentence(isolated(&loaded.file)),
            text(loaded.task.name()),
            text(where_it_runs(loaded)),
            number(loaded.threads.to_string()),
            known(Some(loaded.load_time), milliseconds),
        ];
        (cells, "")
    };
    // Most models have theirs for the same reason.
    let mut backends: Vec<(&str, &str)> = Vec::new();
    for Loaded {
        backend,
        backend_note,
        ..
    } in models.iter().map(|it| &it.loaded)
    {
        let why = (backend.as_str(), backend_note.as_str());
        if !backend_note.is_empty() && !backends.contains(&why) {
            backends.push(why);
        }
    }
    html! {
        h2 { "What was run" }
        pre { (environment.command) }
        dl { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
        @if !models.is_empty() { (table("models", "Models", heads, alike(models).iter().map(row))) }
        @for (backend, note) in &backends { p.note { (backend) ": " (note) } }
    }
}

/// The library that runs a model, and the execution provider where that is not the CPU.
fn where_it_runs(loaded: &Loaded) -> String {
    match loaded.execution_provider.as_str() {
        "cpu" => loaded.backend.clone(),
        provider => format!("{} ({provider})", loaded.backend),
    }
}

/// Streams have the same models: each once, with how often it is there and the longest time that it took to load.
fn alike(models: &[ModelRun]) -> Vec<(ModelRun, usize)> {
    let mut all: Vec<(ModelRun, usize)> = Vec::new();
    for model in models {
        let loaded = &model.loaded;
        let is_same = |(it, _): &&mut (ModelRun, usize)| {
            let load_time = it.loaded.load_time;
            let other = Loaded {
                load_time,
                ..loaded.clone()
            };
            it.name == model.name && it.loaded == other
        };
        match all.iter_mut().find(is_same) {
            Some((it, times)) => {
                it.loaded.load_time = it.loaded.load_time.max(loaded.load_time);
                *times += 1;
            }
            None => all.push((model.clone(), 1)),
        }
    }
    all
}

/// What was said during all runs; nothing when nothing was.
pub fn notes(title: &str, class: &str, records: &[&Record], of: fn(&Record) -> &Notes) -> Markup {
    let several = 1 < records.len();
    html! {
        @if records.iter().any(|it| !of(it).is_empty()) {
            h2 { (title) }
            div class=(class) {
                @for record in records {
                    @for note in of(record).kept() {
                        p {
                            @if several { (isolated(&record.name)) ", " }
                            (moment(note.at)) ": " (note.text)
                            @if 1 < note.times { " (" (count(note.times)) " times)" }
                        }
                    }
                    @if 0 < of(record).more() { p { "… and " (count(of(record).more())) " more; the log has them." } }
                }
            }
        }
    }
}
