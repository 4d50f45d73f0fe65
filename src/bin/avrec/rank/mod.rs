// SPDX-License-Identifier: MPL-2.0

//! `avrec rank`: which of many models belong in the set, measured on the user's own material.

mod about;
mod answers;
mod args;
mod ask;
mod bench;
mod cache;
mod candidates;
mod contenders;
mod contest;
mod energy;
mod examples;
mod findings;
mod fuse;
mod live_log;
mod material;
mod picture;
mod progress;
mod promise;
mod question;
mod reasons;
mod report;
mod robustness;
mod summary;
mod table;
pub mod worker;
mod write;
mod wrong;

use std::time::{Duration, Instant};

use gstavrec::bounded_file;
use gstavrec::policy::Weights;
use gstavrec::recommend::Rules;

pub use args::RankArgs;
use args::Wishes;
use bench::{Bench, Setting};
use contest::Drawn;
use findings::Findings;
use material::{Frames, Material};
use progress::Progress;
use worker::{Limits, Worker};

use crate::console::{say, warn};
use crate::failure::{Failure, cannot_write};

/// Ranks what was asked for.
pub fn run(typed: RankArgs) -> Result<(), Failure> {
    typed.check().map_err(Failure::Usage)?;
    let wishes = typed.wishes().map_err(Failure::Usage)?;
    let told_live = typed.from_log.as_deref().map(live_log::told).transpose();
    let told_live = told_live.map_err(Failure::Usage)?.unwrap_or_default();
    let begun = Instant::now();
    let mut progress = Progress::new(typed.quiet);
    progress.begin("reading the library");
    let mut library = contenders::read(&typed.library, typed.task, &wishes.conditions)?;
    let limits = Limits {
        memory: typed.worker_memory << 20,
        time: typed.patience(),
    };
    if library.all.is_empty() {
        return Err(library.nobody(&typed.library));
    }
    progress.begin("looking at the material");
    let listens = listens(&library, limits)?;
    let folder = typed.cache.clone().unwrap_or_else(cache::usual_folder);
    let setting = Setting {
        cache: (!typed.no_cache).then_some(folder.as_path()),
        spool: &folder,
        limits,
        size: typed.size,
    };
    let mut frames = Frames::new(&folder).map_err(Failure::Usage)?;
    let material = look(&typed, listens, &mut frames).map_err(Failure::Usage)?;
    let notes = material.notes.clone();
    let all = std::mem::take(&mut library.all);
    let mut bench = Bench::new(all, material, frames, &setting).map_err(Failure::Usage)?;
    let mut failed = Vec::new();
    let asked = ask::ask(&typed, &mut bench, &library, &mut failed).map_err(Failure::Usage)?;
    bench
        .set_question(asked.question, asked.classes)
        .map_err(Failure::Usage)?;
    let drawn = Drawn::new(&bench, typed.items as usize, typed.seed).map_err(Failure::Usage)?;
    let budget = typed
        .budget_ms
        .unwrap_or_else(|| 1e3 * bench::period(&bench.material).as_secs_f64());
    progress.begin("measuring");
    let rules = rules(&typed, &wishes, &bench, budget);
    let results = match typed.full {
        true => contest::all_on_all(&mut bench, &drawn, &mut progress),
        false => contest::race(&mut bench, &drawn, rules, &mut progress),
    };
    let mut results = results.map_err(Failure::Pipeline)?;
    progress.end();
    let mut findings = about::head(&typed, &wishes, &bench, &drawn, budget);
    findings.question.kind = asked.kind.to_string();
    findings.question.told = asked.told;
    findings.notes = notes.into_iter().chain(asked.notes).chain(told_live).collect();
    if typed.robustness || 0.0 < wishes.robustness {
        progress.begin("corrupting");
        robustness::measure_all(&mut bench, &drawn, &mut results, &mut progress)
            .map_err(Failure::Pipeline)?;
    }
    if let Some(runs) = typed.adversarial {
        progress.begin("searching for weak spots");
        robustness::attack_all(&mut bench, &drawn, &mut results, runs, &mut progress)
            .map_err(Failure::Pipeline)?;
    }
    progress.end();
    summary::summarize(&wishes, &bench, &drawn, &results, &mut findings);
    about::end(&mut findings, &bench, &library, &results, drawn.places.len());
    findings.effort.seconds = begun.elapsed().as_secs_f64();
    if findings.models.is_empty() {
        let excluded = findings.excluded.iter();
        excluded.for_each(|it| warn(&format!("{}: {}", it.name, it.reason)));
        findings.notes.iter().for_each(|it| warn(it));
        return Err(Failure::Pipeline(match findings.measures.is_empty() {
            true => "no model could be measured".into(),
            false => {
                "no model is recommended, and nothing is written: of those that were measured none is left"
                    .into()
            }
        }));
    }
    let mut shown = examples::Examples::default();
    if typed.report.is_some() {
        progress.begin("asking for examples");
        shown = examples::gather(&mut bench, &findings, &drawn.places);
        progress.end();
    }
    tell(&typed, &findings, &shown, &bench, &library)?;
    if typed.fuse.is_none() {
        return Ok(());
    }
    let winner = findings.models.first().map(|it| it.name.as_str());
    let winner = bench
        .contenders
        .iter()
        .position(|it| Some(it.candidate.name.as_str()) == winner);
    let report = fuse::fuse(
        &typed,
        &wishes,
        (&mut bench, &drawn, winner.unwrap_or(0)),
        &setting,
        &mut progress,
    )?;
    progress.end();
    say(&format!("\n{report}"));
    report.notes.iter().for_each(|it| say(&format!("note: {it}")));
    match &typed.write_fusion {
        Some(path) => fuse::write(path, &report),
        None => Ok(()),
    }
}

