// SPDX-License-Identifier: MPL-2.0

//! `avrec run`: the main run, the runs to compare with, and what is left of them: table, log and report.

use serde_json::Value;

use gstavrec::bounded_file;
use gstavrec::profile::Profile;

use crate::args::{RunArgs, RunPlan};
use crate::console::say;
use crate::environment::Environment;
use crate::events::Events;
use crate::failure::{Failure, cannot_write};
use crate::group;
use crate::launch::Launched;
use crate::log::{Log, entry};
use crate::matrix::Matrix;
use crate::paths::check_writable;
use crate::record::{Record, Summary};
use crate::report;
use crate::session::{End, MAIN, Session};

/// How often a probe tells its figures when they are kept: often enough to show a swap's effect on quality.
const PROBE_INTERVAL: gst::ClockTime = gst::ClockTime::from_mseconds(200);

/// Runs what was asked for.
pub fn run(typed: RunArgs) -> Result<(), Failure> {
    let plan = typed.plan().map_err(Failure::Usage)?;
    let mut events = Events::new();
    gst::init().map_err(|err| Failure::Pipeline(format!("GStreamer does not start: {err}")))?;
    gstavrec::plugin_register_static()
        .map_err(|err| Failure::Pipeline(format!("avrec's elements cannot be registered: {err}")))?;
    let first = prepare(&plan, None)?;
    if !plan.typed.compares.is_empty() && first.switches.is_empty() {
        let text = "--compare: no avrec-switch in the launch description, so there is nothing to pin";
        return Err(Failure::Usage(text.to_string()));
    }
    let unwritable = |what, path, err| Failure::Usage(cannot_write(what, path, &err));
    let log = match &plan.typed.log {
        Some(path) => Log::create(path).map_err(|err| unwritable("log", path, err))?,
        None => Log::none(),
    };
    if let Some(path) = &plan.typed.report {
        check_writable(path).map_err(|err| unwritable("report", path, err))?;
    }
    let matrix = match &plan.typed.record {
        Some(path) => Matrix::create(path).map_err(|err| unwritable("matrix", path, err))?,
        None => Matrix::none(),
    };

    let mut runs = Vec::new();
    let outcome = run_all(&plan, first, (&log, &matrix), &mut events, &mut runs);
    let summaries: Vec<Summary> = runs.iter().flatten().map(Summary::of).collect();
    summaries
        .iter()
        .for_each(|summary| log.write(summary_entry(summary)));
    if !plan.typed.quiet {
        if summaries.iter().any(|summary| 0 < summary.frames) {
            say(&format!("\n{}", group::tables(&runs)));
        } else if outcome.is_ok() {
            say("nothing was measured: no avrec-switch or avrec-probe, or no frame passed it");
        }
    }
    let logged = log.finish();
    let recorded = finish_matrix(&plan, matrix);
    // A run that failed before it measured anything leaves an older report alone.
    let worth_it = outcome.is_ok() || summaries.iter().any(|summary| 0 < summary.frames);
    let reported = if worth_it {
        write_report(&plan, &runs)
    } else {
        Ok(())
    };
    outcome?;
    recorded?;
    reported?;
    match (logged, &plan.typed.log) {
        (Err(err), Some(path)) => Err(Failure::Output(cannot_write("log", path, &err))),
        _ => Ok(()),
    }
}

/// The main run, then each comparison; what ran is in `runs`, of each stream, even if a later one fails.
fn run_all(
    plan: &RunPlan,
    first: Launched,
    files: (&Log, &Matrix),
    events: &mut Events,
    runs: &mut Vec<Vec<Record>>,
) -> Result<(), Failure> {
    let mut next = Some((first, MAIN.to_string()));
    let mut pinned = plan.typed.compares.iter();
    while let Some((launched, name)) = next.take() {
        if !plan.typed.quiet && !plan.typed.compares.is_empty() {
            say(&format!("-- {name}"));
        }
        let (records, outcome) = Session::new(launched, &name, plan, files, events).run();
        runs.push(records);
        if outcome? == End::Interrupted {
            return Ok(());
        }
        if let Some(candidate) = pinned.next() {
            next = Some((prepare(plan, Some(candidate))?, format!("{candidate} alone")));
        }
    }
    Ok(())
}

