// SPDX-License-Identifier: MPL-2.0

//! What the elements know, as samples: read from their `stats` when somebody asks.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use gst::prelude::*;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::roster::{Member, Tally};
use super::samples::{Samples, Sheet};
use super::series::Series;
use crate::messages::{
    CandidateState, CandidateStats, FIGURES, FuseStats, InferStats, Percentiles, ProbeStats, SwitchStats,
};
use crate::place::{Place, place, unique};

/// Elements that are shown at most, so that a program that makes ever more does not fill Prometheus.
pub const MOST_ELEMENTS: usize = 1024;
/// Candidates of a switch that are shown at most.
const MOST_CANDIDATES: usize = 64;

/// What one element knew.
#[derive(Debug)]
pub struct Read {
    place: Place,
    member: Arc<Member>,
    stats: Option<gst::Structure>,
}

impl Read {
    /// Asks an element.
    pub fn of(member: &Arc<Member>, element: &gst::Element) -> Read {
        Read {
            place: place(element),
            member: member.clone(),
            stats: element.property("stats"),
        }
    }
}

/// What all of them knew, at one moment.
#[derive(Debug)]
pub struct Reading {
    /// At most [`MOST_ELEMENTS`].
    pub read: Vec<Read>,
    /// Elements beyond these.
    pub left_out: usize,
    /// Elements that did not answer.
    pub silent: usize,
}

impl Collector for Reading {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        samples(self).encode(&mut encoder)
    }
}

fn samples(reading: &Reading) -> Samples {
    let mut samples = Samples::default();
    let mut sheet = samples.sheet();
    let gstreamer = gst::version();
    let gstreamer = format!("{}.{}.{}", gstreamer.0, gstreamer.1, gstreamer.2);
    sheet
        .with("version", env!("CARGO_PKG_VERSION"))
        .with("gstreamer", &gstreamer)
        .put(Series::Build, 1);

    let (mut names, mut candidates_left_out) = (HashSet::new(), 0);
    for it in &reading.read {
        let place = unique(it.place.clone(), &mut names);
        let mut sheet = sheet.with("pipeline", &place.pipeline);
        let mut sheet = sheet.with("element", &place.element);
        if let Some(stats) = &it.stats {
            candidates_left_out += read(stats, &it.member.tally, &mut sheet);
        }
    }
    sheet.put(Series::Elements, reading.read.len() as u64);
    sheet.put(Series::ElementsLeftOut, reading.left_out as u64);
    sheet.put(Series::ElementsSilent, reading.silent as u64);
    sheet.put(Series::CandidatesLeftOut, candidates_left_out as u64);
    samples
}

/// Writes what an element knows; returns how many candidates are left out.
fn read(stats: &gst::StructureRef, tally: &Tally, sheet: &mut Sheet) -> usize {
    match stats.name().as_str() {
        SwitchStats::NAME => {
            return SwitchStats::try_from(stats).map_or(0, |it| of_switch(it, tally, sheet));
        }
        InferStats::NAME => InferStats::try_from(stats)
            .into_iter()
            .for_each(|it| of_infer(it, tally, sheet)),
        ProbeStats::NAME => ProbeStats::try_from(stats)
            .into_iter()
            .for_each(|it| of_probe(it, sheet)),
        FuseStats::NAME => FuseStats::try_from(stats)
            .into_iter()
            .for_each(|it| of_fuse(it, sheet)),
        _ => {}
    }
    0
}

fn of_switch(stats: SwitchStats, tally: &Tally, sheet: &mut Sheet) -> usize {
    let answers = [
        ("active", stats.active_answers),
        ("floor", stats.floor_answers),
        ("held", stats.held_answers),
        ("dropped", stats.dropped),
    ];
    for (answer, frames) in answers {
        sheet.with("answer", answer).put(Series::Frames, frames);
    }
    for (reason, swaps) in tally.swaps() {
        sheet.with("reason", reason).put(Series::Swaps, swaps);
    }
    let failures = tally.candidate_failures.load(Ordering::Relaxed);
    sheet.put(Series::CandidateFailures, failures);
    sheet.put(Series::FramesIn, stats.frames_in);
    sheet.put(Series::Misses, stats.misses);
    sheet.put(Series::Late, stats.over_budget);
    sheet.put(Series::Latency, stats.latency_histogram);
    sheet.put_percentiles(Series::LatencyWindow, stats.latency);
    sheet.put(Series::Budget, stats.budget);
    sheet.put(Series::Slowdown, stats.slowdown);
    sheet.put_some(Series::Waiting, stats.waiting);
    sheet.put_some(Series::Runnable, stats.runnable);
    sheet.put_some(Series::Pressure, stats.pressure);
    sheet.put_some(Series::Throttled, stats.throttled);
    sheet.put_some(Series::WakeUpMargin, stats.wake_up_margin);
    sheet.put_some(Series::MissPrice, stats.price_per_miss);
    sheet.put(Series::Lessons, stats.lessons);
    sheet.put(Series::Cuts, stats.cuts);
    if let Some(group) = &stats.group {
        let mut sheet = sheet.with("group", group);
        sheet.put_some(Series::GroupStreams, stats.streams);
        sheet.put_some(Series::GroupWeight, stats.weight);
        sheet.put_some(Series::GroupShare, stats.share);
        sheet.put_some(Series::GroupMemory, stats.memory);
        sheet.put_some(Series::GroupMemoryLimit, stats.memory_limit);
    }
    for candidate in stats.candidates.iter().take(MOST_CANDIDATES) {
        of_candidate(
            candidate,
            &stats.active,
            &mut sheet.with("candidate", &candidate.name),
        );
    }
    stats.candidates.len().saturating_sub(MOST_CANDIDATES)
}