fn rules(typed: &RankArgs, wishes: &Wishes, bench: &Bench, budget_ms: f64) -> Rules {
    let rules = Rules::new(bench.contenders.len());
    Rules {
        weights: Weights {
            latency: wishes.lambda_latency,
            complexity: wishes.lambda_cost,
            ..rules.weights
        },
        budget: budget_ms / 1e3,
        seed: typed.seed,
        ..rules
    }
}

/// Prints and writes what was found.
fn tell(
    typed: &RankArgs,
    findings: &Findings,
    shown: &examples::Examples,
    bench: &Bench,
    library: &contenders::Contenders,
) -> Result<(), Failure> {
    let mut outcome = Ok(());
    let is_json_printed = typed.json.as_deref().is_some_and(|it| it.as_os_str() == "-");
    if !is_json_printed {
        say(&table::text(findings));
    }
    if let Some(path) = &typed.json {
        let json = serde_json::to_string_pretty(findings).unwrap_or_default();
        if is_json_printed {
            say(&json);
        } else if let Err(err) = bounded_file::write(path, json) {
            outcome = Err(Failure::Output(cannot_write("JSON", path, &err)));
        }
    }
    if let Some(path) = &typed.report
        && let Err(err) = bounded_file::write(path, report::page(findings, shown))
    {
        outcome = Err(Failure::Output(cannot_write("report", path, &err)));
    }
    if let Some(path) = &typed.write {
        match write::write(path, findings, &bench.contenders, &library.catalog) {
            Ok(()) if is_json_printed => {}
            Ok(()) => say(&format!("\nwritten: {}", path.display())),
            Err(cause) => outcome = Err(Failure::Output(cause)),
        }
    }
    outcome
}

/// Looks at all that models are ranked on.
fn look(typed: &RankArgs, listens: bool, frames: &mut Frames) -> Result<Material, String> {
    let named = typed.material();
    let mut material = match named.is_empty() {
        true => Material::default(),
        false => Material::look(&named, listens).map_err(|cause| format!("--on: {cause}"))?,
    };
    if let Some(fragment) = &typed.live {
        if listens {
            return Err("--live is for video; record some sound, and give it with --on".into());
        }
        let length = Duration::from_secs_f64(typed.watched.min(1e6));
        let clip = frames.play_live(fragment, length, material.clips.len());
        let clip = clip.map_err(|cause| format!("--live '{fragment}': {cause}"))?;
        material.clips.push(clip);
    }
    Ok(material)
}

/// Whether the models take sound: by the task, else by the first one that starts.
fn listens(library: &contenders::Contenders, limits: Limits) -> Result<bool, Failure> {
    match library.catalog.task.as_deref() {
        Some("audio") => return Ok(true),
        Some("image" | "detect" | "segment" | "matte") => return Ok(false),
        _ => {}
    }
    let mut causes = Vec::new();
    for contender in &library.all {
        match Worker::start(&contender.source, limits) {
            Ok(worker) => return Ok(worker.listens()),
            Err(cause) => causes.push(format!("{}: {cause}", contender.candidate.name)),
        }
    }
    causes.extend(
        library
            .excluded
            .iter()
            .map(|(name, cause)| format!("{name}: {cause}")),
    );
    causes.iter().for_each(|it| warn(it));
    Err(Failure::Pipeline("no model could be started".into()))
}
