// SPDX-License-Identifier: MPL-2.0

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::audio::spec::Format;

const MONO: Spec = Spec {
    format: Format::F64,
    rate: 48_000,
    channels: 1,
};

const A: Source = Source::Candidate(0);
const B: Source = Source::Candidate(1);

/// Sources that can be computed, as far as they are said to reach.
struct Computed<F> {
    spans: HashMap<usize, Range<u64>>,
    input: Range<u64>,
    value: F,
}

impl<F: Fn(Source, u64) -> f64> SampleSources for Computed<F> {
    fn span(&self, source: Source) -> Range<u64> {
        match source {
            Source::Input => self.input.clone(),
            Source::Candidate(it) => self.spans.get(&it).cloned().unwrap_or_default(),
        }
    }

    fn read(&self, source: Source, from: u64, into: &mut [u8]) -> bool {
        let span = self.span(source);
        let samples = (into.len() / 8) as u64;
        if from < span.start || span.end < from + samples {
            return false;
        }
        for (at, bytes) in (from..).zip(into.chunks_exact_mut(8)) {
            bytes.copy_from_slice(&(self.value)(source, at).to_le_bytes());
        }
        true
    }
}

/// Sources that differ by a constant.
fn level(source: Source, _at: u64) -> f64 {
    match source {
        Source::Input => 0.0,
        Source::Candidate(it) => 1.0 + it as f64,
    }
}

fn reaching<F>(value: F, a: u64, b: u64) -> Computed<F> {
    Computed {
        spans: HashMap::from([(0, 0..a), (1, 0..b)]),
        input: 0..100_000,
        value,
    }
}

fn request(source: Source, ready_at: u64) -> Request {
    Request { source, ready_at }
}

fn play(
    seam: &mut Crossfader,
    requests: &[Request],
    sources: &impl SampleSources,
    samples: usize,
) -> Vec<f64> {
    let mut out = vec![0; samples * 8];
    let requests: Vec<_> = requests.iter().copied().map(Some).collect();
    seam.play(&requests, sources, &mut out);
    out.chunks_exact(8)
        .map(|it| f64::from_le_bytes(it.try_into().unwrap()))
        .collect()
}

fn largest_step(out: &[f64]) -> f64 {
    out.windows(2).map(|it| (it[1] - it[0]).abs()).fold(0.0, f64::max)
}

#[test]
fn a_coming_source_fades_in_where_it_is_ripe() {
    let mut seam = Crossfader::new(MONO);
    seam.set_fade(10);
    let sources = reaching(level, 1_000, 1_000);
    let out = play(&mut seam, &[request(A, 0)], &sources, 50);
    assert_eq!(out, [1.0; 50], "the first one sounds at once");
    let out = play(&mut seam, &[request(B, 70), request(A, 0)], &sources, 50);
    assert_eq!(out[..20], [1.0; 20]);
    for (k, value) in out[20..30].iter().enumerate() {
        assert!((value - (1.0 + k as f64 / 10.0)).abs() < 1e-12);
    }
    assert_eq!(out[30..], [2.0; 20]);
    assert_eq!(seam.target(), Some(B));
    assert!(!seam.sounds(A));
}

#[test]
fn a_fade_goes_on_over_short_stretches() {
    let mut seam = Crossfader::new(MONO);
    seam.set_fade(100);
    let sources = reaching(level, 1_000, 1_000);
    play(&mut seam, &[request(A, 0)], &sources, 10);
    let mut out = vec![1.0];
    for _ in 0..30 {
        out.extend(play(&mut seam, &[request(B, 0)], &sources, 7));
    }
    assert!((largest_step(&out) - 0.01).abs() < 1e-12);
    assert_eq!(out.last(), Some(&2.0));
}

#[test]
fn a_source_that_runs_out_is_faded_away_over_the_last_samples_that_it_has() {
    let mut seam = Crossfader::new(MONO);
    seam.set_fade(10);
    let sources = reaching(level, 80, 0);
    play(&mut seam, &[request(A, 0)], &sources, 50);
    let out = play(&mut seam, &[request(A, 0)], &sources, 50);
    assert_eq!(out[..21], [1.0; 21]);
    assert!((largest_step(&out) - 0.1).abs() < 1e-12);
    assert_eq!(out[30..], [0.0; 20]);
    assert_eq!(seam.target(), Some(Source::Input));
}