fn of_candidate(stats: &CandidateStats, active: &str, sheet: &mut Sheet) {
    sheet.put(Series::Active, stats.name == active);
    for state in CandidateState::ALL {
        sheet
            .with("state", state.word())
            .put(Series::LaneState, stats.state == *state);
    }
    sheet.put(Series::CandidateRuns, stats.runs);
    sheet.put(Series::CandidateAnswers, stats.answers);
    sheet.put(Series::CandidateMisses, stats.misses);
    sheet.put_percentiles(Series::CandidateLatency, stats.latency);
    sheet.put_some(Series::ModelMemory, stats.memory);
    sheet.put_some(Series::ModelLoad, stats.load_time);
    let Some(expected) = &stats.estimates else { return };
    sheet.put_some(Series::ExpectedLatency, expected.latency);
    sheet.put_some(Series::ExpectedLatencyUpper, expected.upper);
    sheet.put(Series::ExpectedMiss, expected.miss);
    sheet.put(Series::Quality, expected.quality);
    sheet.put(Series::QualitySd, expected.quality_sd);
    sheet.put_some(Series::Robustness, expected.robustness);
}

fn of_infer(stats: InferStats, tally: &Tally, sheet: &mut Sheet) {
    sheet.put(Series::ModelFrames, stats.frames_out);
    sheet.put(Series::ModelRuns, stats.runs);
    sheet.put(Series::ModelLoads, tally.loads.load(Ordering::Relaxed));
    sheet.put(
        Series::ModelLoadFailures,
        tally.load_failures.load(Ordering::Relaxed),
    );
    sheet.put_some(Series::ModelLoading, stats.loading);
    sheet.put(Series::ModelDroppedValues, stats.dropped_values);
    sheet.put_percentiles(Series::ModelLatency, stats.latency);
    sheet.put_percentiles(Series::ModelRun, stats.run_latency);
    if let Some(model) = &stats.model {
        sheet
            .with("task", model.loaded.task.name())
            .with("backend", &model.loaded.backend)
            .put(Series::Model, 1);
        sheet.put(Series::ModelLoad, model.loaded.load_time);
        sheet.put(Series::ModelUsers, u64::from(model.users));
    }
    if let Some(remote) = &stats.remote {
        sheet.put_some(Series::RemoteRoundTrip, remote.round_trip);
        sheet.put_some(Series::RemoteServing, remote.serving);
        sheet.put(Series::RemoteSent, remote.sent_bytes);
        sheet.put(Series::RemoteReceived, remote.received_bytes);
    }
}

fn of_probe(stats: ProbeStats, sheet: &mut Sheet) {
    let summary = stats.summary;
    sheet.put(Series::ProbeFrames, summary.frames);
    sheet.put(Series::ProbeUnstamped, summary.unstamped);
    sheet.put(Series::ProbeMisses, summary.misses);
    let latency = summary.latencies.map(|it| Percentiles {
        p50: it.p50,
        p95: it.p95,
        p99: it.p99,
    });
    sheet.put_percentiles(Series::LatencyWindow, latency);
    let budget: Option<std::time::Duration> = summary.budget.map(Into::into);
    sheet.put_some(Series::Budget, budget);
    let Some(fidelity) = stats.fidelity else { return };
    sheet.put(Series::ProbePairs, fidelity.pairs);
    sheet.put(Series::ProbeUnmatched, fidelity.unmatched);
    sheet.put_some(Series::ProbePsnr, stats.window_psnr_db);
    sheet.put_some(Series::ProbeSsim, stats.window_ssim);
    for figure in FIGURES {
        match figure {
            "si-sdr-db" => sheet.put_some(Series::ProbeSiSdr, fidelity.figure(figure)),
            _ => sheet
                .with("figure", figure)
                .put_some(Series::ProbeFidelity, fidelity.figure(figure)),
        }
    }
}

fn of_fuse(stats: FuseStats, sheet: &mut Sheet) {
    let answered = stats.both + stats.picture_only + stats.sound_only;
    let sides = [
        ("both", stats.both),
        ("picture", stats.picture_only),
        ("sound", stats.sound_only),
        ("none", stats.frames.saturating_sub(answered)),
    ];
    for (side, frames) in sides {
        sheet.with("sides", side).put(Series::FuseFrames, frames);
    }
    sheet.put(Series::FuseLate, stats.late);
    let sides = [
        ("picture", stats.picture_weight, stats.picture_worth),
        ("sound", stats.sound_weight, stats.sound_worth),
    ];
    for (side, weight, worth) in sides {
        let mut sheet = sheet.with("side", side);
        sheet.put(Series::FuseWeight, weight);
        sheet.put(Series::FuseWorth, worth);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_beyond_the_most_are_counted_and_not_shown() {
        let candidate = |number| CandidateStats {
            name: format!("c{number}"),
            state: CandidateState::Ready,
            cause: None,
            gives: None,
            runs: 1,
            answers: 1,
            misses: 0,
            memory: None,
            load_time: None,
            latency: None,
            estimates: None,
        };
        let stats = SwitchStats {
            candidates: (0..MOST_CANDIDATES + 6).map(candidate).collect(),
            ..SwitchStats::default()
        };
        let mut samples = Samples::default();
        let left_out = of_switch(stats, &Tally::default(), &mut samples.sheet());
        assert_eq!((left_out, samples.of(Series::Active)), (6, MOST_CANDIDATES));
    }
}