fn prepare(plan: &RunPlan, pinned: Option<&String>) -> Result<Launched, Failure> {
    let run = pinned.map_or(MAIN, String::as_str);
    let words = plan.typed.description.iter();
    let words: Vec<String> = words.map(|it| it.replace("{run}", run)).collect();
    let launched = Launched::new(&words).map_err(Failure::Usage)?;
    let configure = || {
        launched.ask_for_frames()?;
        if let Some(profile) = &plan.typed.profile {
            Profile::load(profile).map_err(|error| format!("--profile: {error}"))?;
            launched.take_profile(profile)?;
        }
        plan.boxes
            .iter()
            .try_for_each(|it| it.attach(&launched.pipeline))?;
        if plan.typed.record.is_some() {
            launched.ask_for_surveys()?;
        }
        if plan.typed.log.is_some() || plan.typed.report.is_some() {
            launched.ask_for_probes(PROBE_INTERVAL)?;
        }
        pinned.map_or(Ok(()), |candidate| launched.pin(candidate))
    };
    configure().map_err(Failure::Usage)?;
    Ok(launched)
}

fn summary_entry(summary: &Summary) -> crate::log::Entry {
    let mut line = entry("summary");
    let (p50, p99) = summary.latency.unzip();
    let nanos = |time: Option<std::time::Duration>| time.map(|time| time.as_nanos() as u64);
    let shares = summary
        .shares
        .iter()
        .map(|(name, share)| (name.clone(), Value::from(*share)));
    line.extend([("run".to_string(), Value::from(summary.name.clone()))]);
    let stream = summary.stream.clone();
    line.extend(stream.map(|it| ("stream".to_string(), Value::from(it))));
    line.extend([
        ("frames".to_string(), Value::from(summary.frames)),
        ("before-ready".to_string(), Value::from(summary.before_ready)),
        ("misses".to_string(), Value::from(summary.misses)),
        ("late".to_string(), Value::from(summary.late)),
        ("swaps".to_string(), Value::from(summary.swaps)),
        ("budget-ns".to_string(), Value::from(nanos(summary.budget))),
        ("latency-p50-ns".to_string(), Value::from(nanos(p50))),
        ("latency-p99-ns".to_string(), Value::from(nanos(p99))),
        ("answer-shares".to_string(), Value::Object(shares.collect())),
    ]);
    let figures = summary.quality.iter().flat_map(|it| &it.figures);
    line.extend(figures.map(|(measure, value)| (measure.field.to_string(), Value::from(*value))));
    line
}

fn write_report(plan: &RunPlan, runs: &[Vec<Record>]) -> Result<(), Failure> {
    let Some(path) = &plan.typed.report else {
        return Ok(());
    };
    let html = report::render(plan, &Environment::of_this_process(), runs);
    bounded_file::write(path, html).map_err(|err| Failure::Output(cannot_write("report", path, &err)))?;
    if !plan.typed.quiet {
        say(&format!("report: {}", path.display()));
    }
    Ok(())
}

fn finish_matrix(plan: &RunPlan, matrix: Matrix) -> Result<(), Failure> {
    let Some(path) = &plan.typed.record else {
        return Ok(());
    };
    match matrix.finish() {
        Ok(0) => Err(Failure::Output(format!(
            "the matrix '{}' is empty: no frame of video came through the switch",
            path.display()
        ))),
        Ok(rows) => {
            if !plan.typed.quiet {
                say(&format!("matrix: {}, {rows} frames", path.display()));
            }
            Ok(())
        }
        Err(err) => Err(Failure::Output(cannot_write("matrix", path, &err))),
    }
}