#[test]
fn without_a_sample_left_the_difference_fades_away() {
    let mut seam = Crossfader::new(MONO);
    seam.set_fade(10);
    let sources = reaching(level, 50, 0);
    play(&mut seam, &[request(A, 0)], &sources, 50);
    let out = play(&mut seam, &[request(A, 0)], &sources, 50);
    assert_eq!(out[0], 1.0, "the difference is held first");
    assert!((largest_step(&out) - 0.1).abs() < 1e-12);
    assert_eq!(out[10..], [0.0; 40]);
}

#[test]
fn with_no_fade_a_swap_is_a_cut_between_two_stretches() {
    let mut seam = Crossfader::new(MONO);
    let sources = reaching(level, 1_000, 1_000);
    play(&mut seam, &[request(A, 0)], &sources, 50);
    let out = play(&mut seam, &[request(B, 70), request(A, 0)], &sources, 50);
    assert_eq!(out, [1.0; 50]);
    let out = play(&mut seam, &[request(B, 70), request(A, 0)], &sources, 50);
    assert_eq!(out, [2.0; 50]);
}

#[test]
fn a_source_that_ends_in_the_middle_of_its_fade_gives_way_to_what_there_is() {
    let mut seam = Crossfader::new(MONO);
    seam.set_fade(40);
    let mut sources = reaching(level, 1_000, 1_000);
    play(&mut seam, &[request(A, 0)], &sources, 50);
    let mut out = play(&mut seam, &[request(B, 0), request(A, 0)], &sources, 20);
    // B is at 0.5 now and has nothing more; A still has.
    sources.spans.insert(1, 0..70);
    out.extend(play(&mut seam, &[request(B, 0), request(A, 0)], &sources, 50));
    assert_eq!(seam.target(), Some(A));
    assert!(largest_step(&out) < 0.05, "{}", largest_step(&out));
    assert_eq!(out.last(), Some(&1.0));
}

#[test]
fn equal_sources_give_what_they_are_to_the_bit() {
    let sine = |_: Source, at: u64| (at as f64 * 0.01).sin();
    let mut seam = Crossfader::new(MONO);
    seam.set_fade(480);
    let sources = reaching(sine, 100_000, 100_000);
    let mut out = Vec::new();
    for k in 0..200 {
        let source = if k / 7 % 2 == 0 { A } else { B };
        out.extend(play(&mut seam, &[request(source, 0)], &sources, 441));
    }
    let expected: Vec<f64> = (0..out.len() as u64).map(|at| sine(A, at)).collect();
    assert_eq!(out, expected);
}

proptest! {
    /// Whoever is wished for and whoever runs out when: every sample goes out, none is off by more than a fade's step
    /// from the one before, and none is louder than the loudest source.
    #[test]
    fn however_sources_come_and_go_there_is_no_step(
        fade in 1_u64..200,
        steps in prop::collection::vec((1_usize..300, 0_usize..2, 0_u64..400, 0_u64..400, 0_u64..300), 1..80),
    ) {
        let mut seam = Crossfader::new(MONO);
        seam.set_fade(fade);
        let mut sources = reaching(level, 0, 0);
        let mut out = Vec::new();
        for (samples, wished, a, b, ripe) in steps {
            let at = seam.position();
            for (lane, reach) in [(0, a), (1, b)] {
                let span = sources.spans.entry(lane).or_default();
                let end = span.end.max(at + reach);
                // One that had run out begins anew.
                *span = if span.end <= at { at..end } else { span.start..end };
            }
            let requests = [
                request(Source::Candidate(wished), at.saturating_add(ripe).saturating_sub(100)),
                request(Source::Candidate(1 - wished), 0),
            ];
            let played = play(&mut seam, &requests, &sources, samples);
            prop_assert_eq!(seam.position(), at + samples as u64);
            out.extend(played);
        }
        // From 2 to 0 over half a fade, on top of a step of the same height that fades away.
        let steepest = 2.0 / fade.div_ceil(2) as f64 + 2.0 / fade as f64;
        prop_assert!(largest_step(&out) <= steepest + 1e-9, "{} over {steepest}", largest_step(&out));
    }
}

#[test]
fn gains_sum_to_one_however_often_a_fade_is_interrupted() {
    let mut mix = Mix::default();
    mix.cut(0, Source::Input);
    mix.fade(0..100, Source::Candidate(0));
    mix.fade(30..130, Source::Candidate(1));
    mix.fade(60..70, Source::Input);
    for at in 60..80 {
        let t = mix.progress(at);
        let sum: f64 = mix.gains.iter().map(|it| it.from + (it.to - it.from) * t).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum} at {at}");
    }
    assert_eq!(mix.target(), Some(Source::Input));
    mix.settle(70);
    assert_eq!(mix.gains.len(), 1);
}
