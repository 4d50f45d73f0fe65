// SPDX-License-Identifier: MPL-2.0

//! What is told besides places: the machine, the material, what was asked, who was left out, and what it took.

use super::args::{RankArgs, Wishes};
use super::bench::{Bench, Question};
use super::contenders::Contenders;
use super::contest::{Drawn, Results, drawn_of};
use super::findings::{Excluded, Findings, Machine, MaterialTold, QuestionTold, Settings, VERSION};
use super::material::Form;
use crate::environment::Environment;

/// All that is known before anything is summed up.
pub fn head(typed: &RankArgs, wishes: &Wishes, bench: &Bench, drawn: &Drawn, budget_ms: f64) -> Findings {
    let environment = Environment::of_this_process();
    Findings {
        version: VERSION,
        command: environment.command,
        date: today(),
        machine: Machine {
            processor: environment.processor,
            processors: environment.processors,
            kernel: environment.kernel,
            gstreamer: environment.gstreamer,
        },
        question: QuestionTold {
            reference: match bench.question() {
                Some(Question::Agreement(it)) => Some(bench.contenders[*it].candidate.name.clone()),
                _ => None,
            },
            ..QuestionTold::default()
        },
        material: told(bench, drawn),
        settings: Settings {
            budget_ms,
            lambda_latency: wishes.lambda_latency,
            lambda_cost: wishes.lambda_cost,
            strategy: wishes.strategy.to_string(),
            weights: wishes.measures.clone(),
            seed: typed.seed,
        },
        ..Findings::default()
    }
}

/// Who was left out, what was warned of, and what it took.
pub fn end(findings: &mut Findings, bench: &Bench, library: &Contenders, results: &Results, items: usize) {
    let excluded = library.excluded.iter().cloned();
    let broken = results.failed.iter().enumerate();
    let broken =
        broken.filter_map(|(model, it)| Some((bench.contenders[model].candidate.name.clone(), it.clone()?)));
    let left_out = excluded
        .chain(broken)
        .map(|(name, reason)| Excluded { name, reason });
    findings.excluded.extend(left_out);
    let told_by =
        |(model, note): &(usize, String)| format!("{}: {note}", bench.contenders[*model].candidate.name);
    findings.notes.extend(bench.notes.iter().map(told_by));
    findings.effort.runs = results.told;
    findings.effort.cached = results.cached;
    if let Some(longer) = results.busy() {
        findings.notes.push(format!(
            "the machine was busy: runs took up to {longer:.1} times the processor time that they used, so latencies are too long; \
             rank again with --no-cache when nothing else runs"
        ));
    }
    findings.effort.stopped = results.stopped(items);
    findings.effort.runs_of_all = (bench.contenders.len() * items) as u64;
    findings.effort.share_of_time = results.share_of_time(items);
}

fn told(bench: &Bench, drawn: &Drawn) -> Vec<MaterialTold> {
    let clips = bench.material.clips.iter().enumerate();
    let told = clips.map(|(number, clip)| MaterialTold {
        path: clip.path.display().to_string(),
        form: match clip.form {
            Form::Video => "clip",
            Form::Picture => "picture",
            Form::Sound => "sound",
        }
        .to_string(),
        sha256: clip.hash.clone(),
        items: clip.seen.len(),
        drawn: drawn_of(&bench.material, drawn, number),
        scenes: drawn.scenes[number],
        seconds: clip
            .seen
            .last()
            .map_or(0.0, |it| (it.time + it.duration).as_secs_f64()),
    });
    told.collect()
}

/// As 2026-11-28, in UTC.
fn today() -> String {
    let now = gst::glib::DateTime::now_utc().and_then(|it| it.format("%Y-%m-%d"));
    now.map_or(String::new(), |it| it.to_string())
}
